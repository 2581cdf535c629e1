import type { IncomingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { run } from '../cli/vanguard.ts';
import { makeMember, one, type Organization } from '../support/make.ts';
import { startRepeatingPems, type RepeatingPems, type SpokenAnswer } from '../support/repeating-pems.ts';
import { until } from '../support/until.ts';
import { processEnvironment, workerProcess, type WorkerProcess } from './process.ts';
import { pushTools } from './push-world.ts';
import { idOf, testWorld } from './world.ts';

// A PEMS that repeats our credentials in every response: no stored text, log or response contains them.

vi.setConfig({ testTimeout: 60_000 });

/** Parts of every secret that look the same in every encoding, to find even fragments. */
const pieces = ['Hd5Qm', 'Wz8Kp'];
const password = String.raw`Hd5Qm"\u&é ß%41+Wz8Kp/<'\ü`;
/** Characters that a header can hold. */
const key = String.raw`Hd5Qm"\u&;%41+=/Wz8Kp<'\x`;
const token = Buffer.from(`vanguard:${password}`).toString('base64');

interface Kind {
  code: string;
  /** As stored: the kind and the headers. */
  authType: string;
  secret: string;
  headers: { key: string; value: string }[];
  lets: (headers: IncomingHttpHeaders) => boolean;
}

const kinds: Kind[] = [
  {
    ...{ code: 'BASIC', authType: 'basic', secret: password, headers: [] },
    lets: ({ authorization }) => authorization === `Basic ${token}`,
  },
  {
    ...{ code: 'APIKEY', authType: 'apiKey', secret: key, headers: [] },
    lets: (headers) => headers['x-api-key'] === key,
  },
  {
    ...{ code: 'BEARER', authType: 'bearer', secret: `${key} ${key}`, headers: [] },
    lets: ({ authorization }) => authorization === `Bearer ${key} ${key}`,
  },
  {
    ...{ code: 'HEADER', authType: 'none', secret: 'unused here' },
    headers: [
      { key: 'X-Session', value: `Token id=${key}` },
      { key: 'tenant', value: 'not sent' },
    ],
    lets: (headers) => headers['x-session'] === `Token id=${key}`,
  },
];

const ascii = (text: string) =>
  JSON.stringify(text).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
const html = (text: string) => text.replace(/[^\w ]/g, (c) => `&#${c.codePointAt(0)};`);
/** The secret in each encoding at once, a password also as sent. */
const repeated = (secret: string) =>
  [
    ...[secret, JSON.stringify(secret), ascii(secret), encodeURIComponent(secret), html(secret)],
    ...[new URLSearchParams({ secret }).toString(), Buffer.from(secret).toString('latin1')],
    ...(secret === password ? [`Basic ${token}`, encodeURIComponent(token)] : []),
  ].join(' ; ');

const alert = (message: string, status = 200): SpokenAnswer => ({
  status,
  body: JSON.stringify({ ErrorAlert: [{ Name: 'NOT_ALLOWED', Message: message }] }),
});
const page = (message: string, status: number): SpokenAnswer => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: `<html><p>${message}</p></html>`,
});

/** Responses of PEMS to a write, by the number of the record. */
const answersToWrites = (secret: string): SpokenAnswer[] => [
  alert(`Your credentials are ${repeated(secret)}`),
  alert(`Your credentials are ${repeated(secret)}`, 400),
  { status: 409, body: `{"ErrorAlert":[{"Name":"X","Message":${ascii(repeated(secret))}}]}` },
  page(repeated(secret), 500),
  page(repeated(secret), 200),
  page(repeated(secret), 404),
  // Cut off inside the secret, and inside an escape sequence of it.
  { status: 200, body: `{"said":"${secret.slice(0, -2)}` },
  { status: 200, body: `{"said":${ascii(secret).slice(0, 10)}` },
  { status: 200, body: `{"said":"${encodeURIComponent(secret).slice(0, 9)}` },
  { status: 200, body: `{"said":"${(secret === password ? token : secret).slice(0, -3)}` },
];
/** Failures that open the breaker, one after the other. */
const answersThatClose = (secret: string): SpokenAnswer[] => [
  { ...page(repeated(secret), 401), headers: { 'www-authenticate': encodeURIComponent(repeated(secret)) } },
  { status: 302, headers: { location: `https://${encodeURIComponent(secret)}.example/` }, body: '' },
  { status: 302, headers: { location: `/?key=${encodeURIComponent(repeated(secret))}` }, body: '' },
];

