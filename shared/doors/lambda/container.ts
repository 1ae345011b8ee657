/** The host of a Lambda container: ports opened at the first event and kept while the container lives. */

import { type Config, loadConfig } from '../../config/config.ts';
import { type Adapter, Assembly } from '../../kit/adapter.ts';
import { callLocal, type Host } from '../../kit/invoke.ts';
import type { PortName, Ports } from '../../ports/index.ts';
import { powertoolsLog, powertoolsMetrics } from './observe.ts';

/** Chooses the adapters of a function from what the environment says. */
export type Choose = (config: Config) => readonly Adapter<any, any>[];

/** Opens the named ports; what they need themselves comes along. */
export const openHost = async (names: readonly PortName[], choose: Choose, env: NodeJS.ProcessEnv): Promise<Host> => {
  const config = loadConfig(env);
  const assembly = new Assembly([powertoolsLog, powertoolsMetrics, ...choose(config)], config);
  try {
    const ports = {} as Record<PortName, unknown>;
    for (const name of names) ports[name] = await assembly.get(name);
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
