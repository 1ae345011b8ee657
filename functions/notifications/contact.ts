/** Whom a user id stands for; nobody once the account is gone. */
import { AppError } from '../../shared/kit/errors.ts';

export interface Contact {
  email: string;
  phone_number?: string;
  locale?: string;
  first_name?: string;
  /** The owner has read a mail sent to the address. */
  verified: boolean;
}

/** The contact, or undefined when there is no such user any more: then there is nobody to write to. */
export const contactOf = async (
  getContact: (input: { user_id: string }) => Promise<Contact>,
  user_id: string,
): Promise<Contact | undefined> => {
  try {
    return await getContact({ user_id });
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined;
    throw error;
  }
};
