import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { replacementsFor } from '../../infra/aws/leave-out.ts';
import { offence, offences } from '../../infra/checks/boundaries.ts';
import { importCircles } from '../../infra/checks/circles.ts';
import { floorOffences } from '../../infra/checks/floors.ts';
import { importsOf, importsOfProject } from '../../infra/checks/imports.ts';
import { leftOutOffences, missingNames } from '../../infra/checks/left-out.ts';
import { decisionOffences, roomOffences, sharingOffences, strayOffences } from '../../infra/checks/places.ts';
import { siblingOffences } from '../../infra/checks/siblings.ts';
import { pathsOf } from '../../infra/generate/api.ts';
import { type GeneratedFile, staleFiles } from '../../infra/generate/files.ts';
import { generateAll, OWNED } from '../../infra/generate/index.ts';
import { doors, withTables } from '../../infra/generate/operations.ts';
import { type LambdaFunction, lambdaFunctions, platform } from '../../infra/generate/platform.ts';
import { kindsOf } from '../../shared/kit/binding.ts';
import { operation } from '../../shared/kit/operation.ts';

describe('generated files', () => {
  let files: GeneratedFile[];
  beforeAll(async () => {
    files = await generateAll();
  }, 30_000);

  test('are fresh', () => {
    expect(staleFiles(files, OWNED)).toEqual([]);
  });

  test('are the same at every run', async () => {
    expect(await generateAll()).toEqual(files);
  });

  test('are called stale when they differ, are missing, or nothing makes them any more', () => {
    const [entry, ...others] = files.filter(({ path }) => path.startsWith('functions/lambda/'));
    const changed = [
      { ...entry!, content: 'other' },
      { path: 'functions/lambda/new.ts', content: '' },
    ];
    const left = others.slice(1);
    expect(staleFiles([...changed, ...left], ['functions/lambda'])).toEqual(
      [entry!.path, 'functions/lambda/new.ts', others[0]!.path].sort(),
    );
  });

  test('put the tables between the markers of the page and touch nothing else', () => {
    const text = 'before\n<!-- generated:services -->\nold\n<!-- /generated:services -->\nafter\n';
    const made = withTables(text, platform);
    expect(made.startsWith('before\n') && made.endsWith('\nafter\n') && !made.includes('\nold\n')).toBe(true);
    for (const { operations } of platform) for (const { name } of operations) expect(made).toContain(`[${name}](`);
    expect(() => withTables('nothing', platform)).toThrow(/generated:services/);
  });
});

describe('an operation with several bindings', () => {
  const two = operation({
    name: 'tests.two',
    summary: 'Answers twice',
    http: [
      { method: 'POST', path: '/one' },
      { method: 'DELETE', path: '/two', body: ['form'] },
    ],
    access: 'public',
    input: z.strictObject({}),
    output: z.strictObject({}),
    run: () => ({}),
  });

  test('is one function with a route for each', () => {
    expect(pathsOf([{ name: 'tests-two', operations: [two] }])).toMatchObject({
      '/one': { post: { 'x-function': 'tests-two' } },
      '/two': { delete: { 'x-function': 'tests-two' } },
    });
  });

  test('is reached by each in the README', () => {
    expect(doors(two)).toBe('`POST /one`<br>`DELETE /two`');
  });
});

