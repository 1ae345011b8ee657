/**
 * Plugin of serverless.yml for what a company asks of every function and role, where it asks: a permissions boundary, code
 * signing, a key for environments, how many of the functions that hash passwords may run at once, and the alarms by which an
 * update is taken back: a stack can't hold a version and an alias of each function, so it goes back as a whole.
 */
interface Resource {
  Type: string;
  Properties?: Record<string, unknown>;
}
interface Serverless {
  service: {
    provider: {
      compiledCloudFormationTemplate: { Resources: Record<string, Resource> };
      rollbackConfiguration?: { MonitoringTimeInMinutes: number; RollbackTriggers: { Arn: string; Type: string }[] };
    };
  };
  classes: { Error: new (message: string, code: string) => Error };
}

/** MB: functions that hash passwords have a whole processor. */
const HASHING_MB = 1769;
/** How long an update is looked at after it is done, in minutes. */
const WATCHED = 15;
const ARN = /^arn:aws[a-z-]*:[a-z-]+:[a-z0-9-]*:\d*:.+$/;

/** What is asked for; @throws Error that names the variable which can't be used */
export const askedFor = (env: NodeJS.ProcessEnv) => {
  const arn = (name: string): string | undefined => {
    const value = env[name] || undefined;
    if (value !== undefined && !ARN.test(value)) throw new Error(`${name} is no ARN: use arn:aws:…`);
    return value;
  };
  const { PERFECT21_HASHING_CONCURRENCY: hashing } = env;
  if (hashing && !/^[1-9]\d{0,3}$/.test(hashing))
    throw new Error('PERFECT21_HASHING_CONCURRENCY is not usable: how many of a function may run at once, 1 to 9999');
  const alarms = (env.PERFECT21_ROLLBACK_ALARMS ?? '').split(',').filter(Boolean);
  for (const each of alarms)
    if (!/^arn:aws[a-z-]*:cloudwatch:[^:]+:\d+:alarm:.+$/.test(each))
      throw new Error('PERFECT21_ROLLBACK_ALARMS names no alarms: use their ARNs, separated by commas');
  if (alarms.length > 5) throw new Error('PERFECT21_ROLLBACK_ALARMS: CloudFormation looks at five alarms at most');
  return {
    alarms,
    boundary: arn('PERFECT21_PERMISSIONS_BOUNDARY'),
    signing: arn('PERFECT21_CODE_SIGNING'),
    key: arn('PERFECT21_ENVIRONMENT_KEY'),
    ...(hashing && { hashing: Number(hashing) }),
  };
};

/** Changes the resources of a template in place. */
export const harden = (resources: Record<string, Resource>, asked: ReturnType<typeof askedFor>): void => {
  for (const { Type, Properties = {} } of Object.values(resources)) {
    if (Type === 'AWS::IAM::Role' && asked.boundary) Properties.PermissionsBoundary = asked.boundary;
    if (Type !== 'AWS::Lambda::Function') continue;
    if (asked.signing) Properties.CodeSigningConfigArn = asked.signing;
    if (asked.key) Properties.KmsKeyArn = asked.key;
    if (asked.hashing && Properties.MemorySize === HASHING_MB) Properties.ReservedConcurrentExecutions = asked.hashing;
  }
};

export default class HardenPlugin {
  readonly hooks: Record<string, () => void>;

  constructor({ service, classes }: Serverless) {
    const { provider } = service;
    const run = (): void => {
      try {
        const asked = askedFor(process.env);
        harden(provider.compiledCloudFormationTemplate.Resources, asked);
        if (asked.alarms.length === 0) return;
        const RollbackTriggers = asked.alarms.map((Arn) => ({ Arn, Type: 'AWS::CloudWatch::Alarm' }));
        provider.rollbackConfiguration = { MonitoringTimeInMinutes: WATCHED, RollbackTriggers };
      } catch (cause) {
        throw new classes.Error((cause as Error).message, 'HARDENING');
      }
    };
    // when the template has our roles, and before it is written
    this.hooks = { 'after:aws:package:finalize:mergeCustomProviderResources': run };
  }
}
