import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  languageOf,
  renderMail,
  renderShort,
  TEMPLATES,
  type TemplateName,
} from '../../shared/delivery/templates/index.heavy.ts';
import { escapeHtml } from '../../shared/delivery/templates/letter.ts';

const expires_at = '2026-05-10T12:00:00.000Z';
const SAMPLES: Record<TemplateName, Record<string, unknown>> = {
  verify_email: { expires_at, username_taken: true },
  account_exists: {},
  confirm_email: { expires_at },
  address_in_use: {},
  email_changed: { expires_at, at: expires_at, ip_address: '192.0.2.1' },
  password_reset: { expires_at },
  password_changed: { how: 'reset', at: expires_at, ip_address: '192.0.2.1' },
  security_alert: {
    alert_type: 'refresh_token_reuse',
    severity: 'high',
    description: 'A used refresh token was presented again',
    at: expires_at,
    ip_address: '192.0.2.1',
    recommended_actions: ['Check your login activity', '检查登录活动'],
  },
  account_locked: { failed_attempts: 10, locked_until: expires_at, ip_address: '192.0.2.1' },
  login_alert: { failed: true, at: expires_at, ip_address: '192.0.2.1', user_agent: 'test' },
  mfa_changed: { enabled: true, at: expires_at, ip_address: '192.0.2.1' },
  verification_code: { expires_at },
  welcome: { expires_at },
  notice: { title: 'News', text: 'There is news', url: 'https://example.org/news' },
};
const names = Object.keys(TEMPLATES) as TemplateName[];
const link = 'https://login.example.org/verify-email?token=abc_-1';

describe('templates', () => {
  it.each(names)('%s speaks English and Chinese, in text and HTML', (name) => {
    const english = renderMail(name, { ...SAMPLES[name], first_name: 'Ada' }, { link });
    const chinese = renderMail(name, { ...SAMPLES[name], first_name: 'Ada', locale: 'zh-CN' }, { link });
    expect(english.text).toContain('Hello Ada,');
    expect(`${english.subject}${english.text}`).not.toMatch(/\p{Script=Han}/u);
    expect(chinese.text).toContain('Ada，您好：');
    // a notice is in its sender's own words
    if (name !== 'notice') expect(chinese.subject).toMatch(/\p{Script=Han}/u);
    expect(chinese.html).toContain('lang="zh-CN"');
    for (const { text, html } of [english, chinese]) {
      expect(`${text}${html}`).not.toMatch(/undefined|null|NaN|\[object/);
      if (TEMPLATES[name].token) {
        expect(text).toContain(link);
        if (TEMPLATES[name].token.path) expect(html).toContain(`href="${link}"`);
      }
    }
  });

  it.each([
    ['zh', 'zh'],
    ['zh-TW', 'zh'],
    ['ZH_hans', 'zh'],
    ['zha', 'en'],
    ['de-DE', 'en'],
    ['', 'en'],
    [undefined, 'en'],
  ])('fall back by language: %s is %s', (locale, language) => expect(languageOf(locale)).toBe(language));

  it('use the subject they are given, and their own when there is none', () => {
    expect(renderMail('account_exists', {}, { subject: ' Yours\r\n' }).subject).toBe('Yours');
    expect(renderMail('account_exists', { locale: 'zh' }, { subject: '' }).subject).toBe('您已经有一个账户');
  });

  it('let no value become markup or a line of its own', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 60 }),
        fc.constantFrom('<script>x</script>', '"><img src=x>', '\r\nBcc: x', '&lt;'),
        (text, evil) => {
          const description = `${text}${evil}${text}`;
          const {
            subject,
            html,
            text: plain,
          } = renderMail('security_alert', { ...SAMPLES.security_alert, description }, { subject: description });
          expect(subject).not.toMatch(/[\r\n]/);
          const harmless = renderMail(
            'security_alert',
            { ...SAMPLES.security_alert, description: '' },
            { subject: 'x' },
          );
          expect(html.match(/</g)!.length).toBe(harmless.html.match(/</g)!.length);
          expect(plain.split('\n').length).toBe(harmless.text.split('\n').length);
        },
      ),
    );
    expect(escapeHtml(`<a href="x" o='y'>&`)).toBe('&lt;a href=&quot;x&quot; o=&#39;y&#39;&gt;&amp;');
  });

  it.each(['https://evil.test', 'You won! Call 0900', 'evil.test', 'x'.repeat(41), '0900 123'])(
    'do not greet somebody as %j: a name is not a way to write to strangers',
    (first_name) => {
      const { text, html } = renderMail('verify_email', { ...SAMPLES.verify_email, first_name }, { link });
      expect(text).toContain('Hello,');
      expect(`${text}${html}`).not.toContain(first_name);
    },
  );

  it.each(names.filter((name) => TEMPLATES[name].short))(
    '%s has a short form of one line in both languages',
    (name) => {
      const english = renderShort(name, SAMPLES[name], '314159');
      const chinese = renderShort(name, { ...SAMPLES[name], locale: 'zh-CN' }, '314159');
      for (const { title, text } of [english, chinese]) {
        expect(`${title}${text}`).not.toMatch(/undefined|null|NaN|\[object|\n/);
        expect(text.length).toBeLessThan(160);
        if (TEMPLATES[name].token) expect(text).toContain('314159');
      }
      expect(english.text).not.toMatch(/\p{Script=Han}/u);
      if (name !== 'notice') expect(chinese.text).toMatch(/\p{Script=Han}/u);
    },
  );

  it('a short form teaches nobody to touch links, unless a service gives one', () => {
    for (const name of names.filter((each) => TEMPLATES[each].short && each !== 'notice')) {
      expect(renderShort(name, SAMPLES[name]).text).not.toMatch(/https?:|www\./);
    }
    expect(renderShort('notice', SAMPLES.notice).url).toBe('https://example.org/news');
    const script = { ...SAMPLES.notice, url: 'javascript:alert(1)' };
    expect(() => renderShort('notice', script)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });

  it('a letter alone has no short form', () => {
    expect(() => renderShort('password_reset', SAMPLES.password_reset)).toThrow(
      expect.objectContaining({ code: 'invalid_request' }),
    );
  });

  it.each([
    ['toString', {}],
    ['no_such', {}],
    ['password_reset', { expires_at: 'soon' }],
    ['password_changed', {}],
  ])('refuse %s with data %j for good', (name, data) => {
    expect(() => renderMail(name, data)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });

  it('say what lacks in words for who writes messages, not schemas', () => {
    const errors = [
      { path: 'template_data.title', message: 'Has to be text' },
      { path: 'template_data.text', message: 'Is required' },
    ];
    expect(() => renderMail('notice', { title: 7 })).toThrow(expect.objectContaining({ errors }));
  });
});
