import * as z from 'zod';
import { Common, greeting, Moment, template } from './template.ts';

const SEVERITY_ZH = { low: '低', medium: '中', high: '高', critical: '严重' } as const;

/** What happened, where the description of the event is not in the reader's language. */
const WHAT_ZH: Record<string, string> = {
  refresh_token_reuse: '一个已使用过的登录凭证被再次使用，相关会话已被终止。',
  suspicious_login: '有一次可疑的登录尝试。',
  new_device: '您的账户在一台新设备上登录。',
  mfa_disabled: '您账户的两步验证已被关闭。',
  service_created: '您创建了一个服务的凭证。',
  service_rotated: '您创建的一个服务的凭证已更换。',
  service_revoked: '您创建的一个服务的凭证已被撤销。',
  phone_changed: '您账户的电话号码已更改。',
  recovery_code_used: '您账户的一个恢复代码已被使用。',
  recovery_codes_replaced: '您的账户已生成新的恢复代码，旧代码已失效。',
  codes_guessed: '有人知道您的密码，并在尝试猜测您的验证码；目前已拒绝更多尝试。',
};

const WHAT_EN: Record<string, string> = {
  refresh_token_reuse: 'A used login was presented again, and its session was ended.',
  suspicious_login: 'There was a suspicious login.',
  new_device: 'Somebody logged in from a new device.',
  mfa_disabled: 'Two-factor authentication was turned off.',
  service_created: 'Credentials of a service were made in your name.',
  service_rotated: 'The credentials of a service that you made were replaced.',
  service_revoked: 'The credentials of a service that you made were revoked.',
  phone_changed: 'The phone number of your account was changed.',
  recovery_code_used: 'A recovery code was used.',
  recovery_codes_replaced: 'New recovery codes were made.',
  codes_guessed: 'Somebody who knows your password tries codes.',
};

type Severity = keyof typeof SEVERITY_ZH;
const isGrave = (severity: Severity): boolean => severity === 'high' || severity === 'critical';
const titleEn = (severity: Severity): string =>
  isGrave(severity) ? 'Security alert for your account' : 'A note on your account';
const titleZh = (severity: Severity): string => (isGrave(severity) ? '账户安全警告' : '账户提示');

/** What to do, where there is room for one thing. No link: nobody should learn to touch links in text messages. */
const ADVICE_EN: Record<Severity, string> = {
  low: 'Review your security settings.',
  medium: 'Review your security settings.',
  high: 'Check your login activity and update your password.',
  critical: 'Change your password now.',
};
const ADVICE_ZH: Record<Severity, string> = {
  low: '请查看账户安全设置。',
  medium: '请查看账户安全设置。',
  high: '请检查登录活动并更新密码。',
  critical: '请立即更改密码。',
};

const isChinese = (text: string): boolean => /\p{Script=Han}/u.test(text);
/** Events carry the advice in both languages; a mail shows the reader's. */
const inChinese = (actions: readonly string[]): string[] => actions.filter(isChinese);
const notInChinese = (actions: readonly string[]): string[] => actions.filter((action) => !isChinese(action));

/** To the owner of an account to which something happened that needs a look. */
export const securityAlert = template({
  data: z.object({
    ...Common,
    alert_type: z.string(),
    severity: z.enum(['low', 'medium', 'high', 'critical']),
    description: z.string(),
    at: Moment,
    ip_address: z.string(),
    recommended_actions: z.array(z.string()).max(20),
  }),
  short: {
    data: z.object({
      locale: z.string().optional(),
      severity: z.enum(['low', 'medium', 'high', 'critical']),
      alert_type: z.string().default(''),
    }),
    say: {
      en: ({ severity, alert_type }) => ({
        title: titleEn(severity),
        text: `${WHAT_EN[alert_type] ?? 'Something happened to your account that you should look at.'} ${ADVICE_EN[severity]}`,
      }),
      zh: ({ severity, alert_type }) => ({
        title: titleZh(severity),
        text: `${WHAT_ZH[alert_type] ?? '您的账户发生了需要您留意的事情。'}${ADVICE_ZH[severity]}`,
      }),
    },
  },
  letter: {
    en: ({ first_name, severity, description, at, ip_address, recommended_actions }) => ({
      subject: titleEn(severity),
      blocks: [
        greeting.en(first_name),
        'Something happened to your account that you should look at:',
        description,
        {
          facts: [
            ['Time', at],
            ['IP address', ip_address || 'unknown'],
            ['Severity', severity],
          ],
        },
        'We recommend:',
        { list: notInChinese(recommended_actions) },
      ],
    }),
    zh: ({ first_name, alert_type, severity, description, at, ip_address, recommended_actions }) => ({
      subject: titleZh(severity),
      blocks: [
        greeting.zh(first_name),
        '您的账户发生了需要您留意的事情：',
        WHAT_ZH[alert_type] ?? description,
        {
          facts: [
            ['时间', at],
            ['IP 地址', ip_address || '未知'],
            ['严重程度', SEVERITY_ZH[severity]],
          ],
        },
        '我们建议：',
        { list: inChinese(recommended_actions) },
      ],
    }),
  },
});
