/** Files that somebody may replace while the process runs, read as one: a certificate and its key. */
import { readFile } from 'node:fs/promises';
import { StartError } from '../config/start-error.ts';
import type { Live } from './live.ts';

const EVERY_MS = 2_000;

export interface WatchedFiles<T> extends Live<T> {
  close(): void;
}

interface Watching<Name extends string, T> {
  /** By the variables that name them, for messages. What is left out is no file. */
  paths: Readonly<Partial<Record<Name, string>>>;
  /** Makes of all texts one value. @throws StartError when they don't belong together */
  make(texts: Partial<Record<Name, string>>): T;
  /** Told once of each state of the files that can't be used; the value of before stays. */
  kept(cause: unknown): void;
  /** How often to look, ms; 2 s when left out. */
  every_ms?: number;
}

/**
 * Reads files, and looks every moment whether they were replaced. It reads rather than be told: mounted secrets are
 * replaced by moving a link, of which the file itself tells nobody.
 *
 * @throws StartError when one can't be read or used at the start
 */
export const watchFiles = async <Name extends string, T>(watching: Watching<Name, T>): Promise<WatchedFiles<T>> => {
  const entries = Object.entries(watching.paths) as [Name, string | undefined][];
  const read = async (): Promise<Partial<Record<Name, string>>> => {
    const texts: Partial<Record<Name, string>> = {};
    for (const [name, path] of entries) {
      if (path === undefined) continue;
      texts[name] = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
        throw new StartError(`${name}: ${path} can't be read (${cause.code})`);
      });
    }
    return texts;
  };

  const first = await read();
  let now = watching.make(first);
  let known = JSON.stringify(first);
  const listeners = new Set<(now: T) => void>();
  let looking = false;
  let closed = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    let seen = '';
    try {
      const texts = await read().catch((cause) => {
        seen = String(cause);
        throw cause;
      });
      seen = JSON.stringify(texts);
      // a look that was under way at the end tells nobody
      if (seen === known || closed) return;
      now = watching.make(texts);
      for (const listener of listeners) listener(now);
    } catch (cause) {
      if (seen !== known && !closed) watching.kept(cause);
    } finally {
      known = seen;
      looking = false;
    }
  };
  const timer = setInterval(look, watching.every_ms ?? EVERY_MS).unref();
  return {
    get now() {
      return now;
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      closed = true;
      clearInterval(timer);
    },
  };
};
