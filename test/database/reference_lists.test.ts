import { beforeEach, describe, expect, test } from 'vitest';
import {
  applyBulk,
  bulkPreview,
  commitDrafts,
  refusal,
  resolveProblems,
  saveDraft,
  saveDrafts,
  seenDrafts,
  seenRecord,
} from '../support/ask.ts';
import { testDatabase } from '../support/database.ts';
import {
  beginList,
  makeConnection,
  mergeList,
  readList,
  setCheck,
  stageList,
  type ReferenceRun,
} from '../support/lists.ts';
import {
  makeMember,
  makeOrganization,
  makeUser,
  one,
  putRecords,
  type Json,
  type Organization,
} from '../support/make.ts';

const db = await testDatabase();
await makeConnection(db);

let org: Organization;
beforeEach(async () => {
  await db.owner.query('update app_public.organizations set is_active = false'); // the other tests'
  org = await makeOrganization(db);
});

const coded = (...codes: string[]) => codes.map((code) => ({ code }));
const many = (count: number) => Array.from({ length: count }, (_, i) => ({ code: `A-${i + 1}` }));

async function entries(list = 'category', of = org) {
  const { rows } = await db.owner.query<{ code: string; description: string; missed_reads: number }>(
    `select code, parent, description, category, is_out_of_service, missed_reads from app_public.reference_entries
    where organization_id = $1 and list = $2 order by code, parent`,
    [of.id, list],
  );
  return rows;
}
const codesOf = async (list = 'category') => (await entries(list)).map(({ code }) => code).join();

