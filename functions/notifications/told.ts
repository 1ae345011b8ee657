/** What listeners are told of an event, wherever they are. */
import * as z from 'zod';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import type { Frame } from '../../shared/ports/realtime.ts';
import { permissionGranted, permissionRevoked, roleAssigned, roleRevoked } from '../permissions/events.ts';
import { sessionRevoked } from '../sessions/events.ts';
import { realtimeFrame } from './events.ts';

const PERMISSIONS = [roleAssigned, roleRevoked, permissionGranted, permissionRevoked] as const;

export const TOLD_TYPES: readonly string[] = [realtimeFrame, sessionRevoked, ...PERMISSIONS].map(({ type }) => type);

// made with the first event: a process listens from its start on
export const ToldEvent = z.lazy(() =>
  z.union([
    envelopeOf(realtimeFrame),
    envelopeOf(sessionRevoked),
    envelopeOf(roleAssigned),
    envelopeOf(roleRevoked),
    envelopeOf(permissionGranted),
    envelopeOf(permissionRevoked),
  ]),
);

export interface Told {
  user_id: string;
  frame: Frame;
  /** The sessions that it ends: one, or all but one. */
  ends?: { session_id?: string; except_session_id?: string };
}

/** Whom an event is told to, and how. */
export const toldOf = (envelope: z.output<typeof ToldEvent>): Told => {
  const at = Math.floor(Date.parse(envelope.timestamp) / 1_000);
  const frame = (type: Frame['type'], data: Frame['data']): Frame => ({ id: envelope.message_id, type, at, data });
  switch (envelope.message_type) {
    case 'realtime.frame': {
      const { user_id, frame_id, ...told } = envelope.data;
      return { user_id, frame: { id: frame_id, ...told } };
    }
    case 'session.revoked': {
      const { reason, user_id, ...ends } = envelope.data;
      return { user_id, frame: frame('session.ended', { reason }), ends };
    }
    default: {
      // who changed it, and why, is for administrators
      const { user_id, changed_by: _, reason: __, ...change } = envelope.data;
      return { user_id, frame: frame('permissions.changed', { change: envelope.message_type, ...change }) };
    }
  }
};
