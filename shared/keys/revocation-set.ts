/** The live revocations in memory: a look-up costs three maps, a token that nobody revoked finds nothing. */
import type { Finding, PermissionsChange, RevocableClaims, Revocation, TokenRevocation } from '../ports/revocations.ts';
import { isOfService } from '../ports/tokens.ts';
import { REVOCATION_LIFE_MS } from './revocation-records.ts';

const NONE: readonly TokenRevocation[] = [];

const generationOf = (known: Map<string, PermissionsChange>, value: string): number =>
  known.get(value)?.generation ?? 0;

/** Keeps the change of the highest generation, and of one generation the latest, which is kept longest. True when that is news. */
const raise = (known: Map<string, PermissionsChange>, change: PermissionsChange): boolean => {
  const before = known.get(change.value);
  if (!before || change.generation >= before.generation) known.set(change.value, change);
  return !before || change.generation > before.generation;
};

/** What ends single tokens and sessions: said again, it is kept as long as the later one. */
const note = (known: Map<string, TokenRevocation>, revocation: TokenRevocation): boolean => {
  const before = known.get(revocation.value);
  if (!before || revocation.created_at > before.created_at) known.set(revocation.value, revocation);
  return !before;
};

const concernsAll = ({ generation = Number.POSITIVE_INFINITY }: TokenRevocation): number => generation;

export class RevocationSet {
  readonly #jti = new Map<string, TokenRevocation>();
  readonly #sid = new Map<string, TokenRevocation>();
  /** Of a user one for each excepted session and reason, however often they were said. */
  readonly #user = new Map<string, readonly TokenRevocation[]>();
  /** By user, the latest. */
  readonly #permissions = new Map<string, PermissionsChange>();
  readonly #roles = new Map<string, PermissionsChange>();

  /** How many tokens, sessions and users are concerned. */
  get size(): number {
    return this.#jti.size + this.#sid.size + this.#user.size + this.#permissions.size + this.#roles.size;
  }

  /** Takes a revocation in. False for what was known already: that changes nothing but how long it is kept. */
  add(revocation: Revocation): boolean {
    switch (revocation.kind) {
      case 'jti':
        return note(this.#jti, revocation);
      case 'sid':
        return note(this.#sid, revocation);
      case 'user':
        return this.#addUser(revocation);
      case 'permissions':
        return raise(this.#permissions, revocation);
      case 'roles':
        return raise(this.#roles, revocation);
    }
  }

  /** Of those of one user that except the same session for the same reason, the one of the highest generation says all. */
  #addUser(revocation: TokenRevocation): boolean {
    const { value, except_sid, error } = revocation;
    const all = this.#user.get(value) ?? NONE;
    const before = all.find((each) => each.except_sid === except_sid && each.error === error);
    const higher = !before || concernsAll(revocation) > concernsAll(before);
    if (!higher && revocation.created_at <= before.created_at) return false;
    const kept = higher ? revocation : before;
    const merged = before ? { ...kept, created_at: Math.max(before.created_at, revocation.created_at) } : kept;
    this.#user.set(value, [...all.filter((each) => each !== before), merged]);
    return higher;
  }

  /** All of them, as they would have to be told to somebody who knows none. */
  *all(): Generator<Revocation> {
    yield* this.#jti.values();
    yield* this.#sid.values();
    for (const each of this.#user.values()) yield* each;
    yield* this.#permissions.values();
    yield* this.#roles.values();
  }

  /**
   * Why a token is dead, or that its permissions changed. A user's revocation concerns tokens of generations below its own (all, if it names none), so
   * a login in the very moment after it, which has the next generation, lives; and never the excepted session.
   */
  find({ jti, sid, sub, gen, client_id = '', pgen = 0, rgen = 0 }: RevocableClaims): Finding | undefined {
    const single = this.#jti.get(jti) ?? this.#sid.get(sid);
    if (single) return single.error;
    for (const { generation, except_sid, error } of this.#user.get(sub) ?? NONE) {
      if ((generation === undefined || gen < generation) && sid !== except_sid) return error;
    }
    if (isOfService({ sub, client_id })) return undefined;
    const changed = pgen < generationOf(this.#permissions, sub) || rgen < generationOf(this.#roles, 'all');
    return changed ? 'permissions_changed' : undefined;
  }

  /** Forgets what outlived every token it could concern. */
  prune(now: number): void {
    const isOver = ({ created_at }: { created_at: number }) => now >= created_at + REVOCATION_LIFE_MS;
    for (const map of [this.#jti, this.#sid, this.#permissions, this.#roles])
      for (const [key, each] of map) if (isOver(each)) map.delete(key);
    for (const [user, all] of this.#user) {
      if (!all.some(isOver)) continue;
      const live = all.filter((each) => !isOver(each));
      if (live.length) this.#user.set(user, live);
      else this.#user.delete(user);
    }
  }
}
