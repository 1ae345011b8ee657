/** The processes of a measurement: each pinned to a core where that can be done, all of them ended with the bench. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Servers run on the first core, what loads them on the second; undefined: wherever there is room. */
export type Core = 0 | 1 | undefined;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const running = new Set<ChildProcess>();

let pins: boolean | undefined;
/** Whether processes can be kept on a core of their own. */
export const canPin = (): boolean => {
  pins ??= availableParallelism() > 1 && spawnSync('taskset', ['-c', '0,1', 'true']).status === 0;
  return pins;
};

export interface Program {
  child: ChildProcess;
  /** Sends an order and resolves to the answer. Rejects when the process ends first, with what it said last. */
  ask<T>(order: unknown): Promise<T>;
  /** Resolves to what it prints, up to and with the text that matches. Rejects when it ends first. */
  prints(pattern: RegExp): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts a Node program.
 *
 * @param file from the root of the project; `node` are options of Node's, `args` the program's own
 * @example const bare = start('test/bench/programs/bare-http.ts', { core: 0 }); const port = await bare.ask({});
 */
export const start = (
  file: string,
  {
    core,
    node = [],
    args = [],
    env = {},
    ordered = true,
  }: {
    core?: Core;
    node?: readonly string[];
    args?: readonly string[];
    env?: Record<string, string>;
    /** Whether it is sent orders: Node opens a channel for them, which costs a start what nobody else's has to. */
    ordered?: boolean;
  } = {},
): Program => {
  const command = [process.execPath, ...node, file, ...args];
  if (core !== undefined && canPin()) command.unshift('taskset', '-c', String(core));
  const child = spawn(command[0]!, command.slice(1), {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(ordered ? (['ipc'] as const) : [])],
  });
  running.add(child);
  let [printed, complained] = ['', ''];
  child.stdout!.setEncoding('utf8').on('data', (text) => {
    printed += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text) => {
    complained = `${complained}${text}`.slice(-2_000);
  });
  const ended = once(child, 'exit').then(() => running.delete(child));
  ended.catch(() => {});
  const orEnd = <T>(wait: (settle: (value: T) => void) => () => void): Promise<T> =>
    new Promise((resolve, reject) => {
      const off = wait((value) => {
        off();
        child.off('exit', gone);
        resolve(value);
      });
      const gone = () => {
        off();
        reject(new Error(`${file} ended: ${complained.trim().split('\n').slice(-6).join(' | ')}`));
      };
      child.once('exit', gone);
    });

  return {
    child,
    ask: <T>(order: unknown) =>
      orEnd<T>((settle) => {
        const answered = (answer: unknown) => settle(answer as T);
        child.once('message', answered);
        child.send(order as object);
        return () => child.off('message', answered);
      }),
    prints: (pattern) =>
      orEnd<string>((settle) => {
        const look = () => pattern.test(printed) && settle(printed);
        child.stdout!.on('data', look);
        setImmediate(look);
        return () => child.stdout!.off('data', look);
      }),
    stop: async () => {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 8_000);
      await ended;
      clearTimeout(late);
    },
  };
};

/** In a program: answers each order of the bench. */
export const serve = <O, A>(answer: (order: O) => Promise<A> | A): void => {
  process.on('message', async (order: O) => {
    try {
      process.send!(await answer(order));
    } catch (thrown) {
      process.stderr.write(`${thrown instanceof Error ? thrown.stack : thrown}\n`, () => process.exit(1));
    }
  });
  process.on('disconnect', () => process.exit());
};

/** Ends whatever still runs. */
export const stopAll = async (): Promise<void> => {
  const left = [...running];
  for (const child of left) child.kill('SIGKILL');
  await Promise.all(left.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
};
