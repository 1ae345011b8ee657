/** `npx perfect21 …`: the operator's command. */
import { randomBytes } from 'node:crypto';
import packageJson from '../../package.json' with { type: 'json' };
import { loadConfig } from '../../shared/config/config.ts';
import { StartError } from '../../shared/config/start-error.ts';
import { unknownIn } from '../../shared/config/unknown.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { type Command, helpOf, overview, parse } from './command.ts';
import { auditCommands } from './commands/audit.ts';
import { bridgeCommands } from './commands/bridge.ts';
import { deadLetterCommands } from './commands/dead-letters.ts';
import { eventCommands } from './commands/events.ts';
import { keyCommands } from './commands/keys.ts';
import { outboxCommands } from './commands/outbox.ts';
import { secretCommands } from './commands/secrets.ts';
import { serviceCommands } from './commands/services.ts';
import { setupCommands } from './commands/setup.ts';
import { topologyCommands } from './commands/topology.ts';
import { userCommands } from './commands/users.ts';
import { createOperator, type Operator } from './operator.ts';
import { createOutput, plain } from './output.ts';
import { Refusal, UsageError } from './refusal.ts';

const COMMANDS: readonly Command[] = [
  ...setupCommands,
  ...eventCommands,
  ...deadLetterCommands,
  ...outboxCommands,
  ...topologyCommands,
  ...bridgeCommands,
  ...userCommands,
  ...serviceCommands,
  ...auditCommands,
  ...keyCommands,
  ...secretCommands,
];

/** One line for the operator; what is our own mistake keeps its stack. */
const lineOf = (cause: unknown, operator: Operator | undefined): string => {
  if (cause instanceof TypeError || cause instanceof ReferenceError) return cause.stack ?? String(cause);
  if ([UsageError, Refusal, StartError, RangeError].some((each) => cause instanceof each))
    return (cause as Error).message;
  if (cause instanceof AppError) {
    const inner = cause.cause instanceof Error ? `: ${cause.cause.message}` : '';
    return `${cause.code === 'unavailable' ? 'the store is away' : cause.message}${inner}`;
  }
  return operator?.explain(cause) ?? String(cause);
};

/** Ends with Ctrl-C, SIGTERM, or a reader that went away; a second Ctrl-C does not wait. */
const ending = (): AbortSignal => {
  const controller = new AbortController();
  const end = (): void => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort();
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    controller.abort();
  });
  return controller.signal;
};

const main = async (args: readonly string[]): Promise<number> => {
  const [group, verb] = args;
  if (group === '--version') {
    process.stdout.write(`${packageJson.version}\n`);
    return 0;
  }
  const wantsHelp = args.includes('--help') || args.includes('-h') || group === 'help';
  const command = COMMANDS.find(({ name }) => name === group || name === `${group} ${verb}`);
  if (!command) {
    const own = COMMANDS.filter(({ name }) => name.startsWith(`${group} `));
    const known = wantsHelp || args.length === 0 || (own.length > 0 && verb === undefined);
    const stream = known ? process.stdout : process.stderr;
    if (!known) stream.write(`perfect21: there is no command "${plain(args.slice(0, 2).join(' '))}"\n\n`);
    stream.write(overview(own.length > 0 ? own : COMMANDS));
    return known ? 0 : 2;
  }
  let operator: Operator | undefined;
  try {
    const { values, positionals } = parse(command, args.slice(command.name.split(' ').length));
    if (values.help) {
      process.stdout.write(helpOf(command));
      return 0;
    }
    const out = createOutput(!!values.json, process.stdout, process.stderr);
    // nothing here is sealed or signed for others, so an operator needs no share in the platform's secret
    const PERFECT21_SECRET = process.env.PERFECT21_SECRET || randomBytes(32).toString('hex');
    // what the platform would log, the command says itself
    const config = loadConfig({ ...process.env, PERFECT21_SECRET, LOG_LEVEL: 'silent' });
    for (const line of unknownIn(process.env)) process.stderr.write(`perfect21: ${line}\n`);
    operator = await createOperator(config, out, ending());
    return (await command.run(operator, values, positionals)) ?? 0;
  } catch (cause) {
    process.stderr.write(`perfect21 ${command.name}: ${lineOf(cause, operator)}\n`);
    return cause instanceof UsageError ? 2 : 1;
  } finally {
    await operator?.close().catch(() => {});
  }
};

export const started = main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
  // a connection that does not end by itself holds nobody up
  setTimeout(() => process.exit(), 1_000).unref();
});
