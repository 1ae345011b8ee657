/** `keys rotate`: a new signing key, with an overlap. */
import { readKeyFile, rotateKeys } from '../../../shared/keys/key-file.ts';
import { kmsIds } from '../../../shared/keys/kms-keys.ts';
import { makeNextKmsKey } from '../../../shared/keys/kms-rotation.ts';
import { pendingKey } from '../../../shared/keys/rotation.ts';
import type { Command } from '../command.ts';
import type { Operator } from '../operator.ts';
import { Refusal } from '../refusal.ts';

/** What follows in a deployment that signs with KMS, for people. */
const kmsPlan = (present: string, next: string): string => `${next} is made. Deploy three times:
  now               PERFECT21_SIGNING_KEYS=${present},${next}   it is published
  an hour later     PERFECT21_SIGNING_KEYS=${next},${present}   it signs
  two hours later   PERFECT21_SIGNING_KEYS=${next}   tokens of the former one have ended
Processes have the same lists in KEYS_URL=kms:…`;

const rotateKmsKey = async (ids: readonly string[], { out }: Operator): Promise<number> => {
  if (ids.length !== 1) {
    throw new Refusal(
      'KEYS_URL names several keys: a rotation is under way. The new one comes to the front an hour after it was published, ' +
        'and the former one leaves two hours after that',
    );
  }
  const { present, next } = await makeNextKmsKey(ids[0]!);
  out.row({ present, next, publish: `${present},${next}`, sign: `${next},${present}` }, kmsPlan(present, next));
  return 0;
};

const rotateKey: Command = {
  name: 'keys rotate',
  summary: 'Makes the next signing key: published now, signing in an hour. Nobody has to log in again.',
  details: [
    'In a key file processes take it up by themselves; tokens of the present key verify until the last is over.',
    'Of KEYS_URL=kms:<key> it makes a key of the same kind in KMS and says which three deployments follow.',
    'Does nothing while an earlier rotation is under way.',
  ],
  run: async (operator) => {
    const { keys } = operator.config;
    if (keys.source === 'kms') return rotateKmsKey(kmsIds(keys.key_id), operator);
    if (keys.source !== 'file') throw new Refusal('KEYS_URL only verifies: rotate where the tokens are signed');
    const { clock } = await operator.light();
    await rotateKeys(keys.file, clock);
    const next = pendingKey(readKeyFile(keys.file) ?? [], clock.now());
    if (!next) throw new Refusal('the present key signs no more, so the new one signs at once');
    const from = new Date(next.signs_from).toISOString();
    operator.out.row({ kid: next.kid, signs_from: from }, `${next.kid} is published and signs from ${from} on`);
    return 0;
  },
};

export const keyCommands: readonly Command[] = [rotateKey];
