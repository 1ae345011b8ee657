/** What a door knows of a call: who, from where, which request, which trace. */
import type { Place } from '../ports/places.ts';
import type { Trace } from '../ports/tracer.ts';

export type Caller =
  | { kind: 'anonymous' }
  | {
      kind: 'user';
      user_id: string;
      session_id: string;
      jti: string;
      generation: number;
      expires_at: number;
      permissions: readonly string[];
      roles: readonly string[];
      /** What the user may has changed since the token was issued: the permissions here are not those of now. */
      outdated?: true;
    }
  | { kind: 'service'; name: string; permissions: readonly string[] };

export const ANONYMOUS: Caller = { kind: 'anonymous' };

/** Who did what to whom from where, as the audit log tells it. */
export interface Told {
  /** The operation: `permissions.assign-role`. */
  action: string;
  /** A user's id, a service's name, or empty for nobody who is known. */
  actor: string;
  actor_kind: 'user' | 'service' | 'anonymous';
  /** The user to whom it was done, by id. */
  subject?: string;
  /** What else it was about, by the names of the fields: `{ role: 'editor' }`. */
  about?: Record<string, string>;
  request_id: string;
  ip_address: string;
  user_agent: string;
}

/** What the audit log will say of a call: begun by the operation that was asked for, written with its first change. */
export interface AuditNote {
  told(): Told;
  /** Only a change that is told as an event gets a line. */
  only_events: boolean;
  written: boolean;
}

export interface Context {
  /** UUIDv7 of this call, or the caller's own `x-request-id`; answered, logged, and the correlation id of events. */
  request_id: string;
  trace: Trace;
  caller: Caller;
  /** As the trusted hop saw it. `device`: the token of an earlier login that it sent along; nobody has judged it. Never logged. `place`: where a trusted network in front says that it is. */
  client: { ip?: string; user_agent?: string; device?: string; place?: () => Place | undefined };
  /** What an operation gives beside its output, where the door has a place for it: HTTP a cookie and a header. */
  gives?: { device?: string };
  door: 'local' | 'http' | 'websocket' | 'grpc' | 'lambda' | 'queue';
  /** The credential as presented, for operations that act on it (logout). Never logged. */
  bearer?: string;
  /** A client's HTTP Basic credentials as they came, where the binding declares them; nobody has judged them. Never logged. */
  basic?: { user: string; password: string };
  /**
   * Set where the message that made this run waits in the same store: a power cut that takes back what is written here
   * takes back that the message was done, too, and it runs again. So no commit has to wait for the disk.
   */
  durability?: 'deferred';
  /** Which try of its message this run is, 1 for the first, as the queue counts them. Unset where no queue brought it. */
  attempt?: number;
  /** Set within a call that the audit log tells of. */
  audit?: AuditNote;
  /** Unix ms after which nobody waits for the answer. */
  deadline?: number;
  /** Of a stream: aborted when the caller went away or nothing moved for too long. */
  signal?: AbortSignal;
}
