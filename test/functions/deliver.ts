/** Deliveries of a recorded log in any order to the platform's own handlers, and what they make of it. */
import { copyFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { platform, schema } from '../../functions/index.ts';
import { OUTBOX } from '../../shared/kit/event.ts';
import { dispatch } from '../../shared/messaging/dispatch.ts';
import { embeddedBus } from '../../shared/messaging/embedded/bus.ts';
import { topologyOf } from '../../shared/messaging/topology.ts';
import type { OutboxBody } from '../../shared/ports/envelope.ts';
import { tableOf } from '../../shared/store/sql.ts';
import { TestClock } from '../messaging/rig.ts';
import { ALL, envelopeOf, type History, openPlatform } from './history.ts';

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** All records, a line each. What is made at random is left out, and of the failed logins one is as good as another. */
const dump = (file: string, log: History['log']): string[] => {
  const envelopes = log.map(envelopeOf);
  const known = new Set(JSON.stringify(log).match(UUID));
  const failed = new Set(
    envelopes.flatMap(({ data, message_id }) => (data.login_successful === false ? message_id : [])),
  );
  const name = (id: string): string => (failed.has(id) ? 'failed' : known.has(id) ? id : 'new');
  // a message on its way to somebody who is deleted meanwhile is kept in the inbox, or not any more
  const gone = envelopes.flatMap(({ message_type, user_id }) => (message_type === 'user.deleted' ? user_id! : []));
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    // counters are bounds, not facts: what is delivered twice at once may count twice
    const kept = schema.collections.filter(({ name }) => !name.endsWith('_counts'));
    const lines = kept.flatMap((collection) =>
      db
        .prepare(`SELECT id, data, expires_at FROM ${tableOf(collection)}`)
        .all()
        .map(({ id, data, expires_at }) =>
          `${collection.name} ${id} ${data} ${expires_at}`.replace(UUID, name).replace(/"hash":"[^"]+"/, ''),
        ),
    );
    return lines.filter((line) => !line.startsWith('inbox') || !gone.some((id) => line.includes(id))).sort();
  } finally {
    db.close();
  }
};

export interface Outcome {
  records: string[];
  mails: string[];
  parked: string[];
}

/**
 * Delivers the log, and what follows from it, to every queue that wants it. `draws` choose the next deliveries, one to
 * three at once, and which come again later; where they end, the oldest is next.
 */
export const deliver = async (history: History, copy: string, draws: readonly number[]): Promise<Outcome> => {
  await copyFile(history.file, copy);
  const clock = new TestClock();
  clock.at = history.clock.at;
  const mails: string[] = [];
  const rig = await openPlatform(copy, clock, async (mail: any) => void mails.push(`${mail.to} ${mail.subject}`));
  const topology = topologyOf(platform);
  const bus = embeddedBus(topology, clock);
  const published = new Set<string>();
  const waiting: { queue: string; body: unknown; again: boolean }[] = [];
  const parked: string[] = [];
  let drawn = 0;
  const draw = (below: number): number => (draws[drawn++] ?? 0) % below;
  const publish = async (): Promise<void> => {
    const rows = (await rig.store.messages.peek(OUTBOX, ALL)).filter(({ id }) => !published.has(id));
    for (const { id } of rows) published.add(id);
    for (const outcome of await bus.publish(rows)) {
      if (outcome.kind !== 'published') throw new Error('not published');
      for (const { queue, body } of outcome.deliveries ?? []) waiting.push({ queue, body, again: true });
    }
  };
  for (await publish(); waiting.length > 0; await publish()) {
    const batch = Array.from({ length: Math.min(waiting.length, 1 + draw(3)) }, () =>
      waiting.splice(draw(waiting.length), 1),
    ).flat();
    await Promise.all(
      batch.map(async (message) => {
        const { queue, body, again } = message;
        if (again && draw(2) === 1) waiting.push({ queue, body, again: false });
        const of = topology.queues.find(({ name }) => name === queue)!;
        const verdict = await dispatch(rig.host, of, topology, { attempts: 1, body }, Date.now() + 60_000);
        if (verdict.kind === 'retry') waiting.push({ ...message, again: false });
        if (verdict.kind === 'park') parked.push(`${(body as OutboxBody).envelope.message_type}: ${verdict.reason}`);
      }),
    );
  }
  await rig.close();
  return { records: dump(copy, history.log), mails: mails.sort(), parked };
};
