/** Password hashing and nothing else: argon2id as the platform does it, as many at a time as there are cores. */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hashRaw } from '@node-rs/argon2';
import { HASH_LENGTH, PARAMETERS, SALT_LENGTH } from '../../../shared/passwords/parameters.ts';
import { serve } from '../processes.ts';

const ARGON2ID = 2;
const { memory, passes, parallelism } = PARAMETERS;
const hash = () =>
  hashRaw('the-password-of-everybody-here', {
    algorithm: ARGON2ID,
    memoryCost: memory,
    timeCost: passes,
    parallelism,
    outputLen: HASH_LENGTH,
    salt: randomBytes(SALT_LENGTH),
  });

serve(async ({ seconds }: { seconds: number }) => {
  const started = performance.now();
  const end = started + seconds * 1_000;
  let hashes = 0;
  const lane = async (): Promise<void> => {
    for (; performance.now() < end; hashes += 1) await hash();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  return (hashes / (performance.now() - started)) * 1_000;
});
