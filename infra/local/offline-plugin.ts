/**
 * Plugin of serverless.yml for `serverless offline`: functions get this machine's environment in place of that of AWS.
 *
 * Started alone, without `npm run offline`, functions find a data folder, but nothing relays events and takes mails.
 */
interface Serverless {
  service: {
    provider: { environment?: object };
    functions: Record<string, { environment?: object; events?: object[] }>;
  };
}

const OURS = /^(PERFECT21_|POWERTOOLS_|STORE_URL$|KEYS_URL$|BUS_URL$|MAIL_|LOG_LEVEL$|NODE_ENV$|AWS_ENDPOINT_URL)/;

/** What functions on this machine find in their environment. */
export const localEnvironment = (source: NodeJS.ProcessEnv): Record<string, string> => ({
  // one line of metrics for each request is of no use on a terminal, and there is no X-Ray
  POWERTOOLS_METRICS_DISABLED: 'true',
  POWERTOOLS_TRACE_ENABLED: 'false',
  ...(Object.fromEntries(Object.entries(source).filter(([name]) => OURS.test(name))) as Record<string, string>),
});

export default class OfflinePlugin {
  readonly hooks: Record<string, () => void>;

  constructor({ service }: Serverless) {
    const localize = (): void => {
      service.provider.environment = localEnvironment(process.env);
      for (const each of Object.values(service.functions)) {
        each.environment = {};
        // the worker beside the emulator relays
        each.events = each.events?.filter((event) => !('schedule' in event || 'stream' in event));
      }
    };
    this.hooks = { 'before:offline:start': localize, 'before:offline:start:init': localize };
  }
}
