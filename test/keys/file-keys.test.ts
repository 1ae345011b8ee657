import { spawn } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { calculateJwkThumbprint, createLocalJWKSet, type JWK, jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { fileKeys, openFileKeys, rotateKeys, withdrawKey } from '../../shared/keys/file-keys.ts';
import { PUBLISH_LEAD_MS, RETIRE_AFTER_MS, ROTATE_AFTER_MS } from '../../shared/keys/rotation.ts';
import { createTokenSigner } from '../../shared/keys/token-signer.ts';
import { createVerifier } from '../../shared/keys/verifier.ts';
import type { Keys } from '../../shared/ports/tokens.ts';
import { randomIds } from '../../shared/system/ids.ts';
import { configOf, ISSUER, settings, TestClock, tempFolder, testLog } from './harness.ts';

const { port: ids } = await randomIds.open({}, configOf({}));
const subject = { user_id: 'u', session_id: 's', generation: 1, permissions: ['users:read:*'], roles: [] };
const rules = { issuer: ISSUER, audience: 'perfect21' };
const revocations = { find: () => undefined, learn: () => {} };
const signerOf = (keys: Keys, clock: TestClock) => createTokenSigner({ signer: keys, clock, ids, settings });
const verifierOf = (keys: Keys, clock: TestClock) => createVerifier({ keys, clock, revocations }, rules);
const kidOf = (token: string): string => JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()).kid;
const kidsOf = async (keys: Keys) => (await keys.jwks()).keys.map(({ kid }) => kid as string);

const setUp = async (alg: 'RS256' | 'ES256' | 'EdDSA' = 'ES256') => {
  const file = join(tempFolder(), 'data', 'signing-keys.json');
  const [clock, log] = [new TestClock(), testLog()];
  return { file, clock, log, keys: await openFileKeys(file, alg, { clock, log }) };
};

