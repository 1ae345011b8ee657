/** Modules of the platform that this process loads otherwise than they stand. */
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../../infra/generate/files.ts';

/** Files of a run share a process, and each evaluates this anew. */
const { loadedOtherwise = new Set<string>() } = globalThis as { loadedOtherwise?: Set<string> };
Object.assign(globalThis, { loadedOtherwise });

/**
 * Changes the text of a file when it is loaded, for as long as this process lives. To say so again does nothing.
 *
 * @throws Error where that changes nothing, when the file is loaded
 */
export const loadedWith = (file: string, change: (text: string) => string): void => {
  if (loadedOtherwise.has(file)) return;
  loadedOtherwise.add(file);
  const place = pathToFileURL(`${ROOT}/${file}`).href;
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context);
      if (url !== place) return loaded;
      const text = String(loaded.source);
      const source = change(text);
      if (source === text) throw new Error(`${file} is loaded as it stands`);
      return { ...loaded, source };
    },
  });
};
