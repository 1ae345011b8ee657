/** Runs every case through every door of one platform. Each store has a test file that calls this. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type TestPlatform, testPlatform } from '../support/platform.ts';
import { cases } from './cases/index.ts';
import { grpcDoor } from './doors/grpc.ts';
import { http1Door, http2Door } from './doors/http.ts';
import { lambdaDoor } from './doors/lambda.ts';
import { localDoor } from './doors/local.ts';
import type { Door, Mail, World } from './world.ts';

type Opened = Door & { close?(): unknown };

const DOORS: Record<string, (platform: TestPlatform) => Opened> = {
  'in process': ({ host }) => localDoor(host),
  'HTTP/1.1': ({ http }) => http1Door(http.url),
  'HTTP/2': ({ http }) => http2Door(http.url),
  gRPC: ({ http, grpc }) => grpcDoor(grpc.port, http1Door(http.url)),
  'Lambda event': ({ host }) => lambdaDoor(host),
};

const doors = Object.keys(DOORS).length;

/** Mails to an address as the mailbox shows them, newest first. */
export const mailsFrom = async (mailboxPort: number, to: string): Promise<Mail[]> => {
  const response = await fetch(`http://127.0.0.1:${mailboxPort}/api/messages?to=${encodeURIComponent(to)}`);
  return (await response.json()) as Mail[];
};

/** What a case sees of a platform through a door. */
export const worldOf = (platform: TestPlatform, door: Door): World => ({
  ...door,
  mails: async (to) => {
    await platform.drain();
    return mailsFrom(platform.mailbox!.httpPort, to);
  },
  now: platform.now,
  advance: platform.advance,
  admin: platform.credentials.admin,
  service_token: platform.credentials.service_token,
});

/**
 * On one store every case goes through every door. On the others each goes through one, and every door has its share: a door
 * knows of no store, and no store of doors. `PERFECT21_TEST_MATRIX=full` has all of them, in five times the time.
 *
 * @example runMatrix('SQLite', async () => ({ STORE_URL: 'sqlite:' }), 'every door');
 */
export const runMatrix = (
  store: string,
  environment: () => Promise<Record<string, string>>,
  through: 'every door' | 'one door each' = process.env.PERFECT21_TEST_MATRIX === 'full'
    ? 'every door'
    : 'one door each',
): void => {
  describe(`on ${store}`, () => {
    let platform: TestPlatform;
    beforeAll(async () => {
      platform = await testPlatform(await environment());
    }, 60_000);
    afterAll(async () => {
      await platform?.close();
    });

    for (const [door, [name, open]] of Object.entries(DOORS).entries()) {
      describe(`through ${name}`, () => {
        let opened: Opened;
        beforeAll(() => {
          opened = open(platform);
        });
        afterAll(async () => {
          await opened?.close?.();
        });
        let at = 0;
        for (const [topic, list] of Object.entries(cases)) {
          const own = list.filter(() => at++ % doors === door || through === 'every door');
          if (own.length === 0) continue;
          describe(topic, () => {
            for (const { name: promise, run } of own) test(promise, () => run(worldOf(platform, opened)), 30_000);
          });
        }
      });
    }
  });
};
