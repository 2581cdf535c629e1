import fc from 'fast-check';
import type pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { refusal, saveDraft } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import {
  makeMember,
  makeOrganization,
  putRecords,
  type Organization,
  type RecordData,
} from '../../../support/make.ts';
import { plantModification } from '../../../support/merged.ts';

const db = await testDatabase();

async function found(
  client: pg.ClientBase,
  organization: Organization,
  search: string | null,
  containing: unknown = null,
): Promise<string[]> {
  const { rows } = await client.query<{ pfa_id: string }>(
    `select r.pfa_id from app_public.organizations o
    cross join lateral app_public.organizations_found_records(o, $2, $3) r
    where o.id = $1 order by r.pfa_id`,
    [organization.id, search, containing === null ? null : JSON.stringify(containing)],
  );
  return rows.map(({ pfa_id }) => pfa_id);
}

/** As the worker does after a run: from now on the search uses the list of values. */
async function prepare(): Promise<void> {
  for (;;) {
    const { rows } = await db.worker.query<{ done: boolean }>('select app_private.prepare_search() as done');
    if (!rows[0]!.done) return;
  }
}

const isStale = async (organization: Organization) =>
  (
    await db.owner.query('select from app_private.pfa_search_stale where organization_id = $1', [
      organization.id,
    ])
  ).rowCount === 1;

const org = await makeOrganization(db);
const user = await makeMember(db, org);
const records: RecordData[] = [
  { pfaId: 'P-1', category: 'CRANES', manufacturer: 'Liebherr', areaSilo: 'Silo 4', equipment: 'EQ_77' },
  { pfaId: 'P-2', category: 'CRANES - RENTED', class: '100%', model: 'LTM 1100' },
  { pfaId: 'P-3', category: 'Pumps', contract: 'C\\12', manufacturer: 'Größe' },
];
await putRecords(db, org, records);
const foundHere = (search: string | null, containing?: unknown) =>
  db.asUser(user, (client) => found(client, org, search, containing));

test('reads every record until the values are listed', async () => {
  expect(await isStale(org)).toBe(true);
  expect(await foundHere('cranes')).toEqual(['P-1', 'P-2']);
  expect(await foundHere('p-3')).toEqual(['P-3']);
});

describe.each(['in every record', 'by the list of values'])('what is found %s', (way) => {
  beforeAll(async () => {
    if (way === 'by the list of values') {
      await prepare();
      // The search does not read the records: a word that is not listed is not found.
      await db.owner.query("delete from app_private.pfa_search_values where key = 'model'");
      expect(await foundHere('ltm')).toEqual([]);
      await putRecords(db, org, records);
      await db.owner.query('insert into app_private.pfa_search_stale (organization_id) values ($1)', [
        org.id,
      ]);
      await prepare();
    }
    expect(await isStale(org)).toBe(way === 'in every record');
  });

  test.each<[string, string[]]>([
    ['cranes', ['P-1', 'P-2']],
    ['CRANES', ['P-1', 'P-2']],
    ['ran', ['P-1', 'P-2']],
    ['silo liebherr', ['P-1']],
    ['  cranes   rented ', ['P-2']],
    ['cranes pumps', []],
    ['1100', ['P-2']],
    ['77', ['P-1']],
    ['1100 ltm', ['P-2']],
    ['3', ['P-3']],
    ['p-3', ['P-3']],
    ['p', ['P-1', 'P-2', 'P-3']],
    ['ltm', ['P-2']],
    ['größe', ['P-3']],
    ['', ['P-1', 'P-2', 'P-3']],
    ['rental', []],
  ])('%j', async (search, ids) => {
    expect(await foundHere(search)).toEqual(ids);
  });

  test.each<[string, string[]]>([
    ['%', ['P-2']],
    ['_', ['P-1']],
    ['q_7', ['P-1']],
    ['p_1', []],
    ['\\', ['P-3']],
    ['c\\1', ['P-3']],
    ["' or true --", []],
  ])('treats special characters of LIKE as text: %j', async (search, ids) => {
    expect(await foundHere(search)).toEqual(ids);
  });

  test('finds everything without a text', async () => {
    expect(await foundHere(null)).toEqual(['P-1', 'P-2', 'P-3']);
  });

  test('refuses a text that is too long', async () => {
    expect(await foundHere('x'.repeat(200))).toEqual([]);
    expect(
      await db.asUser(user, (client) => refusal(client, () => found(client, org, 'x'.repeat(201)))),
    ).toMatchObject({
      code: 'VG400',
    });
  });
});

