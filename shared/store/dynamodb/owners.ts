/**
 * Who holds claims in DynamoDB, and who of them still lives.
 *
 * A process that holds a claim for longer than a second counts a number up each second, in an item of its own. Whoever
 * meets a claim of another looks at that number, and again four seconds later by his own clock: a number that stands
 * still is that of a dead process. So nobody's clock is compared with another's, and who holds nothing writes nothing.
 */
import type { Claimed } from '../../ports/store.ts';
import type { Link } from './link.ts';
import { MESSAGES } from './tables.ts';

/** A queue in which nothing ever waits: it keeps the numbers. */
const QUEUE = 'perfect21.owners';
const BEAT_MS = 1_000;
const STILL_MS = 4_000;
/** Claims of others, and names of dead processes, that are remembered at most. */
const MOST = 1_000;

/** The owner that a claim names; none for one that was made by an older release. */
const ownerOf = (claim: string): string | undefined => claim.split('.')[1] && claim.split('.')[0];

export class Owners {
  readonly name: string;
  readonly #link: Link;
  /** Until when each claim of this process holds, by the monotonic clock. */
  readonly #held = new Map<string, number>();
  /** Claims of others: the number of their owner, and since when it stands. */
  readonly #seen = new Map<string, { beat: number; since: number }>();
  readonly #gone = new Set<string>();
  readonly #waking = new Set<NodeJS.Timeout>();
  #beating: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(link: Link) {
    this.#link = link;
    this.name = link.ids.random(9);
  }

  /** Notes claims of this process, which live as long as it does. */
  hold(claimed: readonly Claimed[], lease_ms: number): void {
    for (const { claim } of claimed) this.#held.set(claim, performance.now() + lease_ms);
    if (claimed.length) this.#beating ??= setInterval(() => void this.#beat(), BEAT_MS).unref();
  }

  /** Notes that claims were settled or given back. */
  drop(claimed: readonly Pick<Claimed, 'claim'>[]): void {
    for (const { claim } of claimed) this.#held.delete(claim);
  }

  /** Those of the claims whose process is dead. `wake` is called when it is time to ask again. */
  async dead(claims: readonly string[], wake: () => void): Promise<ReadonlySet<string>> {
    const dead = new Set<string>();
    const beats = new Map<string, Promise<number>>();
    const beatOf = (owner: string): Promise<number> => {
      const known = beats.get(owner) ?? this.#beatOf(owner);
      beats.set(owner, known);
      return known;
    };
    let anew = false;
    for (const claim of claims) {
      const owner = ownerOf(claim);
      if (!owner || owner === this.name) continue;
      const now = performance.now();
      const seen = this.#seen.get(claim);
      if (seen && now - seen.since < STILL_MS) continue;
      const beat = await beatOf(owner);
      if (seen?.beat === beat) {
        dead.add(claim);
        this.#gone.add(owner);
      } else {
        this.#seen.delete(claim);
        this.#seen.set(claim, { beat, since: now });
        anew = true;
      }
    }
    for (const claim of this.#seen.keys()) if (this.#seen.size > MOST) this.#seen.delete(claim);
    for (const owner of this.#gone) if (this.#gone.size > MOST) this.#gone.delete(owner);
    if (anew) this.#wakeLater(wake);
    return dead;
  }

  /** Whether a process of this name was found dead by this one. */
  isGone(name: string): boolean {
    return this.#gone.has(name);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#beating);
    for (const timer of this.#waking) clearTimeout(timer);
  }

  #wakeLater(wake: () => void): void {
    if (this.#closed || this.#waking.size) return;
    const timer = setTimeout(() => {
      this.#waking.delete(timer);
      wake();
    }, STILL_MS + 1).unref();
    this.#waking.add(timer);
  }

  async #beatOf(id: string): Promise<number> {
    const { db, attempt, table } = this.#link;
    const request = { TableName: table(MESSAGES), Key: { queue: QUEUE, id }, ConsistentRead: true };
    const { Item } = await attempt(() => db.get(request));
    return Item?.beat ?? 0;
  }

  async #beat(): Promise<void> {
    const now = performance.now();
    for (const [claim, until] of this.#held) if (until < now) this.#held.delete(claim);
    if (!this.#held.size) {
      clearInterval(this.#beating);
      this.#beating = undefined;
      return;
    }
    const { db, attempt, table } = this.#link;
    const request = {
      TableName: table(MESSAGES),
      Key: { queue: QUEUE, id: this.name },
      UpdateExpression: 'ADD #beat :one',
      ExpressionAttributeNames: { '#beat': 'beat' },
      ExpressionAttributeValues: { ':one': 1 },
    };
    // one that is missed is made up for by the next
    await attempt(() => db.update(request)).catch(() => undefined);
  }
}
