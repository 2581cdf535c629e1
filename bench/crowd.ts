/**
 * Simulates users of one organization, in a separate process so that handling their responses does not slow the
 * measured user: `node bench/crowd.ts '{"url", "code", "query", "categories", "pagers": [token, ...], "readers":
 * [token, ...]}'`. Pagers read a page a second; readers read the whole organization again and again. It runs until the
 * process that started it ends or disconnects.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { httpClient } from './http.ts';

const { url, code, query, categories, pagers, readers } = JSON.parse(process.argv[2]!) as Record<
  'url' | 'code' | 'query',
  string
> &
  Record<'categories' | 'pagers' | 'readers', string[]>;

let n = 0;
const page = async (token: string) => {
  const client = httpClient(url, token);
  for (;;) {
    await client.graphql(query, { code, category: categories[n++ % categories.length] });
    await sleep(1000);
  }
};
const whole = async (token: string) => {
  const client = httpClient(url, token);
  for (;;) {
    const { status } = await client.send('GET', `/api/pfa/${code}`);
    if (status !== 200) throw new Error(`HTTP ${status}`);
  }
};
process.on('disconnect', () => process.exit());
process.on('SIGTERM', () => process.exit());
process.send!({ type: 'ready' });
await Promise.all([...pagers.map(page), ...readers.map(whole)]);
