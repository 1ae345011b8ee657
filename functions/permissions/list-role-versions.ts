import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { RuleName } from './model.ts';
import { ruleVersions } from './records.ts';
import { VersionPage, Versions, versionsOf } from './versions.ts';

/** Lists what a role said, version by version, and who changed it; newest first, also after it was deleted. */
export const listRoleVersions = operation({
  name: 'permissions.list-role-versions',
  summary: 'Lists the versions of a role',
  http: { method: 'GET', path: '/api/v1/roles/{role}/versions' },
  access: 'permissions:read',
  input: z.strictObject({ role: RuleName, ...VersionPage }),
  output: Versions,
  reads: [ruleVersions],
  queries: ['rule_versions.by_rule'],
  run: ({ store }, { role, ...page }) => versionsOf(store, 'role', role, page),
});
