import type { Context } from '../../shared/kit/context.ts';
import { AppError } from '../../shared/kit/errors.ts';

/** The access token that a call is about. @throws AppError `unauthenticated` without one */
export const presentedToken = ({ bearer }: Context): string => {
  if (bearer === undefined)
    throw new AppError('unauthenticated', { detail: 'Send authorization: Bearer <access token of the user>' });
  return bearer;
};
