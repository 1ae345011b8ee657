/** `keys rotate`, `secret rotate` and `secret retire`: a new signing key and a new master secret, with an overlap. */
import { resealSeeds } from '../../../functions/auth/reseal.ts';
import { SECRETS_MANAGER, secretsIn } from '../../../shared/config/keys.ts';
import { readKeyFile, rotateKeys } from '../../../shared/keys/key-file.ts';
import { readPrivateFile, replacePrivateFile } from '../../../shared/keys/private-file.ts';
import { pendingKey } from '../../../shared/keys/rotation.ts';
import { createSecrets, makeSecret, secretFile } from '../../../shared/keys/secrets.ts';
import { createVault } from '../../../shared/keys/vault.ts';
import type { Command } from '../command.ts';
import type { Operator } from '../operator.ts';
import { Refusal } from '../refusal.ts';

const KMS =
  'the keys are in KMS: make one there (aws kms create-key --key-usage SIGN_VERIFY --key-spec RSA_2048), set ' +
  'KEYS_URL=kms:<old>,<new>, an hour later KEYS_URL=kms:<new>,<old>, and two hours later kms:<new>';

const rotateKey: Command = {
  name: 'keys rotate',
  summary: 'Adds the next signing key to the file: published now, signing in an hour. Nobody has to log in again.',
  details: [
    'Processes take it up by themselves; tokens of the present key verify until the last is over.',
    'Does nothing while an earlier rotation is under way. Of keys in KMS it says how to rotate them.',
  ],
  run: async ({ config: { keys }, light, out }) => {
    if (keys.source === 'kms') throw new Refusal(KMS);
    if (keys.source !== 'file') throw new Refusal('KEYS_URL only verifies: rotate where the tokens are signed');
    const { clock } = await light();
    await rotateKeys(keys.file, clock);
    const next = pendingKey(readKeyFile(keys.file) ?? [], clock.now());
    if (!next) throw new Refusal('the present key signs no more, so the new one signs at once');
    const from = new Date(next.signs_from).toISOString();
    out.row({ kid: next.kid, signs_from: from }, `${next.kid} is published and signs from ${from} on`);
    return 0;
  },
};

/** The secrets of the data folder, and how to change them. */
const secretsOf = ({ config: { data_dir } }: Operator) => {
  // the configuration of a command holds one for itself where there is none
  const secret = process.env.PERFECT21_SECRET;
  const elsewhere = secret?.startsWith(SECRETS_MANAGER) ? 'Secrets Manager' : secret && 'PERFECT21_SECRET';
  const file = secretFile(data_dir);
  const content = elsewhere ? undefined : readPrivateFile(file);
  if (!elsewhere && content === undefined) throw new Refusal(`${file} does not exist: start perfect21 once to make it`);
  const write = (secrets: readonly string[]): void => replacePrivateFile(file, `${secrets.join('\n')}\n`);
  return { elsewhere, held: content === undefined ? [] : secretsIn(content), write, file };
};

const rotateSecret: Command = {
  name: 'secret rotate',
  summary: 'Puts a new master secret before the present one, which still opens what it sealed.',
  details: [
    'In a data folder it does so; then restart the processes. Of a secret that stands in PERFECT21_SECRET or Secrets',
    'Manager it makes a new one and says where it belongs.',
  ],
  run: async (operator) => {
    const { elsewhere, held, write, file } = secretsOf(operator);
    const made = makeSecret();
    if (elsewhere) {
      const how = `append it to ${elsewhere} behind a comma and restart all processes; then move it to the front and restart again`;
      operator.out.row({ secret: made, belongs_in: elsewhere }, `new secret, shown once: ${made}\n${how}`);
      return 0;
    }
    write([made, ...held]);
    operator.out.row({ file, secrets: held.length + 1 }, `${file} holds ${held.length + 1} secrets: restart perfect21`);
    return 0;
  },
};

const retireSecret: Command = {
  name: 'secret retire',
  summary: 'Drops all master secrets of the data folder but the newest: what older ones sealed opens no more.',
  details: [
    'Refresh tokens live 30 days after a login: whoever holds one of an older secret then logs in anew.',
    'Seeds of second factors that an older one sealed are sealed anew first, wherever the secrets stand.',
  ],
  run: async (operator) => {
    const { elsewhere, held, write, file } = secretsOf(operator);
    const [newest, ...older] = held;
    const vault = newest ? createVault(createSecrets(newest, ...older)) : await operator.port('vault');
    // one that is left out opens no more: without the store nothing is retired
    const resealed = vault.former.length ? await resealSeeds(await operator.store(), vault) : 0;
    if (elsewhere) {
      const done = `${resealed} seeds were sealed anew`;
      throw new Refusal(`${done}; the secrets stand in ${elsewhere}: take all but the first out there`);
    }
    write(held.slice(0, 1));
    const retired = held.length - 1;
    operator.out.row({ file, retired, resealed }, `${retired} retired from ${file}: restart perfect21`);
    return 0;
  },
};

export const rotationCommands: readonly Command[] = [rotateKey, rotateSecret, retireSecret];
