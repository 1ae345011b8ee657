/** A role as callers see one. */
import { BUILT_IN_ROLES, type Role, toPermission } from './model.ts';
import type { RoleRecord } from './records.ts';
import type { LoadedRole } from './rules.ts';

/** With the permissions that it inherits. */
export const toRole = ({ name, fields, permissions }: LoadedRole): Role => {
  const { version = 0, changed_by = '', changed_at = 0 } = fields as Partial<RoleRecord>;
  return {
    id: name,
    name,
    display_name: fields.display_name || name,
    description: fields.description,
    priority: fields.priority,
    permissions: permissions.map(({ text }) => toPermission(text)),
    inherits: fields.inherits,
    built_in: Object.hasOwn(BUILT_IN_ROLES, name),
    version,
    changed_by,
    changed_at,
  };
};
