/** What of a login is remembered, to tell the next ones from it: marks, which nobody reads an address or a device from. */
import { counterKey } from '../../shared/kit/counter-key.ts';
import { networkPrefix } from '../../shared/kit/network.ts';
import type { Place } from '../../shared/ports/places.ts';
import type { Secrets } from '../../shared/ports/secrets.ts';
import type { Client } from './model.ts';
import type { Usual } from './risk.ts';

/** Networks and devices of a user that are known; the one that was used least lately goes first. */
const REMEMBERED = 20;

/** The marks of a client, by user: the same device of two people has two. Empty where nothing is known. */
export const marksOf = (secrets: Secrets, user_id: string, client: Client): { network: string; device: string } => {
  const mark = (kind: string, ...of: string[]) => counterKey(secrets, kind, user_id, ...of).slice(0, 16);
  const network = networkPrefix(client.ip_address);
  const { user_agent, device_info } = client;
  return {
    network: network && mark('network', network),
    device: user_agent || device_info?.device_id ? mark('device', user_agent, device_info?.device_id ?? '') : '',
  };
};

const latest = (held: readonly string[], mark: string): string[] =>
  mark ? [...held.filter((each) => each !== mark), mark].slice(-REMEMBERED) : [...held];

/** What is usual after a login. A place is blurred to a tenth of a degree, and kept where the new one is not known. */
export const usualAfter = (
  usual: Usual | undefined,
  login: { network: string; device: string; place?: Place | undefined; at: number },
): Usual => {
  const { place, at } = login;
  const blurred = (degrees: number | undefined) => (degrees === undefined ? undefined : Math.round(degrees * 10) / 10);
  const kept = place && { ...place, latitude: blurred(place.latitude), longitude: blurred(place.longitude) };
  return {
    networks: latest(usual?.networks ?? [], login.network),
    devices: latest(usual?.devices ?? [], login.device),
    last: kept ? { at, place: kept as Place } : (usual?.last ?? { at }),
  };
};
