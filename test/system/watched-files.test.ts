import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { StartError } from '../../shared/config/start-error.ts';
import { watchFiles } from '../../shared/system/watched-files.ts';

describe('files that are replaced while a process runs', () => {
  let folder: string;
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const kept = vi.fn();
  const watch = () =>
    watchFiles({
      paths: { CERT: join(folder, 'cert'), KEY: join(folder, 'key') },
      make: ({ CERT, KEY }) => {
        if (CERT !== KEY) throw new StartError('CERT and KEY do not belong together');
        return CERT!;
      },
      kept,
      every_ms: 2,
    });
  beforeEach(() => {
    kept.mockClear();
    folder = mkdtempSync(join(tmpdir(), 'perfect21-files-'));
    write('cert', 'one');
    write('key', 'one');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('are taken together: of half a replacement the old stays, and that is told once', async () => {
    const files = await watch();
    const seen: string[] = [];
    files.onChange((now) => seen.push(now));
    expect(files.now).toBe('one');
    write('cert', 'two');
    await expect.poll(() => kept.mock.calls.length).toBe(1);
    expect(files.now).toBe('one');
    write('key', 'two');
    await expect.poll(() => files.now).toBe('two');
    expect(seen).toEqual(['two']);
    expect(kept).toHaveBeenCalledTimes(1);
    files.close();
  });

  test('may be away for a moment', async () => {
    const files = await watch();
    rmSync(join(folder, 'key'));
    await expect.poll(() => kept.mock.calls.length).toBe(1);
    expect(String(kept.mock.calls[0]![0])).toMatch(/KEY: \/.*\/key can't be read \(ENOENT\)/);
    write('key', 'three');
    write('cert', 'three');
    await expect.poll(() => files.now).toBe('three');
    files.close();
  });

  test('have to be there at the start', async () => {
    rmSync(join(folder, 'key'));
    await expect(watch()).rejects.toBeInstanceOf(StartError);
    write('key', 'other');
    await expect(watch()).rejects.toThrow('do not belong together');
  });
});
