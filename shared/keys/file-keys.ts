/** Signing keys from a private file on this machine, shared by the processes that use it; rotates by itself. */
import type { KeyObject } from 'node:crypto';
import { lstatSync, statSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { StartError } from '../config/start-error.ts';
import { adapter, type Opened } from '../kit/adapter.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Keys, Signer, VerificationKey, VerificationKeys } from '../ports/tokens.ts';
import { readPrivateKey, readVerificationKey, type SigningAlg, toPublicJwk } from './jwk.ts';
import { signBytes } from './jws.ts';
import { openKeyFile, readKeyFile, rotateKeys } from './key-file.ts';
import { lateSigner, lateVerificationKeys } from './late-keys.ts';
import { preparePrivateFile } from './private-file.ts';
import { isPublished, isRotationDue, type SigningKey, signingKey } from './rotation.ts';

export { rotateKeys, withdrawKey } from './key-file.ts';

/** How often the file is looked at, and separately for a key that is not known. */
const LOOK_EVERY_MS = 1000;
/** After a rotation that failed, e.g. because the file can't be written. */
const RETRY_ROTATION_MS = 3_600_000;

interface Loaded extends SigningKey {
  /** Absent where nothing is signed. */
  private_key?: KeyObject;
  verification: VerificationKey;
}

class FileKeys implements Keys {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #signs: boolean;
  #keys = new Map<string, Loaded>();
  #stamp = '';
  #looked = Number.NEGATIVE_INFINITY;
  #asked = Number.NEGATIVE_INFINITY;
  #rotateFrom = Number.NEGATIVE_INFINITY;
  #rotating: Promise<void> | undefined;

  /** @param signs false for the public halves only: then no private key is made of what the file holds, and none rotated */
  constructor(file: string, { clock, log }: { clock: Clock; log: Log }, signs: boolean) {
    this.#file = file;
    this.#clock = clock;
    this.#log = log;
    this.#signs = signs;
    this.#load();
  }

  verification(kid: string): VerificationKey | undefined {
    this.#look();
    const now = this.#clock.now();
    if (!this.#keys.has(kid) && Math.abs(now - this.#asked) >= LOOK_EVERY_MS) {
      this.#asked = now;
      this.#looked = Number.NEGATIVE_INFINITY;
      this.#look();
    }
    const found = this.#keys.get(kid);
    return found && isPublished(found, now) ? found.verification : undefined;
  }

  async sign(input: (header: { kid: string; alg: string }) => Uint8Array) {
    this.#look();
    const key = signingKey([...this.#keys.values()], this.#clock.now()) as Loaded | undefined;
    if (!key?.private_key) throw new Error('no key signs at this time');
    const { kid, alg, private_key } = key;
    return { kid, alg, signature: signBytes(alg, private_key, input({ kid, alg })) };
  }

  async jwks() {
    this.#look();
    await this.#rotating;
    const now = this.#clock.now();
    const published = [...this.#keys.values()].filter((key) => isPublished(key, now));
    return { keys: published.map(({ verification }) => toPublicJwk(verification)) };
  }

  /** Adds the next key when it is time. Never throws: the present key goes on signing. */
  rotateIfDue(alg?: SigningAlg): Promise<void> {
    const now = this.#clock.now();
    if (this.#rotating || now < this.#rotateFrom) return this.#rotating ?? Promise.resolve();
    if (!isRotationDue([...this.#keys.values()], now, alg)) return Promise.resolve();
    this.#rotating = rotateKeys(this.#file, this.#clock, alg)
      .then(() => {
        this.#load();
        this.#log.info('keys.rotated', { file: this.#file });
      })
      .catch((cause) => {
        this.#rotateFrom = now + RETRY_ROTATION_MS;
        this.#log.error('keys.rotation_failed', { file: this.#file, reason: String(cause?.message) });
      })
      .finally(() => {
        this.#rotating = undefined;
      });
    return this.#rotating;
  }

  /** Takes the file in again if it changed; a file that can't be used leaves the keys as they are. */
  #look(): void {
    const now = this.#clock.now();
    if (Math.abs(now - this.#looked) < LOOK_EVERY_MS) return;
    this.#looked = now;
    try {
      const { ino, mtimeMs, size } = statSync(this.#file);
      if (`${ino} ${mtimeMs} ${size}` !== this.#stamp) this.#load();
    } catch (cause) {
      this.#log.error('keys.unreadable', { file: this.#file, reason: String((cause as Error).message) });
    }
    if (this.#signs) void this.rotateIfDue();
  }

  #load(): void {
    const { ino, mtimeMs, size } = statSync(this.#file);
    const read = readKeyFile(this.#file);
    if (!read) throw new StartError(`${this.#file} is gone: restore it`);
    this.#keys = new Map(read.map((key) => [key.kid, this.#prepare(key)]));
    this.#stamp = `${ino} ${mtimeMs} ${size}`;
  }

  #prepare(key: SigningKey): Loaded {
    const before = this.#keys.get(key.kid);
    const private_key = this.#signs ? (before?.private_key ?? readPrivateKey(key.jwk)) : undefined;
    const verification = before?.verification ?? readVerificationKey({ ...key.jwk, kid: key.kid, alg: key.alg })!;
    return { ...key, verification, ...(private_key && { private_key }) };
  }
}

type Given = { clock: Clock; log: Log };

/** Opens both halves of the keys of a file, creating it at the first start. @throws StartError when it can't be used */
export const openFileKeys = async (file: string, alg: SigningAlg, ports: Given) => {
  await openKeyFile(file, alg, ports.clock);
  const keys = new FileKeys(file, ports, true);
  await keys.rotateIfDue(alg);
  return keys satisfies Keys;
};

/** Opens the public halves. Throws as `openFileKeys` does. */
export const openPublicFileKeys = async (file: string, alg: SigningAlg, ports: Given): Promise<VerificationKeys> => {
  await openKeyFile(file, alg, ports.clock);
  return new FileKeys(file, ports, false);
};

const fileOf = ({ keys }: Config): string => {
  if (keys.source !== 'file') throw new StartError('KEYS_URL names no file: use file:<path>');
  return keys.file;
};
const ENV = ['KEYS_URL', 'PERFECT21_DATA_DIR', 'PERFECT21_SIGNING_ALG'];

/** Opens a half at once where its file is there, and otherwise when it is first needed. */
const halfOf = async <T>(
  config: Config,
  open: (file: string, alg: SigningAlg) => Promise<T>,
  late: (open: () => Promise<T>, there: () => boolean) => Opened<T>,
): Promise<Opened<T>> => {
  const file = fileOf(config);
  // a link that leads nowhere is there, too
  const there = () => {
    try {
      return lstatSync(file) !== undefined;
    } catch {
      return false;
    }
  };
  const opened = () => open(file, config.env.PERFECT21_SIGNING_ALG);
  if (there()) return { port: await opened() };
  preparePrivateFile(file);
  return late(opened, there);
};

export const fileKeys = adapter({
  port: 'keys',
  needs: ['clock', 'log'],
  env: ENV,
  open: (ports, config) =>
    halfOf<VerificationKeys>(config, (...at) => openPublicFileKeys(...at, ports), lateVerificationKeys),
});

export const fileSigner = adapter({
  port: 'signer',
  needs: ['clock', 'log'],
  env: ENV,
  open: (ports, config) =>
    halfOf<Signer>(
      config,
      (...at) => openFileKeys(...at, ports),
      (open) => lateSigner(open, ports.log),
    ),
});
