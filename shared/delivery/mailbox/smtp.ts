/** The SMTP side of the mailbox: takes every mail, sends none on. */
import { createServer, type Socket } from 'node:net';
import { StartError } from '../../config/start-error.ts';
import type { Messages } from './messages.ts';

const MAX_MAIL = 1024 * 1024;
/** What a client has to finish in at a stop, ms. */
const CLOSE_MS = 200;

export interface Listening {
  port: number;
  close(): Promise<void>;
}

/** What speaks SMTP, loaded with the first mail: with its parser it is larger than the platform. */
const openServer = async (messages: Messages) => {
  const [{ SMTPServer }, { simpleParser }] = await Promise.all([import('smtp-server'), import('mailparser')]);
  const server = new SMTPServer({
    name: 'perfect21',
    banner: 'perfect21 development mailbox',
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: MAX_MAIL,
    closeTimeout: CLOSE_MS,
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
  server.on('error', () => {});
  return server;
};

/** @throws StartError when the port is taken */
export const startSmtp = (messages: Messages, { host, port }: { host: string; port: number }): Promise<Listening> => {
  let opening: ReturnType<typeof openServer> | undefined;
  const sockets = new Set<Socket>();
  const door = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    opening ??= openServer(messages);
    opening.then(
      ({ server }) => server.emit('connection', socket),
      () => socket.destroy(),
    );
  });
  const close = async (): Promise<void> => {
    const ended = new Promise<void>((resolve) => door.close(() => resolve()));
    const server = await opening?.catch(() => undefined);
    server?.close(() => {});
    const late = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, CLOSE_MS);
    await ended;
    clearTimeout(late);
  };
  return new Promise((resolve, reject) => {
    door.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new StartError(`port ${port} is taken: set PERFECT21_SMTP_PORT to another`)
          : error,
      );
    });
    door.listen(port, host, () => {
      door.on('error', () => {});
      const address = door.address();
      resolve({ port: typeof address === 'object' && address ? address.port : port, close });
    });
  });
};
