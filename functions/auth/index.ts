/** Registration, login, tokens and passwords: what a client of the platform speaks to first. */
import { serviceCredentials } from '../../shared/keys/service-credential-records.ts';
import { service } from '../../shared/kit/service.ts';
import { changePassword } from './change-password.ts';
import { checkLogin } from './check-login.ts';
import { confirmEmail } from './confirm-email.ts';
import { confirmPasskey } from './confirm-passkey.ts';
import { confirmTotp } from './confirm-totp.ts';
import { createService } from './create-service.ts';
import { exportAudit } from './export-audit.ts';
import { exportUser } from './export-user.ts';
import { forgotPassword } from './forgot-password.ts';
import { getFactors } from './get-factors.ts';
import { getJwks } from './get-jwks.ts';
import { getOpenidConfiguration } from './get-openid-configuration.ts';
import { getSecurityLog } from './get-security-log.ts';
import { grantToken } from './grant-token.ts';
import { introspect } from './introspect.ts';
import { issueTokens } from './issue-tokens.ts';
import { listAudit } from './list-audit.ts';
import { listServices } from './list-services.ts';
import { login } from './login.ts';
import { loginWithPasskey } from './login-with-passkey.ts';
import { logout } from './logout.ts';
import { newRecoveryCodes } from './new-recovery-codes.ts';
import { onUserDeleted } from './on-user-deleted.ts';
import { provePassword } from './prove-password.ts';
import * as records from './records.ts';
import { refresh } from './refresh.ts';
import { register } from './register.ts';
import { removePasskey } from './remove-passkey.ts';
import { removeTotp } from './remove-totp.ts';
import { resetFactors } from './reset-factors.ts';
import { resetPassword } from './reset-password.ts';
import { revoke } from './revoke.ts';
import { revokeService } from './revoke-service.ts';
import { rotateService } from './rotate-service.ts';
import { startPasskey } from './start-passkey.ts';
import { startPasskeyLogin } from './start-passkey-login.ts';
import { startTotp } from './start-totp.ts';
import { undoEmail } from './undo-email.ts';
import { validateCredentials } from './validate-credentials.ts';
import { validateToken } from './validate-token.ts';
import { validateTokens } from './validate-tokens.ts';
import { verifyAuditLog } from './verify-audit.ts';
import { verifyEmail } from './verify-email.ts';
import { verifyMfa } from './verify-mfa.ts';

export const auth = service('auth', [
  register,
  verifyEmail,
  confirmEmail,
  undoEmail,
  login,
  verifyMfa,
  getFactors,
  startTotp,
  confirmTotp,
  removeTotp,
  resetFactors,
  newRecoveryCodes,
  startPasskey,
  confirmPasskey,
  startPasskeyLogin,
  loginWithPasskey,
  removePasskey,
  refresh,
  revoke,
  logout,
  validateToken,
  validateTokens,
  validateCredentials,
  changePassword,
  forgotPassword,
  resetPassword,
  getJwks,
  getOpenidConfiguration,
  grantToken,
  introspect,
  listAudit,
  exportAudit,
  verifyAuditLog,
  getSecurityLog,
  listServices,
  createService,
  rotateService,
  revokeService,
  checkLogin,
  provePassword,
  issueTokens,
  exportUser,
  onUserDeleted,
]);

export const authCollections = [...Object.values(records), serviceCredentials];
