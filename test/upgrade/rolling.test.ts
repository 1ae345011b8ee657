/** The release before and this one on one store, as while a deployment replaces processes one by one. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { previousRelease } from '../../infra/checks/shape.ts';
import { type Postgres, startPostgres } from '../engines/postgres.ts';
import { type SmtpDouble, startSmtp } from '../engines/smtp.ts';
import { type Started, startProcess } from '../support/process.ts';
import { mailed, PASSWORD, type Side, sideOf } from './client.ts';
import { unpackPrevious } from './release.ts';

const { version } = previousRelease();
const folder = mkdtempSync(join(tmpdir(), 'perfect21-rolling-'));
let postgres: Postgres | undefined;
afterAll(async () => {
  await postgres?.close();
  rmSync(folder, { recursive: true, force: true });
});

const stores: Record<string, () => Promise<string>> = {
  SQLite: async () => 'sqlite:',
  PostgreSQL: async () => {
    postgres = await startPostgres();
    return postgres.createDatabase();
  },
};

const login = async ({ call }: Side, email: string) => {
  const { status, body } = await call('/auth/login', { identifier: email, password: PASSWORD });
  expect(status).toBe(200);
  return body as { access_token: string; refresh_token: string };
};

const isValid = async ({ call }: Side, token: string): Promise<boolean> =>
  (await call('/auth/validate', { token })).body.valid;

const register = async ({ call }: Side, email: string): Promise<void> => {
  expect((await call('/auth/register', { email, password: PASSWORD })).status).toBeLessThan(300);
};

/** One of them has the mail in hand, and waits for its server; or the other one was quicker and has sent it. */
const inHand = (one: SmtpDouble, other: SmtpDouble, email: string): Promise<void> =>
  Promise.race([one.until(() => one.held > 0), other.until(() => other.recipients.includes(email))]);

/** Starts a process that does not outlive the test. */
const begin = async (...given: Parameters<typeof startProcess>): Promise<Started> => {
  const started = startProcess(...given);
  onTestFinished(() => void started.child.kill('SIGKILL'));
  await started.ready;
  return started;
};

const kill = async ({ child }: Started): Promise<void> => {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
};

const release = unpackPrevious();
if ('missing' in release) {
  process.stderr.write(`The release before was NOT run beside this one: ${release.missing}\n`);
  test(`NOT RUN: ${version} beside this release, as its commit can't be had here; its data are tested all the same`, () => {
    expect(release.missing).not.toBe('');
  });
} else {
  afterAll(() => release.remove());
  describe.each(Object.keys(stores))(`${version} and this release on one %s`, (name) => {
    test('users, sessions, revocations and events of either are those of both, and the old one works through the migration', async () => {
      const dataDir = join(folder, name);
      const smtps = [await startSmtp(), await startSmtp()] as const;
      const store = await stores[name]!();
      const env = ({ url }: SmtpDouble) => ({ STORE_URL: store, MAIL_URL: url, MAIL_FROM: 'p21@example.org' });
      const before = await begin(dataDir, env(smtps[0]), release.start);
      const old = sideOf(before, smtps[0]);
      const ada = 'ada@example.org';
      await register(old, ada);
      expect((await old.call('/auth/verify-email', { token: await mailed(ada, old.smtp) })).status).toBe(200);
      const session = await login(old, ada);

      // the old one is asked all the time while the new one migrates
      let migrating = true;
      const statuses = new Set<number>();
      const asking = (async () => {
        while (migrating) {
          statuses.add((await old.call('/users/me', undefined, session.access_token)).status);
          statuses.add(
            (await old.call('/auth/refresh', { refresh_token: (await login(old, ada)).refresh_token })).status,
          );
        }
      })();
      const after = await begin(dataDir, env(smtps[1]));
      const young = sideOf(after, smtps[1]);
      migrating = false;
      await asking;
      expect([...statuses]).toEqual([200]);
      const sides = [old, young] as const;

      // tokens and sessions
      for (const side of sides) expect(await isValid(side, session.access_token)).toBe(true);
      const second = await young.call('/auth/refresh', { refresh_token: session.refresh_token });
      expect(second.status).toBe(200);
      const third = await old.call('/auth/refresh', { refresh_token: second.body.refresh_token });
      expect(third.status).toBe(200);
      for (const side of sides) {
        expect((await side.call('/users/me', undefined, third.body.access_token)).status).toBe(200);
        expect((await side.call('/sessions', undefined, third.body.access_token)).body.sessions.length).toBeGreaterThan(
          1,
        );
      }

      // who registered at one logs in at the other; so do administrators and services of the first start
      const bob = 'bob@example.org';
      await register(young, bob);
      expect((await old.call('/auth/verify-email', { token: await mailed(bob, ...smtps) })).status).toBe(200);
      const [atOld, atYoung] = [await login(old, bob), await login(young, bob)];
      for (const side of sides)
        for (const { access_token } of [atOld, atYoung]) expect(await isValid(side, access_token)).toBe(true);

      // what ends at one is known at both
      for (const [at, ended] of [
        [old, atYoung],
        [young, atOld],
      ] as const) {
        expect((await at.call('/auth/logout', {}, ended.access_token)).status).toBe(204);
        for (const side of sides) {
          await expect.poll(() => isValid(side, ended.access_token), { interval: 20, timeout: 3_000 }).toBe(false);
          const refresh = await side.call('/auth/refresh', { refresh_token: ended.refresh_token });
          expect(refresh.status).toBeGreaterThanOrEqual(400);
        }
      }

      // events of one are handled by the other: each begins, is held up by its mail server, and dies
      young.smtp.stall('data');
      await register(young, 'from-new@example.org');
      await inHand(young.smtp, old.smtp, 'from-new@example.org');
      await kill(after);
      await mailed('from-new@example.org', old.smtp);
      young.smtp.drop();
      young.smtp.release();
      const next = await begin(dataDir, env(smtps[1]));
      const last = sideOf(next, smtps[1]);
      old.smtp.stall('data');
      await register(old, 'from-old@example.org');
      await inHand(old.smtp, last.smtp, 'from-old@example.org');
      await kill(before);
      await mailed('from-old@example.org', last.smtp);

      // the roll has ended
      expect((await last.call('/users/me', undefined, third.body.access_token)).status).toBe(200);
      await login(last, ada);
      expect(await last.end()).toBe(0);
      expect(next.out.errors).toBe('');
      for (const each of smtps) await each.close();
    }, 60_000);
  });
}