describe('searches the records as the user sees them', () => {
  test('only its author finds a draft, by its new words and not by the old ones', async () => {
    const here = await makeOrganization(db);
    const [author, other] = [await makeMember(db, here), await makeMember(db, here)];
    await putRecords(db, here, [{ pfaId: 'a', category: 'Loader', class: 'Big' }]);
    await db.asUser(author, (client) => saveDraft(client, here, 'a', { category: 'Excavator' }), {
      commit: true,
    });
    const seen = async (who: number) =>
      db.asUser(who, async (client) => [
        await found(client, here, 'excavator'),
        await found(client, here, 'loader'),
        await found(client, here, 'big'),
      ]);
    expect(await seen(author)).toEqual([['a'], [], ['a']]);
    expect(await seen(other)).toEqual([[], ['a'], ['a']]);
  });

  test('all users find a pending value, except users with another draft over it', async () => {
    const here = await makeOrganization(db);
    const [author, other, drafter] = [
      await makeMember(db, here),
      await makeMember(db, here),
      await makeMember(db, here),
    ];
    await putRecords(db, here, [{ pfaId: 'a', category: 'Loader' }]);
    await plantModification(db, here, 'a', author, { category: 'Crane' });
    await db.asUser(drafter, (client) => saveDraft(client, here, 'a', { category: 'Tower' }), {
      commit: true,
    });
    for (const [who, crane, tower] of [
      [author, ['a'], []],
      [other, ['a'], []],
      [drafter, [], ['a']],
    ] as const) {
      expect(await db.asUser(who, (client) => found(client, here, 'crane'))).toEqual(crane);
      expect(await db.asUser(who, (client) => found(client, here, 'tower'))).toEqual(tower);
      expect(await db.asUser(who, (client) => found(client, here, 'loader'))).toEqual([]);
    }
  });

  test('does not find a removed record', async () => {
    const here = await makeOrganization(db);
    const member = await makeMember(db, here);
    await putRecords(db, here, [{ pfaId: 'a' }, { pfaId: 'gone' }]);
    await putRecords(db, here, [{ pfaId: 'a' }]);
    await putRecords(db, here, [{ pfaId: 'a' }]);
    expect(await db.asUser(member, (client) => found(client, here, ''))).toEqual(['a']);
  });

  test('equals a search of every visible record', async () => {
    const here = await makeOrganization(db);
    const member = await makeMember(db, here);
    const word = fc.string({ unit: fc.constantFrom('a', 'B', '%', '_', '\\', 'ü', '-'), maxLength: 4 });
    const values = fc.sample(fc.record({ category: word, class: word, model: word }), {
      numRuns: 60,
      seed: 5,
    });
    await putRecords(
      db,
      here,
      values.map((data, i) => ({ pfaId: `r${i}`, ...data })),
    );
    await db.asUser(member, async (client) => {
      const { rows } = await client.query<{ pfa_id: string; data: Record<string, string> }>(
        'select pfa_id, data from app_public.pfa_record where organization_id = $1 order by pfa_id',
        [here.id],
      );
      await fc.assert(
        fc.asyncProperty(fc.array(word, { maxLength: 3 }), async (words) => {
          const expected = rows.filter(({ pfa_id, data }) => {
            const text = [pfa_id, data.category, data.class, '', '', data.model, '', '']
              .map((value) => value ?? '')
              .join(' ')
              .toLowerCase();
            return words.every((each) => text.includes(each.toLowerCase()));
          });
          expect(await found(client, here, words.join(' '))).toEqual(expected.map(({ pfa_id }) => pfa_id));
        }),
        { numRuns: 100 },
      );
    });
  });
});

describe('another organization', () => {
  test('cannot be searched, however it is requested', async () => {
    const other = await makeOrganization(db);
    await putRecords(db, other, [{ pfaId: 'secret' }]);
    expect(await db.asUser(user, (client) => found(client, other, 'secret'))).toEqual([]);
    const direct = (id: number) =>
      db.asUser(user, (client) =>
        refusal(client, () => client.query('select app_core.find_records($1, $2, null)', [id, 'secret'])),
      );
    expect(await direct(other.id)).toMatchObject({ code: 'VG404' });
    expect(await direct(999_999_999)).toMatchObject({ code: 'VG404' });
    const forged = await db.asUser(user, (client) =>
      refusal(client, () =>
        client.query(
          `select r.pfa_id from app_public.organizations_found_records(
            jsonb_populate_record(null::app_public.organizations, jsonb_build_object('id', $1::integer)), 'secret') r`,
          [other.id],
        ),
      ),
    );
    expect(forged).toMatchObject({ code: 'VG404' });
  });
});

test('finds nothing for a row without an organization', async () => {
  const { rows } = await db.asUser(user, (client) =>
    client.query('select app_core.find_records(null, $1, null)', ['p']),
  );
  expect(rows).toEqual([]);
});

test('looks values up by index', async () => {
  const plan = await db.asOwner(async (client) => {
    // Three records are read faster without an index.
    await client.query('set local enable_seqscan = off');
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `explain select pfa_id from app_core.pfa_mirror
      where app_core.text_fields(data) @> '{"manufacturer": "Liebherr"}'`,
    );
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  });
  expect(plan).toMatch(/pfa_mirror_values_idx.*\n.*Index Cond: .*Liebherr/);
});

