/** Sessions with their outbox rows: through the port, or the same SQL by hand in the best form that is known. */
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { v7 } from 'uuid';
import { userLogin } from '../../../functions/auth/events.ts';
import { schema } from '../../../functions/index.ts';
import { createSession } from '../../../functions/sessions/create-session.ts';
import { type SessionRecord, sessions } from '../../../functions/sessions/records.ts';
import { loadConfig } from '../../../shared/config/config.ts';
import { Assembly } from '../../../shared/kit/adapter.ts';
import { bindStore } from '../../../shared/kit/bound-store.ts';
import { ANONYMOUS, type Context } from '../../../shared/kit/context.ts';
import { continueTrace } from '../../../shared/kit/trace.ts';
import { insert } from '../../../shared/ports/store.ts';
import { adaptersFor } from '../../../shared/process/host.ts';
import { serve } from '../processes.ts';

export interface StoreOrder {
  way: 'port' | 'bare';
  in_flight: number;
  seconds: number;
}

const config = loadConfig(process.env);
const { store: place } = config;
const assembly = new Assembly(await adaptersFor(config, schema), config);
const [store, clock, ids] = [await assembly.get('store'), await assembly.get('clock'), await assembly.get('ids')];
const context: Context = { request_id: 'bench', trace: continueTrace(), caller: ANONYMOUS, client: {}, door: 'local' };
const bound = bindStore({ store, clock, ids } as any, createSession, context);

const sessionOf = (user_id: string, now: number): SessionRecord => ({
  user_id,
  generation: 0,
  refresh_generation: 1,
  refresh_hash: 'VGhlIGhhc2ggb2YgYSB0b2tlbiBpcyBzbyBsb25nIC0tLQ',
  created_at: now,
  last_used_at: now,
  absolute_expires_at: now + 2_592_000,
  ip_address: '203.0.113.7',
  user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  device_info: {},
});
const WEEKS_MS = 1_209_600_000;
const loginOf = (user_id: string) => ({
  user_id,
  email: 'somebody@bench.example',
  login_successful: true,
  ip_address: '203.0.113.7',
  user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  mfa_used: false,
});

const throughPort = (): Promise<void> => {
  const user_id = ids.uuid();
  const now = clock.now();
  return bound.transact(
    [insert(sessions, ids.uuid(), sessionOf(user_id, Math.floor(now / 1_000)), { expires_at: now + WEEKS_MS })],
    [userLogin.with(loginOf(user_id), { user_id })],
  );
};

/** What the port writes, as values: id, version, data, expiry, user, message id, time, body. */
const valuesByHand = () => {
  const [user_id, session_id, message_id] = [v7(), v7(), v7()];
  const now = Date.now();
  const envelope = {
    message_id,
    message_type: userLogin.type,
    timestamp: new Date(now).toISOString(),
    source_service: 'session-service',
    correlation_id: 'bench',
    user_id,
    data: loginOf(user_id),
    metadata: { version: 1, traceparent: `00-${context.trace.trace_id}-${context.trace.span_id}-01` },
  };
  const body = JSON.stringify({ envelope, routing_key: userLogin.key, priority: 0 });
  const data = JSON.stringify(sessionOf(user_id, Math.floor(now / 1_000)));
  return { session_id, version: now * 1_000, data, expires: now + WEEKS_MS, user_id, message_id, now, body };
};

const SESSION = 'INSERT INTO r_sessions (id, version, v, data, expires_at, h_by_user, s_by_user) VALUES';
const MESSAGE = `INSERT INTO messages (queue, id, order_key, priority, available_at, since, attempts, head, body) VALUES`;

const sqliteByHand = (file: string): (() => Promise<void>) => {
  const db = new DatabaseSync(file.split('?')[0]!);
  const synchronous = /synchronous=normal/.test(file) ? 'NORMAL' : 'FULL';
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA temp_store = MEMORY`);
  const begin = db.prepare('BEGIN IMMEDIATE');
  const session = db.prepare(`${SESSION} (?, ?, 1, ?, ?, ?, ?)`);
  const message = db.prepare(`${MESSAGE} ('outbox', ?, ?, 0, ?, ?, 0, 1, ?)`);
  const commit = db.prepare('COMMIT');
  return async () => {
    const { session_id, version, data, expires, user_id, message_id, now, body } = valuesByHand();
    begin.run();
    session.run(session_id, version, data, expires, user_id, session_id);
    message.run(message_id, user_id, now, now, body);
    commit.run();
  };
};

const postgresByHand = (url: string): (() => Promise<void>) => {
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  const text = `WITH s AS (${SESSION} ($1, $2, 1, $3, $4, $5, $1))
    ${MESSAGE} ('outbox', $6, $5, 0, $7, $7, 0, true, $8)`;
  return async () => {
    const { session_id, version, data, expires, user_id, message_id, now, body } = valuesByHand();
    const values = [session_id, version, data, expires, user_id, message_id, now, body];
    await pool.query({ name: 'session', text, values });
  };
};

const byHand = place.engine === 'postgres' ? postgresByHand(place.url) : sqliteByHand((place as { file: string }).file);

serve(async ({ way, in_flight, seconds }: StoreOrder) => {
  const once = way === 'port' ? throughPort : byHand;
  const started = performance.now();
  const end = started + seconds * 1_000;
  let done = 0;
  const lane = async (): Promise<void> => {
    for (; performance.now() < end; done += 1) await once();
  };
  await Promise.all(Array.from({ length: in_flight }, lane));
  return (done / (performance.now() - started)) * 1_000;
});
