import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { ask, db, findOrganization, heading, makePerson, openOrganization } from './browser.ts';
import { changeInPems, untilRead, writeInPems } from './pems.ts';

// Problems that keep drafts from being submitted: they appear without a reload, show all sides, and are resolved one by
// one, several or all at once.

const code = 'KITIMAT';
interface PfaRecord {
  pfaId: string;
  revision: number;
  data: Record<string, unknown>;
}

const card = (page: Page, pfaId: string) =>
  page.getByRole('list', { name: 'Problems' }).getByRole('listitem', { name: pfaId, exact: true });
const side = (page: Page, pfaId: string, key: string, which: string) =>
  card(page, pfaId).locator(`[data-key=${key}] [data-side=${which}] dd`);

/** Records that only this file uses, because no other file uses the organization. */
async function recordsOf(username: string): Promise<PfaRecord[]> {
  await untilRead(code);
  const { records } = await ask<{ records: PfaRecord[] }>(username, 'GET', `/api/pfa/${code}?limit=1000`);
  return records.filter(({ data }) => !data.isDiscontinued);
}

const draft = (
  { username }: { username: string },
  { pfaId, revision }: PfaRecord,
  changes: Record<string, unknown>,
) => ask(username, 'POST', `/api/pfa/${code}/draft`, { recordId: pfaId, revision, changes });

test('conflicts appear without a reload, show all sides, and are resolved with mine, theirs, another value, or all at once', async () => {
  const opened = await openOrganization(code, { path: 'problems', role: 'owner' });
  const { page, username } = opened;
  await page.getByText('No problems').waitFor();
  const [a, b, c, ...others] = (await recordsOf(username)).slice(0, 6) as [
    PfaRecord,
    PfaRecord,
    PfaRecord,
    ...PfaRecord[],
  ];
  for (const record of [a, b, c, ...others]) await draft(opened, record, { model: 'Mine', category: 'MINE' });
  await changeInPems(
    username,
    code,
    [a, b, c, ...others].map(({ pfaId }) => ({
      id: pfaId,
      values: { pfs_f_model: 'Theirs', ...(pfaId === c.pfaId ? { pfs_f_category: 'THEIRS' } : {}) },
    })),
  );
  await card(page, a.pfaId).waitFor();
  await page.getByRole('list', { name: 'Your work' }).getByText('6 problems').waitFor();
  expect(await side(page, a.pfaId, 'model', 'base').textContent()).toBe(a.data.model ?? 'empty');
  expect(await side(page, a.pfaId, 'model', 'theirs').textContent()).toBe('Theirs');
  expect(await side(page, a.pfaId, 'model', 'mine').textContent()).toBe('Mine');
  await card(page, a.pfaId).getByText('Another user changed this value after you drafted it.').waitFor();

  const row = (pfaId: string, key: string) => card(page, pfaId).locator(`[data-key=${key}]`);
  const draftOf = async (pfaId: string) => {
    const { rows } = await db.owner.query<{ delta: Record<string, unknown>; problems: object }>(
      `select m.delta, m.problems from app_core.pfa_modification m join app_public.users u on u.id = m.user_id
      where u.username = $1 and m.pfa_id = $2 and m.state = 'draft'`,
      [username, pfaId],
    );
    return rows[0];
  };
  await row(a.pfaId, 'model').getByRole('button', { name: 'Keep mine' }).click();
  await card(page, a.pfaId).waitFor({ state: 'detached' });
  expect(await draftOf(a.pfaId)).toEqual({ delta: { model: 'Mine', category: 'MINE' }, problems: {} });
  await row(b.pfaId, 'model').getByRole('button', { name: 'Take theirs' }).click();
  await card(page, b.pfaId).waitFor({ state: 'detached' });
  expect(await draftOf(b.pfaId)).toEqual({ delta: { category: 'MINE' }, problems: {} });
  await page.getByRole('button', { name: 'Undo' }).last().click();
  // My value is a draft again, on top of the current value.
  await until(
    'it is drafted again',
    async () => JSON.stringify((await draftOf(b.pfaId))?.delta).includes('"model":"Mine"') === true,
  );

  // A third value must pass the same rules as a draft.
  await row(c.pfaId, 'model').getByRole('button', { name: 'Another value' }).click();
  const third = page.getByLabel('Another model');
  await third.fill('x'.repeat(201));
  await page.getByRole('button', { name: 'Use this value' }).click();
  await page.getByText(/^Enter at most \d+ characters/).waitFor();
  await third.fill('Third');
  await page.keyboard.press('Enter');
  await row(c.pfaId, 'model').waitFor({ state: 'detached' });
  expect(await draftOf(c.pfaId)).toMatchObject({ delta: { model: 'Third' }, problems: { category: {} } });

  // Two problems at once.
  await page.getByRole('checkbox', { name: `Select Model of ${others[0]?.pfaId}` }).check();
  await page.getByRole('checkbox', { name: `Select Category of ${c.pfaId}` }).check();
  await page.getByText('2 values selected').waitFor();
  await page.getByRole('button', { name: 'Keep mine' }).first().click();
  await card(page, c.pfaId).waitFor({ state: 'detached' });
  await card(page, others[0]?.pfaId ?? '').waitFor({ state: 'detached' });

  await page.getByRole('button', { name: 'Take all theirs…' }).click();
  await page.getByText('Take theirs for all problems of 2 records?').waitFor();
  await page.getByRole('button', { name: 'Take all theirs', exact: true }).click();
  await page.getByText('No problems').waitFor();
  for (const { pfaId } of others.slice(1))
    expect(await draftOf(pfaId)).toEqual({ delta: { category: 'MINE' }, problems: {} });
}, 90_000);

