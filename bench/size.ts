import { withClient } from '../src/database/bootstrap.ts';
import { digits } from './measure.ts';
import type { Measurement } from './measurements.ts';

interface Part {
  name: string;
  bytes: string;
}

const atMost = 2.6;

/**
 * Measures the disk space of a record with everything that belongs to it: tables, indexes, materialized views, user
 * changes and history. It is compared with the record as JSON text. Measured after a vacuum without rebuilding indexes,
 * so normal growth is included.
 */
export const size: Measurement = async function* ({ owner, superuserUrl, say }) {
  await withClient(superuserUrl, (client) => client.query('vacuum (analyze) app_core.pfa_mirror'));
  const one = async (text: string): Promise<number> => {
    const { rows } = await owner.query<{ value: string }>(`select (${text}) as value`);
    return Number(rows[0]!.value);
  };
  const parts = async (text: string): Promise<Part[]> => (await owner.query<Part>(text)).rows;

  const count = await one('select count(*) from app_core.pfa_mirror');
  const raw = await one('select sum(octet_length(data::text)) from app_core.pfa_mirror');
  // PostgreSQL writes a space after each comma and colon; the worker does not.
  const blanks = await one(
    'select sum(2 * (select count(*) from jsonb_object_keys(m.data)) - 1) from app_core.pfa_mirror m',
  );
  const relations = await parts(
    `select c.relname as name, pg_total_relation_size(c.oid) as bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname like 'app\\_%' and c.relkind in ('r', 'm') order by 2 desc`,
  );
  const indexes = await parts(
    `select c.relname as name, pg_relation_size(c.oid) as bytes
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = 'app_core.pfa_mirror'::regclass order by 2 desc`,
  );
  const { rows: attributes } = await owner.query<{ name: string; generated: string }>(
    `select attname as name, attgenerated as generated from pg_attribute
    where attrelid = 'app_core.pfa_mirror'::regclass and attnum > 0 and not attisdropped order by attnum`,
  );
  const columns = await owner.query<Record<string, string>>(
    `select ${attributes.map(({ name }) => `sum(pg_column_size(${name})) as ${name}`).join(', ')} from app_core.pfa_mirror`,
  );
  const heap = await one(`select pg_relation_size('app_core.pfa_mirror')`);

  const total = relations.reduce((sum, { bytes }) => sum + Number(bytes), 0);
  const each = (bytes: number | string) => digits(Number(bytes) / count);
  const list = (of: Part[]) => of.map(({ name, bytes }) => `${name} ${each(bytes)}`).join(', ');
  say(`  bytes a record: JSON text ${each(raw)} (${each(raw - blanks)} without blanks), all ${each(total)}`);
  say(`  relations with their indexes: ${list(relations.filter(({ bytes }) => Number(bytes) > count / 10))}`);
  say(`  the mirror's rows ${each(heap)}; its indexes: ${list(indexes)}`);
  for (const [what, generated] of [
    ['columns', ''],
    ['generated columns', 's'],
  ] as const) {
    const of = attributes.filter((attribute) => attribute.generated === generated);
    say(`  its ${what}: ${list(of.map(({ name }) => ({ name, bytes: columns.rows[0]![name] ?? '0' })))}`);
  }
  yield {
    ...{ name: 'size, everything included', median_ms: null, p95_ms: null, ratio: total / raw },
    ...{ goal: `<= ${atMost} x the JSON text`, held: total / raw <= atMost },
    note: `${each(total)} bytes a record, JSON text ${each(raw)}; rows ${each(heap)}, indexes ${each(indexes.reduce((sum, { bytes }) => sum + Number(bytes), 0))}`,
  };
};
