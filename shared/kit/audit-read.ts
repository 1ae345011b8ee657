/** Reads of consequence in the audit log. */
import type { Ports } from '../ports/index.ts';
import { lineOf } from './audit-note.ts';
import type { AuditNote, Caller } from './context.ts';

/**
 * Notes a read of consequence before anything is read: who gets it, and nobody gets it unnoted.
 *
 * @throws AppError `unavailable` when it can't be noted
 */
export const noteRead = async (
  ports: Pick<Ports, 'store' | 'clock' | 'ids'>,
  note: AuditNote | undefined,
  caller: Caller,
  input: unknown,
): Promise<void> => {
  if (!note || note.written) return;
  const own = caller.kind === 'user' && (input as { user_id?: unknown })?.user_id === caller.user_id;
  if (own) return;
  await ports.store.transact([lineOf(note.told(), ports, undefined)]);
  note.written = true;
};
