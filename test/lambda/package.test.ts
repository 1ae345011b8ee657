import { beforeAll, describe, expect, test } from 'vitest';
import { type Bundle, bundlesIn, faultsOf, MAX_RESOURCES, resourcesIn } from '../../infra/aws/bundles.ts';
import { readZip } from '../../infra/aws/zip.ts';
import { lambdaFunctions } from '../../infra/generate/platform.ts';
import { PACKAGE, serverlessPackage } from '../../infra/package.ts';

type Resource = { Type: string; Properties: any };
interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
}

/** The only actions for which AWS takes no resource but `*`. */
const WITHOUT_RESOURCE = ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'];

describe('npm run package', () => {
  let resources: Record<string, Resource>;
  let bundles: Bundle[];
  beforeAll(async () => {
    await serverlessPackage();
    resources = resourcesIn(PACKAGE);
    bundles = bundlesIn(PACKAGE);
  }, 180_000);

  const ofType = (type: string) => Object.entries(resources).filter(([, { Type }]) => Type === type);
  const statements = (): Statement[] =>
    ofType('AWS::IAM::Role').flatMap(([, { Properties }]) =>
      Properties.Policies.flatMap(({ PolicyDocument }: any) => PolicyDocument.Statement),
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
    expect(ofType('AWS::IAM::Role')).toHaveLength(roles.length);
  });

  test('allows no role an action on everything, and no action by wildcard', () => {
    for (const { Action, Resource } of statements()) {
      const actions = [Action].flat();
      for (const action of actions) expect(action).toMatch(/^[a-z0-9]+:[A-Za-z]+$/);
      const everything = [Resource].flat().some((resource) => resource === '*');
      if (everything) expect(WITHOUT_RESOURCE).toEqual(expect.arrayContaining(actions));
      // log streams are named by Lambda; everything else is named to the end
      if (!everything && !actions[0]!.startsWith('logs:')) expect(JSON.stringify(Resource)).not.toContain('*');
    }
  });

  test('allows data and keys to the code of the function only', () => {
    const guarded = statements().filter(({ Action }) => /^(dynamodb|kms):/.test([Action].flat()[0]!));
    expect(guarded.length).toBeGreaterThan(0);
    for (const { Condition } of guarded) expect(JSON.stringify(Condition)).toContain('lambda:SourceFunctionArn');
  });

  test('lets a function that only reads write no table and sign no token', () => {
    const role = resources.UsersGetMeRole!;
    const text = JSON.stringify(role.Properties.Policies);
    expect(text).toContain('dynamodb:GetItem');
    expect(text).not.toMatch(/dynamodb:(Put|Update|Delete)Item|kms:Sign"/);
  });

  test('puts dead letters behind every queue and partial failures before every consumer', () => {
    const sources = ofType('AWS::Lambda::EventSourceMapping');
    expect(sources.length).toBe(lambdaFunctions.filter(({ queue }) => queue).length);
    for (const [, { Properties }] of sources) {
      expect(Properties.FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
      const queue = resources[Properties.EventSourceArn['Fn::GetAtt'][0]]!;
      expect(resources[queue.Properties.RedrivePolicy.deadLetterTargetArn['Fn::GetAtt'][0]]?.Type).toBe(
        'AWS::SQS::Queue',
      );
    }
  });

  test('puts no secret into the template', () => {
    for (const [, { Properties }] of ofType('AWS::Lambda::Function')) {
      const { PERFECT21_SECRET, MAIL_URL = '{{resolve:' } = Properties.Environment.Variables;
      expect(JSON.stringify(PERFECT21_SECRET)).toContain('{{resolve:secretsmanager:');
      expect(MAIL_URL).toContain('{{resolve:');
    }
  });

  test('keeps bundles within their budgets, without drivers of other engines and native addons', () => {
    expect(bundles).toHaveLength(lambdaFunctions.length);
    expect(bundles.flatMap(faultsOf)).toEqual([]);
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
