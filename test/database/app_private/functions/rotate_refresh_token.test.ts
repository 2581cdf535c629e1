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

/** Result of the exchange, and the current token afterwards. */
async function rotate(token: Buffer, client: Pick<pg.ClientBase, 'query'> = db.authenticator) {
  const next = newToken();
  const { rows } = await client.query<{ user_id: number; session_id: string; is_reused: boolean }>(
    "select * from app_private.rotate_refresh_token($1, $2, '1 day')",
    [token, next],
  );
  return { answer: rows, next };
}

test('exchanges a token for the next one of its family, repeatedly', async () => {
  const first = await start();
  const second = await rotate(first);
  expect(second.answer).toMatchObject([{ user_id: userId, is_reused: false }]);
  const third = await rotate(second.next);
  expect(third.answer).toEqual(second.answer);
});

/** Moves the use of the session's tokens into the past by this time. */
const age = (token: Buffer, by: string) =>
  db.owner.query(
    `update app_private.refresh_tokens t set used_at = used_at - $2::interval
    where session_id = (select session_id from app_private.refresh_tokens where token_hash = $1)`,
    [token, by],
  );

test('a token that is reused later ends its whole session, and no other', async () => {
  const stolen = await start();
  const other = await start();
  const { next } = await rotate(stolen);
  await age(stolen, '11 seconds');
  expect((await rotate(stolen)).answer).toMatchObject([{ user_id: userId, is_reused: true }]);
  expect((await rotate(next)).answer).toEqual([]);
  expect((await rotate(stolen)).answer).toEqual([]);
  expect((await rotate(other)).answer).toMatchObject([{ is_reused: false }]);
});

test('the same token is exchanged again within 10 seconds, because two tabs sent it', async () => {
  const token = await start();
  const [first, second] = [await rotate(token), await rotate(token)];
  expect(second.answer).toEqual(first.answer);
  await age(token, '9 seconds');
  expect((await rotate(token)).answer).toEqual(first.answer);
  // The grace period starts with the first exchange; another exchange does not prolong it.
  await age(token, '2 seconds');
  expect((await rotate(token)).answer).toMatchObject([{ is_reused: true }]);
});

test('after the use of a successor, an earlier token is a reuse at any time', async () => {
  const token = await start();
  const { next } = await rotate(token);
  expect((await rotate(next)).answer).toMatchObject([{ is_reused: false }]);
  expect((await rotate(token)).answer).toMatchObject([{ is_reused: true }]);
  expect((await rotate(next)).answer).toEqual([]);
});

test('a thief with a successor token is detected as soon as both continue', async () => {
  const token = await start();
  const [owner, thief] = [await rotate(token), await rotate(token)];
  await age(token, '11 seconds');
  const ofOwner = await rotate(owner.next);
  expect(ofOwner.answer).toMatchObject([{ is_reused: false }]);
  await age(token, '11 seconds');
  expect((await rotate(thief.next)).answer).toMatchObject([{ is_reused: true }]);
  expect((await rotate(ofOwner.next)).answer).toEqual([]);
});

test('the second of two simultaneous exchanges waits for the first, and sees its result', async () => {
  const token = await start();
  const { next } = await rotate(token);
  const first = await db.authenticator.connect();
  try {
    await first.query('begin');
    expect((await rotate(next, first)).answer).toMatchObject([{ is_reused: false }]);
    const second = rotate(token);
    await untilBlocked(db);
    await first.query('commit');
    // Its successor has been used by now. Without waiting, the exchange would not see it.
    expect((await second).answer).toMatchObject([{ is_reused: true }]);
  } finally {
    first.release();
  }
});

test('unknown, expired and signed-out tokens get nothing', async () => {
  expect((await rotate(newToken())).answer).toEqual([]);
  expect((await rotate(await start(userId, '-1 second'))).answer).toEqual([]);
  const ended = await start();
  await db.authenticator.query('select app_private.end_session($1, false)', [ended]);
  expect((await rotate(ended)).answer).toEqual([]);
});

test('signing out ends the family of the token; signing out everywhere ends all of the user', async () => {
  const [first, other] = [await start(), await start()];
  const { next } = await rotate(first);
  await db.authenticator.query('select app_private.end_session($1, false)', [first]);
  expect((await rotate(next)).answer).toEqual([]);
  const somebodyElse = await start(await makeUser(db));
  await db.authenticator.query('select app_private.end_all_sessions($1)', [userId]);
  expect((await rotate(other)).answer).toEqual([]);
  expect((await rotate(somebodyElse)).answer).toHaveLength(1);
});

test('signing out everywhere needs a token of an active session', async () => {
  const end = async (token: Buffer) =>
    (
      await db.authenticator.query<{ ended: number }>('select app_private.end_session($1, true) as ended', [
        token,
      ])
    ).rows[0]?.ended;
  const user = await makeUser(db);
  const [first, second, third] = [await start(user), await start(user), await start(user)];
  await db.authenticator.query('select app_private.end_session($1, false)', [first]);
  expect(await end(first)).toBe(0);
  expect(await end(newToken())).toBe(0);
  expect(await end(await start(user, '-1 second'))).toBe(0);
  expect((await rotate(third)).answer).toHaveLength(1);
  expect(await end(second)).toBe(3);
  expect((await rotate(second)).answer).toEqual([]);
});

test('the worker later deletes expired tokens and ended sessions, and nothing else', async () => {
  const user = await makeUser(db);
  const remaining = async (): Promise<unknown> =>
    (
      await db.owner.query<{ sessions: number; tokens: number }>(
        `select count(distinct s.id)::integer as sessions, count(t.id)::integer as tokens
        from app_private.sessions s left join app_private.refresh_tokens t on t.session_id = s.id where s.user_id = $1`,
        [user],
      )
    ).rows[0];
  const remove = (keep: string) => db.worker.query('select app_private.delete_expired_sessions($1)', [keep]);
  const [ended] = [await start(user), await start(user, '-8 days'), await start(user, '-6 days')];
  const living = await start(user);
  const { next } = await rotate(living);
  await db.owner.query(
    `update app_private.sessions s set ended_at = now() - interval '8 days' from app_private.refresh_tokens t
    where t.session_id = s.id and t.token_hash = $1`,
    [ended],
  );
  expect(await remaining()).toEqual({ sessions: 4, tokens: 5 });
  await remove('9 days');
  expect(await remaining()).toEqual({ sessions: 4, tokens: 5 });
  await remove('7 days');
  expect(await remaining()).toEqual({ sessions: 2, tokens: 3 });
  await remove('0 days');
  expect(await remaining()).toEqual({ sessions: 1, tokens: 2 });
  expect((await rotate(next)).answer).toHaveLength(1);
});

test.each(['sessions', 'refresh_tokens'])(
  'no role reads %s, not even the one that exchanges tokens',
  async (table) => {
    const ask = `select * from app_private.${table}`;
    await expect(db.authenticator.query(ask)).rejects.toMatchObject({ code: '42501' });
    await expect(db.worker.query(ask)).rejects.toMatchObject({ code: '42501' });
  },
);
