import * as z from 'zod';
import { Common, greeting, Moment, template } from './template.ts';

/** To the owner of an account that takes no logins from somewhere for a while, because too many failed. */
export const accountLocked = template({
  data: z.object({ ...Common, failed_attempts: z.int(), locked_until: Moment, ip_address: z.string() }),
  short: {
    data: z.object({ locale: z.string().optional(), locked_until: Moment }),
    say: {
      en: ({ locked_until }) => ({
        title: 'Logins to your account are paused',
        text: `Too many logins failed. Where they came from none is taken until ${locked_until}.`,
      }),
      zh: ({ locked_until }) => ({
        title: '您的账户已暂停登录',
        text: `登录失败次数过多，在 ${locked_until} 之前无法从该来源登录您的账户。`,
      }),
    },
  },
  letter: {
    en: ({ first_name, failed_attempts, locked_until, ip_address }) => ({
      subject: 'Logins to your account are paused',
      blocks: [
        greeting.en(first_name),
        `After ${failed_attempts} failed attempts, your account takes no logins from there until ${locked_until}.`,
        { facts: [['IP address of the last attempt', ip_address || 'unknown']] },
        'Devices on which you logged in before are not held up.',
        'If it was you, wait until then, or set a new password with a link that you can ask for at the login.',
        'If it was not you, somebody is trying passwords. Choose a long one that you use nowhere else.',
      ],
    }),
    zh: ({ first_name, failed_attempts, locked_until, ip_address }) => ({
      subject: '您的账户已暂停登录',
      blocks: [
        greeting.zh(first_name),
        `由于 ${failed_attempts} 次登录失败，在 ${locked_until} 之前无法从该来源登录您的账户。`,
        '您以前登录过的设备不受影响。',
        { facts: [['最后一次尝试的 IP 地址', ip_address || '未知']] },
        '如果是您本人，请稍后再试，或在登录页面申请链接以设置新密码。',
        '如果不是您本人，说明有人正在尝试猜测密码。请使用一个足够长且未在别处使用的密码。',
      ],
    }),
  },
});
