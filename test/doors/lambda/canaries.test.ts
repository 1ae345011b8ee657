/** Releases that come to a part of the calls first: what is in the packaged template, and what may be asked for. */
import { beforeAll, describe, expect, test } from 'vitest';
import { addCanaries } from '../../../infra/aws/aliases.ts';
import { resourcesIn } from '../../../infra/aws/bundles.ts';
import { CANARIES, canariesOf } from '../../../infra/aws/canaries.ts';
import type { Template } from '../../../infra/aws/template.ts';
import { PREFIX } from '../../../infra/generate/names.ts';
import { lambdaFunctions } from '../../../infra/generate/platform.ts';
import { PACKAGE } from '../../../infra/package.ts';
import { invokedBy } from '../../cloud/template.ts';
import { packaged } from '../../support/packaged.ts';

const arn = (service: string, resource: string) => ({
  'Fn::Join': [
    ':',
    ['arn', { Ref: 'AWS::Partition' }, service, { Ref: 'AWS::Region' }, { Ref: 'AWS::AccountId' }, resource],
  ],
});
/** ARNs of functions that stand somewhere as text, without `function:` and the prefix. */
const toldOf = (value: unknown): string[] =>
  [...JSON.stringify(value ?? '').matchAll(/"function:perfect21-dev-([a-z-]+(:[^"]*)?)"/g)].map(([, name]) => name!);

