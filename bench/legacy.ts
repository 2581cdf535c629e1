import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { bootstrapDatabase, withClient } from '../src/database/bootstrap.ts';
import { applyCurrent, migrate } from '../src/database/migrate.ts';
import { urlTo } from '../src/database/roles.ts';
import { createVault, newEncryptionKey } from '../src/encryption.ts';
import { exportLegacy } from '../src/legacy/export.ts';
import { importLegacy } from '../src/legacy/import.ts';
import { fillLegacyDatabase, fillRecords, makeLegacyDatabase } from '../test/legacy/legacy-database.ts';
import { judged, summarize, timed } from './measure.ts';
import type { Measurement } from './measurements.ts';

/** A separate database, because a legacy import requires an empty one. */
const database = 'vanguard_bench_moving_in';

/** Columns of the prototype's table in PostgreSQL types, and the SQLite expressions for their text. */
const columns: readonly (readonly [name: string, type: string])[] = [
  ...['id', 'pfaId', 'organizationId', 'areaSilo', 'category', 'class', 'source', 'dor'].map(
    (name) => [name, 'text'] as const,
  ),
  ...['monthlyRate', 'purchasePrice'].map((name) => [name, 'double precision'] as const),
  ...['manufacturer', 'model', 'contract', 'equipment', 'lastModifiedBy'].map(
    (name) => [name, 'text'] as const,
  ),
  ...['originalStart', 'originalEnd', 'forecastStart', 'forecastEnd', 'actualStart', 'actualEnd'].map(
    (name) => [name, 'timestamptz'] as const,
  ),
  ...['lastModified', 'createdAt', 'updatedAt'].map((name) => [name, 'timestamptz'] as const),
  ...['isActualized', 'isDiscontinued', 'isFundsTransferable'].map((name) => [name, 'boolean'] as const),
];

const mirrorColumns = 'organization_id, pfa_id, data, version, version_by, observed_at';

/**
 * Times the import of a large export, from the first statement to the commit. The first comparison is COPY of the same rows
 * into a plain table with the prototype's columns and keys. The second is COPY of the imported rows into the mirror
 * itself, including generated columns and lists.
 */
export const movingIn: Measurement = async function* ({ scale, superuserUrl, urls, say }) {
  const records = scale.large;
  const folder = await mkdtemp(join(tmpdir(), 'vanguard-bench-legacy-'));
  const root = urlTo(superuserUrl, 'postgres');
  const drop = `drop database if exists ${database} with (force)`;
  try {
    say(`  making a legacy database of ${records} records, and its export ...`);
    const legacy = makeLegacyDatabase(join(folder, 'dev.db'));
    fillLegacyDatabase(legacy);
    fillRecords(legacy, 'org-holng', records);
    const texts = legacy.database
      .prepare(
        `select ${columns
          .map(([name, type]) =>
            type === 'timestamptz'
              ? `coalesce(strftime('%Y-%m-%d %H:%M:%fZ', "${name}" / 1000.0, 'unixepoch'), '\\N')`
              : `coalesce("${name}", '\\N')`,
          )
          .join(' || char(9) || ')} || char(10) as line from pfa_records order by "organizationId", "pfaId"`,
      )
      .all() as { line: string }[];
    legacy.database.close();
    const chunks: Buffer[] = [];
    for (let i = 0; i < texts.length; i += 500)
      chunks.push(
        Buffer.from(
          texts
            .slice(i, i + 500)
            .map(({ line }) => line)
            .join(''),
        ),
      );
    await exportLegacy(join(folder, 'dev.db'), join(folder, 'export'));

    await withClient(root, async (client) => {
      await client.query(drop);
      await client.query(`create database ${database} owner vanguard_owner`);
    });
    await bootstrapDatabase(superuserUrl, database);
    const owner = urlTo(urls.owner, database);
    await migrate(owner);
    await applyCurrent(owner);
    const times = { copy: [] as number[], mirror: [] as number[], import: [] as number[] };
    for (let round = 0; round < Math.ceil(3 * scale.repeat); round++) {
      await withClient(owner, async (client) => {
        await client.query(`drop table if exists app_private.bench_copy;
          create table app_private.bench_copy (${columns.map(([name, type]) => `"${name}" ${type}`).join(', ')},
            primary key (id), unique ("organizationId", "pfaId"))`);
        times.copy.push(
          await timed(() =>
            pipeline(Readable.from(chunks), client.query(copyFrom('copy app_private.bench_copy from stdin'))),
          ),
        );
        await client.query('drop table app_private.bench_copy');
        await client.query(
          'truncate app_public.organizations, app_public.users, app_public.ai_providers, app_private.legacy_import cascade',
        );
      });
      await withClient(owner, async (client) => {
        times.import.push(
          await timed(async () => {
            const { imported } = await importLegacy(client, join(folder, 'export'), {
              vault: createVault(newEncryptionKey('bench')),
            });
            if (!imported) throw new Error('Nothing was imported.');
          }),
        );
      });
      // Only superusers may COPY from a table with row level security.
      await withClient(urlTo(superuserUrl, database), async (client) => {
        const mirrored: Buffer[] = [];
        for await (const chunk of client.query(
          copyTo(`copy (select ${mirrorColumns} from app_core.pfa_mirror) to stdout`),
        ) as AsyncIterable<Buffer>)
          mirrored.push(chunk);
        await client.query('truncate app_core.pfa_mirror cascade');
        times.mirror.push(
          await timed(() =>
            pipeline(
              Readable.from(mirrored),
              client.query(copyFrom(`copy app_core.pfa_mirror (${mirrorColumns}) from stdin`)),
            ),
          ),
        );
      });
    }
    const ours = summarize(times.import);
    const speed = `${Math.round(records / (ours.median / 1000)).toLocaleString('en')} rows/s`;
    yield judged(
      `import of ${records} legacy records, against COPY into a plain table`,
      ours,
      summarize(times.copy),
      { rateAtLeast: 0.25 },
      speed,
    );
    yield judged(
      `import of ${records} legacy records, against COPY into the mirror`,
      ours,
      summarize(times.mirror),
      { rateAtLeast: 0.25 },
      speed,
    );
  } finally {
    await withClient(root, (client) => client.query(drop));
    await rm(folder, { recursive: true, force: true });
  }
};
