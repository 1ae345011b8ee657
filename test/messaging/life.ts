/** The life of a process under test: it ends at its n-th step outwards, and nothing of it works from then on. */
import { callLocal, type Host } from '../../shared/kit/invoke.ts';

export class Died extends Error {}

/** A step is a call of the store, of the bus or of a queue; where the bus is a connection, each piece that goes over it. */
export class Life {
  over = false;
  steps = 0;
  readonly #last: number;
  readonly #when: 'before' | 'after';
  readonly #endings: (() => void)[] = [];
  /** Resolves when it ends. */
  readonly ended = new Promise<void>((resolve) => this.#endings.push(resolve));

  /** Ends before the step of this number takes effect, or after; never when none is named. */
  constructor(last = Number.POSITIVE_INFINITY, when: 'before' | 'after' = 'before') {
    this.#last = last;
    this.#when = when;
  }

  /** Runs when it ends, at once. */
  onEnd(listener: () => void): void {
    this.#endings.push(listener);
  }

  end(): void {
    if (this.over) return;
    this.over = true;
    for (const listener of this.#endings) listener();
  }

  /** One step that is taken at once. False when the process did not live to take it. */
  step(): boolean {
    if (++this.steps === this.#last) this.end();
    return !this.over;
  }

  /** One step that takes its time. @throws Died when the process does not live to see its end */
  async call<T>(act: () => Promise<T>): Promise<T> {
    const last = ++this.steps === this.#last;
    if (last && this.#when === 'before') this.end();
    if (this.over) throw new Died();
    const result = await act();
    if (last) this.end();
    if (this.over) throw new Died();
    return result;
  }

  /** The same object, each asynchronous method of which is a step; those of the members named too. */
  guard<T extends object>(target: T, members: readonly string[] = [], direct: readonly string[] = []): T {
    return new Proxy(target, {
      get: (_, name) => {
        const value = Reflect.get(target, name);
        if (members.includes(String(name))) return this.guard(value as object);
        if (typeof value !== 'function') return value;
        const method = value.bind(target);
        return direct.includes(String(name)) ? method : (...args: unknown[]) => this.call(() => method(...args));
      },
    });
  }
}

/** The host of a process with this life: each call of the store is a step. */
export const hostOf = (host: Host, life: Life): Host => {
  const store = life.guard(host.ports.store, ['messages'], ['onCommit']);
  const own: Host = { ports: { ...host.ports, store }, call: (op, input, caller) => callLocal(own, op, input, caller) };
  return own;
};
