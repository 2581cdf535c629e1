import { randomUUID } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VanguardError } from '../errors.ts';
import type { Exchange, PemsConnection } from '../pems/index.ts';

/** What a recording holds beside the answers. */
export interface RecordingManifest {
  format: 'vanguard-pems-recording';
  version: 1;
  /** Tells recordings apart. */
  id: string;
  /** The masked code of the organization: to be asked for in a replay. */
  organization: string;
  /** Settings of the connection that decide how answers are read. */
  connection: Pick<
    PemsConnection,
    'requestType' | 'dateOrder' | 'filterDateFormat' | 'yearFormat' | 'grid' | 'screen'
  >;
  /** What was masked, for those who look at the folder before they send it. */
  masking: string[];
  /** In the order in which they were asked; the answer is in `file`. */
  exchanges: (Omit<Exchange, 'answer'> & { file: string })[];
}

export const manifestName = 'manifest.json';

const masking = [
  'Letters and digits are replaced by others of the same class; length and punctuation stay. Zeros in numbers stay.',
  'Dates stay dates: a part up to 12 stays up to 12, a day above 12 stays above, the year moves by some years.',
  'Flags, RENTAL, PURCHASE, BEO and PROJECT stay, and the words of alerts that say why PEMS refused.',
  'Names of columns, fields, grids and screens stay.',
  'Address, credentials, tenant and headers are not kept.',
];

/** @throws VanguardError `RECORDING_FOLDER_TAKEN` if the folder holds anything */
export async function checkFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await readdir(folder)).length === 0) return;
  throw new VanguardError('RECORDING_FOLDER_TAKEN', `The folder ${folder} is not empty.`, {
    hint: 'Give a new or empty folder. Nothing there was touched.',
  });
}

/** Writes the answers and, last, the manifest: a folder without one is not finished. */
export async function writeRecording(
  folder: string,
  exchanges: readonly Exchange[],
  { organization, connection }: { organization: string; connection: PemsConnection },
): Promise<{ id: string; kept: number }> {
  const { requestType, dateOrder, filterDateFormat, yearFormat, grid, screen } = connection;
  const listed: RecordingManifest['exchanges'] = [];
  for (const [index, { answer, ...exchange }] of exchanges.entries()) {
    const isJson = 'json' in answer;
    const file = `${index + 1}-${exchange.service}.${isJson ? 'json' : 'txt'}`;
    await writeNew(join(folder, file), isJson ? `${JSON.stringify(answer.json, null, 1)}\n` : answer.text);
    listed.push({ ...exchange, file });
  }
  const manifest: RecordingManifest = {
    format: 'vanguard-pems-recording',
    version: 1,
    id: randomUUID(),
    organization,
    connection: { requestType, dateOrder, filterDateFormat, yearFormat, grid, screen },
    masking,
    exchanges: listed,
  };
  await writeNew(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
  return { id: manifest.id, kept: exchanges.length };
}

const writeNew = (path: string, text: string): Promise<void> =>
  writeFile(path, text, { flag: 'wx', mode: 0o600 });
