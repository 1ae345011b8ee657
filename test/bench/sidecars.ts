/** A sidecar as `npm run sidecar` runs it, on private ports, beside a platform of the bench. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { type Core, type Program, start } from './processes.ts';

const words = manifest.scripts.sidecar.split(' ');
const at = words.indexOf('node');
const variables = Object.fromEntries(
  words.slice(0, at).flatMap((word) => (word.includes('=') ? [word.split('=')] : [])),
);
const [node, file] = [words.slice(at + 1, -1), words.at(-1)!];

export interface SidecarProgram {
  grpc: number;
  http: number;
  program: Program;
  /** From the start of the process until it was ready. */
  ready_ms: number;
}

/** Starts it and waits until it is ready. `folder` is the platform's, which has its service token. */
export const startSidecar = async (
  folder: string,
  origin: { http: number; grpc: number },
  { core, env = {} }: { core?: Core; env?: Record<string, string> } = {},
): Promise<SidecarProgram> => {
  const { service_token: token } = JSON.parse(readFileSync(join(folder, 'dev-credentials.json'), 'utf8'));
  const began = performance.now();
  const program = start(file, {
    core,
    node,
    env: {
      SIDECAR_ORIGIN: `http://127.0.0.1:${origin.http}`,
      SIDECAR_FEED: `grpc://127.0.0.1:${origin.grpc}`,
      PERFECT21_SERVICE_TOKEN: token,
      PERFECT21_HTTP_PORT: '0',
      PERFECT21_GRPC_PORT: '0',
      PERFECT21_METRICS_PORT: '0',
      PERFECT21_DATA_DIR: folder,
      LOG_LEVEL: 'error',
      ...variables,
      ...env,
    },
  });
  const printed = await program.prints(/Ctrl-C/);
  const portOf = (name: string): number => Number(new RegExp(`${name}\\s+\\S*:(\\d+)`).exec(printed)?.[1]);
  const http = portOf('forward-auth');
  while (!(await fetch(`http://127.0.0.1:${http}/readyz`)).ok) await new Promise((go) => setTimeout(go, 5));
  return { grpc: portOf('gRPC'), http, program, ready_ms: performance.now() - began };
};