describe('signing keys in a file', () => {
  test.each(['RS256', 'ES256', 'EdDSA'] as const)('%s tokens verify here and by any JWT library', async (alg) => {
    const { keys, clock } = await setUp(alg);
    const { access_token, jti, expires_at } = await signerOf(keys, clock).sign(subject);
    expect(expires_at).toBe(clock.seconds + 900);
    const verdict = await verifierOf(keys, clock).verify(access_token);
    expect(verdict).toMatchObject({ valid: true, claims: { sub: 'u', sid: 's', gen: 1, jti, client_id: 'perfect21' } });
    const { payload, protectedHeader } = await jwtVerify(access_token, createLocalJWKSet((await keys.jwks()) as any), {
      issuer: ISSUER,
      audience: 'perfect21',
      typ: 'at+jwt',
      algorithms: [alg],
      currentDate: new Date(clock.now()),
    });
    expect(payload.sub).toBe('u');
    expect(Object.keys(protectedHeader).sort()).toEqual(['alg', 'kid', 'typ']);
  });

  test.each([
    ['RS256', ['alg', 'e', 'kid', 'kty', 'n', 'use']],
    ['ES256', ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']],
    ['EdDSA', ['alg', 'crv', 'kid', 'kty', 'use', 'x']],
  ] as const)('the published %s set has public members only, and the thumbprint as kid', async (alg, members) => {
    const { keys } = await setUp(alg);
    const [jwk] = (await keys.jwks()).keys;
    expect(Object.keys(jwk!).sort()).toEqual(members);
    expect(jwk!.kid).toBe(await calculateJwkThumbprint(jwk as JWK));
    expect(jwk).toMatchObject({ alg, use: 'sig' });
  });

  test('file and folder are private, and nothing else is left in the folder', async () => {
    const { file } = await setUp();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(file, '..'))).toEqual(['signing-keys.json']);
  });

  test('a file that others may read stops the start and says what to do', async () => {
    const { file, clock, log } = await setUp();
    chmodSync(file, 0o640);
    await expect(openFileKeys(file, 'ES256', { clock, log })).rejects.toThrow(`run "chmod 600 ${file}"`);
  });

  test.each([
    ['no JSON', 'x'],
    ['no keys', '{"keys":[]}'],
    ['a public key only', '{"keys":[{"kid":"a","alg":"ES256","jwk":{"kty":"EC"},"created_at":1,"signs_from":1}]}'],
  ])('a file with %s stops the start in one line that shows no key', async (_, content) => {
    const file = join(tempFolder(), 'keys.json');
    writeFileSync(file, content, { mode: 0o600 });
    const opened = openFileKeys(file, 'ES256', { clock: new TestClock(), log: testLog() });
    await expect(opened).rejects.toThrow(/^[^\n]+is no set of signing keys[^\n]+$/);
  });

  test('a kid that stands twice, or a key of another algorithm, stops the start', async () => {
    const { file, clock, log } = await setUp();
    const [key] = JSON.parse(readFileSync(file, 'utf8')).keys;
    for (const [keys, why] of [
      [[key, key], 'a kid stands twice'],
      [[{ ...key, alg: 'RS256' }], 'a key does not fit its algorithm'],
    ] as const) {
      writeFileSync(file, JSON.stringify({ keys }));
      await expect(openFileKeys(file, 'ES256', { clock, log })).rejects.toThrow(why);
    }
  });

  test('no valid token is refused while keys rotate, by a verifier of another process neither', async () => {
    const { keys, file, clock, log } = await setUp();
    const other = await openFileKeys(file, 'ES256', { clock, log });
    const signer = signerOf(keys, clock);
    const verifiers = [verifierOf(keys, clock), verifierOf(other, clock)];
    const live: { token: string; until: number }[] = [];
    const kids = new Set<string>();
    for (let minute = 0; minute < 400; minute += 5) {
      if (minute % 90 === 20) await rotateKeys(file, clock);
      const { access_token } = await signer.sign(subject);
      kids.add(kidOf(access_token));
      live.push({ token: access_token, until: clock.now() + 900_000 });
      for (const { token, until } of live) {
        if (clock.now() >= until) continue;
        for (const verifier of verifiers) expect(await verifier.verify(token)).toMatchObject({ valid: true });
      }
      clock.pass(300_000);
    }
    expect(kids.size).toBeGreaterThan(2);
  });

  test('a rotated key is published by a running process within a second, signs after an hour and retires', async () => {
    const { keys, file, clock } = await setUp();
    const [first] = await kidsOf(keys);
    clock.pass(2000);
    await rotateKeys(file, clock, 'EdDSA');
    clock.pass(1000);
    const [, second] = await kidsOf(keys);
    expect(second).toBeDefined();
    expect(kidOf((await signerOf(keys, clock).sign(subject)).access_token)).toBe(first);
    clock.pass(PUBLISH_LEAD_MS);
    expect(kidOf((await signerOf(keys, clock).sign(subject)).access_token)).toBe(second);
    clock.pass(RETIRE_AFTER_MS);
    expect(await kidsOf(keys)).toEqual([second]);
    expect(await keys.verification(first!)).toBeUndefined();
  });

  test('a key that another process made is found when it is asked for', async () => {
    const { keys, file, clock } = await setUp();
    const [first] = await kidsOf(keys);
    await withdrawKey(file, first!, clock);
    const next = JSON.parse(readFileSync(file, 'utf8')).keys[0].kid;
    expect(await keys.verification(next)).toMatchObject({ kid: next });
    expect(await keys.verification(first!)).toBeUndefined();
  });

  test('a withdrawn key kills its tokens at once, those known to a verifier as well', async () => {
    const { keys, file, clock } = await setUp();
    const verifier = verifierOf(keys, clock);
    const { access_token } = await signerOf(keys, clock).sign(subject);
    expect(await verifier.verify(access_token)).toMatchObject({ valid: true });
    await withdrawKey(file, kidOf(access_token), clock);
    clock.pass(1000);
    expect(await verifier.verify(access_token)).toEqual({ valid: false, error: 'unknown_key' });
    const next = await signerOf(keys, clock).sign(subject);
    expect(await verifier.verify(next.access_token)).toMatchObject({ valid: true });
  });

  test('a key of 90 days is rotated by itself, once', async () => {
    const { keys, clock, log, file } = await setUp();
    clock.pass(ROTATE_AFTER_MS);
    expect(await kidsOf(keys)).toHaveLength(2);
    clock.pass(5000);
    expect(await kidsOf(keys)).toHaveLength(2);
    expect(log.codes).toEqual(['keys.rotated']);
    expect(JSON.parse(readFileSync(file, 'utf8')).keys).toHaveLength(2);
  });

  test('another algorithm in the configuration is rotated in, not switched to', async () => {
    const { file, clock, log } = await setUp('ES256');
    const keys = await openFileKeys(file, 'EdDSA', { clock, log });
    expect((await keys.jwks()).keys.map(({ alg }) => alg)).toEqual(['ES256', 'EdDSA']);
    expect((await keys.sign(() => new Uint8Array())).alg).toBe('ES256');
  });

  test('a file that vanishes or breaks while running leaves the keys as they are, and is logged', async () => {
    const { keys, file, clock, log } = await setUp();
    const [kid] = await kidsOf(keys);
    writeFileSync(file, 'x');
    clock.pass(1000);
    expect(await kidsOf(keys)).toEqual([kid]);
    rmSync(file);
    clock.pass(1000);
    expect(await keys.verification(kid!)).toBeDefined();
    expect(log.codes).toEqual(['keys.unreadable', 'keys.unreadable']);
  });

  test('processes that start together on one folder agree on one key', async () => {
    const file = join(tempFolder(), 'keys.json');
    const module = new URL('../../shared/keys/file-keys.ts', import.meta.url).href;
    const script = `
      import { openFileKeys } from ${JSON.stringify(module)};
      const log = { debug() {}, info() {}, warn() {}, error() {} };
      const keys = await openFileKeys(${JSON.stringify(file)}, 'ES256', { clock: { now: () => Date.now() }, log });
      process.stdout.write((await keys.jwks()).keys[0].kid);`;
    const run = () =>
      new Promise<string>((resolve, reject) => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let out = '';
        child.stdout.on('data', (chunk) => {
          out += chunk;
        });
        child.on('error', reject);
        child.on('close', (code) => (code === 0 ? resolve(out) : reject(new Error(`exit ${code}`))));
      });
    const kids = await Promise.all([run(), run(), run()]);
    expect(new Set(kids).size).toBe(1);
    expect(kids[0]).toMatch(/^[\w-]{43}$/);
  });

  test('the adapter takes file and algorithm from the configuration', async () => {
    const folder = tempFolder();
    const config = configOf({ PERFECT21_DATA_DIR: folder, PERFECT21_SIGNING_ALG: 'EdDSA' });
    const { port } = await fileKeys.open({ clock: new TestClock(), log: testLog() } as any, config);
    expect((await port.jwks()).keys[0]).toMatchObject({ alg: 'EdDSA', crv: 'Ed25519' });
    expect(readdirSync(folder)).toEqual(['signing-keys.json']);
  });
});
