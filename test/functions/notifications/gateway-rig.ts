/** Connections that API Gateway holds, on a store in memory: the routes of its API as functions, and what it would be asked. */
import { onTestFinished } from 'vitest';
import * as z from 'zod';
import { realtimeFrame } from '../../../functions/notifications/events.ts';
import { hearConnection } from '../../../functions/notifications/hear-connection.ts';
import { gateway, notificationCollections } from '../../../functions/notifications/index.ts';
import { issueTicket } from '../../../functions/notifications/issue-ticket.ts';
import { leaveConnection } from '../../../functions/notifications/leave-connection.ts';
import { listConnected } from '../../../functions/notifications/list-connected.ts';
import { openConnection } from '../../../functions/notifications/open-connection.ts';
import { inbox, listeners } from '../../../functions/notifications/records.ts';
import { roleAssigned } from '../../../functions/permissions/events.ts';
import { sessionRevoked } from '../../../functions/sessions/events.ts';
import { serveSocket } from '../../../shared/doors/lambda/websocket.ts';
import { callCounts } from '../../../shared/kit/bound-records.ts';
import { AppError } from '../../../shared/kit/errors.ts';
import type { NewEvent } from '../../../shared/kit/event.ts';
import { invoke } from '../../../shared/kit/invoke.ts';
import { operation } from '../../../shared/kit/operation.ts';
import { service } from '../../../shared/kit/service.ts';
import { insert } from '../../../shared/ports/store.ts';
import { lambdaContext } from '../../doors/lambda/support.ts';
import { socketEvent } from '../../engines/api-gateway.ts';
import { context, openRig } from '../../messaging/rig.ts';

/** Emits whatever it is given, as other services do. */
const emit = operation({
  name: 'other.emit',
  summary: 'Emits an event',
  access: 'service',
  input: z.custom<NewEvent<any>>(),
  output: z.object({}),
  emits: [realtimeFrame, sessionRevoked, roleAssigned],
  run: async ({ store }, event) => {
    await store.transact([], [event]);
    return {};
  },
});

interface Frame {
  id: string;
  type: string;
  data: Record<string, any>;
}

export const openGatewayRig = async () => {
  const rig = await openRig({
    platform: [service('other', [emit]), gateway],
    collections: [...notificationCollections, callCounts],
  });
  onTestFinished(rig.close);
  const open = new Set<string>();
  const frames = new Map<string, Frame[]>();
  const closed: string[] = [];
  /** Ids of connections that are out of reach, and of sessions that ended. */
  const away = new Set<string>();
  const ended = new Map<string, string>();
  const reach = (id: string): void => {
    if (away.has(id)) throw new AppError('unavailable');
  };
  Object.assign(rig.host.ports, {
    connections: {
      post: async (id: string, text: string) => {
        reach(id);
        if (!open.has(id)) return false;
        frames.set(id, [...(frames.get(id) ?? []), JSON.parse(text)]);
        return true;
      },
      close: async (id: string) => {
        reach(id);
        if (open.delete(id)) closed.push(id);
      },
    },
    revocations: {
      find: ({ sid }: { sid: string }) => {
        if (ended.get(sid) === 'unknown') throw new AppError('unavailable');
        return ended.get(sid);
      },
    },
  });
  const { drain } = rig.worker();
  const serve = async (op: Parameters<typeof serveSocket>[1], event: object): Promise<number> =>
    (await serveSocket(rig.host, op, event, lambdaContext())).statusCode as number;
  const now = (): number => rig.clock.now();

  const ticket = async (user_id = 'u1', session_id = 's1'): Promise<string> => {
    const caller = { kind: 'user', user_id, session_id, jti: `j-${session_id}`, generation: 0 } as const;
    const expires_at = Math.floor(now() / 1_000) + 900;
    const holder = { ...caller, expires_at, permissions: [], roles: [] };
    return (await invoke(rig.host, issueTicket, {}, { ...context(), caller: holder })).ticket;
  };
  const connect = async (
    id: string,
    query: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<number> => {
    const status = await serve(openConnection, socketEvent('CONNECT', id, { query, headers }));
    if (status === 200) open.add(id);
    return status;
  };
  return {
    ...rig,
    ...{ drain, open, frames, closed, away, ended, ticket, connect, serve },
    types: (id: string) => (frames.get(id) ?? []).map(({ type }) => type),
    /** A connection that was greeted. */
    opened: async (id: string, user_id = 'u1', session_id = 's1', query: object = {}): Promise<void> => {
      await connect(id, { ticket: await ticket(user_id, session_id), ...query });
      await drain();
    },
    say: (id: string, body: string | object): Promise<number> =>
      serve(
        hearConnection,
        socketEvent('MESSAGE', id, { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ),
    leave: async (id: string): Promise<void> => {
      open.delete(id);
      await serve(leaveConnection, socketEvent('DISCONNECT', id));
    },
    tell: async (event: NewEvent<any>): Promise<void> => {
      await rig.run(emit, event);
      await drain();
    },
    /** Puts a message into an inbox, as who tells of it does before. */
    message: (id: string, user_id = 'u1'): Promise<void> =>
      rig.store.transact([
        insert(inbox, id, { user_id, category: 'account', title: id, text: 'text', created_at: now() }),
      ]),
    taken: async (id: string) => (await rig.store.get(inbox, id))?.value.taken_at,
    held: async (user_id = 'u1') => Object.keys((await rig.store.get(listeners, user_id))?.value.open ?? {}),
    connected: async (user_id = 'u1'): Promise<string[]> =>
      (await rig.run(listConnected, { user_id })).connected.map(({ session_id }: { session_id: string }) => session_id),
  };
};

/** The event that tells of a message. */
export const framed = (frame_id: string, user_id = 'u1') =>
  realtimeFrame.with({ user_id, frame_id, type: 'notification', at: 0, data: { id: frame_id } }, { user_id });
