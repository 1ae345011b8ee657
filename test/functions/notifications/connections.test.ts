/** WebSockets that API Gateway holds: functions let in, hear and end them, and an event handler tells them what happens. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '../../../functions/index.ts';
import { MOST_OF_USER } from '../../../functions/notifications/connected.ts';
import { gateway } from '../../../functions/notifications/index.ts';
import { openConnection } from '../../../functions/notifications/open-connection.ts';
import { roleAssigned } from '../../../functions/permissions/events.ts';
import { sessionRevoked } from '../../../functions/sessions/events.ts';
import { socketEvent } from '../../engines/api-gateway.ts';
import { framed, openGatewayRig } from './gateway-rig.ts';

let rig: Awaited<ReturnType<typeof openGatewayRig>>;
beforeEach(async () => {
  vi.stubEnv('PERFECT21_PUBLIC_URL', 'https://login.example.org');
  vi.stubEnv('PERFECT21_ORIGINS', 'https://app.example.org');
  rig = await openGatewayRig();
});

const revoked = (about: object) =>
  sessionRevoked.with({ user_id: 'u1', reason: 'logout', ...about }, { user_id: 'u1' });

describe('who opens a connection', () => {
  it('is greeted when it is open, without having said anything, and told what happens from then on', async () => {
    const { connect, ticket, drain, frames, tell, types, opened } = rig;
    expect(await connect('c1=', { ticket: await ticket() })).toBe(200);
    expect(types('c1=')).toEqual([]);
    await drain();
    const [hello] = frames.get('c1=')!;
    expect(hello).toMatchObject({ type: 'hello', data: { connection_id: hello!.id, heartbeat_ms: 240_000 } });
    await opened('other=', 'u2');
    await tell(framed('m1'));
    await tell(roleAssigned.with({ user_id: 'u1', role: 'admin', changed_by: 'u9' }, { user_id: 'u1' }));
    expect(types('c1=')).toEqual(['hello', 'notification', 'permissions.changed']);
    expect(frames.get('c1=')![1]).toMatchObject({ id: 'm1', data: { id: 'm1' } });
    expect(JSON.stringify(frames.get('c1='))).not.toContain('u9');
    expect(types('other=')).toEqual(['hello']);
  });

  it('misses nothing that comes before the greeting', async () => {
    const { connect, ticket, message, tell, frames } = rig;
    await connect('c1=', { ticket: await ticket() });
    await message('m1');
    await tell(framed('m1'));
    // at least once
    const told = frames.get('c1=')!.map(({ id, type }) => (type === 'hello' ? type : id));
    expect([...new Set(told)]).toEqual(['hello', 'm1']);
  });

  it('gets what came since the message that it names, and no older one', async () => {
    const { message, clock, opened, frames } = rig;
    for (const id of ['m1', 'm2', 'm3']) {
      await message(id);
      clock.pass(60_000);
    }
    await opened('c1=', 'u1', 's1', { since: 'm1' });
    expect(frames.get('c1=')!.map(({ id, type }) => (type === 'hello' ? type : id))).toEqual(['hello', 'm2', 'm3']);
  });

  it('needs a ticket, which lets in once, within its time, and while the session goes on', async () => {
    const { connect, ticket, clock, ended, held } = rig;
    const [used, raced, late, over] = [await ticket(), await ticket(), await ticket(), await ticket('u1', 's2')];
    expect(await connect('c1=', { ticket: used })).toBe(200);
    expect(await connect('c2=', { ticket: used })).toBe(403);
    const race = await Promise.all(['r1=', 'r2=', 'r3='].map((id) => connect(id, { ticket: raced })));
    expect(race.sort()).toEqual([200, 403, 403]);
    ended.set('s2', 'session_ended');
    expect(await connect('c3=', { ticket: over })).toBe(403);
    clock.pass(30_000);
    expect(await connect('c4=', { ticket: late })).toBe(403);
    expect(await connect('c5=', {})).toBe(403);
    expect(await connect('c6=', { ticket: 'x'.repeat(300) })).toBe(400);
    expect(await held()).toHaveLength(2);
  });

  it('comes from a page of ours, or from no page', async () => {
    const { connect, ticket } = rig;
    const kept = await ticket();
    expect(await connect('c1=', { ticket: kept }, { Origin: 'https://elsewhere.example' })).toBe(403);
    // the ticket of who was lured there is still good
    expect(await connect('c1=', { ticket: kept }, { Origin: 'https://app.example.org' })).toBe(200);
    expect(await connect('c2=', { ticket: await ticket() }, { origin: 'https://login.example.org' })).toBe(200);
  });

  it('is refused past the connections that a user may have, also when all come at once; those that are over do not count', async () => {
    const { connect, ticket, clock, held } = rig;
    const tickets = await Promise.all(Array.from({ length: MOST_OF_USER + 5 }, () => ticket()));
    const came: number[] = [];
    for (let at = 0; at < tickets.length; at += 3)
      came.push(
        ...(await Promise.all(tickets.slice(at, at + 3).map((each, n) => connect(`c${at + n}=`, { ticket: each })))),
      );
    expect(came.filter((status) => status === 200)).toHaveLength(MOST_OF_USER);
    expect(new Set(came)).toEqual(new Set([200, 429]));
    expect(await held()).toHaveLength(MOST_OF_USER);
    clock.pass(900_000);
    expect(await connect('later=', { ticket: await ticket() })).toBe(200);
    expect(await held()).toEqual(['later=']);
  });

  it('keeps the ticket where it can not be known whether the session goes on', async () => {
    const { connect, ticket, ended, logged } = rig;
    const kept = await ticket();
    ended.set('s1', 'unknown');
    expect(await connect('c1=', { ticket: kept })).toBe(503);
    expect(logged.filter(({ code }) => code === 'operation.failed')).toHaveLength(1);
    expect(JSON.stringify(logged)).not.toContain(kept);
    ended.clear();
    expect(await connect('c1=', { ticket: kept })).toBe(200);
  });

  it('is bounded by its address', async () => {
    const { connect } = rig;
    const status: number[] = [];
    for (let n = 0; n < 305; n++) status.push(await connect(`c${n}=`, { ticket: 'guessed' }));
    expect(status.slice(0, 300).every((each) => each === 403)).toBe(true);
    expect(status.at(-1)).toBe(429);
  });

  it('while its opening is answered is not there yet: the greeting comes a moment later', async () => {
    const { connect, ticket, drain, open, clock, types, held } = rig;
    await connect('c1=', { ticket: await ticket() });
    open.delete('c1=');
    await drain();
    expect([types('c1='), await held()]).toEqual([[], ['c1=']]);
    open.add('c1=');
    clock.pass(2_000);
    await drain();
    expect(types('c1=')).toEqual(['hello']);
  });

  it('and never comes is forgotten', async () => {
    const { connect, ticket, drain, open, clock, held, connected } = rig;
    await connect('c1=', { ticket: await ticket() });
    open.delete('c1=');
    for (const ms of [0, 2_000, 10_000]) {
      clock.pass(ms);
      await drain();
    }
    expect([await held(), await connected()]).toEqual([[], []]);
  });
});

describe('a connection', () => {
  it('that is gone is forgotten with the first frame; one out of reach gets it with the next try, and nobody else waits', async () => {
    const { opened, tell, open, away, drain, clock, types, held } = rig;
    for (const id of ['gone=', 'away=', 'here=']) await opened(id);
    open.delete('gone=');
    away.add('away=');
    await tell(framed('m1'));
    expect([await held(), types('here='), types('away=')]).toEqual([
      ['away=', 'here='],
      ['hello', 'notification'],
      ['hello'],
    ]);
    away.clear();
    clock.pass(2_000);
    await drain();
    expect(types('away=')).toEqual(['hello', 'notification']);
  });

  it('ends with its session, told why, and no other one does', async () => {
    const { opened, tell, types, frames, closed, held, connected } = rig;
    await opened('mine=');
    await opened('other=', 'u1', 's2');
    await tell(revoked({ session_id: 's1' }));
    expect(frames.get('mine=')!.at(-1)).toMatchObject({ type: 'session.ended', data: { reason: 'logout' } });
    expect([closed, await held(), types('other='), await connected()]).toEqual([
      ['mine='],
      ['other='],
      ['hello'],
      ['s2'],
    ]);
    await opened('third=', 'u1', 's3');
    await tell(revoked({ except_session_id: 's3' }));
    expect([closed, await held()]).toEqual([['mine=', 'other='], ['third=']]);
  });

  it('whose session ended is told nothing any more, though nobody told of the end', async () => {
    const { opened, ended, tell, types, closed, held } = rig;
    await opened('c1=');
    ended.set('s1', 'session_ended');
    await tell(framed('m1'));
    expect([types('c1='), closed, await held()]).toEqual([['hello', 'session.ended'], ['c1='], []]);
  });

  it('that ended before it was greeted is not greeted', async () => {
    const { connect, ticket, ended, drain, types, closed } = rig;
    await connect('c1=', { ticket: await ticket() });
    ended.set('s1', 'user_inactive');
    await drain();
    expect([types('c1='), closed]).toEqual([['session.ended'], ['c1=']]);
  });

  it('is told nothing while it can not be known whether its session goes on', async () => {
    const { opened, ended, tell, types, clock, drain } = rig;
    await opened('c1=');
    ended.set('s1', 'unknown');
    await tell(framed('m1'));
    expect(types('c1=')).toEqual(['hello']);
    ended.clear();
    clock.pass(2_000);
    await drain();
    expect(types('c1=')).toEqual(['hello', 'notification']);
  });

  it('ends with its token, without a word', async () => {
    const { opened, clock, drain, types, closed, connected } = rig;
    await opened('c1=');
    clock.pass(899_000);
    await drain();
    expect(closed).toEqual([]);
    clock.pass(1_000);
    await drain();
    expect([types('c1='), closed, await connected()]).toEqual([['hello'], ['c1='], []]);
  });

  it('leaves: its session is connected as long as another one of it is', async () => {
    const { opened, leave, connected, held } = rig;
    await opened('one=');
    await opened('two=');
    await leave('one=');
    expect([await held(), await connected()]).toEqual([['two='], ['s1']]);
    await leave('two=');
    await leave('two=');
    expect([await held(), await connected()]).toEqual([[], []]);
  });
});

describe('what a connection says', () => {
  it('shows that it is there, for as long as it says so', async () => {
    const { opened, say, clock, connected } = rig;
    await opened('c1=');
    clock.pass(8 * 60_000);
    expect(await say('c1=', { type: 'ping' })).toBe(200);
    clock.pass(6 * 60_000);
    expect(await connected()).toEqual(['s1']);
  });

  it('takes a message of its own user, and changes nothing else', async () => {
    const { opened, say, message, taken, closed } = rig;
    await opened('c1=');
    await message('mine');
    await message('hers', 'u2');
    for (const id of ['mine', 'hers', 'made up']) expect(await say('c1=', { type: 'ack', id })).toBe(200);
    expect([await taken('mine'), await taken('hers'), closed]).toEqual([rig.clock.now(), undefined, []]);
  });

  it('ends it when its session or its token is over', async () => {
    const { opened, say, ended, types, closed, clock } = rig;
    await opened('c1=');
    await opened('c2=', 'u1', 's2');
    ended.set('s1', 'revoked');
    await say('c1=', { type: 'ping' });
    expect(types('c1=')).toEqual(['hello', 'session.ended']);
    clock.pass(900_000);
    await say('c2=', { type: 'ping' });
    expect([types('c2='), closed]).toEqual([['hello'], ['c1=', 'c2=']]);
  });

  it.each([
    ['no JSON', 'ping'],
    ['no object', '"ping"'],
    ['nothing that is known', { type: 'subscribe', to: 'u2' }],
    ['an acknowledgement of nothing', { type: 'ack' }],
    ['a name of the prototype', { type: 'constructor' }],
    ['too much', { type: 'ack', id: 'x', more: 'y'.repeat(5_000) }],
  ])('ends it when it is %s', async (_, body) => {
    await rig.opened('c1=');
    expect(await rig.say('c1=', body)).toBe(400);
    expect(rig.closed).toEqual(['c1=']);
  });

  it('ends it when it is too often, and when nobody knows who speaks', async () => {
    const { opened, say, open, closed } = rig;
    await opened('flood=');
    const statuses = [];
    for (let n = 0; n < 51; n++) statuses.push(await say('flood=', { type: 'ping' }));
    expect([statuses.at(0), statuses.at(-1), closed]).toEqual([200, 429, ['flood=']]);
    open.add('stranger=');
    await say('stranger=', { type: 'ping' });
    expect(closed).toEqual(['flood=', 'stranger=']);
  });
});

it('takes events of a WebSocket API, and nothing else', async () => {
  for (const event of [undefined, {}, { requestContext: { connectionId: 'c', eventType: 'OTHER' } }])
    await expect(rig.serve(openConnection, event as object)).rejects.toThrow(TypeError);
  // what the query says of the connection is not heard
  const query = { ticket: await rig.ticket(), connection_id: 'mine=' };
  expect(await rig.serve(openConnection, socketEvent('CONNECT', 'true=', { query }))).toBe(200);
  expect(await rig.held()).toEqual(['true=']);
});

it('lets nobody call its operations: they have no path and no method, and no process runs them', () => {
  for (const { name, http, rpc, socket } of gateway.operations) {
    expect([name, http, rpc, socket]).toEqual([name, [], [], undefined]);
    expect(platform.flatMap(({ operations }) => operations).some((op) => op.name === name)).toBe(false);
  }
});
