/** A process for crash.test.ts: notes texts and works on their events until it is killed. Says each text once it is committed. */
import { writeSync } from 'node:fs';
import { note, openRig, probeCollections, probePlatform, TestClock } from './rig.ts';

const [file, life] = process.argv.slice(2) as [string, string];
const clock = new TestClock();
clock.now = () => Date.now();
const { run, worker } = await openRig({ platform: probePlatform(), collections: probeCollections, file, clock });
worker();
for (let at = 0; ; at++) {
  const text = `${life}-${String(at).padStart(6, '0')}`;
  await run(note, { id: text, text, user_id: 'a' });
  writeSync(1, `${text}\n`);
  await new Promise(setImmediate);
}
