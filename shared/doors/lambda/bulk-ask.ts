/** The door of rows that go through an object: who asks gets addresses. */
import type { Operation } from '../../kit/operation.ts';
import { type Bulk, openBulk } from './bulk-job.ts';
import { asking } from './bulk-question.ts';
import type { Choose } from './container.ts';
import { lambda } from './lambda.ts';

/**
 * The handler of the function that is asked in place of an operation that streams.
 *
 * @example export const handler = await opened(lambdaAsk(exportUsers, () => [systemClock, randomIds, …]));
 */
export const lambdaAsk = (op: Operation<any, any>, choose: Choose) => {
  let bulk: Bulk | undefined;
  return lambda(
    asking(op, () => {
      bulk ??= openBulk(process.env);
      return bulk;
    }),
    choose,
  );
};
