/**
 * The table of messages, and the functions that end transactions.
 *
 * `head` marks messages that may be claimed: without an order key, or perhaps the earliest of their key. Enqueuing
 * looks nothing up: it marks every message. A claim takes those marked that are the earliest indeed, and has the mark
 * taken from the others, so that no claim walks past them again; settling gives it back to the next one. These two, one
 * at a time for an order key (an advisory lock), see in each statement what others committed before it, so no mark is
 * lost. `lane` is queue and order key in one: the planner, guessing, would otherwise walk the whole queue in the order
 * of ids.
 */
export const MESSAGE_TABLE = `
CREATE TABLE IF NOT EXISTS messages (
  queue text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, order_key text, lane text COLLATE "C", priority int NOT NULL,
  available_at bigint NOT NULL, since bigint NOT NULL, claimed_until bigint NOT NULL DEFAULT 0, claim text,
  attempts int NOT NULL, reason text, head boolean NOT NULL DEFAULT true, body json NOT NULL, PRIMARY KEY (queue, id)
) WITH (fillfactor = 70)`;
export const MESSAGE_INDEXES: Readonly<Record<string, string>> = {
  messages_heads: 'messages (queue, priority, available_at, id) WHERE head',
  messages_lanes: 'messages (lane, id) WHERE lane IS NOT NULL',
};

/** The columns of what is enqueued. */
export const MESSAGE_COLUMNS = 'queue, id, order_key, reason, body, priority, available_at, attempts';
/** The lane of a message, in SQL. */
const LANE = 'queue || chr(1) || order_key';

/**
 * Adds messages. `from` gives MESSAGE_COLUMNS, the body as text; `now` is the time in ms. A queue keeps an id that it has.
 */
export const enqueueSql = (from: string, now: string): string => `
  INSERT INTO messages (queue, id, order_key, lane, priority, available_at, since, attempts, reason, body)
  SELECT queue, id, order_key, ${LANE}, priority, available_at, greatest(available_at, ${now}), attempts, reason, body::json
  FROM ${from} ON CONFLICT DO NOTHING`;

/** SQLSTATE with which the functions refuse; the message holds the positions that failed, 0 for a lost claim. */
export const CONFLICT = 'PF021';

/**
 * `perfect21_finish` settles, refuses, then enqueues: `done` holds how many records each write met, `lanes` those of what
 * is settled; the arrays have a message at each place. `perfect21_unmark` takes the mark from messages that are not the
 * earliest of their lane.
 *
 * Programs of the release before call them, too. With other parameters a function is another one beside (SQL chooses by
 * their types), and the one before goes to OBSOLETE.
 */
export const FUNCTIONS = `
CREATE OR REPLACE FUNCTION perfect21_finish(done bigint[], now_ms bigint, lanes text[],
  gone_queues text[], gone_ids text[], gone_claims text[],
  queues text[], ids text[], keys text[], reasons text[], bodies text[],
  priorities int[], availables bigint[], tries int[]
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
  IF cardinality(ids) > 0 THEN
    ${enqueueSql(
      `unnest(queues, ids, keys, reasons, bodies, priorities, availables, tries) AS t (${MESSAGE_COLUMNS})`,
      'now_ms',
    )};
  END IF;
END $$;
CREATE OR REPLACE FUNCTION perfect21_unmark(queue_ text, ids text[], lanes text[]
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  lane_ text;
BEGIN
  FOREACH lane_ IN ARRAY lanes LOOP
    PERFORM pg_advisory_xact_lock(hashtextextended(lane_, 21));
  END LOOP;
  UPDATE messages m SET head = false WHERE m.queue = queue_ AND m.id = ANY (ids) AND EXISTS (
    SELECT 1 FROM messages f WHERE f.lane = m.lane AND f.id < m.id);
END $$;`;

/** What only older releases called. */
export const OBSOLETE = 'DROP FUNCTION IF EXISTS perfect21_enqueue';
