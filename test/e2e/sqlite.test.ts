import { runMatrix } from './matrix.ts';

runMatrix('SQLite', async () => ({ STORE_URL: 'sqlite:' }), 'every door');
