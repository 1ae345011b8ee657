import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPrivateFile, readPrivateFile } from '../../shared/keys/private-file.ts';
import { createSealer, sealer } from '../../shared/keys/sealer.ts';
import { createSecrets, readOrMakeSecrets, secrets } from '../../shared/keys/secrets.ts';
import { configOf, tempFolder } from './harness.ts';

const MASTER = 'k3Jv0m8sQp2LxW9tZr5YhN7cBf1GdA4u';
const PURPOSES = ['cursor', 'refresh-token', 'event-seal', 'service-token'] as const;

describe('secrets', () => {
  test('each purpose has its own 32 bytes, always the same', () => {
    const [one, two] = [createSecrets(MASTER), createSecrets(MASTER)];
    const keys = PURPOSES.map((purpose) => Buffer.from(one.key(purpose)).toString('hex'));
    expect(new Set(keys).size).toBe(PURPOSES.length);
    expect(PURPOSES.map((purpose) => Buffer.from(two.key(purpose)).toString('hex'))).toEqual(keys);
    expect(one.key('cursor')).toHaveLength(32);
    expect(createSecrets(`${MASTER}x`).key('cursor')).not.toEqual(one.key('cursor'));
  });

  test('the key of a purpose stays the same in later versions', () => {
    expect(Buffer.from(createSecrets(MASTER).key('cursor')).toString('hex')).toMatchInlineSnapshot(
      `"f3f9e416ef6ebe8044bcb239b2a099ddb0fcd3af38ceb1961889627fbf5c5985"`,
    );
  });

  test('without PERFECT21_SECRET one is made in the data folder, private, and kept', async () => {
    const folder = join(tempFolder(), 'data');
    const config = configOf({ PERFECT21_DATA_DIR: folder });
    const first = (await secrets.open({}, config)).port.key('cursor');
    expect((await secrets.open({}, config)).port.key('cursor')).toEqual(first);
    expect(statSync(join(folder, 'secret')).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder)).toEqual(['secret']);
  });

  test('with PERFECT21_SECRET nothing is written', async () => {
    const folder = tempFolder();
    const { port } = await secrets.open({}, configOf({ PERFECT21_DATA_DIR: folder, PERFECT21_SECRET: MASTER }));
    expect(port.key('cursor')).toEqual(createSecrets(MASTER).key('cursor'));
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a secret that others may read, or a weak one, stops the start', () => {
    const folder = tempFolder();
    readOrMakeSecrets(folder);
    chmodSync(join(folder, 'secret'), 0o644);
    expect(() => readOrMakeSecrets(folder)).toThrow(/^[^\n]*run "chmod 600 [^\n]*$/);
    chmodSync(join(folder, 'secret'), 0o600);
    for (const content of ['short', '']) {
      writeFileSync(join(folder, 'secret'), content);
      expect(() => readOrMakeSecrets(folder)).toThrow(
        /^[^\n]*\/secret holds no secret, or one that is too weak: restore it/,
      );
    }
  });

  test('a folder that can not be written stops the start with one line', () => {
    const file = join(tempFolder(), 'a-file');
    writeFileSync(file, '');
    expect(() => readOrMakeSecrets(join(file, 'data'))).toThrow(/^[^\n]+ can't be (created|read)[^\n]+$/);
  });

  test('who comes second reads what the first one wrote', () => {
    const file = join(tempFolder(), 'x');
    createPrivateFile(file, 'first');
    createPrivateFile(file, 'second');
    expect(readFileSync(file, 'utf8')).toBe('first');
    expect(readPrivateFile(join(file, '..', 'none'))).toBeUndefined();
  });

  test('processes that start together agree on one secret', () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'data'));
    const module = new URL('../../shared/keys/secrets.ts', import.meta.url).href;
    const script = `
      import { readOrMakeSecrets } from ${JSON.stringify(module)};
      console.log(readOrMakeSecrets(${JSON.stringify(join(folder, 'data'))}));`;
    writeFileSync(join(folder, 'one.mjs'), script);
    const all = `for n in 1 2 3 4; do "${process.execPath}" "${join(folder, 'one.mjs')}" & done; wait`;
    const lines = spawnSync('sh', ['-c', all], { encoding: 'utf8' }).stdout.trim().split('\n');
    expect(lines).toHaveLength(4);
    expect(new Set(lines).size).toBe(1);
  });
});

describe('sealer', () => {
  const one = createSealer(createSecrets(MASTER));
  const text = fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed());

  test('what was sealed for a purpose opens for it, and only for it, by any process with the secret', async () => {
    const { port: other } = await sealer.open({ secrets: createSecrets(MASTER) } as any, configOf({}));
    fc.assert(
      fc.property(text, text, text, (plain, purpose, wrong) => {
        const sealed = one.seal(plain, purpose);
        expect(sealed).toMatch(/^p1\.[\w-]+$/);
        expect(other.open(sealed, purpose)).toBe(plain);
        if (wrong !== purpose) expect(one.open(sealed, wrong)).toBeUndefined();
      }),
    );
  });

  test('any change makes it unreadable', () => {
    const sealed = one.seal('the token', 'mail');
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.string({ maxLength: 2 }), (at, put) => {
        const changed = sealed.slice(0, at) + put + sealed.slice(at + 1);
        if (changed !== sealed) expect(one.open(changed, 'mail')).toBeUndefined();
      }),
    );
  });

  test('any text is answered with undefined', () => {
    fc.assert(
      fc.property(fc.string(), (any) => {
        expect(one.open(any, 'mail')).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array(), (any) => {
        expect(one.open(`p1.${Buffer.from(any).toString('base64url')}`, 'mail')).toBeUndefined();
      }),
    );
  });

  test('another secret opens nothing, and the same text is sealed differently each time', () => {
    const sealed = one.seal('x', 'mail');
    expect(createSealer(createSecrets(`${MASTER}x`)).open(sealed, 'mail')).toBeUndefined();
    expect(one.seal('x', 'mail')).not.toBe(sealed);
  });
});
