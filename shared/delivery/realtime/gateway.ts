/** The connections of the stack's WebSocket API. */
import { openGateway } from '../../aws/connections.ts';
import type { AwsOptions } from '../../aws/settings.ts';
import { StartError } from '../../config/start-error.ts';
import { adapter } from '../../kit/adapter.ts';

/** An emulator on this machine takes whatever signature. */
const LOCAL: AwsOptions = { region: 'local', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };

const part = (method: string): unknown => ({
  'Fn::Join': [
    ':',
    [
      'arn',
      { Ref: 'AWS::Partition' },
      'execute-api',
      { Ref: 'AWS::Region' },
      { Ref: 'AWS::AccountId' },
      { 'Fn::Join': ['', [{ Ref: 'SocketApi' }, `/ws/${method}/@connections/*`]] },
    ],
  ],
});

export const gatewayConnections = adapter({
  port: 'connections',
  env: ['PERFECT21_CONNECTIONS_URL'],
  iam: [{ actions: ['execute-api:ManageConnections'], resource: [part('POST'), part('DELETE')] }],
  open: (_, { env: { PERFECT21_CONNECTIONS_URL: url } }) => {
    if (!url)
      throw new StartError('PERFECT21_CONNECTIONS_URL is missing: the address of the stage of the WebSocket API');
    const local = url.startsWith('http:') && !process.env.AWS_ACCESS_KEY_ID;
    return { port: openGateway(url, local ? LOCAL : {}) };
  },
});
