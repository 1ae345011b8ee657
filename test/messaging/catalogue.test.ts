import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { recommendedActions, SEVERITIES, securityAlert, userLogin } from '../../functions/auth/events.ts';
import { catalogue } from '../../functions/events.ts';
import { platform } from '../../functions/index.ts';
import { emailSend, PRIORITIES, pushSend, smsSend } from '../../functions/notifications/events.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { isRoutingKey } from '../../shared/messaging/topic.ts';
import type { Envelope } from '../../shared/ports/envelope.ts';
import { DOCUMENT_KEYS } from './document-keys.ts';

const EXAMPLES = new URL('../events/', import.meta.url);
const example = (type: string): Envelope => JSON.parse(readFileSync(new URL(`${type}.json`, EXAMPLES), 'utf8'));

/** The value with one thing wrong, in as many ways as it has fields. */
const spoiled = (value: Record<string, unknown>): [string, Record<string, unknown>][] => [
  ['an unknown field', { ...value, nobody_declared_this: 1 }],
  ...Object.keys(value).map((field): [string, Record<string, unknown>] => [
    `${field} of another type`,
    // a type that no field has
    { ...value, [field]: [[]] },
  ]),
];

describe('the catalogue', () => {
  it('has the 15 message types of the architecture document under their routing keys', () => {
    const keys = Object.fromEntries(catalogue.map(({ type, key }) => [type, key]));
    expect(keys).toMatchObject(DOCUMENT_KEYS);
    expect(Object.keys(DOCUMENT_KEYS)).toHaveLength(15);
  });

  it('has each type once, with a key that every bus carries and a version', () => {
    expect(new Set(catalogue.map(({ type }) => type)).size).toBe(catalogue.length);
    expect(new Set(catalogue.map(({ key }) => key)).size).toBe(catalogue.length);
    for (const { key, version } of catalogue) {
      expect(isRoutingKey(key), key).toBe(true);
      expect(version).toBeGreaterThan(0);
    }
  });

  it('has every event that a service declares, emits or handles', async () => {
    const types = new Set(catalogue.map(({ type }) => type));
    for (const { name, operations } of platform) {
      const declared: Record<string, unknown> = await import(`../../functions/${name}/events.ts`);
      for (const each of Object.values(declared) as any[])
        if (each?.type && each.key) expect(types).toContain(each.type);
      for (const { emits, subscription } of operations) {
        for (const event of emits) {
          expect(catalogue.find(({ type }) => type === event.type)?.data, event.type).toBe(event.data);
        }
        for (const type of subscription?.types ?? []) expect(types).toContain(type);
      }
    }
  });
});

describe('an example of an event', () => {
  it.each(catalogue.map((event) => [event.type, event] as const))('%s is what the catalogue says', (type, event) => {
    const schema = envelopeOf(event);
    const envelope = example(type);
    expect(schema.parse(envelope)).toEqual(envelope);
    expect(event.priority(event.data.parse(envelope.data))).toBeGreaterThanOrEqual(0);
    expect(event.priority(event.data.parse(envelope.data))).toBeLessThanOrEqual(9);
    for (const field of Object.keys(event.data.shape)) {
      if (!(field in envelope.data)) expect(event.data.shape[field].isOptional(), `${type}.${field}`).toBe(true);
    }
  });

  it.each(catalogue.map((event) => [event.type, event] as const))(
    '%s is refused with one thing wrong',
    (type, event) => {
      const schema = envelopeOf(event);
      const envelope = example(type);
      for (const [wrong, data] of spoiled(envelope.data)) expect(event.data.safeParse(data).success, wrong).toBe(false);
      const others = [
        { ...envelope, message_type: 'user.unheard_of' },
        { ...envelope, message_id: '' },
        { ...envelope, timestamp: 'yesterday' },
        { ...envelope, source_service: undefined },
        { ...envelope, data: undefined },
        { ...envelope, metadata: { ...envelope.metadata, version: event.version + 1 } },
        { ...envelope, data: {} },
      ];
      for (const other of others) expect(schema.safeParse(other).success, JSON.stringify(other)).toBe(false);
    },
  );

  it.each(catalogue.map((event) => [event.type, event] as const))(
    '%s is read without what a later producer adds',
    (type, event) => {
      const envelope = example(type);
      const later = { ...envelope, data: { ...envelope.data, added_later: 1 } };
      expect(envelopeOf(event).parse(later)).toEqual(envelope);
    },
  );

  it('is there for no type that the catalogue lacks', () => {
    const types = catalogue.map(({ type }) => `${type}.json`).sort();
    expect(readdirSync(EXAMPLES).sort()).toEqual(types);
  });
});

describe('what is urgent goes first', () => {
  it('a failed login is of priority 5, a successful one of none', () => {
    const login = userLogin.data.parse(example('user.login').data);
    expect(userLogin.priority({ ...login, login_successful: false })).toBe(5);
    expect(userLogin.priority({ ...login, login_successful: true })).toBe(0);
  });

  it('an alert is as urgent as it is severe', () => {
    const alert = securityAlert.data.parse(example('security.alert').data);
    const priorities = SEVERITIES.map((severity) => [severity, securityAlert.priority({ ...alert, severity })]);
    expect(Object.fromEntries(priorities)).toEqual({ low: 1, medium: 3, high: 7, critical: 9 });
  });

  it('a request for a mail, a text or a push is as urgent as it says, and normal when it does not say', () => {
    for (const event of [emailSend, smsSend, pushSend]) {
      const { priority: _, ...silent } = example(event.type).data;
      const of = (data: unknown) => event.priority(event.data.parse(data) as never);
      expect(PRIORITIES.map((priority) => of({ ...silent, priority }))).toEqual([1, 4, 7, 9]);
      expect(of(silent)).toBe(4);
    }
  });
});

describe('the owner of an account is advised by the severity of what happened', () => {
  it.each([
    ['critical', 'Change your password now', '立即更改密码', 8],
    ['high', 'Check your login activity', '检查登录活动', 6],
    ['medium', 'Review your security settings', '查看账户安全设置', 4],
    ['low', 'Review your security settings', '查看账户安全设置', 4],
  ] as const)('%s: in English and in Chinese', (severity, english, chinese, count) => {
    const actions = recommendedActions(severity);
    expect(actions).toHaveLength(count);
    expect(actions[0]).toBe(english);
    expect(actions[count / 2]).toBe(chinese);
  });
});
