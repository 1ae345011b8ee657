import { describe, expect, it } from 'vitest';
import { PAGE_HEADERS, PAGES } from '../../shared/delivery/pages.ts';
import { TEMPLATES } from '../../shared/delivery/templates/index.heavy.ts';

describe('the pages that links in mails open', () => {
  it('exist for every template with a link', () => {
    for (const { token } of Object.values(TEMPLATES)) {
      if (token && 'path' in token) expect(PAGES[`${token.path}`]?.type).toMatch(/^text\/html/);
    }
  });

  it('run only scripts of their own, which exist, and none inline', () => {
    expect(PAGE_HEADERS['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
    expect(PAGE_HEADERS['content-security-policy']).not.toContain('unsafe');
    for (const { type, body } of Object.values(PAGES)) {
      if (!type.startsWith('text/html')) continue;
      for (const [, source, inline] of body.matchAll(/<script[^>]*?(?: src="([^"]*)")?>(.*?)<\/script>/gs)) {
        expect(inline).toBe('');
        expect(PAGES[`/${source}`]?.type).toMatch(/^text\/javascript/);
      }
      expect(body).not.toMatch(/ on[a-z]+=|style=/);
    }
  });

  it('use up no token when they are opened: the script posts it after a click, and takes it out of the address', () => {
    expect(PAGE_HEADERS['referrer-policy']).toBe('no-referrer');
    for (const name of ['verify-email', 'reset-password', 'confirm-email', 'undo-email']) {
      const { body } = PAGES[`/assets/${name}.js`]!;
      expect(body.indexOf('history.replaceState')).toBeGreaterThan(0);
      expect(body.indexOf('history.replaceState')).toBeLessThan(body.indexOf('fetch('));
      expect(body).toMatch(
        /addEventListener\('submit', async[\s\S]*fetch\(new URL\(path, import.meta.url\), \{ method: 'POST'/,
      );
    }
  });
});
