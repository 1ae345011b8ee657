/** What of a deployment an operator has to know: its queues, and the rules that bring events to them. */

export interface AwsQueue {
  /** As the code calls it: `notification-service.user_events`. */
  name: string;
  /** Its name in SQS, and that of its dead letters. */
  sqs: string;
  /** The twin that takes its urgent events, if it has one; the dead letters of both are in one place. */
  urgent?: string;
  dead: string;
  /** True for a queue that a deployment may do without, with its rules and dead letters: the bridge's. */
  optional?: true;
}

export interface AwsRule {
  /** The name in SQS of the queue that it brings events to. */
  to: string;
  pattern: object;
}

export interface AwsLayout {
  bus: string;
  queues: readonly AwsQueue[];
  rules: readonly AwsRule[];
}

/** JSON with sorted names, so that two that mean the same are the same. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, each) =>
    each && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)))
      : each,
  );

/** True for what SQS says of a queue that is not there. */
export const isNoQueue = (cause: unknown): boolean => /DoesNotExist|NonExistent/.test((cause as Error).name);

/** The last part of an ARN of a queue. */
export const nameOfArn = (arn: string | undefined): string => arn?.split(':').at(-1) ?? '';

/** What an error of AWS means, in one line. */
export const explainAws = (cause: unknown): string => {
  const { name, message } = cause instanceof Error ? cause : { name: '', message: String(cause) };
  const { code } = cause as NodeJS.ErrnoException;
  if (/AccessDenied|NotAuthorized|403/.test(name)) return `AWS refused a right: ${message}`;
  if (/CredentialsProvider|UnrecognizedClient|ExpiredToken|InvalidClientToken|Signature/.test(name))
    return `AWS refused the login: ${message}`;
  if (/QueueDoesNotExist|NonExistentQueue|ResourceNotFound/.test(name)) return `AWS has no such thing: ${message}`;
  return `AWS is away: ${message || code || name}`;
};