describe('a complete read', () => {
  test('adds entries, changes those that differ, and writes no others', async () => {
    const rows: Record<string, Json>[] = [
      { code: ' CRANES\u00a0', description: 'Cranes', outOfService: '-' },
      { code: 'PUMPS', description: 'Pumps', outOfService: '+' },
    ];
    expect(await readList(db, org, 'category', rows)).toMatchObject({ rows_read: 2, rows_inserted: 2 });
    expect(await entries()).toEqual([
      expect.objectContaining({ code: 'CRANES', description: 'Cranes', is_out_of_service: false }),
      expect.objectContaining({ code: 'PUMPS', is_out_of_service: true }),
    ]);
    expect(await readList(db, org, 'category', rows)).toMatchObject({ rows_inserted: 0, rows_updated: 0 });
    rows[1]!.outOfService = '-';
    expect(await readList(db, org, 'category', rows)).toMatchObject({ rows_inserted: 0, rows_updated: 1 });
  });

  test('keeps values of an entry that PEMS no longer returns', async () => {
    await readList(db, org, 'category', [{ code: 'CRANES', description: 'Cranes' }]);
    await readList(db, org, 'category', coded('CRANES'));
    expect(await entries()).toMatchObject([{ description: 'Cranes' }]);
  });

  test('removes an entry only when a second read in a row misses it', async () => {
    await readList(db, org, 'category', coded('A', 'B', 'C'));
    expect(await readList(db, org, 'category', coded('A', 'C'))).toMatchObject({
      rows_missing: 1,
      rows_removed: 0,
    });
    expect(await codesOf()).toBe('A,B,C');
    // Seen again: the count restarts.
    await readList(db, org, 'category', coded('A', 'B'));
    expect(await readList(db, org, 'category', coded('A', 'C'))).toMatchObject({
      rows_missing: 1,
      rows_removed: 0,
    });
    expect(await readList(db, org, 'category', coded('A', 'C'))).toMatchObject({
      rows_missing: 0,
      rows_removed: 1,
    });
    expect(await codesOf()).toBe('A,C');
  });

  test('touches no other list and no other organization', async () => {
    const other = await makeOrganization(db);
    await readList(db, other, 'category', coded('A'));
    await readList(db, org, 'manufacturer', coded('A'));
    for (let i = 0; i < 2; i++) await readList(db, org, 'category', coded('B'));
    expect(await entries('category', other)).toHaveLength(1);
    expect(await codesOf('manufacturer')).toBe('A');
  });

  test('that would remove too many entries withholds the removals until an admin accepts them', async () => {
    const [admin, member] = [await makeMember(db, org, 'admin'), await makeMember(db, org)];
    await readList(db, org, 'equipment', many(60));
    await readList(db, org, 'equipment', many(40));
    const withheld = await readList(db, org, 'equipment', many(40));
    expect(withheld).toMatchObject({ state: 'succeeded', rows_removed: 0, rows_withheld: 20 });
    expect(withheld.notice).toMatch(/no longer lists 20 of 60 entries of the list equipment/);
    expect(await entries('equipment')).toHaveLength(60);

    const accept = (user: number, list = 'equipment') =>
      db.asUser(
        user,
        async (client) => {
          const { rows } = await client.query<ReferenceRun>(
            'select a.* from app_public.accept_list_removals($1, $2) a',
            [org.id, list],
          );
          return one(rows);
        },
        { commit: true },
      );
    await expect(accept(member)).rejects.toMatchObject({ code: 'VG403' });
    await expect(accept(admin, 'class')).rejects.toMatchObject({ code: 'VG404' });
    expect(await accept(admin)).toMatchObject({ rows_removed: 20, notice: null });
    expect(await entries('equipment')).toHaveLength(40);
    expect(await accept(admin)).toMatchObject({ rows_removed: 20 }); // once is enough
  });

  test('that is empty removes nothing of ten entries', async () => {
    await readList(db, org, 'category', many(10));
    await readList(db, org, 'category', []);
    expect(await readList(db, org, 'category', [])).toMatchObject({ rows_withheld: 10, rows_removed: 0 });
  });

  test('refuses unusable rows, whose entries do not count as missing', async () => {
    await readList(db, org, 'class', [{ code: 'B', category: 'X' }, ...many(20)]);
    const rows: Record<string, Json>[] = [
      ...many(20),
      { code: 'B', category: 'X', description: 'one' },
      { code: 'B', category: 'X', description: 'another' },
      { code: 'B', category: 'Y' },
      { code: '' },
      { code: 'c'.repeat(201) },
      { code: 'a\u0007b' },
      { code: 'A-1' },
    ];
    const run = await readList(db, org, 'class', rows);
    expect(run).toMatchObject({ rows_read: 27, rows_inserted: 1, rows_rejected: 5, rows_missing: 0 });
    expect(run.rejects.map(({ position, reason }) => [position, reason])).toEqual([
      [21, 'duplicate'],
      [22, 'duplicate'],
      [24, 'missing-code'],
      [25, 'too-long'],
      [26, 'control-characters'],
    ]);
    expect(await entries('class')).toHaveLength(22);
  });

  test('refuses equipment of another organization without revealing it', async () => {
    const run = await readList(db, org, 'equipment', [
      { code: 'MINE', organization: org.code },
      { code: 'ALL', organization: '*' },
      { code: 'THEIRS', organization: 'ELSEWHERE' },
    ]);
    expect(run.rejects).toEqual([expect.objectContaining({ code: null, reason: 'other-organization' })]);
    expect(await codesOf('equipment')).toBe('ALL,MINE');
  });

  test('with too many refused rows changes nothing', async () => {
    await readList(db, org, 'category', coded('OLD'));
    const run = await readList(db, org, 'category', [
      ...many(60),
      ...Array.from({ length: 20 }, () => ({ description: 'x' })),
    ]);
    expect(run).toMatchObject({ state: 'failed', error_code: 'LIST_ROWS_REFUSED', rows_rejected: 20 });
    expect(await entries()).toMatchObject([{ code: 'OLD', missed_reads: 0 }]);
  });

  test('that was replaced or has failed merges nothing', async () => {
    await readList(db, org, 'category', coded('A'));
    const lost = await beginList(db, org, 'category');
    const next = await beginList(db, org, 'category');
    expect(await stageList(db, org, lost, coded('X'))).toBe(false);
    await expect(mergeList(db, org, lost)).rejects.toMatchObject({ code: 'VG409' });
    await db.worker.query("select app_private.fail_reference_run($1, $2, 'PEMS_TIMEOUT', 'm', null)", [
      org.id,
      next,
    ]);
    await expect(mergeList(db, org, next)).rejects.toMatchObject({ code: 'VG409' });
    expect(await entries()).toMatchObject([{ code: 'A', missed_reads: 0 }]);
    const { rows } = await db.owner.query('select from app_private.reference_staging');
    expect(rows).toEqual([]);
  });
});

