/** The tables of README.md, between the markers `<!-- generated:services -->` and `<!-- /generated:services -->`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation } from '../../shared/kit/operation.ts';
import type { Service } from '../../shared/kit/service.ts';
import { type Generator, ROOT } from './files.ts';
import { locate, platform } from './platform.ts';

const OPEN = '<!-- generated:services -->';
const CLOSE = '<!-- /generated:services -->';

const list = (items: readonly string[]): string => items.map((item) => `\`${item}\``).join(' ');

/** How an operation is reached: REST, gRPC, or the events that it handles. */
export const doors = ({ http, rpc, subscription, elsewhere }: Operation<any, any>): string =>
  [
    ...http.map(({ method, path }) => `\`${method} ${path}\``),
    ...rpc.map(({ method }) => `\`${method.split('.').at(-1)}\``),
    elsewhere && `behind API Gateway: ${elsewhere}`,
    subscription && `← ${list(subscription.types)}`,
  ]
    .filter(Boolean)
    .join('<br>');

const row = (op: Operation<any, any>): string => {
  const access = typeof op.access === 'string' ? [op.access] : op.access;
  const emits = op.emits.map(({ type }) => type);
  // over gRPC services alone call, whatever the operation itself allows
  const overGrpc = op.rpc.length > 0 && op.access === 'public' ? '<br>gRPC: services' : '';
  return `| [${op.name}](${locate(op).file}) | ${op.summary} | ${doors(op) || 'other operations'} | ${list(access)}${overGrpc} | ${list(emits)} |`;
};

const section = ({ name, operations }: Service): string =>
  [
    `### ${name}`,
    '',
    '| operation | does | reached by | open to | emits |',
    '|---|---|---|---|---|',
    ...operations.map(row),
  ].join('\n');

/** The text with the tables between the markers. Throws when a marker is missing. */
export const withTables = (text: string, services: readonly Service[]): string => {
  const [from, to] = [text.indexOf(OPEN), text.indexOf(CLOSE)];
  if (from === -1 || to < from) throw new Error(`README.md has no ${OPEN} … ${CLOSE}`);
  return `${text.slice(0, from + OPEN.length)}\n\n${services.map(section).join('\n\n')}\n\n${text.slice(to)}`;
};

export const readme: Generator = {
  generate: () => {
    const file = join(ROOT, 'README.md');
    const text = existsSync(file) ? readFileSync(file, 'utf8') : `# perfect21\n\n${OPEN}\n${CLOSE}\n`;
    return [{ path: 'README.md', content: withTables(text, platform) }];
  },
};
