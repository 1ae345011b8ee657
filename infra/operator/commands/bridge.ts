/** `bridge reconcile`. */
import { linesOf, reconcile } from '../../../shared/messaging/bridge/reconcile.ts';
import { type Command, durationOf } from '../command.ts';
import { plain } from '../output.ts';

const DAY_MS = 86_400_000;

const reconciling: Command = {
  name: 'bridge reconcile',
  summary: 'Says which events only one side of the bridge between RabbitMQ and EventBridge has seen.',
  details: ['Exit code 1 when events are missing.'],
  options: {
    since: { type: 'string', value: '<time>', help: 'how far back: 90m, 24h, 7d; 24h when left out' },
  },
  run: async ({ store, light, out }, values) => {
    const now = (await light()).clock.now();
    const from = now - (durationOf(values, 'since') ?? DAY_MS);
    const found = await reconcile(await store(), { from, to: now + 1, now });
    const { missing, ...rest } = found;
    if (out.json) for (const each of [...missing, { ...rest, missing: missing.length }]) out.row(each, '');
    else for (const line of linesOf(found)) out.row({}, plain(line));
    return missing.length > 0 ? 1 : 0;
  },
};

export const bridgeCommands: readonly Command[] = [reconciling];
