/** The first start gives a developer an administrator and a service token, in a file that only its owner reads. */
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { assignRole } from '../../functions/permissions/assign-role.ts';
import { checkPassword } from '../../functions/users/check-password.ts';
import { createUser } from '../../functions/users/create-user.ts';
import { findAccount } from '../../functions/users/find-account.ts';
import type { Context } from '../../shared/context.ts';
import type { Host } from '../../shared/invoke.ts';
import { createPrivateFile, readPrivateFile } from '../../shared/keys/private-file.ts';
import { toServiceCredentialWrite } from '../../shared/keys/service-tokens.ts';
import { WriteConflict } from '../../shared/ports/store.ts';
import { continueTrace } from '../../shared/tracing/trace.ts';

export interface DevCredentials {
  admin: { email: string; password: string };
  service_token: string;
}

const random = (bytes: number): string => randomBytes(bytes).toString('base64url');

/** Reads `dev-credentials.json` of the data folder, or writes it. Of two starts at once one writes and both read it. */
export const devCredentials = (dataDir: string): DevCredentials => {
  const file = join(dataDir, 'dev-credentials.json');
  if (readPrivateFile(file) === undefined) {
    const made: DevCredentials = {
      admin: { email: 'admin@perfect21.local', password: random(18) },
      service_token: `p21s_${randomUUID()}_${random(32)}`,
    };
    createPrivateFile(file, `${JSON.stringify(made, null, 2)}\n`);
  }
  return JSON.parse(readPrivateFile(file) ?? '') as DevCredentials;
};

/**
 * Sees to it that the store knows the credentials: also after a start that ended half way, or on an emptied store.
 *
 * Where users and permissions run apart, the one that starts last completes the administrator.
 */
export const seedDevCredentials = async (
  host: Host,
  { admin, service_token }: DevCredentials,
  services: readonly string[],
): Promise<void> => {
  const { ids, store, clock, log } = host.ports;
  const credential = { name: 'developer', permissions: ['*:*:*'], created_at: clock.now() };
  await store.transact([toServiceCredentialWrite(service_token, credential)]).catch((thrown) => {
    if (!(thrown instanceof WriteConflict)) throw thrown;
  });
  if (!services.includes('users') && !services.includes('permissions')) return;

  const context: Context = {
    request_id: ids.uuid(),
    trace: continueTrace(),
    caller: { kind: 'service', name: 'platform', permissions: ['*:*:*'] },
    client: {},
    door: 'local',
  };
  const account = async () =>
    (await host.call(findAccount, { identifier: admin.email }, context)) as { user_id?: string };
  try {
    if (services.includes('users') && !(await account()).user_id) {
      const input = { ...admin, ip_address: '', user_agent: 'first start', verified: true };
      await host.call(createUser, input, context);
    }
    const { user_id } = await account();
    if (!user_id) return;
    // whoever else has this address is no administrator for that
    const proof = { user_id, password: admin.password };
    const { matches } = (await host.call(checkPassword, proof, context)) as { matches: boolean };
    if (matches) await host.call(assignRole, { user_id, role: 'admin' }, context);
    else
      log.warn('seed.other_password', {
        detail: 'dev-credentials.json does not hold the password of its administrator',
      });
  } catch (cause) {
    if (services.includes('users') && services.includes('permissions')) throw cause;
    log.warn('seed.incomplete', { cause });
  }
};