describe('reads are queued', () => {
  const queue = async (trigger = 'command', of = org) =>
    (
      await db.owner.query<{ id: string; list: string; trigger: string }>(
        'select id, list, trigger from app_private.queue_reference_runs($1, $2, null)',
        [of.id, trigger],
      )
    ).rows;
  const begin = async (of = org) =>
    (
      await db.worker.query<{ id: string; list: string; path: string }>(
        'select id, list, path from app_private.begin_reference_run($1)',
        [of.id],
      )
    ).rows[0];
  const dispatch = async () =>
    one((await db.worker.query<{ n: number }>('select app_private.dispatch_due_reference_reads() as n')).rows)
      .n;
  const pass = (time: string) =>
    db.owner.query(
      `update app_public.reference_runs set requested_at = requested_at - $1::interval,
        started_at = started_at - $1::interval, finished_at = finished_at - $1::interval`,
      [time],
    );
  const readAll = async (ends: 'well' | 'badly' = 'well') => {
    for (let run = await begin(); run; run = await begin())
      if (ends === 'well') await mergeList(db, org, run.id);
      else
        await db.worker.query("select app_private.fail_reference_run($1, $2, 'PEMS_TIMEOUT', 'm', null)", [
          org.id,
          run.id,
        ]);
  };

  test('one list at a time, and a second request joins the first', async () => {
    const first = await queue('schedule');
    expect(first.map(({ list }) => list)).toEqual([
      'category',
      'class',
      'manufacturer',
      'model',
      'equipment',
      'organization',
    ]);
    expect(await queue()).toEqual(first.map((run) => ({ ...run, trigger: 'command' })));
    expect(await begin()).toMatchObject({ list: 'category', path: 'categories' });
    const jobs = await db.owner.query(
      `select from graphile_worker.jobs where task_identifier = 'pfa__read_lists' and key = 'lists:' || $1`,
      [org.id],
    );
    expect(jobs.rows).toHaveLength(1);
  });

  test('a read of lists comes after syncs and write-back', async () => {
    const { rows } = await db.owner.query<{ priority: number }>(
      `select priority from graphile_worker.jobs where task_identifier = 'pfa__read_lists'`,
    );
    expect(rows.length).toBeGreaterThan(0);
    // graphile-worker takes smaller numbers first; syncs and pushes have 0.
    expect(rows.every(({ priority }) => priority > 0)).toBe(true);
  });

  test('a list whose worker died is read again once', async () => {
    await queue();
    const first = await begin();
    const lists = [];
    for (let run = await begin(); run; run = await begin()) lists.push(run.list);
    // Each call finds the previous run unfinished, and queues it once more, behind the others.
    expect(lists.filter((list) => list === first!.list)).toEqual([first!.list]);
    expect(lists.filter((list) => list === 'class')).toHaveLength(2);
    const { rows } = await db.owner.query(
      `select from app_public.reference_runs where organization_id = $1 and error_code = 'WORKER_LOST'`,
      [org.id],
    );
    expect(rows).toHaveLength(12);
  });

  test('by schedule after the first sync, then daily, and an hour after a failure', async () => {
    await db.owner.query(`delete from app_public.reference_runs where list = 'organization'`);
    expect(await dispatch()).toBe(0);
    await putRecords(db, org, [{ pfaId: 'a' }]);
    expect(await dispatch()).toBe(6);
    expect(await dispatch()).toBe(0); // queued already
    await readAll();
    await pass('23 hours');
    expect(await dispatch()).toBe(0);
    await pass('61 minutes');
    expect(await dispatch()).toBe(6);
    await readAll('badly');
    await pass('59 minutes');
    expect(await dispatch()).toBe(0);
    await pass('2 minutes');
    // The organizations were requested a moment ago, over the same connection.
    expect(await dispatch()).toBe(5);
    await readAll();
    await pass('2 days');
    await db.owner.query(
      'insert into app_private.pfa_sync_schedule (organization_id, paused_at) values ($1, now())',
      [org.id],
    );
    expect(await dispatch()).toBe(0);
    await queue();
    await pass('61 seconds');
    expect(await dispatch()).toBe(6); // a request whose job was lost, paused or not
  });

  test("lists of the connection's settings, with their paths", async () => {
    await db.owner.query(
      `insert into app_private.reference_sources (api_configuration_id, list, path)
      values ('pems', 'model', null), ('pems', 'category', 'eq/categories')`,
    );
    try {
      expect((await queue()).map(({ list }) => list)).not.toContain('model');
      expect(await begin()).toMatchObject({ list: 'category', path: 'eq/categories' });
    } finally {
      await db.owner.query("delete from app_private.reference_sources where api_configuration_id = 'pems'");
    }
  });

  test('over the mapped connection, never over the simulator beside a real PEMS', async () => {
    const connection = async (entity: string) =>
      one(
        (
          await db.owner.query<{ id: string }>('select app_private.reference_connection($1, $2) as id', [
            org.id,
            entity,
          ])
        ).rows,
      ).id;
    await db.owner.query(
      `insert into app_public.api_configurations (id, name, usage, url, is_simulated)
        values ('assets', 'A', 'PEMS_ASSETS', 'http://assets', true);
      insert into app_public.pems_settings (api_configuration_id, tenant) values ('assets', 'T');
      insert into app_public.data_source_mappings (id, entity_type, api_configuration_id)
        values ('assets', 'asset_master', 'assets')`,
    );
    expect(await connection('asset_master')).toBe('pems');
    await db.owner.query("update app_public.api_configurations set is_simulated = false where id = 'assets'");
    expect(await connection('asset_master')).toBe('assets');
    expect(await connection('classifications')).toBe('pems');
    await db.owner.query("delete from app_public.api_configurations where id = 'assets'");
  });

  test('admins may request them', async () => {
    const [admin, member] = [await makeMember(db, org, 'admin'), await makeMember(db, org)];
    const request = (user: number) =>
      db.asUser(user, (client) => client.query('select list from app_public.request_lists($1)', [org.id]));
    await expect(request(member)).rejects.toMatchObject({ code: 'VG403' });
    expect((await request(admin)).rows).toHaveLength(6);
  });
});

