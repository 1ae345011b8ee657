import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { endOf, expel, forget } from './connected.ts';
import { CONNECTIONS } from './queues.ts';
import { connectionOwners, type Held, listeners, presence } from './records.ts';
import { TOLD_TYPES, ToldEvent, toldOf } from './told.ts';

const NO_LABELS = Object.freeze({});

/** Tells the connections that API Gateway holds what happened to their users, and ends those whose session ended. */
export const onConnectedFrame = operation({
  name: 'notifications.on-connected-frame',
  summary: 'Tells connections what concerns their users',
  subscription: { ...CONNECTIONS, types: TOLD_TYPES },
  access: 'service',
  input: ToldEvent,
  output: z.object({}),
  errors: ['conflict'],
  writes: [connectionOwners, listeners, presence],
  needs: ['clock', 'connections', 'ids', 'metrics', 'revocations'],
  run: async ({ store, metrics, ...ports }, envelope) => {
    const { clock, connections } = ports;
    const { user_id, frame, ends } = toldOf(envelope);
    const found = await store.get(listeners, user_id);
    if (!found) return {};
    const text = JSON.stringify(frame);
    let told = 0;
    /** @returns false when the connection is over */
    const tell = async (id: string, held: Held): Promise<boolean> => {
      const { session_id, except_session_id } = ends ?? {};
      const meant = (session_id ?? held.session_id) === held.session_id && except_session_id !== held.session_id;
      if (ends && meant) {
        await connections.post(id, text);
        await connections.close(id);
        return false;
      }
      const ended = await endOf(ports, user_id, held);
      if (ended) await expel(ports, id, ended);
      if (ended) return false;
      // one that was not greeted yet finds it in the inbox
      if (ends || !held.greeted) return true;
      const sent = await connections.post(id, text);
      if (sent) told += 1;
      return sent;
    };
    const open = Object.entries(found.value.open);
    const outcomes = await Promise.allSettled(open.map(([id, held]) => tell(id, held)));
    if (told > 0) {
      metrics.count('perfect21_realtime_frames_total', { type: frame.type }, told);
      const late = Math.max(0, clock.now() - Date.parse(envelope.timestamp));
      metrics.observe('perfect21_realtime_delay_seconds', NO_LABELS, late / 1_000);
    }
    const gone = open.filter((_, at) => (outcomes[at] as { value?: boolean }).value === false).map(([id]) => id);
    await forget(store, user_id, gone, clock.now());
    const failed = outcomes.find((each) => each.status === 'rejected');
    if (failed) throw failed.reason;
    return {};
  },
});
