import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import graphileMigrate from 'graphile-migrate';
import pg from 'pg';
import { expect, test } from 'vitest';
import { projectFolder } from '../../src/configuration.ts';
import { bootstrap } from '../../src/database/bootstrap.ts';
import { migrate, migrateQueue } from '../../src/database/migrate.ts';
import { testSecret } from '../support/clusters.ts';
import { testDatabase } from '../support/database.ts';

// Databases with data of an earlier version.

const db = await testDatabase();

test('an upgrade computes the cost of existing plans, and reads choices in any spelling', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vanguard-earlier-'));
  const earlier = await bootstrap(db.superuserUrl, `${db.name}_earlier`, testSecret);
  const client = new pg.Client({ connectionString: earlier.owner });
  try {
    await mkdir(join(folder, 'committed'));
    const files = (await readdir(join(projectFolder, 'migrations/committed'))).sort();
    for (const file of files.slice(
      0,
      files.findIndex((name) => name.startsWith('000012-')),
    ))
      await symlink(join(projectFolder, 'migrations/committed', file), join(folder, 'committed', file));
    await migrateQueue(earlier.owner);
    await graphileMigrate.migrate({
      connectionString: earlier.owner,
      migrationsFolder: folder,
      logger: new graphileMigrate.Logger(() => () => undefined),
    });
    await client.connect();
    await client.query(
      `with organization as (insert into app_public.organizations (code, name) values ('A', 'A') returning id),
      author as (insert into app_public.users (username, role) values ('ann', 'user') returning id)
      insert into app_core.pfa_mirror (organization_id, pfa_id, data, observed_at)
      select o.id, r.data->>'pfaId', r.data, now() from organization o, author, jsonb_array_elements($1) r (data)`,
      [
        JSON.stringify(
          [{ originalMonthlyRate: 1522 }, {}].map((plan, i) => ({
            ...{ pfaId: `r${i}`, source: 'Rental', monthlyRate: 3044, ...plan },
            ...{ originalStart: '2026-01-01', originalEnd: '2026-01-11' },
          })),
        ),
      ],
    );
    // In a tenant's spelling, which had no cost; a user has a draft on it.
    await client.query(
      `insert into app_core.pfa_mirror (organization_id, pfa_id, data, observed_at)
      select id, 'spelled', '{"pfaId": "spelled", "source": " RENTAL", "dor": "Beo", "monthlyRate": 3044, "model": "BEO",
        "originalStart": "2026-01-01", "originalEnd": "2026-01-11"}', now() from app_public.organizations`,
    );
    await client.query(
      `insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, state)
      select o.id, u.id, 'spelled', '{"source": "Purchase"}', '{"source": " RENTAL"}', 'draft'
      from app_public.organizations o cross join app_public.users u`,
    );
    await client.query(`select app_private.rewrite_overlay(id, '{spelled}') from app_public.organizations`);
    await client.query(
      `insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, state)
      select m.organization_id, u.id, m.pfa_id, '{"monthlyRate": 6088}', '{"monthlyRate": 3044}', 'draft'
      from app_core.pfa_mirror m cross join app_public.users u where m.pfa_id <> 'spelled'`,
    );
    await client.query(`select app_private.rewrite_overlay(id, '{r0,r1}') from app_public.organizations`);

    await migrate(earlier.owner);

    const { rows } = await client.query(
      `select m.pfa_id, m.plan_cost_cents::integer as mirror, o.mirror_plan_cost_cents::integer as below,
        o.plan_cost_cents::integer as drafted, o.plan_is_rental
      from app_core.pfa_mirror m join app_core.pfa_overlay o using (organization_id, pfa_id)
      where m.pfa_id <> 'spelled' order by 1`,
    );
    expect(rows).toEqual([
      { pfa_id: 'r0', mirror: 50_000, below: 50_000, drafted: 50_000, plan_is_rental: true },
      { pfa_id: 'r1', mirror: 100_000, below: 100_000, drafted: 200_000, plan_is_rental: true },
    ]);
    const { rows: spelled } = await client.query(
      `select m.data->>'source' as source, m.data->>'dor' as dor, m.data->>'model' as model,
        m.plan_cost_cents::integer as cost, d.base, o.data->>'source' as drafted, o.data->>'dor' as seen
      from app_core.pfa_mirror m
      join app_core.pfa_modification d using (organization_id, pfa_id)
      join app_core.pfa_overlay o using (organization_id, pfa_id) where m.pfa_id = 'spelled'`,
    );
    expect(spelled).toEqual([
      {
        ...{ source: 'Rental', dor: 'BEO', model: 'BEO', cost: 100_000, base: { source: 'Rental' } },
        ...{ drafted: 'Purchase', seen: 'BEO' },
      },
    ]);
    // The summary is new as well, and includes values in another spelling.
    const { rows: sums } = await client.query(
      "select plan_cost_cents::integer as plan from app_private.pfa_kpi_summary where source = 'Rental'",
    );
    expect(sums).toEqual([{ plan: 150_000 }]);
    const { rows: jobs } = await client.query(
      "select from graphile_worker.jobs where task_identifier = 'summaries__refresh'",
    );
    expect(jobs).toHaveLength(1);
  } finally {
    await client.end();
    await rm(folder, { recursive: true });
  }
});
