/** One WebSocket: rows go out as fast as they are read, what comes in is little and known, silence and floods end it. */
import { type RawData, WebSocket } from 'ws';
import { toAppError } from '../../kit/errors.ts';
import { LastIds } from '../../kit/last-ids.ts';
import type { Failure, RowSource, Taker } from '../../kit/told-rows.ts';
import { CLOSE, closeOf } from './codes.ts';
import type { SocketLimits } from './limits.ts';
import { KNOWN, readObject, saidOf } from './said.ts';

/** Rows that may still be acknowledged: those that were sent last. */
const MOST_UNTAKEN = 100;

/** A socket that knows whose it is, so that all sockets have the same listeners. */
export class Linked extends WebSocket {
  connection: Connection | undefined;
}

function message(this: WebSocket, data: RawData, isBinary: boolean): void {
  (this as Linked).connection!.hear(data, isBinary);
}
function lives(this: WebSocket): void {
  (this as Linked).connection!.counts();
}
function close(this: WebSocket, code: number): void {
  (this as Linked).connection!.gone(code);
}
// ws closes it with the code that belongs to what came: nothing is left to do
const ignore = (): void => {};

/** What all connections of a door share. */
export interface ConnectionRules {
  limits: SocketLimits;
  now(): number;
  /** Told once of each that is over, with the code that it ended with. */
  over(connection: Connection, code: number): void;
}

export class Connection implements Taker<unknown> {
  /** What it is counted by. */
  readonly network: string;
  readonly #socket: WebSocket;
  readonly #rules: ConnectionRules;
  #rows: RowSource<unknown> | undefined;
  #seen: number;
  #second = 0;
  #came = 0;
  #closed = false;
  /** Ids of rows that somebody wants to know of whether they were taken. */
  #untaken: LastIds | undefined;
  #onTaken: ((id: string) => void) | undefined;
  #broke: ((thrown: unknown) => void) | undefined;

  constructor(socket: Linked, network: string, rules: ConnectionRules) {
    this.network = network;
    this.#socket = socket;
    this.#rules = rules;
    this.#seen = rules.now();
    socket.connection = this;
    socket.on('message', message).on('ping', lives).on('pong', lives).on('error', ignore).on('close', close);
  }

  /**
   * Writes rows until they end or it does.
   *
   * @param broke hears of what is wrong here and ended them
   * @param onTaken hears of each message of the inbox that is acknowledged, once
   */
  carry(rows: RowSource<unknown>, broke: (thrown: unknown) => void, onTaken?: (id: string) => void): void {
    this.#broke = broke;
    this.#onTaken = onTaken;
    this.#rows = rows;
    // it was over before they were there
    if (this.#closed) rows.close();
    rows.each(this);
  }

  take(row: unknown): void | Promise<void> {
    // before its end is told, which waits for a turn of the loop that rows without end would not give
    if (this.#socket.readyState !== WebSocket.OPEN) return this.#leave();
    if (this.#onTaken) this.#expect(row as { id?: string; type?: string });
    return this.#send(JSON.stringify(row));
  }

  /** The rows are. */
  over(failure?: Failure): void {
    if (!failure) return;
    const { code, reason } = closeOf(toAppError(failure.thrown));
    this.close(code, reason);
    if (code === CLOSE.broken) this.#broke!(failure.thrown);
  }

  /** Whether it is over, or is told to be. */
  get isClosed(): boolean {
    return this.#closed || this.#socket.readyState !== WebSocket.OPEN;
  }

  /** Asks for a sign of life; ends it where none came for two beats. */
  beat(heartbeat_ms: number): void {
    if (this.#rules.now() - this.#seen > 2 * heartbeat_ms) this.close(CLOSE.silent, 'No sign of life');
    else if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
  }

  close(code: number, reason: string): void {
    if (this.#closed) return;
    this.#leave();
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), this.#rules.limits.closing_ms).unref();
  }

  /** The socket is closed. */
  gone(code: number): void {
    this.#leave();
    this.#rules.over(this, code);
  }

  /** Nobody listens any more. */
  #leave(): void {
    this.#closed = true;
    this.#rows?.close();
  }

  #expect({ id, type }: { id?: string; type?: string }): void {
    if (type !== 'notification' || id === undefined) return;
    this.#untaken ??= new LastIds(MOST_UNTAKEN);
    this.#untaken.add(id);
  }

  /** Resolves when the next may come. */
  #send(text: string): void | Promise<void> {
    if (this.#socket.bufferedAmount >= this.#rules.limits.behind)
      return new Promise((resolve) => this.#socket.send(text, () => resolve()));
    this.#socket.send(text);
  }

  /** Counts what comes in. @returns false when it is too much */
  counts(): boolean {
    const now = this.#rules.now();
    this.#seen = now;
    const second = Math.floor(now / 1_000);
    if (second !== this.#second) [this.#second, this.#came] = [second, 0];
    this.#came += 1;
    if (this.#came <= this.#rules.limits.per_second) return true;
    this.close(CLOSE.flood, 'Too many messages');
    return false;
  }

  /** A message came. */
  hear(data: RawData, isBinary: boolean): void {
    if (this.#closed || !this.counts()) return;
    const told = isBinary ? undefined : readObject(String(data));
    const said = told && saidOf(told);
    if (isBinary) this.close(CLOSE.unsupported, 'Text is taken, and nothing else');
    else if (!told) this.close(CLOSE.not_text, 'This is no JSON object');
    else if (!said) this.close(CLOSE.refused, KNOWN);
    else if (said.type === 'ack' && this.#untaken?.take(said.id)) this.#onTaken?.(said.id);
  }
}
