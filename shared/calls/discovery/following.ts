/** Listens to a registry that tells of changes, again and again while it is away. */
import type { Instance, Registry } from './discovery.ts';

/** Between two tries of a registry that ended what it told without a reason, ms. */
const PAUSE_MS = 500;

/**
 * Follows a service; does nothing where the registry can't tell. Gives the function that ends it.
 *
 * @param pause ms to wait after a failure, once `lost` was told of it
 */
export const following = (
  registry: Registry,
  service: string,
  on: {
    tell: (instances: readonly Instance[]) => void;
    lost: (cause: unknown) => void;
    pause: () => number;
  },
): (() => void) => {
  if (!registry.follow) return () => {};
  const ended = new AbortController();
  const { signal } = ended;
  let timer: NodeJS.Timeout | undefined;
  const again = (ms: number): void => {
    if (!signal.aborted) timer = setTimeout(listen, ms).unref();
  };
  const listen = (): void => {
    registry.follow!(service, (found) => !signal.aborted && on.tell(found), signal).then(
      () => again(PAUSE_MS),
      (cause) => {
        if (signal.aborted) return;
        on.lost(cause);
        again(on.pause());
      },
    );
  };
  listen();
  return () => {
    ended.abort(new Error('nobody watches it any more'));
    clearTimeout(timer);
  };
};
