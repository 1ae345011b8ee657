import * as z from 'zod';
import { Common, greeting, Moment, template } from './template.ts';

/** To somebody who is new, as other systems ask for it: with the link that confirms the address, where they have one. */
export const welcome = template({
  token: { path: '/verify-email', purpose: 'verify-email', field: 'verification_token', plain: true, optional: true },
  data: z.object({ ...Common, expires_at: Moment.optional() }),
  letter: {
    en: ({ first_name, expires_at }, link) => ({
      subject: 'Welcome',
      blocks: [
        greeting.en(first_name),
        'Welcome. Your account is there.',
        ...(link
          ? [
              'Please confirm that this e-mail address is yours. Then you can log in.',
              { button: 'Confirm my address', url: link },
              expires_at ? `The link works once, until ${expires_at}.` : 'The link works once.',
            ]
          : []),
        'If you did not register, ignore this mail.',
      ],
    }),
    zh: ({ first_name, expires_at }, link) => ({
      subject: '欢迎',
      blocks: [
        greeting.zh(first_name),
        '欢迎！您的账户已经建立。',
        ...(link
          ? [
              '请确认这是您的邮箱地址，确认后即可登录。',
              { button: '确认我的邮箱', url: link },
              expires_at ? `此链接只能使用一次，有效期至 ${expires_at}。` : '此链接只能使用一次。',
            ]
          : []),
        '如果您没有注册，请忽略此邮件。',
      ],
    }),
  },
});
