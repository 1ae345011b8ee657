/** Marks of clients in tokens: what they tell, and what they keep to themselves. */
import { describe, expect, test } from 'vitest';
import { createClientMarks } from '../../shared/keys/client-marks.ts';
import { createSecrets } from '../../shared/keys/secrets.ts';
import type { MarkedClient } from '../../shared/ports/client-marks.ts';
import type { AccessClaims } from '../../shared/ports/tokens.ts';

const SECRET = 'a master secret of these tests 0123456789';
const marks = createClientMarks(createSecrets(SECRET));
const claimsOf = (client: MarkedClient, sid = 's') => ({ sid, cnx: marks.of(sid, client) }) as AccessClaims;
const home = { ip_address: '198.51.100.7', user_agent: 'phone/1', device_id: 'one' };

describe('a client is the same', () => {
  test.each<[string, MarkedClient, MarkedClient]>([
    ['in a network of 256 addresses', { ip_address: '198.51.100.7' }, { ip_address: '198.51.100.250' }],
    ['in an IPv6 network of one customer', { ip_address: '2001:db8::1' }, { ip_address: '2001:DB8:0:0:ff::9' }],
    ['when IPv4 is written as IPv6', { ip_address: '198.51.100.7' }, { ip_address: '::ffff:198.51.100.9' }],
    ['when its token knew nothing of it', {}, home],
    ['when nothing is said of it', home, {}],
    ['when what is said is no address', home, { ip_address: 'nowhere' }],
    ['when a user agent was longer than one may say', { user_agent: 'x'.repeat(900) }, { user_agent: 'x'.repeat(512) }],
  ])('%s', (_, before, after) => expect(marks.changes(claimsOf(before), after)).toEqual([]));
});

test('a client that moved is told from one that is another device, and both at once', () => {
  const claims = claimsOf(home);
  expect(marks.changes(claims, { ...home, ip_address: '198.51.101.7' })).toEqual(['ip_changed']);
  expect(marks.changes(claims, { ip_address: '2001:db8::1' })).toEqual(['ip_changed']);
  expect(marks.changes(claims, { ...home, user_agent: 'phone/2' })).toEqual(['device_changed']);
  expect(marks.changes(claims, { ...home, device_id: 'two' })).toEqual(['device_changed']);
  expect(marks.changes(claims, { ip_address: '203.0.113.1', device_id: 'two' })).toHaveLength(2);
});

test('who has another secret, or a token from before, says nothing of a client', () => {
  const others = createClientMarks(createSecrets(`${SECRET}, another`));
  const moved = { ip_address: '203.0.113.1', user_agent: 'x', device_id: 'y' };
  expect(others.changes(claimsOf(home), moved)).toEqual([]);
  expect(marks.changes({ sid: 's' } as AccessClaims, moved)).toEqual([]);
  expect(marks.changes({ sid: 's', cnx: '...' } as AccessClaims, moved)).toEqual([]);
});

test('a mark is short, and the same client has another one in every session', () => {
  const [one, two] = [marks.of('one', home), marks.of('two', home)];
  expect(one.length).toBeLessThanOrEqual(27);
  const [, ...parts] = one.split('.');
  expect(two.split('.').filter((part) => parts.includes(part))).toEqual([]);
});

test('a change is news once for each session', () => {
  expect(marks.news('n', ['ip_changed'])).toEqual(['ip_changed']);
  expect(marks.news('n', ['ip_changed', 'device_changed'])).toEqual(['device_changed']);
  expect(marks.news('n', ['ip_changed', 'device_changed'])).toEqual([]);
  expect(marks.news('m', ['ip_changed'])).toEqual(['ip_changed']);
});
