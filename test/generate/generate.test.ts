import { beforeAll, describe, expect, test } from 'vitest';
import { importsOf, offence, offences } from '../../infra/boundaries.ts';
import { type GeneratedFile, staleFiles } from '../../infra/generate/files.ts';
import { generateAll, OWNED } from '../../infra/generate/index.ts';
import { platform } from '../../infra/generate/platform.ts';
import { withTables } from '../../infra/generate/readme.ts';

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

  test('put the tables between the markers of the README and touch nothing else', () => {
    const text = 'before\n<!-- generated:services -->\nold\n<!-- /generated:services -->\nafter\n';
    const made = withTables(text, platform);
    expect(made.startsWith('before\n') && made.endsWith('\nafter\n') && !made.includes('\nold\n')).toBe(true);
    for (const { operations } of platform) for (const { name } of operations) expect(made).toContain(`[${name}](`);
    expect(() => withTables('nothing', platform)).toThrow(/generated:services/);
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
