/** What an event is: declared once by the service that emits it, in its events.ts. */
import type * as z from 'zod';

export interface EventType<T extends string = string, D extends z.ZodType = z.ZodType> {
  readonly type: T;
  readonly key: string;
  readonly version: number;
  readonly data: D;
  /** 0 to 9; 0 when left out. */
  readonly priority: (data: z.output<D>) => number;
  /** Why what it tells of was refused, for the audit log; undefined where it was done. */
  readonly refused?: (data: z.output<D>) => string | undefined;
  /** False: it neither waits for earlier events of its user nor holds back later ones. */
  readonly ordered?: boolean;
}

/** An event to be published with a change; the kit completes the envelope. */
export interface NewEvent<T extends string = string> {
  readonly event: EventType<T>;
  readonly data: unknown;
  readonly user_id?: string;
  /** Not before this many ms after the commit. */
  readonly delay_ms?: number;
}

/**
 * Declares an event and gives a function that makes one.
 *
 * @example
 * export const userLogin = eventType({ type: 'user.login', key: 'user.events.login', version: 1, data: z.strictObject({…}) });
 * await store.transact(writes, [userLogin.with({ … }, { user_id })]);
 */
export const eventType = <T extends string, D extends z.ZodType>(definition: {
  type: T;
  key: string;
  version?: number;
  data: D;
  priority?: (data: z.output<D>) => number;
  refused?: (data: z.output<D>) => string | undefined;
  ordered?: boolean;
}) => {
  const event: EventType<T, D> = { version: 1, priority: () => 0, ...definition };
  return {
    ...event,
    with: (data: z.input<D>, options: { user_id?: string; delay_ms?: number } = {}): NewEvent<T> => ({
      event: event as unknown as EventType<T>,
      data,
      ...options,
    }),
  };
};

/** The queue of the store in which events wait for the relay. */
export const OUTBOX = 'outbox';
