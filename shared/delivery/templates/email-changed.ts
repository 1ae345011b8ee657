import * as z from 'zod';
import { Common, greeting, Moment, template } from './template.ts';

/** To the address that an account had until now, with a way back. */
export const emailChanged = template({
  token: { path: '/undo-email', purpose: 'undo-email' },
  data: z.object({ ...Common, expires_at: Moment, at: Moment, ip_address: z.string() }),
  letter: {
    en: ({ first_name, expires_at, at, ip_address }, link) => ({
      subject: 'The e-mail address of your account was changed',
      blocks: [
        greeting.en(first_name),
        'Your account has another e-mail address from now on.',
        {
          facts: [
            ['Time', at],
            ['IP address', ip_address || 'unknown'],
          ],
        },
        'If it was you, there is nothing to do.',
        'If it was not you, take it back: your account gets this address again, and every device is logged out.',
        { button: 'It was not me: take it back', url: link },
        `The link works until ${expires_at}. Then set a new password: whoever did this may know yours.`,
      ],
    }),
    zh: ({ first_name, expires_at, at, ip_address }, link) => ({
      subject: '您账户的邮箱地址已更改',
      blocks: [
        greeting.zh(first_name),
        '您的账户从现在起使用另一个邮箱地址。',
        {
          facts: [
            ['时间', at],
            ['IP 地址', ip_address || '未知'],
          ],
        },
        '如果是您本人操作，则无需任何处理。',
        '如果不是您本人，请撤销：您的账户将恢复使用此邮箱，所有设备都会退出登录。',
        { button: '不是我，撤销更改', url: link },
        `此链接有效期至 ${expires_at}。之后请设置新密码：操作者可能知道您的密码。`,
      ],
    }),
  },
});
