/** The development mailbox: what was sent by any channel, to look at and to read by API. Never for production. */
import { join } from 'node:path';
import { startHttp } from './http.ts';
import { type Messages, openMessages } from './messages.ts';
import { startSmtp } from './smtp.ts';

export interface Mailbox {
  httpPort: number;
  smtpPort: number;
  /** For channels that don't arrive over SMTP. */
  add: Messages['add'];
  close(): Promise<void>;
}

/**
 * Starts the mailbox. Its messages are kept in `mailbox.ndjson` of the data folder, the last 1,000.
 *
 * @throws StartError that names the variable to change when a port is taken
 * @example const mailbox = await startMailbox({ httpPort: 8025, smtpPort: 1025, host: '127.0.0.1', dataDir });
 */
export const startMailbox = async (options: {
  httpPort: number;
  smtpPort: number;
  host: string;
  dataDir: string;
}): Promise<Mailbox> => {
  const { httpPort, smtpPort, host, dataDir } = options;
  const messages = openMessages(join(dataDir, 'mailbox.ndjson'));
  const smtp = await startSmtp(messages, { host, port: smtpPort });
  try {
    const http = await startHttp(messages, { host, port: httpPort });
    return {
      httpPort: http.port,
      smtpPort: smtp.port,
      add: messages.add,
      close: async () => {
        await Promise.all([http.close(), smtp.close()]);
      },
    };
  } catch (error) {
    await smtp.close();
    throw error;
  }
};
