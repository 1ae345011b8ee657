/** Who may do what. */
import { service } from '../../shared/kit/operation.ts';
import { assignRole } from './assign-role.ts';
import { getEffective } from './get-effective.ts';
import * as records from './records.ts';

export const permissions = service('permissions', [getEffective, assignRole]);

export const permissionCollections = Object.values(records);
