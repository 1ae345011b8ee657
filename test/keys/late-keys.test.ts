import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fileKeys, fileSigner } from '../../shared/keys/file-keys.ts';
import { openKeyFile } from '../../shared/keys/key-file.ts';
import { lateSigner, lateVerificationKeys } from '../../shared/keys/late-keys.ts';
import { doRest } from '../../shared/kit/late.ts';
import type { Signer, VerificationKeys } from '../../shared/ports/tokens.ts';
import { configOf, TestClock, tempFolder, testLog } from './harness.ts';

let folder = '';
const file = () => join(folder, 'signing-keys.json');
const open = async () => {
  const ports = { clock: new TestClock(), log: testLog() };
  const config = configOf({ PERFECT21_DATA_DIR: folder, PERFECT21_SIGNING_ALG: 'ES256' });
  const [keys, signer] = await Promise.all([fileKeys.open(ports, config), fileSigner.open(ports, config)]);
  closing.push(async () => signer.close?.());
  return { ...ports, keys: keys.port as VerificationKeys, signer: signer.port as Signer, close: signer.close! };
};
const closing: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = tempFolder();
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const made = async () => {
  const opened = await open();
  expect(existsSync(file())).toBe(false);
  return opened;
};
const kidIn = (): string => JSON.parse(readFileSync(file(), 'utf8')).keys[0].kid;

describe('keys of a file that is not there yet', () => {
  test('are made for the first signature, and verify it', async () => {
    const { keys, signer } = await made();
    const { kid } = await signer.sign(() => new Uint8Array(1));
    expect([kid, (await keys.verification(kid))?.kid]).toEqual([kidIn(), kidIn()]);
  });

  test('are made for the first look at the JWK Set, and sign', async () => {
    const { keys, signer } = await made();
    expect((await keys.jwks()).keys.map(({ kid }) => kid)).toEqual([kidIn()]);
    expect(await signer.sign(() => new Uint8Array(1))).toMatchObject({ kid: kidIn() });
  });

  test('are one key, however many ask for it at once', async () => {
    const { keys, signer } = await made();
    const [{ kid }, other, set] = await Promise.all([
      signer.sign(() => new Uint8Array(1)),
      signer.sign(() => new Uint8Array(2)),
      keys.jwks(),
    ]);
    expect([other.kid, ...set.keys.map((key) => key.kid)]).toEqual([kid, kid]);
  });

  test('are made when the process has time for it', async () => {
    await made();
    await doRest();
    await expect.poll(() => existsSync(file())).toBe(true);
  });

  test('are not made by a process that has ended', async () => {
    const opening = vi.fn();
    const late = lateSigner(opening, testLog());
    await late.close!();
    await doRest();
    expect(opening).not.toHaveBeenCalled();
  });

  test('are not made for a token of somebody else, and found once another process has made them', async () => {
    const { keys, clock } = await made();
    expect(await keys.verification('unknown')).toBeUndefined();
    expect(existsSync(file())).toBe(false);
    await openKeyFile(file(), 'ES256', clock);
    expect(await keys.verification(kidIn())).toMatchObject({ kid: kidIn(), alg: 'ES256' });
  });

  test('are asked for again after a time when they could not be made, which is logged', async () => {
    const log = testLog();
    const signer: Signer = { sign: async () => ({ kid: 'a', alg: 'ES256', signature: new Uint8Array() }) };
    const opening = vi.fn(async () => signer).mockRejectedValueOnce(new Error('no room'));
    const late = lateSigner(opening, log);
    await expect(late.port.sign(() => new Uint8Array())).rejects.toThrow('no room');
    expect(log.codes).toEqual(['keys.not_made']);
    expect(await late.port.sign(() => new Uint8Array())).toMatchObject({ kid: 'a' });
    const keys = lateVerificationKeys(
      vi.fn(async () => ({ jwks: async () => ({ keys: [] }) }) as any).mockRejectedValueOnce(new Error('no room')),
      () => false,
    );
    await expect(keys.port.jwks()).rejects.toThrow('no room');
    expect(await keys.port.jwks()).toEqual({ keys: [] });
  });

  test('whose folder can not be made stop the start', async () => {
    writeFileSync(join(folder, 'taken'), '');
    folder = join(folder, 'taken');
    await expect(open()).rejects.toThrow(`${file()} can't be created (EEXIST): make ${folder} writable for this user`);
  });
});
