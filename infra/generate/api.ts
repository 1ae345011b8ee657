/**
 * The HTTP API: all routes as one OpenAPI body, and one role by which the API invokes the functions behind them. A route
 * costs no resource so, where a route, an integration and a permission of its own would be three.
 */
import type { Cfn } from './cfn.ts';
import { arn, PREFIX } from './names.ts';
import { type LambdaFunction, lambdaFunctions } from './platform.ts';

/** A managed policy holds 6,144 characters; a function's ARN takes about 110. */
const FUNCTIONS_A_POLICY = 40;

const ROLE = 'HttpApiRole';

/** Named by text: by `GetAtt` the API would wait for functions that wait for its own address. */
const functionArn = ({ name }: LambdaFunction): Cfn => arn('lambda', `function:${PREFIX}-${name}`);

const routed: readonly LambdaFunction[] = lambdaFunctions.filter(
  ({ queue, relay, bridge }) => !queue && !relay && !bridge,
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

/** By logical id. */
export const apiResources = (): Record<string, Cfn> => ({
  HttpApi: {
    Type: 'AWS::ApiGatewayV2::Api',
    Properties: {
      Body: { openapi: '3.0.1', info: { title: PREFIX, version: '1' }, paths: pathsOf(routed) },
    },
  },
  HttpApiStage: {
    Type: 'AWS::ApiGatewayV2::Stage',
    Properties: { ApiId: { Ref: 'HttpApi' }, StageName: '$default', AutoDeploy: true },
  },
  [ROLE]: {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'apigateway.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      },
    },
  },
  ...Object.fromEntries(invokers()),
});
