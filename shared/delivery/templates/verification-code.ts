import * as z from 'zod';
import { Common, greeting, Moment, template } from './template.ts';

/** A code to be typed in. It travels sealed, as a token, and is opened only in the message. */
export const verificationCode = template({
  token: { purpose: 'verification-code' },
  data: z.object({ ...Common, expires_at: Moment }),
  short: {
    data: z.object({ locale: z.string().optional(), expires_at: Moment }),
    say: {
      en: ({ expires_at }, code) => ({
        title: 'Your code',
        text: `${code} is your code, until ${expires_at}. Give it to nobody, also not to us.`,
      }),
      zh: ({ expires_at }, code) => ({
        title: '您的验证码',
        text: `您的验证码是 ${code}，有效期至 ${expires_at}。请勿告诉任何人，包括我们。`,
      }),
    },
  },
  letter: {
    en: ({ first_name, expires_at }, code) => ({
      subject: 'Your code',
      blocks: [
        greeting.en(first_name),
        'This is the code that you asked for:',
        { facts: [['Code', code]] },
        `It works once, until ${expires_at}. Give it to nobody, also not to us.`,
        'If you did not ask for a code, ignore this mail.',
      ],
    }),
    zh: ({ first_name, expires_at }, code) => ({
      subject: '您的验证码',
      blocks: [
        greeting.zh(first_name),
        '这是您申请的验证码：',
        { facts: [['验证码', code]] },
        `它只能使用一次，有效期至 ${expires_at}。请勿告诉任何人，包括我们。`,
        '如果您没有申请验证码，请忽略此邮件。',
      ],
    }),
  },
});
