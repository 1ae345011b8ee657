import { describe, expect, test } from 'vitest';
import { isoOf, NamedMoment } from '../../shared/kit/moment.ts';

describe('a moment that a caller names', () => {
  test.each([
    [1_798_761_600, '2027-01-01T00:00:00.000Z'],
    [0, '1970-01-01T00:00:00.000Z'],
    ['2027-01-01T02:00:00+02:00', '2027-01-01T02:00:00+02:00'],
  ])('%s is read as %s', (given, read) => {
    expect(isoOf(NamedMoment.parse(given))).toBe(read);
  });

  const NONE = [-1, 1.5, 253_402_300_800, 'x', '1798761600', '2027-01-01', '2027-01-01T00:00:00', null];
  test.each(NONE)('%s is none', (given) => {
    expect(NamedMoment.safeParse(given).success).toBe(false);
  });
});
