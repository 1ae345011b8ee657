/** AWS as functions may use it: a proxy before the emulators that holds each signed call against the role of its caller. */
import { request as send } from 'node:http';
import { startDouble } from '../engines/double.ts';
import { askingForUnits, type HeardCall } from './meter.ts';
import { ACCOUNT, type DeployedFunction, REGION, type Statement } from './template.ts';

/** What a call asks for: an action on a resource. */
export interface Need {
  action: string;
  resource: string;
  context?: Record<string, string>;
}

const arn = (service: string, rest: string): string => `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`;
const last = (text: string): string => text.slice(text.lastIndexOf('/') + 1);
const table = (name: string): string => arn('dynamodb', `table/${name}`);
const PARTS = { Put: 'PutItem', Update: 'UpdateItem', Delete: 'DeleteItem', ConditionCheck: 'ConditionCheckItem' };

const DYNAMODB = (operation: string, input: any): Need[] => {
  const need = (name: string, resource: string): Need => ({ action: `dynamodb:${name}`, resource });
  if (operation === 'BatchGetItem') return Object.keys(input.RequestItems).map((name) => need(operation, table(name)));
  if (operation !== 'TransactWriteItems') {
    const index = input.IndexName ? `/index/${input.IndexName}` : '';
    const key = input.Key?.id?.S;
    const context: Record<string, string> = key === undefined ? {} : { 'dynamodb:LeadingKeys': key };
    return [{ ...need(operation, table(input.TableName) + index), context }];
  }
  return input.TransactItems.flatMap((item: any) =>
    Object.entries(PARTS).flatMap(([kind, name]) => (item[kind] ? [need(name, table(item[kind].TableName))] : [])),
  );
};

const EVENTS = (operation: string, input: any): Need[] => {
  const action = `events:${operation}`;
  const { Entries, EventBusName, Rule, Name = Rule, Targets } = input;
  if (operation === 'PutEvents')
    return Entries.map((each: any) => ({ action, resource: arn('events', `event-bus/${each.EventBusName}`) }));
  if (operation === 'ListRules') return [{ action, resource: '*' }];
  const resource = arn('events', `rule/${EventBusName}/${Name}`);
  if (operation !== 'PutTargets') return [{ action, resource }];
  return Targets.map(({ Arn }: any) => ({
    action,
    resource,
    context: { 'events:TargetArn': arn('sqs', Arn.slice(Arn.lastIndexOf(':') + 1)) },
  }));
};

/** A part of an object is written by the right to write the whole. */
const S3: Record<string, string> = { GET: 'GetObject', PUT: 'PutObject', POST: 'PutObject', DELETE: 'DeleteObject' };

/** By the service that a signature names: what a request needs. */
const NEEDS: Record<string, (operation: string, body: string, url: string) => Need[]> = {
  s3: (method, _, path) => [{ action: `s3:${S3[method]}`, resource: `arn:aws:s3::${path.replace('/', ':')}` }],
  // as its ARNs are written: stage, method, path
  'execute-api': (method, _, path) => [
    {
      action: 'execute-api:ManageConnections',
      resource: arn('execute-api', `SocketApi${decodeURIComponent(path).replace('/@', `/${method}/@`)}`),
    },
  ],
  dynamodb: (operation, body) => DYNAMODB(operation, JSON.parse(body)),
  kms: (operation, body) => {
    const { KeyId } = JSON.parse(body);
    return [{ action: `kms:${operation}`, resource: KeyId.startsWith('arn:') ? KeyId : arn('kms', `key/${KeyId}`) }];
  },
  secretsmanager: (operation, body) => [{ action: `secretsmanager:${operation}`, resource: JSON.parse(body).SecretId }],
  sqs: (operation, body) => {
    const { QueueUrl, QueueName } = JSON.parse(body);
    return [{ action: `sqs:${operation}`, resource: arn('sqs', QueueName ?? last(QueueUrl)) }];
  },
  events: (operation, body) => EVENTS(operation, JSON.parse(body)),
  ses: (_, body) => {
    const [, domain] = /@([^>]+)>?$/.exec(JSON.parse(body).FromEmailAddress) ?? [];
    return [{ action: 'ses:SendEmail', resource: arn('ses', `identity/${domain}`) }];
  },
  sns: (_, body) => {
    const form = new URLSearchParams(body);
    return [{ action: `sns:${form.get('Action')}`, resource: form.get('PhoneNumber') ?? form.get('TargetArn') ?? '' }];
  },
  scheduler: (_, body, url) => {
    const { GroupName, Target } = JSON.parse(body);
    return [
      { action: 'scheduler:CreateSchedule', resource: arn('scheduler', `schedule/${GroupName}/${last(url)}`) },
      {
        action: 'iam:PassRole',
        resource: Target.RoleArn,
        context: { 'iam:PassedToService': 'scheduler.amazonaws.com' },
      },
    ];
  },
};

/** Services that know no names of operations. */
const BY_METHOD = new Set(['s3', 'execute-api']);

/** By their patterns: each call is held against some hundred. */
const globs = new Map<string, RegExp>();
const glob = (pattern: string): RegExp => {
  const known = globs.get(pattern);
  if (known) return known;
  const made = new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
  globs.set(pattern, made);
  return made;
};
const anyOf = (patterns: string | string[], value: string): boolean =>
  [patterns].flat().some((pattern) => glob(pattern).test(value));

