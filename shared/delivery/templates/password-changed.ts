import * as z from 'zod';
import { Common, greeting, Moment, template } from './template.ts';

/** To the owner after the password was changed or reset. */
export const passwordChanged = template({
  data: z.object({ ...Common, how: z.enum(['changed', 'reset']), at: Moment, ip_address: z.string() }),
  short: {
    data: z.object({ locale: z.string().optional(), at: Moment }),
    say: {
      en: ({ at }) => ({
        title: 'Your password was changed',
        text: `The password of your account was changed at ${at}. If it was not you, ask for a new one at once.`,
      }),
      zh: ({ at }) => ({
        title: '您的密码已更改',
        text: `您账户的密码已于 ${at} 更改。如果不是您本人操作，请立即申请新密码。`,
      }),
    },
  },
  letter: {
    en: ({ first_name, how, at, ip_address }) => ({
      subject: 'Your password was changed',
      blocks: [
        greeting.en(first_name),
        how === 'reset'
          ? 'The password of your account was set anew through a link in a mail.'
          : 'The password of your account was changed.',
        {
          facts: [
            ['Time', at],
            ['IP address', ip_address || 'unknown'],
          ],
        },
        'If it was you, there is nothing to do. Your other devices have been logged out.',
        'If it was not you, ask for a new password at once and check who else can read your mails.',
      ],
    }),
    zh: ({ first_name, how, at, ip_address }) => ({
      subject: '您的密码已更改',
      blocks: [
        greeting.zh(first_name),
        how === 'reset' ? '您账户的密码已通过邮件链接重新设置。' : '您账户的密码已更改。',
        {
          facts: [
            ['时间', at],
            ['IP 地址', ip_address || '未知'],
          ],
        },
        '如果是您本人操作，则无需任何处理。您的其他设备已退出登录。',
        '如果不是您本人，请立即申请新密码，并检查是否有他人能查看您的邮件。',
      ],
    }),
  },
});
