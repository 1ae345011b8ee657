/** What leaves for people (mail, text messages, push) as spans: which way it went and how long it took, never to whom. */
import type { PortName } from '../ports/index.ts';
import type { Trace } from '../ports/tracer.ts';
import { inSpan } from './span.ts';

/** The ports that send, and by which word of the contract their channel goes. */
const CHANNELS = { mailer: 'email', sms: 'sms', push: 'push' } as const satisfies Partial<Record<PortName, string>>;

interface Sends {
  send(...sent: unknown[]): Promise<unknown>;
}

/** Whether any of these ports sends. */
export const sending = (ports: object): boolean => Object.keys(CHANNELS).some((name) => name in ports);

/** The ports of one call, with those that send put behind spans below `trace`. */
export const withSpans = (ports: object, trace: Trace): object => {
  const given = ports as Record<string, Sends>;
  const those = Object.entries(CHANNELS).filter(([name]) => given[name] !== undefined);
  const wrapped = those.map(([name, channel]): [string, Sends] => {
    const port = given[name]!;
    const attributes = () => ({ 'perfect21.channel': channel });
    const send = (...sent: unknown[]) =>
      inSpan(trace, `send ${channel}`, 'client', attributes, () => port.send(...sent));
    return [name, { send }];
  });
  return { ...ports, ...Object.fromEntries(wrapped) };
};
