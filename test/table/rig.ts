/** One platform for the tests of the table, and its doors. */
import type { Adapter } from '../../shared/kit/adapter.ts';
import { type Operation, streams } from '../../shared/kit/operation.ts';
import { grpcDoor } from '../e2e/doors/grpc.ts';
import { http1Door, http2Door } from '../e2e/doors/http.ts';
import { lambdaDoor } from '../e2e/doors/lambda.ts';
import { localDoor } from '../e2e/doors/local.ts';
import { worldOf } from '../e2e/matrix.ts';
import type { Door, World } from '../e2e/world.ts';
import { type TestPlatform, testPlatform } from '../support/platform.ts';

export interface Rig {
  platform: TestPlatform;
  /** In process. */
  world: World;
  close(): Promise<void>;
}

/** @example const rig = await openRig(); … await rig.close(); */
export const openRig = async (
  env: Record<string, string> = {},
  replace: readonly Adapter<any, any>[] = [],
): Promise<Rig> => {
  const platform = await testPlatform({ PERFECT21_RATE_LIMITS: 'off', ...env }, replace);
  const world = worldOf(platform, localDoor(platform.host));
  return { platform, world, close: () => platform.close() };
};

type Opened = Door & { close?(): unknown };

/** Every door of a platform by name, and which operations it brings. */
export const DOORS: Readonly<
  Record<string, { open(platform: TestPlatform): Opened; brings(op: Operation<any, any>): boolean }>
> = {
  'in process': { open: ({ host }) => localDoor(host), brings: () => true },
  'HTTP/1.1': { open: ({ http }) => http1Door(http.url), brings: ({ http }) => http.length > 0 },
  'HTTP/2': { open: ({ http }) => http2Door(http.url), brings: ({ http }) => http.length > 0 },
  gRPC: { open: ({ http, grpc }) => grpcDoor(grpc.port, http1Door(http.url)), brings: ({ rpc }) => rpc.length > 0 },
  'Lambda event': { open: ({ host }) => lambdaDoor(host), brings: (op) => op.http.length > 0 && !streams(op) },
};
