/** What a start leaves to the first call, or to when the process has time: every call waits until it is done. */
import { AppError } from '../kit/errors.ts';
import { later, takeBack } from '../kit/late.ts';
import type { OpenHost } from './host.ts';

/**
 * A host whose calls come after this work. The work is done on `host` itself, where nothing waits.
 *
 * Where it fails, a call is refused as `unavailable`, and the next one tries again.
 *
 * @returns `stop` lets none of it begin by itself, and resolves when none is under way
 * @example const { host, stop } = callsAfter(opened, async () => void (await opened.call(createUser, admin, context)));
 */
export const callsAfter = (
  host: OpenHost,
  work: () => Promise<void>,
): { host: OpenHost; stop: () => Promise<void> } => {
  const waiting: OpenHost = { ...host };
  let working: Promise<void> | undefined;
  const begin = async (): Promise<void> => {
    whenIdle();
    working ??= work().then(
      () => {
        waiting.first = undefined;
      },
      (cause) => {
        working = undefined;
        throw new AppError('unavailable', { cause });
      },
    );
    await working;
  };
  const whenIdle = later(() => {
    begin().catch((cause) => host.ports.log.warn('seed.incomplete', { cause }));
  });
  waiting.first = begin;
  const stop = async (): Promise<void> => {
    takeBack(whenIdle);
    await working?.catch(() => {});
  };
  return { host: waiting, stop };
};
