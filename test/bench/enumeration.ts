/**
 * Whether the time of an answer tells who has an account, or how quick other answers are in the moment after it: the same
 * request for known and unknown ones, in turns.
 */
import { Agent, request as ask } from 'node:http';
import { type Bench, median, ms, type Row } from './bench.ts';
import { seed, startPlatform, withFolder } from './platform.ts';

const PAIRS = 300;
/** So that no account meets its bounds on guesses and mails. */
const USERS = 60;
const WARM_UP = 20;
/** How long after an answer the same client listens to the process. */
const AFTER_MS = 60;
/** Beyond it two samples differ with p < 0.01. */
const SURELY = 2.58;

type Request = (known: string | undefined, n: number) => { path: string; body: object };

const stranger = (n: number): string => `nobody${n}-${process.pid}@bench.example`;

const REQUESTS: Readonly<Record<string, Request>> = {
  'log in with a wrong password': (known, n) => ({
    path: '/api/v1/auth/login',
    body: { identifier: known ?? stranger(n), password: 'not the right sentence' },
  }),
  'ask for a new password': (known, n) => ({
    path: '/api/v1/auth/password/forgot',
    body: { email: known ?? stranger(n) },
  }),
  register: (known, n) => ({
    path: '/api/v1/auth/register',
    body: { email: known ?? stranger(n), password: 'violet tractors hum quietly' },
  }),
};

/** Mann-Whitney's U as a normal deviate: how surely one of two samples tends to be larger (beyond ±2.58: p < 0.01). */
const deviate = (one: readonly number[], two: readonly number[]): number => {
  const ranked = [...one.map((value) => ({ value, first: true })), ...two.map((value) => ({ value, first: false }))];
  ranked.sort((a, b) => a.value - b.value);
  const ranks = ranked.reduce((sum, { first }, at) => sum + (first ? at + 1 : 0), 0);
  const [n, m] = [one.length, two.length];
  return (ranks - (n * (n + m + 1)) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12);
};

export const bench: Bench = {
  name: 'enumeration',
  run: () =>
    withFolder(async (folder) => {
      const { logins } = await seed(folder, USERS, 0);
      // as in production: work that comes later comes at its random time
      const platform = await startPlatform(folder, { env: { PERFECT21_RESET_DELAY: '5' } });
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const look = (): Promise<void> =>
        new Promise((resolve, reject) => {
          const asked = ask({ port: platform.http, path: '/healthz', agent }, (answer) =>
            answer.resume().on('end', resolve),
          );
          asked.on('error', reject).end();
        });
      /** Milliseconds of an answer in the moment that follows, at the mean. */
      const following = async (): Promise<number> => {
        const started = performance.now();
        let answers = 0;
        while (performance.now() - started < AFTER_MS) {
          await look();
          answers += 1;
        }
        return (performance.now() - started) / answers;
      };
      const time = async (request: Request, known: boolean, n: number): Promise<number> => {
        const { path, body } = request(known ? logins[n % USERS]!.identifier : undefined, n);
        const started = performance.now();
        const response = await fetch(`http://127.0.0.1:${platform.http}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
        await response.arrayBuffer();
        return performance.now() - started;
      };
      const rows: Row[] = [];
      for (const [what, request] of Object.entries(REQUESTS)) {
        for (let n = 0; n < WARM_UP; n += 1) await time(request, false, 1_000_000 + n);
        const [known, unknown]: [number[], number[]] = [[], []];
        const [afterKnown, afterUnknown]: [number[], number[]] = [[], []];
        const probe = async (isKnown: boolean, n: number): Promise<void> => {
          (isKnown ? known : unknown).push(await time(request, isKnown, n));
          (isKnown ? afterKnown : afterUnknown).push(await following());
        };
        for (let n = 0; n < PAIRS; n += 1) {
          if (n % 2) await probe(false, n);
          await probe(true, n);
          if (n % 2 === 0) await probe(false, n);
        }
        const [one, two] = [median(known), median(unknown)];
        const bound = Math.max(1, two * 0.05);
        const z = deviate(known, unknown);
        rows.push({
          what: `${what}: known against unknown account`,
          measured: ms(one),
          baseline: ms(two),
          bound: `|difference| < ${bound.toFixed(1)} ms; U test z = ${z.toFixed(1)}`,
          ok: Math.abs(one - two) < bound,
        });
        const after = deviate(afterKnown, afterUnknown);
        rows.push({
          what: `${what}: other answers in the ${AFTER_MS} ms after it`,
          measured: ms(median(afterKnown)),
          baseline: ms(median(afterUnknown)),
          bound: `U test |z| < ${SURELY}; z = ${after.toFixed(1)}`,
          ok: Math.abs(after) < SURELY,
        });
      }
      agent.destroy();
      await platform.stop();
      return rows;
    }),
};
