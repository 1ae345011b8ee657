/** What a service is called wherever it is told of: events, metrics, traces, registries. */
import { SERVICES } from '../config/generated/service-names.ts';

/**
 * The name of a service by its folder; a folder without one, as in a test, is a name itself.
 *
 * @example serviceName('auth') // 'auth-service'
 */
export const serviceName = (folder: string): string => (SERVICES as Readonly<Record<string, string>>)[folder] ?? folder;

/** The name of the service whose operation this is. @example serviceOf(findAccount) // 'user-service' */
export const serviceOf = ({ name }: { readonly name: string }): string => serviceName(name.slice(0, name.indexOf('.')));
