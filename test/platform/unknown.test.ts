import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../infra/generate/files.ts';
import { unknownIn } from '../../shared/config/unknown.ts';

test('a misspelt variable is told, with the one that is meant', () => {
  expect(unknownIn({ PERFECT21_HTP_PORT: '80', PERFECT21_RATE_LIMIT: 'off', PERFECT21_COLOUR: 'red' })).toEqual([
    'PERFECT21_HTP_PORT is no setting and changes nothing: is PERFECT21_HTTP_PORT meant?',
    'PERFECT21_RATE_LIMIT is no setting and changes nothing: is PERFECT21_RATE_LIMITS meant?',
    'PERFECT21_COLOUR is no setting and changes nothing',
  ]);
});

test('what a container is told of its neighbours is no setting, nor are empty variables and those of others', () => {
  const neighbours = {
    PERFECT21_SERVICE_HOST: '10.0.0.7',
    PERFECT21_SERVICE_PORT_HTTP: '80',
    PERFECT21_PORT: 'tcp://10.0.0.7:80',
    PERFECT21_PORT_80_TCP_ADDR: '10.0.0.7',
    PERFECT21_SIDECAR_SERVICE_HOST: '10.0.0.8',
  };
  expect(
    unknownIn({ ...neighbours, PERFECT21_HTP_PORT: '', PERFECT_PORT: '1', PERFECT21_TEST_MATRIX: 'full' }),
  ).toEqual([]);
});

test('every variable that the project reads, sets or tells about is known', () => {
  const places = ['shared', 'functions', 'infra', 'bin', 'docs', 'README.md'];
  const files = execFileSync('git', ['ls-files', '-z', ...places], { cwd: ROOT })
    .toString()
    .split('\0');
  const names = files
    .filter((file) => /\.(?:ts|mjs|md|ya?ml|lua)$/.test(file) && !file.endsWith('config/unknown.ts'))
    .flatMap((file) => readFileSync(join(ROOT, file), 'utf8').match(/\bPERFECT21_[A-Z0-9_]*[A-Z0-9]\b/g) ?? []);
  const told = unknownIn(Object.fromEntries(names.map((name) => [name, 'x'])));
  // how names of several begin
  const beginnings = ['PERFECT21_TLS', 'PERFECT21_SIDECAR'];
  expect(told.map((line) => line.split(' ')[0]!).filter((name) => !beginnings.includes(name))).toEqual([]);
});
