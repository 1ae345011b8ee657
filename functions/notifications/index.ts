/** What people are told, and by which ways: mail, text message, push, and the inbox in the product itself. */
import { service } from '../../shared/kit/service.ts';
import { ackNotification } from './ack-notification.ts';
import { addDevice } from './add-device.ts';
import { exportUser } from './export-user.ts';
import { getDeliveries } from './get-deliveries.ts';
import { getPreferences } from './get-preferences.ts';
import { getPushKey } from './get-push-key.ts';
import { hearConnection } from './hear-connection.ts';
import { issueTicket } from './issue-ticket.ts';
import { leaveConnection } from './leave-connection.ts';
import { listConnected } from './list-connected.ts';
import { listNotifications } from './list-notifications.ts';
import { onAccountLocked } from './on-account-locked.ts';
import { onConnectedFrame } from './on-connected-frame.ts';
import { onConnection } from './on-connection.ts';
import { onEmailSend } from './on-email-send.ts';
import { onPushSend } from './on-push-send.ts';
import { onRealtimeFrame } from './on-realtime-frame.ts';
import { onRealtimeSend } from './on-realtime-send.ts';
import { onRiskyLogin } from './on-risky-login.ts';
import { onSecurityAlert } from './on-security-alert.ts';
import { onSmsSend } from './on-sms-send.ts';
import { onUserDeleted } from './on-user-deleted.ts';
import { onUserMfaChanged } from './on-user-mfa-changed.ts';
import { onUserPasswordChanged } from './on-user-password-changed.ts';
import { onUserRegistered } from './on-user-registered.ts';
import { openConnection } from './open-connection.ts';
import { readNotification } from './read-notification.ts';
import {
  connectionOwners,
  deliveries,
  devices,
  inbox,
  listeners,
  loginAlerts,
  messageCounts,
  preferences,
  presence,
  smsCounts,
  tickets,
} from './records.ts';
import { redeemTicket } from './redeem-ticket.ts';
import { removeDevice } from './remove-device.ts';
import { sendNotification } from './send-notification.ts';
import { setPreferences } from './set-preferences.ts';
import { watch } from './watch.ts';

export const notifications = service('notifications', [
  listNotifications,
  listConnected,
  readNotification,
  ackNotification,
  getPreferences,
  setPreferences,
  getPushKey,
  addDevice,
  removeDevice,
  sendNotification,
  getDeliveries,
  issueTicket,
  redeemTicket,
  watch,
  onUserRegistered,
  onUserPasswordChanged,
  onUserMfaChanged,
  onRiskyLogin,
  onUserDeleted,
  onEmailSend,
  onSmsSend,
  onPushSend,
  onRealtimeSend,
  onRealtimeFrame,
  onSecurityAlert,
  onAccountLocked,
  exportUser,
]);

/** Open tabs in AWS, where API Gateway holds their connections: its functions, and nobody else, run these. */
export const gateway = service('notifications', [
  openConnection,
  hearConnection,
  leaveConnection,
  onConnection,
  onConnectedFrame,
]);

export const notificationCollections = [
  connectionOwners,
  deliveries,
  listeners,
  presence,
  preferences,
  devices,
  inbox,
  loginAlerts,
  messageCounts,
  smsCounts,
  tickets,
];
