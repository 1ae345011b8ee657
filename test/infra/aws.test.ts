/** What is deployed in AWS beside functions and their rights: data that nobody loses, alarms that ring, and a front with bounds. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { domainFault } from '../../infra/aws/deploy-plugin.ts';
import { askedFor, harden } from '../../infra/aws/harden-plugin.ts';
import { growth, moduleOf, notedWeights } from '../../infra/aws/weights.ts';
import { ROOT } from '../../infra/generate/files.ts';
import { PREFIX } from '../../infra/generate/names.ts';
import { consumedQueues, lambdaFunctions, platform } from '../../infra/generate/platform.ts';
import { invitesGuessing, routesOf } from '../../infra/generate/routes.ts';

interface Resource {
  Type: string;
  Condition?: string;
  Properties: any;
  [more: string]: unknown;
}
const read = (file: string) => parse(readFileSync(join(ROOT, file), 'utf8'));
const template: { Resources: Record<string, Resource>; Conditions: object } = read('infra/generated/resources.yml');
const place = read('infra/aws/place.yml');
/** As osls writes a variable of infra/aws/place.yml. */
const ofPlace = (name: string): string => `\${self:custom.place.${name}}`;
const ofType = (type: string): [string, Resource][] =>
  Object.entries(template.Resources).filter(([, { Type }]) => Type === type);

describe('data', () => {
  test('can be brought back to any second, survives a mistake and the stack, and is encrypted', () => {
    for (const [id, table] of ofType('AWS::DynamoDB::Table')) {
      expect([id, table]).toMatchObject([
        id,
        {
          DeletionPolicy: 'RetainExceptOnCreate',
          UpdateReplacePolicy: 'Retain',
          Properties: {
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
            SSESpecification: { SSEEnabled: true },
            DeletionProtectionEnabled: ofPlace('deletion_protection'),
          },
        },
      ]);
    }
    expect(place.deletion_protection).toContain("env:PERFECT21_DELETION_PROTECTION, 'on'");
    expect(place.protected).toEqual({ on: true, off: false });
    const expiring = ofType('AWS::DynamoDB::Table').filter(([, { Properties }]) => Properties.TimeToLiveSpecification);
    expect(expiring.length).toBeGreaterThan(0);
    for (const [, { Properties }] of ofType('AWS::SQS::Queue')) expect(Properties.SqsManagedSseEnabled).toBe(true);
    for (const [, { Properties }] of ofType('AWS::Logs::LogGroup'))
      expect(Properties.RetentionInDays).toBe(ofPlace('log_days'));
  });
});

describe('alarms', () => {
  const alarms = ofType('AWS::CloudWatch::Alarm');
  const series = alarms.flatMap(([, { Properties }]) =>
    Properties.Metrics.flatMap(({ MetricStat }: any) => (MetricStat ? [MetricStat.Metric] : [])),
  );
  const about = (name: string) => series.filter(({ MetricName }: any) => MetricName === name);

  test('ring at a topic, say what to do, and look at no more series than an alarm may', () => {
    for (const [id, { Properties }] of alarms) {
      expect([id, Properties.AlarmActions]).toEqual([id, [{ Ref: 'AlarmTopic' }]]);
      expect(Properties.AlarmDescription.length).toBeGreaterThan(60);
      expect(Properties.Metrics.length).toBeLessThanOrEqual(10);
      expect(Properties.Metrics.filter(({ ReturnData }: any) => ReturnData)).toHaveLength(1);
    }
    expect(template.Resources.AlarmMail).toMatchObject({ Condition: 'HasAlarmMail' });
  });

  test('hear of errors, throttles, old messages, dead letters and a relay that is late or silent', () => {
    for (const name of ['5xx', 'Errors', 'Throttles', 'IteratorAge', 'Invocations', 'Latency'])
      expect([name, about(name).length > 0]).toEqual([name, true]);
    const dead = about('ApproximateNumberOfMessagesVisible').map(
      ({ Dimensions }: any) => Dimensions[0].Value['Fn::GetAtt'][0],
    );
    const waiting = about('ApproximateAgeOfOldestMessage').map(
      ({ Dimensions }: any) => Dimensions[0].Value['Fn::GetAtt'][0],
    );
    expect(dead).toHaveLength(consumedQueues.length);
    expect(new Set(dead).size).toBe(dead.length);
    for (const id of [...dead, ...waiting]) expect(template.Resources[id]?.Type).toBe('AWS::SQS::Queue');
    const quiet = lambdaFunctions.filter((of) => of.queue || of.relay || of.socket);
    const unheard = quiet.map(({ name }) => `${PREFIX}-${name}`);
    const heard = about('Errors').map(({ Dimensions }: any) => Dimensions[0].Value);
    expect(heard.sort()).toEqual(unheard.sort());
  });

  test('stand beside a dashboard that can be read', () => {
    const [[, { Properties }] = ['', undefined!]] = ofType('AWS::CloudWatch::Dashboard');
    const { widgets } = JSON.parse(Properties.DashboardBody['Fn::Sub']);
    expect(widgets.length).toBeGreaterThanOrEqual(10);
    for (const { properties } of widgets) expect(properties.metrics.length).toBeGreaterThan(0);
  });
});

