/** Spans that ended, until a collector has taken them: sent by the batch, one batch at a time, and dropped where too many wait. */
import type { RecordedSpan } from './otlp-span.ts';

/** As OpenTelemetry's batches are by default: spans of one, spans that wait at most, ms that the first of them does. */
const [BATCH, WAITING, DELAY_MS] = [512, 2_048, 5_000];

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
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * @param send resolves when the collector has taken it or is given up; never rejects
   * @param dropped told of each span for which there is no room
   */
  constructor(writer: SpanWriter, send: (batch: Batch) => Promise<void>, dropped: () => void) {
    this.#writer = writer;
    this.#send = send;
    this.#dropped = dropped;
  }

  /** Takes a span; a collector that is too slow for all of them does not get the newest. */
  put(span: RecordedSpan): void {
    if (this.#closed) return;
    if (this.#waiting.length * BATCH >= WAITING) {
      this.#dropped();
      return;
    }
    this.#writer.put(span);
    if (this.#writer.count >= BATCH) this.#leave();
    else this.#timer ??= setTimeout(() => this.#leave(), DELAY_MS).unref();
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
