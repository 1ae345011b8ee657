/** What this machine cannot do is neither passed nor failed: the run tells it (`test/run.ts`). */
import type { RunnerTask } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** Why, in one line. */
    not_tested?: string;
  }
}

/** @example if (fault) return notHere(task, fault); */
export const notHere = ({ meta }: Pick<RunnerTask, 'meta'>, why: string): void => {
  meta.not_tested = why;
};
