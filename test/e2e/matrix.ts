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

/** Mails to an address as the mailbox shows them, newest first. */
export const mailsFrom = async (mailboxPort: number, to: string): Promise<Mail[]> => {
  const response = await fetch(`http://127.0.0.1:${mailboxPort}/api/messages`);
  const messages = (await response.json()) as Mail[];
  return messages.filter((mail) => mail.to.includes(to));
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

/** @example runMatrix('SQLite', async () => ({ STORE_URL: 'sqlite:' })); */
export const runMatrix = (store: string, environment: () => Promise<Record<string, string>>): void => {
  describe(`on ${store}`, () => {
    let platform: TestPlatform;
    beforeAll(async () => {
      platform = await testPlatform(await environment());
    }, 60_000);
    afterAll(async () => {
      await platform?.close();
    });

    for (const [name, open] of Object.entries(DOORS)) {
      describe(`through ${name}`, () => {
        let door: Opened;
        beforeAll(() => {
          door = open(platform);
        });
        afterAll(async () => {
          await door?.close?.();
        });
        for (const [topic, list] of Object.entries(cases)) {
          describe(topic, () => {
            for (const { name: promise, run } of list) test(promise, () => run(worldOf(platform, door)), 30_000);
          });
        }
      });
    }
  });
};
