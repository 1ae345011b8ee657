/** Who may do what: roles, grants and denials, policies, and the decisions that follow from them. */
import { service } from '../../shared/kit/service.ts';
import { assignRole } from './assign-role.ts';
import { checkPermission } from './check-permission.ts';
import { checkPermissions } from './check-permissions.ts';
import { createPolicy } from './create-policy.ts';
import { createRole } from './create-role.ts';
import { deletePolicy } from './delete-policy.ts';
import { deleteRole } from './delete-role.ts';
import { dryRun } from './dry-run.ts';
import { explain } from './explain.ts';
import { exportUser } from './export-user.ts';
import { findLacking } from './find-lacking.ts';
import { getAuthzenConfiguration } from './get-authzen-configuration.ts';
import { getEffective } from './get-effective.ts';
import { getPolicy } from './get-policy.ts';
import { getRole } from './get-role.ts';
import { getUserPermissions } from './get-user-permissions.ts';
import { getUserRoles } from './get-user-roles.ts';
import { grantPermission } from './grant-permission.ts';
import { listPolicies } from './list-policies.ts';
import { listPolicyVersions } from './list-policy-versions.ts';
import { listRoleVersions } from './list-role-versions.ts';
import { listRoles } from './list-roles.ts';
import { putPolicy } from './put-policy.ts';
import { putRole } from './put-role.ts';
import * as records from './records.ts';
import { removeRoles } from './remove-roles.ts';
import { revokePermission } from './revoke-permission.ts';
import { revokeRole } from './revoke-role.ts';

export const permissions = service('permissions', [
  checkPermission,
  checkPermissions,
  explain,
  dryRun,
  getUserPermissions,
  getUserRoles,
  assignRole,
  revokeRole,
  grantPermission,
  revokePermission,
  listRoles,
  createRole,
  getRole,
  putRole,
  deleteRole,
  listRoleVersions,
  listPolicies,
  createPolicy,
  getPolicy,
  putPolicy,
  deletePolicy,
  listPolicyVersions,
  getAuthzenConfiguration,
  getEffective,
  findLacking,
  removeRoles,
  exportUser,
]);

export const permissionCollections = Object.values(records);
