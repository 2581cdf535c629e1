import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import { beforeEach, expect, test } from 'vitest';
import { createRecordMapper, type GridRow } from '../../src/pems/index.ts';
import { copyIntoStaging, stagingRows } from '../../worker/staging.ts';
import { testDatabase } from '../support/database.ts';

// Values of PEMS, through the binary format of COPY and back.

const db = await testDatabase();
beforeEach(async () => void (await db.owner.query('truncate app_private.pfa_staging')));

const aliases = ['id', 'org', 'model', 'rate', 'changed'];
const mapper = createRecordMapper({
  fields: [
    { key: 'model', kind: 'text' },
    { key: 'rate', kind: 'money' },
  ],
  mappings: [
    { key: 'pfaId', gridAliases: ['id'] },
    { key: 'organization', gridAliases: ['org'] },
    { key: 'model', gridAliases: ['model'] },
    { key: 'rate', gridAliases: ['rate'] },
    { key: 'version', gridAliases: ['changed'] },
  ],
  dateOrder: 'MDY',
});

interface Staged {
  pfa_id: string | null;
  organization_code: string | null;
  data: Record<string, unknown>;
  text: string;
  version: string | null;
  problems: { key: string; value: string }[] | null;
  row_content: Record<string, string> | null;
  unknown: string[] | null;
}

async function stage(...rows: GridRow[]): Promise<{ taken: number; staged: Staged[]; chunks: number }> {
  const page = {
    aliases,
    rows,
    more: false,
    requestedAt: '1790000000000001',
    receivedAt: '1790000000000002',
  };
  const chunks = [...stagingRows(page, mapper, { organization: 'RIO', organizationId: 1, runId: '7' })];
  const client = await db.owner.connect();
  try {
    const copy = client.query(copyFrom(copyIntoStaging));
    await pipeline(Readable.from(chunks), copy);
    const { rows: staged } = await client.query<Staged>(
      `select pfa_id, organization_code, data, data::text as text, version::text as version, problems, row_content, unknown
      from app_private.pfa_staging order by ctid`,
    );
    return { taken: copy.rowCount, staged, chunks: chunks.length };
  } finally {
    client.release();
  }
}

test('a page without rows is a COPY without rows', async () => {
  expect(await stage()).toEqual({ taken: 0, staged: [], chunks: 1 });
});

test('times keep their microseconds, before and after 2000', async () => {
  const { staged } = await stage(
    ['A', 'RIO', '', '', '2026-04-02 14:30'],
    ['B', 'RIO', '', '', '1987-01-31 23:59'],
    ['C', 'RIO', '', '', ''],
  );
  expect(staged.map(({ version }) => version)).toEqual(['2026-04-02 14:30:00', '1987-01-31 23:59:00', null]);
  const { rows } = await db.owner.query(
    `select distinct extract(epoch from requested_at)::text as requested_at, extract(epoch from received_at)::text as received_at
    from app_private.pfa_staging`,
  );
  expect(rows).toEqual([{ requested_at: '1790000000.000001', received_at: '1790000000.000002' }]);
});

test('text of any length and script arrives unchanged, over any number of chunks', async () => {
  const texts = [
    'x'.repeat(3_000_000),
    '\u{1F3D7}'.repeat(500_000),
    'tab\tquote"back\\slash\nline\r',
    '\u2028\uFFFF',
  ];
  const { staged, chunks } = await stage(...texts.map((text, n) => [`A${n}`, 'RIO', text, '', '']));
  expect(staged.map(({ data }) => data.model === texts.shift())).toEqual([true, true, true, true]);
  expect(chunks).toBeGreaterThan(1);
});

test('numbers keep all their digits', async () => {
  const { staged } = await stage(
    ['A', 'RIO', '', '999999999999999.9999999999', ''],
    ['B', 'RIO', '', '-0.0000000001', ''],
  );
  expect(staged.map(({ text }) => text)).toEqual([
    '{"rate": 999999999999999.9999999999}',
    '{"rate": -0.0000000001}',
  ]);
});

test('a value that PostgreSQL cannot store becomes a problem that it can, and the row is skipped if it is the id', async () => {
  const { staged } = await stage(
    ['A', 'RIO', 'nul\0', '', ''],
    ['B', 'RIO', 'half \uD83C', '', ''],
    ['C', 'RIO', '', '1'.repeat(400), ''],
    ['bad\0id', 'RIO', '', '', ''],
  );
  expect(staged.map(({ problems }) => problems?.map(({ key, value }) => [key, value]))).toEqual([
    [['model', 'nul\uFFFD']],
    [['model', 'half \uFFFD']],
    [['rate', '1'.repeat(400)]],
    [['pfaId', 'bad\uFFFDid']],
  ]);
  expect(staged.map(({ data }) => data)).toEqual([{}, {}, {}, {}]);
  expect(staged.map(({ row_content }) => row_content?.id)).toEqual([
    undefined,
    undefined,
    undefined,
    'bad\uFFFDid',
  ]);
  expect(staged.map(({ unknown }) => unknown)).toEqual([['model'], ['model'], ['rate'], null]);
  expect(staged.at(-1)?.pfa_id).toBeNull();
});

test('rows of organizations with the same prefix are skipped, others are not', async () => {
  const { taken, staged } = await stage(
    ['A', 'RIO2', '', '', ''],
    ['B', 'HOLNG', '', '', ''],
    ['C', 'RIO', '', '', ''],
  );
  expect(taken).toBe(2);
  expect(staged.map(({ organization_code }) => organization_code)).toEqual(['HOLNG', 'RIO']);
});
