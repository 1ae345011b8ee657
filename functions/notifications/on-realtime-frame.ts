import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { TOLD_TYPES, ToldEvent, toldOf } from './told.ts';

// metrics find it by identity
const NO_LABELS = Object.freeze({});

/** Tells the connections of this process what happened to their users, and ends those whose session ended. */
export const onRealtimeFrame = operation({
  name: 'notifications.on-realtime-frame',
  summary: 'Tells open connections what concerns their users',
  subscription: {
    broadcast: true,
    bindings: ['realtime.events.*', 'session.events.revoked', 'permission.events.*'],
    types: TOLD_TYPES,
  },
  access: 'service',
  input: ToldEvent,
  output: z.object({}),
  needs: ['clock', 'metrics', 'realtime'],
  run: ({ realtime, clock, metrics }, envelope, { trace }) => {
    const { user_id, frame, ends } = toldOf(envelope);
    if (ends) realtime.end({ user_id, ...ends }, frame);
    else if (realtime.tell(user_id, frame, trace) > 0) {
      const late = Math.max(0, clock.now() - Date.parse(envelope.timestamp));
      metrics.observe('perfect21_realtime_delay_seconds', NO_LABELS, late / 1_000);
    }
    return {};
  },
  missed: ({ realtime }) => realtime.missed(),
  catchUp: ({ realtime }) => realtime.resumed(),
});
