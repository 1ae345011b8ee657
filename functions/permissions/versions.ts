/** What a role or a policy said, version by version. Shared by the routes of both. */
import * as z from 'zod';
import type { OperationStore } from '../../shared/kit/operation.ts';
import { ruleVersions } from './records.ts';

export const VersionPage = {
  cursor: z.string().max(1024).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
};

const Version = z.object({
  version: z.int(),
  changed_by: z.string().meta({ description: "A user's id or a service's name" }),
  changed_at: z.int().meta({ description: 'Unix seconds' }),
  removed: z.boolean(),
  rule: z
    .record(z.string(), z.unknown())
    .nullable()
    .meta({ description: 'As it was from then on; null where it was removed' }),
});
export const Versions = z.object({ versions: z.array(Version), next_cursor: z.string().optional() });

type VersionStore = Pick<OperationStore<'rule_versions', never, never, 'rule_versions.by_rule'>, 'query'>;

/** Newest first, also of one that was deleted. */
export const versionsOf = async (
  store: VersionStore,
  kind: 'role' | 'policy',
  name: string,
  page: { cursor?: string; limit: number },
): Promise<z.input<typeof Versions>> => {
  const found = await store.query(ruleVersions, 'by_rule', `${kind}:${name}`, { ...page, order: 'desc' });
  const versions = found.items.map(({ value: { version, changed_by, changed_at, removed = false, rule } }) => ({
    ...{ version, changed_by, changed_at, removed },
    rule: rule as Record<string, unknown> | null,
  }));
  return { versions, next_cursor: found.next_cursor };
};
