/** The packaged functions, which several files of a run look at: made once, by whoever comes first. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverlessPackage } from '../../infra/package.ts';

const isTaken = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EEXIST';

/** What became of it, as soon as whoever makes it says so. */
const outcomeIn = async (file: string): Promise<string> => {
  for (;;) {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      await sleep(100);
    }
  }
};

/** Resolves when `.serverless` is whole. @throws Error with what the tool said when it failed, to each that asks */
export const packaged = async (): Promise<void> => {
  const shared = process.env.PERFECT21_TEST_SHARED;
  if (shared === undefined) return void (await serverlessPackage());
  const made = join(shared, 'packaged');
  try {
    mkdirSync(join(shared, 'packaging'));
  } catch (error) {
    if (!isTaken(error)) throw error;
    const failure = await outcomeIn(made);
    if (failure !== '') throw new Error(failure);
    return;
  }
  const failure = await serverlessPackage().then(
    () => '',
    (error: Error) => `it was not packaged: ${error.message}`,
  );
  // by its name only when it is written
  writeFileSync(`${made}.new`, failure);
  renameSync(`${made}.new`, made);
  if (failure !== '') throw new Error(failure);
};
