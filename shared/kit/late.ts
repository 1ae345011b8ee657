/**
 * What a start does without. Above all operations: in a bundle their modules run when they are first asked for more than what
 * doors route by.
 */
import { setImmediate as nextLoop } from 'node:timers/promises';

/** What nobody asked for yet. */
const waiting = new Set<() => void>();

/** Notes what a start does without, and gives what does it, once, when it is needed before `doRest` comes to it. */
export const later = (work: () => void): (() => void) => {
  const once = (): void => {
    if (waiting.delete(once)) work();
  };
  waiting.add(once);
  return once;
};

/** Takes back what was noted and is not done: what it was for has ended. */
export const takeBack = (once: () => void): void => void waiting.delete(once);

const at = (from: any, steps: readonly string[]): any => steps.reduce((found, step) => found[step], from);

/**
 * An operation by what of it is data. Whatever else is asked of it, at whatever depth, is there when it is asked: its module
 * runs then, and from then on it is that operation.
 *
 * Bundles call this (infra/local/late-operations.ts); nobody writes it.
 *
 * @param data of the operation, without the rest
 * @param rest paths to what is no data, with a space between
 * @param load runs the module
 * @example late({ name: 'auth.login', http: [{ method: 'POST', path: '/login' }] }, 'run input http.0.answer', () => login)
 */
export const late = <T extends object>(data: T, rest: string, load: () => T): T => {
  let loaded: T | undefined;
  const whole = (): T => {
    if (!loaded) {
      loaded = load();
      Object.defineProperties(data, Object.getOwnPropertyDescriptors(loaded));
    }
    return loaded;
  };
  for (const path of rest.split(' ')) {
    const steps = path.split('.');
    const key = steps.pop()!;
    const place = at(data, steps);
    const get = (): unknown => {
      const value = at(whole(), steps)[key];
      Object.defineProperty(place, key, { value, enumerable: true, writable: true, configurable: true });
      return value;
    };
    Object.defineProperty(place, key, { get, enumerable: true, configurable: true });
  }
  later(whole);
  return data;
};

/**
 * Does what a start did without, one thing a turn of the loop: a call that comes meanwhile waits for one at most.
 *
 * @throws what a module throws
 */
export const doRest = async (): Promise<void> => {
  for (const work of waiting) {
    work();
    await nextLoop();
  }
};
