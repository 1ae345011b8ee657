/** `services list`, `create`, `rotate` and `revoke`: who may call, and with which secret. */
import { readFileSync } from 'node:fs';
import { createService } from '../../../functions/auth/create-service.ts';
import { listServices } from '../../../functions/auth/list-services.ts';
import { revokeService } from '../../../functions/auth/revoke-service.ts';
import { rotateService } from '../../../functions/auth/rotate-service.ts';
import { type AppError, toAppError } from '../../../shared/kit/errors.ts';
import { callerOf } from '../calling.ts';
import { type Command, durationOf, type Values } from '../command.ts';
import type { Operator } from '../operator.ts';
import { plain } from '../output.ts';
import { Refusal, UsageError } from '../refusal.ts';

const KEYS = {
  keys: { type: 'string', value: '<file>', help: 'public keys (JWK Set) in place of a secret: private_key_jwt' },
} as const;

/** The keys of a JWK Set. @throws UsageError */
const keysFrom = ({ keys: file }: Values): { keys?: unknown[] } => {
  if (file === undefined) return {};
  try {
    const { keys } = JSON.parse(readFileSync(String(file), 'utf8'));
    if (Array.isArray(keys)) return { keys };
  } catch {
    // said below
  }
  throw new UsageError(`${file} is no JWK Set: {"keys":[{"kty":"OKP","crv":"Ed25519","x":"…"}]}`);
};

/** What the platform refuses, in one line. */
const refusalOf = (thrown: unknown): never => {
  const { code, detail, errors, message }: AppError = toAppError(thrown);
  if (code !== 'not_found' && code !== 'invalid_request') throw thrown;
  throw new Refusal(errors?.map((each) => `${each.path}: ${each.message}`).join('; ') ?? detail ?? message);
};

const call = (operator: Operator) => {
  const caller = callerOf(operator);
  return (...[op, input]: Parameters<typeof caller>) => caller(op, input).catch(refusalOf);
};

interface Shown {
  client_id: string;
  name: string;
  permissions: string[];
  client_secret?: string;
}

interface Listed extends Shown {
  secrets: unknown[];
  keys: unknown[];
}

const show = ({ out }: Operator, service: Shown): void => {
  const { client_id, client_secret, name, permissions } = service;
  const lines = [
    `service        ${name} (${permissions.join(' ') || 'no permissions'})`,
    `client id      ${client_id}`,
    ...(client_secret ? [`client secret  ${client_secret}`, 'The secret is shown once: keep it now.'] : []),
  ];
  out.row({ ...service }, lines.join('\n'));
};

const list: Command = {
  name: 'services list',
  summary: 'Lists the services that may call, and what each may.',
  run: async (operator) => {
    const ask = call(operator);
    const all: Listed[] = [];
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await ask(listServices, { limit: 200, ...(cursor && { cursor }) });
      all.push(...page.services);
      cursor = page.next_cursor;
    }
    operator.out.rows(
      all,
      ['client id', 'name', 'secrets', 'keys', 'permissions'],
      all.map(({ client_id, name, secrets, keys, permissions }) => [
        ...[client_id, name, String(secrets.length), String(keys.length), permissions.join(' ')],
      ]),
    );
    return 0;
  },
};

const create: Command = {
  name: 'services create',
  positionals: '<name>',
  summary: 'Makes a service that may call, and shows its secret once.',
  details: [
    'It gets access tokens by OAuth (POST /oauth2/token, client_credentials), or sends the secret as a bearer token.',
  ],
  options: {
    permissions: { type: 'string', value: '<list>', help: 'what it may, with commas: users:read,docs:*:own' },
    ...KEYS,
  },
  run: async (operator, values, [name = '']) => {
    const permissions = String(values.permissions ?? '')
      .split(',')
      .map((each) => each.trim())
      .filter(Boolean);
    show(operator, await call(operator)(createService, { name, permissions, ...keysFrom(values) }));
    return 0;
  },
};

const rotate: Command = {
  name: 'services rotate',
  positionals: '<client-id>',
  summary: 'Gives a service a new secret, which is shown once; the old one is good beside it for a while.',
  details: ['With --overlap 0s the old secret is void at once, and so are the access tokens that were got with it.'],
  options: {
    overlap: { type: 'string', value: '<time>', help: 'how long the old one is good; 24h when left out' },
    ...KEYS,
  },
  run: async (operator, values, [client_id = '']) => {
    const ms = durationOf(values, 'overlap');
    const overlap = ms === undefined ? {} : { overlap: Math.floor(ms / 1_000) };
    show(operator, await call(operator)(rotateService, { client_id, ...overlap, ...keysFrom(values) }));
    return 0;
  },
};

const revoke: Command = {
  name: 'services revoke',
  positionals: '<client-id>',
  summary: 'Ends a service: its secrets, keys and access tokens are void from now on.',
  run: async (operator, _, [client_id = '']) => {
    await call(operator)(revokeService, { client_id });
    operator.out.row({ client_id, revoked: true }, `${plain(client_id)} may call no more`);
    return 0;
  },
};

export const serviceCommands: readonly Command[] = [list, create, rotate, revoke];
