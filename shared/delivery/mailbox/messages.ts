/** The messages of the development mailbox: the last 1,000, in a file of one JSON object a line. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { appendFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface MailboxMessage {
  id: string;
  channel: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  /** Unix seconds. */
  received_at: number;
}

export interface Messages {
  /** Newest first; with `to`, those whose receiver contains it. */
  list(to?: string): readonly MailboxMessage[];
  get(id: string): MailboxMessage | undefined;
  /** Resolves when the message is in the file. */
  add(message: Omit<MailboxMessage, 'id' | 'received_at'>): Promise<MailboxMessage>;
  clear(): Promise<void>;
}

export const MAX_MESSAGES = 1_000;
/** Characters kept of each body. */
const MAX_BODY = 256 * 1024;

/** Lines that are no message, such as the last one of a process that was killed, are passed over. */
const parse = (content: string): MailboxMessage[] =>
  content.split('\n').flatMap((line) => {
    try {
      const message = JSON.parse(line);
      return typeof message?.id === 'string' ? [message] : [];
    } catch {
      return [];
    }
  });

/** Read at once: before this process starts nobody is kept waiting by it. */
const contentOf = (file: string): string => {
  mkdirSync(dirname(file), { recursive: true });
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
};

/** Opens the file, which only its owner may read: mails carry tokens. */
export const openMessages = (file: string): Messages => {
  const content = contentOf(file);
  let kept = parse(content).slice(-MAX_MESSAGES);
  // a last line that was cut off has to go before the next one is written behind it
  let lines = content === '' || content.endsWith('\n') ? content.split('\n').length - 1 : 2 * MAX_MESSAGES;
  // one write at a time, in the order of the calls
  let queue: Promise<unknown> = Promise.resolve();
  const inOrder = <T>(work: () => Promise<T>): Promise<T> => {
    const done = queue.then(work);
    queue = done.catch(() => {});
    return done;
  };
  const rewrite = async (): Promise<void> => {
    await writeFile(`${file}.new`, kept.map((each) => `${JSON.stringify(each)}\n`).join(''), { mode: 0o600 });
    await rename(`${file}.new`, file);
    lines = kept.length;
  };

  return {
    list: (to = '') => kept.filter((message) => message.to.includes(to)).reverse(),
    get: (id) => kept.find((message) => message.id === id),
    add: ({ channel, to, subject, text, html }) =>
      inOrder(async () => {
        const message = {
          id: randomUUID(),
          channel,
          to,
          subject,
          text: text.slice(0, MAX_BODY),
          html: html.slice(0, MAX_BODY),
          received_at: Math.floor(Date.now() / 1000),
        };
        kept = [...kept.slice(1 - MAX_MESSAGES), message];
        if (lines >= 2 * MAX_MESSAGES) await rewrite();
        else {
          await appendFile(file, `${JSON.stringify(message)}\n`, { mode: 0o600 });
          lines++;
        }
        return message;
      }),
    clear: () =>
      inOrder(async () => {
        kept = [];
        await rewrite();
      }),
  };
};
