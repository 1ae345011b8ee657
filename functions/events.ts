/** The catalogue: every event that travels between services, ours and others'. Anything else is none of the platform. */
import type { EventType } from '../shared/kit/event.ts';
import * as auth from './auth/events.ts';
import * as notifications from './notifications/events.ts';
import * as permissions from './permissions/events.ts';
import * as sessions from './sessions/events.ts';
import * as users from './users/events.ts';

export const catalogue: readonly EventType<string, any>[] = [
  users.userRegistered,
  auth.userLogin,
  auth.userLogout,
  users.userPasswordChanged,
  users.passwordResetRequested,
  users.userEmailChanged,
  users.userStatusChanged,
  users.userSessionsEnded,
  users.userDeleted,
  auth.userMfaEnabled,
  auth.userMfaDisabled,
  permissions.roleAssigned,
  permissions.roleRevoked,
  permissions.permissionGranted,
  permissions.permissionRevoked,
  auth.suspiciousActivity,
  auth.accountLocked,
  auth.securityAlert,
  auth.tokenRevoked,
  sessions.sessionRevoked,
  notifications.emailSend,
  notifications.smsSend,
  notifications.pushSend,
  notifications.realtimeSend,
  notifications.realtimeFrame,
  notifications.realtimeConnection,
];
