/**
 * Plugin of serverless.yml for `serverless deploy`: what has to be known before anything is made or changed. Packaging asks
 * for nothing.
 */
interface Serverless {
  processedInput: { commands: readonly string[] };
  service: { custom: { environment: { MAIL_FROM: string; SIGNING_KEY_ARNS: unknown; VAULT_KEY_ARNS?: unknown } } };
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

/** Why functions could not use keys that a setting names, in one line; undefined when they could, or none are named. */
const arnsFault = (arns: unknown, setting: string, first: string): string | undefined =>
  typeof arns === 'string' && !KEY_ARNS.test(arns)
    ? `${setting} is no list of keys: give ARNs of KMS keys with commas between, the ${first} one first`
    : undefined;

/** Why functions could not sign. Without a setting it is the stack's own key. */
export const keysFault = (arns: unknown): string | undefined => arnsFault(arns, 'PERFECT21_SIGNING_KEYS', 'signing');
/** Why they could not seal seeds. Without a setting keys of the secret do. */
export const vaultFault = (arns: unknown): string | undefined => arnsFault(arns, 'PERFECT21_VAULT_KEYS', 'newest');

/** Why a name of one's own would lead nowhere, in one line; undefined where it is well, or none is given. */
export const domainFault = ({
  PERFECT21_DOMAIN: domain,
  PERFECT21_CERTIFICATE_ARN: certificate,
  PERFECT21_PUBLIC_URL: publicUrl,
}: NodeJS.ProcessEnv): string | undefined => {
  if (!domain) return undefined;
  if (!certificate)
    return 'PERFECT21_DOMAIN needs its certificate: set PERFECT21_CERTIFICATE_ARN, of ACM in the same region';
  return publicUrl
    ? undefined
    : `PERFECT21_PUBLIC_URL is not set: the API's own address is closed beside PERFECT21_DOMAIN, so say https://${domain}`;
};

export default class DeployPlugin {
  readonly hooks: Record<string, () => void>;

  constructor({ processedInput: { commands }, service, classes }: Serverless) {
    const deploys = commands[0] === 'deploy' && commands[1] !== 'list';
    const check = (): void => {
      const { MAIL_FROM, SIGNING_KEY_ARNS, VAULT_KEY_ARNS } = service.custom.environment;
      const keys = keysFault(SIGNING_KEY_ARNS) ?? vaultFault(VAULT_KEY_ARNS);
      if (keys) throw new classes.Error(keys, 'KEYS');
      const fault = deploys && mailFault(MAIL_FROM);
      if (fault) throw new classes.Error(fault, 'MAIL_FROM_MISSING');
      const lost = deploys && domainFault(process.env);
      if (lost) throw new classes.Error(lost, 'DOMAIN');
    };
    this.hooks = { initialize: check };
  }
}
