/** A new master secret beside the old one: what was made before is good until the old one is retired. */
import { expect, test } from 'vitest';
import { mintDevice, readDevice } from '../../functions/auth/device-token.ts';
import { mint, read } from '../../functions/sessions/refresh-token.ts';
import { secretsIn } from '../../shared/config/keys.ts';
import { createSealer } from '../../shared/keys/sealer.ts';
import { createSecrets, secrets } from '../../shared/keys/secrets.ts';
import { cursors } from '../../shared/store/cursor.ts';
import { configOf } from './harness.ts';

const [OLD, NEW] = ['k3Jv0m8sQp2LxW9tZr5YhN7cBf1GdA4u', 'v9Qm2xTz7LpK4rWc8YsN1hJd6GbF3eRa'] as const;
const before = createSecrets(OLD);
const overlap = createSecrets(NEW, OLD);
const after = createSecrets(NEW);
const place = { collection: 'c', index: 'i', hash: 'h', order: 'asc' } as const;
const ids = {
  uuid: () => '01890a5d-ac96-774b-bcce-b302099a8057',
  random: (bytes = 32) => 'r'.repeat(Math.ceil((bytes * 4) / 3)),
};

/** Each thing that a secret makes, and what reads it: undefined where it does not. */
const KINDS: Record<string, [make: (by: typeof before) => string, open: (by: typeof before, text: string) => unknown]> =
  {
    'a sealed value': [(by) => createSealer(by).seal('x', 'p'), (by, text) => createSealer(by).open(text, 'p')],
    'a refresh token': [(by) => mint(by, ids, ids.uuid(), 1), (by, text) => read(by, text)],
    'a device token': [(by) => mintDevice(by, ids, 'u', 0), (by, text) => readDevice(by, text, 'u', 0)],
    'a cursor': [
      (by) => cursors(by).write(place, { sort: 's', id: '1' }),
      (by, text) => {
        try {
          return cursors(by).read(place, text);
        } catch {
          return undefined;
        }
      },
    ],
  };

test.each(Object.keys(KINDS))(
  '%s of before opens beside a new secret, and no more when the old one is retired',
  (kind) => {
    const [make, open] = KINDS[kind]!;
    const old = make(before);
    expect(open(overlap, old)).toBeDefined();
    expect(open(after, old)).toBeUndefined();
    // what is made meanwhile is made with the new one
    const fresh = make(overlap);
    expect(open(after, fresh)).toBeDefined();
    expect(open(before, fresh)).toBeUndefined();
  },
);

test('several secrets are separated by commas, by lines, or a JSON list; each has to be strong', async () => {
  for (const text of [`${NEW},${OLD}`, `${NEW}, ${OLD}`, `${NEW}\n${OLD}\n`, JSON.stringify([NEW, OLD])])
    expect(secretsIn(text)).toEqual([NEW, OLD]);
  expect(secretsIn(OLD)).toEqual([OLD]);
  expect(secretsIn(JSON.stringify([`${OLD},x`]))).toEqual([`${OLD},x`]);
  for (const text of ['', 'short', `${NEW},short`, '[]']) expect(() => secretsIn(text)).toThrow('too weak');
  const { port } = await secrets.open({}, configOf({ PERFECT21_SECRET: `${NEW},${OLD}` }));
  expect(port.keys('cursor')).toEqual([after.key('cursor'), before.key('cursor')]);
});
