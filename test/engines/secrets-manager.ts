/** A small double of AWS Secrets Manager: GetSecretValue and PutSecretValue in JSON 1.1, each secret with its present text. */
import { type Fault, fault, startDouble } from './double.ts';

/** Starts the double on a free port. `secrets` are texts by id; `state.down` makes all calls fail. */
export const startSecretsManager = async (secrets: Record<string, string> = {}) => {
  const state = { down: false, calls: 0 };
  const answer = (action: string, { SecretId, SecretString }: any): object => {
    state.calls += 1;
    if (state.down) throw fault('InternalServiceError', 'down', 500);
    if (!(SecretId in secrets)) throw fault('ResourceNotFoundException', "Secrets Manager can't find the secret.");
    if (action === 'PutSecretValue') secrets[SecretId] = SecretString;
    else if (action !== 'GetSecretValue') throw fault('UnknownOperationException', action);
    return { ARN: SecretId, Name: SecretId, ...(action === 'GetSecretValue' && { SecretString: secrets[SecretId] }) };
  };
  const double = await startDouble((body, { headers }, response) => {
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    try {
      if (!/\/secretsmanager\/aws4_request,/.test(headers.authorization ?? '')) {
        throw fault('MissingAuthenticationTokenException', 'not signed', 403);
      }
      const action = String(headers['x-amz-target']).replace('secretsmanager.', '');
      response.end(JSON.stringify(answer(action, JSON.parse(body.toString()))));
    } catch (thrown) {
      const { type, status, message } = thrown as Fault;
      response.statusCode = status ?? 500;
      response.end(JSON.stringify({ __type: type, message }));
    }
  });
  return { secrets, state, ...double };
};
