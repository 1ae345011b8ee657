/** The SMTP side of the mailbox: takes every mail, sends none on. */
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { StartError } from '../../config/start-error.ts';
import type { Messages } from './messages.ts';

const MAX_MAIL = 1024 * 1024;

export interface Listening {
  port: number;
  close(): Promise<void>;
}

/** @throws StartError when the port is taken */
export const startSmtp = (messages: Messages, { host, port }: { host: string; port: number }): Promise<Listening> => {
  const server = new SMTPServer({
    name: 'perfect21',
    banner: 'perfect21 development mailbox',
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: MAX_MAIL,
    closeTimeout: 200,
    onData: (stream, session, done) => {
      const recipients = session.envelope.rcptTo.map(({ address }) => address);
      simpleParser(stream)
        .then(async ({ subject = '', text = '', html }) => {
          if (stream.sizeExceeded) throw Object.assign(new Error('The mail is too large'), { responseCode: 552 });
          await messages.add({ channel: 'email', to: recipients.join(', '), subject, text, html: html || '' });
          done();
        })
        .catch((error: Error) => done(error));
    },
  });
  // clients that hang up in the middle of a command are nobody's fault
  const ignore = (): void => {};
  return new Promise((resolve, reject) => {
    server.on('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new StartError(`port ${port} is taken: set PERFECT21_SMTP_PORT to another`)
          : error,
      );
    });
    server.listen(port, host, () => {
      server.on('error', ignore);
      const address = server.server.address();
      resolve({
        port: typeof address === 'object' && address ? address.port : port,
        close: () => new Promise((closed) => server.close(() => closed())),
      });
    });
  });
};
