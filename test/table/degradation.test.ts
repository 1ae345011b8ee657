/** Each row of what is answered while something is away, with it really away. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { catalogue } from '../../functions/events.ts';
import { platform as services } from '../../functions/index.ts';
import { degradation, type Row } from '../../infra/generate/away.ts';
import { ERRORS } from '../../shared/kit/errors.ts';
import { OUTBOX } from '../../shared/kit/event.ts';
import { localDoor } from '../e2e/doors/local.ts';
import { type AwayRig, openAwayRig } from './away.ts';
import { awaySamples, lacking, outdated, tokenOfService } from './away-samples.ts';
import { held } from './kept.ts';
import { samples } from './samples/index.ts';
import type { Call } from './samples/sample.ts';

const operations = services.flatMap(({ operations: all }) => all);
const operationOf = (name: string) => operations.find((op) => op.name === name)!;
/** Ms after which what was taken up is nobody's, and waits are over. */
const LATER_MS = 120_000;

let rig: AwayRig;
let file: string;
beforeAll(async () => {
  rig = await openAwayRig();
  file = join(rig.platform.dataDir, 'perfect21.db');
}, 60_000);
afterAll(async () => {
  await rig?.close();
  vi.unstubAllEnvs();
});
afterEach(() => {
  rig.back();
  vi.restoreAllMocks();
});

const refused = async ({ op, dependency }: Row, { input, token }: Call): Promise<void> => {
  await rig.platform.drain();
  using before = held(file);
  const outcome = await localDoor(rig.without(dependency)).call(op, input, { token });
  expect({ ok: outcome.ok, code: outcome.code }).toEqual({ ok: false, code: 'unavailable' });
  expect(before.changes()).toEqual([]);
};

const answered = async ({ op, dependency }: Row, { input, token }: Call) => {
  await rig.platform.drain();
  const outcome = await localDoor(rig.without(dependency)).call(op, input, { token });
  expect({ ok: outcome.ok, code: outcome.code, errors: outcome.errors }).toEqual({ ok: true });
  return outcome.body;
};

/** An event handler that could not, and gets its event again. */
const broughtAgain = async ({ op, dependency }: Row, { input, token }: Call): Promise<void> => {
  await rig.platform.drain();
  const { ok, code } = await localDoor(rig.without(dependency)).call(op, input, { token });
  expect({ ok, retry: ERRORS[code as keyof typeof ERRORS]?.retry }).toEqual({ ok: false, retry: true });
  rig.back();
  rig.world.advance!(LATER_MS);
  const again = await rig.world.call(op, input, { token });
  expect({ ok: again.ok, code: again.code }).toEqual({ ok: true });
};

const waiting = async (queue: string): Promise<number> =>
  (await rig.platform.host.ports.store.messages.depth(queue)).count;

/** Nothing waits, and nothing was parked. */
const settled = async (): Promise<void> => {
  await rig.platform.drain();
  expect({ outbox: await waiting(OUTBOX), dead: await waiting('perfect21.dead') }).toEqual({ outbox: 0, dead: 0 });
};

/** Brings an event as its producer does. */
const bring = async (envelope: any): Promise<void> => {
  const { key } = catalogue.find(({ type }) => type === envelope.message_type)!;
  const { store, clock } = rig.platform.host.ports;
  const body = { envelope, routing_key: key, priority: 5 };
  await store.transact([], {
    enqueue: [{ queue: OUTBOX, id: envelope.message_id, priority: 5, available_at: clock.now(), body }],
  });
};

test('an answer of 503 says when to come again', async () => {
  const { input } = await samples['auth.login']!(rig.world);
  rig.without('store');
  const answer = await fetch(`${rig.platform.http.url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
  });
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
});

/** Who hears broadcasts is held to be gone once the clock has jumped: those come first. */
const broadcast = ({ op: { subscription } }: Row): boolean => subscription?.broadcast === true;
const rows = degradation().sort((one, other) => Number(broadcast(other)) - Number(broadcast(one)));

describe('while something is away', () => {
  for (const row of rows) {
    const { op, dependency, effect } = row;
    const only = 'only' in effect ? effect.only : undefined;
    const name = `${op.name} ${dependency}`;
    const usual = () => samples[op.name]!(rig.world);
    const special = () => (awaySamples[name] ?? samples[op.name])!(rig.world);

    test(`${op.name} without ${dependency}: ${effect.answer}`, { timeout: 30_000 }, async () => {
      if (dependency === 'standing') {
        const { input } = await usual();
        return refused(row, { input, token: await outdated(rig.world) });
      }
      if (dependency === 'bus' && op.subscription) {
        const { input } = await usual();
        await rig.platform.drain();
        const run = vi.spyOn(op, 'run');
        rig.without('bus');
        await bring(input);
        await rig.platform.drain();
        expect(run).not.toHaveBeenCalled();
        rig.back();
        await settled();
        return expect(run).toHaveBeenCalled();
      }
      switch (effect.answer) {
        case 'usual':
          await answered(row, await special());
          break;
        case 'stale': {
          // services' own tokens are looked up, access tokens follow the feed
          const shown = async (): Promise<Call> => {
            const { input, token } = await special();
            return {
              input,
              ...(token && { token: token.startsWith('p21s_') ? await tokenOfService(rig.world) : token }),
            };
          };
          const [first, second] = [await shown(), await shown()];
          await answered(row, first);
          rig.world.advance!(effect.seconds * 1_000 + 1);
          await refused(row, second);
          break;
        }
        case 'without':
          expect(await answered(row, await special())).toMatchObject(lacking[name]!);
          break;
        case 'refused':
          await refused(row, await special());
          rig.back();
          if (only) await answered(row, await usual());
          break;
        case 'again':
          await broughtAgain(row, await special());
          if (only) await answered(row, await usual());
          break;
        case 'later': {
          const { by } = effect;
          const handles = by ? vi.spyOn(operationOf(by), 'run') : undefined;
          await answered(row, await special());
          rig.back();
          await settled();
          if (handles) expect(handles).toHaveBeenCalled();
          break;
        }
      }
    });
  }
});
