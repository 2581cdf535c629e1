import fc from 'fast-check';
import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import { refusal, saveDraft } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, putRecords, type Organization } from '../../../support/make.ts';
import { plantModification } from '../../../support/merged.ts';

const db = await testDatabase();

async function found(
  client: pg.ClientBase,
  organization: Organization,
  search: string | null,
): Promise<string[]> {
  const { rows } = await client.query<{ pfa_id: string }>(
    `select r.pfa_id from app_public.organizations o
    cross join lateral app_public.organizations_found_records(o, $2) r
    where o.id = $1 order by r.pfa_id`,
    [organization.id, search],
  );
  return rows.map(({ pfa_id }) => pfa_id);
}

const org = await makeOrganization(db);
const user = await makeMember(db, org);
await putRecords(db, org, [
  { pfaId: 'P-1', category: 'CRANES', manufacturer: 'Liebherr', areaSilo: 'Silo 4', equipment: 'EQ_77' },
  { pfaId: 'P-2', category: 'CRANES - RENTED', class: '100%', model: 'LTM 1100' },
  { pfaId: 'P-3', category: 'Pumps', contract: 'C\\12', manufacturer: 'Größe' },
]);
const foundHere = (search: string | null) => db.asUser(user, (client) => found(client, org, search));

describe('what is found', () => {
  test.each<[string, string[]]>([
    ['cranes', ['P-1', 'P-2']],
    ['CRANES', ['P-1', 'P-2']],
    ['ran', ['P-1', 'P-2']],
    ['silo liebherr', ['P-1']],
    ['  cranes   rented ', ['P-2']],
    ['cranes pumps', []],
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
  ])('signs that mean something to LIKE mean themselves: %j', async (search, ids) => {
    expect(await foundHere(search)).toEqual(ids);
  });

  test('everything without a text', async () => {
    expect(await foundHere(null)).toEqual(['P-1', 'P-2', 'P-3']);
  });

  test('a text that is too long is refused', async () => {
    expect(await foundHere('x'.repeat(200))).toEqual([]);
    expect(
      await db.asUser(user, (client) => refusal(client, () => found(client, org, 'x'.repeat(201)))),
    ).toMatchObject({
      code: 'VG400',
    });
  });
});

describe('what is found is what the user sees', () => {
  test('a draft is found by its author only, under its new words and not its old ones', async () => {
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

  test('a pending value is found by everybody, except by who drafted something else over it', async () => {
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

  test('a record that is gone is not found', async () => {
    const here = await makeOrganization(db);
    const member = await makeMember(db, here);
    await putRecords(db, here, [{ pfaId: 'a' }, { pfaId: 'gone' }]);
    await putRecords(db, here, [{ pfaId: 'a' }]);
    await putRecords(db, here, [{ pfaId: 'a' }]);
    expect(await db.asUser(member, (client) => found(client, here, ''))).toEqual(['a']);
  });

  test('it is what looking at every seen record finds', async () => {
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
  test('cannot be searched, whichever way it is named', async () => {
    const other = await makeOrganization(db);
    await putRecords(db, other, [{ pfaId: 'secret' }]);
    expect(await db.asUser(user, (client) => found(client, other, 'secret'))).toEqual([]);
    const direct = (id: number) =>
      db.asUser(user, (client) =>
        refusal(client, () => client.query('select app_core.find_records($1, $2)', [id, 'secret'])),
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

test('of no organization nothing is found, as where a row belongs to none', async () => {
  const { rows } = await db.asUser(user, (client) =>
    client.query('select app_core.find_records(null, $1)', ['p']),
  );
  expect(rows).toEqual([]);
});

test.each(['pfa_mirror', 'pfa_overlay'])('a word is looked up in an index of %s', async (table) => {
  const plan = await db.asOwner(async (client) => {
    // Three records are read faster without one.
    await client.query('set local enable_seqscan = off');
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `explain select pfa_id from app_core.${table}
      where app_core.search_text(pfa_id, data) like '%liebherr%'`,
    );
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  });
  expect(plan).toMatch(new RegExp(`${table}_search_idx.*\\n.*Index Cond: .*liebherr`));
});
