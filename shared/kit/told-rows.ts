/**
 * Rows that come when they come, for hours perhaps. Whoever carries them is handed each, instead of asking for the next and
 * waiting: so thousands of listeners who hear nothing hold no chain of promises each, and a row on its way makes none.
 */

/** Handed a row; the next one waits for what it gives. */
export type Take<T> = (row: T) => void | Promise<void>;

/** Why rows ended before they were over. */
export interface Failure {
  thrown: unknown;
}

/** Who is handed rows. An object of its own, and no closures and promises: there are thousands, for hours. */
export interface Taker<T> {
  take(row: T): void | Promise<void>;
  /** Told once: no more come, as what broke them, or what `take` threw, if anything did. */
  over(failure?: Failure): void;
}

/** Where rows come from: nothing is opened before `each`, which is called once. */
export interface RowSource<T> {
  /** Hands on each row, in order. */
  each(taker: Taker<T>): void;
  /** Nobody wants more. Nothing is handed on after it, and they are over. */
  close(): void;
}

/** They can be iterated over, too. */
export interface ToldRows<T> extends RowSource<T>, AsyncIterable<T> {}

export const isRows = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

export const isTold = <T>(rows: AsyncIterable<T>): rows is ToldRows<T> => 'each' in rows;

class Iteration<T> implements AsyncIterator<T, undefined> {
  readonly #rows: RowSource<T>;
  #asked: { resolve(result: IteratorResult<T, undefined>): void; reject(why: unknown): void } | undefined;
  /** Lets the next row come. */
  #taken: (() => void) | undefined;
  #begun = false;
  #end: { thrown?: unknown } | undefined;

  constructor(rows: RowSource<T>) {
    this.#rows = rows;
  }

  /** One at a time. */
  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      this.#asked = { resolve, reject };
      if (!this.#begun) this.#begin();
      else if (this.#end) this.#settle();
      else this.#taken?.();
    });
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#rows.close();
    this.#end ??= {};
    return { done: true, value: undefined };
  }

  #begin(): void {
    this.#begun = true;
    const take = (value: T): Promise<void> =>
      new Promise((taken) => {
        this.#taken = taken;
        this.#asked?.resolve({ done: false, value });
        this.#asked = undefined;
      });
    const over = (failure?: Failure): void => {
      this.#end ??= failure ?? {};
      this.#settle();
    };
    this.#rows.each({ take, over });
  }

  /** The end is told once; after that there is just nothing more. */
  #settle(): void {
    const [asked, end] = [this.#asked, this.#end!];
    if (!asked) return;
    this.#asked = undefined;
    this.#end = {};
    if ('thrown' in end) asked.reject(end.thrown);
    else asked.resolve({ done: true, value: undefined });
  }
}

/** Asks for rows one by one, each when the one before is done with; leaving them closes them. */
export const iterate = <T>(rows: RowSource<T>): AsyncIterator<T, undefined> => new Iteration(rows);

/** Makes a source one that can be iterated over. @example const rows = told({ each, close }); for await (const row of rows) … */
export const told = <T>(source: RowSource<T>): ToldRows<T> =>
  Object.assign(source, { [Symbol.asyncIterator]: () => iterate(source) });

/** Hands on rows of any kind. Rejects with what ended them early. @example await pour(rows, (row) => socket.send(JSON.stringify(row))) */
export const pour = <T>(rows: AsyncIterable<T> | RowSource<T>, take: Take<T>): Promise<void> =>
  'each' in rows
    ? new Promise((resolve, reject) => {
        rows.each({ take, over: (failure) => (failure ? reject(failure.thrown) : resolve()) });
      })
    : pull(rows, take);

const pull = async <T>(rows: AsyncIterable<T>, take: Take<T>): Promise<void> => {
  for await (const row of rows) await take(row);
};

/** What rows are made of. */
export interface Telling<S, T> {
  /** Opened before anything else, so that what comes meanwhile waits. */
  open(): RowSource<S>;
  /** What is told first. */
  first(): AsyncIterable<T>;
  /** The rows that an item stands for: one, none or several. */
  rowsOf(item: S): T | AsyncIterable<T> | undefined;
  /** Called once when it is over. */
  left(): void | Promise<void>;
}

class Told<S, T> implements ToldRows<T>, Taker<S> {
  /** How they begin, of which nothing is kept afterwards. */
  #beginning: Pick<Telling<S, T>, 'open' | 'first'> | undefined;
  readonly #rowsOf: Telling<S, T>['rowsOf'];
  readonly #left: Telling<S, T>['left'];
  #source: RowSource<S> | undefined;
  #taker: Taker<T> | undefined;
  #closed = false;
  #over = false;

  constructor({ open, first, rowsOf, left }: Telling<S, T>) {
    this.#beginning = { open, first };
    this.#rowsOf = rowsOf;
    this.#left = left;
  }

  each(taker: Taker<T>): void {
    this.#taker = taker;
    this.#begin().catch((thrown) => this.over({ thrown }));
  }

  async #begin(): Promise<void> {
    const { open, first } = this.#beginning!;
    this.#beginning = undefined;
    // nobody wants rows any more
    if (this.#closed) return this.over();
    this.#source = open();
    await this.#several(first());
    this.#source.each(this);
  }

  take(item: S): void | Promise<void> {
    const rows = this.#rowsOf(item);
    if (rows !== undefined)
      return isRows(rows) ? this.#several(rows as AsyncIterable<T>) : this.#taker!.take(rows as T);
  }

  async #several(rows: AsyncIterable<T>): Promise<void> {
    for await (const row of rows) {
      if (this.#closed || this.#over) return;
      await this.#taker!.take(row);
    }
  }

  over(failure?: Failure): void {
    if (this.#over) return;
    this.#over = true;
    void this.#end(failure);
  }

  async #end(failure: Failure | undefined): Promise<void> {
    const taker = this.#taker!;
    let why = failure;
    if (this.#source) {
      this.#source.close();
      try {
        await this.#left();
      } catch (thrown) {
        why = { thrown };
      }
    }
    taker.over(why);
  }

  close(): void {
    this.#closed = true;
    this.#source?.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return iterate(this);
  }
}

/** Makes rows of what happens. @example tell({ open: () => hub.open(listener), first: () => missed(), rowsOf: (item) => item, left: () => {} }) */
export const tell = <S, T>(telling: Telling<S, T>): ToldRows<T> => new Told(telling);
