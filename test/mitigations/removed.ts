import { MITIGATIONS } from './mitigations.ts';

/** A source without one mitigation. @throws Error when its text does not stand where it should, once */
export const removed = (name: string, text: string): string => {
  const { from, to, file } = MITIGATIONS[name]!;
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`"${name}": its text stands ${parts.length - 1} times in ${file}`);
  return parts.join(to);
};
