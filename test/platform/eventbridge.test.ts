import { expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../../shared/config/config.ts';
import { compileBindings } from '../../shared/messaging/eventbridge/pattern.ts';
import { startEventBridge } from '../engines/eventbridge.ts';
import { awsEnvironment, stubEnvironment } from '../support/aws.ts';
import { testPlatform } from '../support/platform.ts';

test('a process with BUS_URL=eventbridge://… brings its events there and leaves them to the consumers behind it', async () => {
  const delivered: { detail: { message_type: string } }[] = [];
  const bridge = await startEventBridge({
    bus: 'perfect21-events',
    rules: [{ pattern: compileBindings(['#']), target: 'all' }],
    deliver: async (_, body) => void delivered.push(JSON.parse(body)),
  });
  onTestFinished(() => bridge.close());
  onTestFinished(() => void vi.unstubAllEnvs());
  stubEnvironment(awsEnvironment({ EVENTBRIDGE: bridge.endpoint }));

  const platform = await testPlatform({ BUS_URL: 'eventbridge://perfect21-events' });
  onTestFinished(() => platform.close());
  const body = JSON.stringify({ email: 'ada@example.net', password: 'a long and unusual phrase 7' });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${platform.http.url}/api/v1/auth/register`, { method: 'POST', headers, body });
  expect(answer.status).toBe(202);
  await platform.drain();
  // the first administrator's role is an event as well, and nothing orders the two
  expect(delivered.map(({ detail }) => detail.message_type).sort()).toEqual([
    'permission.role_assigned',
    'user.registered',
  ]);
  const mails = await fetch(`http://127.0.0.1:${platform.mailbox!.httpPort}/api/messages`);
  expect(await mails.json()).toEqual([]);
});

test('BUS_URL names a bus by its name alone', () => {
  expect(loadConfig({ BUS_URL: 'eventbridge://my.bus-1' }).bus).toEqual({ engine: 'eventbridge', name: 'my.bus-1' });
  for (const url of ['eventbridge://', 'eventbridge://a b', 'eventbridge://a/b', 'eventbridge:a']) {
    expect(() => loadConfig({ BUS_URL: url })).toThrow(/BUS_URL names no known engine.*eventbridge:\/\/<bus>/);
  }
});
