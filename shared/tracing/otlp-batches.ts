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
    else this.#timer ??= setTimeout(() => this.#leave(), delay_ms).unref();
  }

  /** Sends what is there and takes no more; resolves when nothing waits. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#leave();
    await this.#sending;
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { count } = this.#writer;
    if (count > 0) this.#waiting.push({ count, request: this.#writer.take() });
    this.#sending ??= this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    for (let batch = this.#waiting.shift(); batch; batch = this.#waiting.shift()) await this.#send(batch);
    this.#sending = undefined;
  }
}
