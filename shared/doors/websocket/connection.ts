/** One WebSocket: rows go out as fast as they are read, what comes in is little and known, silence and floods end it. */
import { type RawData, WebSocket } from 'ws';
import { toAppError } from '../../kit/errors.ts';
import { LastIds } from '../../kit/last-ids.ts';
import { CLOSE, closeOf } from './codes.ts';
import type { SocketLimits } from './limits.ts';
import { KNOWN, readObject, saidOf } from './said.ts';

/** Rows that may still be acknowledged: those that were sent last. */
const MOST_UNTAKEN = 100;

export class Connection {
  readonly #socket: WebSocket;
  readonly #limits: SocketLimits;
  readonly #left = new AbortController();
  readonly #now: () => number;
  #seen: number;
  #second = 0;
  #came = 0;
  #closed = false;
  /** Ids of rows that somebody wants to know of whether they were taken. */
  #untaken: LastIds | undefined;
  #onTaken: ((id: string) => void) | undefined;

  /** @param onClose with the code that it ended with, once */
  constructor(socket: WebSocket, limits: SocketLimits, now: () => number, onClose: (code: number) => void) {
    this.#socket = socket;
    this.#limits = limits;
    this.#now = now;
    this.#seen = now();
    socket.on('message', (data, isBinary) => this.#hear(data, isBinary));
    socket.on('ping', () => this.#counts());
    socket.on('pong', () => this.#counts());
    // ws closes it with the code that belongs to what came: nothing is left to do
    socket.on('error', () => {});
    socket.once('close', (code) => {
      this.#closed = true;
      this.#left.abort();
      onClose(code);
    });
  }

  /** Aborted when it is over. */
  get signal(): AbortSignal {
    return this.#left.signal;
  }

  /**
   * Writes rows until they end or it does.
   *
   * @param onTaken hears of each message of the inbox that is acknowledged, once
   */
  async carry(rows: AsyncIterable<unknown>, onTaken?: (id: string) => void): Promise<void> {
    this.#onTaken = onTaken;
    try {
      for await (const row of rows) {
        if (this.#closed) return;
        if (onTaken) this.#expect(row as { id?: string; type?: string });
        await this.#send(JSON.stringify(row));
      }
    } catch (thrown) {
      const { code, reason } = closeOf(toAppError(thrown));
      this.close(code, reason);
      if (code === CLOSE.broken) throw thrown;
    }
  }

  /** Asks for a sign of life; ends it where none came for two beats. */
  beat(heartbeat_ms: number): void {
    if (this.#now() - this.#seen > 2 * heartbeat_ms) this.close(CLOSE.silent, 'No sign of life');
    else if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
  }

  close(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#left.abort();
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), this.#limits.closing_ms).unref();
  }

  #expect({ id, type }: { id?: string; type?: string }): void {
    if (type !== 'notification' || id === undefined) return;
    this.#untaken ??= new LastIds(MOST_UNTAKEN);
    this.#untaken.add(id);
  }

  /** Resolves when the next may come. */
  async #send(text: string): Promise<void> {
    if (this.#socket.bufferedAmount < this.#limits.behind) this.#socket.send(text);
    else await new Promise<void>((resolve) => this.#socket.send(text, () => resolve()));
  }

  /** Counts what comes in. @returns false when it is too much */
  #counts(): boolean {
    const now = this.#now();
    this.#seen = now;
    const second = Math.floor(now / 1_000);
    if (second !== this.#second) [this.#second, this.#came] = [second, 0];
    this.#came += 1;
    if (this.#came <= this.#limits.per_second) return true;
    this.close(CLOSE.flood, 'Too many messages');
    return false;
  }

  #hear(data: RawData, isBinary: boolean): void {
    if (this.#closed || !this.#counts()) return;
    const told = isBinary ? undefined : readObject(String(data));
    const said = told && saidOf(told);
    if (isBinary) this.close(CLOSE.unsupported, 'Text is taken, and nothing else');
    else if (!told) this.close(CLOSE.not_text, 'This is no JSON object');
    else if (!said) this.close(CLOSE.refused, KNOWN);
    else if (said.type === 'ack' && this.#untaken?.take(said.id)) this.#onTaken?.(said.id);
  }
}
