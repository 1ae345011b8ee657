import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { encryptFor, MAX_PLAIN } from '../../shared/delivery/push/encryption.ts';
import { vapidOf } from '../../shared/delivery/push/vapid.ts';
import { isPublicAddress, openWebPush, publicLookup } from '../../shared/delivery/push/web-push.ts';
import { createSecrets } from '../../shared/keys/secrets.ts';
import type { PushMessage } from '../../shared/ports/push.ts';
import { newBrowser, startPushService } from '../engines/push-service.ts';

const NOW = Date.parse('2026-05-09T12:00:00Z');
const secret = createSecrets('a master secret for tests only').key('web-push');
const vapid = vapidOf(secret, 'mailto:ops@example.org');

describe('the encryption of RFC 8291', () => {
  // Appendix A of RFC 8291
  const example = {
    plain: 'When I grow up, I want to be a watermelon',
    as_private: 'yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw',
    ua_private: 'q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94',
    ua_public: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
    salt: 'DGv6ra1nlYgDCS1FRnbzlw',
    auth: 'BTBZMqHH6r4Tts7J_aSIgg',
    output:
      'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
  };

  test('gives what the example of the RFC gives', () => {
    const { plain, as_private, ua_public, salt, auth, output } = example;
    const from = { salt: Buffer.from(salt, 'base64url'), private_key: Buffer.from(as_private, 'base64url') };
    const made = encryptFor({ p256dh: ua_public, auth }, Buffer.from(plain), from);
    expect(made.toString('base64url')).toBe(output);
    const browser = newBrowser({ private_key: example.ua_private, auth });
    expect(browser.public_key).toBe(ua_public);
    expect(browser.read(made)).toBe(plain);
  });

  test('is read by the browser it is for, differs each time, and fits one record', () => {
    const [browser, other] = [newBrowser(), newBrowser()];
    const keys = { p256dh: browser.public_key, auth: browser.auth };
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        const made = encryptFor(keys, Buffer.from(text));
        expect(browser.read(made)).toBe(text);
        expect(made.equals(encryptFor(keys, Buffer.from(text)))).toBe(false);
        expect(() => other.read(made)).toThrow();
      }),
      { numRuns: 30 },
    );
    expect(encryptFor(keys, Buffer.alloc(MAX_PLAIN, 'x')).length).toBe(4096);
    expect(() => encryptFor(keys, Buffer.alloc(MAX_PLAIN + 1))).toThrow();
  });

  test('refuses a key that is no point of the curve', () => {
    const { auth } = newBrowser();
    for (const p256dh of [Buffer.alloc(65, 4), Buffer.alloc(65), Buffer.alloc(10)]) {
      expect(() => encryptFor({ p256dh: p256dh.toString('base64url'), auth }, Buffer.from('x'))).toThrow();
    }
  });
});

describe('the key of push messages', () => {
  test('follows from the master secret: the same in every process, another one for another secret', () => {
    expect(vapidOf(secret, 'x').public_key).toBe(vapid.public_key);
    expect(vapidOf(createSecrets('another').key('web-push'), 'x').public_key).not.toBe(vapid.public_key);
    expect(Buffer.from(vapid.public_key, 'base64url')).toHaveLength(65);
  });
});

