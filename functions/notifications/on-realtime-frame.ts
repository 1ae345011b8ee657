import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import type { Frame } from '../../shared/ports/realtime.ts';
import { permissionGranted, permissionRevoked, roleAssigned, roleRevoked } from '../permissions/events.ts';
import { sessionRevoked } from '../sessions/events.ts';
import { realtimeFrame } from './events.ts';

const PERMISSIONS = [roleAssigned, roleRevoked, permissionGranted, permissionRevoked] as const;

// metrics find it by identity
const NO_LABELS = Object.freeze({});

/** Tells the connections of this process what happened to their users, and ends those whose session ended. */
export const onRealtimeFrame = operation({
  name: 'notifications.on-realtime-frame',
  summary: 'Tells open connections what concerns their users',
  subscription: {
    broadcast: true,
    bindings: ['realtime.events.*', 'session.events.revoked', 'permission.events.*'],
    types: [realtimeFrame, sessionRevoked, ...PERMISSIONS].map(({ type }) => type),
  },
  access: 'service',
  input: z.union([
    envelopeOf(realtimeFrame),
    envelopeOf(sessionRevoked),
    envelopeOf(roleAssigned),
    envelopeOf(roleRevoked),
    envelopeOf(permissionGranted),
    envelopeOf(permissionRevoked),
  ]),
  output: z.object({}),
  needs: ['clock', 'metrics', 'realtime'],
  run: ({ realtime, clock, metrics }, envelope, { trace }) => {
    const committed = Date.parse(envelope.timestamp);
    const at = Math.floor(committed / 1_000);
    const frame = (type: Frame['type'], data: Frame['data']): Frame => ({ id: envelope.message_id, type, at, data });
    const tell = (user_id: string, told: Frame): void => {
      if (realtime.tell(user_id, told, trace) === 0) return;
      metrics.observe('perfect21_realtime_delay_seconds', NO_LABELS, Math.max(0, clock.now() - committed) / 1_000);
    };
    switch (envelope.message_type) {
      case 'realtime.frame': {
        const { user_id, frame_id, ...told } = envelope.data;
        tell(user_id, { id: frame_id, ...told });
        break;
      }
      case 'session.revoked': {
        const { reason, ...of } = envelope.data;
        realtime.end(of, frame('session.ended', { reason }));
        break;
      }
      default: {
        // who changed it, and why, is for administrators
        const { user_id, changed_by: _, reason: __, ...change } = envelope.data;
        tell(user_id, frame('permissions.changed', { change: envelope.message_type, ...change }));
      }
    }
    return {};
  },
  missed: ({ realtime }) => realtime.missed(),
  catchUp: ({ realtime }) => realtime.resumed(),
});
