/** How soon a change bites: from its answer to the first denial at another process on the same store. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { median, ms, type Row } from '../bench.ts';
import { type Platform, seed, startPlatform, withFolder } from '../platform.ts';

const ROUNDS = 200;
const BITES_MS = 100;

export const changes = (): Promise<Row[]> =>
  withFolder(async (folder) => {
    const { tokens } = await seed(folder, 1, 1);
    const user_id = JSON.parse(Buffer.from(tokens[0]!.split('.')[1]!, 'base64url').toString()).sub as string;
    const [one, other] = [await startPlatform(folder, { core: 0 }), await startPlatform(folder, { core: 1 })];
    const { service_token } = JSON.parse(readFileSync(join(folder, 'dev-credentials.json'), 'utf8'));
    const ask = async ({ http }: Platform, method: string, path: string, body?: object): Promise<any> => {
      const response = await fetch(`http://127.0.0.1:${http}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${service_token}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
      return response.status === 204 ? {} : response.json();
    };
    const grants = `/permissions/users/${user_id}/grants`;
    const question = { user_id, resource: 'docs', action: 'read' };
    const since = async (started: number, bites: () => Promise<boolean>): Promise<number> => {
      while (!(await bites())) if (performance.now() - started > 5_000) throw new Error('a change does not bite');
      return performance.now() - started;
    };

    const denied: number[] = [];
    const warned: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await ask(one, 'PUT', grants, { permission: 'docs:read' });
      await since(performance.now(), async () => (await ask(other, 'POST', '/permissions/check', question)).allowed);
      await ask(one, 'DELETE', `${grants}?permission=docs:read`);
      const answered = performance.now();
      denied.push(
        await since(answered, async () => !(await ask(other, 'POST', '/permissions/check', question)).allowed),
      );
      // the token was issued before all of it: what is known of it elsewhere comes with the revocations
      if (round > 0) continue;
      const changed = async () =>
        (await ask(other, 'POST', '/auth/validate', { token: tokens[0] })).warnings.includes('permissions_changed');
      warned.push(await since(answered, changed));
    }
    const sorted = denied.sort((a, b) => a - b);
    const p99 = sorted[Math.floor(ROUNDS * 0.99)]!;
    return [
      {
        what: `a permission is taken: answer → first denial at another process, p50, p99, max of ${ROUNDS}`,
        measured: `${ms(median(sorted))}, ${ms(p99)}, ${ms(sorted.at(-1)!)}`,
        ...{ baseline: '', bound: `p99 < ${BITES_MS} ms`, ok: p99 < BITES_MS },
      },
      {
        what: '  the same until a live token warns of it there',
        ...{ measured: ms(warned[0]!), baseline: '', bound: '', ok: true },
      },
    ];
  });
