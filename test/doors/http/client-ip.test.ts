import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalIp, clientIp } from '../../../shared/doors/binding/client-ip.ts';
import { startDemo } from './harness.ts';

describe('the client’s address', () => {
  it('is the peer’s, whatever a header says, when the peer is no trusted proxy', () => {
    const ip = clientIp([]);
    expect(ip('203.0.113.9', '1.2.3.4')).toBe('203.0.113.9');
    expect(clientIp(['10.0.0.0/8'])('203.0.113.9', '1.2.3.4')).toBe('203.0.113.9');
    expect(ip(undefined, '1.2.3.4')).toBeUndefined();
  });

  it('is the right-most hop that is no proxy of ours', () => {
    const ip = clientIp(['10.0.0.0/8', '2001:db8:1::/48', '192.0.2.1']);
    expect(ip('10.1.2.3', '203.0.113.7')).toBe('203.0.113.7');
    expect(ip('10.1.2.3', '6.6.6.6, 203.0.113.7, 10.9.9.9')).toBe('203.0.113.7');
    expect(ip('::ffff:10.1.2.3', '203.0.113.7')).toBe('203.0.113.7');
    expect(ip('2001:db8:1::5', '[2001:DB8:2:0:0:0:0:1]:443, 192.0.2.1')).toBe('2001:db8:2::1');
    expect(ip('10.1.2.3', '203.0.113.7:4711')).toBe('203.0.113.7');
    expect(ip('10.1.2.3')).toBe('10.1.2.3');
  });

  it('is the last hop that is known when the header is garbage', () => {
    const ip = clientIp(['10.0.0.0/8']);
    for (const garbage of [
      'unknown',
      '6.6.6.6, unknown',
      ' ',
      '6.6.6.6,',
      '1.2.3.4.5',
      "'; drop",
      '6.6.6.6, 999.1.1.1',
    ]) {
      expect(ip('10.1.2.3', garbage)).toBe('10.1.2.3');
    }
    expect(ip('10.1.2.3', '10.0.0.4, 10.0.0.5')).toBe('10.0.0.4');
  });

  it('is written in one way', () => {
    expect(canonicalIp('2001:0DB8:0000:0000:0000:0000:0000:0001')).toBe('2001:db8::1');
    expect(canonicalIp('fe80::1%eth0')).toBe('fe80::1');
    expect(canonicalIp('::FFFF:192.0.2.1')).toBe('192.0.2.1');
    expect(canonicalIp('::ffff:c000:201')).toBe('192.0.2.1');
    expect(canonicalIp('localhost')).toBeUndefined();
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const once = canonicalIp(address)!;
        expect(canonicalIp(once)).toBe(once);
        expect(once).toBe(once.toLowerCase());
      }),
    );
  });

  it('can’t be moved by what a client writes in front of an honest proxy', () => {
    const ip = clientIp(['10.0.0.0/8']);
    fc.assert(
      fc.property(fc.string(), fc.ipV4(), (invented, honest) => {
        fc.pre(!honest.startsWith('10.'));
        expect(ip('10.0.0.1', `${invented}, ${honest}`)).toBe(honest);
      }),
    );
  });

  it('needs proxies that are addresses or ranges', () => {
    for (const wrong of ['10.0.0.0/33', '10.0.0.0/8/8', 'proxy', '', '::/129', '10.0.0.0/-1', '10.0.0.0/']) {
      expect(() => clientIp([wrong])).toThrow(`PERFECT21_TRUSTED_PROXIES: "${wrong}"`);
    }
  });

  it('reaches the operation through the door', async () => {
    const ask = async (trusted_proxies: string[]) => {
      await using door = await startDemo({ trusted_proxies });
      const answer = await fetch(`${door.url}/api/v1/echo`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': '6.6.6.6, 203.0.113.7' },
        body: '{"text":"a"}',
      });
      return ((await answer.json()) as { ip: string }).ip;
    };
    expect(await ask([])).toBe('127.0.0.1');
    expect(await ask(['127.0.0.0/8'])).toBe('203.0.113.7');
  });
});
