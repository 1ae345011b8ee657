/** The live revocations in memory: a look-up costs three maps, a token that nobody revoked finds nothing. */
import type { Finding, PermissionsChange, RevocableClaims, Revocation, TokenRevocation } from '../ports/revocations.ts';
import { REVOCATION_LIFE_MS } from './revocation-records.ts';

type UserRevocation = Pick<TokenRevocation, 'generation' | 'except_sid' | 'error' | 'created_at'>;

const isSame = (a: UserRevocation, b: UserRevocation): boolean =>
  a.generation === b.generation && a.except_sid === b.except_sid && a.error === b.error;

const NONE: readonly UserRevocation[] = [];

const generationOf = (known: Map<string, PermissionsChange>, value: string): number =>
  known.get(value)?.generation ?? 0;

/** Keeps the change of the highest generation, and of one generation the latest, which is kept longest. */
const raise = (known: Map<string, PermissionsChange>, change: PermissionsChange): void => {
  const before = known.get(change.value);
  if (!before || change.generation >= before.generation) known.set(change.value, change);
};

export class RevocationSet {
  readonly #jti = new Map<string, TokenRevocation>();
  readonly #sid = new Map<string, TokenRevocation>();
  readonly #user = new Map<string, UserRevocation[]>();
  /** By user, the latest. */
  readonly #permissions = new Map<string, PermissionsChange>();
  readonly #roles = new Map<string, PermissionsChange>();

  /** How many tokens, sessions and users are concerned. */
  get size(): number {
    return this.#jti.size + this.#sid.size + this.#user.size + this.#permissions.size + this.#roles.size;
  }

  /** Takes a revocation in. What is known already changes nothing but how long it is kept. */
  add(revocation: Revocation): void {
    const { kind, value } = revocation;
    if (kind === 'jti') this.#jti.set(value, revocation);
    else if (kind === 'sid') this.#sid.set(value, revocation);
    else if (kind === 'permissions') raise(this.#permissions, revocation);
    else if (kind === 'roles') raise(this.#roles, revocation);
    else {
      const others = this.#user.get(value)?.filter((each) => !isSame(each, revocation)) ?? [];
      this.#user.set(value, [...others, revocation]);
    }
  }

  /**
   * Why a token is dead, or that its permissions changed. A user's revocation concerns tokens of generations below its own (all, if it names none), so
   * a login in the very moment after it, which has the next generation, lives; and never the excepted session.
   */
  find({ jti, sid, sub, gen, pgen = 0, rgen = 0 }: RevocableClaims): Finding | undefined {
    const single = this.#jti.get(jti) ?? this.#sid.get(sid);
    if (single) return single.error;
    for (const { generation, except_sid, error } of this.#user.get(sub) ?? NONE) {
      if ((generation === undefined || gen < generation) && sid !== except_sid) return error;
    }
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
