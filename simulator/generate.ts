/**
 * Generates PFA records and assets. Record n of an organization depends only on (seed, organization, n). Nothing is
 * stored until a client writes, and two simulators with one seed agree. Every record is valid: ends are not before
 * starts, a source decides the cost, and only actualized records have actual dates. Dates are UTC days from 2024 to
 * 2028. Money is in USD.
 */
import { areas, categories, manufacturers, notes } from './catalogue.ts';
import { at, fields, type Row, type Value } from './fields.ts';
import { dayMs } from './values.ts';

/** "Today" of the generated data: no generated record is on site after it. */
const dataDate = Date.UTC(2026, 5, 30);
const firstDay = Date.UTC(2024, 0, 1);
const lastDay = Date.UTC(2028, 11, 31);

/** The ratio of HOLNG: 3,735 assets for 20,280 records. */
const assetsPer = { assets: 3735, records: 20280 };

/** Properties that all records of an organization share. */
export interface Profile {
  readonly code: string;
  readonly hash: number;
  /** The 8 to 20 categories of the project, as positions in `categories`. */
  readonly categories: readonly number[];
}

function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function mix(value: number): number {
  let h = value >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Returns a small repeatable random source (mulberry32) of numbers from 0 up to 1. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Returns the profile of an organization under a seed. */
export function profileOf(seed: number, code: string): Profile {
  const hash = mix(hashText(`${seed}/${code}`));
  const random = randomFrom(hash);
  const order = categories.map((_, i) => i);
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return { code, hash, categories: order.slice(0, 8 + Math.floor(random() * 13)) };
}

/** Returns the id of record n (from 0). It is zero-padded, so that ids sort in the order of n. */
export function idOf(code: string, index: number): string {
  return `${code}-${String(index + 1).padStart(7, '0')}`;
}

/** Returns the n of a generated id, or -1 if the id does not follow the organization's pattern. */
export function indexOf(code: string, id: string): number {
  if (id.length !== code.length + 8 || !id.startsWith(code) || id[code.length] !== '-') return -1;
  const digits = id.slice(code.length + 1);
  return /^\d{7}$/.test(digits) ? Number(digits) - 1 : -1;
}

/** Returns the number of assets of an organization with this many records. */
export function assetCount(records: number): number {
  return Math.ceil((records * assetsPer.assets) / assetsPer.records);
}

export interface Asset {
  readonly code: string;
  readonly category: string;
  readonly class: string;
  readonly rate: number;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  /** Returns a UTC day in milliseconds. */
  readonly commissioned: number;
}

const pick = <T>(list: readonly T[], random: () => number): T =>
  list[Math.floor(random() * list.length)] as T;

/** Returns asset n (from 0) of an organization. */
export function generateAsset(profile: Profile, index: number): Asset {
  const random = randomFrom(mix(profile.hash ^ Math.imul(index + 1, 0x9e3779b1) ^ 0x5bd1e995));
  const category = categories[pick(profile.categories, random)] as (typeof categories)[number];
  const cls = pick(category.classes, random);
  const [manufacturer, models] = pick(manufacturers, random);
  return {
    code: `${profile.code}-EQ-${String(index + 1).padStart(6, '0')}`,
    category: category.name,
    class: cls.name,
    rate: cls.rate,
    manufacturer,
    model: pick(models, random),
    serial: `SN${Math.floor(random() * 1e9)
      .toString(36)
      .toUpperCase()}`,
    commissioned: firstDay - Math.floor(random() * 3000) * dayMs,
  };
}

// Outdoor work follows the weather: most starts are from April to August.
const monthWeights = [4, 5, 8, 11, 13, 13, 12, 10, 8, 7, 5, 4];
const yearWeights = [15, 25, 30, 20, 10];

function weighted(weights: readonly number[], random: () => number): number {
  let rest = random() * weights.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < weights.length; i++) {
    rest -= weights[i] as number;
    if (rest < 0) return i;
  }
  return weights.length - 1;
}

const clamp = (time: number, low: number, high: number): number => Math.min(Math.max(time, low), high);
/** Returns mostly whole dollars; one in five has cents. */
const money = (value: number, random: () => number): number =>
  random() < 0.2 ? Math.round(value * 100) / 100 : Math.round(value / 10) * 10;

