/**
 * The table of messages, and the functions that end every transaction.
 *
 * `head` marks messages that may be claimed: without an order key, or the earliest of their key. It is a column of the
 * row that a claim locks, so that a claim that waited sees it as it is. Enqueuing and settling keep it, one transaction
 * at a time for an order key (an advisory lock); each statement of the function sees what others committed before it.
 * `lane` is queue and order key in one: the planner, guessing, would otherwise walk the whole queue in the order of ids.
 */
export const MESSAGES = `
CREATE TABLE IF NOT EXISTS messages (
  queue text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, order_key text, lane text COLLATE "C", priority int NOT NULL,
  available_at bigint NOT NULL, since bigint NOT NULL, claimed_until bigint NOT NULL DEFAULT 0, claim text,
  attempts int NOT NULL, reason text, head boolean NOT NULL, body json NOT NULL, PRIMARY KEY (queue, id)
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS messages_heads ON messages (queue, priority, available_at, id) WHERE head;
CREATE INDEX IF NOT EXISTS messages_lanes ON messages (lane, id) WHERE lane IS NOT NULL;`;

/** SQLSTATE with which the functions refuse; the message holds the positions that failed, 0 for a lost claim. */
export const CONFLICT = 'PF021';

/**
 * `perfect21_enqueue` adds one message. `perfect21_finish` settles, refuses, then enqueues: `done` holds how many records
 * each write met, arrays have a message at each place, `numbers` three of each message.
 */
export const FUNCTIONS = `
CREATE OR REPLACE FUNCTION perfect21_enqueue(now_ms bigint, queue_ text, id_ text, key_ text, reason_ text, body_ text,
  priority_ bigint, available_ bigint, attempts_ bigint
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  lane_ text := queue_ || chr(1) || key_;
  first text;
BEGIN
  IF lane_ IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock(hashtextextended(lane_, 21));
    SELECT m.id INTO first FROM messages m WHERE m.lane = lane_ ORDER BY m.id LIMIT 1;
  END IF;
  INSERT INTO messages (queue, id, order_key, lane, priority, available_at, since, attempts, reason, head, body)
  VALUES (queue_, id_, key_, lane_, priority_, available_, greatest(available_, now_ms), attempts_, reason_,
    first IS NULL OR id_ COLLATE "C" < first COLLATE "C", body_::json)
  ON CONFLICT DO NOTHING;
  IF FOUND AND first COLLATE "C" > id_ COLLATE "C" THEN
    UPDATE messages m SET head = false WHERE m.queue = queue_ AND m.id = first;
  END IF;
END $$;
CREATE OR REPLACE FUNCTION perfect21_finish(done bigint[], now_ms bigint, lanes text[],
  gone_queues text[], gone_ids text[], gone_claims text[],
  queues text[], ids text[], keys text[], reasons text[], bodies text[], numbers bigint[]
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  lane_ text;
BEGIN
  -- asked for in one order by everybody, so that nobody waits in a circle
  FOREACH lane_ IN ARRAY lanes LOOP
    PERFORM pg_advisory_xact_lock(hashtextextended(lane_, 21));
  END LOOP;
  FOR n IN 1 .. cardinality(gone_ids) LOOP
    DELETE FROM messages m WHERE m.queue = gone_queues[n] AND m.id = gone_ids[n] AND m.claim = gone_claims[n]
    RETURNING m.lane INTO lane_;
    IF NOT FOUND THEN
      RAISE EXCEPTION '{0}' USING ERRCODE = '${CONFLICT}';
    END IF;
    IF lane_ IS NOT NULL THEN
      UPDATE messages m SET head = true WHERE m.queue = gone_queues[n] AND NOT m.head AND m.id = (
        SELECT f.id FROM messages f WHERE f.lane = lane_ ORDER BY f.id LIMIT 1);
    END IF;
  END LOOP;
  IF 0 = ANY (done) THEN
    RAISE EXCEPTION '%', array_positions(done, 0) USING ERRCODE = '${CONFLICT}';
  END IF;
  FOR n IN 1 .. cardinality(ids) LOOP
    PERFORM perfect21_enqueue(now_ms, queues[n], ids[n], keys[n], reasons[n], bodies[n],
      numbers[3 * n - 2], numbers[3 * n - 1], numbers[3 * n]);
  END LOOP;
END $$;`;
