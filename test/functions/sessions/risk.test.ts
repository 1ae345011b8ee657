import { describe, expect, test } from 'vitest';
import { deviceName } from '../../../functions/sessions/device-name.ts';
import { type Judged, RISKY, riskOf, type Usual } from '../../../functions/sessions/risk.ts';
import { distance, isTooFar } from '../../../functions/sessions/travel.ts';
import { usualAfter } from '../../../functions/sessions/usual.ts';

const BERLIN = { country: 'DE', latitude: 52.5, longitude: 13.4 };
const WELLINGTON = { country: 'NZ', latitude: -41.3, longitude: 174.8 };
const HOUR = 3_600;
const usual: Usual = { networks: ['home', 'office'], devices: ['phone'], last: { at: 0, place: BERLIN } };
const as: Judged = { network: 'home', device: 'phone', known: false, failures: 0, changes: 0, at: HOUR };

describe('a login', () => {
  test.each<[string, Usual | undefined, Partial<Judged>, number, string[]]>([
    ['as always is no risk', usual, { place: BERLIN }, 0, []],
    ['that is the first is compared with nothing', undefined, { network: 'x', device: 'y', place: WELLINGTON }, 0, []],
    ['from another network', usual, { network: 'cafe' }, 0.2, ['new_network']],
    ['on another device', usual, { device: 'laptop' }, 0.3, ['new_device']],
    ['on another device that shows its token', usual, { device: 'laptop', known: true }, 0, []],
    ['of which nothing is known', usual, { network: '', device: '' }, 0, []],
    ['after failures', usual, { failures: 3 }, 0.15, ['failures_before']],
    ['after many failures', usual, { failures: 99 }, 0.3, ['failures_before']],
    ['beside sessions that changed', usual, { changes: 50 }, 0.5, ['clients_changed']],
    ['from the other side of the world, an hour later', usual, { place: WELLINGTON }, 0.5, ['impossible_travel']],
    ['from there, a week later', usual, { place: WELLINGTON, at: 7 * 24 * HOUR }, 0, []],
  ])('%s', (_, before, login, score, reasons) => {
    expect(riskOf(before, { ...as, ...login })).toEqual({ score, reasons });
  });

  test('is told about when a stranger with the password may be behind it, and not when its owner bought a phone', () => {
    const phone = riskOf(usual, { ...as, network: 'cafe', device: 'new phone' });
    expect(phone.score).toBeLessThanOrEqual(RISKY);
    const abroad = riskOf(usual, { ...as, network: 'x', device: 'y', place: WELLINGTON });
    const guessed = riskOf(usual, { ...as, network: 'x', device: 'y', failures: 6 });
    expect(abroad.score).toBe(1);
    expect(guessed.score).toBeGreaterThan(RISKY);
  });
});

describe('travel', () => {
  test('is measured over the globe', () => {
    expect(distance(BERLIN, WELLINGTON)).toBeCloseTo(18_135, -2);
    expect(distance({ latitude: 0, longitude: 179.9 }, { latitude: 0, longitude: -179.9 })).toBeLessThan(23);
    expect(distance(BERLIN, BERLIN)).toBe(0);
  });

  test.each([
    ['a flight', BERLIN, { country: 'NZ', latitude: -41.3, longitude: 174.8 }, 22 * HOUR, false],
    ['no flight', BERLIN, WELLINGTON, 10 * HOUR, true],
    ['an error of the database', BERLIN, { country: 'PL', latitude: 52.2, longitude: 20 }, 60, false],
    ['two countries at once', { country: 'DE' }, { country: 'NZ' }, 60, true],
    ['two countries in an hour', { country: 'DE' }, { country: 'NL' }, HOUR, false],
    ['nothing known', {}, WELLINGTON, 0, false],
    ['a clock that was set back', BERLIN, BERLIN, -HOUR, false],
  ])('%s', (_, place, to, seconds, far) => {
    expect(isTooFar({ at: 0, place }, { at: seconds, place: to })).toBe(far);
  });
});

test('what is usual is bounded, blurred, and keeps the last place that was known', () => {
  let after: Usual | undefined;
  for (let n = 0; n < 50; n++) after = usualAfter(after, { network: `n${n}`, device: `d${n % 2}`, at: n });
  expect(after!.networks).toHaveLength(20);
  expect(after!.networks.at(-1)).toBe('n49');
  expect(after!.devices).toEqual(['d0', 'd1']);
  const place = { country: 'DE', latitude: 52.52437, longitude: 13.41053 };
  const placed = usualAfter(after, { network: '', device: '', place, at: 60 });
  expect(placed.last).toEqual({ at: 60, place: { country: 'DE', latitude: 52.5, longitude: 13.4 } });
  expect(usualAfter(placed, { network: '', device: '', at: 70 }).last).toEqual(placed.last);
});

test.each([
  ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
  [
    'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0',
    'Edge on Windows',
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) AppleWebKit/605.1 (KHTML, like Gecko) Version/17.0 Safari/605.1',
    'Safari on macOS',
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 CriOS/140.0 Mobile Safari/604.1',
    'Chrome on iPhone',
  ],
  ['Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36', 'Chrome on Android'],
  ['curl/8.5.0', 'curl'],
  ['', ''],
  ['<script>', ''],
])('a device that says %s is called %s', (agent, name) => {
  expect(deviceName(agent)).toBe(name);
  expect(deviceName(agent, { device_name: 'Ada’s phone' })).toBe('Ada’s phone');
});
