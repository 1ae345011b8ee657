/**
 * Every step of every operation that writes is made to fail: what answers 5xx has changed nothing, and a handler that
 * failed half way and gets its event again ends as if nothing had been.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { platform as services } from '../../functions/index.ts';
import { AppError, ERRORS } from '../../shared/kit/errors.ts';
import { callLocal, type Host } from '../../shared/kit/invoke.ts';
import { reach } from '../../shared/kit/reach.ts';
import type { Ports } from '../../shared/ports/index.ts';
import { localDoor } from '../e2e/doors/local.ts';
import { held } from './kept.ts';
import { openRig, type Rig } from './rig.ts';
import { samples } from './samples/index.ts';

const writing = services
  .flatMap(({ operations }) => operations)
  .filter((op) => {
    const { writes, emits } = reach(op);
    return writes.size > 0 || emits;
  });
const asked = writing.filter(({ http, rpc }) => http.length > 0 || rpc.length > 0);
const handlers = writing.filter(({ subscription }) => subscription !== undefined);

/** Steps that can fail because something is away: the port and its methods. */
const STEPS = {
  store: ['get', 'getMany', 'query', 'transact', 'increment'],
  tokens: ['sign'],
} as const;

/** A host whose step number `failing` fails; `taken` tells which steps were begun. */
const failingAt = (host: Host, failing: number): { host: Host; taken: string[] } => {
  const taken: string[] = [];
  const wrap = (name: keyof typeof STEPS): object => {
    const port = host.ports[name] as unknown as Record<string, (...sent: unknown[]) => Promise<unknown>>;
    const steps = STEPS[name].map((method) => [
      method,
      async (...sent: unknown[]) => {
        taken.push(`${name}.${method}`);
        if (taken.length === failing) throw new AppError('unavailable');
        return port[method]!(...sent);
      },
    ]);
    return { ...port, ...Object.fromEntries(steps) };
  };
  const ports = { ...host.ports, store: wrap('store'), tokens: wrap('tokens') } as Ports;
  const other: Host = { ports, call: (callee, input, context) => callLocal(other, callee, input, context) };
  return { host: other, taken };
};

describe('a step that fails', () => {
  let rig: Rig;
  let file: string;
  beforeAll(async () => {
    rig = await openRig();
    file = join(rig.platform.dataDir, 'perfect21.db');
  }, 60_000);
  afterAll(() => rig?.close());

  for (const op of asked) {
    test(`of ${op.name} has changed nothing where the answer is 5xx`, { timeout: 120_000 }, async () => {
      for (let failing = 1; ; failing++) {
        const { input, token } = await samples[op.name]!(rig.world);
        await rig.platform.drain();
        using before = held(file);
        const { host, taken } = failingAt(rig.platform.host, failing);
        const { ok, code } = await localDoor(host).call(op, input, { token });
        if (taken.length < failing) break;
        if (ok || ERRORS[code as keyof typeof ERRORS].http < 500) continue;
        const step = `step ${failing}, ${taken[failing - 1]}`;
        expect([step, ...before.changes()]).toEqual([step]);
      }
    });
  }

  for (const op of handlers) {
    test(`of ${op.name} is made good when the event comes again`, { timeout: 120_000 }, async () => {
      for (let failing = 1; ; failing++) {
        const { input, token } = await samples[op.name]!(rig.world);
        const { host, taken } = failingAt(rig.platform.host, failing);
        await localDoor(host).call(op, input, { token });
        if (taken.length < failing) break;
        // what it had taken up is nobody's then
        rig.world.advance!(120_000);
        const { ok, code, errors } = await rig.world.call(op, input, { token });
        const step = `step ${failing}, ${taken[failing - 1]}`;
        expect({ step, ok, code, errors }).toEqual({ step, ok: true, code: undefined, errors: undefined });
      }
    });
  }
});
