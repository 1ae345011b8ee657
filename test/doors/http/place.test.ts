/** What a network in front says of where a client is: believed from trusted proxies, and only where it can be so. */
import { describe, expect, test } from 'vitest';
import { listSessions } from '../../../functions/sessions/list-sessions.ts';
import { getLoginHistory } from '../../../functions/users/get-login-history.ts';
import { placeOf, trustedPlace } from '../../../shared/doors/binding/place.ts';
import { http1Door } from '../../e2e/doors/http.ts';
import { mailsFrom, worldOf } from '../../e2e/matrix.ts';
import { expectOk, PASSWORD, verified } from '../../e2e/world.ts';
import { testPlatform } from '../../support/platform.ts';

const HEADERS = {
  'cf-ipcountry': 'NZ',
  'cf-ipcity': 'T%C4%81maki Makaurau',
  'cf-iplatitude': '-36.85',
  'cf-iplongitude': '174.76',
};
const AUCKLAND = { country: 'NZ', city: 'Tāmaki Makaurau', latitude: -36.85, longitude: 174.76 };

describe('a place', () => {
  test('is read from the headers of the network that is named', () => {
    expect(placeOf('cloudflare', HEADERS)).toEqual(AUCKLAND);
    expect(placeOf('cloudfront', HEADERS)).toBeUndefined();
    const latin = Buffer.from('São Paulo').toString('latin1');
    expect(placeOf('cloudfront', { 'cloudfront-viewer-city': latin })).toEqual({ city: 'São Paulo' });
    expect(placeOf('vercel', { 'x-vercel-ip-country': 'DE' })).toEqual({ country: 'DE' });
  });

  test.each([
    [{ 'cf-ipcountry': 'XX' }],
    [{ 'cf-ipcountry': 'Germany' }],
    [{ 'cf-ipcountry': 'de' }],
    [{ 'cf-ipcity': '<b>' }],
    [{ 'cf-ipcity': '%E0%A4%A' }],
    [{ 'cf-ipcity': 'x'.repeat(400) }],
    [{ 'cf-iplatitude': '91', 'cf-iplongitude': '0' }],
    [{ 'cf-iplatitude': '1e1', 'cf-iplongitude': '0' }],
    [{ 'cf-iplatitude': '10' }],
    [{}],
  ])('that can be none is none: %j', (headers) => {
    expect(placeOf('cloudflare', headers as Record<string, string>)).toBeUndefined();
  });

  test('is taken from a trusted proxy alone', () => {
    const read = trustedPlace('cloudflare', ['10.0.0.0/8']);
    expect(read('10.1.2.3', HEADERS)).toEqual(AUCKLAND);
    expect(read('::ffff:10.1.2.3', HEADERS)).toEqual(AUCKLAND);
    expect(read('203.0.113.7', HEADERS)).toBeUndefined();
    expect(read(undefined, HEADERS)).toBeUndefined();
  });
});

test('a login from the other side of the world is told to the owner and to whoever watches, and its place is shown', async () => {
  const platform = await testPlatform({
    PERFECT21_TRUSTED_PROXIES: '127.0.0.1',
    PERFECT21_PLACE_HEADERS: 'cloudflare',
  });
  try {
    const world = worldOf(platform, http1Door(platform.http.url));
    const { email, user_id } = await verified(world);
    const logIn = async (ip: string, user_agent: string, place: Record<string, string>) => {
      const response = await fetch(`${platform.http.url}/api/v1/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': ip, 'user-agent': user_agent, ...place },
        body: JSON.stringify({ identifier: email, password: PASSWORD }),
      });
      return (await response.json()) as { access_token: string };
    };
    const home = { 'cf-ipcountry': 'DE', 'cf-ipcity': 'Berlin', 'cf-iplatitude': '52.5', 'cf-iplongitude': '13.4' };
    await logIn('198.51.100.7', 'phone/1', home);
    await platform.drain();
    const before = (await mailsFrom(platform.mailbox!.httpPort, email)).length;
    const { access_token: token } = await logIn('203.0.113.9', 'other/2', HEADERS);
    await platform.drain();
    const { sessions } = await expectOk(world.call(listSessions, {}, { token }));
    expect(sessions.map(({ location, device_name }: any) => [device_name, location])).toEqual([
      ['other', { country: 'NZ', city: 'Tāmaki Makaurau' }],
      ['phone', { country: 'DE', city: 'Berlin' }],
    ]);
    const history = await expectOk(world.call(getLoginHistory, { user_id }, { token: world.service_token }));
    const [latest, first] = Object.values(history).find((each) => Array.isArray(each)) as any[];
    expect([latest.risk_score, latest.location.country]).toEqual([1, 'NZ']);
    expect(first.risk_score ?? 0).toBe(0);
    const mails = await mailsFrom(platform.mailbox!.httpPort, email);
    expect(mails.length - before).toBe(1);
    expect(mails[0]!.text).toContain('unlike you');
  } finally {
    await platform.close();
  }
}, 60_000);
