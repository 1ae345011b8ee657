/** The tables of docs/operations.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { elsewhereOf, type Operation } from '../../shared/kit/operation.ts';
import type { Service } from '../../shared/kit/service.ts';
import { type Generator, ROOT } from './files.ts';
import { withPart } from './markers.ts';
import { locate, platform } from './platform.ts';

const PATH = 'docs/operations.md';

const list = (items: readonly string[]): string => items.map((item) => `\`${item}\``).join(' ');

/** How an operation is reached: REST, gRPC, or the events that it handles. */
export const doors = (op: Operation<any, any>): string => {
  const { http, rpc, subscription } = op;
  const elsewhere = elsewhereOf(op);
  return [
    ...http.map(({ method, path, accept }) => `\`${method} ${path}\`${accept ? ` as \`${accept}\`` : ''}`),
    ...rpc.map(({ method }) => `\`${method.split('.').at(-1)}\``),
    elsewhere && `behind API Gateway: ${elsewhere}`,
    subscription && `← ${list(subscription.types)}`,
  ]
    .filter(Boolean)
    .join('<br>');
};

const row = (op: Operation<any, any>): string => {
  const access = typeof op.access === 'string' ? [op.access] : op.access;
  const emits = op.emits.map(({ type }) => type);
  // over gRPC services alone call, whatever the operation itself allows
  const overGrpc = op.rpc.length > 0 && op.access === 'public' ? '<br>gRPC: services' : '';
  return `| [${op.name}](../${locate(op).file}) | ${op.summary} | ${doors(op) || 'other operations'} | ${list(access)}${overGrpc} | ${list(emits)} |`;
};

const section = ({ name, operations }: Service): string =>
  [
    `## ${name}`,
    '',
    '| operation | does | reached by | open to | emits |',
    '|---|---|---|---|---|',
    ...operations.map(row),
  ].join('\n');

/** The page with the tables between its markers. Throws when one is missing. */
export const withTables = (text: string, services: readonly Service[]): string =>
  withPart(text, 'services', services.map(section).join('\n\n'), PATH);

export const operations: Generator = {
  generate: () => [{ path: PATH, content: withTables(readFileSync(join(ROOT, PATH), 'utf8'), platform) }],
};
