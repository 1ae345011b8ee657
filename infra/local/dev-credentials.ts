/** The first start gives a developer an administrator and a service token, in a file that only its owner reads. */
import { join } from 'node:path';
import { assignRole } from '../../functions/permissions/assign-role.ts';
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

/**
 * Reads `dev-credentials.json` of the data folder, or writes it, and sees to it that the store knows what stands there:
 * also after a start that ended half way, with two starts at once, or on an emptied store.
 */
export const devCredentials = async (host: Host, dataDir: string): Promise<DevCredentials> => {
  const { ids, store, clock } = host.ports;
  const file = join(dataDir, 'dev-credentials.json');
  if (readPrivateFile(file) === undefined) {
    const made: DevCredentials = {
      admin: { email: 'admin@perfect21.local', password: ids.random(18) },
      service_token: `p21s_${ids.uuid()}_${ids.random(32)}`,
    };
    createPrivateFile(file, `${JSON.stringify(made, null, 2)}\n`);
  }
  // of two starts at once one wrote the file, and both read it
  const credentials: DevCredentials = JSON.parse(readPrivateFile(file) ?? '');
  const { admin, service_token } = credentials;

  const context: Context = {
    request_id: ids.uuid(),
    trace: continueTrace(),
    caller: { kind: 'service', name: 'platform', permissions: ['*:*:*'] },
    client: {},
    door: 'local',
  };
  const account = (await host.call(findAccount, { identifier: admin.email }, context)) as { user_id?: string };
  if (!account.user_id) {
    const input = { ...admin, ip_address: '', user_agent: 'first start', verified: true };
    const created = (await host.call(createUser, input, context)) as { user_id?: string };
    if (created.user_id) await host.call(assignRole, { user_id: created.user_id, role: 'admin' }, context);
  } else {
    await host.call(assignRole, { user_id: account.user_id, role: 'admin' }, context);
  }
  const credential = { name: 'developer', permissions: ['*:*:*'], created_at: clock.now() };
  await store.transact([toServiceCredentialWrite(service_token, credential)]).catch((thrown) => {
    if (!(thrown instanceof WriteConflict)) throw thrown;
  });
  return credentials;
};
