/** The states of an account as a diagram, in functions/users/README.md: what may follow what is data (functions/users/status.ts). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NEXT_STATUSES } from '../../functions/users/status.ts';
import { type Generator, ROOT } from './files.ts';

const PATH = 'functions/users/README.md';
const OPEN = '<!-- generated:statuses -->';
const CLOSE = '<!-- /generated:statuses -->';

/** @example diagram({ active: ['deleted'], deleted: [] }) */
export const diagram = (next: Readonly<Record<string, readonly string[]>>): string =>
  [
    '```mermaid',
    'stateDiagram-v2',
    `  [*] --> ${Object.keys(next)[0]}`,
    ...Object.entries(next).flatMap(([from, to]) =>
      to.length ? to.map((status) => `  ${from} --> ${status}`) : [`  ${from} --> [*]`],
    ),
    '```',
  ].join('\n');

export const statuses: Generator = {
  generate: () => {
    const text = readFileSync(join(ROOT, PATH), 'utf8');
    const [from, to] = [text.indexOf(OPEN), text.indexOf(CLOSE)];
    if (from === -1 || to < from) throw new Error(`${PATH} has no ${OPEN} … ${CLOSE}`);
    const content = `${text.slice(0, from + OPEN.length)}\n\n${diagram(NEXT_STATUSES)}\n\n${text.slice(to)}`;
    return [{ path: PATH, content }];
  },
};
