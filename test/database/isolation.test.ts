import { beforeAll, describe, expect, test } from 'vitest';
import { refusal, saveDraft } from '../support/ask.ts';
import { testDatabase } from '../support/database.ts';
import {
  makeMember,
  makeMembership,
  makeOrganization,
  makeUser,
  putRecords,
  syncRows,
} from '../support/make.ts';

const db = await testDatabase();

/** Tables that all users may read, with the reason. */
const everybodys: Record<string, string> = {
  'app_public.pfa_fields': 'what a record is made of: no data of anybody',
};

/** Tables that only administrators may read, because their rows belong to no organization. */
const administrators = [
  'app_public.ai_providers',
  'app_public.organization_proposals',
  'app_public.pems_settings',
];

// Every table and view that the visitor may select from, read from the catalogue, so that new ones are tested as well.
const { rows: readable } = await db.owner.query<{ name: string }>(`
  select n.nspname || '.' || c.relname as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('app_public', 'app_core', 'app_private') and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and (has_table_privilege('vanguard_visitor', c.oid, 'select') or has_any_column_privilege('vanguard_visitor', c.oid, 'select'))
  order by 1`);

const ours = await makeOrganization(db, 'OURS');
const theirs = await makeOrganization(db, 'THEIRS');
const insider = await makeMember(db, ours, 'owner');
const outsider = await makeMember(db, theirs, 'owner');
const memberOfNothing = await makeUser(db);
const lookOnly = await makeUser(db, 'viewer');
await makeMembership(db, ours, lookOnly, 'owner');
const administrator = await makeUser(db, 'admin');

beforeAll(async () => {
  await putRecords(db, ours, [{ pfaId: 'a', source: 'Rental' }, { pfaId: 'b' }]);
  await syncRows(db, ours, [
    { pfaId: 'a', data: { source: 'Purchase' } },
    { pfaId: 'b', data: {}, problems: [{ key: 'monthlyRate', value: 'much', message: 'is not a number' }] },
  ]);
  await db.asUser(insider, (client) => saveDraft(client, ours, 'a', { category: 'Drafted' }), {
    commit: true,
  });
  await db.owner.query(
    `insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, state, commit_sequence, committed_at)
    values ($1, $2, 'b', '{"category": "Pending"}', '{"category": null}', 'committed', 1, now())`,
    [ours.id, insider],
  );
  await db.owner.query("select app_private.rewrite_overlay($1, '{a,b}')", [ours.id]);
  await db.owner.query(
    `insert into app_public.api_configurations (id, organization_id, name, usage) values ('ours', $1, 'Ours', 'PEMS_PFA_READ')`,
    [ours.id],
  );
  await db.owner.query(
    `insert into app_public.pems_settings (api_configuration_id, tenant) values ('ours', 'T')`,
  );
  await db.owner.query(
    `insert into app_public.ai_providers (id, type, name) values ('gemini', 'gemini', 'Gemini')`,
  );
  await db.owner.query(
    `insert into app_public.organization_ai_configs (organization_id, primary_provider_id) values ($1, 'gemini')`,
    [ours.id],
  );
  await db.owner.query(
    `insert into app_public.data_source_mappings (id, entity_type, organization_id, api_configuration_id) values ('ours', 'pfa', $1, 'ours')`,
    [ours.id],
  );
  await db.owner.query(
    `insert into app_public.field_configurations (id, organization_id, name) values ('ours', $1, 'Ours')`,
    [ours.id],
  );
  await db.owner.query(
    `insert into app_public.pfa_field_mappings (organization_id, key, grid_aliases) values ($1, 'model', '{model}')`,
    [ours.id],
  );
  await db.owner.query(
    `insert into app_public.pfa_removal_candidate (organization_id, pfa_id, missed_by_run)
    select organization_id, 'b', max(id) from app_public.pfa_sync_log where organization_id = $1 group by organization_id`,
    [ours.id],
  );
  await db.owner.query(
    'insert into app_core.pfa_event_forgotten (organization_id, revision, xid) values ($1, 1, pg_current_xact_id())',
    [ours.id],
  );
  await db.owner.query(
    `select app_private.note_exchange($1, 'b', 1, 1, '{"action": "read", "request": "{}", "milliseconds": 1}')`,
    [ours.id],
  );
  await db.owner.query(
    `with c as (
      insert into app_public.pfa_drift_check (organization_id, sample, requested_by, state, started_at, finished_at)
      values ($1, 10, $2, 'succeeded', now(), now()) returning organization_id, id)
    insert into app_public.pfa_drift_difference (organization_id, check_id, number, kind, pfa_id, key, pems_value)
    select organization_id, id, 1, 'differs', 'a', 'model', '"M"' from c`,
    [ours.id, insider],
  );
  await db.owner.query(
    `insert into app_public.pfa_takeover (organization_id, user_id, is_discarded, record_count, record_ids)
    values ($1, $2, true, 1, '{a}')`,
    [ours.id, insider],
  );
  await db.owner.query(
    `insert into app_public.reference_entries (organization_id, list, code) values ($1, 'category', 'CRANES')`,
    [ours.id],
  );
  await db.owner.query(
    `insert into app_public.reference_runs (organization_id, list, trigger) values ($1, 'category', 'command')`,
    [ours.id],
  );
  await db.owner.query("insert into app_public.organization_proposals (code, name) values ('NEW', 'New')");
  await db.worker.query('select app_private.refresh_summaries()');
});

