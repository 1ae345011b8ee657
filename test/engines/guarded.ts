/** A program that ends with the process that started it, however that ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Runs a program and waits for it. When nobody holds its standard input any more, it ends the program, and removes the
 * folder ($0) if one is named: no orphan after a killed test run.
 */
const GUARD = `exec 3<&0; "$@" </dev/null & pid=$!; echo $pid
(cat <&3 >/dev/null; touch "$0.ended"; kill -KILL $pid) & guard=$!
wait $pid 2>/dev/null; kill $guard 2>/dev/null; [ -e "$0.ended" ] && rm -rf "$0" "$0.ended"; exit 0`;

/** Starts a program in a folder, which goes away with us if we are killed. */
export const guarded = async (folder: string, env: NodeJS.ProcessEnv, command: string[]) => {
  const child: ChildProcess = spawn('/bin/sh', ['-c', GUARD, folder, ...command], {
    env,
    cwd: folder,
    stdio: ['pipe', 'pipe', 'ignore'],
    // Ctrl-C of a terminal is for who started it, who ends it in turn
    detached: true,
  });
  const [line] = await once(child.stdout!, 'data');
  child.stdout!.resume();
  child.unref();
  (child.stdin as any).unref();
  (child.stdout as any).unref();
  const pid = Number(String(line).split('\n', 1)[0]);
  return {
    alive: () => child.exitCode === null,
    end: async (signal: NodeJS.Signals) => {
      if (child.exitCode !== null) return;
      child.ref();
      const gone = once(child, 'exit');
      process.kill(pid, signal);
      await gone;
    },
    /** For signals that end nothing. */
    signal: (signal: NodeJS.Signals) => {
      if (child.exitCode === null) process.kill(pid, signal);
    },
    letGo: () => child.stdin?.destroy(),
  };
};
