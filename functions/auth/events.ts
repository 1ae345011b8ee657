/** Events of logging in, and of what looks like an attack on it. */
import * as z from 'zod';
import { eventType } from '../../shared/kit/event.ts';

/** Somebody logged in, or tried to. Failed ones are urgent (priority 5); `user_id` is empty for an unknown identifier. */
export const userLogin = eventType({
  type: 'user.login',
  key: 'user.events.login',
  data: z.strictObject({
    user_id: z.string(),
    email: z.string(),
    login_successful: z.boolean(),
    ip_address: z.string(),
    user_agent: z.string(),
    location: z.record(z.string(), z.string()).optional(),
    mfa_used: z.boolean(),
    risk_score: z.number().min(0).max(1).optional(),
    failure_reason: z.string().optional(),
    /** It was so risky that its owner is told by a `security.alert`. */
    alerted: z.boolean().optional(),
  }),
  priority: ({ login_successful }) => (login_successful ? 0 : 5),
  refused: ({ login_successful, failure_reason }) => (login_successful ? undefined : (failure_reason ?? 'failed')),
});

/** A session ended because its user logged out. */
export const userLogout = eventType({
  type: 'user.logout',
  key: 'user.events.logout',
  data: z.strictObject({ user_id: z.string(), session_id: z.string() }),
});

/** Too many failed logins: further ones are refused until the time given (ISO 8601). */
export const accountLocked = eventType({
  type: 'security.account_locked',
  key: 'security.events.locked',
  data: z.strictObject({
    user_id: z.string(),
    reason: z.string(),
    failed_attempts: z.int(),
    locked_until: z.string(),
    ip_address: z.string(),
    user_agent: z.string(),
  }),
  priority: () => 7,
});

export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
const PRIORITY = { low: 1, medium: 3, high: 7, critical: 9 } as const;

/** Something happened to an account that its owner should look at. */
export const securityAlert = eventType({
  type: 'security.alert',
  key: 'security.events.alert',
  data: z.strictObject({
    user_id: z.string(),
    alert_type: z.string(),
    severity: z.enum(SEVERITIES),
    description: z.string(),
    details: z.record(z.string(), z.unknown()),
    ip_address: z.string(),
    /** Empty where a producer does not tell it. */
    user_agent: z.string().default(''),
    recommended_actions: z.array(z.string()),
  }),
  priority: ({ severity }) => PRIORITY[severity],
});

const ACTIONS = {
  critical: {
    en: [
      'Change your password now',
      'Turn on two-factor authentication',
      'Check your account activity',
      'Contact support',
    ],
    zh: ['立即更改密码', '启用多因子认证', '检查账户活动', '联系技术支持'],
  },
  high: {
    en: ['Check your login activity', 'Consider two-factor authentication', 'Update your password'],
    zh: ['检查登录活动', '考虑启用多因子认证', '更新密码'],
  },
  other: {
    en: ['Review your security settings', 'Update your password regularly'],
    zh: ['查看账户安全设置', '定期更新密码'],
  },
} as const;

/** What to advise the owner, in English and then in Chinese. @example recommendedActions('high') */
export const recommendedActions = (severity: (typeof SEVERITIES)[number]): string[] => {
  const actions = severity === 'critical' || severity === 'high' ? ACTIONS[severity] : ACTIONS.other;
  return [...actions.en, ...actions.zh];
};

/** Something about how an account is used is unlike its owner, or like an attack. */
export const suspiciousActivity = eventType({
  type: 'security.suspicious_activity',
  key: 'security.events.suspicious',
  data: z.strictObject({
    user_id: z.string(),
    activity_type: z.string(),
    description: z.string(),
    risk_score: z.number().min(0).max(1),
    details: z.record(z.string(), z.unknown()),
    ip_address: z.string(),
    user_agent: z.string(),
  }),
  priority: () => 5,
});

const mfaChange = {
  user_id: z.string(),
  email: z.string(),
  /** How the second factor is given, e.g. `totp`. */
  method: z.string(),
  ip_address: z.string(),
  user_agent: z.string(),
  locale: z.string().optional(),
  /** ISO 8601, of the change. */
  changed_at: z.iso.datetime().optional(),
  /** The session that changed it, which goes on; the others end. */
  except_session_id: z.string().optional(),
};

/** A user asks for a second factor from now on. */
export const userMfaEnabled = eventType({
  type: 'user.mfa_enabled',
  key: 'user.events.mfa_enabled',
  data: z.strictObject(mfaChange),
});

/** A user logs in without that second factor from now on. */
export const userMfaDisabled = eventType({
  type: 'user.mfa_disabled',
  key: 'user.events.mfa_disabled',
  data: z.strictObject(mfaChange),
});

/** A token was revoked before its end (RFC 7009). */
export const tokenRevoked = eventType({
  type: 'token.revoked',
  key: 'token.events.revoked',
  data: z.strictObject({ user_id: z.string(), session_id: z.string(), jti: z.string(), reason: z.string().optional() }),
});
