/**
 * Permissions are `resource:action` or `resource:action:scope`; `*` stands for any one of the three, and so does the scope
 * `any`. A scope may have colons of its own (`team:42`). One that begins with `!` is a denial: it wins over what it covers.
 */
export interface Parsed {
  denied: boolean;
  resource: string;
  action: string;
  scope?: string;
}

/** @example parsePermission('!docs:read:team:42') // { denied: true, resource: 'docs', action: 'read', scope: 'team:42' } */
export const parsePermission = (text: string): Parsed => {
  const denied = text.startsWith('!');
  const [resource = '', action = '', ...scope] = (denied ? text.slice(1) : text).split(':');
  return { denied, resource, action, ...(scope.length > 0 && { scope: scope.join(':') }) };
};

const unlimited = (scope: string | undefined): boolean => scope === undefined || scope === '*' || scope === 'any';

/** A scope that is held limits: `users:read:own` does not cover `users:read`. A denial hits whatever it touches. */
const coversScope = (held: Parsed, wanted: Parsed): boolean =>
  unlimited(held.scope) || held.scope === wanted.scope || (held.denied && unlimited(wanted.scope));

/** True when `held` speaks of all of `wanted`; of a denial: of any of it. */
export const covers = (held: Parsed, wanted: Parsed): boolean =>
  (held.resource === '*' || held.resource === wanted.resource || (held.denied && wanted.resource === '*')) &&
  (held.action === '*' || held.action === wanted.action || (held.denied && wanted.action === '*')) &&
  coversScope(held, wanted);

/** True when one of the held permissions covers the wanted one, and no denial does. @example holds(['users:*:*'], 'users:read') */
export const holds = (held: readonly string[], wanted: string): boolean => {
  const asked = parsePermission(wanted);
  let allowed = false;
  for (const text of held) {
    const permission = parsePermission(text);
    if (!covers(permission, asked)) continue;
    if (permission.denied) return false;
    allowed = true;
  }
  return allowed;
};
