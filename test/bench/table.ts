import type { Row } from './bench.ts';

const HEAD = ['what', 'measured', 'bare, same run', 'bound', ''] as const;

/** The rows as aligned text, one line each. */
export const table = (rows: readonly Row[]): string => {
  const lines = [
    HEAD,
    ...rows.map(({ what, measured, baseline, bound, ok }) => [what, measured, baseline, bound, ok ? 'ok' : 'MISSED']),
  ];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const [head, ...rest] = lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column]!)).join('  '));
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return [head, rule, ...rest].map((line) => line!.trimEnd()).join('\n');
};
