import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { testDatabase } from '../../../support/database.ts';
import { makeUser } from '../../../support/make.ts';

const db = await testDatabase();

const ask = async <T>(text: string, values: unknown[]): Promise<T> => {
  const { rows } = await db.authenticator.query<{ answer: T }>(`select ${text} as answer`, values);
  return rows[0]!.answer;
};
const setPassword = (user: number, hash: string) =>
  ask('app_private.set_password($1, $2, false)', [user, hash]);
const startSession = (user: number, hash: string, token = randomBytes(32)) =>
  ask<string | null>("app_private.start_session($1, $2, $3, interval '1 day')", [user, hash, token]);
const change = (user: number, from: string, to: string) =>
  ask<boolean>('app_private.change_password($1, $2, $3)', [user, from, to]);

test('a session begins only with the current password', async () => {
  const user = await makeUser(db);
  await setPassword(user, '$argon2id$old');
  expect(await startSession(user, '$argon2id$old')).toMatch(/^[0-9a-f-]{36}$/);
  expect(await change(user, '$argon2id$old', '$argon2id$new')).toBe(true);
  // A sign-in that compared the old password before the change, and begins its session after it.
  expect(await startSession(user, '$argon2id$old')).toBeNull();
  expect(await startSession(user, '$argon2id$new')).not.toBeNull();
});

test('no session begins for a user who was disabled in the meantime', async () => {
  const user = await makeUser(db);
  await setPassword(user, '$argon2id$its');
  await db.owner.query('update app_public.users set is_active = false where id = $1', [user]);
  expect(await startSession(user, '$argon2id$its')).toBeNull();
});

test('changing the password ends every session, in one step', async () => {
  const user = await makeUser(db);
  await setPassword(user, '$argon2id$old');
  const token = randomBytes(32);
  await startSession(user, '$argon2id$old', token);
  await change(user, '$argon2id$old', '$argon2id$new');
  const { rows } = await db.authenticator.query(
    "select from app_private.rotate_refresh_token($1, $2, interval '1 day')",
    [token, randomBytes(32)],
  );
  expect(rows).toEqual([]);
});

test('a password that changed in the meantime stays, and no session ends', async () => {
  const user = await makeUser(db);
  await setPassword(user, '$argon2id$newer');
  const token = randomBytes(32);
  await startSession(user, '$argon2id$newer', token);
  expect(await change(user, '$argon2id$old', '$argon2id$mine')).toBe(false);
  const { rows } = await db.authenticator.query(
    "select from app_private.rotate_refresh_token($1, $2, interval '1 day')",
    [token, randomBytes(32)],
  );
  expect(rows).toHaveLength(1);
});
