/** Validations while 200 logins are under way: hashing must not hold up who only asks whether a token is good. */
import { type Bench, ms, timeRow } from './bench.ts';
import { post } from './load/http-wire.ts';
import { type Order, startLoad } from './load/index.ts';
import { seed, startPlatform, withFolder } from './platform.ts';
import { start } from './processes.ts';

/** As many users, so that no account is tried twice at once. */
const LOGINS = 200;
const [RATE, SECONDS, WARM_UP, P99_MS] = [500, 10, 2, 20];

const base64 = (requests: readonly Buffer[]): string[] => requests.map((request) => request.toString('base64'));

export const bench: Bench = {
  name: 'busy',
  run: () =>
    withFolder(async (folder) => {
      const { logins, tokens } = await seed(folder, LOGINS, 200);
      const platform = await startPlatform(folder, { core: 0 });
      const load = startLoad(1);
      const bare = start('test/bench/programs/bare-http.ts', { core: 0 });
      const barePort = await bare.ask<number>({ answer: '{"valid":true}' });

      const wire = base64(tokens.map((token) => post('/api/v1/auth/validate', { token })));
      const validating = (port: number, seconds: number): Order => ({
        port,
        connections: 32,
        wire: { http: wire, expected: '"valid":true' },
        load: { per_second: RATE, seconds },
      });
      const loggingIn = (seconds: number): Order => ({
        port: platform.http,
        connections: LOGINS,
        wire: { http: base64(logins.map((login) => post('/api/v1/auth/login', login))), expected: '"access_token"' },
        load: { in_flight: LOGINS, seconds },
        asleep: true,
      });
      await load.put(validating(platform.http, WARM_UP), loggingIn(WARM_UP));
      const [alone] = await load.put(validating(barePort, 3));
      const [validated, login] = await load.put(validating(platform.http, SECONDS), loggingIn(SECONDS));
      return [
        timeRow(`validate, p99 at ${RATE}/s while ${LOGINS} logins are under way`, validated!.p99, P99_MS, alone!.p99),
        {
          what: '  p50 and worst of those; logins, and their p50',
          measured: `${ms(validated!.p50)}, ${ms(validated!.max)}; ${Math.round(login!.per_second)}/s, ${ms(login!.p50)}`,
          baseline: '',
          bound: '',
          ok: true,
        },
      ];
    }),
};
