/**
 * The table of messages, and the function that ends every transaction.
 *
 * `head` marks messages that may be claimed: without an order key, or the earliest of their key. It is a column of the
 * row that a claim locks, so that a claim that waited sees it as it is. Enqueuing and settling keep it, one transaction
 * at a time for an order key (an advisory lock); each statement of the function sees what others committed before it.
 * Bodies come apart from the rest, because only the type json itself leaves an escaped NUL in a text alone.
 */
export const MESSAGES = `
CREATE TABLE IF NOT EXISTS messages (
  queue text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, order_key text COLLATE "C", priority int NOT NULL,
  available_at bigint NOT NULL, since bigint NOT NULL, claimed_until bigint NOT NULL DEFAULT 0, claim text,
  attempts int NOT NULL, reason text, head boolean NOT NULL, body json NOT NULL, PRIMARY KEY (queue, id)
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS messages_heads ON messages (queue, priority, available_at, id) WHERE head;
CREATE INDEX IF NOT EXISTS messages_keys ON messages (queue, order_key, id) WHERE order_key IS NOT NULL;`;

/** SQLSTATE with which the function refuses; the message holds the positions that failed, 0 for a lost claim. */
export const CONFLICT = 'PF021';

export const FUNCTION = `
CREATE OR REPLACE FUNCTION perfect21_finish(done bigint[], settle json, enqueue json, bodies text[], now_ms bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  each record;
  first text;
  gone bigint;
BEGIN
  IF settle IS NOT NULL OR enqueue IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock(lane) FROM (
      SELECT DISTINCT hashtextextended(queue || chr(1) || order_key, 21) AS lane
      FROM json_to_recordset(coalesce(settle, '[]')) AS s(queue text, order_key text) WHERE order_key IS NOT NULL
      UNION
      SELECT hashtextextended(queue || chr(1) || order_key, 21)
      FROM json_to_recordset(coalesce(enqueue, '[]')) AS e(queue text, order_key text) WHERE order_key IS NOT NULL
      ORDER BY lane
    ) AS lanes;
  END IF;
  IF settle IS NOT NULL THEN
    DELETE FROM messages m USING json_to_recordset(settle) AS s(queue text, id text, claim text)
    WHERE m.queue = s.queue AND m.id = s.id AND m.claim = s.claim;
    GET DIAGNOSTICS gone = ROW_COUNT;
    IF gone <> json_array_length(settle) THEN
      RAISE EXCEPTION '{0}' USING ERRCODE = '${CONFLICT}';
    END IF;
    FOR each IN SELECT DISTINCT queue, order_key FROM json_to_recordset(settle) AS s(queue text, order_key text)
      WHERE order_key IS NOT NULL
    LOOP
      UPDATE messages m SET head = true WHERE m.queue = each.queue AND NOT m.head AND m.id = (
        SELECT f.id FROM messages f WHERE f.queue = each.queue AND f.order_key = each.order_key ORDER BY f.id LIMIT 1);
    END LOOP;
  END IF;
  IF 0 = ANY (done) THEN
    RAISE EXCEPTION '%', array_positions(done, 0) USING ERRCODE = '${CONFLICT}';
  END IF;
  FOR each IN SELECT * FROM json_to_recordset(coalesce(enqueue, '[]')) AS e(queue text, id text, order_key text,
    priority int, available_at bigint, attempts int, reason text, body int)
  LOOP
    first := NULL;
    IF each.order_key IS NOT NULL THEN
      SELECT m.id INTO first FROM messages m WHERE m.queue = each.queue AND m.order_key = each.order_key
      ORDER BY m.id LIMIT 1;
    END IF;
    INSERT INTO messages (queue, id, order_key, priority, available_at, since, attempts, reason, head, body)
    VALUES (each.queue, each.id, each.order_key, each.priority, each.available_at, greatest(each.available_at, now_ms),
      each.attempts, each.reason, first IS NULL OR each.id COLLATE "C" < first COLLATE "C", bodies[each.body]::json)
    ON CONFLICT DO NOTHING;
    IF FOUND AND first COLLATE "C" > each.id COLLATE "C" THEN
      UPDATE messages m SET head = false WHERE m.queue = each.queue AND m.id = first;
    END IF;
  END LOOP;
END $$;`;
