/** Keeps V8 from forgetting what `process.nextTick` makes. */
import { createHook } from 'node:async_hooks';

/** @internal One of them, for as long as the process lives. */
let kept: object | undefined;

/**
 * Holds an object of `process.nextTick`'s shape. Call it first of all in a process that serves.
 *
 * V8 drops hidden classes that no object has when a major collection comes, and the literal in `nextTick`, whose names are
 * symbols, never gets its quick way back: each of a request's ticks then defines its properties in the runtime, which is a
 * fifth more processor time a validation, for good, in one process of three. Who holds one such object keeps the classes.
 */
export const keepTickShape = (): void => {
  const hook = createHook({
    init: (_id, type, _trigger, resource) => {
      if (type === 'TickObject') kept = resource;
    },
    // hooks of promises would slow every promise of the process
    trackPromises: false,
  });
  hook.enable();
  process.nextTick(() => {}, 0);
  hook.disable();
};

/** Whether one is held. For tests. */
export const keepsTickShape = (): boolean => kept !== undefined;
