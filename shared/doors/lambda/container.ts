/** The host of a Lambda container: ports opened when it starts and kept while it lives. */

import { type Config, loadConfig } from '../../config/config.ts';
import { type Adapter, Assembly } from '../../kit/adapter.ts';
import { callLocal, type Host } from '../../kit/invoke.ts';
import type { PortName, Ports } from '../../ports/index.ts';
import { emfMetrics, log, powertoolsLog } from './observe.ts';

/** Chooses the adapters of a function from what the environment says. */
export type Choose = (config: Config) => readonly Adapter<any, any>[];

/** Opens the named ports; what they need themselves comes along. */
export const openHost = async (names: readonly PortName[], choose: Choose, env: NodeJS.ProcessEnv): Promise<Host> => {
  const config = loadConfig(env);
  const assembly = new Assembly([powertoolsLog, emfMetrics, ...choose(config)], config);
  try {
    const ports = {} as Record<PortName, unknown>;
    for (const name of names) ports[name] = await assembly.get(name);
    if (env.POWERTOOLS_TRACE_ENABLED === 'true') {
      const { xrayTracer } = await import('./tracer.heavy.ts');
      ports.tracer = xrayTracer({ store: 'aws.dynamodb', bus: 'aws.eventbridge' });
    }
    const host: Host = {
      ports: ports as unknown as Ports,
      call: (callee, input, context) => callLocal(host, callee, input, context),
    };
    return host;
  } catch (thrown) {
    await assembly.close();
    throw thrown;
  }
};

/** Gives the host of this container; an opening that failed is tried again by the next event. */
export const container = (names: readonly PortName[], choose: Choose): (() => Promise<Host>) => {
  let opening: Promise<Host> | undefined;
  return () => {
    opening ??= openHost(names, choose, process.env).catch((thrown) => {
      opening = undefined;
      throw thrown;
    });
    return opening;
  };
};

/** Ms that a start waits for its ports: Lambda ends an init of 10 s and begins anew in the first event. */
const INIT_MS = 8_000;

/**
 * Gives a handler when its ports are open, so that Lambda opens them in its init phase: with a whole processor, and
 * before anybody waits. What could not be opened is told in the log and tried again by the next event. Where no runtime
 * of Lambda is (an emulator in one process), the first event opens them.
 *
 * @example export const handler = await opened(lambda(login, ({ store }) => [systemClock, dynamodbStore(schema)]));
 */
export const opened = async <H extends { open(): Promise<unknown> }>(handler: H): Promise<H> => {
  if (!process.env.AWS_LAMBDA_RUNTIME_API) return handler;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`ports were not open after ${INIT_MS} ms`)), INIT_MS);
  });
  await Promise.race([handler.open(), late]).catch((cause) => log.warn('init.failed', { cause }));
  clearTimeout(timer);
  return handler;
};
