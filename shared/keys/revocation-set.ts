/** The live revocations in memory: a look-up costs three maps, a token that nobody revoked finds nothing. */
import type { AccessClaims, Revocation, TokenError } from '../ports/tokens.ts';
import { REVOCATION_LIFE_MS } from './revocation-records.ts';

type UserRevocation = Pick<Revocation, 'generation' | 'except_sid' | 'error' | 'created_at'>;

const isSame = (a: UserRevocation, b: UserRevocation): boolean =>
  a.generation === b.generation && a.except_sid === b.except_sid && a.error === b.error;

export class RevocationSet {
  readonly #jti = new Map<string, Revocation>();
  readonly #sid = new Map<string, Revocation>();
  readonly #user = new Map<string, UserRevocation[]>();

  /** How many tokens, sessions and users are concerned. */
  get size(): number {
    return this.#jti.size + this.#sid.size + this.#user.size;
  }

  /** Takes a revocation in. What is known already changes nothing but how long it is kept. */
  add(revocation: Revocation): void {
    const { kind, value } = revocation;
    if (kind === 'jti') this.#jti.set(value, revocation);
    else if (kind === 'sid') this.#sid.set(value, revocation);
    else {
      const others = this.#user.get(value)?.filter((each) => !isSame(each, revocation)) ?? [];
      this.#user.set(value, [...others, revocation]);
    }
  }

  /**
   * Why a token is dead. A user's revocation concerns tokens of generations below its own (all, if it names none), so
   * a login in the very moment after it, which has the next generation, lives; and never the excepted session.
   */
  find({ jti, sid, sub, gen }: Pick<AccessClaims, 'jti' | 'sid' | 'sub' | 'gen'>): TokenError | undefined {
    const single = this.#jti.get(jti) ?? this.#sid.get(sid);
    if (single) return single.error;
    const ofUser = this.#user.get(sub);
    if (!ofUser) return undefined;
    for (const { generation, except_sid, error } of ofUser) {
      if ((generation === undefined || gen < generation) && sid !== except_sid) return error;
    }
    return undefined;
  }

  /** Forgets what outlived every token it could concern. */
  prune(now: number): void {
    const isOver = ({ created_at }: { created_at: number }) => now >= created_at + REVOCATION_LIFE_MS;
    for (const map of [this.#jti, this.#sid]) for (const [key, each] of map) if (isOver(each)) map.delete(key);
    for (const [user, all] of this.#user) {
      if (!all.some(isOver)) continue;
      const live = all.filter((each) => !isOver(each));
      if (live.length) this.#user.set(user, live);
      else this.#user.delete(user);
    }
  }
}
