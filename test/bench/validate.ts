/** `POST /api/v1/auth/validate` beside a bare `node:http` that answers a fixed string of the same size. */
import { alternate, type Bench, ms, percent, perSecond, type Row, ratioRow, timeRow } from './bench.ts';
import { post } from './load/http-wire.ts';
import { type Load, type Order, startLoad } from './load/index.ts';
import { seed, startPlatform, withFolder } from './platform.ts';
import { type Program, start } from './processes.ts';
import { perCoreSecond } from './processor.ts';

const ROUNDS = 3;
const SECONDS = 3;
const WARM_UP = 2;
const CONNECTIONS = 32;
const LEAST = 0.55;
/** What Node says of each answer by itself. */
const BY_NODE = new Set(['connection', 'date', 'keep-alive']);
const [RATE, LOGINS, RATE_SECONDS, P99_MS] = [1_000, 5, 8, 20];

const base64 = (requests: readonly Buffer[]): string[] => requests.map((request) => request.toString('base64'));

const validations = (port: number, tokens: readonly string[]): Omit<Order, 'load'> => ({
  port,
  connections: CONNECTIONS,
  wire: {
    http: base64(tokens.map((token) => post('/api/v1/auth/validate', { token }))),
    expected: '"valid":true',
  },
});

const rate = (load: Load, server: Program, order: Omit<Order, 'load'>, seconds = SECONDS): Promise<number> =>
  perCoreSecond(server, seconds, async () => {
    const [outcome] = await load.put({ ...order, load: { in_flight: CONNECTIONS, seconds } });
    return outcome!.per_second;
  });

export const bench: Bench = {
  name: 'validate',
  run: () =>
    withFolder(async (folder) => {
      const { logins, tokens } = await seed(folder, 20, 200);
      const platform = await startPlatform(folder, { core: 0 });
      const load = startLoad(1);
      const asked = await fetch(`http://127.0.0.1:${platform.http}/api/v1/auth/validate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token: tokens[0] }),
      });
      const answer = await asked.text();
      const bare = start('test/bench/programs/bare-http.ts', { core: 0 });
      const barePort = await bare.ask<number>({ answer });
      const same = start('test/bench/programs/bare-http.ts', { core: 0 });
      const fields = [...asked.headers].filter(([name]) => !BY_NODE.has(name)).flat();
      const samePort = await same.ask<number>({ answer, fields });

      const one = validations(platform.http, tokens.slice(0, 1));
      const many = validations(platform.http, tokens);
      const fixed = validations(barePort, tokens.slice(0, 1));
      const floor = validations(samePort, tokens.slice(0, 1));
      const ours = (order: Omit<Order, 'load'>, seconds?: number) => rate(load, platform.program, order, seconds);
      for (const order of [one, many]) await ours(order, WARM_UP);
      await rate(load, bare, fixed, WARM_UP);
      await rate(load, same, floor, WARM_UP);
      const rows: Row[] = [];
      for (const [what, order] of [
        ['one token', one],
        ['200 tokens', many],
      ] as const) {
        const found = await alternate(
          ROUNDS,
          () => ours(order),
          () => rate(load, bare, fixed),
        );
        rows.push(ratioRow(`validate, ${what}: requests on one core`, found, LEAST));
      }

      const found = await alternate(
        ROUNDS,
        () => rate(load, same, floor),
        () => rate(load, bare, fixed),
      );
      rows.push({
        what: '  of bare node:http with our headers, the body parsed',
        measured: perSecond(found.ours),
        baseline: perSecond(found.bare),
        bound: percent(found.ratio),
        ok: true,
      });

      const steady = { per_second: RATE, seconds: RATE_SECONDS };
      const bodies = logins.map((login) => post('/api/v1/auth/login', login));
      const loggingIn: Order = {
        port: platform.http,
        connections: 4,
        wire: { http: base64(bodies), expected: '"access_token"' },
        load: { per_second: LOGINS, seconds: RATE_SECONDS },
      };
      const [undisturbed] = await load.put({ ...fixed, load: { ...steady, seconds: 3 } });
      const [validating, login] = await load.put({ ...many, load: steady }, loggingIn);
      rows.push(
        timeRow(`validate, p99 at 1,000/s while ${LOGINS} logins/s run`, validating!.p99, P99_MS, undisturbed!.p99),
        {
          what: `  those logins, p50 and p99`,
          measured: `${ms(login!.p50)}, ${ms(login!.p99)}`,
          baseline: '',
          bound: '',
          ok: true,
        },
      );
      return rows;
    }),
};
