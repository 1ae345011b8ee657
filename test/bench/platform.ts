/** The platform as `npm start` runs it, on private ports and a private folder, with accounts to log in with. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueTokens } from '../../functions/auth/issue-tokens.ts';
import { schema } from '../../functions/index.ts';
import { createUser } from '../../functions/users/create-user.ts';
import manifest from '../../package.json' with { type: 'json' };
import { loadConfig } from '../../shared/config/config.ts';
import type { Context } from '../../shared/kit/context.ts';
import { continueTrace } from '../../shared/kit/trace.ts';
import { openHost } from '../../shared/process/host.ts';
import { testEnvironment } from '../support/platform.ts';
import { type Core, type Program, start } from './processes.ts';

const PASSWORD = 'the-password-of-everybody-here';

export interface Seeds {
  logins: { identifier: string; password: string }[];
  /** Access tokens, each with a session of its own that no store knows. */
  tokens: string[];
}

export interface Platform {
  http: number;
  grpc: number;
  program: Program;
  stop(): Promise<void>;
}

/** An answer of the size of ours, for a server that does nothing but give it (ValidateTokenResponse). */
export const VERDICT = {
  valid: true,
  user_id: '0'.repeat(36),
  permissions: [],
  expires_at: 1_800_000_000,
  error_message: '',
  warnings: [],
};

/** A folder that is gone when the work is done. */
export const withFolder = async <T>(work: (folder: string) => Promise<T>): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Puts accounts and sessions into a folder's store before the platform starts on it. */
export const seed = async (folder: string, users: number, tokens: number): Promise<Seeds> => {
  const host = await openHost(loadConfig(testEnvironment(folder)), schema);
  const context: Context = {
    request_id: 'bench',
    trace: continueTrace(),
    caller: { kind: 'service', name: 'platform', permissions: ['*:*:*'] },
    client: {},
    door: 'local',
  };
  const client = { ip_address: '', user_agent: 'bench' };
  try {
    const logins = Array.from({ length: users }, (_, n) => ({
      identifier: `user${n}@bench.example`,
      password: PASSWORD,
    }));
    const made = await Promise.all(
      logins.map(({ identifier: email, password }) =>
        host.call(createUser, { email, password, ...client, verified: true }, context),
      ),
    );
    const issue = async (n: number): Promise<string> => {
      const { user_id } = made[n % users] as { user_id: string };
      const session = { session_id: host.ports.ids.uuid(), refresh_token: 'none', generation: 0 };
      const issued = await host.call(issueTokens, { user_id, ...session }, context);
      return (issued as { access_token: string }).access_token;
    };
    return { logins, tokens: await Promise.all(Array.from({ length: tokens }, (_, n) => issue(n))) };
  } finally {
    await host.close();
  }
};

/** The words of `npm start`: variables, then `node`, options of Node's and the file. */
const words = manifest.scripts.start.split(' ');
const at = words.indexOf('node');
const variables = Object.fromEntries(
  words.slice(0, at).flatMap((word) => (word.includes('=') ? [word.split('=')] : [])),
);
const [node, file] = [words.slice(at + 1, -1), words.at(-1)!];

/** Options of Node's and variables of `npm start`, for programs that open the platform in their own way. */
export const AS_STARTED = { node, env: variables };

/** Starts it as `npm start` does and waits until it is ready. */
export const startPlatform = async (
  folder: string,
  { core, args = [], env = {} }: { core?: Core; args?: readonly string[]; env?: Record<string, string> } = {},
): Promise<Platform> => {
  const program = start(file, {
    core,
    node,
    args,
    env: { ...testEnvironment(folder), ...variables, ...env },
    ordered: false,
  });
  const printed = await program.prints(/Ctrl-C/);
  const portOf = (name: string): number => Number(new RegExp(`${name}\\s+\\S*:(\\d+)`).exec(printed)?.[1]);
  return { http: portOf('REST'), grpc: portOf('gRPC'), program, stop: program.stop };
};
