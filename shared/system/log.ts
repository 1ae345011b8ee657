/** The log of a process: one JSON object a line on standard error (standard output belongs to what `start` prints). */
import { type DestinationStream, destination, pino } from 'pino';
import { adapter } from '../kit/adapter.ts';
import type { Log } from '../ports/log.ts';
import { redact } from './redact.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';
const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error'];
const off = (): void => {};

/**
 * A log that writes to a stream: `{"level","time","code",…fields}`, time in ISO 8601.
 *
 * Fields pass through `redact`; stacks of errors are written at level debug only. A level below the chosen one costs
 * a call of an empty function.
 */
export const createLog = (level: Level | 'silent', stream: DestinationStream): Log => {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  const stack = level === 'debug';
  const write =
    (at: Level) =>
    (code: string, fields: object = {}): void => {
      const { code: inner, level: _, time: __, ...rest } = redact(fields, { stack }) as Record<string, unknown>;
      logger[at]({ code, ...(inner !== undefined && { error_code: inner }), ...rest });
    };
  return Object.fromEntries(
    LEVELS.map((each) => [each, logger.isLevelEnabled(each) ? write(each) : off]),
  ) as unknown as Log;
};

/** Level from `LOG_LEVEL`. Lines are written in the background and flushed when the process ends or the port closes. */
export const jsonLog = adapter({
  port: 'log',
  env: ['LOG_LEVEL'],
  open: (_, { env }) => {
    const stream = destination({ fd: 2, sync: false });
    const close = async (): Promise<void> => {
      try {
        stream.flushSync();
      } catch {
        // standard error is gone (a closed pipe): there is nowhere left to say so
      }
    };
    return { port: createLog(env.LOG_LEVEL, stream), close };
  },
});
