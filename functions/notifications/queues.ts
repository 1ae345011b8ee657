/** The queues of the notifications service and what they are bound to. */

export const USER_EVENTS = { queue: 'notification-service.user_events', bindings: ['user.events.*'] } as const;
export const SECURITY_EVENTS = {
  queue: 'notification-service.security_events',
  bindings: ['security.events.*'],
} as const;
export const NOTIFICATION_REQUESTS = {
  queue: 'notification-service.notification_requests',
  bindings: ['notification.*.*'],
} as const;
/** Of functions alone: what connections at API Gateway are told. */
export const CONNECTIONS = {
  queue: 'notification-service.connections',
  bindings: ['realtime.*.*', 'session.events.revoked', 'permission.events.*'],
} as const;
