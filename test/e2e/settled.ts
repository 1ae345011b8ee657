/** When nothing moves any more in a deployment whose processes nobody can look into: its outbox and its queues tell. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import pg from 'pg';
import { platform } from '../../functions/index.ts';
import { revocations } from '../../shared/keys/revocation-records.ts';
import { OUTBOX } from '../../shared/kit/event.ts';
import { topologyOf } from '../../shared/messaging/topology.ts';
import { tableOf } from '../../shared/store/sql.ts';

const PAUSE_MS = 20;
const PATIENCE_MS = 20_000;

/** All series of a metric together, in Prometheus' text. */
const sum = (text: string, metric: string): number =>
  [...text.matchAll(new RegExp(`^${metric}\\{.*\\} (\\d+)`, 'gm'))].reduce((all, [, value]) => all + Number(value), 0);

/**
 * @param metrics ports of all processes that consume
 * @example const watch = await watchSettling({ store: postgresUrl, bus: amqpUrl, metrics: [8011, 8012] }); await watch.settled();
 */
export const watchSettling = async (at: { store: string; bus: string; metrics: readonly number[] }) => {
  const client = new pg.Client({ connectionString: at.store });
  await client.connect();
  const connection = await connect(at.bus);
  const channel = await connection.createChannel();
  const queues = topologyOf(platform).queues.map(({ name }) => name);
  const waiting = async (): Promise<boolean> => {
    const sql = 'SELECT count(*)::int AS waiting FROM messages WHERE queue = $1 AND available_at <= $2';
    const { rows } = await client.query(sql, [OUTBOX, Date.now()]);
    if (rows[0].waiting > 0) return true;
    const counts = await Promise.all(queues.map((queue) => channel.checkQueue(queue)));
    return counts.some(({ messageCount }) => messageCount > 0);
  };
  /** What the processes have in hand, and how much they ever handled. */
  const processes = async (): Promise<{ inHand: number; handled: number }> => {
    const texts = at.metrics.map(async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
    const text = (await Promise.all(texts)).join('\n');
    return { inHand: sum(text, 'perfect21_queue_in_hand'), handled: sum(text, 'perfect21_queue_messages_total') };
  };
  /** What was handled between two looks may have told something, which another process had in hand by then. */
  const moving = async (): Promise<boolean> => {
    // asks less of the processes than their metrics do
    if (await waiting()) return true;
    const before = await processes();
    if (before.inHand > 0 || (await waiting())) return true;
    const after = await processes();
    return after.inHand > 0 || after.handled !== before.handled;
  };
  return {
    settled: async (): Promise<void> => {
      const late = performance.now() + PATIENCE_MS;
      while (await moving()) {
        if (performance.now() > late) throw new Error('events are still under way');
        await sleep(PAUSE_MS);
      }
    },
    /** Of all that was ever written and is still there. */
    revocations: async (): Promise<number> =>
      (await client.query(`SELECT count(*)::int AS live FROM ${tableOf(revocations)}`)).rows[0].live,
    close: async () => {
      await connection.close();
      await client.end();
    },
  };
};
