import { randomUUID } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VanguardError } from '../errors.ts';
import type { Exchange, PemsConnection } from '../pems/index.ts';

/** Content of a recording besides the responses. */
export interface RecordingManifest {
  format: 'vanguard-pems-recording';
  version: 1;
  /** Identifies the recording. */
  id: string;
  /** The masked code of the organization, for requests in a replay. */
  organization: string;
  /** Settings of the connection that affect how responses are read. */
  connection: Pick<
    PemsConnection,
    'requestType' | 'dateOrder' | 'filterDateFormat' | 'yearFormat' | 'grid' | 'screen'
  >;
  /** The masked kinds of values, for users who check the folder before they send it. */
  masking: string[];
  /** In the order of the requests; `file` contains the response. */
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

/** @throws VanguardError `RECORDING_FOLDER_TAKEN` if the folder is not empty */
export async function checkFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await readdir(folder)).length === 0) return;
  throw new VanguardError('RECORDING_FOLDER_TAKEN', `The folder ${folder} is not empty.`, {
    hint: 'Give a new or empty folder. Nothing there was touched.',
  });
}

/** Writes the responses and, last, the manifest: a folder without a manifest is incomplete. */
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
