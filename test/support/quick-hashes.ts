/**
 * Before each test file: hashes of 64 KiB instead of 19 MiB, because a run makes tens of thousands of them. What one costs is
 * promised by files that run alone, without this (`test/projects.ts`). Processes that tests start, and what was packaged, hash
 * as they do in production.
 */
import { loadedWith } from './loaded-with.ts';

loadedWith('shared/passwords/parameters.ts', (text) => text.replace('memory: 19_456,', 'memory: 64,'));
