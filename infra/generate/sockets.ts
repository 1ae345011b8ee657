/**
 * The WebSocket API: three routes, each with its function, and one role by which the API invokes them. Its stage is called
 * `ws`, so that clients find the same path as at a process. It gets a deployment anew with each change (`AutoDeploy`).
 */
import { functionArn } from './api.ts';
import { assumedBy, type Cfn } from './cfn.ts';
import { getArn, logicalId, PREFIX } from './names.ts';
import { type LambdaFunction, socketFunctions } from './platform.ts';

const API = 'SocketApi';
const ROLE = 'SocketApiRole';
const ACCESS_LOG = 'SocketApiAccessLog';

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: osls fills them in
const RATE = '${self:custom.place.socket_rate}';
const BURST = '${self:custom.place.socket_burst}';
const LOGS = '${self:custom.place.socket_log}';
const LOG_DAYS = '${self:custom.place.log_days}';
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: osls fills them in

/**
 * Lines for each event, where they are asked for: API Gateway writes those of WebSocket APIs by a role that stands in the settings
 * of the account, and a deployment without it would fail.
 */
export const socketConditions = { HasSocketLog: { 'Fn::Equals': [LOGS, 'on'] } };

/** A line for each event: no query, in which tickets stand, and nothing of what is said. */
const ACCESS = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  ip: '$context.identity.sourceIp',
  route: '$context.routeKey',
  connection: '$context.connectionId',
  status: '$context.status',
  error: '$context.integrationErrorMessage',
};

const invocation = (of: LambdaFunction): Cfn => ({
  'Fn::Join': [
    '',
    [
      'arn:',
      { Ref: 'AWS::Partition' },
      ':apigateway:',
      { Ref: 'AWS::Region' },
      ':lambda:path/2015-03-31/functions/',
      functionArn(of),
      '/invocations',
    ],
  ],
});

const routeOf = (of: LambdaFunction): [string, Cfn][] => {
  const id = `Socket${logicalId(of.socket!)}`;
  return [
    [
      `${id}Integration`,
      {
        Type: 'AWS::ApiGatewayV2::Integration',
        Properties: {
          ApiId: { Ref: API },
          IntegrationType: 'AWS_PROXY',
          IntegrationUri: invocation(of),
          CredentialsArn: getArn(ROLE),
        },
      },
    ],
    [
      `${id}Route`,
      {
        Type: 'AWS::ApiGatewayV2::Route',
        // the function's key in serverless.yml, by which `npm run offline` finds its route
        Metadata: { function: of.name },
        Properties: {
          ApiId: { Ref: API },
          RouteKey: of.socket!,
          // the ticket is judged by the function: an authorizer would be one more
          AuthorizationType: 'NONE',
          Target: { 'Fn::Join': ['/', ['integrations', { Ref: `${id}Integration` }]] },
        },
      },
    ],
  ];
};

export const socketResources = (): Record<string, Cfn> => ({
  [API]: {
    Type: 'AWS::ApiGatewayV2::Api',
    Properties: {
      Name: `${PREFIX}-realtime`,
      ProtocolType: 'WEBSOCKET',
      // what is said names no route: all of it goes to $default
      RouteSelectionExpression: '$request.body.action',
    },
  },
  ...Object.fromEntries(socketFunctions.flatMap(routeOf)),
  SocketApiStage: {
    Type: 'AWS::ApiGatewayV2::Stage',
    DependsOn: socketFunctions.map((of) => `Socket${logicalId(of.socket!)}Route`),
    Properties: {
      ApiId: { Ref: API },
      StageName: 'ws',
      AutoDeploy: true,
      DefaultRouteSettings: { ThrottlingRateLimit: RATE, ThrottlingBurstLimit: BURST, DetailedMetricsEnabled: false },
      AccessLogSettings: {
        'Fn::If': [
          'HasSocketLog',
          { DestinationArn: getArn(ACCESS_LOG), Format: JSON.stringify(ACCESS) },
          { Ref: 'AWS::NoValue' },
        ],
      },
    },
  },
  [ACCESS_LOG]: {
    Type: 'AWS::Logs::LogGroup',
    Condition: 'HasSocketLog',
    Properties: { LogGroupName: `/aws/apigateway/${PREFIX}-realtime`, RetentionInDays: LOG_DAYS },
  },
  [ROLE]: {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: assumedBy('apigateway'),
      Policies: [
        {
          PolicyName: 'invoke',
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              { Effect: 'Allow', Action: ['lambda:InvokeFunction'], Resource: socketFunctions.map(functionArn) },
            ],
          },
        },
      ],
    },
  },
});

/** Where clients connect. */
export const socketOutputs: Record<string, Cfn> = {
  RealtimeUrl: {
    Description: 'Where clients open WebSockets, with ?ticket=…',
    Value: { 'Fn::Join': ['', [{ 'Fn::GetAtt': [API, 'ApiEndpoint'] }, '/ws']] },
  },
};
