/** Permissions are `resource:action` or `resource:action:scope`; `*` stands for any one of the three. */
const covers = (held: string | undefined, wanted: string | undefined): boolean =>
  held === '*' || held === undefined || held === (wanted ?? '*') || wanted === undefined;

/** True when one of the held permissions covers the wanted one. @example holds(['users:*:*'], 'users:read') */
export const holds = (held: readonly string[], wanted: string): boolean => {
  const [resource, action, scope] = wanted.split(':');
  return held.some((permission) => {
    const [r, a, s] = permission.split(':');
    return (r === '*' || r === resource) && (a === '*' || a === action) && covers(s, scope);
  });
};
