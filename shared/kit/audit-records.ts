/** The audit log as it is kept: lines written with the changes they tell of, chained afterwards (audit-chain.ts). */
import { collection } from '../ports/store.ts';
import type { Told } from './context.ts';
import { timeSort } from './time-sort.ts';

/** From where somebody acted: the only part about a person, which goes with that person. `salt` makes its hash say nothing. */
export interface AuditOrigin {
  salt: string;
  ip_address: string;
  user_agent: string;
}

export interface AuditLine extends Omit<Told, 'ip_address' | 'user_agent'> {
  /** Unix ms. */
  at: number;
  outcome: 'done' | 'refused';
  /** Why it was refused. */
  reason?: string;
  /** Gone when the person is. */
  origin?: AuditOrigin;
  /** Of the origin; in the chain in its place, so that it can go. */
  origin_hash: string;
  /** Its place in the chain and the hash of it and all before; left out until it is sealed. */
  number?: number;
  hash?: string;
}

/** A deployment that changes much writes more than a partition of a list takes. */
const SHARDS = 4;

const byTime = ({ at }: AuditLine, id: string): string => timeSort(at, id);

export const auditLines = collection<AuditLine>()('audit_lines', {
  indexes: {
    all: { hash: () => 'all', sort: byTime, shards: SHARDS },
    by_actor: { hash: ({ actor }) => actor || undefined, sort: byTime },
    by_subject: { hash: ({ subject }) => subject, sort: byTime },
    by_action: { hash: ({ action }) => action, sort: byTime, shards: SHARDS },
    chain: {
      hash: ({ number }) => (number === undefined ? 'waiting' : 'sealed'),
      sort: ({ number }, id) => (number === undefined ? id : String(number).padStart(15, '0')),
      shards: SHARDS,
    },
  },
});

/** A place in the chain. `told`: of the tail, the id of the line that tells how it came there. */
export interface AuditHead {
  number: number;
  hash: string;
  told?: string;
}

/** `head` → the last line of the chain. `tail` → the last one that was kept long enough and is gone. */
export const auditHeads = collection<AuditHead>()('audit_heads');
