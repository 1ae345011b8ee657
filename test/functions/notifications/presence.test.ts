/** Which devices are connected, as the store has it. */
import { expect, test } from 'vitest';
import { listConnected } from '../../../functions/notifications/list-connected.ts';
import { noteConnected, noteLeft } from '../../../functions/notifications/presence.ts';
import { openNotifications } from './rig.ts';

const opened = async () => {
  const rig = await openNotifications();
  const now = () => rig.clock.now();
  const device = (session_id: string) => ({ user_id: 'u1', session_id });
  const store = rig.store as unknown as Parameters<typeof noteConnected>[0];
  return {
    ...rig,
    comes: (session_id: string) => noteConnected(store, device(session_id), now()),
    leaves: (session_id: string) => noteLeft(store, device(session_id), now()),
    listed: async () => (await rig.ask(listConnected, { user_id: 'u1' })).connected,
    seconds: () => Math.floor(now() / 1_000),
  };
};

test('devices come at once and leave one by one, and a renewal changes nothing of since when', async () => {
  const { comes, leaves, listed, clock, seconds } = await opened();
  const since = seconds();
  await Promise.all(['a', 'b', 'c'].map(comes));
  expect((await listed()).map(({ session_id }: { session_id: string }) => session_id).sort()).toEqual(['a', 'b', 'c']);
  clock.pass(300_000);
  await comes('a');
  await Promise.all(['b', 'c'].map(leaves));
  expect(await listed()).toEqual([{ session_id: 'a', since }]);
});

test('those of a process that died end by themselves', async () => {
  const { comes, listed, clock } = await opened();
  await comes('a');
  clock.pass(6 * 60_000);
  await comes('b');
  clock.pass(6 * 60_000);
  expect(await listed()).toMatchObject([{ session_id: 'b' }]);
  clock.pass(6 * 60_000);
  expect(await listed()).toEqual([]);
});
