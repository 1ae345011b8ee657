/** `npm start` as a process of its own, with everything that it prints. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { inherited } from './inherited.ts';
import { testEnvironment } from './platform.ts';

const START = fileURLToPath(new URL('../../infra/local/start.mjs', import.meta.url));
/** The same with a Prometheus beside it. */
export const OBSERVED = fileURLToPath(new URL('../../infra/local/observed.ts', import.meta.url));

export interface Started {
  child: ChildProcess;
  /** What it printed so far. */
  out: { text: string; errors: string };
  /** Resolves when the table of addresses stands there; rejects when the process ends before. */
  ready: Promise<void>;
  /** An address of the table, e.g. of `REST`. */
  address(name: string): string;
  /** Ends it and gives its exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

export const startProcess = (dataDir: string, env: Record<string, string> = {}, program = START): Started => {
  const child = spawn(process.execPath, [program], {
    env: { ...inherited(), ...testEnvironment(dataDir), ...env },
  });
  const out = { text: '', errors: '' };
  child.stdout.on('data', (chunk) => {
    out.text += chunk;
  });
  child.stderr.on('data', (chunk) => {
    out.errors += chunk;
  });
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', () => out.text.includes('Ctrl-C') && resolve());
    child.once('exit', () => reject(new Error(out.errors)));
  });
  ready.catch(() => {});
  return {
    child,
    out,
    ready,
    address: (name) => {
      const found = new RegExp(`${name}\\s+(\\S+)`).exec(out.text)?.[1];
      if (!found) throw new Error(`no address of ${name}: ${out.text}`);
      return found;
    },
    end: async (signal = 'SIGTERM') => {
      const exited = once(child, 'exit');
      if (child.exitCode !== null) return child.exitCode;
      child.kill(signal);
      return (await exited)[0];
    },
  };
};
