/**
 * Plugin of serverless.yml for `serverless deploy`: what has to be known before anything is made or changed. Packaging asks
 * for nothing.
 */
interface Serverless {
  processedInput: { commands: readonly string[] };
  service: { custom: { environment: { MAIL_FROM: string; SIGNING_KEY_ARNS: unknown } } };
  classes: { Error: new (message: string, code: string) => Error };
}

/** A name that nobody can have (RFC 6762, RFC 6761): mails from there are refused, or answered nowhere. */
const NOBODYS = /@[^>]*\.(local|localhost|invalid|test|example)>?\s*$/i;

/** Why a deployment would send no mails, in one line; undefined when it would. */
export const mailFault = (from: string): string | undefined =>
  NOBODYS.test(from) || !from.includes('@')
    ? "MAIL_FROM is not set: give the address that mails come from, of a domain that SES has verified, e.g. MAIL_FROM='Example <no-reply@example.org>' npm run deploy"
    : undefined;

const KEY_ARNS = /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+(,arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+)*$/;

/** Why functions could not sign, in one line; undefined when they could. Without a setting it is the stack's own key. */
export const keysFault = (arns: unknown): string | undefined =>
  typeof arns === 'string' && !KEY_ARNS.test(arns)
    ? 'PERFECT21_SIGNING_KEYS is no list of keys: give ARNs of KMS keys with commas between, the signing one first'
    : undefined;

export default class DeployPlugin {
  readonly hooks: Record<string, () => void>;

  constructor({ processedInput: { commands }, service, classes }: Serverless) {
    const deploys = commands[0] === 'deploy' && commands[1] !== 'list';
    const check = (): void => {
      const { MAIL_FROM, SIGNING_KEY_ARNS } = service.custom.environment;
      const keys = keysFault(SIGNING_KEY_ARNS);
      if (keys) throw new classes.Error(keys, 'SIGNING_KEYS');
      const fault = deploys && mailFault(MAIL_FROM);
      if (fault) throw new classes.Error(fault, 'MAIL_FROM_MISSING');
    };
    this.hooks = { initialize: check };
  }
}
