import { describe, expect, test } from 'vitest';
import { createChoices, foldChoice } from '../../src/pems/choices.ts';
import { createRecordMapper } from '../../src/pems/mapping.ts';
import { mapRow } from './answers.ts';
import { flagChoices, sourceChoices } from './screens.ts';

const source = () => createChoices('source', ['Rental', 'Purchase'], sourceChoices);
const listed = (...allowed: string[]) => createChoices('x', allowed, []);
const value = (choices: ReturnType<typeof source>, text: string) => {
  const parsed = choices.read(text);
  return parsed.ok ? parsed.value : parsed.problem;
};

describe('a choice from PEMS', () => {
  test.each(['Rental', 'RENTAL', 'rental', ' rEnTaL ', '\u00a0RENTAL', 'Ｒｅｎｔａｌ'])(
    'is read in any spelling: %j',
    (text) => {
      expect(value(source(), text)).toBe('Rental');
    },
  );

  test.each([
    ['Long term', ' LONG  TERM '],
    ['Long term', 'long\u00a0term'],
    ['Lifting', 'LİFTİNG'],
    ['Lifting', 'LIFTING'],
    ['ışık', 'IŞIK'],
    ['Größe', 'GRÖSSE'],
    ['Größe', 'gro\u0308ße'],
    ['ΛΌΓΟΣ', 'λόγος'],
    ['Аренда', 'АРЕНДА'],
  ])('is read as %j also from %j', (allowed, text) => {
    expect(value(listed(allowed), text)).toBe(allowed);
  });

  test.each(['LEASE', 'Rent al', 'Rentals', '0', '-'])('is not read as another value: %j', (text) => {
    expect(value(source(), text)).toBe(`${JSON.stringify(text)} is no choice: allowed are Rental, Purchase.`);
  });

  test('is null if blank', () => {
    expect(value(source(), ' \u00a0')).toBeNull();
  });

  test.each([
    ...['+', 'TRUE', '1', '-1', 'y', ' Yes '].map((text) => [text, 'true']),
    ...['-', 'False', '0', 'N', 'NO'].map((text) => [text, 'false']),
  ])('for a flag: %j is %s', (text, flag) => {
    expect(value(createChoices('f', ['true', 'false'], flagChoices), text)).toBe(flag);
  });
});

describe('a choice for PEMS', () => {
  test.each([
    ['Purchase', 'RENTAL', 'PURCHASE'],
    ['Purchase', 'Rental', 'Purchase'],
    ['Rental', 'PURCHASE ', 'RENTAL'],
    // For no notation or an empty one: the first.
    ['Purchase', 'rEnTaL', 'Purchase'],
    ['Purchase', '', 'Purchase'],
    ['Purchase', 'LEASE', 'Purchase'],
  ])('is %s where PEMS has %j: %s', (to, held, written) => {
    expect(source().write(to, held)).toBe(written);
  });

  test.each([
    ['false', '+', '-'],
    ['true', 'N', 'Y'],
    ['true', 'no', 'Yes'],
    ['false', '-1', '0'],
    ['true', '0', '1'],
    ['true', '', '+'],
  ])('for a flag is %s where PEMS has %j: %s', (to, held, written) => {
    expect(createChoices('f', ['true', 'false'], flagChoices).write(to, held)).toBe(written);
  });

  test('has the most frequent spelling, or the listed one without any', () => {
    const capitals = sourceChoices.toReversed();
    expect(createChoices('source', ['Rental', 'Purchase'], capitals).write('Rental', '')).toBe('RENTAL');
    expect(listed('BEO').write('BEO', 'whatever')).toBe('BEO');
    expect(listed('BEO').write('OTHER', '')).toBeNull();
  });
});

test('a spelling of two values, or of an unknown one, is an error of the mapping', () => {
  const fault = expect.objectContaining({ code: 'PEMS_MAPPING_INVALID' }) as Error;
  const with_ = (value: string, spelling: string) => () =>
    createChoices('source', ['Rental', 'Purchase'], [{ value, spelling, notation: 1 }]);
  expect(with_('Purchase', 'RENTAL')).toThrow(fault);
  expect(with_('Lease', 'LEASE')).toThrow(fault);
  expect(() => listed('A', 'a')).toThrow(fault);
});

test('spellings are counted, up to fifty per field', () => {
  const choices = source();
  for (const text of ['RENTAL', 'RENTAL', ' RENTAL', 'Purchase', 'LEASE', '']) choices.read(text);
  expect(choices.spellings()).toEqual([
    { spelling: 'RENTAL', value: 'Rental', rows: 2 },
    { spelling: 'RENTAL', value: 'Rental', rows: 1 },
    { spelling: 'Purchase', value: 'Purchase', rows: 1 },
  ]);
  for (let bits = 0; bits < 256; bits++)
    choices.read([...'purchase'].map((c, i) => (bits & (1 << i) ? c.toUpperCase() : c)).join(''));
  expect(choices.spellings()).toHaveLength(50);
  expect(value(choices, 'pURCHASE')).toBe('Purchase');
});

test('folding twice has no further effect', () => {
  for (const text of ['İıIi', 'ẞßSS', 'Ａ  b', 'ΣΑΣ'])
    expect(foldChoice(foldChoice(text))).toBe(foldChoice(text));
});

test('the mapper stores the listed spelling, and rejects only the field', () => {
  const mapper = createRecordMapper({
    fields: [
      { key: 'source', kind: 'text', maxLength: 50, allowed: ['Rental', 'Purchase'], choices: sourceChoices },
      { key: 'model', kind: 'text' },
    ],
    mappings: [
      { key: 'pfaId', gridAliases: ['id'] },
      { key: 'organization', gridAliases: ['org'] },
      { key: 'source', gridAliases: ['f_source', 'a_source'] },
      { key: 'model', gridAliases: ['model'] },
    ],
    dateOrder: 'MDY',
  });
  const row = { id: 'A', org: 'O', model: 'M' };
  expect(mapRow(mapper, { ...row, f_source: 'RENTAL' })).toMatchObject({
    ...{ data: '{"source":"Rental","model":"M"}', problems: [], unknown: [] },
  });
  // Neither the planned value nor null replaces it.
  expect(mapRow(mapper, { ...row, f_source: 'LEASE', a_source: 'RENTAL' })).toMatchObject({
    data: '{"model":"M"}',
    problems: [{ key: 'source', alias: 'f_source', value: 'LEASE' }],
    unknown: ['source'],
  });
  expect(mapper.spellings()).toEqual([{ key: 'source', spelling: 'RENTAL', value: 'Rental', rows: 1 }]);
});
