/** What must hold of a policy beside its shape: its condition is CEL, and what it allows or denies is held by who says so. */
import { AppError } from '../../shared/kit/errors.ts';
import type { Conditions } from '../../shared/ports/conditions.ts';
import type { Stored } from '../../shared/ports/store.ts';
import type { PolicyFields } from './model.ts';
import type { PolicyRecord } from './records.ts';

/** @throws AppError `invalid_request` with line and column of what is wrong */
export const requireSoundCondition = async (conditions: Conditions, { condition }: PolicyFields): Promise<void> => {
  const fault = condition ? await conditions.check(condition) : undefined;
  if (!fault) return;
  const message = `Line ${fault.line}, column ${fault.column}: ${fault.message}`.slice(0, 300);
  throw new AppError('invalid_request', { errors: [{ path: 'condition', message }] });
};

/** What a policy gives or takes at most. */
export const touchedBy = ({ resources, actions }: PolicyFields): string[] =>
  resources.flatMap((resource) => actions.map((action) => `${resource}:${action}`));

/** A policy as callers see one. */
export const toPolicy = ({ id, value }: Pick<Stored<PolicyRecord>, 'id' | 'value'>) => ({ ...value, id, name: id });
