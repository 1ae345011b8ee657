/** Programs of this project as processes: what they print, whether they are ready, how they end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');
/** From the first to the last moment of a start on a busy machine, ms. */
const START_MS = 60_000;
/** What a process may take to finish what is in flight, ms. */
const STOP_MS = 15_000;

export interface Program {
  readonly child: ChildProcess;
  /** Resolves when it said that it is ready; rejects with what it said when it ended before. */
  ready: Promise<void>;
  /** Everything that it printed. */
  said(): string;
  /** Lets it finish what is in flight. Gives its exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts a program by its path, with this environment and no other. It ends with this process, however that ended. */
export const startProgram = (path: string, env: Readonly<Record<string, string>>): Program => {
  const guarded = [resolve(import.meta.dirname, 'child.mjs'), resolve(ROOT, path)];
  const child = spawn(process.execPath, ['--max-semi-space-size=4', ...guarded], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, MALLOC_ARENA_MAX: '2', ...env },
    stdio: 'pipe',
    // Ctrl-C of the terminal is ours to pass on, in order
    detached: true,
  });
  let text = '';
  const exited = once(child, 'exit');
  const ready = new Promise<void>((done, failed) => {
    const late = setTimeout(() => failed(new Error(`${path} is not ready after ${START_MS} ms: ${text}`)), START_MS);
    const hear = (chunk: Buffer): void => {
      text += chunk;
      if (!text.includes('Ctrl-C')) return;
      clearTimeout(late);
      done();
    };
    child.stdout!.on('data', hear);
    child.stderr!.on('data', hear);
    void exited.then(() => {
      clearTimeout(late);
      failed(new Error(text.trim() || `${path} ended`));
    });
  });
  ready.catch(() => {});
  return {
    child,
    ready,
    said: () => text,
    end: async (signal = 'SIGTERM') => {
      const hard = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      const [code] = await exited;
      clearTimeout(hard);
      return code;
    },
  };
};
