/**
 * A program of an image's file system, run as a container would run it: its own root, read only, a user who is nobody, no
 * shell, and a folder for data in memory.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROLES, type RoleName, startOf } from '../../infra/container/roles.ts';
import { freePort } from './free-port.ts';

const ENTER = `root="$0"; mount --bind "$root" "$root" && mount --rbind /proc "$root/proc" && mount --rbind /dev "$root/dev" &&
mount -t tmpfs -o mode=0700,uid=65532,gid=65532 none "$root/data" && mount -o remount,ro,bind "$root" &&
exec chroot --userspec=65532:65532 "$root" /usr/local/bin/node "$@"`;

/** The command line that runs Node with these words on the file system in `tree`. */
export const inTree = (tree: string, ...words: string[]): string[] => {
  const rights = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  return ['unshare', '--mount', ...rights, '/bin/sh', '-c', ENTER, tree, ...words];
};

export interface Container {
  http: number;
  grpc: number;
  metrics: number;
  child: ChildProcess;
  exited: Promise<number | null>;
  /** Resolves to the milliseconds from the start to the first 200. Rejects with what it said when it ends before. */
  ready(path?: string): Promise<number>;
  said(): string;
}

/** Starts what the image runs, on ports of its own. Whoever starts it ends it. */
export const startContainer = async (
  role: RoleName,
  tree: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Container> => {
  const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const { environment } = ROLES[role];
  const [command, ...words] = inTree(tree, ...startOf(ROLES[role]));
  const from = performance.now();
  const child: ChildProcess = spawn(command!, words, {
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
      ...environment,
      PERFECT21_HTTP_HOST: '127.0.0.1',
      PERFECT21_METRICS_HOST: '127.0.0.1',
      PERFECT21_MAILBOX_PORT: String(await freePort()),
      PERFECT21_SMTP_PORT: String(await freePort()),
      ...env,
      PERFECT21_HTTP_PORT: String(http),
      PERFECT21_GRPC_PORT: String(grpc),
      PERFECT21_METRICS_PORT: String(metrics),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text) => (said += text));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const health = role === 'bridge' ? metrics : http;
  const ready = async (path = '/readyz'): Promise<number> => {
    for (const until = from + 60_000; ; await sleep(10)) {
      const status = await fetch(`http://127.0.0.1:${health}${path}`)
        .then((answer) => answer.status)
        .catch(() => 0);
      if (status === 200) return performance.now() - from;
      if (child.exitCode !== null || performance.now() > until) throw new Error(`${path} answered ${status}: ${said}`);
    }
  };
  return { http, grpc, metrics, child, exited, ready, said: () => said };
};