describe('the packaged template', () => {
  let resources: ReturnType<typeof resourcesIn> & Record<string, any>;
  beforeAll(async () => {
    await packaged();
    resources = resourcesIn(PACKAGE);
  }, 180_000);
  const ofType = (type: string): [string, any][] => Object.entries(resources).filter(([, { Type }]) => Type === type);
  const keyOf = (id: string): string => resources[id]!.Properties.FunctionName.replace('perfect21-dev-', '');
  const canaries = CANARIES.filter((name) => lambdaFunctions.some((of) => of.name === name));

  test('has of each function on everybody’s path a version, the alias live, a group of CodeDeploy and an alarm, and of no other', () => {
    expect(canaries.length).toBeGreaterThanOrEqual(9);
    const aliases = ofType('AWS::Lambda::Alias');
    expect(aliases.map(([, { Properties }]) => keyOf(Properties.FunctionName.Ref)).sort()).toEqual(
      [...canaries].sort(),
    );
    for (const type of ['AWS::Lambda::Version', 'AWS::CodeDeploy::DeploymentGroup'])
      expect(ofType(type)).toHaveLength(canaries.length);
    for (const [, { Properties, UpdatePolicy }] of aliases) {
      const { Name, FunctionName, FunctionVersion } = Properties;
      expect(Name).toBe('live');
      const [version, attribute] = FunctionVersion['Fn::GetAtt'];
      expect([version, attribute]).toEqual([expect.stringMatching(/Version[0-9a-f]{16}$/), 'Version']);
      expect(resources[version]!.Properties.FunctionName).toEqual(FunctionName);
      const { ApplicationName, DeploymentGroupName } = UpdatePolicy.CodeDeployLambdaAliasUpdate;
      const group = resources[DeploymentGroupName.Ref]!.Properties;
      expect(group).toMatchObject({
        ApplicationName,
        DeploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
        AutoRollbackConfiguration: { Enabled: true, Events: expect.arrayContaining(['DEPLOYMENT_STOP_ON_ALARM']) },
      });
      const alarm = resources[group.AlarmConfiguration.Alarms[0].Name.Ref]!.Properties;
      const looked = JSON.stringify(alarm.Metrics);
      expect(looked).toContain(`"Value":"perfect21-dev-${keyOf(FunctionName.Ref)}:live"`);
      // an answer that says 5xx is well done for Lambda
      if (lambdaFunctions.find(({ name }) => name === keyOf(FunctionName.Ref))!.operations.length)
        expect(looked).toContain('perfect21_requests_total');
      expect(alarm.Metrics.length).toBeLessThanOrEqual(10);
    }
    expect(JSON.stringify(resources)).not.toContain(PREFIX);
  });

  test('sends whoever invokes one of them to its alias, and lets them invoke that alone', () => {
    const live = canaries.map((name) => `${name}:live`);
    const behind = live.filter((name) => name !== 'events-relay:live');
    const qualified = (value: unknown): string[] => toldOf(value).filter((name) => name.includes(':'));
    const bare = (value: unknown): string[] => toldOf(value).filter((name) => canaries.includes(name));
    const body = resources.HttpApi!.Properties.Body;
    expect([...new Set(qualified(body))].sort()).toEqual([...behind].sort());
    for (const methods of Object.values<any>(body.paths))
      for (const route of Object.values<any>(methods)) {
        const name = route['x-function'];
        expect(toldOf(route)).toEqual([canaries.includes(name) ? `${name}:live` : name]);
      }
    const policies = ofType('AWS::IAM::ManagedPolicy').map(([, { Properties }]) => Properties.PolicyDocument);
    expect(qualified(policies).sort()).toEqual([...behind].sort());
    expect([bare(body), bare(policies)]).toEqual([[], []]);
    // by reference: queues, streams, schedules and their permissions
    for (const type of ['AWS::Lambda::EventSourceMapping', 'AWS::Lambda::Permission'])
      for (const [id, { Properties }] of ofType(type)) {
        const name = keyOf(invokedBy(resources, Properties.FunctionName));
        expect([id, Boolean(Properties.FunctionName.Ref)]).toEqual([id, canaries.includes(name)]);
      }
    const [[, rule]] = ofType('AWS::Events::Rule').filter(([, { Properties }]) => Properties.ScheduleExpression) as any;
    expect(keyOf(invokedBy(resources, rule.Properties.Targets[0].Arn))).toBe('events-relay');
    expect(rule.Properties.Targets[0].Arn).toHaveProperty('Ref');
  });

  test('lets their code act under the ARN of a version as well, within what a role may hold', () => {
    for (const name of canaries) {
      const [[, { Properties }]] = ofType('AWS::Lambda::Function').filter(([id]) => keyOf(id) === name) as any;
      const policy = resources[Properties.Role['Fn::GetAtt'][0]]!.Properties.Policies;
      const callers = toldOf(policy);
      expect(new Set(callers)).toEqual(new Set([name, `${name}:*`]));
      expect(callers.filter((each) => each === name).length * 2).toBe(callers.length);
    }
    // 10,240 characters of inline policies; an ARN resolves to less than its references take
    for (const [id, { Properties }] of ofType('AWS::IAM::Role')) {
      const text = JSON.stringify(Properties.Policies ?? []).replace(
        /\{"Fn::Join":\[":",\["arn",\{"Ref":"AWS::Partition"\},"([a-z]+)",\{"Ref":"AWS::Region"\},\{"Ref":"AWS::AccountId"\},"([^"]+)"\]\]\}/g,
        '"arn:aws:$1:ap-southeast-1:123456789012:$2"',
      );
      expect([id, text.length < 10_240]).toEqual([id, true]);
    }
  });

  test('lets CodeDeploy move these aliases, and nothing else', () => {
    const { Policies, AssumeRolePolicyDocument } = resources.ReleasesRole!.Properties;
    expect(JSON.stringify(AssumeRolePolicyDocument)).toContain('codedeploy.amazonaws.com');
    expect(new Set(toldOf(Policies).map((name) => name.replace(/:live$/, '')))).toEqual(new Set(canaries));
    const actions = Policies.flatMap(({ PolicyDocument }: any) =>
      PolicyDocument.Statement.flatMap((each: any) => each.Action),
    );
    expect(actions.sort()).toEqual([
      'cloudwatch:DescribeAlarms',
      'lambda:GetAlias',
      'lambda:GetProvisionedConcurrencyConfig',
      'lambda:UpdateAlias',
    ]);
  });
});

/** A stack of three functions: one behind HTTP, one of a queue, one behind a WebSocket. */
const stack = (publicUrl: unknown = 'https://auth.example.org'): Template => {
  const of = (name: string) => ({
    Type: 'AWS::Lambda::Function',
    Properties: {
      FunctionName: `perfect21-dev-${name}`,
      Environment: { Variables: { PERFECT21_PUBLIC_URL: publicUrl } },
      Timeout: 10,
    },
  });
  const route = { 'x-function': 'auth-login', uri: arn('lambda', 'function:perfect21-dev-auth-login') };
  return {
    Resources: {
      Login: of('auth-login'),
      Handler: of('users-on-user-login'),
      Socket: of('notifications-open-connection'),
      HttpApi: {
        Type: 'AWS::ApiGatewayV2::Api',
        Properties: { Body: { paths: { '/api/v1/auth/login': { post: route } } } },
      },
      Integration: {
        Type: 'AWS::ApiGatewayV2::Integration',
        Properties: { IntegrationUri: arn('lambda', 'function:perfect21-dev-notifications-open-connection') },
      },
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: { FunctionName: { 'Fn::GetAtt': ['Handler', 'Arn'] } },
      },
    },
  };
};

