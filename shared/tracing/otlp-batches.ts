/** Spans that ended, until a collector has taken them: sent by the batch, one batch at a time, and dropped where too many wait. */
import type { BatchConfig } from '../config/tracing.ts';
import type { RecordedSpan } from './otlp-span.ts';

/** Writes spans as they end. */
export interface SpanWriter {
  /** How many it holds. */
  readonly count: number;
  put(span: RecordedSpan): void;
  /** Gives what it holds as a request, and holds nothing from then on. */
  take(): Uint8Array;
}

/** A request to the collector. */
export interface Batch {
  count: number;
  request: Uint8Array;
}

export class Batches {
  readonly #waiting: Batch[] = [];
  readonly #writer: SpanWriter;
  readonly #send: (batch: Batch) => Promise<void>;
  readonly #dropped: () => void;
  readonly #config: BatchConfig;
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #overdue = false;
  #closed = false;

  /**
   * @param send resolves when the collector has taken it or is given up; never rejects
   * @param dropped told of each span for which there is no room
   */
  constructor(config: BatchConfig, writer: SpanWriter, send: (batch: Batch) => Promise<void>, dropped: () => void) {
    this.#config = config;
    this.#writer = writer;
    this.#send = send;
    this.#dropped = dropped;
  }

  /** Takes a span; a collector that is too slow for all of them does not get the newest. */
  put(span: RecordedSpan): void {
    if (this.#closed) return;
    const { most, waiting, delay_ms } = this.#config;
    if (this.#waiting.length * most >= waiting) {
      this.#dropped();
      return;
    }
    this.#writer.put(span);
    if (this.#writer.count >= most) this.#leave();
    else this.#timer ??= setTimeout(() => this.#late(), delay_ms).unref();
  }

  /** Sends what is there and takes no more; resolves when nothing waits. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#leave();
    await this.#sending;
  }

  /** The first span has waited long enough: for its batch, or, behind one on its way, for a full one. Room is counted in those. */
  #late(): void {
    this.#timer = undefined;
    if (this.#sending) this.#overdue = true;
    else this.#leave();
  }

  #take(): Batch | undefined {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#overdue = false;
    const { count } = this.#writer;
    return count > 0 ? { count, request: this.#writer.take() } : undefined;
  }

  #leave(): void {
    const batch = this.#take();
    if (batch) this.#waiting.push(batch);
    this.#sending ??= this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    const next = (): Batch | undefined => this.#waiting.shift() ?? (this.#overdue ? this.#take() : undefined);
    for (let batch = next(); batch; batch = next()) await this.#send(batch);
    this.#sending = undefined;
  }
}
