/**
 * Who holds claims on a SQLite file, and who of them still lives.
 *
 * Each process keeps a file of its own locked, in a folder beside the store. The kernel frees the lock when the process
 * ends, however that comes; unlike a process id, a lock means the same to processes of different containers. Node has no
 * locks on files, but SQLite has: each of these files is an empty database under an exclusive transaction.
 */
import { closeSync, existsSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Ids } from '../../ports/clock.ts';
import { makeFolder } from '../../system/make-folder.ts';

const NAME = /^[\w-]{16}$/;

/** Opens a lock file, without taking the lock. Only SQLite may open it: any other descriptor that is closed lets go of it. */
const lockFile = (file: string): DatabaseSync => new DatabaseSync(file, { timeout: 0 });

/** Removes a lock file, and what SQLite may have put beside it. */
const unlink = (file: string): void => {
  rmSync(file, { force: true });
  rmSync(`${file}-journal`, { force: true });
};

/** Takes the lock, if nobody has it. */
const lock = (db: DatabaseSync): boolean => {
  try {
    db.exec('BEGIN EXCLUSIVE');
    return true;
  } catch {
    return false;
  }
};

export class Owners {
  readonly #folder: string | undefined;
  readonly #ids: Ids;
  #own: { name: string; held?: DatabaseSync } | undefined;
  /** The lock files of others, kept open because they are looked at with every claim. */
  readonly #others = new Map<string, DatabaseSync>();

  /** @param file the store's file; left out for a store in memory, which ends with its only process */
  constructor(ids: Ids, file?: string) {
    this.#ids = ids;
    this.#folder = file && `${file}-owners`;
  }

  /** The name of this process, under which it holds a lock from the first time on. */
  get name(): string {
    this.#own ??= this.#enter();
    return this.#own.name;
  }

  /** Whether the process of this name has ended. */
  isGone(name: string): boolean {
    if (!NAME.test(name) || name === this.#own?.name) return false;
    // who ends in order takes its file along
    if (!this.#folder || !existsSync(join(this.#folder, name))) return true;
    const { db, ours } = this.#seize(name);
    if (ours === 'now') db.exec('ROLLBACK');
    return ours !== undefined;
  }

  /** The names of processes that have died. Their locks are taken until they are forgotten, so that nobody else comes by one. */
  dead(): string[] {
    if (!this.#folder || !existsSync(this.#folder)) return [];
    const names = readdirSync(this.#folder).filter((name) => NAME.test(name) && name !== this.#own?.name);
    for (const known of this.#others.keys()) if (!names.includes(known)) this.#close(known);
    return names.filter((name) => this.#seize(name).ours);
  }

  /** Removes the lock of a process that is dead, when nothing bears its name any more. */
  forget(name: string): void {
    if (this.#folder) unlink(join(this.#folder, name));
    this.#close(name);
  }

  /** Lets go of all locks. `free` frees what is still claimed under a name; if it can't, another process finds that to do. */
  close(free: (name: string) => void): void {
    for (const name of [...this.#others.keys()]) this.#close(name);
    const own = this.#own;
    if (!own?.held?.isOpen || !this.#folder) return;
    try {
      free(own.name);
      unlink(join(this.#folder, own.name));
    } catch {
      // the file stays, without its lock
    }
    own.held.close();
  }

  #enter(): { name: string; held?: DatabaseSync } {
    const name = this.#ids.random(12);
    if (!this.#folder) return { name };
    makeFolder(this.#folder);
    const file = join(this.#folder, name);
    closeSync(openSync(file, 'wx', 0o600));
    const held = lockFile(file);
    // another process may have found the file before its lock, and taken it for that of a dead one
    if (lock(held) && existsSync(file)) return { name, held };
    held.close();
    return this.#enter();
  }

  /** Takes the lock of another, which only a dead one has to give: `now`, or `before`. */
  #seize(name: string): { db: DatabaseSync; ours: 'now' | 'before' | undefined } {
    let db = this.#others.get(name);
    if (!db) {
      db = lockFile(join(this.#folder!, name));
      this.#others.set(name, db);
    }
    if (db.isTransaction) return { db, ours: 'before' };
    return { db, ours: lock(db) ? 'now' : undefined };
  }

  #close(name: string): void {
    this.#others.get(name)?.close();
    this.#others.delete(name);
  }
}
