/** Structured logging: one JSON object a line. `code` names the kind of line and is stable; secrets never go in. */
export interface Log {
  debug(code: string, fields?: object): void;
  info(code: string, fields?: object): void;
  warn(code: string, fields?: object): void;
  error(code: string, fields?: object): void;
}
