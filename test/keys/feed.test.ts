import { describe, expect, onTestFinished, test } from 'vitest';
import { toValidation } from '../../functions/auth/validation.ts';
import { eventReader, FeedEvent, toEvents } from '../../shared/keys/feed-events.ts';
import { createProcessFeed } from '../../shared/keys/process-feed.ts';
import { RevocationSet } from '../../shared/keys/revocation-set.ts';
import { openRevocations, STALENESS_BOUND_MS } from '../../shared/keys/revocations.ts';
import { createTokenSigner } from '../../shared/keys/token-signer.ts';
import { createVerifier } from '../../shared/keys/verifier.ts';
import type { FeedMessage, FeedPosition, Revocation, RevocationFeed } from '../../shared/ports/revocations.ts';
import { ISSUER, memoryKeys, settings, TestClock, testLog } from './harness.ts';

const claims = { jti: 'j', sid: 's', sub: 'u', gen: 1 };
let unique = 0;
const ids = {
  uuid: () => {
    unique += 1;
    return `id-${unique}`;
  },
  random: () => 'r',
};
const ended = (value: string, created_at: number): Revocation => ({
  kind: 'sid',
  value,
  error: 'session_ended',
  created_at,
});

/** A feed in a test's hands: what it tells, and what it answers when it is asked to catch up. */
const setUp = async (answer: (now: number) => FeedMessage | undefined) => {
  const [clock, log] = [new TestClock(), testLog()];
  let take: (message: FeedMessage) => void = () => {};
  const asked: (FeedPosition | undefined)[] = [];
  const revocationFeed: RevocationFeed = {
    follow: (given) => {
      take = given;
      return () => {};
    },
    catchUp: async (from) => {
      asked.push(from);
      const message = answer(clock.now());
      if (!message) throw new Error('away');
      take(message);
    },
  };
  const { port, close } = await openRevocations({ revocationFeed, clock, log });
  onTestFinished(close);
  return { clock, log, asked, port, tell: (message: FeedMessage) => take(message) };
};

describe('a feed of revocations', () => {
  test('before its first snapshot nothing is answered, and after it at once', async () => {
    let there = false;
    const at = { epoch: 'one', number: 4 };
    const { port } = await setUp((now) =>
      there ? { kind: 'snapshot', at, revocations: [ended('s', 0)], as_of: now } : undefined,
    );
    await expect(port.find(claims)).rejects.toMatchObject({ code: 'unavailable' });
    there = true;
    expect(await port.find(claims)).toBe('session_ended');
    expect(port.find(claims)).toBe('session_ended');
  });

  test.each([
    ['a number that was passed over', { epoch: 'one', number: 6 }],
    ['another epoch', { epoch: 'two', number: 5 }],
  ])('after %s nothing is answered before a new snapshot, which holds what was missed', async (_, after) => {
    let holds = true;
    const missed: Revocation[] = [];
    const { port, clock, tell, asked, log } = await setUp((now) =>
      holds ? { kind: 'snapshot', at: { epoch: 'one', number: 5 }, revocations: missed, as_of: now } : undefined,
    );
    expect(port.find(claims)).toBeUndefined();
    holds = false;
    missed.push(ended('s', clock.now()));
    tell({ kind: 'entries', after, revocations: [ended('other', clock.now())], as_of: clock.now() });
    await expect(port.find(claims)).rejects.toMatchObject({ code: 'unavailable' });
    expect(log.codes).toContain('revocations.gap');
    holds = true;
    expect(await port.find(claims)).toBe('session_ended');
    expect(asked.at(-1)).toBeUndefined();
  });

  test('entries that are told twice are no gap, and those that come alone only keep it fresh', async () => {
    const { port, clock, tell, asked } = await setUp((now) => ({
      kind: 'snapshot',
      at: { epoch: 'one', number: 5 },
      revocations: [],
      as_of: now,
    }));
    const after = { epoch: 'one', number: 5 };
    const twice: FeedMessage = {
      kind: 'entries',
      after,
      revocations: [ended('a', 0), ended('b', 0)],
      as_of: clock.now(),
    };
    tell(twice);
    tell(twice);
    clock.pass(STALENESS_BOUND_MS);
    tell({ kind: 'entries', after: { epoch: 'one', number: 7 }, revocations: [], as_of: clock.now() });
    clock.pass(STALENESS_BOUND_MS);
    const before = asked.length;
    expect(port.find({ ...claims, sid: 'b' })).toBe('session_ended');
    expect(asked).toHaveLength(before);
    clock.pass(1);
    expect(port.find(claims)).toBeInstanceOf(Promise);
  });

  test('within a process what is published is known at once, and to who follows later', async () => {
    const [clock, log] = [new TestClock(), testLog()];
    const revocationFeed = createProcessFeed({ clock, ids });
    const { port } = await openRevocations({ revocationFeed, clock, log });
    revocationFeed.publish(ended('s', clock.now()));
    expect(port.find(claims)).toBe('session_ended');
    const later = await openRevocations({ revocationFeed, clock, log });
    expect(later.port.find(claims)).toBe('session_ended');
    clock.pass(60_000);
    expect(await port.find({ ...claims, sid: 'other' })).toBeUndefined();
    expect(log.codes).toEqual([]);
  });
});

