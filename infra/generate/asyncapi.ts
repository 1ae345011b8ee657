/** proto/asyncapi.yaml, for reading, and the same as JSON, which the platform serves at /asyncapi.json. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue } from '../../functions/events.ts';
import { asyncApi } from '../../shared/documents/asyncapi/document.ts';
import { type Generator, ROOT } from './files.ts';
import { toYaml } from './functions.ts';
import { platform } from './platform.ts';

const read = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));

export const eventDocument = () =>
  asyncApi(catalogue, platform, {
    version: read('package.json').version,
    exampleOf: (type) => read(`test/events/${type}.json`),
  });

export const asyncapi: Generator = {
  generate: () => [
    { path: 'proto/asyncapi.yaml', content: toYaml(eventDocument()) },
    { path: 'proto/gen/asyncapi.json', content: `${JSON.stringify(eventDocument())}\n` },
  ],
};
