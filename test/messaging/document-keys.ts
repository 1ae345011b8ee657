/** Message types of the architecture document and the routing keys that it gives them. */
export const DOCUMENT_KEYS: Readonly<Record<string, string>> = {
  'user.registered': 'user.events.registered',
  'user.login': 'user.events.login',
  'user.logout': 'user.events.logout',
  'user.password_changed': 'user.events.password_changed',
  'user.mfa_enabled': 'user.events.mfa_enabled',
  'permission.role_assigned': 'permission.events.role_assigned',
  'permission.role_revoked': 'permission.events.role_revoked',
  'permission.granted': 'permission.events.granted',
  'permission.revoked': 'permission.events.revoked',
  'security.suspicious_activity': 'security.events.suspicious',
  'security.account_locked': 'security.events.locked',
  'security.alert': 'security.events.alert',
  'notification.email.send': 'notification.email.send',
  'notification.sms.send': 'notification.sms.send',
  'notification.push.send': 'notification.push.send',
};
