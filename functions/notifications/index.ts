/** What people are told, and by which way: mails now. */
import { service } from '../../shared/operation.ts';
import { onAccountLocked } from './on-account-locked.ts';
import { onEmailSend } from './on-email-send.ts';
import { onSecurityAlert } from './on-security-alert.ts';
import { onUserPasswordChanged } from './on-user-password-changed.ts';
import { onUserRegistered } from './on-user-registered.ts';
import { deliveries } from './records.ts';

export const notifications = service('notifications', [
  onUserRegistered,
  onUserPasswordChanged,
  onEmailSend,
  onSecurityAlert,
  onAccountLocked,
]);

export const notificationCollections = [deliveries];
