/** Who may do what. */
import { service } from '../../shared/kit/operation.ts';
import { assignRole } from './assign-role.ts';
import { getEffective } from './get-effective.ts';
import * as records from './records.ts';
import { removeRoles } from './remove-roles.ts';

export const permissions = service('permissions', [getEffective, assignRole, removeRoles]);

export const permissionCollections = Object.values(records);