describe('a deployment', () => {
  const files = (key: string) => [{ name: `${key}.mjs`, content: Buffer.from('v1') }];
  const made = (env: NodeJS.ProcessEnv, template = stack(), more: object = {}): Template => {
    addCanaries(template, canariesOf(env), { prefix: 'perfect21-dev', files, ...more });
    return template;
  };
  const versionsOf = ({ Resources }: Template) =>
    Object.keys(Resources).filter((id) => Resources[id]!.Type === 'AWS::Lambda::Version');
  const configsOf = ({ Resources }: Template) =>
    Object.values(Resources).flatMap(({ Properties }) => Properties?.DeploymentConfigName ?? []);

  test('may choose the functions, none of them, and the steps', () => {
    expect(made({ PERFECT21_CANARY_FUNCTIONS: 'none' })).toEqual(stack());
    const chosen = made({ PERFECT21_CANARY_FUNCTIONS: 'users-on-user-login, notifications-open-connection' });
    expect(versionsOf(chosen)).toEqual([
      expect.stringMatching(/^HandlerVersion/),
      expect.stringMatching(/^SocketVersion/),
    ]);
    expect(chosen.Resources.Mapping!.Properties!.FunctionName).toEqual({ Ref: 'HandlerLive' });
    expect(chosen.Resources.Integration!.DependsOn).toEqual(['SocketLive']);
    expect(configsOf(made({}))).toEqual(['CodeDeployDefault.LambdaCanary10Percent5Minutes']);
    const linear = 'Linear10PercentEvery1Minute';
    expect(configsOf(made({ PERFECT21_CANARY: linear }))).toEqual([`CodeDeployDefault.Lambda${linear}`]);
    expect(configsOf(made({ PERFECT21_CANARY: 'off' }))).toEqual(['CodeDeployDefault.LambdaAllAtOnce']);
  });

  test('is refused in one line where it can’t be meant', () => {
    expect(() => canariesOf({ PERFECT21_CANARY: 'half' })).toThrow(
      /^PERFECT21_CANARY is not usable: choose off or one of [^\n]+$/,
    );
    expect(() => made({ PERFECT21_CANARY_FUNCTIONS: 'auth-logn' })).toThrow(
      'PERFECT21_CANARY_FUNCTIONS: there is no function "auth-logn" in this stack',
    );
    const full = stack();
    for (let n = 0; n < 495; n++) full.Resources[`T${n}`] = { Type: 'AWS::SNS::Topic' };
    expect(() => made({}, full)).toThrow(
      /^PERFECT21_CANARY_FUNCTIONS: 1 functions make \d+ resources, and a stack takes 499$/,
    );
  });

  test('makes a version of another code and of another configuration, and none of the same', () => {
    const [first] = versionsOf(made({}));
    expect(versionsOf(made({}))).toEqual([first]);
    const changed = (change: (properties: Record<string, any>) => void): string => {
      const template = stack();
      change(template.Resources.Login!.Properties!);
      return versionsOf(made({}, template))[0]!;
    };
    expect(changed((login) => (login.Timeout = 20))).not.toBe(first);
    expect(changed((login) => (login.KmsKeyArn = 'arn:aws:kms:eu-central-1:123456789012:key/1'))).not.toBe(first);
    // what Lambda makes no version of: a second one of the same is refused
    expect(changed((login) => (login.ReservedConcurrentExecutions = 5))).toBe(first);
    expect(changed((login) => (login.Code = { S3Key: 'another/time' }))).toBe(first);
    const other = () => [{ name: 'auth-login.mjs', content: Buffer.from('v2') }];
    expect(versionsOf(made({}, stack(), { files: other }))).not.toEqual([first]);
  });

  test('that is forced makes versions of what is as it was, so that all read their secrets anew', () => {
    const forced = made({}, stack(), { restart: '2026-11-26T16:00:00.000Z' });
    expect(versionsOf(forced)).not.toEqual(versionsOf(made({})));
    expect(forced.Resources.Login!.Properties!.Environment.Variables.DEPLOYED_AT).toBe('2026-11-26T16:00:00.000Z');
    expect(forced.Resources.Handler!.Properties!.Environment.Variables).not.toHaveProperty('DEPLOYED_AT');
  });

  test('changes the routes when the aliases are there, unless functions wait for the API’s own address', () => {
    expect(made({}).Resources.HttpApi!.DependsOn).toEqual(['LoginLive']);
    const own = stack({ 'Fn::GetAtt': ['HttpApi', 'ApiEndpoint'] });
    expect(made({}, own).Resources.HttpApi!.DependsOn).toBeUndefined();
  });
});
