/** Adapters of one port are siblings with files of the same names: whoever knows one engine finds his way in all. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../generate/files.ts';

/** By folder: its engines, and the files that each of them has. */
const SIBLINGS: Readonly<Record<string, { engines: readonly string[]; files: readonly string[] }>> = {
  'shared/store': {
    engines: ['sqlite', 'postgres', 'dynamodb'],
    files: ['adapter.ts', 'messages.ts', 'migrate.ts', 'reads.ts', 'writes.ts'],
  },
  'shared/messaging': {
    engines: ['embedded', 'rabbitmq', 'eventbridge'],
    files: ['broadcast.ts', 'bus.ts', 'consumer.ts', 'operate.ts', 'tail.ts'],
  },
};

/** Folders beside the engines that are none. */
const BESIDE: ReadonlySet<string> = new Set(['shared/messaging/bridge']);

const foldersIn = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));

/** What an engine lacks, and engines that nobody listed; one line each. */
export const siblingOffences = (): string[] =>
  Object.entries(SIBLINGS).flatMap(([folder, { engines, files }]) => [
    ...engines.flatMap((engine) =>
      files
        .filter((file) => !existsSync(join(ROOT, folder, engine, file)))
        .map((file) => `${folder}/${engine} has no ${file}, which its siblings have`),
    ),
    ...foldersIn(folder)
      .filter((name) => !engines.includes(name) && !BESIDE.has(`${folder}/${name}`))
      .map((name) => `${folder}/${name} is no engine that infra/checks/siblings.ts knows`),
  ]);
