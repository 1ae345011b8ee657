/**
 * The HTTP API: all routes as one OpenAPI body, and one role by which the API invokes the functions behind them. A route
 * costs no resource so, where a route, an integration and a permission of its own would be three.
 */
import { CROSS_ORIGIN } from '../../shared/doors/binding/cross-origin.ts';
import { assumedBy, type Cfn } from './cfn.ts';
import { arn, getArn, PREFIX } from './names.ts';
import { type LambdaFunction, lambdaFunctions } from './platform.ts';
import { invitesGuessing } from './routes.ts';

/** A managed policy holds 6,144 characters; a function's ARN takes about 110. */
const FUNCTIONS_A_POLICY = 40;

const ROLE = 'HttpApiRole';

/** Named by text: by `GetAtt` the API would wait for functions that wait for its own address. */
export const functionArn = ({ name }: LambdaFunction): Cfn => arn('lambda', `function:${PREFIX}-${name}`);

const routed: readonly LambdaFunction[] = lambdaFunctions.filter(
  ({ queue, relay, bridge, socket }) => !queue && !relay && !bridge && !socket,
);

/** `x-function` is the function's key in serverless.yml, by which `npm run offline` finds its routes. */
const route = (of: LambdaFunction): Cfn => ({
  'x-function': of.name,
  ...(of.fallback && { isDefaultRoute: true }),
  responses: { default: { description: 'See the OpenAPI document of the platform' } },
  'x-amazon-apigateway-integration': {
    type: 'aws_proxy',
    httpMethod: 'POST',
    payloadFormatVersion: '2.0',
    uri: functionArn(of),
    credentials: { 'Fn::GetAtt': [ROLE, 'Arn'] },
  },
});

/** The paths of the API's document: of each binding the route to its function. */
export const pathsOf = (functions: readonly LambdaFunction[]): Record<string, Cfn> => {
  const found: Record<string, Record<string, Cfn>> = {};
  for (const of of functions) {
    const bindings = of.fallback
      ? [{ method: 'x-amazon-apigateway-any-method', path: '/$default' }]
      : of.operations.flatMap(({ http }) => http);
    for (const { method, path } of bindings) found[path] = { ...found[path], [method.toLowerCase()]: route(of) };
  }
  return found;
};

const invokers = (): [string, Cfn][] =>
  Array.from({ length: Math.ceil(routed.length / FUNCTIONS_A_POLICY) }, (_, n): [string, Cfn] => [
    `HttpApiInvokes${n + 1}`,
    {
      Type: 'AWS::IAM::ManagedPolicy',
      Properties: {
        Description: 'Lets the HTTP API invoke the functions behind its routes',
        Roles: [{ Ref: ROLE }],
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Action: ['lambda:InvokeFunction'],
              Resource: routed.slice(n * FUNCTIONS_A_POLICY, (n + 1) * FUNCTIONS_A_POLICY).map(functionArn),
            },
          ],
        },
      },
    },
  ]);

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: osls fills them in
const PLACE = {
  domain: '${self:custom.place.domain}',
  certificate: '${self:custom.place.certificate}',
  origins: '${self:custom.place.origins}',
  log_days: '${self:custom.place.log_days}',
  all: { ThrottlingRateLimit: '${self:custom.place.rate}', ThrottlingBurstLimit: '${self:custom.place.burst}' },
  guessing: {
    ThrottlingRateLimit: '${self:custom.place.guess_rate}',
    ThrottlingBurstLimit: '${self:custom.place.guess_burst}',
  },
};
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: osls fills them in

const set = (value: string): Cfn => ({ 'Fn::Not': [{ 'Fn::Equals': [value, ''] }] });
export const apiConditions = { HasDomain: set(PLACE.domain), HasOrigins: set(PLACE.origins) };
const orNothing = (condition: string, value: Cfn): Cfn => ({ 'Fn::If': [condition, value, { Ref: 'AWS::NoValue' }] });

