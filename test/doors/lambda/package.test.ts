import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  type Bundle,
  bundlesIn,
  faultsOf,
  MAX_BUNDLE,
  MAX_RESOURCES,
  resourcesIn,
} from '../../../infra/aws/bundles.ts';
import DeployPlugin from '../../../infra/aws/deploy-plugin.ts';
import { growth, notedWeights, weightsOf } from '../../../infra/aws/weights.ts';
import { readZip } from '../../../infra/aws/zip.ts';
import { DOCUMENT, EVENT_DOCUMENT, ROOT } from '../../../infra/generate/files.ts';
import { lambdaFunctions } from '../../../infra/generate/platform.ts';
import { urgentQueues } from '../../../infra/generate/urgent.ts';
import { PACKAGE } from '../../../infra/package.ts';
import { invokedBy } from '../../cloud/template.ts';
import { packaged } from '../../support/packaged.ts';

type Resource = { Type: string; Properties: any };
interface Statement {
  Effect: string;
  Action: string | string[];
  Resource?: unknown;
  NotResource?: unknown;
  Condition?: unknown;
}

/** The only actions for which AWS takes no resource but `*`. */
const WITHOUT_RESOURCE = ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'];

const mkdirIn = (folder: string, name: string): string => {
  mkdirSync(join(folder, name), { recursive: true });
  return join(folder, name);
};

test('a deployment says in one line that MAIL_FROM is missing, before it makes anything; packaging does not ask', () => {
  const start = (command: string, MAIL_FROM: string): void => {
    const service = { custom: { environment: { MAIL_FROM, SIGNING_KEY_ARNS: {} } } };
    const { hooks } = new DeployPlugin({ processedInput: { commands: [command] }, service, classes: { Error } });
    hooks.initialize!();
  };
  for (const from of ['x <a@not-set.invalid>', 'x <no-reply@perfect21.local>', 'nobody'])
    expect(() => start('deploy', from)).toThrow(/^MAIL_FROM is not set: [^\n]+$/);
  start('deploy', 'Example <no-reply@example.org>');
  for (const command of ['package', 'offline']) start(command, 'x <a@not-set.invalid>');
});

