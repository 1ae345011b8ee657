/**
 * The audit log's old end: what was kept long enough is taken away from the front of the chain, and a checkpoint stays of
 * where it begins now. That a checkpoint was made stands in the log itself, so nobody moves it unseen.
 */
import type { Ports } from '../ports/index.ts';
import { insert, remove, update, WriteConflict } from '../ports/store.ts';
import { lineOf } from './audit-note.ts';
import { type AuditLine, auditHeads, auditLines } from './audit-records.ts';

export const TAIL = 'tail';
/** The action of the line that tells of it. */
export const TRIMMED = 'audit.trim';
/** Lines of one commit, which takes 100 changes on every store; with the checkpoint and its line. */
const BATCH = 90;
/** Commits of one run, so that a log whose time was shortened does not keep a process busy. */
const MOST = 50;

/**
 * Takes away lines that are older, from the first one on until one is younger. Several may do so at once. Gives how many.
 *
 * @example await trimAudit(host.ports, host.ports.settings.audit_kept * 1_000)
 */
export const trimAudit = async (
  { store, clock, ids }: Pick<Ports, 'store' | 'clock' | 'ids'>,
  kept_ms: number,
): Promise<number> => {
  let gone = 0;
  for (let commit = 0; commit < MOST; commit++) {
    const tail = await store.get(auditHeads, TAIL);
    const { number } = tail?.value ?? { number: 0 };
    const from = String(number + 1).padStart(15, '0');
    const { items } = await store.query(auditLines, 'chain', 'sealed', { from, limit: BATCH });
    const found = await store.getMany(
      auditLines,
      items.map(({ id }) => id),
    );
    const lines = items.flatMap(({ id }) => found.get(id) ?? []);
    const isOld = ({ value }: { value: AuditLine }, at: number): boolean =>
      value.number === number + 1 + at && value.at < clock.now() - kept_ms;
    const young = lines.findIndex((line, at) => !isOld(line, at));
    const old = young === -1 ? lines : lines.slice(0, young);
    const last = old.at(-1)?.value;
    if (!last) return gone;
    const place = { number: last.number!, hash: last.hash! };
    const told = {
      ...{ action: TRIMMED, actor: 'platform', actor_kind: 'service' as const, request_id: '' },
      ...{ about: { through: String(place.number), hash: place.hash }, ip_address: '', user_agent: '' },
    };
    const line = lineOf(told, { clock, ids }, undefined);
    const head = { ...place, told: line.id };
    try {
      await store.transact([
        tail ? update(auditHeads, tail, head) : insert(auditHeads, TAIL, head),
        line,
        ...old.map((line) => remove(auditLines, line)),
      ]);
    } catch (thrown) {
      // somebody else does the same
      if (!(thrown instanceof WriteConflict)) throw thrown;
      return gone;
    }
    gone += old.length;
    if (old.length < BATCH) return gone;
  }
  return gone;
};