describe('organizations of PEMS', () => {
  const proposals = async () => {
    const { rows } = await db.owner.query<{ code: string; name: string; state: string }>(
      'select code, name, state from app_public.organization_proposals order by code',
    );
    return rows;
  };
  const decide = (user: number, what: 'accept' | 'dismiss', code: string) =>
    db.asUser(user, (client) => client.query(`select app_public.${what}_organization($1)`, [code]), {
      commit: true,
    });
  beforeEach(() => db.owner.query('delete from app_public.organization_proposals'));

  test('are proposed, never added; a decision stays, and a second read that misses a proposal removes it', async () => {
    const rows: Record<string, Json>[] = [
      { code: org.code },
      { code: '*' },
      { code: 'NEW1', description: 'One' },
      { code: 'NEW2' },
      { code: 'GONE', outOfService: '+' },
    ];
    expect(await readList(db, org, 'organization', rows)).toMatchObject({ rows_inserted: 2 });
    expect(await proposals()).toEqual([
      { code: 'NEW1', name: 'One', state: 'pending' },
      { code: 'NEW2', name: 'NEW2', state: 'pending' },
    ]);
    const { rows: added } = await db.owner.query(
      "select from app_public.organizations where code like 'NEW_'",
    );
    expect(added).toEqual([]);
    const administrator = await makeUser(db, 'admin');
    await decide(administrator, 'dismiss', 'NEW2');
    await readList(db, org, 'organization', coded(org.code));
    expect(await proposals()).toHaveLength(2);
    await readList(db, org, 'organization', coded(org.code, 'NEW2'));
    expect(await proposals()).toEqual([{ code: 'NEW2', name: 'NEW2', state: 'dismissed' }]);
  });

  test('are accepted by administrators only, who add them', async () => {
    const owner = await makeMember(db, org, 'owner');
    const administrator = await makeUser(db, 'admin');
    await readList(db, org, 'organization', [
      { code: 'ACC1', description: 'Accepted' },
      { code: 'x'.repeat(51) },
    ]);
    await expect(decide(owner, 'accept', 'ACC1')).rejects.toMatchObject({ code: 'VG403' });
    const seen = (user: number) =>
      db.asUser(
        user,
        async (client) => (await client.query('select from app_public.organization_proposals')).rowCount,
      );
    expect([await seen(owner), await seen(administrator)]).toEqual([0, 1]);
    await decide(administrator, 'accept', 'ACC1');
    const { rows } = await db.owner.query(
      "select name, is_active from app_public.organizations where code = 'ACC1'",
    );
    expect(rows).toEqual([{ name: 'Accepted', is_active: true }]);
    await expect(decide(administrator, 'dismiss', 'ACC1')).rejects.toMatchObject({ code: 'VG409' });
    await expect(decide(administrator, 'accept', 'NONE')).rejects.toMatchObject({ code: 'VG404' });
    await db.owner.query(
      "insert into app_public.organization_proposals (code, name) values ($1, 'x'), (' bad', 'x')",
      [org.code],
    );
    await expect(decide(administrator, 'accept', org.code)).rejects.toMatchObject({ code: 'VG409' });
    await expect(decide(administrator, 'accept', ' bad')).rejects.toMatchObject({ code: 'VG422' });
  });
});

