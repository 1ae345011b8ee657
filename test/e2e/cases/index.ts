/** Every promise to a caller, to be kept through every door on every store. */
import type { Case } from '../world.ts';
import { addresses } from './addresses.ts';
import { audit } from './audit.ts';
import { bulk } from './bulk.ts';
import { login } from './login.ts';
import { mfa } from './mfa.ts';
import { notifications } from './notifications.ts';
import { passkeys } from './passkeys.ts';
import { passwords } from './passwords.ts';
import { permissions } from './permissions.ts';
import { phones } from './phones.ts';
import { registration } from './registration.ts';
import { services } from './services.ts';
import { sessions } from './sessions.ts';
import { tokens } from './tokens.ts';
import { userLists } from './user-lists.ts';
import { users } from './users.ts';

export const cases: Record<string, readonly Case[]> = {
  registration,
  login,
  mfa,
  passkeys,
  tokens,
  sessions,
  passwords,
  users,
  'lists of users': userLists,
  permissions,
  phones,
  addresses,
  bulk,
  notifications,
  services,
  audit,
};
