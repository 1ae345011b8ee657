/** Variables that look like settings of the platform and are none: most often misspelt ones, whose default is in force. */
import { Environment } from './environment.ts';

const OURS = 'PERFECT21_';

/** Read where a deployment is made, or by a function or one command alone. */
const ELSEWHERE = [
  'ALARM_MAIL',
  'API_BURST',
  'API_RATE',
  'AUTHORIZER',
  'BRIDGE',
  'BULK_BUCKET',
  'BULK_QUEUE',
  'BUS_NAME',
  'CANARY',
  'CANARY_FUNCTIONS',
  'CERTIFICATE_ARN',
  'CODE_SIGNING',
  'DELETION_PROTECTION',
  'DOMAIN',
  'ENVIRONMENT_KEY',
  'HASHING_CONCURRENCY',
  'LOGIN_BURST',
  'LOGIN_RATE',
  'LOG_DAYS',
  'PERMISSIONS_BOUNDARY',
  'PROCESSES',
  'PROMETHEUS_PORT',
  'QUEUE_CONCURRENCY',
  'ROLLBACK_ALARMS',
  'SENDING_CONCURRENCY',
  'SIGNING_KEYS',
  'SOCKET_BURST',
  'SOCKET_LOG',
  'SOCKET_RATE',
  'TRACE_SAMPLE',
  'TRACING',
  'VAULT_KEYS',
].map((name) => `${OURS}${name}`);

/** Docker and Kubernetes tell a container of its neighbours so; one of them may be called perfect21. */
const isLink = (name: string, value: string): boolean =>
  /^(?:tcp|udp):\/\//.test(value) || /_(?:SERVICE_(?:HOST|PORT)|PORT_\d+_(?:TCP|UDP))(?:_|$)/.test(name);

/** How many letters one has to change, take or add to make one text of the other. */
const distance = (one: string, other: string): number => {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j++)
      next.push(Math.min(row[j]! + (letter === other[j] ? 0 : 1), row[j + 1]! + 1, next[j]! + 1));
    row = next;
  }
  return row.at(-1)!;
};

/** Letters by which a misspelt name differs at most. */
const NEAR = 3;

const nearest = (name: string, known: readonly string[]): string | undefined =>
  known
    .map((each) => ({ each, far: distance(name, each) }))
    .filter(({ far }) => far <= NEAR)
    .toSorted((one, other) => one.far - other.far)[0]?.each;

/**
 * A sentence for each.
 *
 * @example unknownIn({ PERFECT21_HTP_PORT: '80' }) // ['PERFECT21_HTP_PORT is no setting and changes nothing: is PERFECT21_HTTP_PORT meant?']
 */
export const unknownIn = (source: NodeJS.ProcessEnv): string[] => {
  const known = [...Object.keys(Environment.shape), ...ELSEWHERE];
  return Object.entries(source).flatMap(([name, value = '']) => {
    if (!name.startsWith(OURS) || name.startsWith(`${OURS}TEST_`)) return [];
    if (value === '' || known.includes(name) || isLink(name, value)) return [];
    const meant = nearest(name, known);
    return [`${name} is no setting and changes nothing${meant ? `: is ${meant} meant?` : ''}`];
  });
};
