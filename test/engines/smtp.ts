/** A mail server that a test can stall: what it would answer from some point on is held back until it is released. */
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** Before the greeting, before the mail itself may come, or when all of it came. */
export type Stall = 'greeting' | 'data' | 'end';

export interface SmtpDouble {
  url: string;
  /** The Message-IDs of the mails that came whole, in order. */
  readonly received: string[];
  /** To whom each of them goes. */
  readonly recipients: string[];
  /** What each of them says, as it came. */
  readonly texts: string[];
  /** Connections so far, and those that are open. */
  readonly connections: { count: number; open: number };
  /** Answers that are held back. */
  readonly held: number;
  stall(at: Stall): void;
  /** Gives the answers that were held back, and holds back no more. */
  release(): void;
  /** Ends all connections without a word; new ones are taken. */
  drop(): void;
  /** Resolves when the condition holds; looked at whenever something happens. */
  until(condition: () => boolean): Promise<void>;
  close(): Promise<void>;
}

/** Starts it. @example const { url, received, stall, release, close } = await startSmtp(); */
export const startSmtp = async (): Promise<SmtpDouble> => {
  const received: string[] = [];
  const recipients: string[] = [];
  const texts: string[] = [];
  const connections = { count: 0, open: 0 };
  const sockets = new Set<Socket>();
  let stalled: Stall | undefined;
  let held: (() => void)[] = [];
  let waiting: { condition: () => boolean; done: () => void }[] = [];
  const happened = (): void => {
    const ready = waiting.filter(({ condition }) => condition());
    waiting = waiting.filter((each) => !ready.includes(each));
    for (const { done } of ready) done();
  };

  const server = createServer((socket) => {
    let text = '';
    let isMail = false;
    const say = (line: string, at?: Stall): void => {
      const answer = (): void => void (socket.writable && socket.write(`${line}\r\n`));
      if (at && at === stalled) held.push(answer);
      else answer();
    };
    const take = (line: string): void => {
      const command = line.slice(0, 4).toUpperCase();
      isMail = command === 'DATA';
      if (isMail) say('354 go ahead', 'data');
      else say(command === 'QUIT' ? '221 bye' : '250 OK');
    };
    connections.count++;
    connections.open++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      connections.open--;
      sockets.delete(socket);
      happened();
    });
    socket.on('data', (piece) => {
      text += piece;
      for (let ends = true; ends; ) {
        const mark = isMail ? '\r\n.\r\n' : '\r\n';
        const at = text.indexOf(mark);
        ends = at >= 0;
        if (!ends) break;
        const part = text.slice(0, at);
        text = text.slice(at + mark.length);
        if (!isMail) take(part);
        else {
          isMail = false;
          received.push(/^Message-ID: <([^@]*)@/im.exec(part)?.[1] ?? '');
          recipients.push(/^To: <?([^>\r]*)/im.exec(part)?.[1] ?? '');
          texts.push(part);
          say('250 queued', 'end');
        }
      }
      happened();
    });
    say('220 double', 'greeting');
    happened();
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };

  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    recipients,
    texts,
    connections,
    get held() {
      return held.length;
    },
    stall: (at) => {
      stalled = at;
    },
    release: () => {
      stalled = undefined;
      const answers = held;
      held = [];
      for (const answer of answers) answer();
    },
    drop,
    until: (condition) =>
      new Promise((done) => {
        waiting.push({ condition, done });
        happened();
      }),
    close: async () => {
      drop();
      await new Promise((closed) => server.close(closed));
    },
  };
};
