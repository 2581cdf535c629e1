import { expect, test } from 'vitest';
import { applyBulk, saveDraft, seenDrafts, seenRecord } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, one, putRecords, type Json } from '../../../support/make.ts';

// Input and search text are cleaned alike.

const db = await testDatabase();
const org = await makeOrganization(db);
const author = await makeMember(db, org);
await putRecords(db, org, [{ pfaId: 'crane', category: 'Cranes', model: 'LTM', isActualized: false }]);

const cleaned = async (text: string) =>
  one((await db.owner.query<{ text: string }>('select app_core.cleaned_text($1) as text', [text])).rows).text;

const invisible = [
  '\u200B',
  '\u200C',
  '\u200D',
  '\u2060',
  '\uFEFF',
  '\u00AD',
  '\u180E',
  '\u202E',
  '\u2066',
  '\u061C',
  '\u{E0041}',
];

test.each(invisible.map((one) => [one.codePointAt(0)!.toString(16), one]))('removes U+%s', async (_, one) => {
  expect(await cleaned(`${one}CRA${one}NES${one}`)).toBe('CRANES');
});

test.each([
  ['  LTM 1100\t', 'LTM 1100'],
  ['Silo\u00A04', 'Silo 4'],
  ['Silo\u3000\u20034', 'Silo  4'],
  ['\u00A0\u2003 ', ''],
  ['Gru\u0308n', 'Grün'],
  ['Ørsted & Söhne 上海 🏗️', 'Ørsted & Söhne 上海 🏗️'],
  ["it's \\ 'quoted'", "it's \\ 'quoted'"],
])('%j becomes %j', async (text, expected) => {
  expect(await cleaned(text)).toBe(expected);
});

const draftedModel = (changes: Json) =>
  db.asUser(author, async (client) => {
    await saveDraft(client, org, 'crane', changes);
    return (await seenRecord(client, org, 'crane')).data.model;
  });

test('cleans a drafted text; a text of blanks alone becomes null', async () => {
  expect(await draftedModel({ model: ' LTM\u200B\u00A01100 ' })).toBe('LTM 1100');
  expect(await draftedModel({ model: '   ' })).toBeNull();
  expect(await draftedModel({ model: '\u00A0\u200B' })).toBeNull();
});

test('a text equal to the current one after cleaning creates no draft', async () => {
  await db.asUser(author, async (client) => {
    await saveDraft(client, org, 'crane', { category: '\u200BCranes ' });
    expect(await seenDrafts(client, org)).toEqual([]);
  });
});

test('dates and choices may have blanks around them', async () => {
  await db.asUser(author, async (client) => {
    await saveDraft(client, org, 'crane', { forecastEnd: ' 2026-05-01\n', dor: 'PROJECT ' });
    const { data } = await seenRecord(client, org, 'crane');
    expect([data.forecastEnd, data.dor]).toEqual(['2026-05-01', 'PROJECT']);
  });
});

test('cleans a text that is set in bulk', async () => {
  await db.asUser(author, async (client) => {
    await applyBulk(client, org, { everything: true }, { set: { model: 'A\u200BB ' } });
    expect((await seenRecord(client, org, 'crane')).data.model).toBe('AB');
  });
});

test('finds text with invisible characters by its visible ones, and the other way round', async () => {
  await db.asUser(author, async (client) => {
    await saveDraft(client, org, 'crane', { model: 'ZE\u200BBRA' });
    for (const search of ['zebra', 'ze\u200Dbra', ' zebra\u00A0']) {
      const { rows } = await client.query(
        `select r.pfa_id from app_public.organizations o
        cross join lateral app_public.organizations_found_records(o, $2, null) r where o.id = $1`,
        [org.id, search],
      );
      expect([search, rows]).toEqual([search, [{ pfa_id: 'crane' }]]);
    }
  });
});
