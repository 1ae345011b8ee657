/**
 * Programs that come as binaries in packages of their own, one for each kind of machine. The packages that would choose
 * among them name more platforms than every registry holds, and then `npm ci` refuses the lockfile.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const PROGRAMS = {
  biome: { x64: '@biomejs/cli-linux-x64/biome', arm64: '@biomejs/cli-linux-arm64/biome' },
  buf: { x64: '@bufbuild/buf-linux-x64/bin/buf', arm64: '@bufbuild/buf-linux-aarch64/bin/buf' },
} as const;

/** The path of a program. Throws when there is none for this machine. */
export const toolPath = (name: keyof typeof PROGRAMS): string => {
  const file = process.platform === 'linux' ? PROGRAMS[name][process.arch as 'x64' | 'arm64'] : undefined;
  if (!file)
    throw new Error(`${name} comes for Linux on x64 and arm64; this is ${process.platform} on ${process.arch}`);
  const [scope, folder, ...rest] = file.split('/');
  return join(dirname(createRequire(import.meta.url).resolve(`${scope}/${folder}/package.json`)), ...rest);
};
