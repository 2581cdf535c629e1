import { expect, test } from 'vitest';
import pg from 'pg';
import { refusal, sqlstates } from '../../src/sqlstates.ts';
import { testDatabase } from '../support/database.ts';

// Tests the errors that PostgreSQL raises, and the responses to clients, which contain no internal names.

const db = await testDatabase();

const provoked: [state: string, sql: string][] = [
  [
    '22001',
    "select app_private.planted_code()::varchar(1); insert into planted (short) values ('secret words')",
  ],
  ['22003', "select '99999999999'::integer"],
  ['22004', "select format('%I', null::text)"],
  ['22007', "select 'secret words'::date"],
  ['22008', "select '2025-02-30'::date"],
  ['22012', 'select 1 / (select 0 from planted_one)'],
  ['22021', "select convert_from('\\xff', 'UTF8')"],
  ['22023', "select jsonb_each_text('[1]'::jsonb)"],
  ['22026', "select 1::bit(3) & '1010'::bit(4)"],
  ['22P02', "select 'secret words'::integer"],
  ['22P02', "select 'secret words'::app_private.planted_kind"],
  ['22P02', "select '{secret words'::jsonb"],
  ['2201B', "select 'x' ~ '('"],
  ['2201W', 'select 1 limit -1'],
  ['2202E', 'select array_fill(0, array[1], array[1, 2])'],
  ['22P05', `select '"\\u0000"'::jsonb`],
  ['23502', 'insert into planted (id) values (null)'],
  ['23503', 'insert into planted (id, parent) values (2, 77)'],
  ['23505', 'insert into planted (id) values (1)'],
  ['23514', "insert into planted (id, short) values (3, '!')"],
  ['42501', 'set local role vanguard_visitor; select * from app_private.user_passwords'],
  ['42601', 'secret words'],
  ['42703', 'select nothing from app_private.user_passwords'],
  ['42883', 'select app_private.nothing()'],
  ['42P01', 'select * from app_private.nothing'],
  ['54001', 'select app_private.planted_depth()'],
  [
    '57014',
    'set local statement_timeout = 5; select pg_sleep(5) from app_public.users right join planted_one on true',
  ],
  ['0A000', 'select count(*) from planted for update'],
  ['P0001', "do $$ begin raise 'app_private.user_passwords holds secret words'; end $$"],
  ['P0002', 'do $$ declare x integer; begin select 1 into strict x from planted where id = 99; end $$'],
];

const setUp = `
  create type app_private.planted_kind as enum ('a');
  create temporary table planted_one as select 0 as zero;
  create temporary table planted (id integer primary key, parent integer references planted, short varchar(3) check (short <> '!'));
  insert into planted values (1);
  create function app_private.planted_code() returns text language sql return 'a';
  create function app_private.planted_depth() returns integer language plpgsql set search_path = pg_catalog
    as 'begin return app_private.planted_depth() + 1; end'`;

/** Internal names, terms of PostgreSQL, and values of the statement. */
const internals =
  /app_|planted|pg_|jsonb?|integer|relation|column|constraint|function|schema|user_passwords|secret/i;

test.each(provoked)('%s: %s', async (state, sql) => {
  const error = await db
    .asOwner(async (client) => {
      await client.query(setUp);
      await client.query(sql);
    })
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  expect(error).toBeInstanceOf(pg.DatabaseError);
  const { code = '' } = error as pg.DatabaseError;
  const told = refusal(error);
  // An unlisted state, which is an internal error, reveals the least.
  const known = sqlstates[code] ?? sqlstates[code.slice(0, 2)];
  expect(told.status).toBe(known?.status ?? 500);
  expect(JSON.stringify(told)).not.toMatch(internals);
  expect(code).toBe(state);
});

test('only errors that the product raises keep their own messages', () => {
  const worded = Object.entries(sqlstates).filter(([, { message }]) => message === undefined);
  expect(worded.map(([state]) => state.slice(0, 2))).toEqual(worded.map(() => 'VG'));
});
