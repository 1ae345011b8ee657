/** The development mailbox, in a configuration. */
import type { DeliveryConfig } from './delivery.ts';
import type { Environment } from './environment.ts';

/** The configuration with its mailbox where it was opened: port 0 asks for any that is free. */
export const withMailbox = <C extends DeliveryConfig & { env: Environment }>(
  config: C,
  at: { httpPort: number; smtpPort: number },
): C => {
  const url = `http://127.0.0.1:${at.httpPort}`;
  const there = <P extends { transport: string }>(providers: readonly P[]): P[] =>
    providers.map((each) => (each.transport === 'mailbox' ? { ...each, url } : each));
  const { env, mail, sms, push } = config;
  const providers = [{ transport: 'smtp', url: `smtp://127.0.0.1:${at.smtpPort}` }] as const;
  return {
    ...config,
    mail: env.MAIL_URL ? mail : { ...mail, providers },
    sms: { ...sms, providers: there(sms.providers) },
    push: { ...push, providers: there(push.providers) },
  };
};
