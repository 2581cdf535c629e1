import { expect, test } from 'vitest';
import { simulatedOrganizations } from '../../simulator/index.ts';
import { at, type Row } from '../../simulator/fields.ts';
import {
  assetCount,
  generateAsset,
  generateRow,
  indexOf,
  idOf,
  profileOf,
} from '../../simulator/generate.ts';
import { idsByKeyset, startClassic } from './client.ts';

const rowsOf = (code: string, size: number, seed = 1): Row[] => {
  const profile = profileOf(seed, code);
  return Array.from({ length: size }, (_, i) => generateRow(profile, i));
};

test('a record depends on seed, organization and index only', () => {
  expect(generateRow(profileOf(1, 'RIO'), 700)).toEqual(rowsOf('RIO', 701)[700]);
  expect(generateRow(profileOf(2, 'RIO'), 700)).not.toEqual(generateRow(profileOf(1, 'RIO'), 700));
  const strip = (row: Row): Row => row.slice(2);
  expect(strip(generateRow(profileOf(1, 'RIO2'), 700))).not.toEqual(
    strip(generateRow(profileOf(1, 'RIO'), 700)),
  );
  expect(indexOf('RIO', idOf('RIO', 41))).toBe(41);
  expect(indexOf('RIO', idOf('RIO2', 41))).toBe(-1);
});

test('28 organizations with some 60,000 records, the four named ones and RIO2', () => {
  expect(simulatedOrganizations).toHaveLength(28);
  const sum = simulatedOrganizations.reduce((total, { size }) => total + size, 0);
  expect(Math.abs(sum - 60_000)).toBeLessThan(1000);
  const codes = simulatedOrganizations.map(({ code }) => code);
  expect(new Set(codes).size).toBe(28);
  expect(codes).toEqual(expect.arrayContaining(['RIO', 'RIO2', 'PORTARTHUR', 'HOLNG', 'PEMS_Global']));
});

test('every generated record is valid, and has its place', () => {
  for (const { code, size } of simulatedOrganizations) {
    const assets = assetCount(size);
    const low = Date.UTC(2024, 0, 1);
    const high = Date.UTC(2028, 11, 31);
    rowsOf(code, size).forEach((row, i) => {
      const valid =
        row[at.pfs_id] === idOf(code, i) &&
        row[at.pfs_a_org] === code &&
        ['Rental', 'Purchase'].includes(String(row[at.pfs_a_source])) &&
        ['BEO', 'PROJECT'].includes(String(row[at.pfs_a_dor])) &&
        row[at.pfs_a_category] !== null &&
        (row[at.pfa_act] === true) === (row[at.pfs_ac_startdate] !== null) &&
        (row[at.pfa_act] === true || row[at.pfs_ac_enddate] === null);
      const pairs = [
        [row[at.pfs_a_startdate], row[at.pfs_a_enddate]],
        [row[at.pfs_f_startdate], row[at.pfs_f_enddate]],
        [row[at.pfs_ac_startdate], row[at.pfs_ac_enddate] ?? row[at.pfs_ac_startdate]],
      ];
      const dated = pairs.every(([start, end]) =>
        start === null || end === null
          ? start === end
          : Number(start) <= Number(end) && Number(start) >= low && Number(end) <= high,
      );
      const equipment = row[at.pfs_equipment];
      const tagged = equipment === null || Number(String(equipment).slice(-6)) <= assets;
      if (!valid || !dated || !tagged) throw new Error(`${code} ${i}: ${JSON.stringify(row)}`);
    });
  }
});

test('HOLNG has 20,280 records, distributed like those of a project', async () => {
  const rows = rowsOf('HOLNG', 20_280);
  const share = (test: (row: Row) => boolean): number => rows.filter(test).length / rows.length;
  expect(share((row) => row[at.pfa_act] === true)).toBeCloseTo(0.2, 1);
  expect(share((row) => row[at.pfa_dis] === true)).toBeCloseTo(0.05, 2);
  expect(share((row) => row[at.pfs_a_source] === 'Rental')).toBeCloseTo(0.78, 1);
  const moved = share((row) => row[at.pfs_f_enddate] !== row[at.pfs_a_enddate]);
  expect(moved).toBeGreaterThan(0.25);
  expect(moved).toBeLessThan(0.5);
  expect(share((row) => row[at.pfa_act] === true && row[at.pfs_ac_enddate] === null)).toBeGreaterThan(0.03);
  const priced = share((row) =>
    [
      [at.pfs_a_rate, at.pfs_f_rate],
      [at.pfs_a_price, at.pfs_f_price],
    ].some(([plan, forecast]) => {
      const [planned, now] = [row[plan!], row[forecast!]];
      return planned !== null && now !== null && planned !== now;
    }),
  );
  expect(priced).toBeGreaterThan(0.2);
  expect(priced).toBeLessThan(0.35);
  const unplanned = share((row) => row[at.pfs_a_rate] === null && row[at.pfs_a_price] === null);
  expect(unplanned).toBeCloseTo(0.02, 2);
  const years = new Set(rows.map((row) => new Date(Number(row[at.pfs_a_startdate])).getUTCFullYear()));
  expect(years).toEqual(new Set([1970, 2024, 2025, 2026, 2027, 2028]));
  const categories = new Set(rows.map((row) => row[at.pfs_a_category])).size;
  expect(categories).toBeGreaterThanOrEqual(8);
  expect(categories).toBeLessThanOrEqual(20);
  const all = JSON.stringify(rows);
  for (const sign of ['é', 'ü', '中', '🏗️', '"=', '\\\\', '\\"']) expect(all).toContain(sign);
  expect(assetCount(20_280)).toBe(3735);
  expect(generateAsset(profileOf(1, 'HOLNG'), 0)).toEqual(generateAsset(profileOf(1, 'HOLNG'), 0));

  const simulator = await startClassic({ onlyListed: false, organizations: {} });
  const ids = await idsByKeyset(simulator, { organization: 'HOLNG' });
  expect(ids).toHaveLength(20_280);
  expect(new Set(ids).size).toBe(20_280);
});
