/** A real browser for a test of a page: Debian's Chromium without a window. */
import { dirname, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { debianProgram } from '../engines/debian-programs.ts';

/**
 * Starts it. Who starts it closes it.
 *
 * @throws Error with one line that says why it cannot be had
 * @example const browser = await startBrowser(); const page = await browser.newPage({ locale: 'zh-CN' });
 */
export const startBrowser = (): Promise<Browser> => {
  const { path, env } = debianProgram('chromium');
  const libraries = env.LD_LIBRARY_PATH!;
  return chromium.launch({
    executablePath: path,
    // tests run as root in containers, where a sandbox of its own can't be made
    args: ['--no-sandbox'],
    env: {
      ...env,
      LD_LIBRARY_PATH: `${libraries}:${join(libraries, 'pulseaudio')}`,
      // where fonts are looked for beside the system's
      XDG_DATA_HOME: join(dirname(path), '../../share'),
    } as Record<string, string>,
  });
};