/** Returns record n (from 0) of an organization, as a row in the order of `fields`. */
export function generateRow(profile: Profile, index: number): Row {
  const random = randomFrom(mix(profile.hash ^ Math.imul(index + 1, 0x85ebca77)));
  const row: Row = new Array<Value>(fields.length).fill(null);
  const days = (from: number, to: number): number => (from + Math.floor(random() * (to - from + 1))) * dayMs;
  const chance = (probability: number): boolean => random() < probability;

  row[at.pfs_id] = idOf(profile.code, index);
  row[at.pfs_a_org] = profile.code;
  row[at.pfs_a_corporate] = pick(areas, random);

  const actualized = chance(0.2);
  const rental = chance(0.78);
  // An actualized record stands for one asset on site and takes its properties.
  const asset = actualized
    ? generateAsset(profile, Math.floor((index * assetsPer.assets) / assetsPer.records))
    : undefined;
  const category = categories[pick(profile.categories, random)] as (typeof categories)[number];
  const cls = pick(category.classes, random);
  row[at.pfs_a_category] = asset?.category ?? category.name;
  row[at.pfs_a_class] = asset?.class ?? cls.name;
  if (chance(0.06)) {
    const other = categories[pick(profile.categories, random)] as (typeof categories)[number];
    row[at.pfs_f_category] = other.name;
    row[at.pfs_f_class] = pick(other.classes, random).name;
  }
  row[at.pfs_a_source] = rental ? 'Rental' : 'Purchase';
  row[at.pfs_a_dor] = chance(0.35) ? 'BEO' : 'PROJECT';
  if (chance(0.04)) row[at.pfs_f_dor] = row[at.pfs_a_dor] === 'BEO' ? 'PROJECT' : 'BEO';

  const rate = money((asset?.rate ?? cls.rate) * (0.75 + random() * 0.6), random);
  const price = money(rate * (14 + random() * 22), random);
  // A few records have no rate or price yet and cost 0.
  if (rental && chance(0.98)) row[at.pfs_a_rate] = rate;
  if (!rental && chance(0.98)) row[at.pfs_a_price] = price;
  if (chance(0.3)) {
    const changed = 0.82 + random() * 0.4;
    if (rental) row[at.pfs_f_rate] = money(rate * changed, random);
    else row[at.pfs_f_price] = money(price * changed, random);
  }
  // Buying instead of renting is a common change of strategy.
  if (rental && chance(0.02)) {
    row[at.pfs_f_source] = 'Purchase';
    row[at.pfs_f_price] = price;
  }

  const [maker, models] = pick(manufacturers, random);
  if (asset || chance(0.7)) row[at.pfs_f_manufact] = asset?.manufacturer ?? maker;
  if (asset || chance(0.55)) row[at.pfs_f_model] = asset?.model ?? pick(models, random);

  const year = 2024 + weighted(actualized ? [40, 40, 20] : yearWeights, random);
  const month = weighted(actualized && year === 2026 ? monthWeights.slice(0, 5) : monthWeights, random);
  const planStart = Date.UTC(year, month, 1 + Math.floor(random() * 28));
  const planEnd = clamp(planStart + days(14, 90) + days(0, chance(0.3) ? 420 : 150), planStart, lastDay);
  let start = planStart;
  let end = planEnd;
  if (chance(0.35)) {
    start = clamp(planStart + days(-45, 120), firstDay, lastDay);
    end = clamp(planEnd + (start - planStart) + days(-30, 60), start, lastDay);
  }
  // Some records were never planned (no baseline); a few have no forecast yet.
  if (chance(0.98)) {
    row[at.pfs_a_startdate] = planStart;
    row[at.pfs_a_enddate] = planEnd;
  }
  if (actualized || chance(0.99)) {
    row[at.pfs_f_startdate] = start;
    row[at.pfs_f_enddate] = end;
  }
  if (actualized) {
    const onSite = clamp(start + days(-10, 20), firstDay, dataDate);
    row[at.pfs_ac_startdate] = onSite;
    // Some records still bill without a known end; others have an expected end, often in the future.
    if (chance(0.75)) row[at.pfs_ac_enddate] = clamp(end + days(-15, 60), onSite, lastDay);
    row[at.pfs_equipment] = asset?.code ?? null;
  }
  row[at.pfa_act] = actualized;
  row[at.pfa_dis] = chance(0.05);
  row[at.pfs_ft] = chance(0.1);
  if (chance(0.6))
    row[at.pfa_ca_contract] = `CA-${profile.code.slice(0, 4)}-${1000 + Math.floor(random() * 240)}`;
  row[at.pfs_f_intlastupdated] = Date.UTC(2024, 0, 2) + Math.floor(random() * 880 * 1440) * 60_000;
  row[at.pfs_f_last_change_by] = pick(['JSMITH', 'MGARCIA', 'R.O’NEIL', 'IMPORT', 'LWANG'], random);
  if (chance(0.25)) row[at.pfs_x_vendor_note] = pick(notes, random);
  row[at.pfs_x_wbs] =
    `${1 + Math.floor(random() * 9)}.${Math.floor(random() * 40)}.${Math.floor(random() * 90)}`;
  if (chance(0.9)) row[at.pfs_x_units] = 1 + Math.floor(random() * random() * 6);
  if (chance(0.3)) row[at.pfs_x_reviewed] = Date.UTC(2024, 0, 2) + days(0, 880);
  return row;
}
