import * as z from 'zod';
import { Common, greeting, template } from './template.ts';

/** To the owner of an address with which somebody tried to register again. */
export const accountExists = template({
  data: z.object(Common),
  letter: {
    en: ({ first_name }) => ({
      subject: 'You already have an account',
      blocks: [
        greeting.en(first_name),
        'Somebody just tried to register with this e-mail address, but it already belongs to your account.',
        'If it was you, log in with your password, or ask for a new one if you forgot it.',
        'If it was not you, there is nothing to do: your account was not changed, and the other person was not told that it exists.',
      ],
    }),
    zh: ({ first_name }) => ({
      subject: '您已经有一个账户',
      blocks: [
        greeting.zh(first_name),
        '刚刚有人试图用这个邮箱地址注册，但它已经属于您的账户。',
        '如果是您本人，请直接用密码登录；如果忘记了密码，可以申请重置。',
        '如果不是您本人，则无需任何操作：您的账户没有变化，对方也不会得知该账户存在。',
      ],
    }),
  },
});
