import * as z from 'zod';
import { Common, greeting, Moment, template } from './template.ts';

/** What of a login is told. `failed`: it did not succeed; otherwise it did, and looked risky. */
const Login = { failed: z.boolean(), at: Moment, ip_address: z.string() };

/** The first that a `User-Agent` has: those that take another's name come before it. */
const PROGRAMS = ['Edg', 'OPR', 'Firefox', 'Chrome', 'Safari', 'curl', 'okhttp', 'Dart', 'python'];
const SYSTEMS = ['Windows', 'iPhone', 'iPad', 'Macintosh', 'Android', 'CrOS', 'Linux'];
const SPOKEN: Record<string, string> = {
  Edg: 'Edge',
  OPR: 'Opera',
  python: 'Python',
  Macintosh: 'macOS',
  CrOS: 'ChromeOS',
};

/** Only names that we know: who knocks writes the rest, and could write to the owner that way. */
const Device = z.string().transform((text) =>
  [PROGRAMS, SYSTEMS]
    .flatMap((names) => names.find((name) => text.includes(name)) ?? [])
    .map((name) => SPOKEN[name] ?? name)
    .join(', '),
);

/** To the owner of an account: somebody failed to log in, or did so in a way that is unlike the owner. */
export const loginAlert = template({
  data: z.object({ ...Common, ...Login, user_agent: Device }),
  short: {
    data: z.object({ locale: z.string().optional(), ...Login }),
    say: {
      en: ({ failed, at }) => ({
        title: failed ? 'A login to your account failed' : 'An unusual login to your account',
        text: failed
          ? `Somebody tried to log in to your account at ${at} and failed. If it was not you, use a long password that you use nowhere else.`
          : `Somebody logged in to your account at ${at} in an unusual way. If it was not you, change your password now.`,
      }),
      zh: ({ failed, at }) => ({
        title: failed ? '您的账户有一次登录失败' : '您的账户有一次异常登录',
        text: failed
          ? `有人于 ${at} 尝试登录您的账户，但未成功。如果不是您本人，请使用一个足够长且未在别处使用的密码。`
          : `有人于 ${at} 以异常方式登录了您的账户。如果不是您本人，请立即更改密码。`,
      }),
    },
  },
  letter: {
    en: ({ first_name, failed, at, ip_address, user_agent }) => ({
      subject: failed ? 'A login to your account failed' : 'An unusual login to your account',
      blocks: [
        greeting.en(first_name),
        failed
          ? 'Somebody tried to log in to your account and failed.'
          : 'Somebody logged in to your account in a way that is unlike you.',
        {
          facts: [
            ['Time', at],
            ['IP address', ip_address || 'unknown'],
            ['Device', user_agent || 'unknown'],
          ],
        },
        'If it was you, there is nothing to do.',
        failed
          ? 'If it was not you, somebody is trying passwords. Choose a long one that you use nowhere else. For a while, you hear of no further tries.'
          : 'If it was not you, change your password now and end the sessions that you do not know.',
      ],
    }),
    zh: ({ first_name, failed, at, ip_address, user_agent }) => ({
      subject: failed ? '您的账户有一次登录失败' : '您的账户有一次异常登录',
      blocks: [
        greeting.zh(first_name),
        failed ? '有人尝试登录您的账户，但未成功。' : '有人以与您平时不同的方式登录了您的账户。',
        {
          facts: [
            ['时间', at],
            ['IP 地址', ip_address || '未知'],
            ['设备', user_agent || '未知'],
          ],
        },
        '如果是您本人操作，则无需任何处理。',
        failed
          ? '如果不是您本人，说明有人正在尝试猜测密码。请使用一个足够长且未在别处使用的密码。短时间内的更多尝试不会再通知您。'
          : '如果不是您本人，请立即更改密码，并结束您不认识的会话。',
      ],
    }),
  },
});
