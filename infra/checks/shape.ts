/** What changed in the shape of what is kept since the last release is noted, and is what its programs survive. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SchemaChange, StoreSchema } from '../../shared/store/schema.ts';
import { ROOT } from '../generate/files.ts';

/** `test/upgrade/previous.json`: the release before, and the shape that it keeps. */
export interface Previous {
  version: string;
  commit: string;
  schema: number;
  collections: Readonly<Record<string, { version: number; indexes: readonly string[] }>>;
}

export const previousRelease = (): Previous =>
  JSON.parse(readFileSync(join(ROOT, 'test/upgrade/previous.json'), 'utf8'));

/** One line for each thing that is wrong. Pure. */
export const shapeOffences = (
  previous: Previous,
  { version, collections }: Pick<StoreSchema, 'version' | 'collections'>,
  changes: readonly SchemaChange[],
): string[] => {
  const file = 'functions/schema-changes.ts';
  const today = new Map(collections.map((each) => [each.name, each]));
  const since = changes.filter((each) => each.version > previous.schema);
  const wrong: string[] = [];
  for (const [at, each] of changes.entries()) {
    if (at && each.version !== changes[at - 1]!.version + 1)
      wrong.push(`${file}: version ${each.version} is out of order`);
    if (each.kind === 'contract' && each.without.schema >= each.version)
      wrong.push(`${file}: ${each.version} names a release that comes after it`);
  }
  for (const each of since) {
    if (each.kind === 'contract' && each.without.schema > previous.schema)
      wrong.push(
        `${file}: ${each.version} ends what ${previous.version} still needs, for only ${each.without.release} does without: first release that`,
      );
  }
  const more = [...today.values()].flatMap(({ name, indexes }) => {
    const before = previous.collections[name];
    if (!before) return [name];
    return Object.keys(indexes).flatMap((index) => (before.indexes.includes(index) ? [] : [`${name}.${index}`]));
  });
  const less = Object.entries(previous.collections).flatMap(([name, before]) => {
    const now = today.get(name);
    if (!now) return [name];
    const raised = now.version > before.version ? [`${name} of version ${now.version}`] : [];
    return [...raised, ...before.indexes.flatMap((index) => (now.indexes[index] ? [] : [`${name}.${index}`]))];
  });
  if ((more.length || less.length) && version <= previous.schema)
    wrong.push(`${file}: note the change of ${[...more, ...less].join(', ')} since ${previous.version}`);
  if (less.length && !since.some(({ kind }) => kind === 'contract'))
    wrong.push(
      `${file}: ${previous.version} needs what ended (${less.join(', ')}): only a "contract" says since when nobody does`,
    );
  if (more.length && !since.some(({ kind }) => kind === 'expand'))
    wrong.push(`${file}: ${more.join(', ')} came since ${previous.version}: that is an "expand"`);
  return wrong;
};
