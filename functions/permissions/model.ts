/** Shapes of permissions, roles and policies, and the roles that are there from the start. */
import * as z from 'zod';
import { parsePermission } from '../../shared/kit/permissions.ts';

const PERMISSION =
  /^([A-Za-z][A-Za-z0-9_.-]{0,63}|\*):([A-Za-z][A-Za-z0-9_.-]{0,63}|\*)(:([A-Za-z0-9][A-Za-z0-9_.:-]{0,127}|\*))?$/;

/** `resource:action` or `resource:action:scope`, e.g. `docs:read:own`, `docs:*:team:42`. */
export const PermissionText = z
  .string()
  .regex(PERMISSION, 'Use resource:action or resource:action:scope, e.g. docs:read:own')
  .meta({ examples: ['docs:read:own'] });

/** Names stand in paths, tokens and events. */
export const RuleName = z
  .string()
  .regex(/^[a-z][a-z0-9_.-]{0,63}$/, 'Use 1 to 64 of a-z, 0-9, _, . and -, a letter first')
  .meta({ examples: ['editor'] });

export const UserId = z.string().min(1).max(128);
export const Reason = z.string().max(500).optional();

/** A permission as callers see one. Its id is its text, or the id of the grant that gives it. */
export const Permission = z.object({
  id: z.string(),
  resource: z.string(),
  action: z.string(),
  scope: z.string(),
  name: z.string(),
  description: z.string(),
});
export type Permission = z.output<typeof Permission>;

export const toPermission = (text: string, more: { id?: string; description?: string } = {}): Permission => {
  const { resource, action, scope = '*' } = parsePermission(text);
  return { id: more.id ?? text, resource, action, scope, name: text, description: more.description ?? '' };
};

/** What a role says of itself. */
export const RoleFields = z.strictObject({
  display_name: z.string().max(100).default(''),
  description: z.string().max(1_000).default(''),
  priority: z.int().min(0).max(1_000_000).default(0).meta({ description: 'Higher ones are listed first' }),
  permissions: z.array(PermissionText).max(200).default([]),
  inherits: z.array(RuleName).max(20).default([]).meta({ description: 'Roles whose permissions it has, too' }),
});
export type RoleFields = z.output<typeof RoleFields>;

export const Role = z.object({
  id: z.string(),
  name: z.string(),
  display_name: z.string(),
  description: z.string(),
  priority: z.int(),
  permissions: z.array(Permission),
  inherits: z.array(z.string()),
  built_in: z.boolean(),
  version: z.int(),
  changed_by: z.string(),
  changed_at: z.int().meta({ description: 'Unix seconds; 0 for a built-in role' }),
});
export type Role = z.output<typeof Role>;

const builtIn = (name: string, fields: Partial<RoleFields>): RoleFields => ({
  display_name: name,
  description: '',
  priority: 0,
  permissions: [],
  inherits: [],
  ...fields,
});

/** The roles that are there from the start and stay as they are. */
export const BUILT_IN_ROLES: Readonly<Record<string, RoleFields>> = {
  admin: builtIn('Administrator', { priority: 1_000_000, permissions: ['*:*:*'], description: 'May do everything' }),
  user: builtIn('User', { permissions: ['profile:*:own', 'sessions:*:own'], description: 'Everybody with an account' }),
};

/** The role that may do everything. */
export const ADMIN = 'admin';

/** The role of everybody who has an account. */
export const DEFAULT_ROLE = 'user';

/** What a policy says. It speaks of a request whose resource and action it names, when its condition holds. */
export const PolicyFields = z.strictObject({
  description: z.string().max(1_000).default(''),
  effect: z.enum(['allow', 'deny']),
  resources: z
    .array(RuleName.or(z.literal('*')))
    .min(1)
    .max(50),
  actions: z
    .array(RuleName.or(z.literal('*')))
    .min(1)
    .max(50),
  roles: z
    .array(RuleName)
    .max(50)
    .default([])
    .meta({ description: 'Only for whoever has one of these; all when empty' }),
  condition: z
    .string()
    .max(2_000)
    .default('')
    .meta({
      description: 'CEL over subject, resource, action and context; always true when empty',
      examples: ['resource.owner_id == subject.id'],
    }),
  enabled: z.boolean().default(true),
});
export type PolicyFields = z.output<typeof PolicyFields>;

export const Policy = PolicyFields.extend({
  id: z.string(),
  name: z.string(),
  version: z.int(),
  changed_by: z.string(),
  changed_at: z.int(),
});
