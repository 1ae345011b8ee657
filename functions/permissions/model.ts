/** The roles that are there from the start, and the permissions (`resource:action:scope`) that each gives. */
export const BUILT_IN_ROLES: Readonly<Record<string, readonly string[]>> = {
  admin: ['*:*:*'],
  user: ['profile:*:own', 'sessions:*:own'],
};

/** The role that may do everything. */
export const ADMIN = 'admin';

/** The role of everybody who has an account. */
export const DEFAULT_ROLE = 'user';
