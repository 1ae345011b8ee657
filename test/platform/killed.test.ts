/** What is under way when the whole platform is killed goes on as soon as it is back: no lease of a dead process is waited for. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Postgres, startPostgres } from '../engines/postgres.ts';
import { type SmtpDouble, startSmtp } from '../engines/smtp.ts';
import { type Started, startProcess } from '../support/process.ts';

const LIVES_MS = [60, 250, 20, 140];
/** From ready to the last mail. Leases are 15 and 60 s. */
const PROMISED_MS = 3_000;

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.close());

const folder = mkdtempSync(join(tmpdir(), 'perfect21-killed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Registers one after the other until the process is gone; those that were acknowledged are told of. */
const registerUntilGone = async ({ address }: Started, name: string, told: string[]): Promise<void> => {
  for (let n = 0; ; n += 1) {
    const email = `${name}-${n}@example.org`;
    const body = JSON.stringify({ email, password: 'violet tractors hum quietly' });
    const headers = { 'content-type': 'application/json' };
    try {
      const { status } = await fetch(`${address('REST')}/auth/register`, { method: 'POST', headers, body });
      if (status < 300) told.push(email);
    } catch {
      return;
    }
  }
};

const kill = async ({ child }: Started): Promise<void> => {
  if (child.exitCode !== null) return;
  child.kill('SIGKILL');
  if (child.signalCode === null) await new Promise((resolve) => child.once('exit', resolve));
};

/** Whether the ledger says of a message that a try of it was cut off: only then it may have gone out twice. */
const wasCutOff = async ({ address }: Started, token: string, id: string): Promise<boolean> => {
  const response = await fetch(`${address('REST')}/notifications/deliveries/${id}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { deliveries } = (await response.json()) as { deliveries: { attempts: { outcome?: string }[] }[] };
  return deliveries.some(({ attempts }) => attempts.some(({ outcome }) => outcome === undefined));
};

const stores: Record<string, () => Promise<string>> = {
  SQLite: async () => 'sqlite:',
  PostgreSQL: () => postgres.createDatabase(),
};

describe.each(Object.keys(stores))('a platform on %s that is killed at any time while people register', (name) => {
  let smtp: SmtpDouble;
  beforeAll(async () => {
    smtp = await startSmtp();
  });
  afterAll(() => smtp.close());

  test('sends every mail within three seconds of its return, none lost, none twice but as the ledger says', async () => {
    const dataDir = join(folder, name);
    const env = { STORE_URL: await stores[name]!(), MAIL_URL: smtp.url, MAIL_FROM: 'p21@example.org' };
    const told: string[] = [];
    for (const [life, ms] of LIVES_MS.entries()) {
      const started = startProcess(dataDir, env);
      await started.ready;
      const registering = [1, 2, 3].map((n) => registerUntilGone(started, `${life}-${n}`, told));
      while (!told.some((email) => email.startsWith(`${life}-`))) await sleep(5);
      await sleep(ms);
      await kill(started);
      await Promise.all(registering);
    }
    const last = startProcess(dataDir, env);
    onTestFinished(() => kill(last));
    await last.ready;
    const ready = performance.now();
    await smtp.until(() => told.every((email) => smtp.recipients.includes(email)));
    expect(performance.now() - ready).toBeLessThan(PROMISED_MS);
    expect(told.length).toBeGreaterThanOrEqual(LIVES_MS.length);

    const { service_token } = JSON.parse(readFileSync(join(dataDir, 'dev-credentials.json'), 'utf8'));
    const twice = [...new Set(smtp.received.filter((id, at) => smtp.received.indexOf(id) !== at))];
    for (const id of twice) expect(await wasCutOff(last, service_token, id)).toBe(true);
    await last.end();
  }, 120_000);
});
