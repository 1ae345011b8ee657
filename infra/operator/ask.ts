/** Questions to whoever sits at the terminal. Where nobody does, nothing is asked. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

const isTerminal = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** The answer, trimmed; undefined without a terminal. */
export const ask = async (question: string): Promise<string | undefined> => {
  if (!isTerminal()) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(question)).trim();
  } finally {
    lines.close();
  }
};

/** The answer, which is not shown while it is typed; undefined without a terminal. */
export const askHidden = async (question: string): Promise<string | undefined> => {
  if (!isTerminal()) return undefined;
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_, __, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await lines.question('');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
};
