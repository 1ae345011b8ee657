/** What services and sidecars do with peers that are broken or lie; clients of other programs have theirs in clients.test.ts. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { remoteCaller } from '../../shared/calls/remote.ts';
import { createGrpcFeed } from '../../shared/calls/revocation-feed.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { operations } from '../doors/grpc/operations.ts';
import { context } from '../doors/grpc/rig.ts';
import { rigPorts } from './discovery/fakes.ts';
import { LIARS, PEERS } from './peers.ts';

const ops = operations({ contexts: [], wait: async () => {} });
const ALL = Object.entries({ ...PEERS, ...LIARS });
/** They answer a service's JSON with JSON that is none, or nothing; an empty answer is one, of an operation without output. */
const EMPTY = new Set(['nothing at all']);

describe('a call to another service does not outlast its deadline', () => {
  for (const [name, peer] of ALL)
    test(`with a peer: ${name}`, async () => {
      const remote = remoteCaller({ discovery: { 'session-service': [await peer()] }, token: 'p21s_platform_secret' });
      onTestFinished(() => remote.close());
      const began = performance.now();
      const of = async (op: typeof ops.read | typeof ops.change): Promise<unknown> =>
        remote.call(op as typeof ops.read, { id: 'abc' }, context({ deadline: Date.now() + 500 }));
      for (const outcome of await Promise.allSettled([of(ops.read), of(ops.change)])) {
        if (EMPTY.has(name) && outcome.status === 'fulfilled') continue;
        expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(AppError) });
        const { code } = (outcome as PromiseRejectedResult).reason;
        expect(['unavailable', 'deadline_exceeded', 'internal', 'invalid_request']).toContain(code);
      }
      expect(performance.now() - began).toBeLessThan(1_000);
    });
});

describe('a feed of revocations is away, and nothing is learnt', () => {
  for (const [name, peer] of ALL)
    test(`from a peer: ${name}`, async () => {
      const { ports, logged } = rigPorts();
      const feed = createGrpcFeed({ address: await peer() }, ports);
      onTestFinished(() => feed.close());
      const told: unknown[] = [];
      feed.follow((message) => told.push(message));
      await expect(feed.catchUp()).rejects.toThrow(/feed/);
      await expect.poll(() => logged.map(({ code }) => code), { timeout: 3_000 }).toContain('revocation_feed.away');
      expect(told).toEqual([]);
    });
});
