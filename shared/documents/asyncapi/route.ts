/** `/asyncapi.json`: the events as a document, from the committed file, whose examples are those that tests check. */
import { readFile } from 'node:fs/promises';

const DOCUMENT = new URL('../../../proto/gen/asyncapi.json', import.meta.url);

/** The route of the document, for every process whichever services it runs. */
export const asyncApiRoute = () => ({
  path: '/asyncapi.json' as const,
  contentType: 'application/json',
  body: () => readFile(DOCUMENT, 'utf8'),
});
