/** `bridge reconcile`. */
import { COMPARABLE_MS } from '../../../functions/bridge/records.ts';
import { COMPARED, linesOf, reconcile } from '../../../shared/messaging/bridge/reconcile.ts';
import { type Command, durationOf } from '../command.ts';
import { plain } from '../output.ts';
import { UsageError } from '../refusal.ts';

const DAY_MS = 86_400_000;
const MOST = `${COMPARABLE_MS / DAY_MS}d`;

const reconciling: Command = {
  name: 'bridge reconcile',
  summary: 'Says which events only one side of the bridge between RabbitMQ and EventBridge has seen.',
  details: [
    'It compares what the bridge took and noted. What never came to it is in no note: what a queue dropped is in the dead',
    'letters ("dlq list" on each side), and "topology diff" finds a binding or rule that is missing or disabled.',
    'Exit code 1 when events are missing.',
  ],
  options: {
    since: { type: 'string', value: '<time>', help: `how far back: 90m, 24h, ${MOST} at most; 24h when left out` },
  },
  run: async ({ store, light, out }, values) => {
    const now = (await light()).clock.now();
    const since = durationOf(values, 'since') ?? DAY_MS;
    if (since > COMPARABLE_MS)
      throw new UsageError(`--since is ${MOST} at most: notes of events are not kept for longer`);
    const from = now - since;
    const found = await reconcile(await store(), { from, to: now + 1, now });
    const { missing, ...rest } = found;
    const told = { ...rest, missing: missing.length, compared: COMPARED };
    if (out.json) for (const each of [...missing, told]) out.row(each, '');
    else for (const line of linesOf(found)) out.row({}, plain(line));
    return missing.length > 0 ? 1 : 0;
  },
};

export const bridgeCommands: readonly Command[] = [reconciling];