describe('the front', () => {
  const stage = template.Resources.HttpApiStage!.Properties;

  test('bounds all requests, and those where secrets can be tried more narrowly', () => {
    expect(stage.DefaultRouteSettings).toMatchObject({ ThrottlingRateLimit: ofPlace('rate') });
    const guessed = routesOf(platform)
      .filter(({ path }) => invitesGuessing(path))
      .map(({ methods, path }) => `${methods[0]} ${path}`);
    expect(guessed).toContain('POST /api/v1/auth/login');
    expect(Object.keys(stage.RouteSettings).sort()).toEqual(guessed.sort());
    const limit = (text: string) => Number(/'(\d+)'/.exec(text)?.[1]);
    expect(limit(place.guess_rate)).toBeLessThan(limit(place.rate));
    // what the contract promises goes through
    expect(limit(place.rate)).toBeGreaterThanOrEqual(1_000);
  });

  test('logs each request by its route, without query, header or token', () => {
    const line = JSON.parse(stage.AccessLogSettings.Format);
    expect(line).toMatchObject({
      requestId: '$context.requestId',
      route: '$context.routeKey',
      status: '$context.status',
    });
    expect(JSON.stringify(line)).not.toMatch(/path|query|header|authorizer/i);
    expect(template.Resources[stage.AccessLogSettings.DestinationArn['Fn::GetAtt'][0]]?.Type).toBe(
      'AWS::Logs::LogGroup',
    );
  });

  test('has a name of its own where one is given, by TLS 1.2, and closes the other', () => {
    const { Condition, Properties } = template.Resources.HttpApiDomain!;
    expect(Condition).toBe('HasDomain');
    expect(Properties.DomainNameConfigurations[0].SecurityPolicy).toBe('TLS_1_2');
    expect(template.Resources.HttpApi!.Properties.DisableExecuteApiEndpoint).toEqual({
      'Fn::If': ['HasDomain', true, false],
    });
    const fault = /^PERFECT21_DOMAIN .*PERFECT21_CERTIFICATE_ARN|^PERFECT21_PUBLIC_URL/;
    expect(domainFault({ PERFECT21_DOMAIN: 'auth.example.com' })).toMatch(fault);
    const certificate = { PERFECT21_DOMAIN: 'auth.example.com', PERFECT21_CERTIFICATE_ARN: 'arn:aws:acm:x' };
    expect(domainFault(certificate)).toMatch(fault);
    expect(domainFault({ ...certificate, PERFECT21_PUBLIC_URL: 'https://auth.example.com' })).toBeUndefined();
    expect(domainFault({})).toBeUndefined();
  });

  test('lets pages of named origins call, and none where none is named', () => {
    const [condition, cors, otherwise] =
      template.Resources.HttpApi!.Properties.Body['x-amazon-apigateway-cors']['Fn::If'];
    expect([condition, otherwise]).toEqual(['HasOrigins', { Ref: 'AWS::NoValue' }]);
    expect(cors.allowOrigins).toEqual({ 'Fn::Split': [',', ofPlace('origins')] });
    expect(cors).not.toHaveProperty('allowCredentials');
  });
});

