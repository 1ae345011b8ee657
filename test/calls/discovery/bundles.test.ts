import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { importsOf } from '../../../infra/checks/imports.ts';
import { ROOT } from '../../../infra/generate/files.ts';

/** All files and packages that a file leads to at run time, lazily too. */
const reached = (entries: readonly string[]): Set<string> => {
  const found = new Set(entries);
  for (const file of found) {
    if (!file.endsWith('.ts') || !existsSync(join(ROOT, file))) continue;
    for (const { to, typeOnly } of importsOf(file, readFileSync(join(ROOT, file), 'utf8'))) {
      if (!typeOnly) found.add(to);
    }
  }
  return found;
};

test('no function looks for services: in AWS what an operation calls is in its bundle', () => {
  const entries = readdirSync(join(ROOT, 'functions/lambda')).filter((name) => name.endsWith('.ts'));
  const all = [...reached(entries.map((name) => `functions/lambda/${name}`))];
  expect(all.length).toBeGreaterThan(200);
  const looking = all.filter((name) =>
    /^(shared\/(discovery|grpc)\/|@aws-sdk\/client-servicediscovery|@grpc\/)/.test(name),
  );
  expect(looking).toEqual([]);
});

test('a process loads the code of the one registry that it uses', () => {
  const registries = ['dns', 'k8s-or-dns', 'consul', 'cloudmap'];
  const text = readFileSync(join(ROOT, 'shared/calls/discovery/open.ts'), 'utf8');
  for (const name of registries) expect(text).toContain(`await import('./${name}.ts')`);
  const eager = importsOf('shared/calls/discovery/open.ts', text.replace(/await import\([^)]*\)/g, ''));
  expect(eager.map(({ to }) => to).filter((to) => registries.some((name) => to.includes(name)))).toEqual([]);
});