describe('suggestions', () => {
  const suggest = (user: number, list: string, search: string, more: Json = {}) =>
    db.asUser(user, async (client) => {
      const { category = '', manufacturer = '' } = more as Record<string, string>;
      const { rows } = await client.query<{ code: string }>(
        `select s.code from app_public.organizations o
        cross join lateral app_public.organizations_suggestions(o, $2, $3, $4, $5) s where o.id = $1`,
        [org.id, list, search, category, manufacturer],
      );
      return rows.map(({ code }) => code);
    });

  test('start with prefix matches, followed by entries that contain every word', async () => {
    const user = await makeMember(db, org, 'viewer');
    const rows: Record<string, Json>[] = [
      { code: 'EQ-2', description: 'Crawler 80T Liebherr' },
      { code: 'eq-10', description: 'Pump' },
      { code: 'CRANE_1', description: 'Mobile' },
      { code: 'CRANEX1', description: 'Mobile 100%' },
      { code: 'OLD', description: 'Crawler', outOfService: '+' },
    ];
    await readList(db, org, 'equipment', rows);
    expect(await suggest(user, 'equipment', '')).toEqual(['CRANE_1', 'CRANEX1', 'eq-10', 'EQ-2']);
    expect(await suggest(user, 'equipment', 'eq-')).toEqual(['eq-10', 'EQ-2']);
    expect(await suggest(user, 'equipment', 'cra')).toEqual(['CRANE_1', 'CRANEX1', 'EQ-2']);
    expect(await suggest(user, 'equipment', 'liebherr 80t')).toEqual(['EQ-2']);
    // Wildcards of LIKE are plain characters here.
    expect(await suggest(user, 'equipment', 'crane_')).toEqual(['CRANE_1']);
    expect(await suggest(user, 'equipment', '%')).toEqual(['CRANEX1']);
    expect(await suggest(user, 'equipment', 'nothing')).toEqual([]);
    await expect(suggest(user, 'contract', '')).rejects.toMatchObject({ code: 'VG400' });
    await expect(suggest(user, 'class', 'x'.repeat(201))).rejects.toMatchObject({ code: 'VG400' });
  });

  test('of classes belong to the category, unless it has none', async () => {
    const user = await makeMember(db, org);
    await readList(db, org, 'class', [
      { code: 'Crawler', category: 'CRANES' },
      { code: 'Any' },
      { code: 'Trash', category: 'PUMPS' },
    ]);
    expect(await suggest(user, 'class', '', { category: 'CRANES' })).toEqual(['Any', 'Crawler']);
    expect(await suggest(user, 'class', 'tra', { category: 'CRANES' })).toEqual([]);
    expect(await suggest(user, 'class', '', { category: 'UNKNOWN' })).toHaveLength(3);
    expect(await suggest(user, 'class', '', { manufacturer: 'CRANES' })).toHaveLength(3);
  });

  test('are at most fifty, and only for members', async () => {
    const user = await makeMember(db, org);
    await readList(db, org, 'equipment', many(70));
    expect(await suggest(user, 'equipment', 'a')).toHaveLength(50);
    const stranger = await makeMember(db, await makeOrganization(db));
    expect(await suggest(stranger, 'equipment', 'a')).toEqual([]);
    await db.asUser(stranger, async (client) => {
      expect((await client.query('select from app_public.reference_entries')).rowCount).toBe(0);
      expect((await client.query('select from app_public.reference_runs')).rowCount).toBe(0);
      const other =
        'jsonb_populate_record(null::app_public.organizations, jsonb_build_object($$id$$, $1::integer))';
      for (const call of [
        `organizations_suggestions(${other}, 'equipment')`,
        `organizations_reference_lists(${other})`,
        `organizations_unlisted_values(${other})`,
      ])
        expect(
          await refusal(client, () => client.query(`select app_public.${call}`, [org.id])),
          call,
        ).toMatchObject({
          code: 'VG404',
        });
    });
  });
});