test('a change that PEMS rejects returns with its message, and a later change keeps it from being resolved unseen', async () => {
  const opened = await openOrganization(code, { path: 'problems' });
  const { page, username } = opened;
  const record = (await recordsOf(username)).find(
    ({ data }, i) => i > 6 && data.forecastStart && data.forecastEnd && !data.isActualized,
  ) as PfaRecord;
  const { pfaId } = record;
  await draft(opened, record, { forecastEnd: '2031-06-30', contract: 'C-1' });
  // Another writer moves the start in PEMS, and no sync has read it yet.
  await writeInPems(code, [{ id: pfaId, values: { pfs_f_startdate: '2032-01-01' } }]);
  await ask(username, 'POST', `/api/pfa/${code}/commit`, {});
  await card(page, pfaId).getByText('Rejected by PEMS').waitFor();
  await card(page, pfaId).getByText('Forecast End cannot be before Forecast Start').waitFor();

  // Simulates a change by another user before the page receives its event.
  await page.route('**/graphql', (route) => {
    const body = route.request().postData() ?? '';
    if (!body.includes('mutation ResolveProblems')) return route.fallback();
    const sent = JSON.parse(body) as { variables: { resolutions: object[] } };
    const resolutions = sent.variables.resolutions.map((one) => ({ ...one, revision: '1' }));
    return route.continue({
      postData: JSON.stringify({ ...sent, variables: { ...sent.variables, resolutions } }),
    });
  });
  await card(page, pfaId).getByRole('button', { name: 'Keep mine' }).click();
  await card(page, pfaId).getByRole('alert').getByText('nothing was saved').waitFor();
  await page.unroute('**/graphql');
  await card(page, pfaId)
    .getByRole('button', { name: `History of ${pfaId}` })
    .click();
  await page.getByRole('list', { name: `History of ${pfaId}` }).waitFor();
  await page.keyboard.press('Escape');
  await card(page, pfaId).getByRole('button', { name: 'Take theirs' }).click();
  await page.getByText('No problems').waitFor();
}, 90_000);

test('an owner takes over or discards drafts that other users left', async () => {
  const { page, username } = await openOrganization(code, { path: 'problems', role: 'owner' });
  await heading(page, 'Problems').waitFor();
  const records = await recordsOf(username);
  const leavers = [await makePerson({ [code]: 'member' }), await makePerson({ [code]: 'member' })] as const;
  for (const [i, leaver] of leavers.entries())
    await draft({ username: leaver }, records[8 + i] as PfaRecord, { model: 'Left behind' });
  // Drafts of active members stay with them.
  await db.owner.query(`update app_public.users set is_active = false where username = any ($1)`, [leavers]);
  await page.reload();
  const [taken, discarded] = leavers;
  await page.getByRole('button', { name: `Take over drafts of ${taken}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Take over', exact: true }).click();
  await page.getByText(`1 draft of ${taken} taken over.`).waitFor();
  await page.getByRole('list', { name: 'Your work' }).getByText('1 draft').waitFor();
  await page.getByRole('button', { name: `Discard drafts of ${discarded}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Discard', exact: true }).click();
  await page.getByRole('button', { name: `Discard drafts of ${discarded}` }).waitFor({ state: 'detached' });
  const { rows } = await db.owner.query<{ username: string }>(
    `select u.username from app_core.pfa_modification m join app_public.users u on u.id = m.user_id
    where m.organization_id = $1 and m.pfa_id = any ($2) and m.state = 'draft'`,
    [(await findOrganization(code)).id, records.slice(8, 10).map(({ pfaId }) => pfaId)],
  );
  expect(rows).toEqual([{ username }]);
});
