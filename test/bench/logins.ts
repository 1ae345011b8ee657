/** Logins through HTTP on all cores, beside bare hashing of passwords with the same parameters. */
import { alternate, type Bench, ratioRow } from './bench.ts';
import { post } from './load/http-wire.ts';
import { type Order, startLoad } from './load/index.ts';
import { seed, startPlatform, withFolder } from './platform.ts';
import { start } from './processes.ts';

const ROUNDS = 3;
const SECONDS = 4;
const WARM_UP = 1;
const IN_FLIGHT = 8;
/** More than there are logins in flight, so that no account is tried twice at once. */
const USERS = 32;
const LEAST = 0.8;

export const bench: Bench = {
  name: 'logins',
  run: () =>
    withFolder(async (folder) => {
      const { logins } = await seed(folder, USERS, 0);
      const platform = await startPlatform(folder);
      const load = startLoad(undefined);
      const hashing = start('test/bench/programs/hashing.ts');
      const requests = logins.map((login) => post('/api/v1/auth/login', login).toString('base64'));
      const order: Omit<Order, 'load'> = {
        port: platform.http,
        connections: IN_FLIGHT,
        wire: { http: requests, expected: '"access_token"' },
        asleep: true,
      };
      const login = async (seconds = SECONDS): Promise<number> => {
        const [outcome] = await load.put({ ...order, load: { in_flight: IN_FLIGHT, seconds } });
        return outcome!.per_second;
      };
      const hash = (seconds = SECONDS): Promise<number> => hashing.ask<number>({ seconds });
      await login(WARM_UP);
      await hash(WARM_UP);
      return [
        ratioRow(
          'logins over HTTP, all cores',
          await alternate(
            ROUNDS,
            () => login(),
            () => hash(),
          ),
          LEAST,
        ),
      ];
    }),
};
