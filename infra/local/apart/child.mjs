/** Runs a program of this project until who started it is gone: `child.mjs <path>`, with standard input held open by them. */
import { pathToFileURL } from 'node:url';

const [path] = process.argv.splice(2, 1);
process.argv[1] = path;
process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM')).resume();
process.stdin.unref();
await import(pathToFileURL(path).href);
