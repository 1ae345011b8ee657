/** proto/openapi.yaml: the document that the platform serves at /openapi.json, for reading and for comparing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApi } from '../../shared/documents/openapi/document.ts';
import { type Generator, ROOT } from './files.ts';
import { toYaml } from './functions.ts';
import { platform } from './platform.ts';

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

export const document = () => openApi(platform, { version });

export const openapi: Generator = {
  generate: () => [{ path: 'proto/openapi.yaml', content: toYaml(document()) }],
};
