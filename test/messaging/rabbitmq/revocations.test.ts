/** The feed of revocations over a real RabbitMQ: who follows is caught up, hears all at once, and mends what was lost. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createProcessFeed } from '../../../shared/keys/process-feed.ts';
import type { FollowedRevocations } from '../../../shared/keys/revocations.ts';
import { openToldRevocations } from '../../../shared/keys/told-revocations.ts';
import { createRabbitFeed, tellOverRabbit } from '../../../shared/messaging/rabbitmq/revocations.ts';
import type { Revocation } from '../../../shared/ports/revocations.ts';
import { systemClock } from '../../../shared/system/clock.ts';
import { randomIds } from '../../../shared/system/ids.ts';
import { createMetrics } from '../../../shared/system/metrics.ts';
import { type Rabbitmq, startRabbitmq } from '../../engines/rabbitmq.ts';
import { startTcpProxy } from '../../engines/tcp-proxy.ts';
import { testLog } from '../../keys/harness.ts';

const { port: clock } = await systemClock.open({}, {} as any);
const { port: ids } = await randomIds.open({}, {} as any);
const ports = () => ({ clock, ids, log: testLog(), metrics: createMetrics() });
const claims = { jti: 'j', sid: 's', sub: 'u', gen: 1 };
const ended = (value: string): Revocation => ({ kind: 'sid', value, error: 'session_ended', created_at: clock.now() });
const soon = (look: () => void): Promise<void> => vi.waitFor(look, { timeout: 15_000, interval: 5 });
const finds = (held: FollowedRevocations, sid: string) => {
  const found = held.find({ ...claims, sid });
  if (found instanceof Promise) found.catch(() => undefined);
  return found;
};

describe('revocations over RabbitMQ', () => {
  let broker: Rabbitmq;
  beforeAll(async () => {
    broker = await startRabbitmq();
  }, 120_000);
  afterAll(() => broker?.close());
  const settings = (url = broker.url) => ({ url, queue_type: 'classic' as const });

  const origin = async (known: readonly Revocation[] = []) => {
    const own = ports();
    const held = await openToldRevocations({ revocationFeed: createProcessFeed(own, known), ...own });
    const beating = setInterval(() => void held.port.catchUp(), 100);
    const teller = tellOverRabbit(settings(), held.port, own);
    const stop = async (): Promise<void> => {
      clearInterval(beating);
      await Promise.all([teller.stop(), held.close()]);
    };
    onTestFinished(stop);
    return { held: held.port, stop };
  };
  const verifier = async (url?: string) => {
    const own = ports();
    const feed = createRabbitFeed(settings(url), own);
    const held = await openToldRevocations({ revocationFeed: feed, ...own });
    onTestFinished(() => feed.close());
    await soon(() => expect(held.port.isReady()).toBe(true));
    return held.port;
  };

  test('a verifier knows the snapshot before it is ready, and each new one within moments', async () => {
    const { held } = await origin(Array.from({ length: 1_200 }, (_, n) => ended(`s${n}`)));
    const verifying = await verifier();
    for (const sid of ['s0', 's600', 's1199']) expect(finds(verifying, sid)).toBe('session_ended');
    held.learn(ended('new'));
    await soon(() => expect(finds(verifying, 'new')).toBe('session_ended'));
  });

  type Known = Awaited<ReturnType<typeof origin>>['held'];
  /** What was told before a process was connected it reads from the store, which there is none of here. */
  const connected = async (teller: Known, listener: Known): Promise<void> => {
    const said: string[] = [];
    await soon(() => {
      if (said.some((sid) => finds(listener, sid) === 'session_ended')) return;
      const sid = ids.uuid();
      said.push(sid);
      teller.learn(ended(sid));
      throw new Error('it hears nothing');
    });
  };

  test('what one process of the platform makes is known in the others, and to who follows any', async () => {
    const [one, two] = [await origin(), await origin()];
    const verifying = await verifier();
    await connected(one.held, two.held);
    await connected(two.held, one.held);
    one.held.learn(ended('by one'));
    two.held.learn(ended('by two'));
    await soon(() => expect(finds(two.held, 'by one')).toBe('session_ended'));
    await soon(() => expect(finds(one.held, 'by two')).toBe('session_ended'));
    for (const sid of ['by one', 'by two']) await soon(() => expect(finds(verifying, sid)).toBe('session_ended'));
  });

  test('who is followed may end: another one is followed then', async () => {
    const one = await origin();
    const verifying = await verifier();
    const two = await origin();
    await one.stop();
    two.held.learn(ended('after it'));
    await soon(() => expect(finds(verifying, 'after it')).toBe('session_ended'));
    await soon(() => expect(verifying.age()).toBeLessThan(500));
  });

  test('what was told while the wire was cut is mended, and past the bound nothing is answered', async () => {
    const { held } = await origin();
    const url = new URL(broker.url);
    const wire = await startTcpProxy(Number(url.port));
    const through = new URL(broker.url);
    through.port = String(wire.port);
    const verifying = await verifier(through.href);
    await wire.close();
    held.learn(ended('meanwhile'));
    await soon(() => expect(verifying.isReady()).toBe(false));
    await expect(verifying.find(claims)).rejects.toMatchObject({ code: 'unavailable' });
    const again = await startTcpProxy(Number(url.port), undefined, wire.port);
    onTestFinished(() => again.close());
    await soon(() => expect(verifying.isReady()).toBe(true));
    expect(await finds(verifying, 'meanwhile')).toBe('session_ended');
  });

  test('a broker that was away is followed again, and nothing is missed', async () => {
    const { held } = await origin();
    const verifying = await verifier();
    await broker.stop();
    held.learn(ended('while it was away'));
    await soon(() => expect(verifying.isReady()).toBe(false));
    await broker.start();
    await soon(() => expect(verifying.isReady()).toBe(true));
    expect(await finds(verifying, 'while it was away')).toBe('session_ended');
  }, 120_000);
});
