/**
 * proto/ → proto/gen/: TypeScript (ts-proto) and the descriptors that reflection answers with.
 *
 * Offline and the same bytes every time: buf, the plugin and the proto files of health and reflection are packages of
 * the lock file.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { toolPath } from '../tools.ts';

const run = promisify(execFile);
const { resolve } = createRequire(import.meta.url);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const packageFolder = (name: string): string => dirname(resolve(`${name}/package.json`));

const TS_PROTO = [
  'env=node',
  'esModuleInterop=true',
  'importSuffix=.ts',
  // field names as on the wire of JSON; numbers for int64: unix seconds and counts stay far below 2^53
  'snakeToCamel=false',
  'forceLong=number',
  // no TypeScript enums: the code runs with its types stripped
  'enumsAsLiterals=true',
  'unrecognizedEnum=false',
  // a field that an answer leaves out encodes as its default
  'useOptionals=all',
  'outputServices=grpc-js',
  'outputJsonMethods=false',
  'outputPartialMethods=false',
  'annotateFilesWithVersion=false',
];

/**
 * Runs buf in the project's folder.
 *
 * @example await buf('lint', 'proto')
 * @throws with what buf printed, when it finds fault
 */
export const buf = async (...args: string[]): Promise<void> => {
  try {
    await run(toolPath('buf'), args, { cwd: ROOT });
  } catch (failed) {
    const { stdout, stderr } = failed as { stdout?: string; stderr?: string };
    throw new Error(`buf ${args[0]}: ${stdout || stderr || failed}`, { cause: failed });
  }
};

/** Descriptor sets concatenated are one set: protobuf merges repeated fields. */
const descriptors = async (folder: string): Promise<Buffer> => {
  const reflection = join(packageFolder('@grpc/reflection'), 'build/proto');
  const sources = [
    ['proto'],
    [join(packageFolder('grpc-health-check'), 'proto')],
    [reflection, '--path', join(reflection, 'grpc')],
  ];
  const parts: Buffer[] = [];
  for (const [index, source] of sources.entries()) {
    const file = join(folder, `${index}.binpb`);
    await buf('build', ...source, '--exclude-source-info', '-o', file);
    parts.push(await readFile(file));
  }
  return Buffer.concat(parts);
};

/**
 * Makes the files of proto/gen/, without writing them.
 *
 * @returns paths from the project's folder and what belongs there, ordered by path
 * @throws when a proto file does not compile
 */
export const generate = async (): Promise<{ path: string; content: string | Buffer }[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'perfect21-proto-'));
  try {
    const out = join(folder, 'gen');
    const plugin = [process.execPath, join(packageFolder('ts-proto'), 'protoc-gen-ts_proto')];
    const template = { version: 'v2', plugins: [{ local: plugin, out, opt: TS_PROTO }] };
    await buf('generate', 'proto', '--template', JSON.stringify(template));
    const names = (await readdir(out, { recursive: true })).filter((name) => name.endsWith('.ts')).sort();
    const code = names.map(async (name) => ({
      path: `proto/gen/${name.split(sep).join('/')}`,
      content: await readFile(join(out, name), 'utf8'),
    }));
    return [...(await Promise.all(code)), { path: 'proto/gen/descriptors.binpb', content: await descriptors(folder) }];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
