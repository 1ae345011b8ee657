import type { LogCode } from './log-codes.ts';

/**
 * Structured logging: one JSON object a line. `code` names the kind of line: it stands in `log-codes.ts`, and is stable.
 * Secrets never go in.
 */
export interface Log {
  debug(code: LogCode<'debug'>, fields?: object): void;
  info(code: LogCode<'info'>, fields?: object): void;
  warn(code: LogCode<'warn'>, fields?: object): void;
  error(code: LogCode<'error'>, fields?: object): void;
}
