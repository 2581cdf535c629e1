import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { untilBlocked } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeUser } from '../../../support/make.ts';

const db = await testDatabase();
const userId = await makeUser(db);

const newToken = () => createHash('sha256').update(randomBytes(32)).digest();

async function start(user = userId, lifetime = '1 day'): Promise<Buffer> {
  const token = newToken();
  await db.authenticator.query("select app_private.set_password($1, '$argon2id$its', false)", [user]);
  await db.authenticator.query("select app_private.start_session($1, '$argon2id$its', $2, $3::interval)", [
    user,
    token,
    lifetime,
  ]);
  return token;
}

/** What the exchange answers, and the token that one has then. */
async function rotate(token: Buffer, client: Pick<pg.ClientBase, 'query'> = db.authenticator) {
  const next = newToken();
  const { rows } = await client.query<{ user_id: number; family_id: string; is_reused: boolean }>(
    "select * from app_private.rotate_refresh_token($1, $2, '1 day')",
    [token, next],
  );
  return { answer: rows, next };
}

test('exchanges a token for the next one of its family, once and again', async () => {
  const first = await start();
  const second = await rotate(first);
  expect(second.answer).toMatchObject([{ user_id: userId, is_reused: false }]);
  const third = await rotate(second.next);
  expect(third.answer).toEqual(second.answer);
});

test('a token that comes a second time signs its whole family out, and no other', async () => {
  const stolen = await start();
  const other = await start();
  const { next } = await rotate(stolen);
  expect((await rotate(stolen)).answer).toMatchObject([{ user_id: userId, is_reused: true }]);
  expect((await rotate(next)).answer).toEqual([]);
  expect((await rotate(stolen)).answer).toEqual([]);
  expect((await rotate(other)).answer).toMatchObject([{ is_reused: false }]);
});

test('of two exchanges at once one wins, and the other is a reuse', async () => {
  const token = await start();
  const first = await db.authenticator.connect();
  try {
    await first.query('begin');
    expect((await rotate(token, first)).answer).toMatchObject([{ is_reused: false }]);
    const second = rotate(token);
    await untilBlocked(db);
    await first.query('commit');
    expect((await second).answer).toMatchObject([{ is_reused: true }]);
  } finally {
    first.release();
  }
});

test('an unknown token, one that expired and one that was signed out get nothing', async () => {
  expect((await rotate(newToken())).answer).toEqual([]);
  expect((await rotate(await start(userId, '-1 second'))).answer).toEqual([]);
  const ended = await start();
  await db.authenticator.query('select app_private.end_session($1)', [ended]);
  expect((await rotate(ended)).answer).toEqual([]);
});

test('signing out ends the family of the token; signing out everywhere, all of the user', async () => {
  const [first, other] = [await start(), await start()];
  const { next } = await rotate(first);
  await db.authenticator.query('select app_private.end_session($1)', [first]);
  expect((await rotate(next)).answer).toEqual([]);
  const somebodyElse = await start(await makeUser(db));
  await db.authenticator.query('select app_private.end_all_sessions($1)', [userId]);
  expect((await rotate(other)).answer).toEqual([]);
  expect((await rotate(somebodyElse)).answer).toHaveLength(1);
});

test('nobody reads the tokens, not even who exchanges them', async () => {
  const ask = 'select * from app_private.refresh_tokens';
  await expect(db.authenticator.query(ask)).rejects.toMatchObject({ code: '42501' });
  await expect(db.worker.query(ask)).rejects.toMatchObject({ code: '42501' });
});
