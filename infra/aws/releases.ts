/** What releases a function step by step, as CloudFormation has it: CodeDeploy, its groups, and the alarms that they look at. */
import { serviceName } from '../../shared/kit/service-name.ts';
import { alarmOf, type Metric } from '../generate/alarm.ts';
import { assumedBy, type Cfn } from '../generate/cfn.ts';
import { arn, getArn, PREFIX } from '../generate/names.ts';
import type { Template } from './template.ts';

/** What is invoked, whichever version it is. */
export const ALIAS = 'live';
const APPLICATION = 'Releases';
const ROLE = 'ReleasesRole';

/** Answers that a function should not give; Lambda counts them as well done. */
const FAILED = [500, 503];

/** What the HTTP API brings a function. */
const routesOf = ({ Resources }: Template, key: string): { method: string; endpoint: string }[] =>
  Object.entries<any>(Resources.HttpApi?.Properties?.Body?.paths ?? {}).flatMap(([endpoint, methods]) =>
    Object.entries<any>(methods)
      .filter(([, route]) => route['x-function'] === key && !route.isDefaultRoute)
      .map(([method]) => ({ method: method.toUpperCase(), endpoint })),
  );

export const alarmFor = (template: Template, key: string): Cfn => {
  const dimensions = { FunctionName: `${PREFIX}-${key}`, Resource: `${PREFIX}-${key}:${ALIAS}` };
  const lambda = (name: string): Metric => ({ namespace: 'AWS/Lambda', name, dimensions, stat: 'Sum' });
  const routes = routesOf(template, key);
  const service = serviceName(key.slice(0, key.indexOf('-')));
  const failures = routes.flatMap((route) =>
    FAILED.map(
      (status): Metric => ({
        namespace: 'perfect21',
        name: 'perfect21_requests_total',
        dimensions: { service, ...route, status: String(status) },
        stat: 'Sum',
      }),
    ),
  );
  const metrics = [lambda('Invocations'), lambda('Errors'), ...failures];
  const failed = failures.length ? `SUM([${metrics.slice(1).map((_, n) => `m${n + 2}`)}])` : 'm2';
  // a dependency that is away for a moment is no fault of a release; nobody else hears of what no request waits for
  return alarmOf({
    name: `live-${key}`,
    says: `Of the calls of ${key} more than one in a hundred fail. While a release comes to it, the one before is put back. Look at its logs.`,
    metrics,
    expression: `IF(${failed} > ${routes.length ? 2 : 0}, 100 * ${failed} / m1, 0)`,
    above: 1,
    minutes: 1,
  });
};

export const groupOf = (alarm: string, steps: string): Cfn => ({
  Type: 'AWS::CodeDeploy::DeploymentGroup',
  Properties: {
    ApplicationName: { Ref: APPLICATION },
    ServiceRoleArn: getArn(ROLE),
    DeploymentConfigName: `CodeDeployDefault.Lambda${steps}`,
    DeploymentStyle: { DeploymentType: 'BLUE_GREEN', DeploymentOption: 'WITH_TRAFFIC_CONTROL' },
    AlarmConfiguration: { Enabled: true, Alarms: [{ Name: { Ref: alarm } }] },
    AutoRollbackConfiguration: {
      Enabled: true,
      Events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM', 'DEPLOYMENT_STOP_ON_REQUEST'],
    },
  },
});

/** Of an alias: it is moved by its group. */
export const moved = (group: string): Cfn => ({
  CodeDeployLambdaAliasUpdate: { ApplicationName: { Ref: APPLICATION }, DeploymentGroupName: { Ref: group } },
});

/** By logical id: of CodeDeploy, which moves aliases of these functions and looks at alarms (it names none when it asks). */
export const frame = (keys: readonly string[]): Record<string, Cfn> => ({
  [APPLICATION]: {
    Type: 'AWS::CodeDeploy::Application',
    Properties: { ApplicationName: PREFIX, ComputePlatform: 'Lambda' },
  },
  [ROLE]: {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: assumedBy('codedeploy'),
      Policies: [
        {
          PolicyName: 'releases',
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Action: ['lambda:GetAlias', 'lambda:UpdateAlias', 'lambda:GetProvisionedConcurrencyConfig'],
                Resource: keys.flatMap((key) => {
                  const name = `function:${PREFIX}-${key}`;
                  return [arn('lambda', name), arn('lambda', `${name}:${ALIAS}`)];
                }),
              },
              { Effect: 'Allow', Action: ['cloudwatch:DescribeAlarms'], Resource: arn('cloudwatch', 'alarm:*') },
            ],
          },
        },
      ],
    },
  },
});
