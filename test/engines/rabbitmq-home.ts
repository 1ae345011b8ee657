/**
 * RabbitMQ with no more on its path than it starts. At its start it looks for each of its modules in every library there, and
 * at every module of those: without the plugins that nobody enabled that takes half of the time, and half of the processor's.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Where Debian puts its folder. */
const LIB = '/usr/lib/rabbitmq/lib';
/** What a server starts by itself, and what reads its configuration. */
const SERVER = ['rabbit', 'rabbitmq_prelaunch', 'cuttlefish'];

/** Libraries by what they are called without their version. */
const librariesIn = (folder: string): Map<string, string> => {
  const named = readdirSync(folder).flatMap((name) => {
    const [, library] = /^(\w+)-[\d.]+$/.exec(name) ?? [];
    return library ? [[library, name] as const] : [];
  });
  return new Map(named);
};

/** What an application says that it needs, by its `.app` (https://www.erlang.org/doc/apps/kernel/app.html). */
const neededBy = (app: string): string[] =>
  [...app.matchAll(/\{\s*(?:included_)?applications\s*,\s*\[([^\]]*)\]/g)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.trim().replaceAll("'", '')),
  );

/**
 * Makes such an installation in a folder and gives the path of its server.
 *
 * @param folder of the broker
 * @param plugins that are enabled, or have a word in its configuration
 * @param root what its programs see as `/`
 */
export const leanServer = (folder: string, plugins: readonly string[], root = '/'): string => {
  const name = readdirSync(join(root, LIB)).find((each) => each.startsWith('rabbitmq_server-'))!;
  const [here, there] = [join(root, LIB, name), join(LIB, name)];
  const libraries = librariesIn(join(here, 'plugins'));
  const wanted = new Set<string>();
  const want = (library: string): void => {
    const of = libraries.get(library);
    if (!of || wanted.has(library)) return;
    wanted.add(library);
    for (const each of neededBy(readFileSync(join(here, 'plugins', of, 'ebin', `${library}.app`), 'utf8'))) want(each);
  };
  for (const each of [...SERVER, ...plugins]) want(each);

  const home = join(folder, 'server');
  mkdirSync(join(home, 'plugins'), { recursive: true });
  // its scripts look for the rest beside themselves
  cpSync(join(here, 'sbin'), join(home, 'sbin'), { recursive: true });
  symlinkSync(join(there, 'escript'), join(home, 'escript'));
  for (const each of wanted) {
    const library = libraries.get(each)!;
    symlinkSync(join(there, 'plugins', library), join(home, 'plugins', library));
  }
  return join(home, 'sbin', 'rabbitmq-server');
};
