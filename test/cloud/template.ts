/** The packaged template as a deployment would see it: every reference resolved to a name or an ARN of the emulators. */
import { resourcesIn } from '../../infra/aws/bundles.ts';
import { PACKAGE } from '../../infra/package.ts';

export const ACCOUNT = '123456789012';
export const REGION = 'eu-central-1';
export const API_URL = 'https://api.example.org';

type Resources = ReturnType<typeof resourcesIn>;
export interface Statement {
  Action: string | string[];
  Resource?: string | string[];
  NotResource?: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

const arn = (service: string, rest: string): string => `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`;

/** What `Fn::GetAtt [id, 'Arn']` gives. */
const arnOf = (id: string, { Type, Properties }: Resources[string], text: (value: unknown) => string): string => {
  switch (Type) {
    case 'AWS::DynamoDB::Table':
      return arn('dynamodb', `table/${text(Properties.TableName)}`);
    case 'AWS::SQS::Queue':
      // the emulator names queues by their logical ids
      return arn('sqs', id);
    case 'AWS::KMS::Key':
      return arn('kms', `key/${id}`);
    case 'AWS::S3::Bucket':
      return `arn:aws:s3:::${text(Properties.BucketName)}`;
    case 'AWS::Events::EventBus':
      return arn('events', `event-bus/${text(Properties.Name)}`);
    case 'AWS::IAM::Role':
      return `arn:aws:iam::${ACCOUNT}:role/${id}`;
    default:
      return arn('unknown', id);
  }
};

/** The logical id of the function that a mapping or a rule invokes, by itself or by its alias. */
export const invokedBy = (resources: Resources, to: any): string =>
  to.Ref ? resources[to.Ref]!.Properties.FunctionName.Ref : to['Fn::GetAtt'][0];

/** @param urls of queues, by logical id */
export const readTemplate = (urls: (id: string) => string, resources: Resources = resourcesIn(PACKAGE)) => {
  const pseudo: Record<string, string> = {
    ...{ 'AWS::Partition': 'aws', 'AWS::Region': REGION, 'AWS::AccountId': ACCOUNT },
    'AWS::URLSuffix': 'amazonaws.com',
  };
  const ref = (id: string): string => {
    if (id in pseudo) return pseudo[id]!;
    const resource = resources[id];
    if (!resource) throw new Error(`the template has no ${id}`);
    if (resource.Type === 'AWS::SQS::Queue') return urls(id);
    if (resource.Type === 'AWS::SecretsManager::Secret') return arn('secretsmanager', `secret:${id}-AbCdEf`);
    if (resource.Type === 'AWS::Events::EventBus') return resolve(resource.Properties.Name);
    if (resource.Type === 'AWS::S3::Bucket') return resolve(resource.Properties.BucketName);
    return id;
  };
  const resolve = (value: any): any => {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    if ('Ref' in value) return ref(value.Ref);
    if ('Fn::GetAtt' in value) {
      const [id, attribute] = value['Fn::GetAtt'];
      if (attribute === 'ApiEndpoint') return API_URL;
      if (attribute === 'StreamArn') return `${arnOf(id, resources[id]!, resolve)}/stream/1`;
      return arnOf(id, resources[id]!, resolve);
    }
    if ('Fn::Join' in value) return resolve(value['Fn::Join'][1]).join(value['Fn::Join'][0]);
    if ('Fn::Split' in value) return resolve(value['Fn::Split'][1]).split(value['Fn::Split'][0]);
    if ('Fn::Select' in value) return resolve(value['Fn::Select'][1])[value['Fn::Select'][0]];
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, resolve(each)]));
  };

  const functions = Object.values(resources)
    .filter(({ Type }) => Type === 'AWS::Lambda::Function')
    .map(({ Properties }) => {
      const name: string = resolve(Properties.FunctionName);
      const role: string = Properties.Role['Fn::GetAtt'][0];
      const statements: Statement[] = resources[role]!.Properties.Policies.flatMap((policy: any) =>
        resolve(policy.PolicyDocument.Statement),
      );
      return {
        /** As in functions/lambda/. */
        key: name.replace(/^perfect21-dev-/, ''),
        name,
        arn: arn('lambda', `function:${name}`),
        statements,
        memory: Properties.MemorySize as number,
        environment: resolve(Properties.Environment.Variables) as Record<string, string>,
      };
    });
  /** By method and path, and `$default`: the function's key. */
  const routes: { method: string; path: string; key: string }[] = Object.entries<any>(
    resources.HttpApi!.Properties.Body.paths,
  ).flatMap(([path, methods]) =>
    Object.entries<any>(methods).map(([method, route]) => ({
      method: method.toUpperCase(),
      path,
      key: route['x-function'],
    })),
  );
  return { resources, functions, routes, ref, resolve };
};
export type Template = ReturnType<typeof readTemplate>;
export type DeployedFunction = Template['functions'][number];
