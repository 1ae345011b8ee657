/** The file of signing keys: a private JWK Set with the times of each key, mode 0600. */
import * as z from 'zod';
import { StartError } from '../config/start-error.ts';
import type { Clock } from '../ports/clock.ts';
import { generateJwk, KID, readVerificationKey, type SigningAlg } from './jwk.ts';
import { createPrivateFile, readPrivateFile, replacePrivateFile } from './private-file.ts';
import { firstKey, rotate, type SigningKey, signingKey, withdraw } from './rotation.ts';

const time = z.number().int().nonnegative();
const KeyFile = z.strictObject({
  keys: z
    .array(
      z.strictObject({
        kid: z.string().regex(KID),
        alg: z.enum(['RS256', 'ES256', 'EdDSA']),
        jwk: z.looseObject({ kty: z.string(), d: z.string() }),
        created_at: time,
        signs_from: time,
        retires_at: time.optional(),
      }),
    )
    .min(1)
    .refine((keys) => new Set(keys.map(({ kid }) => kid)).size === keys.length, 'a kid stands twice')
    .refine(
      (keys) => keys.every(({ kid, alg, jwk }) => readVerificationKey({ ...jwk, kid, alg })),
      'a key does not fit its algorithm',
    ),
});

const render = (keys: readonly SigningKey[]): string => `${JSON.stringify({ keys }, null, 2)}\n`;
const absent = (file: string) => new StartError(`${file} does not exist: start perfect21 once to create it`);

/** Reads the keys; undefined when there is no file. Throws StartError for a file that is not as it should be. */
export const readKeyFile = (file: string): SigningKey[] | undefined => {
  const content = readPrivateFile(file);
  if (content === undefined) return undefined;
  try {
    return KeyFile.parse(JSON.parse(content), { jitless: true }).keys as SigningKey[];
  } catch (thrown) {
    const why = thrown instanceof z.ZodError ? thrown.issues[0]!.message : 'not JSON';
    throw new StartError(
      `${file} is no set of signing keys (${why}): restore it, or remove it to start with a new key`,
    );
  }
};

/** First keys that this process is making, by file: both halves of the keys are opened side by side. */
const making = new Map<string, Promise<void>>();

const make = async (file: string, alg: SigningAlg, clock: Clock): Promise<void> =>
  createPrivateFile(file, render(firstKey({ alg, ...(await generateJwk(alg)) }, clock.now())));

/** Reads the keys, after making the first one if there is no file. Processes that start together agree on one. */
export const openKeyFile = async (file: string, alg: SigningAlg, clock: Clock): Promise<SigningKey[]> => {
  const found = readKeyFile(file);
  if (found) return found;
  if (!making.has(file))
    making.set(
      file,
      make(file, alg, clock).finally(() => making.delete(file)),
    );
  await making.get(file);
  return readKeyFile(file)!;
};

/**
 * Adds the next signing key to the file: published now, signing in an hour. Processes that use the file take it up by
 * themselves. Does nothing while an earlier rotation is under way.
 *
 * No lock: of two processes that rotate at once the later one wins, and the key of the other has signed nothing yet.
 *
 * @param alg of the new key; that of the present one when left out
 */
export const rotateKeys = async (file: string, clock: Clock, alg?: SigningAlg): Promise<void> => {
  const before = readKeyFile(file);
  if (!before) throw absent(file);
  const wanted = alg ?? signingKey(before, clock.now())?.alg ?? before[0]!.alg;
  const next = { alg: wanted, ...(await generateJwk(wanted)) };
  // read again: making a key takes time, and another process may have been faster
  replacePrivateFile(file, render(rotate(readKeyFile(file) ?? before, next, clock.now())));
};

/** Takes a disclosed key out of the file at once; every token it signed is refused from then on. */
export const withdrawKey = async (file: string, kid: string, clock: Clock): Promise<void> => {
  const before = readKeyFile(file);
  if (!before) throw absent(file);
  const { alg } = before.find((key) => key.kid === kid) ?? before[0]!;
  const next = { alg, ...(await generateJwk(alg)) };
  replacePrivateFile(file, render(withdraw(readKeyFile(file) ?? before, kid, next, clock.now())));
};
