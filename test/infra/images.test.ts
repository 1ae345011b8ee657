/** The file systems of the images: small, the same at each build, and enough to run on as nobody and read only. */
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { parse } from 'yaml';
import { assemble } from '../../infra/container/assemble.ts';
import { compose, judged } from '../../infra/container/compose.ts';
import { containerfile } from '../../infra/container/containerfile.ts';
import { ROLE_NAMES, ROLES, type RoleName, startOf } from '../../infra/container/roles.ts';
import { ROOT } from '../../infra/generate/files.ts';
import { imageFault } from '../../infra/kubernetes/guard.ts';
import { mailsFrom } from '../e2e/matrix.ts';
import { userWithSession } from '../e2e/world.ts';
import { debianProgram } from '../engines/debian-programs.ts';
import { openImageStore } from '../engines/image-store.ts';
import { openPlatform, sidecarEnvironment } from '../sidecar/rig.ts';
import { inTree, startContainer } from '../support/container.ts';
import { freePort } from '../support/free-port.ts';

const folder = mkdtempSync(join(tmpdir(), 'perfect21-images-'));
const at = (role: RoleName): string => join(folder, role);
/** As registries count. */
const MB = 1_000_000;
/** Unpacked, and as an archive that is packed as images are. */
const BOUNDS = { platform: [190, 75], sidecar: [140, 52], bridge: [140, 52] } as const;

