/** Which resources and actions policies speak of, as a platform elsewhere has them: what of a token decides alone. */
import type { Operation } from '../kit/operation.ts';
import type { Ports } from '../ports/index.ts';
import type { PolicyScopes } from '../ports/policy-scopes.ts';
import type { Revocation } from '../ports/revocations.ts';
import type { Origin } from './origin.ts';

/** Between two readings, whatever happens. */
const PAUSE_MS = 1_000;
const PAGES = 50;

interface Scope {
  enabled: boolean;
  resources: readonly string[];
  actions: readonly string[];
}

export interface OriginPolicies extends PolicyScopes {
  /** Notes what changed. */
  hear(revocations: readonly Revocation[]): void;
}

const names = (list: readonly string[], name: string): boolean => list.includes('*') || list.includes(name);

/**
 * Follows them: read once, and again when roles or policies changed. Until that is read, and where the platform does not let
 * its policies be read, every question concerns one.
 *
 * @param list the operation that lists policies
 */
export const originPolicies = (
  origin: Origin,
  list: Pick<Operation<any, any>, 'http' | 'name'>,
  { clock, log }: Pick<Ports, 'clock' | 'log'>,
): OriginPolicies => {
  let scopes: readonly Scope[] = [];
  /** The generation of roles and policies that was read; the highest that anybody named. */
  let read = -1;
  let named = 0;
  let triedAt = Number.NEGATIVE_INFINITY;
  let reading = false;
  let failing = false;

  const all = async (): Promise<Scope[]> => {
    const found: Scope[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < PAGES; page += 1) {
      const answer = await origin.call(list, { limit: '200', ...(cursor && { cursor }) });
      found.push(...answer.policies.filter(({ enabled }: Scope) => enabled));
      cursor = answer.next_cursor;
      if (!cursor) return found;
    }
    throw new Error('there are too many policies to know them all');
  };
  const refresh = (): void => {
    if (reading || Math.abs(clock.now() - triedAt) < PAUSE_MS) return;
    reading = true;
    triedAt = clock.now();
    const generation = named;
    all()
      .then(
        (found) => {
          scopes = found;
          read = generation;
          failing = false;
        },
        (cause) => {
          if (!failing)
            log.warn('policies.unread', { detail: 'permissions are asked of the platform each time', cause });
          failing = true;
        },
      )
      .finally(() => {
        reading = false;
      });
  };

  return {
    concern: (resource, action, generation) => {
      if (generation > named) named = generation;
      if (read < named) {
        refresh();
        return true;
      }
      return scopes.some(({ resources, actions }) => names(resources, resource) && names(actions, action));
    },
    hear: (revocations) => {
      for (const each of revocations) {
        if (each.kind !== 'roles' || each.generation <= named) continue;
        named = each.generation;
        refresh();
      }
    },
  };
};
