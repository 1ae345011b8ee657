/** The operator's command as a process of its own, and what its tests have in common. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { NewMessage } from '../../shared/ports/store.ts';
import { inherited } from '../support/inherited.ts';

const BIN = fileURLToPath(new URL('../../bin/perfect21.mjs', import.meta.url));

export interface Ran {
  code: number | null;
  out: string;
  err: string;
  /** What it printed with --json. */
  rows: any[];
}

/** Starts `perfect21 …`. `ended` resolves with what became of it. */
export const startCommand = (args: readonly string[], env: Record<string, string>, input?: string) => {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { ...inherited(), ...env },
  });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    text.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    text.err += chunk;
  });
  child.stdin.end(input);
  const ended = once(child, 'close').then(
    ([code]): Ran => ({
      code,
      ...text,
      get rows() {
        return text.out
          .split('\n')
          .filter((line) => line.startsWith('{'))
          .map((line) => JSON.parse(line));
      },
    }),
  );
  return { child, text, ended };
};

/** Runs it to its end. */
export const perfect21 = (args: readonly string[], env: Record<string, string>, input?: string): Promise<Ran> =>
  startCommand(args, env, input).ended;

/** Asks again until the answer is true. */
export const until = async (ask: () => unknown, what: string, ms = 15_000): Promise<void> => {
  for (const end = Date.now() + ms; !(await ask()); await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (Date.now() > end) throw new Error(`in vain waited for: ${what}`);
  }
};

/** An example of the catalogue as a message of a queue. */
export const example = (type: string, more: Partial<NewMessage> & { message_id?: string } = {}): NewMessage => {
  const envelope = JSON.parse(readFileSync(new URL(`../events/${type}.json`, import.meta.url), 'utf8'));
  const { message_id = envelope.message_id, ...rest } = more;
  const body = { envelope: { ...envelope, message_id }, routing_key: type.replace('.', '.events.'), priority: 0 };
  return { queue: 'outbox', id: message_id, available_at: Date.now(), body, ...rest };
};
