/** Processor time, which tells what work costs also where others work on the same cores. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Program } from './processes.ts';

/** Clock ticks a second in /proc; the same on every Linux. */
const TICKS = 100;

/** Seconds of processor time that a process has had, all its threads together; undefined where that can't be read. */
const processorSeconds = (pid: number): number | undefined => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return undefined;
  }
};

/** Milliseconds of processor time that a process has had, all threads that live together; to the nanosecond, on Linux only. */
export const processorMs = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`)
    .map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]))
    .reduce((sum, ns) => sum + ns / 1e6, 0);

/**
 * What a saturated server on one core does in a second of that core.
 *
 * Counted by the processor time it had, because a core is never a server's alone on a machine that does other things
 * too; on an idle machine this is what it does in a second.
 *
 * @param work puts the load on and resolves to the answers a second
 */
export const perCoreSecond = async (
  { child }: Program,
  seconds: number,
  work: () => Promise<number>,
): Promise<number> => {
  const before = processorSeconds(child.pid!);
  const rate = await work();
  const after = processorSeconds(child.pid!);
  return before === undefined || after === undefined ? rate : (rate * seconds) / (after - before);
};
