/** The log as an operation gets it: each line tells of which request and trace it is. */
import type { Log } from '../ports/log.ts';
import type { LogCode } from '../ports/log-codes.ts';
import type { Context } from './context.ts';

type Of = Pick<Context, 'request_id' | 'trace'>;

/** What a line says of the call that it is written in. */
export const idsOfCall = ({ request_id, trace }: Of) => ({ request_id, trace_id: trace.trace_id });

/** Costs one object a call: what a line says is put together when it is written. */
export class CallLog implements Log {
  readonly #log: Log;
  readonly #of: Of;

  constructor(log: Log, of: Of) {
    this.#log = log;
    this.#of = of;
  }

  debug(code: LogCode<'debug'>, fields?: object): void {
    this.#log.debug(code, { ...idsOfCall(this.#of), ...fields });
  }

  info(code: LogCode<'info'>, fields?: object): void {
    this.#log.info(code, { ...idsOfCall(this.#of), ...fields });
  }

  warn(code: LogCode<'warn'>, fields?: object): void {
    this.#log.warn(code, { ...idsOfCall(this.#of), ...fields });
  }

  error(code: LogCode<'error'>, fields?: object): void {
    this.#log.error(code, { ...idsOfCall(this.#of), ...fields });
  }
}
