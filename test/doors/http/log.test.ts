import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../shared/kit/errors.ts';
import { createLog } from '../../../shared/system/log.ts';

/** A log that takes any code. */
const logTo = (level: Parameters<typeof createLog>[0], take: (line: string) => unknown) =>
  createLog(level, { write: (line: string) => void take(line) }) as unknown as Record<
    'debug' | 'info' | 'warn' | 'error',
    (code: string, fields?: object) => void
  >;

const logged = (fields: object, level: 'debug' | 'info' = 'info', code = 'test.line'): { text: string; line: any } => {
  const lines: string[] = [];
  logTo(level, (line) => lines.push(line)).info(code, fields);
  const text = lines.join('');
  return { text, line: JSON.parse(text) };
};

const CANARY = 'canary-7f3a91';

describe('the log', () => {
  it('writes one JSON object a line with level, time and code', () => {
    const { text, line } = logged({ user_id: 'u1', count: 2 });
    expect(text.endsWith('}\n')).toBe(true);
    expect(line).toMatchObject({ level: 'info', code: 'test.line', user_id: 'u1', count: 2 });
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(Object.keys(line)).not.toContain('pid');
  });

  it('writes nothing below its level', () => {
    const lines: string[] = [];
    const log = logTo('warn', (line) => lines.push(line));
    log.debug('a');
    log.info('b');
    log.warn('c');
    expect(lines).toEqual([expect.stringContaining('"c"')]);
    logTo('silent', () => expect.unreachable()).error('d');
  });

  it('hides secrets by the name of their field, at any depth', () => {
    const names = [
      'password',
      'new_password',
      'currentPassword',
      'token',
      'access_token',
      'refresh_token',
      'mfa_token',
    ];
    names.push('secret', 'PERFECT21_SECRET', 'Authorization', 'cookie', 'set-cookie', 'code', 'mfa_code', 'ticket');
    names.push('recovery_codes', 'password_hash', 'api-key', 'credentials', 'bearer', 'otp', 'seed', 'tokens');
    for (const name of names) {
      for (const value of [CANARY, [CANARY], { inner: CANARY }, 123_456]) {
        const { text } = logged({ a: { b: { [name]: value } }, [name]: value });
        expect(text, name).not.toContain(CANARY);
        expect(text, name).not.toContain('123456');
      }
    }
    expect(logged({ token_type: 'Bearer', key_id: 'k1', mfa_token_used: true }).line).toMatchObject({
      token_type: 'Bearer',
      key_id: 'k1',
      mfa_token_used: true,
    });
  });

  it('hides secrets inside text', () => {
    const jwt = `eyJhbGciOiJSUzI1NiJ9.eyJ${CANARY}.${CANARY}`;
    const texts = [
      jwt,
      `Authorization: Bearer ${CANARY}`,
      `p21s_${CANARY}`,
      `https://a.example/reset-password?token=${CANARY}&x=1`,
      `postgres://app:${CANARY}@db:5432/perfect21`,
      `$argon2id$v=19$m=19456,t=2,p=1$${CANARY}`,
    ];
    for (const text of texts) expect(logged({ note: `before ${text} after` }).text, text).not.toContain(CANARY);
    expect(logged({ note: texts[3] }).line.note).toContain('&x=1');
  });

  it('keeps the codes of errors, ours and the system’s', () => {
    const error = new AppError('unavailable', { cause: Object.assign(new Error('away'), { code: 'ECONNREFUSED' }) });
    const { line } = logged({ code: error.code, cause: error });
    expect(line).toMatchObject({ code: 'test.line', error_code: 'unavailable' });
    expect(line.cause).toMatchObject({
      name: 'AppError',
      code: 'unavailable',
      cause: { code: 'ECONNREFUSED', message: 'away' },
    });
  });

  it('keeps the code of an error beside the code of its line, and no other text in its place', () => {
    expect(logged({ error_code: 'unavailable' }).line).toMatchObject({ code: 'test.line', error_code: 'unavailable' });
    for (const text of [CANARY, 'ECANARY', '123456']) expect(logged({ error_code: text }).text).not.toContain(text);
    for (const name of ['mfa_error_code', 'errorcode', 'mfa_code'])
      expect(logged({ [name]: 'unavailable' }).line[name]).toBe('[redacted]');
  });

  it('shows stacks at debug only, and nothing else of an error', () => {
    const error = Object.assign(new Error(`bad token=${CANARY}`), {
      detail: CANARY,
      query: CANARY,
      headers: { x: CANARY },
    });
    for (const level of ['info', 'debug'] as const) {
      const { text, line } = logged({ cause: error }, level);
      expect(text).not.toContain(CANARY);
      expect('stack' in line.cause).toBe(level === 'debug');
    }
    expect(logged(new Error('plain')).line.error).toMatchObject({ message: 'plain' });
  });

  it('is bounded in depth and size, also for what refers to itself', () => {
    const round: Record<string, unknown> = {
      text: 'x'.repeat(100_000),
      list: Array.from({ length: 1_000 }, () => 'y'.repeat(10)),
    };
    round.self = round;
    const error = new Error('round');
    error.cause = error;
    expect(logged({ round, error }).text.length).toBeLessThan(20_000);
  });

  it('can’t be made to write a second line or another field', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
        const { text, line } = logged({ [name]: value, note: `${value}\n{"level":"error"}` });
        expect(text.indexOf('\n')).toBe(text.length - 1);
        expect(line.level).toBe('info');
        expect(line.code).toBe('test.line');
      }),
    );
  });

  it('is complete when the process ends, and leaves standard output alone', () => {
    const script = `
      import { jsonLog } from './shared/system/log.ts';
      const { port } = await jsonLog.open({}, { env: { LOG_LEVEL: 'info' } });
      for (let i = 0; i < 500; i++) port.info('line.' + i);
      process.exit(0);`;
    const run = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
    expect(run.stdout).toBe('');
    expect(
      run.stderr
        .trim()
        .split('\n')
        .filter((line) => line.includes('"line.')),
    ).toHaveLength(500);
  });
});
