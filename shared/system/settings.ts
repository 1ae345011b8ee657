import { adapter } from '../kit/adapter.ts';

export const settings = adapter({
  port: 'settings',
  env: [
    'PERFECT21_PUBLIC_URL',
    'PERFECT21_AUDIENCE',
    'PERFECT21_ACCESS_TOKEN_TTL',
    'PERFECT21_REFRESH_IDLE_TTL',
    'PERFECT21_REFRESH_ABSOLUTE_TTL',
    'PERFECT21_MAX_SESSIONS',
    // read by the doors
    'PERFECT21_PLACE_HEADERS',
    'PERFECT21_PASSWORD_MIN_LENGTH',
    'PERFECT21_RATE_LIMITS',
    'PERFECT21_RESET_DELAY',
    'PERFECT21_LOGIN_ATTEMPTS',
    'PERFECT21_LOGIN_WINDOW',
    'PERFECT21_PROFILE_FIELDS',
    'PERFECT21_AUDIT_DAYS',
  ],
  open: (_, { env, public_url, profile }) => ({
    port: {
      public_url,
      audience: env.PERFECT21_AUDIENCE,
      access_token_ttl: env.PERFECT21_ACCESS_TOKEN_TTL,
      refresh_idle_ttl: env.PERFECT21_REFRESH_IDLE_TTL,
      refresh_absolute_ttl: env.PERFECT21_REFRESH_ABSOLUTE_TTL,
      max_sessions: env.PERFECT21_MAX_SESSIONS,
      refresh_grace: 10,
      verification_ttl: 86_400,
      reset_ttl: 1800,
      password_min_length: env.PERFECT21_PASSWORD_MIN_LENGTH,
      rate_limits: env.PERFECT21_RATE_LIMITS,
      reset_delay: env.PERFECT21_RESET_DELAY,
      login_attempts: env.PERFECT21_LOGIN_ATTEMPTS,
      login_window: env.PERFECT21_LOGIN_WINDOW,
      audit_kept: env.PERFECT21_AUDIT_DAYS * 86_400,
      profile,
    },
  }),
});