describe('what a feed told over a wire', () => {
  const event = { epoch: 'one', number: 0, snapshot: false, partial: false, entries: [] };
  const setUpReader = () => {
    const clock = new TestClock();
    /** The other end's clock is an hour ahead. */
    const [ahead, read] = [3_600_000, eventReader(() => clock.now())];
    const ageOf = (sent_ago: number, age = 0): number => {
      const sent_at = clock.now() - sent_ago + ahead;
      const message = read({ ...event, as_of: sent_at - age, sent_at });
      return clock.now() - (message as { as_of: number }).as_of;
    };
    return { clock, ageOf };
  };

  test('is as old as its sender says, whatever the clocks of both', () => {
    const { ageOf } = setUpReader();
    expect(ageOf(0)).toBe(0);
    expect(ageOf(0, 700)).toBe(700);
  });

  test('is old where it waited for a reader that stood still', () => {
    const { clock, ageOf } = setUpReader();
    expect(ageOf(3)).toBe(0);
    clock.pass(600_000);
    expect(ageOf(600_003)).toBe(600_000);
    expect(ageOf(3)).toBe(0);
  });

  test('is told in parts of which the last one counts, and is understood whole or not at all', () => {
    const revocations = Array.from({ length: 1_201 }, (_, n) => ended(`s${n}`, 0));
    const at = { epoch: 'one', number: 7 };
    const parts = [...toEvents({ kind: 'snapshot', at, revocations, as_of: 5 }, () => 6)];
    expect(parts.map(({ partial, number, entries }) => [partial, number, entries.length])).toEqual([
      [true, 7, 500],
      [true, 7, 500],
      [false, 7, 201],
    ]);
    const after = [...toEvents({ kind: 'entries', after: at, revocations, as_of: 5 }, () => 6)];
    expect(after.map(({ number }) => number)).toEqual([507, 1007, 1208]);
    const unknown = { kind: 'tenant', value: 'x', created_at: 1 };
    expect(FeedEvent.safeParse({ ...after[0], entries: [unknown] }).success).toBe(false);
  });
});

describe('permissions that changed under a live token', () => {
  const setUpTokens = async () => {
    const clock = new TestClock();
    const { keys } = memoryKeys('ES256');
    const live = new RevocationSet();
    const signer = createTokenSigner({ signer: keys, clock, ids, settings });
    const verifier = createVerifier(
      { keys, clock, revocations: { find: (of) => live.find(of), learn: () => {} } },
      { issuer: ISSUER, audience: 'perfect21' },
    );
    const sign = async (user_id: string, permissions_generation?: number, roles_generation?: number) => {
      const about = { user_id, session_id: `of-${user_id}`, generation: 1, permissions: ['a:b:c'], roles: [] };
      return (await signer.sign({ ...about, permissions_generation, roles_generation })).access_token;
    };
    const warningsOf = async (token: string) => {
      const answer = toValidation(await verifier.verify(token), clock.now());
      expect(answer.valid).toBe(true);
      return answer.warnings;
    };
    return { clock, live, sign, warningsOf, verifier };
  };

  test("a user's older tokens live on and say so, newer ones and those of others do not", async () => {
    const { clock, live, sign, warningsOf } = await setUpTokens();
    const [old, never, fresh, other] = [await sign('u', 1), await sign('u'), await sign('u', 2), await sign('v')];
    expect(await warningsOf(old)).toEqual([]);
    live.add({ kind: 'permissions', value: 'u', generation: 2, created_at: clock.now() });
    live.add({ kind: 'permissions', value: 'u', generation: 1, created_at: clock.now() });
    for (const token of [old, never, old]) expect(await warningsOf(token)).toEqual(['permissions_changed']);
    for (const token of [fresh, other]) expect(await warningsOf(token)).toEqual([]);
  });

  test('roles and policies concern the tokens of all users', async () => {
    const { clock, live, sign, warningsOf } = await setUpTokens();
    const [old, fresh] = [await sign('u', 9, 4), await sign('v', 0, 5)];
    live.add({ kind: 'roles', value: 'all', generation: 5, created_at: clock.now() });
    expect(await warningsOf(old)).toEqual(['permissions_changed']);
    expect(await warningsOf(fresh)).toEqual([]);
  });

  test('what ends a token counts for more, and a claim that is no generation makes it malformed', async () => {
    const { clock, live, sign, verifier } = await setUpTokens();
    const token = await sign('u');
    live.add({ kind: 'permissions', value: 'u', generation: 1, created_at: clock.now() });
    live.add({ kind: 'sid', value: 'of-u', error: 'session_ended', created_at: clock.now() });
    expect(await verifier.verify(token)).toEqual({ valid: false, error: 'session_ended' });
    expect(await verifier.verify(await sign('v', 1.5))).toEqual({ valid: false, error: 'malformed' });
  });
});