/** Pages of other origins; nothing where none is named. Tokens stand in a header, so no cookies are let through. */
const cors = orNothing('HasOrigins', {
  allowOrigins: { 'Fn::Split': [',', PLACE.origins] },
  allowMethods: [...CROSS_ORIGIN.methods],
  allowHeaders: [...CROSS_ORIGIN.headers],
  exposeHeaders: [...CROSS_ORIGIN.exposed],
  maxAge: CROSS_ORIGIN.max_age,
});

const ACCESS_LOG = 'HttpApiAccessLog';
/** A line for each request: by the route's template, no query, no header. */
const ACCESS = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  ip: '$context.identity.sourceIp',
  route: '$context.routeKey',
  status: '$context.status',
  ms: '$context.responseLatency',
  integration_ms: '$context.integrationLatency',
  error: '$context.integrationErrorMessage',
  bytes: '$context.responseLength',
};

/** Bounds of single routes: where secrets can be tried, beside those of the platform itself. */
const routeSettings = (): Record<string, Cfn> =>
  Object.fromEntries(
    routed
      .flatMap(({ operations }) => operations.flatMap(({ http }) => http))
      .filter(({ path }) => invitesGuessing(path))
      .map(({ method, path }) => [`${method} ${path}`, { ...PLACE.guessing }]),
  );

/** A name of one's own; the API's first address is closed then. */
const domain = (): Record<string, Cfn> => ({
  HttpApiDomain: {
    Type: 'AWS::ApiGatewayV2::DomainName',
    Condition: 'HasDomain',
    Properties: {
      DomainName: PLACE.domain,
      DomainNameConfigurations: [
        { CertificateArn: PLACE.certificate, EndpointType: 'REGIONAL', SecurityPolicy: 'TLS_1_2' },
      ],
    },
  },
  HttpApiMapping: {
    Type: 'AWS::ApiGatewayV2::ApiMapping',
    Condition: 'HasDomain',
    Properties: { ApiId: { Ref: 'HttpApi' }, DomainName: { Ref: 'HttpApiDomain' }, Stage: { Ref: 'HttpApiStage' } },
  },
});

/** Where the name of one's own has to lead. */
export const apiOutputs: Record<string, Cfn> = {
  DomainTarget: {
    Condition: 'HasDomain',
    Description: 'What the name of PERFECT21_DOMAIN has to lead to, by a CNAME or alias',
    Value: { 'Fn::GetAtt': ['HttpApiDomain', 'RegionalDomainName'] },
  },
};
/** By logical id. */
export const apiResources = (): Record<string, Cfn> => ({
  HttpApi: {
    Type: 'AWS::ApiGatewayV2::Api',
    Properties: {
      Body: {
        openapi: '3.0.1',
        info: { title: PREFIX, version: '1' },
        'x-amazon-apigateway-cors': cors,
        paths: pathsOf(routed),
      },
      DisableExecuteApiEndpoint: { 'Fn::If': ['HasDomain', true, false] },
    },
  },
  HttpApiStage: {
    Type: 'AWS::ApiGatewayV2::Stage',
    Properties: {
      ApiId: { Ref: 'HttpApi' },
      StageName: '$default',
      AutoDeploy: true,
      DefaultRouteSettings: { ...PLACE.all, DetailedMetricsEnabled: false },
      RouteSettings: routeSettings(),
      AccessLogSettings: { DestinationArn: getArn(ACCESS_LOG), Format: JSON.stringify(ACCESS) },
    },
  },
  [ACCESS_LOG]: {
    Type: 'AWS::Logs::LogGroup',
    Properties: { LogGroupName: `/aws/apigateway/${PREFIX}`, RetentionInDays: PLACE.log_days },
  },
  ...domain(),
  [ROLE]: {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: assumedBy('apigateway'),
    },
  },
  ...Object.fromEntries(invokers()),
});