describe('npm run package', () => {
  let resources: Record<string, Resource>;
  let bundles: Bundle[];
  beforeAll(async () => {
    await packaged();
    resources = resourcesIn(PACKAGE);
    bundles = bundlesIn(PACKAGE);
  }, 180_000);

  const ofType = (type: string) => Object.entries(resources).filter(([, { Type }]) => Type === type);
  const statements = (): Statement[] =>
    ofType('AWS::IAM::Role').flatMap(([, { Properties }]) =>
      (Properties.Policies ?? []).flatMap(({ PolicyDocument }: any) => PolicyDocument.Statement),
    );

  test('makes a stack that CloudFormation takes', () => {
    expect(Object.keys(resources).length).toBeLessThanOrEqual(MAX_RESOURCES);
  });

  test('makes every function of the table run on Node 24 and arm64', () => {
    const functions = ofType('AWS::Lambda::Function');
    expect(functions).toHaveLength(lambdaFunctions.length);
    for (const [, { Properties }] of functions) {
      expect(Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] });
    }
  });

  test('gives every function a role of its own', () => {
    const roles = ofType('AWS::Lambda::Function').map(([, { Properties }]) => JSON.stringify(Properties.Role));
    expect(new Set(roles).size).toBe(roles.length);
    // and Scheduler one, to write to the queue of the relay's alarms, each API one, to invoke, and CodeDeploy one
    expect(ofType('AWS::IAM::Role')).toHaveLength(roles.length + 4);
  });

  test('allows no role an action on everything, and no action by wildcard', () => {
    for (const { Action, Resource, NotResource } of statements()) {
      // a phone number has no ARN
      if (NotResource) expect([Action, NotResource]).toEqual([['sns:Publish'], 'arn:*:sns:*:*:*']);
      const actions = [Action].flat();
      for (const action of actions) expect(action).toMatch(/^[a-z0-9-]+:[A-Za-z]+$/);
      const everything = [Resource].flat().some((resource) => resource === '*');
      if (everything) expect(WITHOUT_RESOURCE).toEqual(expect.arrayContaining(actions));
      // log streams are named by Lambda, schedules, objects and connections when they are made, and who looks at alarms names none;
      // everything else is named to the end
      if (!everything && !/^(logs|scheduler|sns|s3|execute-api|cloudwatch):/.test(actions[0]!))
        expect(JSON.stringify(Resource)).not.toContain('*');
      if (actions[0]!.startsWith('execute-api:'))
        for (const each of [Resource].flat())
          expect(JSON.stringify(each)).toMatch(
            /{"Ref":"SocketApi"},"\/ws\/(POST|DELETE)\/@connections\/\*"\]\]\}\]\]\}$/,
          );
      if (actions[0]!.startsWith('s3:'))
        expect(JSON.stringify(Resource)).toMatch(/"\/(jobs|uploads|results)\/\*"\]\]\}$/);
    }
  });

  test('allows data, keys and mail to the code of the function only', () => {
    // a stream is read by Lambda itself
    const guarded = statements()
      .filter(({ Action }) => /^(dynamodb|kms|ses|sns|events|execute-api):/.test([Action].flat()[0]!))
      .filter(({ Resource }) => !JSON.stringify(Resource ?? '').includes('"StreamArn"'));
    expect(guarded.length).toBeGreaterThan(0);
    for (const { Condition } of guarded) expect(JSON.stringify(Condition)).toContain('lambda:SourceFunctionArn');
    // whoever has an address that a function signed is not its code: such a right is of no use without a signed address
    const objects = statements().filter(({ Action }) => [Action].flat()[0]!.startsWith('s3:'));
    expect(objects.length).toBeGreaterThan(0);
    for (const { Condition } of objects)
      expect(JSON.stringify(Condition)).toMatch(/lambda:SourceFunctionArn|"s3:authType":"REST-QUERY-STRING"/);
  });

  test('keeps rows that go through objects from everybody without a signature, and for a day', () => {
    const { Properties } = resources.BulkBucket!;
    expect(new Set(Object.values(Properties.PublicAccessBlockConfiguration))).toEqual(new Set([true]));
    expect(JSON.stringify(Properties.BucketEncryption)).toContain('SSEAlgorithm');
    expect(Properties.LifecycleConfiguration.Rules).toEqual([
      expect.objectContaining({ Status: 'Enabled', ExpirationInDays: 1 }),
    ]);
    const policy = resources.BulkBucketPolicy!;
    expect(policy.Properties.PolicyDocument.Statement).toEqual([
      expect.objectContaining({
        Effect: 'Deny',
        Principal: '*',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    ]);
    const asked = statements().filter(({ Condition }) => JSON.stringify(Condition ?? '').includes('s3:authType'));
    expect(asked.map(({ Action }) => Action).sort()).toEqual([['s3:GetObject'], ['s3:GetObject'], ['s3:PutObject']]);
    for (const { Condition } of asked)
      expect(Condition).toMatchObject({ NumericLessThanEquals: { 's3:signatureAge': 900_000 } });
  });

  test('lets a function that only reads write nothing but the audit log, and sign no token', () => {
    const role = resources.UsersGetMeRole!;
    const text = JSON.stringify(role.Properties.Policies);
    expect(text).toContain('dynamodb:GetItem');
    expect(text).not.toMatch(/kms:Sign"/);
    const statements = role.Properties.Policies[0].PolicyDocument.Statement as {
      Action: string[];
      Resource: object[];
    }[];
    const writes = statements.filter(({ Action }) => /dynamodb:(Put|Update|Delete)Item/.test(JSON.stringify(Action)));
    // who was refused is noted
    const tables = writes.flatMap(({ Resource }) => JSON.stringify(Resource).match(/\w+Table(?=")/g) ?? []);
    expect([...new Set(tables)]).toEqual(['AuditLinesTable']);
  });

  test('puts dead letters behind every queue and partial failures before every consumer', () => {
    const sources = ofType('AWS::Lambda::EventSourceMapping').filter(
      ([, { Properties }]) => !Properties.StartingPosition,
    );
    const alarms = sources.filter(
      ([, { Properties }]) => Properties.EventSourceArn['Fn::GetAtt'][0] === 'EventsDueQueue',
    );
    expect(sources.length - alarms.length).toBe(
      lambdaFunctions.filter(({ queue }) => queue).length + urgentQueues.size,
    );
    for (const [, { Properties }] of sources) {
      // an alarm is a whole batch: it only says that it is time to look
      const partial =
        Properties.EventSourceArn['Fn::GetAtt'][0] === 'EventsDueQueue' ? undefined : ['ReportBatchItemFailures'];
      expect(Properties.FunctionResponseTypes).toEqual(partial);
      const queue = resources[Properties.EventSourceArn['Fn::GetAtt'][0]]!;
      expect(resources[queue.Properties.RedrivePolicy.deadLetterTargetArn['Fn::GetAtt'][0]]?.Type).toBe(
        'AWS::SQS::Queue',
      );
    }
  });

  test('costs about two resources an operation, and none of the sixty references that a template may have', () => {
    const routes = Object.values(resources.HttpApi!.Properties.Body.paths);
    expect(routes.flatMap((methods) => Object.keys(methods as object)).length).toBe(
      // one for each binding, and one for whatever the platform answers itself
      lambdaFunctions
        .filter(({ queue, relay, socket }) => !queue && !relay && !socket)
        .reduce((sum, { operations }) => sum + Math.max(1, operations.flatMap(({ http }) => http).length), 0),
    );
    // a WebSocket API takes no body
    expect(ofType('AWS::ApiGatewayV2::Route')).toHaveLength(3);
    const count = (type: string): number => ofType(type).length;
    expect(count('AWS::IAM::Role')).toBeLessThan(count('AWS::Lambda::Function') + 5);
    const growing =
      /^AWS::(Lambda::(Function|EventSourceMapping|Version|Alias)|CodeDeploy::DeploymentGroup|IAM::Role|DynamoDB::Table|SQS::Queue(Policy)?|Events::Rule|Logs::LogGroup|CloudWatch::Alarm)$/;
    const frame = Object.values(resources).filter(({ Type }) => !growing.test(Type));
    // what a deployment has once, however much is kept in it and whoever listens
    expect(frame.length).toBeLessThan(30);
    expect(JSON.stringify(resources)).not.toContain('{{resolve:');
  });

  test('lets the API invoke every function behind its routes, and no other', () => {
    const named = (value: unknown): string[] => JSON.stringify(value).match(/function:perfect21-dev-[a-z-]+/g) ?? [];
    const api = resources.HttpApi!;
    const invokes = ofType('AWS::IAM::ManagedPolicy').map(([, { Properties }]) => Properties.PolicyDocument);
    expect(named(invokes).sort()).toEqual([...new Set(named(api.Properties.Body))].sort());
    expect(named(invokes)).not.toContain('function:perfect21-dev-events-relay');
  });

  test('gives each route of WebSockets its function, which the API alone invokes, and logs no ticket', () => {
    const text = (value: unknown): string => JSON.stringify(value);
    const routes = ofType('AWS::ApiGatewayV2::Route').map(([, { Properties }]) => {
      const { IntegrationUri, CredentialsArn } = resources[Properties.Target['Fn::Join'][1][1].Ref]!.Properties;
      expect(CredentialsArn).toEqual({ 'Fn::GetAtt': ['SocketApiRole', 'Arn'] });
      return [Properties.RouteKey, /function:perfect21-dev-([a-z-]+)/.exec(text(IntegrationUri))?.[1]];
    });
    expect(Object.fromEntries(routes)).toEqual({
      $connect: 'notifications-open-connection',
      $default: 'notifications-hear-connection',
      $disconnect: 'notifications-leave-connection',
    });
    const [{ PolicyDocument }] = resources.SocketApiRole!.Properties.Policies;
    const invoked = text(PolicyDocument).match(/function:[a-z0-9-]+/g)!;
    expect(invoked.map((name) => name.replace('function:perfect21-dev-', '')).sort()).toEqual(
      routes.map(([, name]) => name).sort(),
    );
    // who lets in and who notes an end sends to no connection
    const posts = statements().filter(({ Action }) => text(Action).includes('execute-api:ManageConnections'));
    expect(posts).toHaveLength(2);
    const [condition, { Format }, nothing] = resources.SocketApiStage!.Properties.AccessLogSettings['Fn::If'];
    expect([condition, nothing]).toEqual(['HasSocketLog', { Ref: 'AWS::NoValue' }]);
    expect(Format).not.toMatch(/query|path|body/i);
  });

  test('lets no queue outrun a provider: few functions send, one message each, and no queue takes all of the account', () => {
    const paces = ofType('AWS::Lambda::EventSourceMapping')
      .filter(([, { Properties }]) => Properties.FunctionResponseTypes)
      .map(([, { Properties }]) => {
        const { PUSH_URL, MAIL_URL, PERFECT21_BULK_BUCKET } =
          resources[invokedBy(resources, Properties.FunctionName)]!.Properties.Environment.Variables;
        // bulk work is a quarter of an hour for a message
        const sends = Boolean(PUSH_URL ?? MAIL_URL ?? PERFECT21_BULK_BUCKET);
        return [sends, Properties.BatchSize, Properties.ScalingConfig.MaximumConcurrency];
      });
    expect(paces.filter(([sends]) => sends).length).toBeGreaterThan(2);
    for (const [one, ...pace] of paces) expect(pace).toEqual(one ? [1, 2] : [10, 100]);
  });

  test('samples traces by a rule of its own', () => {
    const [[, { Properties }]] = ofType('AWS::XRay::SamplingRule') as [[string, Resource]];
    expect(Properties.SamplingRule).toMatchObject({
      ServiceName: 'perfect21-dev-*',
      ReservoirSize: 1,
      FixedRate: '0.05',
    });
    for (const [, each] of ofType('AWS::Lambda::Function')) {
      expect(each.Properties.TracingConfig).toEqual({ Mode: 'Active' });
      expect(each.Properties.Environment.Variables.POWERTOOLS_TRACE_ENABLED).toBe('true');
    }
  });

  test('names the secret where functions need it, and lets them read that one', () => {
    for (const [, { Properties }] of ofType('AWS::Lambda::Function')) {
      expect(Properties.Environment.Variables.PERFECT21_SECRET).toEqual({
        'Fn::Join': ['', ['secretsmanager:', { Ref: 'PlatformSecret' }]],
      });
    }
    const readers = statements().filter(({ Action }) => [Action].flat().includes('secretsmanager:GetSecretValue'));
    expect(readers.length).toBeGreaterThan(0);
    for (const { Resource } of readers) expect(Resource).toEqual({ Ref: 'PlatformSecret' });
  });

  test('signs with one key and publishes as many as PERFECT21_SIGNING_KEYS names; its own is the only one by default', () => {
    const own = { 'Fn::Split': [',', { 'Fn::GetAtt': ['SigningKey', 'Arn'] }] };
    const of = (action: string) => statements().filter(({ Action }) => [Action].flat().includes(action));
    expect(of('kms:Sign').length).toBeGreaterThan(0);
    for (const { Action, Resource } of of('kms:Sign')) {
      expect([Action, Resource]).toEqual([['kms:Sign'], { 'Fn::Select': [0, own] }]);
    }
    for (const { Resource } of of('kms:GetPublicKey')) expect(Resource).toEqual(own);
  });

  test('leaves nothing behind that a failed first deployment made', () => {
    const kept = Object.values(resources).filter((each: any) => each.UpdateReplacePolicy === 'Retain');
    expect(kept.length).toBeGreaterThan(20);
    for (const each of kept as any[]) expect(each.DeletionPolicy).toBe('RetainExceptOnCreate');
  });

  test('lets the functions that mail send through SES as one identity, and no other function', () => {
    const senders = ofType('AWS::Lambda::Function').filter(([, { Properties }]) => {
      const { MAIL_URL = 'ses:' } = Properties.Environment.Variables;
      expect(MAIL_URL).toBe('ses:');
      return Properties.Environment.Variables.MAIL_URL;
    });
    expect(senders).toHaveLength(3);
    const allowed = statements().filter(({ Action }) => [Action].flat().some((action) => action.startsWith('ses:')));
    expect(allowed).toHaveLength(senders.length);
    for (const { Action, Resource } of allowed) {
      expect(Action).toEqual(['ses:SendEmail']);
      expect(JSON.stringify(Resource)).toMatch(/"identity",\{"Fn::Select":\[0,\{"Fn::Split":\[">",.*@/);
    }
  });

  test('keeps every bundle below 220 kB, and that of a validation below 200, without drivers of other engines and native addons', () => {
    expect(MAX_BUNDLE).toBe(220_000);
    expect(bundles.find(({ name }) => name === 'auth-validate-token')!.size).toBeLessThan(200_000);
    expect(bundles).toHaveLength(lambdaFunctions.length);
    expect(bundles.flatMap(faultsOf)).toEqual([]);
    expect(growth(notedWeights(), weightsOf(bundles))).toEqual([]);
    expect(faultsOf({ ...bundles[0]!, size: MAX_BUNDLE })).toHaveLength(1);
  });

  test('makes bundles that run: nothing that was left out is used at the start, and files beside them are found', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'perfect21-bundles-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    symlinkSync(join(ROOT, 'node_modules/@aws-sdk'), join(mkdirIn(folder, 'node_modules'), '@aws-sdk'));
    for (const { name, content } of bundles.flatMap(({ files }) => files)) {
      writeFileSync(join(mkdirIn(folder, dirname(name)), basename(name)), content);
    }
    const script = `const kinds = [];
    const names = ${JSON.stringify(bundles.map(({ name }) => name))};
    const load = async (name) => (await import('./functions/lambda/' + name + '.mjs')).handler;
    for (const name of names) kinds.push(typeof (await load(name)));
    const routes = await load('platform-routes');
    const got = {};
    for (const path of ['/openapi.json', '/asyncapi.json', '/docs/swagger-ui.css', '/api/v1/auth/login']) {
      const event = { version: '2.0', rawPath: path, headers: {}, requestContext: { http: { method: 'GET' } } };
      const { statusCode, headers, body } = await routes(event, { awsRequestId: 'r', functionName: 'f' });
      got[path] = [statusCode, headers.allow ?? headers['content-type'], body.length];
    }
    process.stderr.write(JSON.stringify({ kinds, got }));`;
    writeFileSync(join(folder, 'all.mjs'), script);
    const env = { PATH: process.env.PATH, NODE_ENV: 'production' };
    const { stderr } = await promisify(execFile)(process.execPath, [join(folder, 'all.mjs')], { cwd: folder, env });
    const { kinds, got } = JSON.parse(stderr);
    expect(kinds).toEqual(bundles.map(() => 'function'));
    const lengthOf = (file: string): number => readFileSync(join(ROOT, file), 'utf8').length;
    expect(got).toEqual({
      '/openapi.json': [200, 'application/json', lengthOf(DOCUMENT)],
      '/asyncapi.json': [200, 'application/json', lengthOf(EVENT_DOCUMENT)],
      '/docs/swagger-ui.css': [200, 'text/css; charset=utf-8', expect.any(Number)],
      '/api/v1/auth/login': [405, 'POST', expect.any(Number)],
    });
  }, 60_000);

  test('puts the documents beside the function that serves them, and beside no other', () => {
    for (const document of [DOCUMENT, EVENT_DOCUMENT]) {
      const carriers = bundles.filter(({ files }) => files.some(({ name }) => name === document));
      expect(carriers.map(({ name }) => name)).toEqual(['platform-routes']);
    }
  });

  test('says of a bundle that carries a driver or an addon what it carries', () => {
    const bundle = { ...bundles.at(-1)!, files: [] as Bundle['files'] };
    const carrying = (name: string, text: string) =>
      faultsOf({ ...bundle, files: [{ name, content: Buffer.from(text) }] });
    expect(carrying('a.mjs', 'import x from"pg";')).toEqual([`${bundle.name} carries pg`]);
    expect(carrying('a.node', '')).toEqual([`${bundle.name} carries a native addon: a.node`]);
    expect(() => readZip(Buffer.from('no zip file, however long it may be'))).toThrow();
  });
});