describe('records that contain an object', () => {
  test.each<[unknown, string[]]>([
    [{ category: 'CRANES' }, ['P-1']],
    [{ manufacturer: 'Liebherr', areaSilo: 'Silo 4' }, ['P-1']],
    [{ manufacturer: 'Liebherr', areaSilo: 'Silo 5' }, []],
    [{ pfaId: 'P-2' }, ['P-2']],
    [{}, ['P-1', 'P-2', 'P-3']],
    [{ category: null }, []],
    [{ unknown: 'x' }, []],
  ])('%j', async (containing, ids) => {
    expect(await foundHere(null, containing)).toEqual(ids);
  });

  test('unknown fields of PEMS, of any kind', async () => {
    const here = await makeOrganization(db);
    const member = await makeMember(db, here);
    await putRecords(db, here, [
      { pfaId: 'a', pfs_x_wbs: '4.11.37', nested: { list: [1, { deep: true }] } },
      { pfaId: 'b', pfs_x_wbs: '4.11.38', nested: { list: [2] } },
    ]);
    const by = (containing: unknown) => db.asUser(member, (client) => found(client, here, null, containing));
    expect(await by({ pfs_x_wbs: '4.11.37' })).toEqual(['a']);
    expect(await by({ nested: { list: [{ deep: true }] } })).toEqual(['a']);
    expect(await by({ nested: { list: [2] } })).toEqual(['b']);
    expect(await by({ nested: {} })).toEqual(['a', 'b']);
  });

  test('together with words', async () => {
    expect(await foundHere('cranes', { model: 'LTM 1100' })).toEqual(['P-2']);
    expect(await foundHere('pumps', { model: 'LTM 1100' })).toEqual([]);
  });

  test.each([[[]], ['text'], [5], [true]])('refuses %j, which is not an object', async (containing) => {
    expect(
      await db.asUser(user, (client) => refusal(client, () => found(client, org, null, containing))),
    ).toMatchObject({ code: 'VG400' });
  });

  test('drafted values count for their author; the values under them do not', async () => {
    const here = await makeOrganization(db);
    const [author, other] = [await makeMember(db, here), await makeMember(db, here)];
    await putRecords(db, here, [{ pfaId: 'a', model: 'Old' }]);
    await db.asUser(author, (client) => saveDraft(client, here, 'a', { model: 'New' }), { commit: true });
    const seen = (who: number) =>
      db.asUser(who, async (client) => [
        await found(client, here, null, { model: 'New' }),
        await found(client, here, null, { model: 'Old' }),
      ]);
    expect(await seen(author)).toEqual([['a'], []]);
    expect(await seen(other)).toEqual([[], ['a']]);
  });
});

describe('the list of values', () => {
  test('is marked as outdated after a run with changes, and catches up', async () => {
    const here = await makeOrganization(db);
    const member = await makeMember(db, here);
    const seen = (search: string) => db.asUser(member, (client) => found(client, here, search));
    await putRecords(db, here, [{ pfaId: 'a', model: 'First' }]);
    await prepare();
    expect(await isStale(here)).toBe(false);
    await putRecords(db, here, [{ pfaId: 'a', model: 'First' }]);
    expect(await isStale(here)).toBe(false);
    await putRecords(db, here, [
      { pfaId: 'a', model: 'Second' },
      { pfaId: 'new', model: 'First' },
    ]);
    expect(await isStale(here)).toBe(true);
    expect([await seen('second'), await seen('first'), await seen('new')]).toEqual([['a'], ['new'], ['new']]);
    await prepare();
    expect([await seen('second'), await seen('first'), await seen('new')]).toEqual([['a'], ['new'], ['new']]);
  });

  test('a concurrent change keeps it outdated', async () => {
    const here = await makeOrganization(db);
    await putRecords(db, here, [{ pfaId: 'a' }]);
    await prepare();
    await db.owner.query('insert into app_private.pfa_search_stale (organization_id) values ($1)', [here.id]);
    const preparing = await db.worker.connect();
    try {
      await preparing.query('begin isolation level repeatable read');
      await preparing.query('select count(*) from app_public.pfa_sync_log');
      await putRecords(db, here, [{ pfaId: 'a', model: 'Meanwhile' }]);
      // A serialization failure: it saw the older mark, and the row has another one now.
      const failure = await preparing.query('select app_private.prepare_search()').then(
        () => undefined,
        (error: Error & { code?: string }) => error.code,
      );
      expect(failure).toBe('40001');
    } finally {
      await preparing.query('rollback');
      preparing.release();
    }
    expect(await isStale(here)).toBe(true);
    await prepare();
  });

  test('so many values contain a word that every record is read', async () => {
    const here = await makeOrganization(db);
    const member = await makeMember(db, here);
    const many = Array.from({ length: 250 }, (_, i) => ({
      pfaId: `r${1000 + i}`,
      equipment: `EQ-${i}`,
      model: 'M',
    }));
    await putRecords(db, here, many);
    await prepare();
    expect(await db.asUser(member, (client) => found(client, here, 'eq'))).toEqual(
      many.map(({ pfaId }) => pfaId),
    );
    expect(await db.asUser(member, (client) => found(client, here, 'eq-24'))).toHaveLength(11);
    expect(await db.asUser(member, (client) => found(client, here, '1249'))).toEqual(['r1249']);
    expect(await db.asUser(member, (client) => found(client, here, 'r12'))).toHaveLength(50);
  });
});
