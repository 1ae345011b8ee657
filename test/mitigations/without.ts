/** Before each test file of a run without a mitigation: takes out the one that PERFECT21_TEST_WITHOUT names. */
import { loadedWith } from '../support/loaded-with.ts';
import { MITIGATIONS } from './mitigations.ts';
import { removed } from './removed.ts';

const { PERFECT21_TEST_WITHOUT: name } = process.env;
if (name) {
  const mitigation = MITIGATIONS[name];
  if (!mitigation) throw new Error(`there is no mitigation "${name}"`);
  loadedWith(mitigation.file, (text) => removed(name, text));
}
