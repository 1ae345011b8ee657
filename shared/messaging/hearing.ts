/** The words between a bus that brings broadcasts and who hears them in a process. */

export interface Listener {
  /** What has to be brought. */
  readonly bindings: readonly string[];
  /** From now on everything comes. Said again: perhaps something did not, before. */
  connected(): void;
  /** From now on something may be missing. */
  missed(): void;
  /** Brings an event, as the outbox wrote it. */
  deliver(body: unknown): void;
  /** Resolves when the operations have caught up, if they may, and all that was brought is handled. */
  settled(): Promise<void>;
  stop(): void;
}

/** A subscription of this process at a bus. */
export interface Hearing {
  /** Resolves after a look that began after this call, where the bus has to look. */
  round?(): Promise<void>;
  /** Ends it, and removes what stands for it. */
  stop(): Promise<void>;
}
