import * as z from 'zod';
import { Common, greeting, Moment, template } from './template.ts';

/** To somebody who forgot the password: a link to set a new one. */
export const passwordReset = template({
  token: { path: '/reset-password', purpose: 'reset-password' },
  data: z.object({ ...Common, expires_at: Moment }),
  letter: {
    en: ({ first_name, expires_at }, link) => ({
      subject: 'Set a new password',
      blocks: [
        greeting.en(first_name),
        'Somebody asked for a new password for your account. If it was you, set it here:',
        { button: 'Set a new password', url: link },
        `The link works once, until ${expires_at}.`,
        'If it was not you, ignore this mail: your password stays as it is. Do not pass the link on to anybody.',
      ],
    }),
    zh: ({ first_name, expires_at }, link) => ({
      subject: '重置您的密码',
      blocks: [
        greeting.zh(first_name),
        '有人为您的账户申请了新密码。如果是您本人，请在这里设置：',
        { button: '设置新密码', url: link },
        `此链接只能使用一次，有效期至 ${expires_at}。`,
        '如果不是您本人，请忽略此邮件：您的密码不会改变。请勿将此链接转发给任何人。',
      ],
    }),
  },
});