describe('Web Push', () => {
  let service: Awaited<ReturnType<typeof startPushService>>;
  beforeEach(async () => {
    service = await startPushService();
  });
  afterEach(() => service.close());

  const open = (options: object = {}) => {
    const opened = openWebPush(vapid, { now: () => NOW }, { ...service.reach, ...options });
    onTestFinished(opened.close);
    return opened.send;
  };
  const browser = newBrowser();
  const to = (more: Partial<PushMessage> = {}, endpoint = `${service.origin}/push/abc`): PushMessage => ({
    target: { kind: 'web', endpoint, keys: { p256dh: browser.public_key, auth: browser.auth } },
    title: 'Alert',
    text: 'Look at it 你好',
    urgency: 'high',
    ttl: 600,
    message_id: '01890a5e-0000-7000-8000-000000000015',
    ...more,
  });

  test('reaches the browser with title and text, signed by our key for this push service', async () => {
    await open()(to({ url: 'https://example.org/x' }));
    const [{ path, headers, body, claims, key }] = service.pushed as [(typeof service.pushed)[0]];
    expect(path).toBe('/push/abc');
    expect(JSON.parse(browser.read(body))).toEqual({
      id: '01890a5e-0000-7000-8000-000000000015',
      title: 'Alert',
      text: 'Look at it 你好',
      url: 'https://example.org/x',
    });
    expect(headers).toMatchObject({ ttl: '600', urgency: 'high', 'content-encoding': 'aes128gcm' });
    expect(headers.topic).toMatch(/^[A-Za-z0-9_-]{1,32}$/);
    expect(claims).toEqual({ aud: service.origin, exp: NOW / 1000 + 12 * 3600, sub: 'mailto:ops@example.org' });
    expect(key).toBe(vapid.public_key);
  });

  test('replaces the same message where it still waits, so that a second try is not a second message', async () => {
    const send = open();
    await send(to());
    await send(to());
    await send(to({ message_id: '01890a5e-0000-7000-8000-000000000016' }));
    const [one, two, three] = service.pushed.map(({ headers }) => headers.topic);
    expect(one).toBe(two);
    expect(three).not.toBe(one);
  });

  test('shortens a text that is too long for a push message', async () => {
    await open()(to({ text: '你'.repeat(3_000) }));
    expect(JSON.parse(browser.read(service.pushed[0]!.body)).text).toMatch(/^你{500,}$/);
  });

  test.each([
    [404, 'not_found'],
    [410, 'not_found'],
    [400, 'invalid_request'],
    [403, 'invalid_request'],
    [413, 'invalid_request'],
    [302, 'invalid_request'],
    [429, 'unavailable'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ])('takes status %i as %s, and asks once', async (status, code) => {
    service.state.status = status;
    service.state.location = `${service.origin}/elsewhere`;
    await expect(open()(to())).rejects.toMatchObject({ code });
    expect(service.state.requests).toBe(1);
  });

  test('takes silence as away, in bounded time', async () => {
    service.state.silence = true;
    const started = performance.now();
    await expect(open({ timeout_ms: 300 })(to())).rejects.toMatchObject({ code: 'unavailable' });
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  test('goes to nothing but https under a name', async () => {
    for (const endpoint of ['http://push.example.org/x', 'https://127.0.0.1/x', 'https://[::1]/x', 'https://10.1/x']) {
      await expect(open()(to({}, endpoint))).rejects.toMatchObject({ code: 'invalid_request' });
    }
    expect(service.state.requests).toBe(0);
  });

  test('connects to public addresses only, whatever a name says', async () => {
    const send = open({ lookup: publicLookup });
    await expect(send(to())).rejects.toMatchObject({ code: 'unavailable' });
    expect(service.state.requests).toBe(0);
  });

  test.each([
    ['127.0.0.1', '10.1.2.3', '172.31.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1'],
    [
      '::1',
      '::',
      'fe80::1',
      'fd00:ec2::254',
      '::ffff:127.0.0.1',
      '::ffff:a9fe:a9fe',
      '2002:7f00:1::',
      '64:ff9b::7f00:1',
    ],
    ['255.255.255.255', 'localhost', ''],
  ])('counts %s and others like it as not public', (...addresses) => {
    for (const address of addresses) expect([address, isPublicAddress(address)]).toEqual([address, false]);
    for (const address of ['8.8.8.8', '1.1.1.1', '2606:4700::1111', '2a00:1450:4001::200e']) {
      expect([address, isPublicAddress(address)]).toEqual([address, true]);
    }
  });
});
