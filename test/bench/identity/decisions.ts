/** CheckPermission: in process, a batch, and over gRPC beside the PDP of Cerbos deciding the same cases in the same run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PermissionServiceService } from '../../../proto/gen/permission_service.ts';
import { testEnvironment } from '../../support/platform.ts';
import { alternate, ms, perSecond, type Row, timeRow } from '../bench.ts';
import { type Load, type Order, startLoad } from '../load/index.ts';
import { startPlatform, withFolder } from '../platform.ts';
import { type Program, start } from '../processes.ts';
import { perCoreSecond } from '../processor.ts';
import type { DecisionOrder, DecisionTimes } from '../programs/decisions.ts';
import { CERBOS_PATH, cerbosRequest, startCerbos } from './cerbos.ts';
import { checkOf, checksAbout, POLICIES, questionOf, questionsAbout, ROLES, seedRules, USERS } from './rules.ts';

const [P99_MS, BATCH_MS, TIMES] = [0.2, 10, 3];
const CASES = 500;
const [ROUNDS, SECONDS, WARM_UP, IN_FLIGHT] = [3, 2, 1, 64];

const put = (load: Load, order: Omit<Order, 'load'>, seconds: number) =>
  load.put({ ...order, load: { in_flight: IN_FLIGHT, seconds } });

export const decisions = (): Promise<Row[]> =>
  withFolder(async (folder) => {
    await seedRules(folder);
    const program = start('test/bench/programs/decisions.ts', { core: 0, env: testEnvironment(folder) });
    const order: DecisionOrder = { warm_up: 5_000, checks: 20_000, batches: 20 };
    const found = await program.ask<DecisionTimes>(order);
    await program.stop();
    const of = `${USERS.toLocaleString('en')} users, ${ROLES} roles, ${POLICIES} policies`;
    const micro = (value: number): string => `${Math.round(value * 1_000)} µs`;
    const rows: Row[] = [
      {
        what: `CheckPermission in process, p99 (median of 20 rounds); ${of}`,
        measured: `${micro(found.p99)} (p50 ${micro(found.p50)})`,
        ...{ baseline: '', bound: `< ${micro(P99_MS)}`, ok: found.p99 < P99_MS },
      },
      timeRow('  a batch of 1,000 about 100 users in process, processor time', found.batch, BATCH_MS),
      {
        what: '  a batch of 1,000 about as many users',
        ...{ measured: ms(found.wide), baseline: '', bound: '', ok: true },
      },
    ];

    const platform = await startPlatform(folder, { core: 0 });
    const load = startLoad(1);
    const { service_token } = JSON.parse(readFileSync(join(folder, 'dev-credentials.json'), 'utf8'));
    const authorization = `Bearer ${service_token}`;
    const cases = Array.from({ length: CASES }, (_, n) => n);
    const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
    const { checkPermission: single, batchCheckPermissions: many } = PermissionServiceService;
    const ours = (path: string, grpc: string[]): Omit<Order, 'load'> => ({
      ...{ port: platform.grpc, connections: 4 },
      wire: { grpc, path, authorization },
    });
    const one = ours(
      single.path,
      cases.map((n) => base64(single.requestSerialize({ ...checkOf(n), scope: '' }))),
    );
    const batch = ours(
      many.path,
      cases.map((n) => base64(many.requestSerialize({ checks: checksAbout(n) }))),
    );
    const rate = (of: Pick<Program, 'child'>, asked: Omit<Order, 'load'>) =>
      perCoreSecond(of as Program, SECONDS, async () => (await put(load, asked, SECONDS))[0]!.per_second);
    for (const asked of [one, batch]) await put(load, asked, WARM_UP);
    const cerbos = await startCerbos(folder).catch((thrown: Error) => thrown.message.split('\n')[0]!);
    if (typeof cerbos === 'string') {
      const measured = perSecond(await rate(platform.program, one));
      rows.push({ what: '  over gRPC on one core', measured, baseline: `no Cerbos: ${cerbos}`, bound: '', ok: true });
      return rows;
    }
    try {
      const theirs = (grpc: Buffer[]): Omit<Order, 'load'> => ({
        ...{ port: cerbos.port, connections: 4 },
        wire: { grpc: grpc.map(base64), path: CERBOS_PATH },
      });
      const besides: [string, number, Omit<Order, 'load'>, Omit<Order, 'load'>, number][] = [
        ['one by one', 1, one, theirs(cases.map((n) => cerbosRequest([questionOf(n)]))), 0],
        [`${POLICIES} a call`, POLICIES, batch, theirs(cases.map((n) => cerbosRequest(questionsAbout(n)))), TIMES],
      ];
      for (const [what, checks, asked, other, least] of besides) {
        await put(load, other, WARM_UP);
        const both = await alternate(
          ROUNDS,
          async () => checks * (await rate(platform.program, asked)),
          async () => checks * (await rate(cerbos, other)),
        );
        rows.push({
          what: `  checks over gRPC on one core, ${what}, beside Cerbos`,
          measured: perSecond(both.ours),
          baseline: perSecond(both.bare),
          bound: `${both.ratio.toFixed(1)} times${least ? ` ≥ ${least}` : ''}`,
          ok: both.ratio >= least,
        });
      }
    } finally {
      cerbos.stop();
    }
    return rows;
  });