const size = 12;
const world = await testWorld(
  Object.fromEntries([...kinds, { code: 'INVALID' }].map(({ code }) => [code, size])),
);
const { db } = world;
const { draft, commit, settled, modifications, hurry } = pushTools(world);
let pems: RepeatingPems;
let worker: WorkerProcess;
beforeAll(async () => {
  pems = await startRepeatingPems(world.simulator);
  worker = await workerProcess(db, 'trace');
});
afterAll(() => pems?.[Symbol.asyncDispose]());

async function ground({ code, authType, secret, headers }: Omit<Kind, 'lets'>) {
  const organization = await world.organization(code, { url: pems.url, password: secret, timeoutMs: 400 });
  await db.owner.query(
    'update app_public.api_configurations set auth_type = $2, custom_headers = $3 where id = $1',
    [`test-${code.toLowerCase()}`, ...[authType, JSON.stringify(headers)]],
  );
  return { organization, admin: await makeMember(db, organization, 'admin') };
}

/** Returns every text in the database by location, except entered headers and ciphertexts. */
async function everythingKept(): Promise<Map<string, string>> {
  const { rows: tables } = await db.owner.query<{ name: string }>(
    `select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and (n.nspname like 'app\\_%' or n.nspname = 'graphile_worker')`,
  );
  const kept = new Map<string, string>();
  for (const { name } of tables) {
    const { rows } = await db.owner.query<{ row: Record<string, unknown> }>(
      `select to_jsonb(t) - 'custom_headers' as row from ${name} t`,
    );
    kept.set(
      name,
      rows
        .map(({ row }) =>
          Object.values(row)
            .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
            .join('\n'),
        )
        .join('\n'),
    );
  }
  return kept;
}

/** Includes fragments of a token, wherever it was cut. */
const tokenPieces = Array.from({ length: token.length - 11 }, (_, at) => token.slice(at, at + 12)).filter(
  (piece) => !piece.endsWith('='),
);
function expectNothingIn(text: string, where: string) {
  for (const piece of [...pieces, ...tokenPieces]) {
    const at = text.indexOf(piece);
    if (at >= 0) expect.fail(`${where} holds ${piece}: ${text.slice(Math.max(0, at - 60), at + 80)}`);
  }
}

