/**
 * proto/events.baseline.json: the payloads that were published, to compare with. It takes additions by itself; what
 * would break a consumer stays as it was, and `npm run check` names it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue } from '../../functions/events.ts';
import { payloadSchema } from '../../shared/documents/asyncapi/messages.ts';
import { type Baseline, breakingChanges, withAdditions } from '../event-changes.ts';
import { type Generator, ROOT } from './files.ts';

const FILE = 'proto/events.baseline.json';

const published = (): Baseline =>
  existsSync(join(ROOT, FILE)) ? JSON.parse(readFileSync(join(ROOT, FILE), 'utf8')) : {};

/** The catalogue in the form of the baseline. */
export const current = (): Baseline =>
  Object.fromEntries(
    catalogue.map((event) => [`${event.type}@${event.version}`, { key: event.key, schema: payloadSchema(event) }]),
  );

/** What breaks a published payload, one line each, and what to do about it. */
export const brokenEvents = (): string[] => {
  const broken = breakingChanges(published(), current());
  return broken.length
    ? [...broken, `raise the event's version; one that was never released may be deleted from ${FILE}`]
    : [];
};

export const eventBaseline: Generator = {
  generate: () => [{ path: FILE, content: `${JSON.stringify(withAdditions(published(), current()), null, 2)}\n` }],
};
