/** The port of conditions; the language itself loads with the first of them. */
import { adapter } from '../kit/adapter.ts';
import type { Condition, Conditions } from '../ports/conditions.ts';

/** More than a deployment has policies; each is a few kB. */
const COMPILED = 1_000;

export const createConditions = (): Conditions => {
  const compiled = new Map<string, Condition>();
  const load = () => import('./cel.heavy.ts');
  return {
    check: async (text) => (await load()).checkCel(text),
    compile: async (text) => {
      const known = compiled.get(text);
      if (known) return known;
      const condition = (await load()).compileCel(text);
      if (compiled.size >= COMPILED) compiled.clear();
      compiled.set(text, condition);
      return condition;
    },
  };
};

/** @example needs: ['conditions'] … const holds = (await conditions.compile('resource.owner_id == subject.id'))(facts); */
export const celConditions = adapter({ port: 'conditions', open: () => ({ port: createConditions() }) });
