/** Messages in PostgreSQL: claims skip what others hold, so that claimers never wait for each other. */
import type { Clock, Ids } from '../../ports/clock.ts';
import type { Claimed, Effects, Messages, NewMessage } from '../../ports/store.ts';
import type { Owners } from './owners.ts';
import type { Connections } from './pool.ts';

// one look per priority, so that those that wait for their time aren't read
const CLAIM = `
WITH picked AS MATERIALIZED (
  SELECT best.queue, best.id, best.lane, row_number() OVER () AS place
  FROM generate_series(9, 0, -1) AS p CROSS JOIN LATERAL (
    SELECT m.queue, m.id, m.lane FROM messages m
    WHERE m.queue = $1 AND m.head AND m.priority = p AND m.available_at <= $6 AND m.claimed_until <= $2
    ORDER BY m.available_at, m.id LIMIT $3 FOR UPDATE SKIP LOCKED
  ) AS best LIMIT $3
), judged AS MATERIALIZED (
  SELECT picked.*, EXISTS (SELECT 1 FROM messages f WHERE f.lane = picked.lane AND f.id < picked.id) AS later FROM picked
), taken AS (
  UPDATE messages m SET claimed_until = $4, claim = $5, attempts = m.attempts + 1
  FROM judged WHERE NOT later AND m.queue = judged.queue AND m.id = judged.id RETURNING m.*, judged.place
)
SELECT taken.*, judged.later, judged.id AS id, judged.lane AS lane
FROM judged LEFT JOIN taken ON taken.id = judged.id ORDER BY judged.place`;
const CLAIMED = 'SELECT *, false AS later FROM messages WHERE queue = $1 AND claim = $2';
const UNMARK = 'SELECT perfect21_unmark($1, $2, $3)';
const RELEASE = `UPDATE messages SET claim = NULL, claimed_until = 0, available_at = $1, reason = coalesce($2, reason)
  WHERE queue = $3 AND id = $4 AND claim = $5 RETURNING 1`;
const DEPTH = 'SELECT count(*) AS count, min(since) AS oldest_at FROM messages WHERE queue = $1';
const PEEK = 'SELECT * FROM messages WHERE queue = $1 AND id > $3 ORDER BY id LIMIT $2';

interface Row extends Omit<Claimed, 'order_key' | 'reason' | 'claim'> {
  order_key: string | null;
  reason: string | null;
  claim: string | null;
}

interface Judged extends Row {
  lane: string | null;
  /** It is not the earliest of its order key, and was not claimed. */
  later: boolean;
}

const toClaimed = (row: Row): Claimed => ({
  queue: row.queue,
  id: row.id,
  ...(row.order_key !== null && { order_key: row.order_key }),
  priority: row.priority,
  available_at: row.available_at,
  body: row.body,
  attempts: row.attempts,
  ...(row.reason !== null && { reason: row.reason }),
  claim: row.claim ?? '',
});

/** Text as PostgreSQL takes it: well-formed, without NUL. */
const plain = (text: string | undefined) => text?.toWellFormed().replaceAll('\0', '\ufffd');

/** A message as parameters: the columns that `enqueueSql` reads. */
export const messageParameters = (message: NewMessage): unknown[] => {
  const { queue, id, order_key, reason, body, priority = 0, available_at, attempts = 0 } = message;
  return [queue, id, order_key, plain(reason), JSON.stringify(body ?? null), priority, available_at, attempts];
};
export const MESSAGE_TYPES = [...Array<string>(5).fill('text'), 'int', 'bigint', 'int'];

/** What settles and enqueues, as the last parameters of `perfect21_finish`, from `lanes` on. */
export const effectParameters = ({ settle = [], enqueue = [] }: Effects): unknown[] => {
  const lanes = settle.flatMap(({ queue, order_key }) =>
    order_key === undefined ? [] : [`${queue}\u0001${order_key}`],
  );
  const added = enqueue.map(messageParameters);
  return [
    [...new Set(lanes)].sort(),
    settle.map(({ queue }) => queue),
    settle.map(({ id }) => id),
    settle.map(({ claim }) => claim),
    ...MESSAGE_TYPES.map((_, place) => added.map((parameters) => parameters[place])),
  ];
};
export const EFFECT_TYPES = [...Array<string>(4).fill('text'), ...MESSAGE_TYPES].map((type) => `${type}[]`);

/** Lanes in one order, as everybody asks for their locks. */
const unmarkParameters = (queue: string, rows: readonly Judged[]): unknown[] => [
  queue,
  rows.map(({ id }) => id),
  [...new Set(rows.map(({ lane }) => lane))].sort(),
];

export const postgresMessages = (connections: Connections, owners: Owners, clock: Clock, ids: Ids): Messages => ({
  owner: () => owners.name(),
  isGone: (owner) => owners.isGone(owner),
  claim: async (queue, { limit, lease_ms, due_by }) => {
    const claim = `${await owners.name()}.${ids.uuid()}`;
    const taken: Claimed[] = [];
    for (;;) {
      const now = clock.now();
      const wanted = limit - taken.length;
      const parameters = [queue, now, wanted, now + lease_ms, claim, due_by ?? now];
      // what is claimed without anybody's knowledge would wait for the end of its lease
      const committed = async () => {
        const all = await connections.query<Judged>(CLAIMED, [queue, claim], { reads: true });
        return all.filter(({ id }) => !taken.some((each) => each.id === id));
      };
      const rows = await connections.query<Judged>(CLAIM, parameters, { committed });
      taken.push(...rows.filter(({ later }) => !later).map(toClaimed));
      const later = rows.filter((row) => row.later);
      // those that were in the way may have hidden others
      if (later.length) await connections.query(UNMARK, unmarkParameters(queue, later));
      if (!later.length || rows.length < wanted) return taken;
    }
  },
  release: async ({ queue, id, claim }, { available_at, reason }) =>
    (await connections.query(RELEASE, [available_at, plain(reason) ?? null, queue, id, claim])).length === 1,
  depth: async (queue) => {
    const [row] = await connections.query<{ count: number; oldest_at: number | null }>(DEPTH, [queue], { reads: true });
    return { count: row!.count, ...(row!.oldest_at !== null && { oldest_at: row!.oldest_at }) };
  },
  peek: async (queue, limit, after = '') =>
    (await connections.query<Row>(PEEK, [queue, limit, after], { reads: true })).map(toClaimed),
});
