import * as z from 'zod';
import { Common, greeting, Moment, template } from './template.ts';

/** To the address that an account is to have from now on: is it yours? */
export const confirmEmail = template({
  token: { path: '/confirm-email', purpose: 'change-email' },
  data: z.object({ ...Common, expires_at: Moment }),
  letter: {
    en: ({ first_name, expires_at }, link) => ({
      subject: 'Confirm your new e-mail address',
      blocks: [
        greeting.en(first_name),
        'Somebody asked to use this e-mail address for an account. If it was you, confirm it:',
        { button: 'Use this address', url: link },
        `The link works once, until ${expires_at}.`,
        'If it was not you, ignore this mail: nothing happens without your confirmation.',
      ],
    }),
    zh: ({ first_name, expires_at }, link) => ({
      subject: '请确认您的新邮箱地址',
      blocks: [
        greeting.zh(first_name),
        '有人申请将此邮箱地址用于一个账户。如果是您本人，请确认：',
        { button: '使用此邮箱', url: link },
        `此链接只能使用一次，有效期至 ${expires_at}。`,
        '如果不是您本人，请忽略此邮件：未经您确认，不会发生任何事情。',
      ],
    }),
  },
});
