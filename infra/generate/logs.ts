/** `docs/logs.md`: each kind of line of the log, what it means and what to do. */
import { LOGS, type LogKind } from '../../shared/ports/log-codes.ts';
import type { Generator } from './files.ts';

const HEAD = `# Log lines

Each process writes one JSON object a line to standard error: \`level\`, \`time\` (ISO 8601), \`code\`, and fields of the line.
\`request_id\` is that of the answer and of the events that follow from it, \`trace_id\` finds the spans, \`message_id\` the event;
\`error_code\` and \`cause\` say why. No line holds a password, token, code or address of a user. \`LOG_LEVEL\` (\`info\`) is the
lowest level that is written; at \`debug\` causes have stacks. Codes are stable: filter and alert by them.

Written by \`npm run generate\`.

| code | level | means | what to do |
|---|---|---|---|
`;

const row = ([code, { at, means, todo }]: [string, LogKind]): string =>
  `| \`${code}\` | ${at.join(', ')} | ${means} | ${todo} |\n`;

export const logs: Generator = {
  generate: () => [{ path: 'docs/logs.md', content: HEAD + Object.entries(LOGS).map(row).join('') }],
};
