/** The states of an account as a diagram, in functions/users/README.md: what may follow what is data (functions/users/status.ts). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NEXT_STATUSES } from '../../functions/users/status.ts';
import { type Generator, ROOT } from './files.ts';
import { withPart } from './markers.ts';

const PATH = 'functions/users/README.md';

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
    const content = withPart(text, 'statuses', diagram(NEXT_STATUSES), PATH);
    return [{ path: PATH, content }];
  },
};
