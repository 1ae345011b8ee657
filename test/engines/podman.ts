/** Debian's podman, unpacked beside the system: plays pods as Kubernetes would, with all that it writes in one folder. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { debianProgram } from './debian-programs.ts';
import { inStore } from './image-store.ts';

export interface Podman {
  /** Runs a command. @returns what it printed. @throws Error with what it complained of */
  run(...words: string[]): Promise<string>;
  /** Makes what `secretKeyRef` finds, or a volume when it is to be `files`. */
  secret(name: string, values: Readonly<Record<string, string>>, as?: 'files'): Promise<void>;
  /** Starts the pods of these manifests on the network of this machine. @returns the names of their containers */
  play(...manifests: object[]): Promise<string[]>;
  /** All that a container printed. */
  logs(container: string): Promise<string>;
  /** What podman knows of a container. */
  inspect(container: string): Promise<any>;
  /** Why no pod starts here, in one line; undefined when one does. */
  fault(): Promise<string | undefined>;
  /** Ends all pods. */
  close(): void;
}

/** As much as a pod of ours needs, and no more than this machine lets a process have, or no container starts. */
const limit = (name: string): string => {
  const found = new RegExp(`^${name}\\s+\\S+\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/limits', 'utf8'));
  const most = Math.min(10_000, Number(found?.[1] ?? 10_000));
  return `${most}:${most}`;
};

/**
 * @param store images, as `openImageStore` made them
 * @throws Error with one line when podman cannot be had
 * @example const podman = openPodman(folder, store.path); const [name] = podman.play(deployment);
 */
export const openPodman = (folder: string, store: string): Podman => {
  const { path, env } = debianProgram('podman');
  const root = join(path, '../../..');
  const conf = join(folder, 'containers.conf');
  // crun, its first choice, wants cgroups of the second version alone; events and locks are files of ours
  writeFileSync(
    conf,
    `[containers]
default_ulimits = ["nofile=${limit('Max open files')}", "nproc=${limit('Max processes')}"]
init_path = "${root}/usr/libexec/podman/catatonit"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "${folder}/podman"
conmon_path = ["${root}/usr/bin/conmon"]
helper_binaries_dir = ["${root}/usr/libexec/podman", "${root}/usr/bin"]
[engine.runtimes]
runc = ["${root}/usr/sbin/runc"]
`,
  );
  // it makes the image of the program that holds a pod
  const trusted = join(folder, 'home/.config/containers');
  mkdirSync(trusted, { recursive: true });
  writeFileSync(join(trusted, 'policy.json'), JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
  const own = { ...env, CONTAINERS_CONF: conf, HOME: join(folder, 'home') };
  const call = async (words: readonly string[]) => {
    const options = { env: own, encoding: 'utf8', timeout: 60_000 } as const;
    const ran = promisify(execFile)(path, [...inStore(store), ...words], options);
    return ran.catch(({ stderr, message }) => {
      throw new Error(`podman ${words.slice(0, 2).join(' ')}: ${stderr.trim() || message}`);
    });
  };
  const run = async (...words: string[]): Promise<string> => (await call(words)).stdout.trim();
  const containers = async () => (await run('ps', '--all', '--format', '{{.Names}}')).split('\n');
  const end = (): void =>
    void spawnSync(path, [...inStore(store), 'pod', 'rm', '--all', '--force', '--time', '0'], { env: own });
  // containers would outlive us
  process.once('exit', end);
  return {
    run,
    secret: async (name, values, as) => {
      const entries = Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
      // podman 4.3 itself keeps a Secret in neither of the forms that it reads, of which one is not encoded
      const files = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: values };
      const kept = as === 'files' ? files : Object.fromEntries(entries);
      const file = join(folder, 'secret.json');
      writeFileSync(file, JSON.stringify(kept), { mode: 0o600 });
      await run('secret', 'create', name, file);
      rmSync(file);
    },
    play: async (...manifests) => {
      const file = join(folder, 'played.yaml');
      writeFileSync(file, manifests.map((each) => stringify(each)).join('---\n'));
      const before = new Set(await containers());
      await run('kube', 'play', '--network', 'host', file);
      return (await containers()).filter((name) => !before.has(name) && !name.endsWith('-infra'));
    },
    logs: async (container) => {
      const { stdout, stderr } = await call(['logs', container]);
      return stdout + stderr;
    },
    inspect: async (container) => JSON.parse(await run('container', 'inspect', container))[0],
    fault: async () => {
      if (process.getuid?.() !== 0) return 'podman plays pods for root only';
      try {
        await run('pod', 'create', '--name', 'any', '--network', 'host');
        await run('pod', 'start', 'any');
        await run('pod', 'rm', '--force', 'any');
      } catch (error) {
        return `no pod starts here: ${(error as Error).message.split('\n').at(-1)}`;
      }
      return undefined;
    },
    close: () => {
      process.off('exit', end);
      end();
    },
  };
};
