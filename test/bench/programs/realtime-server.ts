/** The platform in one process, which tells listeners: at a rate, or everybody at once; or commits what other processes tell them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import * as product from '../../../functions/index.ts';
import { realtimeFrame } from '../../../functions/notifications/events.ts';
import { issueTicket } from '../../../functions/notifications/issue-ticket.ts';
import { onRealtimeFrame } from '../../../functions/notifications/on-realtime-frame.ts';
import { loadConfig } from '../../../shared/config/config.ts';
import type { Context } from '../../../shared/kit/context.ts';
import { invoke } from '../../../shared/kit/invoke.ts';
import { operation } from '../../../shared/kit/operation.ts';
import { continueTrace } from '../../../shared/kit/trace.ts';
import { startListener } from '../../../shared/messaging/listener.ts';
import { growSlowly } from '../../../shared/process/heap-growth.ts';
import { launch } from '../../../shared/process/launch.ts';
import { testEnvironment } from '../../support/platform.ts';
import { serve } from '../processes.ts';

export type ServerOrder =
  | { tickets: { from: number; count: number } }
  /** Tells one user after the other, `rate` times a second. */
  | { push: { users: number; rate: number; seconds: number } }
  /** Commits what tells one user after the other, wherever he listens. */
  | { commit: { users: number; rate: number; seconds: number } }
  /** Tells everybody at once. */
  | { broadcast: { users: number } }
  | 'memory'
  | 'where';

const folder = mkdtempSync(join(tmpdir(), 'perfect21-realtime-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const { BUS_URL } = process.env;
const bus: Record<string, string> = BUS_URL ? { BUS_URL } : {};
const { host, http } = await launch(product, loadConfig(testEnvironment(folder, bus)));
growSlowly();
const listener = startListener(host, [onRealtimeFrame]);
listener.connected();

const nameOf = (user: number): string => `user-${user}`;
const contextOf = (user: number): Context => ({
  request_id: 'bench',
  trace: continueTrace(),
  caller: {
    kind: 'user',
    user_id: nameOf(user),
    session_id: nameOf(user),
    jti: nameOf(user),
    generation: 0,
    expires_at: Math.floor(Date.now() / 1_000) + 900,
    permissions: [],
    roles: [],
  },
  client: {},
  door: 'local',
});

/** Tickets that are given at a time: what HTTP has in flight while each waits for its commit. */
const AT_ONCE = 32;
const ticketsFor = async ({ from, count }: { from: number; count: number }): Promise<string[]> => {
  const tickets: string[] = [];
  let next = from;
  const lane = async (): Promise<void> => {
    while (next < from + count) {
      const { ticket } = await invoke(host, issueTicket, {}, contextOf(next++));
      tickets.push(ticket);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return tickets;
};

let made = 0;
/** Milliseconds that clients on the same machine count by, too. */
const now = (): number => performance.timeOrigin + performance.now();
const frameFor = (user: number) => {
  made += 1;
  const frame_id = `01890a5d-ac96-774b-bcce-${String(made).padStart(12, '0')}`;
  const text = 'The work that was planned for tonight is done. Nothing is left to do for you.';
  return { user_id: nameOf(user), frame_id, type: 'notification' as const, at: 1, data: { text, sent: now() } };
};
const tell = (user: number): void => {
  const data = frameFor(user);
  const envelope = {
    message_id: data.frame_id,
    message_type: 'realtime.frame',
    timestamp: '2026-05-09T12:00:00.000Z',
    source_service: 'notification-service',
    user_id: data.user_id,
    data,
  };
  listener.deliver({ envelope, routing_key: 'realtime.events.frame', priority: 0 } as never);
};

const commitFrame = operation({
  name: 'notifications.commit-frame',
  summary: 'Commits a frame',
  access: 'user',
  input: z.object({ user: z.int() }),
  output: z.object({}),
  emits: [realtimeFrame],
  run: async ({ store }, { user }) => {
    await store.transact([], [realtimeFrame.with(frameFor(user), { user_id: nameOf(user) })]);
    return {};
  },
});
const commits = new Set<Promise<unknown>>();
const commit = (user: number): void => {
  const done = invoke(host, commitFrame, { user }, contextOf(user)).finally(() => commits.delete(done));
  commits.add(done);
};

const push = async (
  { users, rate, seconds }: { users: number; rate: number; seconds: number },
  one: (user: number) => void,
): Promise<number> => {
  const started = performance.now();
  let sent = 0;
  for (let elapsed = 0; elapsed < seconds * 1_000; elapsed = performance.now() - started) {
    for (const due = (elapsed / 1_000) * rate; sent < due; sent += 1) one(sent % users);
    await sleep(1);
  }
  await Promise.all([listener.settled(), ...commits]);
  return sent;
};

serve(async (order: ServerOrder) => {
  if (order === 'where') return http.url;
  if (order === 'memory') return process.memoryUsage().rss;
  if ('tickets' in order) return ticketsFor(order.tickets);
  if ('push' in order) return push(order.push, tell);
  if ('commit' in order) return push(order.commit, commit);
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  for (let user = 0; user < order.broadcast.users; user += 1) tell(user);
  await listener.settled();
  await sleep(50);
  loop.disable();
  return loop.max / 1e6;
});
