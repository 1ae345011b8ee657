/** How long after its commit an event is handled, on the embedded bus over a SQLite file that waits for the disk. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHistogram } from 'node:perf_hooks';
import * as z from 'zod';
import { operation } from '../../../shared/kit/operation.ts';
import { service } from '../../../shared/kit/service.ts';
import { envelopeOf } from '../../../shared/messaging/envelope.ts';
import { note, noted, openRig, probeCollections } from '../../messaging/rig.ts';
import { serve } from '../processes.ts';

const committed = new Map<string, number>();
const latencies = createHistogram();
let heard: (() => void) | undefined;
const onNoted = operation({
  name: 'probe.on-noted',
  summary: 'Takes the time',
  subscription: { queue: 'probe-service.events', bindings: ['probe.events.*'], types: [noted.type] },
  access: 'service',
  input: envelopeOf(noted),
  output: z.object({}),
  run: async (_, { data }) => {
    const at = committed.get(data.text);
    // it may be handled before its commit has come back to who asked for it
    latencies.record(Math.max(1, Math.round((performance.now() - (at ?? performance.now())) * 1_000)));
    committed.delete(data.text);
    heard?.();
    return {};
  },
});

serve(async ({ events }: { events: number }) => {
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-bench-'));
  try {
    const platform = [service('probe', [note, onNoted])];
    const rig = await openRig({ platform, collections: probeCollections, file: join(folder, 'events.db') });
    rig.worker();
    for (let n = 0; n < events; n += 1) {
      const handled = new Promise<void>((resolve) => {
        heard = resolve;
      });
      const text = `text ${n}`;
      // from before the commit: what a user waits for is both
      committed.set(text, performance.now());
      await rig.run(note, { id: `note-${n}`, text });
      await handled;
    }
    await rig.close();
    return { p50: latencies.percentile(50) / 1_000, p99: latencies.percentile(99) / 1_000 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
