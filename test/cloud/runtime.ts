/** Lambda's Runtime API for one function, and the process that asks it for events. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const RUNTIME = fileURLToPath(new URL('programs/runtime.mjs', import.meta.url));
/** A function's time at most, on a busy machine. */
const ANSWER_MS = 60_000;

/** An answer, and what the process had used of the processor and of memory by then. */
export interface Answer {
  result: any;
  init_ms: number;
  used_ms: number;
  rss_mb: number;
}

/** What a start took, step by step: ms of the processor, bytes of compiled code, bytes of each file that was loaded. */
export interface MeasuredStart {
  steps: Record<'import' | 'init' | 'answer', { cpu_ms: number; code: number }>;
  cpu_ms: number;
  loaded: Record<string, number>;
  /** Of the first answer, where it has one, or what was thrown instead. */
  status?: number;
  thrown?: string;
}

export interface RunningFunction {
  /** What its start took, where `env` has an EVENT_FILE: its first event. */
  measured(): Promise<MeasuredStart>;
  invoke(event: unknown): Promise<Answer>;
  /** What it wrote, both streams. */
  said(): string;
  close(): Promise<void>;
}

/**
 * Starts a function: `file` is its bundle, `env` its environment and no more.
 *
 * @throws Error at the first event when its init failed
 */
export const startFunction = async (file: string, env: Readonly<Record<string, string>>): Promise<RunningFunction> => {
  const events: { id: string; body: string }[] = [];
  const asking: ServerResponse[] = [];
  const answers = new Map<string, PromiseWithResolvers<Answer>>();
  const measured = Promise.withResolvers<MeasuredStart>();
  measured.promise.catch(() => {});
  const name = env.AWS_LAMBDA_FUNCTION_NAME ?? 'function';

  const give = (): void => {
    while (events.length && asking.length) {
      const { id, body } = events.shift()!;
      asking
        .shift()!
        .writeHead(200, {
          'lambda-runtime-aws-request-id': id,
          'lambda-runtime-deadline-ms': String(Date.now() + 30_000),
          'lambda-runtime-invoked-function-arn': `arn:aws:lambda:eu-central-1:123456789012:function:${name}`,
        })
        .end(body);
    }
  };
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    if (request.url?.endsWith('/invocation/next')) {
      asking.push(response);
      return give();
    }
    const [, id = '', kind] = /invocation\/([^/]+)\/(response|error)$/.exec(request.url ?? '') ?? [];
    response.writeHead(202).end();
    if (request.url?.endsWith('/measured')) {
      child.kill('SIGSTOP');
      return measured.resolve(JSON.parse(body));
    }
    const { 'x-init': init, 'x-used': used, 'x-rss': rss } = request.headers;
    const result = JSON.parse(body);
    if (kind === 'error')
      answers.get(id)?.reject(new Error(`${name} failed: ${result.errorType} ${result.errorMessage}`));
    else answers.get(id)?.resolve({ result, init_ms: Number(init), used_ms: Number(used), rss_mb: Number(rss) });
  });
  // a frozen process does not see that a connection was closed
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const child: ChildProcess = spawn(process.execPath, [RUNTIME], {
    env: { ...env, AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`, HANDLER_FILE: file },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk) => (said += chunk));
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', (code) => {
    process.off('exit', kill);
    for (const { reject } of [measured, ...answers.values()])
      reject(new Error(`${name} ended with ${code}: ${said.slice(-2_000)}`));
  });

  let count = 0;
  return {
    measured: () => measured.promise,
    invoke: async (event) => {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${said.slice(-2_000)}`);
      const id = `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}`;
      const answer = Promise.withResolvers<Answer>();
      answers.set(id, answer);
      events.push({ id, body: JSON.stringify(event) });
      child.kill('SIGCONT');
      give();
      const timer = setTimeout(
        () => answer.reject(new Error(`${name} did not answer: ${said.slice(-2_000)}`)),
        ANSWER_MS,
      );
      return answer.promise.finally(() => {
        clearTimeout(timer);
        // as Lambda does it: nothing runs between events
        if (events.length === 0 && answers.size === 1) child.kill('SIGSTOP');
        answers.delete(id);
      });
    },
    said: () => said,
    close: async () => {
      server.closeAllConnections();
      server.close();
      if (child.exitCode === null && child.signalCode === null) {
        // with all that it wrote
        const gone = once(child, 'close');
        kill();
        await gone;
      }
    },
  };
};
