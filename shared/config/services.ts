/** The services of the platform, and which of them a process runs. */
import { SERVICES } from './generated/service-names.ts';
import { StartError } from './start-error.ts';

export type ServiceName = keyof typeof SERVICES;
export const SERVICE_NAMES = Object.keys(SERVICES) as readonly ServiceName[];

/** The HTTP port of a service that runs alone. */
export const OWN_PORT: Record<ServiceName, number> = {
  auth: 8080,
  users: 8081,
  permissions: 8082,
  sessions: 8083,
  notifications: 8084,
};

/** Reads a comma list of services; all of them when it is left out. */
export const servicesOf = (list: string | undefined, variable = 'PERFECT21_SERVICES'): readonly ServiceName[] => {
  if (!list) return SERVICE_NAMES;
  const names = list
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  for (const name of names) {
    if (!(SERVICE_NAMES as readonly string[]).includes(name)) {
      throw new StartError(`${variable}: there is no service "${name}": choose from ${SERVICE_NAMES.join(', ')}`);
    }
  }
  if (names.length === 0) throw new StartError(`${variable} names no service: choose from ${SERVICE_NAMES.join(', ')}`);
  return names as ServiceName[];
};
