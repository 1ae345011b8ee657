/**
 * Plugin of serverless.yml for `serverless offline`: functions get this machine's environment in place of that of AWS,
 * and their routes, which the emulator looks for in the functions and AWS finds in the API's own document.
 *
 * Started alone, without `npm run offline`, functions find a data folder, but nothing relays events and takes mails.
 */
interface Route {
  'x-function': string;
}

interface Resource {
  Type?: string;
  Metadata?: { function: string };
  Properties: { RouteKey?: string; Body?: { paths: Record<string, Record<string, Route>> } };
}

interface Serverless {
  service: {
    provider: { environment?: object; httpApi?: object };
    functions: Record<string, { environment?: object; events?: object[] }>;
    resources: { Resources: Record<string, Resource> };
  };
}

const OURS = /^(PERFECT21_|POWERTOOLS_|STORE_URL$|KEYS_URL$|BUS_URL$|MAIL_|LOG_LEVEL$|NODE_ENV$|AWS_ENDPOINT_URL)/;
const DEFAULT_ROUTE = '/$default';

/** What functions on this machine find in their environment. */
export const localEnvironment = (source: NodeJS.ProcessEnv): Record<string, string> => ({
  // one line of metrics for each request is of no use on a terminal, and there is no X-Ray
  POWERTOOLS_METRICS_DISABLED: 'true',
  POWERTOOLS_TRACE_ENABLED: 'false',
  ...(Object.fromEntries(Object.entries(source).filter(([name]) => OURS.test(name))) as Record<string, string>),
});

/** The events of each function: its routes as the API's document has them. */
const routesOf = ({ resources }: Serverless['service']): Map<string, object[]> => {
  const events: { name: string; event: object }[] = Object.entries(
    resources.Resources.HttpApi!.Properties.Body!.paths,
  ).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { 'x-function': name }]) => ({
      name,
      event: { httpApi: path === DEFAULT_ROUTE ? '*' : { method: method.toUpperCase(), path } },
    })),
  );
  for (const { Type, Metadata, Properties } of Object.values(resources.Resources)) {
    if (Type !== 'AWS::ApiGatewayV2::Route') continue;
    events.push({ name: Metadata!.function, event: { websocket: { route: Properties.RouteKey } } });
  }
  const found = Map.groupBy(events, ({ name }) => name);
  return new Map([...found].map(([name, routes]) => [name, routes.map(({ event }) => event)]));
};

export default class OfflinePlugin {
  readonly hooks: Record<string, () => void>;

  constructor({ service }: Serverless) {
    let done = false;
    const localize = (): void => {
      if (done) return;
      done = true;
      const routes = routesOf(service);
      service.provider.environment = localEnvironment(process.env);
      service.provider.httpApi = { payload: '2.0' };
      for (const [name, each] of Object.entries(service.functions)) {
        each.environment = {};
        // the worker beside the emulator relays
        const others = each.events?.filter((event) => !('schedule' in event || 'stream' in event)) ?? [];
        each.events = [...others, ...(routes.get(name) ?? [])];
      }
    };
    this.hooks = { 'before:offline:start': localize, 'before:offline:start:init': localize };
  }
}