async function rowsOf(table: string, settings: number | 'nobody'): Promise<string[]> {
  const ask = { text: `select to_jsonb(t)::text from ${table} t`, rowMode: 'array' as const };
  const { rows } =
    settings === 'nobody'
      ? await db.asVisitor({}, (client) => client.query<[string]>(ask))
      : await db.asUser(settings, (client) => client.query<[string]>(ask));
  return rows.map(([row]) => row).sort();
}

/** Rows that belong to no organization or user, which all users may see. */
const isShared = (row: string) =>
  (JSON.parse(row) as { organization_id?: number | null }).organization_id === null;

test('there are rows to isolate', () => {
  expect(readable.length).toBeGreaterThanOrEqual(15);
  for (const name of [...Object.keys(everybodys), ...administrators])
    expect(readable).toContainEqual({ name });
});

describe.each(readable.filter(({ name }) => !(name in everybodys)))('$name', ({ name }) => {
  const isAdministrators = administrators.includes(name);

  test('an insider sees rows, an outsider none of them', async () => {
    const seen = (await rowsOf(name, isAdministrators ? administrator : insider)).filter(
      (row) => !isShared(row),
    );
    expect(seen).not.toEqual([]);
    const seenOutside = await rowsOf(name, outsider);
    expect(seenOutside.filter((row) => seen.includes(row))).toEqual([]);
    expect(
      seenOutside.filter((row) => (JSON.parse(row) as Record<string, unknown>).organization_id === ours.id),
    ).toEqual([]);
  });

  test('an owner of an organization does not see rows for administrators', async () => {
    if (isAdministrators) expect(await rowsOf(name, insider)).toEqual([]);
  });

  test('a user without memberships and an anonymous client see only themselves', async () => {
    for (const reader of [memberOfNothing, 'nobody'] as const) {
      const seen = (await rowsOf(name, reader)).filter((row) => !isShared(row));
      expect(
        seen.filter((row) => !(name === 'app_public.users' && row.includes(`"id": ${reader},`))),
      ).toEqual([]);
    }
  });

  test('no user writes it directly, not even an administrator', async () => {
    for (const user of [lookOnly, administrator]) {
      await db.asUser(user, async (client) => {
        // Insufficient privilege, or a view that is not updatable.
        const { code } = await refusal(client, () => client.query(`delete from ${name}`));
        expect(['42501', '55000']).toContain(code);
      });
    }
  });
});

test('a disabled user is refused', async () => {
  await db.owner.query('update app_public.users set is_active = false where id = $1', [lookOnly]);
  await expect(db.asUser(lookOnly, () => Promise.resolve())).rejects.toThrow('switched off');
});

test('a removed member sees nothing of the organization from the next request on', async () => {
  const leaver = await makeMember(db, ours);
  expect(await rowsOf('app_public.pfa_record', leaver)).not.toEqual([]);
  await db.owner.query('delete from app_public.user_organizations where user_id = $1', [leaver]);
  expect(await rowsOf('app_public.pfa_record', leaver)).toEqual([]);
});

test('the authenticator itself reads nothing', async () => {
  await expect(db.authenticator.query('select from app_public.organizations')).rejects.toMatchObject({
    code: '42501',
  });
});
