/** Who may run an operation: what it declares against who calls. Each decision by a permission is counted. */
import type { Metrics } from '../ports/metrics.ts';
import type { Caller } from './context.ts';
import { AppError } from './errors.ts';
import type { Access, Operation } from './operation.ts';
import { holds, parsePermission } from './permissions.ts';

/** The platform itself, which calls with all rights: the access of a callee is its caller's concern. */
export const PLATFORM: Caller = { kind: 'service', name: 'platform', permissions: ['*:*:*'] };

const COUNTED = 'perfect21_permission_checks_total';

// what operations declare is a short list, so the labels are bounded; frozen, as metrics find them by identity
const labels = new Map<string, Readonly<Record<'allowed' | 'denied', Record<string, string>>>>();
const labelsOf = (permission: string) => {
  let found = labels.get(permission);
  if (!found) {
    const { resource, action } = parsePermission(permission);
    const result = (each: string) => Object.freeze({ resource, action, result: each });
    found = { allowed: result('allowed'), denied: result('denied') };
    labels.set(permission, found);
  }
  return found;
};

/** Asks for a permission and counts the answer; nothing is decided about the platform's own calls. */
const permitted = (permission: string, caller: Caller, metrics: Metrics): boolean => {
  if (caller === PLATFORM) return true;
  if (caller.kind === 'anonymous') return false;
  if (caller.kind === 'user' && caller.outdated) {
    const detail = 'Permissions changed since the token was issued: refresh it';
    throw new AppError('unauthenticated', { detail, of_token: true });
  }
  const allowed = holds(caller.permissions, permission);
  metrics.count(COUNTED, labelsOf(permission)[allowed ? 'allowed' : 'denied']);
  return allowed;
};

/** Whether a user alone is whom an input is about. */
const isOwn = ({ subjects }: Operation<any, any>, user_id: string, input: unknown): boolean => {
  if (input === undefined) return false;
  const ids: readonly unknown[] = subjects ? subjects(input) : [(input as { user_id?: unknown }).user_id];
  return ids.length > 0 && ids.every((each) => each === user_id);
};

const allows = (op: Operation<any, any>, access: Access, caller: Caller, input: unknown, metrics: Metrics): boolean => {
  switch (access) {
    case 'public':
      return true;
    case 'user':
      return caller.kind === 'user';
    case 'service':
      return caller.kind === 'service';
    case 'own':
      return caller.kind === 'user' && isOwn(op, caller.user_id, input);
    default:
      return permitted(access, caller, metrics);
  }
};

/** Of an access: whether a permission decides. */
export const isPermission = (access: Access): boolean => access.includes(':');

/**
 * Lets pass whom one of the declared accesses lets pass.
 *
 * Counts `perfect21_permission_checks_total` for each permission that was asked for.
 *
 * @param input as parsed, for `own`
 * @throws AppError `unauthenticated` for nobody, and for a user of whose permissions those of now are not known;
 * `forbidden` for somebody else
 */
export const authorize = (op: Operation<any, any>, caller: Caller, input: unknown, metrics: Metrics): void => {
  const accesses: readonly Access[] = typeof op.access === 'string' ? [op.access] : op.access;
  // who passes by himself needs no permission
  const asked =
    accesses.length > 1
      ? accesses.toSorted((one, other) => Number(isPermission(one)) - Number(isPermission(other)))
      : accesses;
  if (asked.some((access) => allows(op, access, caller, input, metrics))) return;
  throw new AppError(caller.kind === 'anonymous' ? 'unauthenticated' : 'forbidden');
};
