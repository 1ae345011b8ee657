import * as z from 'zod';
import { Common, greeting, Moment, template } from './template.ts';

/** To a new address: is it yours? */
export const verifyEmail = template({
  token: { path: '/verify-email', purpose: 'verify-email', plain: true },
  data: z.object({ ...Common, expires_at: Moment, username_taken: z.boolean().default(false) }),
  letter: {
    en: ({ first_name, expires_at, username_taken }, link) => ({
      subject: 'Confirm your e-mail address',
      blocks: [
        greeting.en(first_name),
        'Please confirm that this e-mail address is yours. Then you can log in.',
        { button: 'Confirm my address', url: link },
        `The link works once, until ${expires_at}.`,
        ...(username_taken
          ? ['The user name you asked for belongs to somebody else. You can choose another one after you log in.']
          : []),
        'If you did not register, ignore this mail: nothing happens without your confirmation.',
      ],
    }),
    zh: ({ first_name, expires_at, username_taken }, link) => ({
      subject: '请确认您的邮箱地址',
      blocks: [
        greeting.zh(first_name),
        '请确认这是您的邮箱地址，确认后即可登录。',
        { button: '确认我的邮箱', url: link },
        `此链接只能使用一次，有效期至 ${expires_at}。`,
        ...(username_taken ? ['您想要的用户名已被他人使用，登录后可以另选一个。'] : []),
        '如果您没有注册，请忽略此邮件：未经您确认，不会发生任何事情。',
      ],
    }),
  },
});
