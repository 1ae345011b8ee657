/** What a start leaves to the first call, or to when the process has time: every call waits until it is done. */
import { AppError } from '../kit/errors.ts';
import { later, takeBack } from '../kit/late.ts';
import type { OpenHost } from './host.ts';

/** Ms after a failure in which calls are refused without another try: callers must not drive the tries. */
const AGAIN_MS = 1_000;

/**
 * A host whose calls come after this work. The work is done on `host` itself, where nothing waits.
 *
 * Where it fails, a call is refused as `unavailable`, and one that comes a second later tries again.
 *
 * @returns `stop` lets none of it begin by itself, and resolves when none is under way
 * @example const { host, stop } = callsAfter(opened, async () => void (await opened.call(createUser, admin, context)));
 */
export const callsAfter = (
  host: OpenHost,
  work: () => Promise<void>,
): { host: OpenHost; stop: () => Promise<void> } => {
  // what a door calls besides is no call of somebody: broadcasts are caught up on before a start is ready
  const waiting: OpenHost = { ...host };
  let working: Promise<void> | undefined;
  let failed: { at: number; error: AppError } | undefined;
  const begin = async (): Promise<void> => {
    whenIdle();
    if (failed && performance.now() - failed.at < AGAIN_MS) throw failed.error;
    working ??= work().then(
      () => {
        waiting.first = undefined;
      },
      (cause) => {
        working = undefined;
        failed = { at: performance.now(), error: new AppError('unavailable', { cause }) };
        throw failed.error;
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
