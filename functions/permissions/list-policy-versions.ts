import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { RuleName } from './model.ts';
import { ruleVersions } from './records.ts';
import { VersionPage, Versions, versionsOf } from './versions.ts';

/** Lists what a policy said, version by version, and who changed it; newest first, also after it was deleted. */
export const listPolicyVersions = operation({
  name: 'permissions.list-policy-versions',
  summary: 'Lists the versions of a policy',
  http: { method: 'GET', path: '/api/v1/policies/{policy}/versions' },
  access: 'permissions:read',
  input: z.strictObject({ policy: RuleName, ...VersionPage }),
  output: Versions,
  reads: [ruleVersions],
  queries: ['rule_versions.by_rule'],
  run: ({ store }, { policy, ...page }) => versionsOf(store, 'policy', policy, page),
});
