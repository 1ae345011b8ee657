import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import type { Frame } from '../../shared/ports/realtime.ts';
import { permissionGranted, permissionRevoked, roleAssigned, roleRevoked } from '../permissions/events.ts';
import { sessionRevoked } from '../sessions/events.ts';
import { realtimeFrame } from './events.ts';

const PERMISSIONS = [roleAssigned, roleRevoked, permissionGranted, permissionRevoked] as const;

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
  needs: ['realtime'],
  run: ({ realtime }, envelope) => {
    const at = Math.floor(Date.parse(envelope.timestamp) / 1_000);
    const frame = (type: Frame['type'], data: Frame['data']): Frame => ({ id: envelope.message_id, type, at, data });
    switch (envelope.message_type) {
      case 'realtime.frame': {
        const { user_id, frame_id, ...told } = envelope.data;
        realtime.tell(user_id, { id: frame_id, ...told });
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
        realtime.tell(user_id, frame('permissions.changed', { change: envelope.message_type, ...change }));
      }
    }
    return {};
  },
  missed: ({ realtime }) => realtime.missed(),
  catchUp: ({ realtime }) => realtime.resumed(),
});
