/** Rows as lines of an answer, no faster than the other side reads them. */
import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';
import type { Life } from '../binding/life.ts';

/** Characters that are written at once; less when the next row takes longer than a turn of the event loop. */
const BATCH = 16 * 1024;
/** Milliseconds that a caller gets to read the last line of an answer that is broken off. */
const LINGER_MS = 1_000;

export class RowWriter {
  readonly #response: ServerResponse;
  readonly #life: Life;
  #text = '';
  #scheduled: NodeJS.Immediate | undefined;
  #full = false;
  #emptied = (): void => {};

  constructor(response: ServerResponse, life: Life) {
    this.#response = response;
    this.#life = life;
    response.on('drain', () => {
      this.#full = false;
      this.#emptied();
    });
  }

  /** Writes a row; resolves when the next one may come. @throws AppError when the stream ended before the reader was ready */
  async write(line: string): Promise<void> {
    this.#text += line;
    if (this.#text.length >= BATCH) this.#flush();
    else this.#scheduled ??= setImmediate(() => this.#flush());
    if (this.#full) await this.#drained();
  }

  /** Shows that the answer goes on, to a reader who keeps up. */
  beat(text: string): void {
    if (this.#full || this.#response.destroyed) return;
    this.#life.moved();
    this.#text += text;
    this.#flush();
  }

  /** The answer is whole. */
  end(last = ''): void {
    this.#text += last;
    this.#flush();
    this.#response.end();
  }

  /** Writes a last line and breaks the answer off, so that nobody takes it for whole. */
  breakOff(line: string): void {
    clearImmediate(this.#scheduled);
    const text = this.#text + line;
    this.#text = '';
    const cut = (): void => {
      const { stream } = this.#response as unknown as Http2ServerResponse;
      if (stream) {
        stream.close(constants.NGHTTP2_INTERNAL_ERROR);
        return;
      }
      const { socket } = this.#response;
      // a reset would take back what the other side has not read yet
      socket?.end();
      setTimeout(() => socket?.destroy(), LINGER_MS).unref();
    };
    // who does not read does not get a last line
    if (this.#full) this.#response.destroy();
    else this.#response.write(text, cut);
  }

  #flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#text === '' || this.#response.destroyed) return;
    this.#full = !this.#response.write(this.#text);
    this.#text = '';
  }

  async #drained(): Promise<void> {
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    await this.#life.until(emptied);
    this.#life.moved();
  }
}
