import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { catalogue } from '../../functions/events.ts';
import { platform } from '../../functions/index.ts';
import { eventDocument } from '../../infra/generate/asyncapi.ts';
import { ROOT } from '../../infra/generate/files.ts';
import { asyncApi } from '../../shared/documents/asyncapi/document.ts';
import { asyncApiRoute } from '../../shared/documents/asyncapi/route.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { testPlatform } from '../support/platform.ts';

const made = JSON.parse(JSON.stringify(eventDocument()));
const operations = platform.flatMap((service) => service.operations);

/** What a pointer of the document means. */
const resolve = (ref: string): any =>
  ref
    .slice(2)
    .split('/')
    .reduce((node, step) => node?.[step.replaceAll('~1', '/').replaceAll('~0', '~')], made);

const refsIn = (value: unknown): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([key, each]) => (key === '$ref' ? [each] : refsIn(each)));

describe('the AsyncAPI document', () => {
  test('is version 3.0 and the same in the file, as JSON and at /asyncapi.json', async () => {
    expect(made.asyncapi).toBe('3.0.0');
    expect(parse(readFileSync(join(ROOT, 'proto/asyncapi.yaml'), 'utf8'))).toEqual(made);
    expect(JSON.parse(await asyncApiRoute().body())).toEqual(made);
    expect(asyncApiRoute().path).toBe('/asyncapi.json');
  });

  test('is served to whoever asks', async () => {
    const running = await testPlatform();
    onTestFinished(() => running.close());
    const response = await fetch(new URL('/asyncapi.json', running.http.url));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(await response.json()).toEqual(made);
  });

  test('has every routing key of the catalogue as a channel of the exchange, with its message', () => {
    for (const { type, key, version } of catalogue) {
      expect(made.channels[key].address).toBe(key);
      expect(made.channels[key].bindings.amqp.exchange.name).toBe('perfect21.events');
      expect(Object.keys(made.channels[key].messages)).toEqual([type]);
      const { payload } = made.components.messages[type];
      expect(payload.properties.message_type.const).toBe(type);
      expect(payload.properties.metadata.properties.version.const).toBe(version);
      expect(resolve(payload.properties.data.$ref).type).toBe('object');
    }
  });

  test('has what every operation sends and receives, and nothing else', () => {
    const sent = operations.flatMap(({ name, emits }) => emits.map(({ type }) => `${name}.${type}`));
    const received = operations.flatMap(({ name, subscription }) => {
      if (!subscription) return [];
      return subscription.broadcast ? subscription.types.map((type) => `${name}.${type}`) : [name];
    });
    expect(Object.keys(made.operations).sort()).toEqual([...sent, ...received].sort());
    for (const { name, subscription } of operations) {
      if (!subscription) continue;
      if (subscription.broadcast) {
        // each process hears them, so there is no queue to name: the channel is the routing key's
        for (const type of subscription.types) {
          const { action, messages } = made.operations[`${name}.${type}`];
          expect([action, messages[0].$ref.split('/').at(-1)]).toEqual(['receive', type]);
        }
        continue;
      }
      const { action, channel, messages } = made.operations[name];
      expect(action).toBe('receive');
      expect(resolve(channel.$ref).address).toBe(subscription.queue);
      expect(messages.map(({ $ref }: { $ref: string }) => $ref.split('/').at(-1))).toEqual(subscription.types);
    }
  });

  test('refers to nothing that it lacks, and operations only to messages of their channel', () => {
    const refs = refsIn(made);
    expect(refs.length).toBeGreaterThan(100);
    expect(refs.filter((ref) => resolve(ref) === undefined)).toEqual([]);
    for (const { channel, messages } of Object.values<any>(made.operations)) {
      for (const { $ref } of messages) expect($ref.startsWith(`${channel.$ref}/messages/`)).toBe(true);
    }
  });

  test('shows examples that consumers take', () => {
    for (const event of catalogue) {
      const [{ payload }] = made.components.messages[event.type].examples;
      expect(envelopeOf(event).safeParse(payload).error).toBeUndefined();
    }
  });

  test('is not made when an operation emits what the catalogue lacks', () => {
    const options = { version: '1', exampleOf: () => ({}) };
    const lacking = catalogue.filter(({ type }) => type !== 'user.login');
    expect(() => asyncApi(lacking, platform, options)).toThrow('emits user.login, which is missing in the catalogue');
  });

  test('asks for the version in the envelope of every version after the first', () => {
    const raised = catalogue.map((event) => ({ ...event, version: 2 }));
    const { components } = asyncApi(raised, platform, { version: '1', exampleOf: () => ({}) });
    const { payload } = components.messages['user.login']!;
    expect(payload.required).toContain('metadata');
    expect(payload.properties?.metadata?.required).toEqual(['version']);
    expect(Object.keys(components.schemas)).toContain('user.login.v2');
  });
});
