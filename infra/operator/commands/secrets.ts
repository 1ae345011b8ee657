/** `secret rotate`, `secret promote` and `secret retire`: a new master secret, with an overlap, wherever it stands. */
import { resealSeeds } from '../../../functions/auth/reseal.ts';
import { SECRETS_MANAGER, secretsIn } from '../../../shared/config/keys.ts';
import { openAwsSecrets } from '../../../shared/keys/aws-secret.ts';
import { readPrivateFile, replacePrivateFile } from '../../../shared/keys/private-file.ts';
import { createSecrets, makeSecret, secretFile } from '../../../shared/keys/secrets.ts';
import { createVault } from '../../../shared/keys/vault.ts';
import { AppError } from '../../../shared/kit/errors.ts';
import type { Command } from '../command.ts';
import type { Operator } from '../operator.ts';
import { Refusal } from '../refusal.ts';

/** Where secrets stand that this command may change. */
interface Place {
  name: string;
  held: readonly string[];
  /** Whether several processes share it, so that all have to know a secret before one seals with it. */
  shared: boolean;
  waiting: boolean;
  replace(secrets: readonly string[]): Promise<void> | void;
}

const RESTART = { folder: 'restart perfect21', aws: 'restart all processes (functions: npm run deploy -- --force)' };

/** What Secrets Manager does; that it is away is said in its name. */
const asked = async <T>(work: Promise<T>): Promise<T> =>
  work.catch((thrown: unknown) => {
    if (!(thrown instanceof AppError)) throw thrown;
    const { message } = (thrown.cause ?? thrown) as Error;
    throw new Refusal(`Secrets Manager is away: ${message}`);
  });

/** The place of the secrets; undefined where only the operator can write: in the variable itself. */
const placeOf = async ({ config: { data_dir } }: Operator): Promise<Place | undefined> => {
  // the configuration of a command holds one for itself where there is none
  const secret = process.env.PERFECT21_SECRET;
  if (secret?.startsWith(SECRETS_MANAGER)) {
    const { held, waiting, replace } = await asked(openAwsSecrets(secret.slice(SECRETS_MANAGER.length)));
    return { name: 'Secrets Manager', held, waiting, shared: true, replace: (secrets) => asked(replace(secrets)) };
  }
  if (secret) return undefined;
  const file = secretFile(data_dir);
  const content = readPrivateFile(file);
  if (content === undefined) throw new Refusal(`${file} does not exist: start perfect21 once to make it`);
  return {
    name: file,
    held: secretsIn(content),
    shared: false,
    waiting: false,
    replace: (secrets) => replacePrivateFile(file, `${secrets.join('\n')}\n`),
  };
};

const NOT_YET =
  'a new secret waits in Secrets Manager: when all processes were restarted, "perfect21 secret promote" moves it to the front';

const rotateSecret: Command = {
  name: 'secret rotate',
  summary: 'Adds a new master secret to the present one, which still opens what it sealed.',
  details: [
    'In a data folder the new one is the first at once; then restart the processes. In Secrets Manager (PERFECT21_SECRET=',
    'secretsmanager:<id>) it is added behind, as functions that run know only the old ones: restart all, then',
    '"secret promote". Of secrets in PERFECT21_SECRET itself it makes a new one and says where it belongs.',
  ],
  run: async (operator) => {
    const { out } = operator;
    const place = await placeOf(operator);
    const made = makeSecret();
    if (!place) {
      const how =
        'append it to PERFECT21_SECRET behind a comma and restart all processes; then move it to the front and restart again';
      out.row({ secret: made, belongs_in: 'PERFECT21_SECRET' }, `new secret, shown once: ${made}\n${how}`);
      return 0;
    }
    const { name, held, shared, waiting, replace } = place;
    if (waiting) throw new Refusal(NOT_YET);
    await replace(shared ? [...held, made] : [made, ...held]);
    const secrets = held.length + 1;
    const then = shared ? `${RESTART.aws}, then run "perfect21 secret promote"` : RESTART.folder;
    out.row({ in: name, secrets }, `${name} holds ${secrets} secrets: ${then}`);
    return 0;
  },
};

const promoteSecret: Command = {
  name: 'secret promote',
  summary: 'Moves the secret that "secret rotate" added in Secrets Manager to the front: from now on it seals.',
  details: ['Only when all processes were restarted since: one that does not know it opens nothing that it sealed.'],
  run: async (operator) => {
    const place = await placeOf(operator);
    if (!place) throw new Refusal('the secrets stand in PERFECT21_SECRET: move the new one to the front there');
    const { name, held, waiting, replace } = place;
    if (!waiting) throw new Refusal(`no new secret waits in ${name}`);
    await replace([held.at(-1)!, ...held.slice(0, -1)]);
    operator.out.row({ in: name, secrets: held.length }, `the new secret seals: ${RESTART.aws}`);
    return 0;
  },
};

const resealSecret: Command = {
  name: 'secret reseal',
  summary:
    'Seals seeds of second factors anew under the newest key: of the master secrets, or of KMS where VAULT names keys.',
  details: [
    'Run it after a change of VAULT, or of its keys, before an older one is taken out. It may run beside the platform.',
  ],
  run: async (operator) => {
    const resealed = await resealSeeds(await operator.store(), await operator.port('vault'));
    operator.out.row({ resealed }, `${resealed} seeds were sealed anew`);
    return 0;
  },
};

const retireSecret: Command = {
  name: 'secret retire',
  summary: 'Drops all master secrets but the newest: what older ones sealed opens no more.',
  details: [
    'Refresh tokens live 30 days after a login: whoever holds one of an older secret then logs in anew.',
    'Seeds of second factors that an older one sealed are sealed anew first, wherever the secrets stand.',
  ],
  run: async (operator) => {
    const place = await placeOf(operator);
    if (place?.waiting) throw new Refusal(NOT_YET);
    const [newest, ...older] = place?.held ?? [];
    const vault = newest ? createVault(createSecrets(newest, ...older)) : await operator.port('vault');
    // one that is left out opens no more: without the store nothing is retired
    const resealed = vault.former.length ? await resealSeeds(await operator.store(), vault) : 0;
    if (!place) {
      const done = `${resealed} seeds were sealed anew`;
      throw new Refusal(`${done}; the secrets stand in PERFECT21_SECRET: take all but the first out there`);
    }
    const { name, held, shared, replace } = place;
    const retired = held.length - 1;
    if (retired) await replace(held.slice(0, 1));
    const then = shared ? RESTART.aws : RESTART.folder;
    operator.out.row({ in: name, retired, resealed }, `${retired} retired from ${name}: ${then}`);
    return 0;
  },
};

export const secretCommands: readonly Command[] = [rotateSecret, promoteSecret, resealSecret, retireSecret];
