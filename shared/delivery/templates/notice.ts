import * as z from 'zod';
import { Common, greeting, template } from './template.ts';

const Notice = z.object({
  ...Common,
  title: z.string().min(1).max(100),
  text: z.string().min(1).max(1000),
  /** What to open, on the web. */
  url: z
    .url({ protocol: /^https?$/ })
    .max(1000)
    .optional(),
});

/** What a service has to say, in its own words and in the language that it chose. */
export const notice = template({
  data: Notice,
  short: {
    data: Notice,
    say: {
      en: ({ title, text, url }) => ({ title, text, url }),
      zh: ({ title, text, url }) => ({ title, text, url }),
    },
  },
  letter: {
    en: ({ first_name, title, text, url }) => ({
      subject: title,
      blocks: [greeting.en(first_name), ...text.split(/\n+/), ...(url ? [{ button: 'Open', url }] : [])],
    }),
    zh: ({ first_name, title, text, url }) => ({
      subject: title,
      blocks: [greeting.zh(first_name), ...text.split(/\n+/), ...(url ? [{ button: '打开', url }] : [])],
    }),
  },
});
