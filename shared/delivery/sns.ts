/** Publishing through Amazon SNS, for text messages and push. Region, credentials and endpoint as the SDK finds them. */
import type { PublishCommandInput } from '@aws-sdk/client-sns';
import { AppError } from '../kit/errors.ts';
import { isOfSender, senderFailure, sendFailure, within } from './sending.ts';

/** Milliseconds for one publish: a function's batch has 30 seconds. */
const SEND_MS = 10_000;

/** What SNS says of a message or recipient that it takes at no time, unless its words are about the sender. */
const PERMANENT = new Set([
  'UserErrorException',
  'InvalidParameterException',
  'InvalidParameterValueException',
  'ParameterValueInvalidException',
  'ValidationException',
]);
/** What it says of an account, its rights or a sender. Everything else passes. */
const OF_SENDER = new Set([
  'AuthorizationErrorException',
  'AccessDeniedException',
  'AccessDenied',
  'InvalidClientTokenId',
  'InvalidSecurityException',
  'OptInRequired',
  'PlatformApplicationDisabledException',
  'SignatureDoesNotMatch',
  'VerificationException',
]);
/** What it says of a number whose owner answered STOP, whether by its own name or in words. */
const OPTED_OUT = /\bopted[ _-]?out\b/i;
/** What it says of a device that is not there any more. */
const GONE = new Set(['EndpointDisabledException', 'NotFoundException']);

/** What became of a message that SNS did not take; `target` is the device that it was for. */
const toFailure = (cause: unknown, target: string | undefined): AppError => {
  const { name, message } = cause as Error;
  if (target && GONE.has(name)) return new AppError('not_found', { detail: 'The device is gone', cause });
  if (name === 'OptedOutException' || OPTED_OUT.test(message)) return sendFailure(true, cause);
  // a sandbox, a spent budget and a sender id come under several names, also those of a bad parameter
  if (OF_SENDER.has(name) || isOfSender(cause)) return senderFailure(cause);
  return sendFailure(PERMANENT.has(name), cause);
};

export type Publish = (input: PublishCommandInput) => Promise<string | undefined>;

/**
 * Opens SNS; the SDK is loaded with the first message. Nothing is repeated here: the queue brings a message again.
 *
 * `Publish` gives SNS's id of the message. It throws AppError `unavailable`, `invalid_request`, or `not_found` for a
 * device that is gone.
 */
export const openSns = ({
  region,
  timeout_ms = SEND_MS,
}: {
  region?: string;
  timeout_ms?: number;
} = {}): {
  publish: Publish;
  close: () => Promise<void>;
} => {
  const load = async () => {
    const sdk = await import('@aws-sdk/client-sns');
    const client = new sdk.SNSClient({
      ...(region && { region }),
      maxAttempts: 1,
      requestHandler: {
        connectionTimeout: Math.min(timeout_ms, 3_000),
        requestTimeout: timeout_ms,
        throwOnRequestTimeout: true,
      },
    });
    return { sdk, client };
  };
  let loaded: ReturnType<typeof load> | undefined;
  const publish: Publish = async (input) => {
    loaded ??= load();
    const { sdk, client } = await loaded;
    const command = new sdk.PublishCommand(input);
    const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal });
    const { MessageId } = await within(send, timeout_ms).catch((cause: unknown) => {
      throw toFailure(cause, input.TargetArn);
    });
    return MessageId;
  };
  return { publish, close: async () => void (await loaded)?.client.destroy() };
};
