/** Questions to a registry, each of which ends in time, also where the registry's client does not. */
import type { Instance, Registry } from './discovery.ts';

/** Milliseconds for one look-up. */
export const LOOKUP_MS = 2_000;

export interface Questions {
  /** What the registry says. Rejects when it says nothing valid within two seconds. */
  ask(service: string): Promise<readonly Instance[]>;
  /** Ends those that are open; they reject. */
  end(): void;
}

export const questionsTo = (registry: Registry): Questions => {
  const open = new Set<AbortController>();

  const answer = async (service: string, { signal }: AbortController): Promise<readonly Instance[]> => {
    const ended = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    return Promise.race([registry.lookup(service, signal), ended]);
  };

  return {
    ask: (service) => {
      const controller = new AbortController();
      const late = () => controller.abort(new Error(`${registry.name} did not answer within ${LOOKUP_MS} ms`));
      const timer = setTimeout(late, LOOKUP_MS).unref();
      open.add(controller);
      return answer(service, controller).finally(() => {
        open.delete(controller);
        clearTimeout(timer);
      });
    },
    end: () => {
      for (const controller of open) controller.abort(new Error('discovery was closed'));
    },
  };
};
