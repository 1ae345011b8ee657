import * as z from 'zod';
import { Common, greeting, Moment, template } from './template.ts';

/** To the owner after a second factor was set up or removed. */
export const mfaChanged = template({
  data: z.object({ ...Common, enabled: z.boolean(), at: Moment, ip_address: z.string() }),
  short: {
    data: z.object({ locale: z.string().optional(), enabled: z.boolean(), at: Moment }),
    say: {
      en: ({ enabled, at }) => ({
        title: enabled ? 'Two-factor authentication is on' : 'Two-factor authentication is off',
        text: enabled
          ? `Since ${at}, logging in to your account asks for a code. If it was not you, change your password at once.`
          : `Since ${at}, your password alone opens your account. If it was not you, change it at once.`,
      }),
      zh: ({ enabled, at }) => ({
        title: enabled ? '已启用双重验证' : '已关闭双重验证',
        text: enabled
          ? `自 ${at} 起，登录您的账户需要验证码。如果不是您本人操作，请立即更改密码。`
          : `自 ${at} 起，仅凭密码即可登录您的账户。如果不是您本人操作，请立即更改密码。`,
      }),
    },
  },
  letter: {
    en: ({ first_name, enabled, at, ip_address }) => ({
      subject: enabled ? 'Two-factor authentication is on' : 'Two-factor authentication is off',
      blocks: [
        greeting.en(first_name),
        enabled
          ? 'From now on, logging in to your account asks for a code of your authenticator app.'
          : 'The authenticator app of your account was removed. Your password alone opens it now.',
        {
          facts: [
            ['Time', at],
            ['IP address', ip_address || 'unknown'],
          ],
        },
        enabled
          ? 'Keep the recovery codes in a safe place. Your other devices have been logged out.'
          : 'Your other devices have been logged out.',
        'If it was not you, change your password now and end the sessions that you do not know.',
      ],
    }),
    zh: ({ first_name, enabled, at, ip_address }) => ({
      subject: enabled ? '已启用双重验证' : '已关闭双重验证',
      blocks: [
        greeting.zh(first_name),
        enabled
          ? '从现在起，登录您的账户需要身份验证器应用中的验证码。'
          : '您账户的身份验证器应用已被移除。现在仅凭密码即可登录。',
        {
          facts: [
            ['时间', at],
            ['IP 地址', ip_address || '未知'],
          ],
        },
        enabled ? '请将恢复代码保存在安全的地方。您的其他设备已退出登录。' : '您的其他设备已退出登录。',
        '如果不是您本人操作，请立即更改密码，并结束您不认识的会话。',
      ],
    }),
  },
});
