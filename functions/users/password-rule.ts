import { AppError } from '../../shared/kit/errors.ts';
import type { Settings } from '../../shared/ports/settings.ts';

/** @throws AppError `password_refused` saying why, for the field named */
export const requireGoodPassword = async (
  password: string,
  settings: Settings,
  owner: { email?: string; username?: string; first_name?: string; last_name?: string },
  field: string,
): Promise<void> => {
  const { email, username, first_name, last_name } = owner;
  const context = [email, email?.split('@')[0], username, first_name, last_name].filter((word) => word !== undefined);
  // its list of words is the largest part of a function
  const { checkPassword } = await import('../../shared/passwords/password-policy.heavy.ts');
  const refusal = checkPassword(password, { min_length: settings.password_min_length, context });
  if (refusal) throw new AppError('password_refused', { errors: [{ path: field, message: refusal.reason }] });
};
