/** What a command is, and how its arguments become values. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Operator } from './operator.ts';
import { UsageError } from './refusal.ts';

export interface Option {
  type: 'string' | 'boolean';
  /** What stands for the value in the help: `<queue>`. */
  value?: string;
  help: string;
}

export type Values = Readonly<Record<string, string | boolean | undefined>>;

export interface Command {
  /** `dlq replay`. */
  name: string;
  /** `[binding]`. */
  positionals?: string;
  summary: string;
  /** More for its own help, a line each. */
  details?: readonly string[];
  options?: Readonly<Record<string, Option>>;
  /** Runs it and gives the exit code. */
  run(operator: Operator, values: Values, positionals: readonly string[]): Promise<number>;
}

/** What every command takes. */
export const COMMON: Readonly<Record<string, Option>> = {
  json: { type: 'boolean', help: 'print NDJSON, one object a line' },
  help: { type: 'boolean', help: 'print this help' },
};

/** The values of a command's arguments. @throws UsageError for one that it does not take */
export const parse = (command: Command, args: readonly string[]): { values: Values; positionals: string[] } => {
  const all = { ...command.options, ...COMMON };
  const options: ParseArgsConfig['options'] = Object.fromEntries(
    Object.entries(all).map(([name, { type }]) => [name, { type, ...(name === 'help' && { short: 'h' }) }]),
  );
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const most = command.positionals?.match(/[[<]/g)?.length ?? 0;
    const least = command.positionals?.match(/</g)?.length ?? 0;
    if (values.help) return { values: values as Values, positionals };
    if (positionals.length > most) throw new Error(`unexpected argument "${positionals[most]}"`);
    if (positionals.length < least) throw new Error(`it takes ${command.positionals}`);
    return { values: values as Values, positionals };
  } catch (cause) {
    const [line = ''] = (cause as Error).message.split(/\. (?:To|If)|\n/);
    throw new UsageError(line.charAt(0).toLowerCase() + line.slice(1));
  }
};

/** A count that an option gives. @throws UsageError */
export const countOf = (values: Values, name: string): number | undefined => {
  const text = values[name];
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(String(text))) return Number(text);
  throw new UsageError(`--${name} is a number, not "${text}"`);
};

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time that an option gives, in ms: `90s`, `15m`, `24h`, `7d`. @throws UsageError */
export const durationOf = (values: Values, name: string): number | undefined => {
  const text = values[name];
  if (text === undefined) return undefined;
  const [, count, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(String(text)) ?? [];
  if (count && unit) return Number(count) * UNITS[unit]!;
  throw new UsageError(`--${name} is a time as 90s, 15m, 24h or 7d, not "${text}"`);
};

const table = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`.trimEnd()).join('\n');
};

/** The help of one command. */
export const helpOf = ({ name, positionals = '', summary, details = [], options }: Command): string => {
  const rows = Object.entries({ ...options, ...COMMON }).map(
    ([option, { value = '', help }]) => [`--${option} ${value}`.trim(), help] as const,
  );
  return `perfect21 ${name} ${positionals}`
    .trim()
    .concat(`\n\n${[summary, ...details].join('\n')}\n\n${table(rows)}\n`);
};

/** The help of all commands, or of those whose name begins so. */
export const overview = (commands: readonly Command[]): string => {
  const rows = commands.map(
    ({ name, positionals = '', summary }) => [`${name} ${positionals}`, summary.split(/[.;:](?: |$)/)[0]!] as const,
  );
  const environment = 'It reads the environment that the platform reads: STORE_URL, BUS_URL, PERFECT21_DATA_DIR, …';
  const codes = 'Exit codes: 0 done, 1 failed or found something wrong, 2 called wrongly.';
  return `perfect21 <command> [options]\n\n${table(rows)}\n\n${table(Object.entries(COMMON).map(([name, { help }]) => [`--${name}`, help]))}\n  --version  print the version\n\n${environment}\n${codes}\n`;
};
