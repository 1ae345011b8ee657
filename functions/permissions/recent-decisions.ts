/**
 * A sample of what was decided lately, by which a change of rules is tried out before it is made: one decision a second of
 * each process, for a day. Its context is kept because conditions are judged by it; it is shown to nobody.
 */
import type { OperationStore } from '../../shared/kit/operation.ts';
import { promptly } from '../../shared/kit/promptly.ts';
import type { Ports } from '../../shared/ports/index.ts';
import { insert } from '../../shared/ports/store.ts';
import type { Question } from './question.ts';
import { recentDecisions } from './records.ts';

const EVERY_MS = 1_000;
const KEPT_MS = 86_400_000;
/** Characters of a context that is kept; a longer one is another sample's turn. */
const MOST_CHARACTERS = 2_000;

/** What it needs, for the declaration of an operation that decides. */
export const NOTE_PORTS = ['clock', 'ids', 'log'] as const;
export const NOTE_WRITES = [recentDecisions] as const;

type Given = Pick<Ports, (typeof NOTE_PORTS)[number]> & { store: OperationStore<string, 'recent_decisions', never> };

/** When a process noted one last, by its clock. */
const noted = new WeakMap<object, number>();

/** Notes a decision if it is time for one. The answer does not depend on it. */
export const noteDecision = async (
  { store, clock, ids, log }: Given,
  user_id: string,
  { resource, action, scope, context }: Question,
): Promise<void> => {
  const now = clock.now();
  if (now < (noted.get(clock) ?? Number.NEGATIVE_INFINITY) + EVERY_MS) return;
  noted.set(clock, now);
  if (JSON.stringify(context).length > MOST_CHARACTERS) return;
  const value = { user_id, resource, action, ...(scope && { scope }), context, at: now };
  const write = insert(recentDecisions, ids.uuid(), value, { expires_at: now + KEPT_MS });
  await promptly(log, 'note a decision', store.transact([write], [], { durability: 'deferred' }));
};
