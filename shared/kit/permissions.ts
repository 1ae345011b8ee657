/** Permissions are `resource:action` or `resource:action:scope`; `*` stands for any one of the three. */
/** A scope that is held limits: `users:read:own` does not cover `users:read`. */
const covers = (held: string | undefined, wanted: string | undefined): boolean =>
  held === undefined || held === '*' || held === wanted;

/** True when one of the held permissions covers the wanted one. @example holds(['users:*:*'], 'users:read') */
export const holds = (held: readonly string[], wanted: string): boolean => {
  const [resource, action, scope] = wanted.split(':');
  return held.some((permission) => {
    const [r, a, s] = permission.split(':');
    return (r === '*' || r === resource) && (a === '*' || a === action) && covers(s, scope);
  });
};
