/** Takes one mitigation out of the sources as they are loaded. */
import type { Plugin } from 'vitest/config';
import { MITIGATIONS } from './mitigations.ts';

/** @throws Error when there is no such mitigation, or its text does not stand where it should, once */
export const removed = (name: string, text: string): string => {
  const { from, to, file } = MITIGATIONS[name]!;
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`"${name}": its text stands ${parts.length - 1} times in ${file}`);
  return parts.join(to);
};

/** A plugin that loads the platform without a mitigation. */
export const without = (name: string): Plugin => {
  const mitigation = MITIGATIONS[name];
  if (!mitigation) throw new Error(`there is no mitigation "${name}"`);
  return {
    name: 'without-a-mitigation',
    enforce: 'pre',
    // all that is loaded as it stands may be taken from what another of these runs has made
    configureVitest: ({ defineCacheKeyGenerator }) =>
      defineCacheKeyGenerator(({ id }) => (id.split('?')[0]!.endsWith(`/${mitigation.file}`) ? name : undefined)),
    transform: (text, id) => (id.split('?')[0]!.endsWith(`/${mitigation.file}`) ? removed(name, text) : undefined),
  };
};
