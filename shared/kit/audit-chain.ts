/**
 * The chain of the audit log. Lines are committed with their changes, in no order that could be numbered without making
 * all commits wait for each other; so they are numbered and hashed moments later, each hash over its line and the hash
 * before. What is changed or taken away after that shows.
 */
import { createHash } from 'node:crypto';
import { insert, type Reader, type Stored, update, type Write, WriteConflict } from '../ports/store.ts';
import { originHash } from './audit-note.ts';
import { type AuditHead, type AuditLine, auditHeads, auditLines } from './audit-records.ts';
import { TAIL, TRIMMED } from './audit-trim.ts';

/** What sealing does to the store. */
export interface AuditStore extends Reader<'audit_lines' | 'audit_heads'> {
  transact(writes: readonly Write<'audit_lines' | 'audit_heads'>[]): Promise<void>;
}

const HEAD = 'head';
/** Lines of one commit, which takes 100 changes. */
const BATCH = 50;
/** Somebody else seals, too: whoever loses begins anew. */
const TRIES = 5;

/** The hash of a line in its place. */
export const chained = (before: string, number: number, id: string, line: AuditLine): string => {
  const { at, actor, actor_kind, action, subject, about = {}, outcome, reason, request_id, origin_hash } = line;
  const named = Object.entries(about).sort(([one], [other]) => (one < other ? -1 : 1));
  const who = [actor, actor_kind, action, subject ?? null, named];
  const facts = [before, number, id, at, ...who, outcome, reason ?? null, request_id, origin_hash];
  return createHash('sha256').update(JSON.stringify(facts)).digest('base64url');
};

const sealBatch = async (store: AuditStore): Promise<number> => {
  const read = await store.get(auditHeads, HEAD);
  const { items } = await store.query(auditLines, 'chain', 'waiting', { limit: BATCH });
  // an index may lag behind: what each line says now is read by its id
  const found = await store.getMany(
    auditLines,
    items.map(({ id }) => id),
  );
  const lines = items.flatMap(({ id }) => found.get(id) ?? []).filter(({ value }) => value.number === undefined);
  if (lines.length === 0) return 0;
  let { number, hash } = read?.value ?? { number: 0, hash: '' };
  const sealed = lines.map((line) => {
    number += 1;
    hash = chained(hash, number, line.id, line.value);
    return update(auditLines, line, { ...line.value, number, hash });
  });
  const head = { number, hash };
  const raised = read ? update(auditHeads, read, head) : insert(auditHeads, HEAD, head);
  await store.transact([raised, ...sealed]);
  return lines.length;
};

/**
 * Numbers and hashes what waits, in its order as far as it is known. Several may do so at once. Gives how many it sealed.
 *
 * @example await sealAudit(host.ports.store)
 */
export const sealAudit = async (store: AuditStore): Promise<number> => {
  let sealed = 0;
  for (let lost = 0; lost < TRIES; ) {
    try {
      const batch = await sealBatch(store);
      sealed += batch;
      if (batch < BATCH) break;
    } catch (thrown) {
      if (!(thrown instanceof WriteConflict)) throw thrown;
      lost += 1;
    }
  }
  return sealed;
};

export interface AuditFault {
  number: number;
  /** A line is not there, says something else than when it was sealed, or its origin does. */
  fault: 'missing' | 'changed' | 'origin_changed';
}

export interface AuditVerdict {
  /** Lines that were looked at. */
  verified: number;
  faults: AuditFault[];
  /** The last line that was looked at. */
  last?: { number: number; hash: string };
  /** True when that is the end of the chain. */
  complete: boolean;
}

/** Whether the log tells that it was trimmed up to there. */
const isTold = async (store: Reader<'audit_lines'>, { number, hash, told = '' }: AuditHead): Promise<boolean> => {
  const { action, about } = (await store.get(auditLines, told))?.value ?? {};
  return action === TRIMMED && about?.through === String(number) && about.hash === hash;
};

/** Looks at a part of the chain, behind the line `after`, which is trusted. */
export const verifyAudit = async (
  store: Reader<'audit_lines' | 'audit_heads'>,
  { after, limit }: { after?: { number: number; hash: string }; limit: number },
): Promise<AuditVerdict> => {
  const head = (await store.get(auditHeads, HEAD))?.value ?? { number: 0, hash: '' };
  const tail = (await store.get(auditHeads, TAIL))?.value;
  const faults: AuditFault[] = [];
  if (tail && !(await isTold(store, tail))) faults.push({ number: tail.number, fault: 'missing' });
  // what was kept long enough is gone, up to a checkpoint
  let last = tail && tail.number > (after?.number ?? 0) ? tail : (after ?? { number: 0, hash: '' });
  let verified = 0;
  while (verified < limit && last.number < head.number) {
    const from = String(last.number + 1).padStart(15, '0');
    const page = { from, limit: Math.min(500, limit - verified) };
    const { items } = await store.query(auditLines, 'chain', 'sealed', page);
    if (items.length === 0) break;
    for (const { id, value } of items as Stored<AuditLine>[]) {
      const { number = 0, hash = '', origin, origin_hash } = value;
      if (number !== last.number + 1) faults.push({ number: last.number + 1, fault: 'missing' });
      else if (hash !== chained(last.hash, number, id, value)) faults.push({ number, fault: 'changed' });
      else if (origin && originHash(origin) !== origin_hash) faults.push({ number, fault: 'origin_changed' });
      last = { number, hash };
      verified += 1;
      if (number >= head.number) break;
    }
  }
  // lines at the end that were taken away, and a head that was put back
  if (verified < limit && last.number < head.number) faults.push({ number: last.number + 1, fault: 'missing' });
  const complete = last.number >= head.number || verified < limit;
  if (complete && last.number === head.number && last.hash !== head.hash) {
    faults.push({ number: head.number, fault: 'changed' });
  }
  return { verified, faults, ...(last.number > 0 && { last }), complete };
};
