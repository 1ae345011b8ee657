/** Revocations of a process that others follow: what it holds, and what it came by in which order. */
import { adapter } from '../kit/adapter.ts';
import type { Ports } from '../ports/index.ts';
import type { FeedPosition, Revocation, RevocationNews } from '../ports/revocations.ts';
import { RevocationLog } from './revocation-log.ts';
import { FollowedRevocations, followed, type RevocationRules } from './revocations.ts';

type TellingPorts = Pick<Ports, 'revocationFeed' | 'clock' | 'log' | 'ids'>;

export class ToldRevocations extends FollowedRevocations implements RevocationNews {
  readonly #told: RevocationLog;

  constructor(ports: TellingPorts, rules: RevocationRules) {
    super(ports, rules);
    this.#told = new RevocationLog(ports.ids.uuid());
  }

  onNews(listener: (entries: number) => void): () => void {
    return this.#told.onNews(listener);
  }

  since(from?: FeedPosition) {
    return this.at && this.#told.since(from, () => this.live.all(), this.asOf);
  }

  protected override noted(revocation: Revocation): void {
    this.#told.add(revocation);
  }

  protected override passed(entries: number): void {
    this.#told.tell(entries);
  }
}

/** As `openRevocations`, for who is followed. */
export const openToldRevocations = (ports: TellingPorts, rules: RevocationRules = {}) =>
  followed(new ToldRevocations(ports, rules), ports.revocationFeed);

export const toldRevocations = adapter({
  port: 'revocations',
  needs: ['revocationFeed', 'clock', 'log', 'ids'],
  env: ['PERFECT21_MAX_STALENESS'],
  open: (ports, { env }) => openToldRevocations(ports, { bound_ms: env.PERFECT21_MAX_STALENESS }),
});

/** The same revocations, for who follows this process. */
export const revocationNews = adapter({
  port: 'revocationNews',
  needs: ['revocations'],
  open: ({ revocations: held }) => {
    if (!(held instanceof ToldRevocations)) throw new Error('these revocations are followed by nobody');
    return { port: held };
  },
});