beforeAll(async () => {
  for (const role of ROLE_NAMES) await assemble(role, at(role), { whole: true });
  for (const role of ROLE_NAMES)
    expect(readFileSync(join(at(role), NODE)).equals(readFileSync(process.execPath))).toBe(true);
  node = packed(at('platform'), [NODE]);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const filesIn = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

/** Nine tenths of each image, and the same file in all: it is packed once. */
const NODE = 'usr/local/bin/node';
const packed = async (tree: string, words: readonly string[]): Promise<number> => {
  const script = 'tar -C "$0" -cf - "$@" | gzip -6 | wc -c';
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', script, tree, ...words]);
  return Number(stdout);
};
let node: Promise<number>;

/** Names, rights, times and contents. */
const digestOf = (path: string): string => {
  const hash = createHash('sha256');
  for (const file of filesIn(path)) {
    const { mode, mtimeMs } = statSync(file);
    hash.update(`${file.slice(path.length)} ${mode} ${mtimeMs}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
};

const run = async (role: RoleName, env: Record<string, string>) => {
  const container = await startContainer(role, at(role), env);
  onTestFinished(() => void container.child.kill('SIGKILL'));
  return container;
};
const secret = { PERFECT21_SECRET: Buffer.alloc(32, 'k9').toString('base64') };

describe.each(ROLE_NAMES)('the image of the %s', (role) => {
  test('is as small as promised', async () => {
    const [unpacked, archive] = BOUNDS[role];
    const bytes = filesIn(at(role)).reduce((sum, file) => sum + statSync(file).size, 0);
    const own = await packed(at(role), ['--exclude', `./${NODE}`, '.']);
    const sizes = [bytes, (await node) + own].map((size) => size / MB);
    process.stdout.write(
      `image of the ${role}: ${sizes[0]!.toFixed(1)} MB, ${sizes[1]!.toFixed(1)} MB as an archive\n`,
    );
    expect(sizes[0]).toBeLessThan(unpacked);
    expect(sizes[1]).toBeLessThan(archive);
  }, 120_000);

  test('has no shell, no package manager, no TypeScript of ours, and nothing that somebody else may write', () => {
    const files = filesIn(at(role)).map((file) => file.slice(at(role).length));
    const threads: readonly string[] = ROLES[role].threads.map((file) => `/app/${file}`);
    for (const file of files) {
      expect(file).not.toMatch(/\/(sh|bash|busybox|npm|npx|apt|ldd)$|package-lock\.json$|\/\.env/);
      if (file.endsWith('.ts')) expect(threads).toContain(file);
      expect(statSync(at(role) + file).mode & 0o022).toBe(0);
    }
  });

  test('tells what is in it, each package with its hash and licence', () => {
    const { bomFormat, specVersion, components } = JSON.parse(
      readFileSync(join(at(role), 'app/sbom.cdx.json'), 'utf8'),
    );
    expect([bomFormat, specVersion]).toEqual(['CycloneDX', '1.6']);
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
    for (const { type, name, version, purl, hashes, licenses, 'bom-ref': ref } of components) {
      if (type === 'platform') continue;
      expect([ref, version]).toEqual([ref, lock[ref].version]);
      expect(purl).toBe(`pkg:npm/${name.replace('@', '%40')}@${version}`);
      expect([name, hashes?.[0]?.alg, licenses?.length]).toEqual([name, 'SHA-512', 1]);
    }
    const names = components.map(({ name }: { name: string }) => name);
    expect(names).toEqual(
      expect.arrayContaining(
        {
          platform: ['node', 'pg', 'nodemailer', '@node-rs/argon2'],
          sidecar: ['node', '@grpc/grpc-js'],
          bridge: ['node', 'amqplib'],
        }[role],
      ),
    );
    if (role === 'sidecar')
      for (const name of ['pg', 'nodemailer', '@node-rs/argon2']) expect(names).not.toContain(name);
  });

  test('is built by a Containerfile that says the same', () => {
    const text = readFileSync(join(ROOT, `infra/container/${role}.Containerfile`), 'utf8');
    const images = [...text.matchAll(/^ARG (?:BUILD|BASE)=(\S+)/gm)].map(([, image]) => image);
    expect(images).toEqual([expect.stringMatching(/^docker\.io\/library\/node:24\.\d+\.\d+-/), 'scratch']);
    expect(text).toMatch(/^USER 65532:65532$/m);
    expect(text).toMatch(/^STOPSIGNAL SIGTERM$/m);
    expect(text).toMatch(/^HEALTHCHECK .*\/readyz/m);
    expect(text).not.toMatch(/:latest/);
  });
});

test('the same source makes the same image', async () => {
  const again = join(folder, 'again');
  await assemble('sidecar', again, { whole: true });
  expect(digestOf(again)).toBe(digestOf(at('sidecar')));
}, 60_000);

describe('a container', () => {
  test('of the platform is ready within 3 s, hashes passwords, writes to its data only, and ends when it is told to', async () => {
    const before = digestOf(at('platform'));
    const mailbox = await freePort();
    const { http, child, exited, ready, said } = await run('platform', {
      ...secret,
      PERFECT21_MAILBOX_PORT: String(mailbox),
    });
    const ms = await ready();
    process.stdout.write(`container of the platform: ready in ${Math.round(ms)} ms\n`);
    const url = `http://127.0.0.1:${http}`;
    const post = (path: string, body: object) =>
      fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const email = 'ada@example.org';
    const password = 'violet tractors hum quietly';
    expect((await post('/api/v1/auth/register', { email, password })).status).toBe(202);
    const [mail] = await vi.waitFor(async () => {
      const mails = await mailsFrom(mailbox, email);
      expect(mails.length).toBeGreaterThan(0);
      return mails;
    }, 15_000);
    const [, token] = /token=([\w-]+)/.exec(JSON.stringify(mail)) ?? [];
    expect((await post('/api/v1/auth/verify-email', { token: token! })).status).toBe(200);
    const login = await post('/api/v1/auth/login', { identifier: email, password });
    expect(login.status).toBe(200);
    for (const path of ['/docs/', '/docs/swagger-ui.css', '/openapi.json', '/asyncapi.json'])
      expect([path, (await fetch(url + path)).status]).toEqual([path, 200]);
    await vi.waitFor(() => expect(readlinkSync(`/proc/${child.pid}/root`)).toBe(at('platform')));
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
    expect(said()).not.toContain('"level":"error"');
    expect(digestOf(at('platform'))).toBe(before);
    // with the machine shared by other tests; alone it is a third of that
    expect(ms).toBeLessThan(9_000);
  }, 90_000);

  test('of the operator brings a store to this release', async () => {
    const [command, ...words] = inTree(at('platform'), '/app/perfect21.mjs', 'migrate');
    const { status, stdout, stderr } = spawnSync(command!, words, {
      env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', PERFECT21_DATA_DIR: '/data' },
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('the store is as this release needs it');
  }, 60_000);

  test('of the sidecar is ready when it follows a platform, knows its tokens, and ends when it is told to', async () => {
    const before = digestOf(at('sidecar'));
    const { platform, world, close } = await openPlatform();
    onTestFinished(close);
    const env = sidecarEnvironment(platform, { LOG_LEVEL: 'warn' });
    const { http, child, exited, ready, said } = await run('sidecar', env);
    process.stdout.write(`container of the sidecar: ready in ${Math.round(await ready())} ms\n`);
    const { access_token } = await userWithSession(world);
    for (const [token, status] of [
      [access_token, 200],
      ['another', 401],
    ] as const) {
      const answer = await fetch(`http://127.0.0.1:${http}/verify`, { headers: { authorization: `Bearer ${token}` } });
      expect(answer.status).toBe(status);
    }
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
    expect(said()).not.toContain('"level":"error"');
    expect(digestOf(at('sidecar'))).toBe(before);
  }, 60_000);

  test('of the bridge lives while RabbitMQ is away, is not ready, and ends when it is told to', async () => {
    const away = `amqp://nobody:nowhere@127.0.0.1:${await freePort()}`;
    const aws = { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' };
    const bridge = { BUS_URL: away, BRIDGE_URL: 'eventbridge://perfect21-events/perfect21-bridge' };
    const { metrics, child, exited, ready } = await run('bridge', { ...secret, ...aws, ...bridge });
    await ready('/healthz');
    expect((await fetch(`http://127.0.0.1:${metrics}/readyz`)).status).toBe(503);
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
  }, 60_000);
});

describe('buildah', () => {
  test('makes the same image twice of the last stage of a Containerfile, which says how it is run', () => {
    const { path, buildah, build } = openImageStore(folder);
    for (const role of ROLE_NAMES) {
      const id = build(role, at(role));
      const of = (image: string) => JSON.parse(buildah('inspect', '--type', 'image', image)).Docker;
      const { config, rootfs } = of(id);
      expect(config).toMatchObject({
        User: '65532:65532',
        Entrypoint: ['node', ...startOf(ROLES[role])],
        StopSignal: 'SIGTERM',
        Healthcheck: { Test: ['CMD', 'node', '-e', expect.stringContaining('/readyz')] },
      });
      // a volume that is made for it has the owner of the folder; only root can make one of somebody else
      const made = readdirSync(join(path, 'vfs/dir')).map((layer) => join(path, 'vfs/dir', layer, 'data'));
      const owners = new Set(made.filter(existsSync).map((data) => statSync(data).uid));
      expect(owners).toEqual(new Set([process.getuid?.() === 0 ? 65_532 : process.getuid?.()]));
      expect(config.Env).toEqual(expect.arrayContaining(['PATH=/usr/local/bin', 'NODE_ENV=production']));
      // the layers; this buildah writes its own name of the machine beside them
      if (role === 'sidecar') expect(of(build(role, at(role))).rootfs).toEqual(rootfs);
    }
    buildah('rmi', '--all', '--force');
  }, 180_000);
});

describe('the compose file', () => {
  const file = join(ROOT, 'infra/container/compose.yaml');
  const { services } = parse(readFileSync(file, 'utf8'));
  const asked = [...new Set([...readFileSync(file, 'utf8').matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name!))];
  const resolve = (env: Record<string, string>) => {
    const { path } = debianProgram('docker-compose');
    const { status, stdout, stderr } = spawnSync(path, ['-f', file, 'config', '--format', 'json'], {
      env: { PATH: process.env.PATH, HOME: folder, ...env },
      encoding: 'utf8',
    });
    return { status, stderr, model: status === 0 ? JSON.parse(stdout) : undefined };
  };
  const given = Object.fromEntries(asked.map((name) => [name, `given-${name.toLowerCase()}`]));

  test('runs the platform with its engines, each a release', () => {
    expect(Object.keys(services).sort()).toEqual(
      ['grafana', 'jaeger', 'platform', 'postgres', 'prometheus', 'rabbitmq', 'sidecar'].sort(),
    );
    for (const { image } of Object.values<{ image: string }>(services)) expect(imageFault(image)).toBeUndefined();
    for (const name of ['platform', 'sidecar'])
      expect(services[name]).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
    for (const image of ['postgres:latest', 'postgres:17', 'jaegertracing/all-in-one:1.62', 'rabbitmq'])
      expect(() => judged({ ...compose, services: { x: { image } } })).toThrow(
        /^x: the image \S+ [^\n]+: name a release/,
      );
    expect(() => containerfile('sidecar', 'docker.io/library/node:24-slim')).toThrow('is not always the same');
  });

  test('is what docker compose takes, and starts nothing without its passwords', () => {
    const { status, stderr, model } = resolve(given);
    expect([status, stderr]).toEqual([0, '']);
    expect(model.services.platform.environment.STORE_URL).toBe(
      'postgres://perfect21:given-postgres_password@postgres:5432/perfect21',
    );
    expect(asked).toEqual(
      expect.arrayContaining(['POSTGRES_PASSWORD', 'RABBITMQ_PASSWORD', 'GRAFANA_PASSWORD', 'PERFECT21_SECRET']),
    );
    for (const name of asked) expect(resolve({ ...given, [name]: '' }).stderr).toContain(`set ${name}`);
  });

  test('mounts files that are there, and opens no port to other machines', () => {
    for (const { volumes = [], ports = [] } of Object.values<{ volumes?: string[]; ports?: string[] }>(services)) {
      for (const volume of volumes.filter((each) => each.startsWith('.')))
        expect([volume, existsSync(join(ROOT, 'infra/container', volume.split(':')[0]!))]).toEqual([volume, true]);
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });
});