describe('the house', () => {
  test('has no import against the floors and no circle', () => {
    const imports = importsOfProject();
    expect([...floorOffences(imports), ...importCircles(imports)]).toEqual([]);
  });

  test('notices an import upwards, a circle of files and one of rooms, types included', () => {
    const of = (files: Record<string, string>) =>
      new Map(Object.entries(files).map(([file, text]) => [file, importsOf(file, text)]));
    const up = of({ 'shared/kit/a.ts': "import type { B } from '../doors/http/b.ts';" });
    expect(floorOffences(up)).toEqual(['shared/kit/a.ts imports shared/doors/http/b.ts: doors stands above kit']);
    const circle = of({
      'shared/store/a.ts': "import type { B } from '../keys/b.ts';",
      'shared/keys/b.ts': "import { a } from '../store/a.ts';",
    });
    expect(importCircles(circle)).toEqual(['shared/keys/b.ts and shared/store/a.ts import each other in a circle']);
    expect(floorOffences(circle)).toEqual(['the rooms keys and store import each other in a circle']);
    expect(floorOffences(of({ 'shared/attic/a.ts': "import { b } from './b.ts';" }))[0]).toMatch(
      /room without a floor/,
    );
  });

  test('has engines with the same files, rooms that say what they are for, and nothing stray', () => {
    expect([...siblingOffences(), ...strayOffences(), ...roomOffences()]).toEqual([]);
    expect(strayOffences(['o', 'shared/kit/operation.ts'])).toHaveLength(1);
  });

  test('has tests that share a process only where they leave modules as they are', () => {
    expect(sharingOffences()).toEqual([]);
    for (const text of ["vi.mock('./a.ts');", 'await vi.hoisted(() => {});', "  loadedWith('a.ts', String);"]) {
      expect(sharingOffences({ 'test/kit/a.test.ts': text, 'test/kit/b.alone.test.ts': text })).toEqual([
        'test/kit/a.test.ts changes how modules load: name it test/kit/a.alone.test.ts',
      ]);
    }
  });

  test('has decisions with a number each, which its title repeats', () => {
    expect(decisionOffences()).toEqual([]);
    expect(decisionOffences({ '0001-a.md': '# 1. A', '0001-b.md': '# 1. B' })).toEqual([
      'infra/decisions/0001-b.md has the number of 0001-a.md: take the next free one',
    ]);
    expect(decisionOffences({ '0002-a.md': '# 1. A', 'b.md': '# B' })).toHaveLength(2);
  });
});

describe('what is left out of functions', () => {
  test('is asked for by none of them', () => {
    expect(leftOutOffences()).toEqual([]);
  });

  test('is noticed when code that is packaged takes it, and where it is only a type or another entry has it, it is not', () => {
    const files: Record<string, string> = {
      'functions/lambda/users-get-user.ts': "import { loadConfig } from '../../shared/config/config.ts';",
      'shared/config/config.ts': "import { tlsOf, type Tls, tlsNames as names } from './tls.ts';",
      'shared/config/tls.ts': "import { pg } from './store-postgres.ts';",
      'functions/lambda/users-bulk.ts': "import { noteRead, noted } from '../../shared/kit/audit-read.ts';",
      'shared/kit/audit-read.ts': '',
    };
    expect(missingNames(Object.keys(files).slice(0, 1), (file) => files[file]!)).toEqual([
      'shared/config/config.ts takes tlsNames from shared/config/tls.ts, which infra/aws/leave-out.ts replaces without it',
    ]);
    expect(missingNames(['functions/lambda/users-bulk.ts'], (file) => files[file]!)).toEqual([]);
  });

  test('are never how forms are read, where an operation takes one', () => {
    const readsForms = (name: string) =>
      replacementsFor('aws', `/functions/lambda/${name}.ts`).every(
        ({ filter }) => !filter.test('/shared/doors/binding/form.ts'),
      );
    const takesForms = ({ operations }: LambdaFunction) =>
      operations.some(({ http }) => http.some((binding) => kindsOf(binding).includes('form')));
    const of = (judge: (each: LambdaFunction) => boolean) => lambdaFunctions.filter(judge).map(({ name }) => name);
    expect(of(({ name }) => readsForms(name))).toEqual(of(takesForms));
  });
});

describe('boundaries', () => {
  test('hold', () => {
    expect(offences()).toEqual([]);
  });

  test('are noticed when crossed', () => {
    const of = (from: string, text: string) => importsOf(from, text).map(offence).filter(Boolean);
    expect(of('functions/auth/x.ts', "import { a } from '../../shared/store/sqlite/adapter.ts';")).toHaveLength(1);
    expect(of('functions/auth/x.ts', "import pg from 'pg';")).toHaveLength(1);
    expect(of('shared/messaging/x.ts', "import middy from '@middy/core';")).toHaveLength(1);
    expect(of('shared/messaging/x.ts', "const { x } = await import('pg');")).toHaveLength(1);
    expect(of('shared/messaging/x.ts', "import { a } from '../store/sqlite/adapter.ts';")).toHaveLength(1);
    expect(of('shared/messaging/x.ts', "import type { P } from 'pg';\nexport type Q = typeof import('pg');")).toEqual(
      [],
    );
    expect(of('functions/auth/x.ts', "import {\n  a,\n} from '../users/model.ts';\nimport * as z from 'zod';")).toEqual(
      [],
    );
  });
});
