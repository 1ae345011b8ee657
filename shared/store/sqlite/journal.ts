/**
 * The journal file (`-wal`), flushed to the disk beside the event loop: a commit appends to it, and whoever has to
 * survive a power cut waits for the flush. One flush serves every commit before it, also those of other processes.
 */
import { closeSync, fdatasync, openSync } from 'node:fs';
import { AppError } from '../../kit/errors.ts';

export class Journal {
  readonly #file: string;
  #descriptor: number | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** @param file the store's file; there must have been a commit before the first flush. */
  constructor(file: string) {
    this.#file = `${file}-wal`;
  }

  /** Resolves when all that is committed now is on the disk. Rejects with `unavailable` when nobody can say so. */
  flush(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#sync().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    // the one under way may have begun before the last commit
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.flush();
      });
    return this.#next;
  }

  /** Resolves when those are on the disk that somebody waits for. */
  async settled(): Promise<void> {
    await (this.#next ?? this.#running);
  }

  /** Waits for the flush under way, and lets go of the file. */
  async close(): Promise<void> {
    await this.settled().catch(() => {});
    // only now: the locks of a process on a file end with its first descriptor that is closed, and SQLite has none here
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown) => reject(new AppError('unavailable', { cause }));
      try {
        this.#descriptor ??= openSync(this.#file, 'r+');
        fdatasync(this.#descriptor, (error) => (error ? fail(error) : resolve()));
      } catch (error) {
        fail(error);
      }
    });
  }
}