describe('drafts', () => {
  const record = { category: 'CRANES', class: 'Old class', model: 'M', manufacturer: 'Liebherr' };
  async function project(mode: 'off' | 'warn' | 'refuse') {
    await setCheck(db, mode);
    const author = await makeMember(db, org);
    await putRecords(db, org, [
      { pfaId: 'a', ...record },
      { pfaId: 'b', ...record, category: 'PUMPS' },
    ]);
    await readList(db, org, 'category', coded('CRANES', 'PUMPS', 'CRANES - TOWER'));
    await readList(db, org, 'class', [
      { code: 'Crawler', category: 'CRANES' },
      { code: 'Mobile', category: 'CRANES' },
      { code: 'Trash', category: 'PUMPS' },
      { code: 'Retired', category: 'PUMPS', outOfService: '+' },
    ]);
    return author;
  }
  const unlisted = (user: number) =>
    db.asUser(user, async (client) => {
      const { rows } = await client.query<{
        record_id: string;
        key: string;
        problem: string;
        suggestions: string[];
      }>(
        `select u.* from app_public.organizations o cross join lateral app_public.organizations_unlisted_values(o) u
        where o.id = $1`,
        [org.id],
      );
      return rows;
    });
  const save = (user: number, changes: Json, pfaId = 'a') =>
    db.asUser(user, (client) => saveDraft(client, org, pfaId, changes), { commit: true });

  test('with unlisted values get a hint and can be submitted', async () => {
    const author = await project('warn');
    await save(author, { category: 'Crnaes', model: 'Anything', class: 'Old class' });
    expect(await unlisted(author)).toEqual([
      {
        record_id: 'a',
        key: 'category',
        value: 'Crnaes',
        problem: expect.stringMatching(
          /^is "Crnaes", which is not among the 3 that PEMS lists; near it (is|are) "CRANES"/,
        ) as string,
        suggestions: expect.arrayContaining(['CRANES']) as string[],
      },
    ]);
    expect(await unlisted(await makeMember(db, org))).toEqual([]);
    expect(await db.asUser(author, (client) => commitDrafts(client, org))).toMatchObject({
      record_count: 1,
      refused: [],
    });
    await setCheck(db, 'off');
    expect(await unlisted(author)).toEqual([]);
  });

  test('are refused with the value, the allowed values and similar ones, all or nothing', async () => {
    const author = await project('refuse');
    await db.asUser(author, async (client) => {
      const revision = async (id: string) => (await seenRecord(client, org, id)).revision;
      const items: { record_id: string; changes: Json; revision: string }[] = [
        { record_id: 'a', changes: { class: 'Crwaler', model: 'Anything' }, revision: await revision('a') },
        { record_id: 'b', changes: { class: 'Trash' }, revision: await revision('b') },
      ];
      const refused = await refusal(client, () => saveDrafts(client, org, items));
      expect(refused).toMatchObject({
        code: 'VG422',
        message:
          'class of record a is "Crwaler", which is not among the 2 that PEMS lists for "CRANES"; near it is "Crawler".',
      });
      expect(refused.details).toEqual([
        expect.objectContaining({ recordId: 'a', key: 'class', value: 'Crwaler', suggestions: ['Crawler'] }),
      ]);
      expect(await seenDrafts(client, org)).toEqual([]);
      const unfit: Json[] = [
        { class: 'Trash' },
        { category: 'cranes' },
        { category: 'PUMPS', class: 'Retired' },
      ];
      for (const changes of unfit)
        expect((await refusal(client, () => saveDraft(client, org, 'a', changes))).code).toBe('VG422');
      // Another category has other classes; empty and unchanged values are no new values.
      const fit: Json[] = [{ category: 'PUMPS', class: 'Trash' }, { class: null }, { class: 'Old class' }];
      for (const changes of fit) await saveDraft(client, org, 'a', changes);
    });
    await setCheck(db, 'off');
    await save(author, { class: 'Crwaler' });
  });

  test('in bulk are refused by record and reason', async () => {
    const author = await project('refuse');
    await db.asUser(author, async (client) => {
      const operation = { set: { class: 'Trash' } };
      const preview = await bulkPreview(client, org, { everything: true }, operation);
      expect(preview).toMatchObject({ changed_count: 1, refused_count: 1 });
      expect(preview.reasons[0]).toMatchObject({
        problem: 'class is "Trash", which is not among the 2 that PEMS lists for "CRANES"',
        recordIds: ['a'],
      });
      expect(
        (await refusal(client, () => applyBulk(client, org, { everything: true }, operation))).code,
      ).toBe('VG422');
      expect(await applyBulk(client, org, { everything: true }, operation, { skip: true })).toMatchObject({
        changed_count: 1,
      });
    });
  });

  test('from before stay drafts when they are submitted, and other keys are committed', async () => {
    const author = await project('warn');
    await save(author, { category: 'OTHER', model: 'X' });
    await setCheck(db, 'refuse');
    await db.asUser(author, async (client) => {
      const { key_count, refused } = await commitDrafts(client, org);
      expect(key_count).toBe(1);
      expect(refused).toEqual([
        expect.objectContaining({
          kind: 'invalid',
          key: 'category',
          problem: expect.stringContaining('is "OTHER", which is not among the 3') as string,
        }),
      ]);
      expect(await seenDrafts(client, org)).toMatchObject([{ delta: { category: 'OTHER' } }]);
    });
  });

  test('cannot be resolved with an unlisted value', async () => {
    const author = await project('refuse');
    await save(author, { category: 'CRANES - TOWER' });
    await putRecords(db, org, [
      { pfaId: 'a', ...record, category: 'SOMETHING' },
      { pfaId: 'b', ...record, category: 'PUMPS' },
    ]);
    await db.asUser(author, async (client) => {
      const { revision } = await seenRecord(client, org, 'a');
      const resolve = (value: string) =>
        resolveProblems(client, org, [
          { record_id: 'a', revision, choice: 'value', keys: ['category'], value },
        ]);
      expect(await refusal(client, () => resolve('NONE'))).toMatchObject({ code: 'VG422' });
      expect(await resolve('PUMPS')).toMatchObject({ key_count: 1 });
    });
  });

  test('are not checked against an empty list, or if the check is off', async () => {
    const author = await project('refuse');
    await save(author, { manufacturer: 'Anyone', equipment: 'EQ-1' });
    await setCheck(db, 'off');
    const plan = await db.asOwner(async (client) => {
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `explain (analyze, costs off, timing off) select u.* from app_private.judge_values($1, (
          select jsonb_agg(jsonb_build_object('recordId', m.pfa_id)) from app_core.pfa_mirror m
          where app_private.reference_check($1) = 'refuse' and m.organization_id = $1)) u`,
        [org.id],
      );
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    });
    expect(plan).toMatch(/pfa_mirror.*never executed/);
    expect(plan).not.toMatch(/reference_entries.*actual/);
  });
});
