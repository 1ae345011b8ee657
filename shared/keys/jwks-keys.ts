/** Public keys from a JWK Set over HTTP (RFC 7517 §5): for whoever verifies and never signs. */
import { StartError } from '../config/start-error.ts';
import { adapter } from '../kit/adapter.ts';
import { AppError } from '../kit/errors.ts';
import type { Ports } from '../ports/index.ts';
import type { VerificationKey, VerificationKeys } from '../ports/tokens.ts';
import { type HttpGet, httpGet } from '../system/http-get.ts';
import { parseObject } from './json-members.ts';
import { readVerificationKey, toPublicJwk } from './jwk.ts';

/** A set of this age is fetched again, beside the answers that it still gives. */
export const REFRESH_MS = 300_000;
/** Between two fetches, whatever the reason: a stranger's kid costs the issuer one request in this time. */
export const COOLDOWN_MS = 10_000;
const BOUNDS = { ms: 3_000, most: 256 * 1024 };
const MAX_KEYS = 100;

/** The keys of a set that can verify our tokens; others (RFC 7517 §5: encryption, unknown types) are passed over. */
const keysOf = (bytes: Uint8Array): Map<string, VerificationKey> => {
  const listed = parseObject(bytes)?.keys;
  if (!Array.isArray(listed) || listed.length > MAX_KEYS) throw new Error('there is no usable JWK Set');
  const usable = listed.flatMap((jwk) => (jwk && typeof jwk === 'object' ? (readVerificationKey(jwk) ?? []) : []));
  if (usable.length === 0) throw new Error('the JWK Set holds no key that verifies');
  return new Map(usable.map((key) => [key.kid, key]));
};

class JwksKeys implements VerificationKeys {
  readonly #url: string;
  readonly #clock: Ports['clock'];
  readonly #log: Ports['log'];
  readonly #get: HttpGet;
  /** The last good set, kept while no better one can be had. */
  #keys: Map<string, VerificationKey> | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;
  #failing = false;

  constructor(url: string, { clock, log }: Pick<Ports, 'clock' | 'log'>, get: HttpGet) {
    this.#url = url;
    this.#clock = clock;
    this.#log = log;
    this.#get = get;
  }

  verification(kid: string): Promise<VerificationKey | undefined> | VerificationKey | undefined {
    const known = this.#keys?.get(kid);
    if (known) {
      if (this.#isOver(this.#fetchedAt, REFRESH_MS)) void this.refresh();
      return known;
    }
    // nobody is kept waiting while the cooldown says that asking again is no use
    const idle = !this.#fetching && !this.#mayFetch();
    return this.#keys && idle ? undefined : this.refresh().then(() => this.#set().get(kid));
  }

  async jwks() {
    if (!this.#keys || this.#isOver(this.#fetchedAt, REFRESH_MS)) await this.refresh();
    return { keys: [...this.#set().values()].map(toPublicJwk) };
  }

  /** Fetches the set unless that was tried just now. Never rejects: what is known goes on. */
  refresh(): Promise<void> {
    if (this.#fetching || !this.#mayFetch()) return this.#fetching ?? Promise.resolve();
    this.#triedAt = this.#clock.now();
    this.#fetching = this.#load()
      .catch((cause) => {
        if (!this.#failing) this.#log.warn('keys.jwks_unreadable', { reason: String((cause as Error).message) });
        this.#failing = true;
      })
      .finally(() => {
        this.#fetching = undefined;
      });
    return this.#fetching;
  }

  async #load(): Promise<void> {
    // a redirect would let whoever answers once choose who answers from then on
    const { status, body } = await this.#get(this.#url, BOUNDS);
    if (status !== 200) throw new Error(`the issuer answered ${status}`);
    this.#keys = keysOf(body);
    this.#fetchedAt = this.#clock.now();
    if (this.#failing) this.#log.info('keys.jwks_readable', {});
    this.#failing = false;
  }

  #set(): Map<string, VerificationKey> {
    if (this.#keys) return this.#keys;
    throw new AppError('unavailable', { detail: 'The verification keys are not known yet', retry_after: 1 });
  }

  /** Without any key each call may ask, a second apart. */
  #mayFetch(): boolean {
    return this.#isOver(this.#triedAt, this.#keys ? COOLDOWN_MS : 1_000);
  }

  #isOver(since: number, ms: number): boolean {
    return Math.abs(this.#clock.now() - since) >= ms;
  }
}

/** Opens the keys of a JWK Set. Its issuer need not be there yet: until then a check answers `unavailable`. */
export const openJwksKeys = async (
  url: string,
  ports: Pick<Ports, 'clock' | 'log'>,
  get: HttpGet = httpGet,
): Promise<VerificationKeys> => {
  const keys = new JwksKeys(url, ports, get);
  await keys.refresh();
  return keys;
};

export const jwksKeys = adapter({
  port: 'keys',
  needs: ['clock', 'log'],
  env: ['KEYS_URL'],
  open: async (ports, { keys }) => {
    if (keys.source !== 'jwks') throw new StartError('KEYS_URL names no JWK Set: use https://<issuer>/<path>');
    return { port: await openJwksKeys(keys.url, ports) };
  },
});

/** Stands where a signer would, and says at the start why there is none. */
export const noSigner = adapter({
  port: 'signer',
  env: ['KEYS_URL'],
  open: () => {
    throw new StartError(
      'KEYS_URL names keys that only verify: use file:<path> or kms:<key-id> where tokens are issued',
    );
  },
});
