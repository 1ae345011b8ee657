/** Rows of what is answered while something is away that are missing, or are of nothing that can be. One line each. */
import { isDeepStrictEqual } from 'node:util';
import { SPECIAL } from '../../functions/degradation.ts';
import { platform } from '../../functions/index.ts';
import { derived, unknownPorts } from '../generate/away.ts';

const DATA = 'functions/degradation.ts';

export const degradationOffences = (): string[] => {
  const operations = platform.flatMap(({ operations: all }) => all);
  const handlers = new Set(operations.filter(({ subscription }) => subscription).map(({ name }) => name as string));
  const missing = operations.flatMap((op) =>
    unknownPorts(op).map((port) => `${op.name} needs ${port}: say in infra/generate/away.ts whether it can be away`),
  );
  const unknown = Object.entries(SPECIAL).flatMap(([name, rows]) => {
    const op = operations.find((each) => each.name === name);
    if (!op) return [`${DATA}: there is no operation ${name}`];
    const usual = new Map(derived(op));
    return Object.entries(rows).flatMap(([dependency, effect]) => {
      const place = `${DATA}: ${name} without ${dependency}`;
      const otherwise = usual.get(dependency as never);
      if (!otherwise) return [`${place}: it does not depend on that`];
      if (isDeepStrictEqual(effect, otherwise)) return [`${place}: that follows from what it declares`];
      if (effect.answer === 'later' && effect.by && !handlers.has(effect.by))
        return [`${place}: ${effect.by} handles no event`];
      return [];
    });
  });
  return [...missing, ...unknown];
};
