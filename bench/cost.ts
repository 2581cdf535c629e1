/** The most expensive request of each published field that the cost limit accepts, and its use of the database. */
import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';
import { postgraphile } from 'postgraphile';
import { graphqlPreset } from '../src/graphql/preset.ts';
import { named, users } from './data.ts';
import { dearest, mostAccepted, requestFor } from './dearest.ts';
import { httpClient, signIn } from './http.ts';
import type { Measurement } from './measurements.ts';
import type { World } from './world.ts';

const mostCpu = 1000;
/** Linux counts CPU time in hundredths of a second. */
const tick = 10;

/** Fields of /proc/PID/stat after the program's name: the parent process and the CPU time. */
async function statOf(pid: string): Promise<{ parent: string; cpu: number } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields && { parent: fields[1]!, cpu: (Number(fields[11]) + Number(fields[12])) * tick };
}

/**
 * Returns a function that reads the CPU time of all database processes, in milliseconds; undefined if they run on
 * another machine.
 */
async function watchCpu({ owner, urls }: World): Promise<(() => Promise<number>) | undefined> {
  const { rows } = await owner.query<{ pid: string }>('select pg_backend_pid() as pid');
  const isHere = ['localhost', '127.0.0.1'].includes(new URL(urls.owner).hostname);
  const postmaster = isHere ? (await statOf(rows[0]!.pid))?.parent : undefined;
  if (postmaster === undefined) return undefined;
  return async () => {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const stats = await Promise.all(pids.map(statOf));
    return stats.reduce((sum, stat) => sum + (stat?.parent === postmaster ? stat.cpu : 0), 0);
  };
}

export const cost: Measurement = async function* (world) {
  const pool = new pg.Pool({ connectionString: world.urls.authenticator, max: 1 });
  const api = postgraphile(graphqlPreset({ pool, introspection: false }));
  const schema = await api.getSchema();
  const server = await world.startServer();
  const client = httpClient(server.url, (await signIn(world, server.url, [users.many])).get(users.many));
  const cpu = await watchCpu(world);
  try {
    for (const type of ['Organization', 'Query'] as const) {
      for (const [name, fields] of Object.entries(dearest[type])) {
        let worst = { ms: 0, cpu: 0, times: 0, text: '' };
        for (const field of fields) {
          const times = mostAccepted(schema, type, field);
          const { query, variables } = requestFor(type, field, times, named.many);
          const before = await cpu?.();
          const began = performance.now();
          const { text } = await client.send('POST', '/graphql', { query, variables });
          const ms = performance.now() - began;
          if (text.startsWith('{"errors"')) throw new Error(`${name} was refused: ${text.slice(0, 300)}`);
          const spent = cpu ? (await cpu()) - before! : ms;
          if (spent >= worst.cpu) worst = { ms, cpu: spent, times, text: field.text(0) };
        }
        yield {
          name: `dearest ${type}.${name}`,
          median_ms: worst.ms,
          p95_ms: worst.cpu,
          ratio: null,
          goal: `CPU <= ${mostCpu} ms`,
          held: worst.cpu <= mostCpu,
          note: `CPU of the database ${worst.cpu} ms (p95 column); ${worst.times} x ${worst.text.slice(0, 90)}`,
        };
      }
    }
  } finally {
    client.close();
    await server.stop();
    await api.release();
    await pool.end();
  }
};
