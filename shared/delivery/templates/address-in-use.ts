import * as z from 'zod';
import { Common, greeting, template } from './template.ts';

/** To the owner of an address that somebody wanted for another account. */
export const addressInUse = template({
  data: z.object(Common),
  letter: {
    en: ({ first_name }) => ({
      subject: 'This address already has an account',
      blocks: [
        greeting.en(first_name),
        'Somebody just asked to use this e-mail address for another account, but it already belongs to yours.',
        'If it was you, choose another address, or go on with the account that you have.',
        'If it was not you, there is nothing to do: your account was not changed, and the other person was not told that it exists.',
      ],
    }),
    zh: ({ first_name }) => ({
      subject: '此邮箱已有账户',
      blocks: [
        greeting.zh(first_name),
        '刚刚有人申请将此邮箱地址用于另一个账户，但它已经属于您的账户。',
        '如果是您本人，请换一个邮箱，或继续使用现有账户。',
        '如果不是您本人，则无需任何操作：您的账户没有变化，对方也不会得知该账户存在。',
      ],
    }),
  },
});
