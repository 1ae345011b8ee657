/** A small double of AWS Secrets Manager: GetSecretValue and PutSecretValue in JSON 1.1, versions and their labels. */
import { type Fault, fault, startDouble } from './double.ts';

/** Starts the double on a free port. `secrets` are texts by id; `state.down` makes all calls fail. */
export const startSecretsManager = async (secrets: Record<string, string> = {}) => {
  const state = { down: false, calls: 0 };
  /** Of secrets that were replaced: the versions that the labels AWSCURRENT and AWSPREVIOUS stand at, and all that were made. */
  const versions = new Map<string, { current: string; previous?: string; texts: Map<string, string> }>();
  const versionsOf = (id: string) => {
    const found = versions.get(id) ?? { current: 'first'.padEnd(32, '0'), texts: new Map<string, string>() };
    versions.set(id, found);
    found.texts.set(found.current, secrets[id]!);
    return found;
  };
  const put = (id: string, version: string, text: string): string => {
    const all = versionsOf(id);
    if (!/^[\w-]{32,64}$/.test(version)) throw fault('InvalidParameterException', 'ClientRequestToken');
    const made = all.texts.get(version);
    // the same again is done already; something else under its name is refused
    if (made === text) return version;
    if (made !== undefined) throw fault('ResourceExistsException', 'The version exists with other content.');
    all.texts.set(version, text);
    all.previous = all.current;
    all.current = version;
    secrets[id] = text;
    return version;
  };
  const get = (id: string, stage: string): object => {
    const { current, previous, texts } = versionsOf(id);
    const VersionId = stage === 'AWSPREVIOUS' ? previous : current;
    if (!VersionId) throw fault('ResourceNotFoundException', `There is no version with the label ${stage}.`);
    return { VersionId, VersionStages: [stage], SecretString: texts.get(VersionId) };
  };
  const answer = (action: string, request: any): object => {
    const { SecretId, SecretString, ClientRequestToken, VersionStage = 'AWSCURRENT' } = request;
    state.calls += 1;
    if (state.down) throw fault('InternalServiceError', 'down', 500);
    if (!(SecretId in secrets)) throw fault('ResourceNotFoundException', "Secrets Manager can't find the secret.");
    const named = { ARN: SecretId, Name: SecretId };
    if (action === 'GetSecretValue') return { ...named, ...get(SecretId, VersionStage) };
    if (action !== 'PutSecretValue') throw fault('UnknownOperationException', action);
    return { ...named, VersionId: put(SecretId, ClientRequestToken, SecretString), VersionStages: ['AWSCURRENT'] };
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