describe('what a company asks of every function and role', () => {
  const some = (): Record<string, Resource> => ({
    Role: { Type: 'AWS::IAM::Role', Properties: {} },
    Hashes: { Type: 'AWS::Lambda::Function', Properties: { MemorySize: 1769 } },
    Other: { Type: 'AWS::Lambda::Function', Properties: { MemorySize: 512 } },
  });

  test('is in the template where it asks, and nothing is where not', () => {
    const plain = some();
    harden(plain, askedFor({}));
    expect(plain).toEqual(some());
    const arn = 'arn:aws:iam::123456789012:policy/boundary';
    const env = {
      PERFECT21_PERMISSIONS_BOUNDARY: arn,
      PERFECT21_CODE_SIGNING: 'arn:aws:lambda:eu-central-1:123456789012:code-signing-config:csc-1',
      PERFECT21_ENVIRONMENT_KEY: 'arn:aws:kms:eu-central-1:123456789012:key/1',
      PERFECT21_HASHING_CONCURRENCY: '20',
    };
    const asked = some();
    harden(asked, askedFor(env));
    expect(asked.Role!.Properties).toEqual({ PermissionsBoundary: arn });
    expect(asked.Hashes!.Properties).toMatchObject({
      ReservedConcurrentExecutions: 20,
      KmsKeyArn: env.PERFECT21_ENVIRONMENT_KEY,
    });
    expect(asked.Other!.Properties).toMatchObject({ CodeSigningConfigArn: env.PERFECT21_CODE_SIGNING });
    expect(asked.Other!.Properties).not.toHaveProperty('ReservedConcurrentExecutions');
  });

  test('is refused in one line where it can’t be meant', () => {
    expect(() => askedFor({ PERFECT21_PERMISSIONS_BOUNDARY: 'boundary' })).toThrow(
      'PERFECT21_PERMISSIONS_BOUNDARY is no ARN',
    );
    expect(() => askedFor({ PERFECT21_HASHING_CONCURRENCY: '0' })).toThrow(
      'PERFECT21_HASHING_CONCURRENCY is not usable',
    );
    expect(() => askedFor({ PERFECT21_ROLLBACK_ALARMS: 'errors' })).toThrow(
      'PERFECT21_ROLLBACK_ALARMS names no alarms',
    );
    const alarm = 'arn:aws:cloudwatch:eu-central-1:123456789012:alarm:perfect21-dev-errors';
    expect(askedFor({ PERFECT21_ROLLBACK_ALARMS: alarm }).alarms).toEqual([alarm]);
    expect(() => askedFor({ PERFECT21_ROLLBACK_ALARMS: Array(6).fill(alarm).join(',') })).toThrow(
      'five alarms at most',
    );
  });
});

describe('a function that grew', () => {
  const noted = { functions: { login: 100, refresh: 80 }, modules: { zod: 60, 'shared/keys': 20 } };

  test('by more than a tenth is named with the module that did', () => {
    const now = {
      functions: { login: 111, refresh: 88, fresh: 200 },
      modules: { zod: 60, 'shared/keys': 30.5, uuid: 0.6 },
    };
    expect(growth(noted, now)).toEqual([
      'login grew from 100 to 111 kB (shared/keys +10.5 kB, uuid +0.6 kB): make it smaller, or note it by "npm run package -- --note"',
    ]);
    expect(growth(noted, noted)).toEqual([]);
  });

  test('is weighed by packages and rooms', () => {
    expect(moduleOf('node_modules/@aws-sdk/core/dist/x.js')).toBe('@aws-sdk/core');
    expect(moduleOf('node_modules/a/node_modules/b/x.js')).toBe('b');
    expect(moduleOf('shared/store/dynamodb/reads.ts')).toBe('shared/store/dynamodb');
    expect(Object.keys(notedWeights().functions).length).toBeGreaterThanOrEqual(lambdaFunctions.length);
  });
});
