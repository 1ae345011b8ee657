/** Changing what one user has: read, checked, and written as one, together with what tells verifiers of it. */

import { toRevocationWrite } from '../../shared/keys/revocation-records.ts';
import { AppError } from '../../shared/kit/errors.ts';
import type { PermissionsChange } from '../../shared/ports/revocations.ts';
import { insert, type Stored, update, type Write } from '../../shared/ports/store.ts';
import type { UserStatus } from '../users/status.ts';
import { ADMIN } from './model.ts';
import { type AssignedRole, type Assignments, roleAssignments } from './records.ts';

const MOST_ROLES = 100;
const MOST_GRANTS = 200;

/** @throws AppError `not_found` for nobody, and for somebody who was deleted */
export const requireUser = ({ status }: { status?: UserStatus }): void => {
  if (status === undefined || status === 'deleted') throw new AppError('not_found', { detail: 'No user has this id' });
};

const ADMINISTRATOR = 'An administrator is denied nothing: take the role, or what is denied, first';

/** Who is counted as an administrator can be one. @throws AppError `invalid_request` for somebody who is denied something */
export const requireUndenied = (assignments: Assignments | undefined, now: number): void => {
  if (assignments?.grants.some(({ effect, expires_at = Infinity }) => effect === 'deny' && now < expires_at)) {
    throw new AppError('invalid_request', { errors: [{ path: 'role', message: ADMINISTRATOR }] });
  }
};

/** The same the other way round. @throws AppError `invalid_request` for an administrator */
export const requireNoAdministrator = (assigned: readonly AssignedRole[], now: number): void => {
  if (assigned.some(({ role, expires_at = Infinity }) => role === ADMIN && now < expires_at)) {
    throw new AppError('invalid_request', { errors: [{ path: 'effect', message: ADMINISTRATOR }] });
  }
};

/** Unix seconds of an ISO time that lies ahead. @throws AppError `invalid_request` */
export const untilOf = (expires_at: string | undefined, now: number): number | undefined => {
  if (expires_at === undefined) return undefined;
  const until = Math.floor(Date.parse(expires_at) / 1_000);
  if (until > now) return until;
  throw new AppError('invalid_request', { errors: [{ path: 'expires_at', message: 'Lies in the past' }] });
};

/**
 * What a user has from now on, as writes, and the notice that tokens issued before are older than it. What is over is left out.
 *
 * @param now unix ms
 * @throws AppError `invalid_request` when it is too much
 */
export const assignmentsChange = (
  user_id: string,
  read: Stored<Assignments> | undefined,
  next: Pick<Assignments, 'roles' | 'grants'>,
  now: number,
): { writes: Write<'role_assignments' | 'revocations'>[]; notice: PermissionsChange } => {
  const live = <T extends { expires_at?: number }>(all: readonly T[]): T[] =>
    all.filter(({ expires_at = Infinity }) => now < expires_at * 1_000);
  const generation = (read?.value.generation ?? 0) + 1;
  const value: Assignments = { roles: live(next.roles), grants: live(next.grants), generation };
  if (value.roles.length > MOST_ROLES || value.grants.length > MOST_GRANTS) {
    const detail = `A user has at most ${MOST_ROLES} roles and ${MOST_GRANTS} grants: make a role of them`;
    throw new AppError('invalid_request', { detail });
  }
  const notice: PermissionsChange = { kind: 'permissions', value: user_id, generation, created_at: now };
  const write = read ? update(roleAssignments, read, value) : insert(roleAssignments, user_id, value);
  return { writes: [write, toRevocationWrite(notice, String(generation))], notice };
};
