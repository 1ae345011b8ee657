import { vi } from 'vitest';
import { runMatrix } from './matrix.ts';

vi.mock('../../shared/passwords/parameters.ts', async (original) =>
  (await import('./quick-hashes.ts')).quick(original),
);

runMatrix('SQLite', async () => ({ STORE_URL: 'sqlite:' }), 'every door');
