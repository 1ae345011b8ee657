/** What an operator can do with EventBridge and the SQS queues behind it. */
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { Ids } from '../../ports/clock.ts';
import type { BusOperations, LetterBox } from '../operate.ts';
import { eventBridgeBus } from './bus.ts';
import { compareAws, mendRules } from './compare.ts';
import { type AwsLayout, explainAws } from './layout.ts';
import { sqsLetters } from './letters.ts';
import type { AwsClients } from './own-queue.ts';
import { openSqs } from './sqs.ts';
import { tail } from './tail.ts';

/**
 * Opens it. Region, credentials and endpoints come from the SDK's default chain.
 *
 * @param layout queues and rules of the deployment, asked for by what needs them
 * @param others the store's dead letters: what the relay refused
 * @param hidden_s seconds that a killed walk keeps letters from others; 60 when left out
 */
export const operateEventBridge = async (
  name: string,
  layout: () => AwsLayout,
  { ids }: { ids: Ids },
  { others = [], hidden_s }: { others?: readonly LetterBox[]; hidden_s?: number } = {},
): Promise<BusOperations> => {
  const clients: AwsClients = {
    events: new EventBridgeClient({ maxAttempts: 3, requestHandler: { connectionTimeout: 1_000 } }),
    sqs: await openSqs(),
  };
  const bus = eventBridgeBus({ name });
  return {
    name: 'EventBridge',
    publish: async (row) => (await bus.publish([row]))[0]!,
    tail: (binding, show, signal, ready) => tail(clients, ids, name, binding, show, signal, ready),
    get letters() {
      return [...layout().queues.map((queue) => sqsLetters(clients.sqs, queue, { hidden_s })), ...others];
    },
    compare: async () => ({ differences: await compareAws(clients, layout()) }),
    // queues and rules belong to the stack: what is missing comes with `npm run deploy`
    apply: ({ prune = false }) => mendRules(clients, layout(), prune),
    explain: explainAws,
    close: async () => {
      await bus.close();
      clients.events.destroy();
      clients.sqs.destroy();
    },
  };
};