describe.each(kinds)('$code', (kind) => {
  const { code, secret, headers, lets } = kind;
  const said = code === 'HEADER' ? key : secret;
  let organization: Organization;
  let admin: number;
  const connection = `test-${code.toLowerCase()}`;
  const writes = answersToWrites(said);

  beforeAll(async () => {
    ({ organization, admin } = await ground(kind));
    pems.lets = lets;
    pems.answers = () => undefined;
    // PEMS accepts these credentials, whatever it responds.
    expect(await world.sync(organization)).toMatchObject({ state: 'succeeded', rows_read: size });
    expect(headers.length > 0 || secret !== 'unused here').toBe(true);
  });

  test('changes with such responses get a problem, or are written in the end', async () => {
    const answered = new Set<string>();
    pems.answers = ({ service, body }) => {
      const n =
        Array.from({ length: size }, (_, at) => at + 1).find((one) =>
          body.includes(idOf(organization, one)),
        ) ?? 0;
      if (service === 'griddata') return undefined;
      // Once each: push reads an uncertain record, and writes it again.
      const isWrite = body.includes('"M-');
      const about = `${n} ${isWrite}`;
      if (answered.has(about)) return undefined;
      answered.add(about);
      if (n === writes.length + 1) return alert(repeated(said));
      return isWrite ? writes[n - 1] : undefined;
    };
    for (let n = 1; n <= writes.length + 1; n += 1)
      await draft(organization, admin, idOf(organization, n), { model: `M-${n}` });
    await commit(organization, admin);
    await until('all are settled', async () => {
      await hurry(organization);
      return (await modifications(organization)).every(({ state }) => ['draft', 'synced'].includes(state));
    });
    const all = await modifications(organization);
    const { rows } = await db.owner.query<{ answer: string | null; error_code: string }>(
      'select answer, error_code from app_core.pfa_push_exchange where organization_id = $1 and error_code is not null order by id',
      [organization.id],
    );
    // Each case occurred, and useful texts are kept in part.
    expect(rows.length).toBeGreaterThanOrEqual(writes.length + 1);
    expect(rows.filter(({ answer }) => answer?.includes('***')).length).toBeGreaterThanOrEqual(
      writes.length - 1,
    );
    expect(
      all.filter(({ problems }) => JSON.stringify(problems).includes('***')).length,
    ).toBeGreaterThanOrEqual(1);
  });

  test('the failure of the connection is reported without them', async () => {
    for (const [n, answer] of answersThatClose(said).entries()) {
      pems.answers = () => answer;
      await draft(organization, admin, idOf(organization, 12), { contract: `C-${n}` });
      await commit(organization, admin);
      await until('the breaker is open', async () => {
        const { rows } = await db.owner.query<{ error_message: string }>(
          'select error_message from app_private.pems_state where api_configuration_id = $1 and opened_at is not null',
          [connection],
        );
        if (rows[0]) expectNothingIn(rows[0].error_message, 'the breaker');
        return rows.length > 0;
      });
      if (n === 0) {
        const { code, said: shown } = await run(processEnvironment(db), [
          'push',
          'status',
          organization.code,
        ]);
        expect(code).toBe(0);
        expect(shown).toContain(`Nothing is written over the connection ${connection}`);
        expectNothingIn(shown, 'push status');
      }
      pems.answers = () => undefined;
      await db.owner.query('select app_private.connection_renewed($1)', [connection]);
      await hurry(organization);
      await settled(organization);
    }
  });

  test('the reason of a refused run contains none of them', async () => {
    for (const answer of [
      alert(repeated(said)),
      alert(repeated(said), 400),
      page(repeated(said), 404),
      page(repeated(said), 200),
      ...answersThatClose(said),
    ]) {
      pems.answers = () => answer;
      expect(await world.sync(organization)).toMatchObject({
        state: 'failed',
        error_code: expect.stringMatching(/^PEMS_/) as string,
      });
      const { rows } = await db.owner.query<{ last_error: string }>(
        'select last_error from app_public.api_configurations where id = $1',
        [connection],
      );
      expect(one(rows).last_error).toMatch(/^PEMS|^The answer/);
    }
    pems.answers = () => alert(repeated(said));
    await db.owner.query('select app_private.queue_drift_check($1, 5, null)', [organization.id]);
    await until('the comparison has failed', async () => {
      const { rows } = await db.owner.query(
        'select from app_public.pfa_drift_check where organization_id = $1 and error_message is not null',
        [organization.id],
      );
      return rows.length > 0;
    });
    const tested = await run(processEnvironment(db), ['connection', 'test', organization.code]);
    expect(tested).toMatchObject({ code: 1, complained: expect.stringMatching(/^PEMS_/) as string });
    expectNothingIn(tested.said + tested.complained, 'connection test');
  });

  test('the database, the log and the API contain none of them', async () => {
    for (const [table, text] of await everythingKept()) expectNothingIn(text, table);
    const log = worker.log();
    expect(log).toContain('not synchronized');
    expect(log).toContain('***');
    expectNothingIn(log, 'the log');
    for (const line of log.trim().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow();
    const exchanges = await db.asUser(
      admin,
      async (client) =>
        (
          await client.query<{ request: string; answer: string | null }>(
            'select * from app_public.pfa_push_exchange',
          )
        ).rows,
    );
    expect(exchanges.length).toBeGreaterThan(writes.length);
    expectNothingIn(JSON.stringify(exchanges), 'pushExchanges');
    const explain = ['push', 'explain', organization.code, idOf(organization, 1), '--json'];
    const { code, said: explained } = await run(processEnvironment(db), explain);
    expect(code).toBe(0);
    expect(explained).toContain('***');
    expectNothingIn(explained, 'push explain');
  });
});

test('credentials that no header can hold stop the job, and the error names only the setting', async () => {
  const { organization, admin } = await ground({
    code: 'INVALID',
    authType: 'none',
    secret: 'x',
    headers: [],
  });
  pems.lets = () => true;
  pems.answers = () => undefined;
  expect(await world.sync(organization)).toMatchObject({ state: 'succeeded' });
  const headers = [{ key: 'X-Session', value: `${pieces.join('é')}` }];
  await db.owner.query('update app_public.api_configurations set custom_headers = $1 where id = $2', [
    JSON.stringify(headers),
    'test-invalid',
  ]);
  await draft(organization, admin, idOf(organization, 1), { model: 'M' });
  await commit(organization, admin);
  const error = await until('the job has failed', async () => {
    const { rows } = await db.owner.query<{ last_error: string }>(
      'select last_error from graphile_worker.jobs where key = $1 and last_error is not null',
      [`push:${organization.id}`],
    );
    return rows[0]?.last_error;
  });
  expect(error).toContain('header x-session must be printable');
  for (const [table, text] of await everythingKept()) expectNothingIn(text, table);
  expectNothingIn(worker.log(), 'the log');
});