const HOLDS: Record<string, (wanted: string | string[], known: string) => boolean> = {
  ArnEquals: anyOf,
  StringEquals: anyOf,
  'ForAllValues:StringEquals': anyOf,
  'ForAllValues:ArnLike': anyOf,
  NumericLessThanEquals: (wanted, known) => Number(known) <= Number(wanted),
};

/** Whether a statement allows what is needed. Operators that it does not know allow nothing. */
export const allows = (
  statement: Statement,
  { action, resource, context = {} }: Need,
  functionArn: string,
): boolean => {
  const known: Record<string, string> = { ...context, 'lambda:SourceFunctionArn': functionArn };
  const conditions = Object.entries(statement.Condition ?? {}).every(([operator, values]) =>
    Object.entries(values).every(([key, wanted]) => known[key] !== undefined && HOLDS[operator]?.(wanted, known[key]!)),
  );
  const covers = statement.NotResource
    ? !anyOf(statement.NotResource, resource)
    : anyOf(statement.Resource ?? [], resource);
  return conditions && anyOf(statement.Action, action) && covers;
};

/** Rights of the service Lambda itself: it reads sources and writes logs and traces, which no code of ours does. */
const BY_LAMBDA =
  /^(logs:|xray:|sqs:(ReceiveMessage|DeleteMessage|GetQueueAttributes)$|dynamodb:(DescribeStream|GetRecords|GetShardIterator|ListStreams)$)/;

/** Every action on every resource that a role allows to the function's own code, as `action resource`. */
export const rightsOf = ({ statements }: DeployedFunction): string[] =>
  statements.flatMap(({ Action, Resource, NotResource }) =>
    [Action]
      .flat()
      .flatMap((action) =>
        BY_LAMBDA.test(action)
          ? []
          : [Resource ?? `but ${NotResource}`].flat().map((resource) => `${action} ${resource}`),
      ),
  );

/**
 * Starts the proxy. A caller is known by its access key, which is the function's key.
 *
 * @param queueUrl what the emulator calls a queue, which knows no other address of it
 * @param heard is told of each call that was allowed, with what came of it
 */
export const startIam = async (
  functions: readonly DeployedFunction[],
  endpoints: Readonly<Record<string, string>>,
  queueUrl?: (id: string) => string,
  heard?: (call: HeardCall) => void,
) => {
  const roles = new Map(functions.map((each) => [each.key, each]));
  const missing = new Set<string>();
  const used = new Set<string>();

  const judge = (caller: DeployedFunction, needs: readonly Need[]): boolean =>
    needs
      .map((need) => {
        const found = caller.statements.find((statement) => allows(statement, need, caller.arn));
        if (!found) missing.add(`${caller.key}: ${need.action} ${need.resource}`);
        for (const resource of found ? [found.Resource ?? `but ${found.NotResource}`].flat() : []) {
          if (resource.startsWith('but ') || glob(resource).test(need.resource)) {
            used.add(`${caller.key}: ${need.action} ${resource}`);
          }
        }
        return found !== undefined;
      })
      .every(Boolean);

  const double = await startDouble((body, request, response) => {
    const { authorization = '', 'x-amz-target': target = '' } = request.headers;
    const [path = '', query = ''] = request.url!.split('?');
    const said = authorization || decodeURIComponent(query);
    const [, key = '', service = ''] = /Credential=([^/]+)\/\d+\/[^/]+\/([\w-]+)\/aws4_request/.exec(said) ?? [];
    const caller = roles.get(key);
    const endpoint = endpoints[service];
    const operation = BY_METHOD.has(service) ? request.method! : String(target).split('.').at(-1)!;
    // by an address that a function has signed: somebody else, now
    const context = authorization ? undefined : { 's3:authType': 'REST-QUERY-STRING', 's3:signatureAge': '0' };
    const needs = NEEDS[service]?.(operation, body.toString(), path).map((need) => ({
      ...need,
      ...(context && { context }),
    }));
    if (!caller || !endpoint || !needs || !judge(caller, needs)) {
      response.writeHead(400, {
        'content-type': 'application/x-amz-json-1.0',
        'x-amzn-errortype': 'AccessDeniedException',
      });
      return response.end(
        JSON.stringify({ __type: 'AccessDeniedException', message: `${key} may not ${target || service}` }),
      );
    }
    const { hostname, port } = new URL(endpoint);
    // their doubles judge signatures, which hold for the host that was asked
    const headers = { ...request.headers, ...(!BY_METHOD.has(service) && { host: `${hostname}:${port}` }) };
    const onward = send({ hostname, port, method: request.method, path: request.url, headers }, (answer) => {
      const { statusCode: status = 500 } = answer;
      response.writeHead(status, answer.headers);
      const chunks: Buffer[] = [];
      if (heard) answer.on('data', (chunk) => chunks.push(chunk));
      // before the caller has the end of it, and goes on
      answer.on('end', () => {
        heard?.({ key, service, operation, body: body.toString(), status, answer: Buffer.concat(chunks).toString() });
        response.end();
      });
      answer.pipe(response, { end: false });
    });
    onward.on('error', () => response.destroy());
    const renamed = (text: string) =>
      text.replace(/"QueueUrl":"([^"]+)"/, (_, url) => `"QueueUrl":"${queueUrl!(last(url))}"`);
    const change =
      service === 'sqs' && queueUrl ? renamed : service === 'dynamodb' && heard ? askingForUnits : undefined;
    if (!change) return onward.end(body);
    const sent = change(body.toString());
    onward.setHeader('content-length', Buffer.byteLength(sent));
    return onward.end(sent);
  });
  return { ...double, missing, used };
};
