/** Accounts, their addresses and names, passwords, and the history of logins. */
import { service } from '../../shared/kit/service.ts';
import { addAdministrator } from './add-administrator.ts';
import { changePassword } from './change-password.ts';
import { checkPassword } from './check-password.ts';
import { confirmEmail } from './confirm-email.ts';
import { confirmPhone } from './confirm-phone.ts';
import { createUser } from './create-user.ts';
import { deleteMe } from './delete-me.ts';
import { exportMe } from './export-me.ts';
import { exportUsers } from './export-users.ts';
import { findAccount } from './find-account.ts';
import { getAccount } from './get-account.ts';
import { getAccounts } from './get-accounts.ts';
import { getContact } from './get-contact.ts';
import { getLoginHistory } from './get-login-history.ts';
import { getMe } from './get-me.ts';
import { getUser } from './get-user.ts';
import { getUsers } from './get-users.ts';
import { importUsers } from './import-users.ts';
import { listUsers } from './list-users.ts';
import { noteFactors } from './note-factors.ts';
import { onPasswordResetRequested } from './on-password-reset-requested.ts';
import { onUserDeleted } from './on-user-deleted.ts';
import { onUserLogin } from './on-user-login.ts';
import { onUserMfaChanged } from './on-user-mfa-changed.ts';
import { raiseGeneration } from './raise-generation.ts';
import { recordLogin } from './record-login.ts';
import * as records from './records.ts';
import { removeAdministrator } from './remove-administrator.ts';
import { reportNotMe } from './report-not-me.ts';
import { requestEmailChange } from './request-email-change.ts';
import { requestPasswordReset } from './request-password-reset.ts';
import { resetPassword } from './reset-password.ts';
import { sendPhoneCode } from './send-phone-code.ts';
import { undoEmail } from './undo-email.ts';
import { updateMe } from './update-me.ts';
import { updateProfile } from './update-profile.ts';
import { updateUserStatus } from './update-user-status.ts';
import { verifyEmail } from './verify-email.ts';
import { verifyPassword } from './verify-password.ts';

export const users = service('users', [
  createUser,
  verifyEmail,
  findAccount,
  checkPassword,
  changePassword,
  requestPasswordReset,
  onPasswordResetRequested,
  resetPassword,
  getMe,
  exportMe,
  updateMe,
  requestEmailChange,
  confirmEmail,
  undoEmail,
  sendPhoneCode,
  confirmPhone,
  getUser,
  updateUserStatus,
  updateProfile,
  getUsers,
  listUsers,
  exportUsers,
  importUsers,
  verifyPassword,
  recordLogin,
  getLoginHistory,
  deleteMe,
  reportNotMe,
  getAccount,
  getAccounts,
  raiseGeneration,
  noteFactors,
  addAdministrator,
  removeAdministrator,
  getContact,
  onUserLogin,
  onUserDeleted,
  onUserMfaChanged,
]);

export const userCollections = Object.values(records);
