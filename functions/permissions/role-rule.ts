/** What must hold of a role beside its shape. */
import { AppError } from '../../shared/kit/errors.ts';
import { BUILT_IN_ROLES, type RoleFields } from './model.ts';
import { lineage, MOST_RULES, type Roles } from './rules.ts';

const refuse = (path: string, message: string): never => {
  throw new AppError('invalid_request', { errors: [{ path, message }] });
};

/** Built-in roles stay as they are. @throws AppError `invalid_request` */
export const requireOwnRole = (name: string): void => {
  if (Object.hasOwn(BUILT_IN_ROLES, name)) refuse('role', 'A built-in role stays as it is');
};

/** Parents are there and no role inherits itself. @throws AppError `invalid_request` */
export const requireSoundRole = (rules: Roles, name: string, fields: RoleFields): void => {
  if (rules.roles.size >= MOST_RULES && !rules.roles.has(name)) refuse('name', `There are ${MOST_RULES} roles already`);
  for (const parent of fields.inherits) {
    if (parent !== name && !rules.roles.has(parent)) refuse('inherits', `There is no role ${parent}`);
    const fieldsOf = (each: string) => (each === name ? fields : rules.roles.get(each)?.fields);
    if (parent === name || lineage(parent, fieldsOf).includes(name))
      refuse('inherits', `${parent} would inherit itself`);
  }
};

/** All that a role gives, with what it inherits. */
export const permissionsOf = (rules: Roles, fields: RoleFields): string[] => [
  ...fields.permissions,
  ...fields.inherits.flatMap((parent) => rules.roles.get(parent)?.permissions.map(({ text }) => text) ?? []),
];
