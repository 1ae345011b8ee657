import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Settings } from '../../shared/ports/settings.ts';
import type { Stored } from '../../shared/ports/store.ts';
import { deviceName } from './device-name.ts';
import type { SessionRecord } from './records.ts';

const degrees = (most: number) => z.number().min(-most).max(most).optional();
/** Where on earth; see the port `places`. */
export const Place = z.strictObject({
  country: z.string().max(2).optional(),
  region: z.string().max(100).optional(),
  city: z.string().max(100).optional(),
  latitude: degrees(90),
  longitude: degrees(180),
});
export type Place = z.output<typeof Place>;

/** Of a place what its owner and services are shown: no point on the map. */
export const locationOf = ({ country, region, city }: Place = {}): Record<string, string> | undefined =>
  country || region || city
    ? { ...(country && { country }), ...(region && { region }), ...(city && { city }) }
    : undefined;

/** Where a call comes from, as far as a session keeps it. */
export const Client = z.strictObject({
  ip_address: z.string(),
  user_agent: z.string(),
  device_info: z.record(z.string().max(64), z.string().max(256)).optional(),
  place: Place.optional().meta({ description: 'As a trusted network in front says' }),
});
export type Client = z.output<typeof Client>;

/** Tells one client from another across a refresh: what it says it is, since its address may change between two tries. */
export const fingerprint = ({ user_agent, device_info }: Client): string =>
  createHash('sha256')
    .update(JSON.stringify([user_agent, device_info?.device_id ?? '']))
    .digest('base64url');

/** Of a client what a token is marked with. */
export const markedOf = ({ ip_address, user_agent, device_info }: Client) => ({
  ip_address,
  user_agent,
  device_id: device_info?.device_id,
});

/** When a session used now ends by itself, unix ms: idle too long, or simply old (SP 800-63B-4 §2.1.3). */
export const expiryOf = (session: SessionRecord, settings: Settings): number =>
  Math.min(session.last_used_at + settings.refresh_idle_ttl, session.absolute_expires_at) * 1000;

/** A session as its owner sees it. */
export const Session = z.object({
  id: z.string(),
  current: z.boolean(),
  created_at: z.int(),
  last_used_at: z.int(),
  expires_at: z.int(),
  ip_address: z.string(),
  user_agent: z.string(),
  device_info: z.record(z.string(), z.string()),
  device_name: z.string().meta({ description: 'For people: what the device calls itself, or its browser and system' }),
  location: z.record(z.string(), z.string()).meta({ description: 'country, region, city, as far as they are known' }),
  connected: z.boolean().meta({ description: 'Whether the device listens now, by WebSocket or Server-Sent Events' }),
  connected_since: z.int().optional().meta({ description: 'Unix seconds' }),
});

/** What a list of sessions may be asked. */
export const PageOfSessions = z.strictObject({
  cursor: z.string().max(1024).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export const SessionPage = z.object({ sessions: z.array(Session), next_cursor: z.string().optional() });

/** Ms that a list waits for who is connected, which a service elsewhere may have to say. */
const PATIENCE_MS = 300;

/** Unix seconds since when the devices of sessions are connected, by session id; of nobody where that is not known. */
export const connectedBy = async (
  asked: Promise<{ connected: { session_id: string; since: number }[] }>,
): Promise<ReadonlyMap<string, number>> => {
  const nobody = { connected: [] };
  const late = new Promise<typeof nobody>((resolve) => void setTimeout(resolve, PATIENCE_MS, nobody).unref());
  const { connected } = await Promise.race([asked.catch(() => nobody), late]);
  return new Map(connected.map(({ session_id, since }) => [session_id, since]));
};

export const toSession = (
  { id, value, expires_at }: Stored<SessionRecord>,
  currentId: string,
  connected: ReadonlyMap<string, number>,
) => ({
  ...value,
  id,
  current: id === currentId,
  device_name: deviceName(value.user_agent, value.device_info),
  location: value.location ?? {},
  connected: connected.has(id),
  connected_since: connected.get(id),
  expires_at: Math.floor((expires_at ?? 0) / 1000),
});
