import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { held } from './kept.ts';

test('what came, went and changed in a store is told, and what passes is not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-kept-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'some.db');
  const db = new DatabaseSync(file);
  db.exec(`PRAGMA journal_mode = WAL; CREATE TABLE r_users (id TEXT, data TEXT); CREATE TABLE messages (queue TEXT, body TEXT);
    INSERT INTO r_users VALUES ('goes', '{}'), ('changes', '{"a":1}'), ('stays', NULL), ('counts', '{"count":1}')`);
  using before = held(file);
  expect(before.changes()).toEqual([]);
  db.exec(
    `UPDATE r_users SET data = '{"count":2}' WHERE id = 'counts'; INSERT INTO messages VALUES ('perfect21.tails', 'x')`,
  );
  expect(before.changes()).toEqual([]);
  db.exec(`DELETE FROM r_users WHERE id = 'goes'; UPDATE r_users SET data = '{"a":2}' WHERE id = 'changes';
    INSERT INTO messages VALUES ('users', 'y')`);
  expect(before.changes().sort()).toEqual([
    `+ messages: queue 'users', body 'y'`,
    `+ r_users: id 'changes', data '{"a":2}'`,
    `- r_users: id 'changes', data '{"a":1}'`,
    `- r_users: id 'goes', data '{}'`,
  ]);
  db.close();
});
