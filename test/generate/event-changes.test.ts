import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { type Baseline, breakingChanges, withAdditions } from '../../infra/event-changes.ts';
import { brokenEvents, current } from '../../infra/generate/event-baseline.ts';
import { payloadSchema } from '../../shared/documents/asyncapi/messages.ts';
import { eventType } from '../../shared/kit/event.ts';

const FIELDS = {
  user_id: z.string(),
  email: z.string().max(320),
  how: z.enum(['changed', 'reset']),
  at: z.iso.datetime(),
  tries: z.int().min(0),
  reason: z.string().optional(),
  tags: z.array(z.strictObject({ name: z.string(), weight: z.number().optional() })),
  location: z.record(z.string(), z.string()),
};

const publish = (fields: Record<string, z.ZodType>, { version = 1, key = 'user.events.tried' } = {}): Baseline => {
  const event = eventType({ type: 'user.tried', key, version, data: z.strictObject(fields) });
  return { [`user.tried@${version}`]: { key, schema: payloadSchema(event as any) } };
};
const { email: _email, ...withoutEmail } = FIELDS;
const before = publish(FIELDS);
const changes = (fields: Record<string, z.ZodType>, options?: { version?: number; key?: string }): string[] =>
  breakingChanges(before, publish(fields, options));

describe('a published event may', () => {
  test.each<[string, Baseline]>([
    ['stay as it is', before],
    ['get an optional field', publish({ ...FIELDS, more: z.string().optional() })],
    [
      'get an optional field within a field',
      publish({
        ...FIELDS,
        tags: z.array(z.strictObject({ name: z.string(), weight: z.number().optional(), more: z.string().optional() })),
      }),
    ],
    ['take one more value', publish({ ...FIELDS, how: z.enum(['changed', 'reset', 'imported']) })],
    ['take longer values', publish({ ...FIELDS, email: z.string().max(500) })],
    ['change the order of its fields', publish(Object.fromEntries(Object.entries(FIELDS).reverse()))],
    ['break in a new version', publish({ other: z.boolean() }, { version: 2 })],
  ])('%s', (_, now) => {
    expect(breakingChanges(before, now)).toEqual([]);
  });
});

describe('a published event must not', () => {
  test.each<[string, Record<string, z.ZodType>, string]>([
    ['lose a field', withoutEmail, 'data.email was removed'],
    ['get a required field', { ...FIELDS, more: z.string() }, 'data.more is new and required'],
    ['require what was optional', { ...FIELDS, reason: z.string() }, 'data.reason is required now'],
    [
      'leave out what was always there',
      { ...FIELDS, user_id: z.string().optional() },
      'data.user_id may be missing now',
    ],
    ['change the type of a field', { ...FIELDS, user_id: z.int() }, 'data.user_id was string and is integer'],
    ['change a whole number into any', { ...FIELDS, tries: z.number().min(0) }, 'data.tries was integer and is number'],
    ['take fewer values', { ...FIELDS, how: z.enum(['changed']) }, 'data.how takes reset no more'],
    ['take certain values only', { ...FIELDS, user_id: z.enum(['a']) }, 'data.user_id takes only certain values now'],
    ['take shorter values', { ...FIELDS, email: z.string().max(100) }, 'data.email has a narrower maxLength'],
    ['get a limit', { ...FIELDS, user_id: z.string().min(1) }, 'data.user_id has a narrower minLength'],
    ['raise a limit', { ...FIELDS, tries: z.int().min(1) }, 'data.tries has a narrower minimum'],
    ['get a format', { ...FIELDS, user_id: z.uuid() }, 'data.user_id has a narrower format'],
    [
      'change within a list',
      { ...FIELDS, tags: z.array(z.strictObject({ name: z.string() })) },
      'data.tags[].weight was removed',
    ],
    [
      'change within a map',
      { ...FIELDS, location: z.record(z.string(), z.number()) },
      'data.location[] was string and is number',
    ],
    [
      'become one of several',
      { ...FIELDS, user_id: z.union([z.string(), z.int()]) },
      'data.user_id was string and is anything',
    ],
  ])('%s', (_, fields, line) => {
    expect(changes(fields)).toEqual([`user.tried@1: ${line}`]);
  });

  test('move to another routing key', () => {
    const line = 'user.tried@1: its routing key was user.events.tried and is user.events.other';
    expect(changes(FIELDS, { key: 'user.events.other' })).toEqual([line]);
  });

  test('disappear, nor go back to an older version', () => {
    expect(breakingChanges(before, {})).toEqual(['user.tried@1: was published and is gone']);
    const second = publish(FIELDS, { version: 2 });
    expect(breakingChanges(second, before)).toEqual(['user.tried@2: was published and is gone']);
  });
});

describe('the baseline', () => {
  test('takes additions and new versions, and keeps what was published where a change breaks it', () => {
    const added = publish({ ...FIELDS, more: z.string().optional() });
    expect(withAdditions(before, added)).toEqual(added);
    expect(withAdditions(before, publish(withoutEmail))).toEqual(before);
    expect(withAdditions(before, publish(withoutEmail, { version: 2 }))).toEqual({
      ...before,
      ...publish(withoutEmail, { version: 2 }),
    });
  });

  test('so that what was added once can not be taken away again', () => {
    const added = withAdditions(before, publish({ ...FIELDS, more: z.string().optional() }));
    expect(breakingChanges(added, before)).toEqual(['user.tried@1: data.more was removed']);
  });

  test('holds every event of the catalogue, and none of them breaks it', () => {
    expect(brokenEvents()).toEqual([]);
    expect(Object.keys(current()).length).toBeGreaterThanOrEqual(20);
  });
});
