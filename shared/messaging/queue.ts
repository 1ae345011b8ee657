/** The words that buses, topology, dispatch and measures share: a queue, what it brings, and what is to become of that. */
import type { Context } from '../kit/context.ts';
import type { Host } from '../kit/invoke.ts';
import type { Operation } from '../kit/operation.ts';
import type { Claimed } from '../ports/store.ts';

/** `ignored`: nobody here handles this type. `unknown`: nobody on this platform knows it; a later release may. `park`: it will never work, or killed its consumers too often. */
export type Verdict =
  | { kind: 'done' | 'ignored' | 'unknown' }
  | { kind: 'retry'; reason: string }
  | { kind: 'park'; reason: string };

/** What a bus brought: a body as the outbox wrote it, and the number of this try. */
export type Delivery = Pick<Claimed, 'attempts' | 'reason' | 'body'> & Pick<Context, 'durability'>;

export interface Queue {
  readonly name: string;
  readonly bindings: readonly string[];
  /** By message type: the operations that handle it, in the order of the services' lists. */
  readonly handlers: ReadonlyMap<string, readonly Operation<any, any>[]>;
  /** Takes every message of the queue in place of the handlers: a bridge, which handles no event and carries all. */
  readonly take?: (host: Host, message: Delivery, deadline: number) => Promise<Verdict>;
}
