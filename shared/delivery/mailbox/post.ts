/** Puts what does not travel by SMTP into the development mailbox. */
import { sendFailure } from '../sending.ts';
import type { MailboxMessage } from './messages.ts';

const POST_MS = 5_000;

/** @param url of the mailbox, e.g. `http://127.0.0.1:8025` */
export const postToMailbox = async (
  url: string,
  message: Omit<MailboxMessage, 'id' | 'received_at'>,
): Promise<string | undefined> => {
  const answer = await fetch(`${url}/api/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(message),
    redirect: 'error',
    signal: AbortSignal.timeout(POST_MS),
  }).catch((cause: unknown) => {
    throw sendFailure(false, cause);
  });
  if (answer.status !== 201) throw sendFailure(answer.status === 400, new Error(`status ${answer.status}`));
  return ((await answer.json()) as MailboxMessage).id;
};
