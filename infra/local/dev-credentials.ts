/** The first start gives a developer an administrator and a service token, in a file that only its owner reads. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { assignRole } from '../../functions/permissions/assign-role.ts';
import { checkPassword } from '../../functions/users/check-password.ts';
import { createUser } from '../../functions/users/create-user.ts';
import { findAccount } from '../../functions/users/find-account.ts';
import { getAccount } from '../../functions/users/get-account.ts';
import { StartError } from '../../shared/config/start-error.ts';
import { createPrivateFile, readPrivateFile, replacePrivateFile } from '../../shared/keys/private-file.ts';
import {
  isServiceToken,
  serviceCredentials,
  serviceIdIn,
  toServiceCredentialWrite,
} from '../../shared/keys/service-credential-records.ts';
import type { Context } from '../../shared/kit/context.ts';
import { AppError } from '../../shared/kit/errors.ts';
import type { Host } from '../../shared/kit/invoke.ts';
import { continueTrace } from '../../shared/kit/trace.ts';
import { WriteConflict } from '../../shared/ports/store.ts';

const Form = z.object({
  admin: z.object({ email: z.string().min(1), password: z.string() }),
  service_token: z.string().refine(isServiceToken),
});

/** Without a password (`''`) where the administrator is older than the file. */
export type DevCredentials = z.output<typeof Form>;

const random = (bytes: number): string => randomBytes(bytes).toString('base64url');

const fileIn = (dataDir: string): string => join(dataDir, 'dev-credentials.json');
const render = (credentials: DevCredentials): string => `${JSON.stringify(credentials, null, 2)}\n`;
/** The file of credentials that this process made: a password in it that opens nothing is taken out again. */
const made = new WeakMap<DevCredentials, string>();

const parse = (file: string, content: string): DevCredentials => {
  try {
    return Form.parse(JSON.parse(content), { jitless: true });
  } catch (cause) {
    const what = 'holds no credentials (admin.email, admin.password, service_token)';
    throw new StartError(`${file} ${what}: restore it, or remove it for new ones`, { cause });
  }
};

/**
 * Reads `dev-credentials.json` of the data folder, or writes it. Of two starts at once one writes and both read it.
 *
 * @throws StartError when it is there and holds something else
 */
export const devCredentials = (dataDir: string, { PERFECT21_PASSWORD_MIN_LENGTH: least = 0 } = {}): DevCredentials => {
  const file = fileIn(dataDir);
  const found = readPrivateFile(file);
  if (found !== undefined) return parse(file, found);
  const fresh: DevCredentials = {
    admin: { email: 'admin@perfect21.local', password: random(Math.max(18, Math.ceil((least * 3) / 4))) },
    service_token: `p21s_${randomUUID()}_${random(32)}`,
  };
  createPrivateFile(file, render(fresh));
  const written = parse(file, readPrivateFile(file) ?? '');
  if (written.admin.password === fresh.admin.password) made.set(written, file);
  return written;
};

/** Comparing a password costs more than the rest of a start, so it is noted of which account it held last. */
const provenIn = (dataDir: string): string => join(dataDir, 'dev-credentials.proven');
const proofOf = (user_id: string, { generation }: { generation: number }, password: string): string =>
  createHash('sha256')
    .update(JSON.stringify([user_id, generation, password]))
    .digest('base64url');

type Matches = { matches: boolean };
const NO_PASSWORD = 'dev-credentials.json holds no password for a new administrator: remove it for new ones';
const otherPassword = (email: string): string =>
  `dev-credentials.json does not hold the password of ${email}: whoever lost it has a new one mailed by POST /api/v1/auth/password/forgot`;

/** What is left when the store knows the service token. */
interface Rest {
  /** Makes the administrator. Throws where that fails. */
  complete(): Promise<void>;
  /** An earlier start came to its end with these credentials: the rest only says once more what was so then. */
  known: boolean;
}

/**
 * Sees to it that the store knows the service token, and says how the administrator is made: also after a start that ended
 * half way, or on an emptied store.
 *
 * `dataDir`: where it is noted that the password was compared, until it changes. Where users and permissions run apart, the
 * one that starts last completes the administrator.
 *
 * @returns undefined where this process has no part in the administrator
 */
export const beginDevCredentials = async (
  host: Host,
  credentials: DevCredentials,
  services: readonly string[],
  dataDir?: string,
): Promise<Rest | undefined> => {
  const { admin, service_token } = credentials;
  const { ids, store, clock, log } = host.ports;
  let proof = dataDir && readPrivateFile(provenIn(dataDir));
  if (!(await store.get(serviceCredentials, serviceIdIn(service_token)!))) {
    // of other credentials or another store; it must be gone before there is a token, for a start may end at any time
    if (proof !== undefined) rmSync(provenIn(dataDir!), { force: true });
    proof = undefined;
    const credential = { name: 'developer', permissions: ['*:*:*'], created_at: clock.now() };
    await store.transact([toServiceCredentialWrite(service_token, credential)]).catch((thrown) => {
      // another process that starts beside this one
      if (!(thrown instanceof WriteConflict)) throw thrown;
    });
  }
  if (!services.includes('users') && !services.includes('permissions')) return undefined;

  const context: Context = {
    request_id: ids.uuid(),
    trace: continueTrace(),
    caller: { kind: 'service', name: 'platform', permissions: ['*:*:*'] },
    client: {},
    door: 'local',
  };
  const account = async () =>
    (await host.call(findAccount, { identifier: admin.email }, context)) as { user_id?: string };
  const complete = async (): Promise<void> => {
    if (services.includes('users') && admin.password && !(await account()).user_id) {
      const input = { ...admin, ip_address: '', user_agent: 'first start', verified: true };
      await host.call(createUser, input, context);
    }
    const { user_id } = await account();
    if (!user_id) {
      if (!admin.password) log.warn('seed.no_administrator', { detail: NO_PASSWORD });
      else if (services.includes('users')) throw new AppError('unavailable', { cause: new Error('none was made') });
      return;
    }
    // whoever else has this address is no administrator for that
    const { password } = admin;
    const ask = async () => ((await host.call(checkPassword, { user_id, password }, context)) as Matches).matches;
    const now = (await host.call(getAccount, { user_id }, context)) as { generation: number };
    const own = proofOf(user_id, now, password);
    const proven = dataDir && password && readPrivateFile(provenIn(dataDir)) === own;
    const matches = proven || (password && (await ask()));
    if (matches && dataDir && !proven) replacePrivateFile(provenIn(dataDir), own);
    if (matches) await host.call(assignRole, { user_id, role: 'admin' }, context);
    else {
      const file = made.get(credentials);
      if (file) replacePrivateFile(file, render({ ...credentials, admin: { ...admin, password: '' } }));
      log.warn('seed.other_password', { detail: otherPassword(admin.email) });
    }
  };
  return { complete, known: !!admin.password && !!proof };
};

/** Does all of it. Throws where the administrator can't be made, but not for a service that runs apart and is away. */
export const seedDevCredentials = async (
  host: Host,
  credentials: DevCredentials,
  services: readonly string[],
  dataDir?: string,
): Promise<void> => {
  const rest = await beginDevCredentials(host, credentials, services, dataDir);
  await rest?.complete().catch((cause) => {
    if (services.includes('users') && services.includes('permissions')) throw cause;
    host.ports.log.warn('seed.incomplete', { cause });
  });
};
