import type { Locator, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { ask, db, findOrganization, heading, openOrganization } from './browser.ts';
import { faults, noFaults, writesOf } from './pems.ts';

// The changes page: review, submit, follow until PEMS has confirmed, withdraw, and check the history.

interface PfaRecord {
  pfaId: string;
  revision: number;
  data: Record<string, unknown>;
}

const drafts = (page: Page) => page.getByRole('table', { name: 'My drafts' });
const receipts = (page: Page) => page.getByRole('table', { name: 'Submitted changes' });
const rowOf = (page: Page, pfaId: string) => page.getByRole('row', { name: pfaId, exact: true });
const money = new Intl.NumberFormat('en-US', {
  style: 'currency',
  currency: 'USD',
  signDisplay: 'exceptZero',
});
/** Exact, because `not confirmed yet` means the opposite. */
const confirmed = (receipt: Locator) => receipt.getByText('Confirmed', { exact: true });
const total = (page: Page) => page.locator('[data-total="forecastCostChange"]');

/** Returns purchases, so that a price counts as a cost, from records of RIO that only this file uses. */
async function purchases(username: string, count: number, skip: number): Promise<PfaRecord[]> {
  const { records } = await ask<{ records: PfaRecord[] }>(username, 'GET', '/api/pfa/RIO?limit=1000');
  return records
    .filter(
      ({ data }) => data.source === 'Purchase' && !data.isDiscontinued && Number(data.purchasePrice) > 0,
    )
    .slice(-skip - count, -skip || undefined);
}

const draft = (username: string, { pfaId, revision }: PfaRecord, changes: Record<string, unknown>) =>
  ask(username, 'POST', '/api/pfa/RIO/draft', { recordId: pfaId, revision, changes });

test('drafts show old and new values and costs; discarded drafts can be restored', async () => {
  const { page, username } = await openOrganization('RIO', { path: 'changes' });
  await page.getByText('No drafts').waitFor();
  const made = await purchases(username, 3, 0);
  for (const [i, record] of made.entries())
    await draft(username, record, {
      purchasePrice: Number(record.data.purchasePrice) + (i + 1) * 0.1,
      ...(i === 0 ? { category: '<img src=x onerror=alert(1)>' } : {}),
    });
  // The rows appear without a reload.
  await drafts(page).getByRole('row').nth(3).waitFor();
  const [first, second, third] = made as [PfaRecord, PfaRecord, PfaRecord];
  const row = rowOf(page, first.pfaId);
  await row.locator('[data-key=purchasePrice]').waitFor();
  const plain = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });
  expect(await row.locator('[data-key=purchasePrice]').textContent()).toBe(
    `Purchase price from ${plain.format(Number(first.data.purchasePrice))} → to ${plain.format(Number(first.data.purchasePrice) + 0.1)}`,
  );
  expect(await row.locator('[data-key=category]').textContent()).toContain('<img src=x');
  expect(await row.getByRole('cell').nth(2).textContent()).toContain(money.format(0.1));
  // 0.1 + 0.2 + 0.3, as the database adds it up.
  await until(
    'the total is there',
    async () => (await total(page).textContent())?.includes('+$0.60') ?? false,
  );

  await page.getByRole('checkbox', { name: `Select ${second.pfaId}` }).uncheck();
  await until(
    'it follows the selection',
    async () => (await total(page).textContent())?.includes('+$0.40') ?? false,
  );
  await page.getByRole('button', { name: 'Discard …' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Discard 2 records' }).click();
  await rowOf(page, third.pfaId).waitFor({ state: 'detached' });
  expect(await rowOf(page, second.pfaId).count()).toBe(1);
  await page.getByRole('button', { name: 'Undo' }).click();
  await rowOf(page, third.pfaId).waitFor();
  await page.getByRole('link', { name: third.pfaId }).click();
  await page.waitForURL(/records\?.*q=/);
  await page.getByRole('rowheader', { name: third.pfaId }).waitFor();
}, 90_000);

describe('submitting', () => {
  test('shows changes as confirmed only after PEMS confirmed them, with a receipt and a history', async () => {
    const { page, username } = await openOrganization('RIO', { path: 'changes' });
    const [one, two] = (await purchases(username, 2, 3)) as [PfaRecord, PfaRecord];
    const wanted = Number(one.data.purchasePrice) + 1000;
    await draft(username, one, { purchasePrice: wanted });
    await draft(username, two, { model: 'Stays' });
    await rowOf(page, two.pfaId).waitFor();
    await page.getByLabel('Comment').fill('Storm of May');
    // The comment survives a visit to another page.
    await page.getByRole('link', { name: 'Records', exact: true }).click();
    await heading(page, 'Records').waitFor();
    await page.goBack();
    expect(await page.getByLabel('Comment').inputValue()).toBe('Storm of May');
    await page.getByRole('checkbox', { name: `Select ${two.pfaId}` }).uncheck();
    await faults({
      kind: 'latency',
      ms: 60_000,
      probability: 1,
      match: { service: 'screen', id: one.pfaId },
    });
    try {
      await page.getByRole('button', { name: 'Submit 1 record' }).click();
      await page.getByText('1 record submitted,').waitFor();
      await rowOf(page, one.pfaId).waitFor({ state: 'detached' });
      expect(await rowOf(page, two.pfaId).count()).toBe(1);
      await page.getByRole('button', { name: 'Track progress' }).click();
      const receipt = receipts(page).getByRole('row', { name: one.pfaId, exact: true });
      await receipt.getByText('Being written').waitFor();
      await page.getByText('0 of 1 record confirmed').waitFor();
      expect(await writesOf(one.pfaId)).toEqual([]);
      expect(await confirmed(receipt).count()).toBe(0);
    } finally {
      await noFaults();
    }
    const receipt = receipts(page).getByRole('row', { name: one.pfaId, exact: true });
    await confirmed(receipt).waitFor();
    expect(await writesOf(one.pfaId)).toMatchObject([{ came: { pfs_f_price: wanted } }]);
    await page.getByText('Nothing is pending.').waitFor();

    // The progress survives a reload.
    await page.reload();
    await confirmed(receipt).waitFor();
    await receipt.getByText('Storm of May').waitFor();
    await receipt.getByText('by you').waitFor();
    await receipt.getByRole('button', { name: `History of ${one.pfaId}` }).click();
    const history = page.getByRole('list', { name: `History of ${one.pfaId}` });
    await history.waitFor();
    const entries = await history.locator('> li').allTextContents();
    expect(entries.map((text) => /drafted it|submitted it|PEMS confirmed it/.exec(text)?.[0])).toEqual([
      'PEMS confirmed it',
      'submitted it',
      'drafted it',
    ]);
    expect(entries[1]).toContain('Purchase price');
    await page.keyboard.press('Escape');
    await history.waitFor({ state: 'detached' });
    await page.goto(`/o/RIO/records/${one.pfaId}/history`);
    await heading(page, `History of ${one.pfaId}`).waitFor();
    await history.waitFor();
    expect(await history.locator('> li').count()).toBe(3);
  }, 90_000);

  test('says what stays in the draft and why', async () => {
    const { page, username } = await openOrganization('RIO', { path: 'changes' });
    const [record] = (await purchases(username, 1, 5)) as [PfaRecord];
    await draft(username, record, { category: 'Reversed' });
    await rowOf(page, record.pfaId).waitFor();
    // A rule that was added after the draft.
    await db.owner.query(
      `update app_core.pfa_modification m set delta = delta || '{"source": "Leasing"}', base = base || '{"source": "Purchase"}'
      where m.organization_id = $1 and m.pfa_id = $2 and m.state = 'draft'
        and m.user_id = (select id from app_public.users where username = $3)`,
      [(await findOrganization('RIO')).id, record.pfaId, username],
    );
    await page.getByRole('button', { name: 'Submit 1 record' }).click();
    await page.getByText('1 value stays in your draft:').waitFor();
    await page.getByText(/is not one of .* Correct the record and submit again\./).waitFor();
    await until('the rest has gone', async () => {
      const left = await rowOf(page, record.pfaId).locator('[data-key]').allTextContents();
      return left.length === 1 && left[0]?.includes('Leasing');
    });
  });

  test('is not reported as done after a lost response until the server has been asked', async () => {
    const { page, username } = await openOrganization('RIO', { path: 'changes' });
    const [arrived, lost] = (await purchases(username, 2, 6)) as [PfaRecord, PfaRecord];
    await draft(username, arrived, { model: 'Arrived' });
    await rowOf(page, arrived.pfaId).waitFor();
    let answer = (): void => undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    await page.route('**/graphql', async (route) => {
      const body = route.request().postData() ?? '';
      if (body.includes('query CommittedSince')) await held;
      if (!body.includes('mutation CommitDrafts')) return route.fallback();
      await route.fetch();
      await route.abort();
    });
    await page.getByRole('button', { name: 'Submit 1 record' }).click();
    await page.getByText('The result of your submission is unknown.').waitFor();
    expect(await page.getByText(/records? submitted/).count()).toBe(0);
    answer();
    await page.getByText('1 record submitted.').waitFor();
    await page.unroute('**/graphql');

    await draft(username, lost, { model: 'Lost' });
    await rowOf(page, lost.pfaId).waitFor();
    await page.route('**/graphql', (route) =>
      route.request().postData()?.includes('mutation CommitDrafts') ? route.abort() : route.fallback(),
    );
    await page.getByRole('button', { name: 'Submit 1 record' }).click();
    await page.getByText('Not submitted').waitFor();
    expect(await rowOf(page, lost.pfaId).count()).toBe(1);
    await page.unroute('**/graphql');
    await page.getByRole('button', { name: 'Submit 1 record' }).click();
    await page.getByText('1 record submitted,').waitFor();
  }, 90_000);

  test('can be withdrawn while it waits, and reports that PEMS cannot be reached', async () => {
    const { page, username } = await openOrganization('RIO', { path: 'changes' });
    const organization = await findOrganization('RIO');
    const [record] = (await purchases(username, 1, 8)) as [PfaRecord];
    await db.owner.query('insert into app_private.pfa_push_pause (organization_id) values ($1)', [
      organization.id,
    ]);
    try {
      await draft(username, record, { model: 'Taken back' });
      await page.getByRole('button', { name: 'Submit 1 record' }).click();
      await page.getByText('Waiting: sending to PEMS is paused').waitFor();
      await page.getByRole('tab', { name: 'Submitted' }).click();
      const receipt = receipts(page).getByRole('row', { name: record.pfaId, exact: true });
      await receipt.getByText('Waiting').waitFor();
      await page.reload();
      await page.getByText('Waiting: sending to PEMS is paused').waitFor();
      await receipt.getByRole('button', { name: `Withdraw change to ${record.pfaId}` }).click();
      await page.getByText('1 record moved back to your drafts.').waitFor();
      await receipt.waitFor({ state: 'detached' });
      await page.getByRole('tab', { name: 'To submit (1)' }).click();
      await rowOf(page, record.pfaId).waitFor();
    } finally {
      await db.owner.query('delete from app_private.pfa_push_pause where organization_id = $1', [
        organization.id,
      ]);
    }
    expect(await writesOf(record.pfaId)).toEqual([]);
  });
});

test('thousands of drafts are paged, and all or all but some are submitted', async () => {
  const { page, username } = await openOrganization('HOLNG', { path: 'changes' });
  const organization = await findOrganization('HOLNG');
  await ask(username, 'POST', '/graphql', {
    query: `mutation ($id: Int!) { applyBulk(input: { organizationId: $id, skipRefused: true,
      selection: { filter: { source: { equalTo: "Purchase" } } }, operation: { set: { model: "Bulk" } } }) { result { changedCount } } }`,
    variables: { id: organization.id },
  });
  await drafts(page).getByRole('row').nth(50).waitFor();
  const title = page.getByRole('heading', { level: 2, name: /^All [\d,]+ records selected$/ });
  const count = Number((await title.textContent())?.replace(/\D/g, ''));
  expect(count).toBeGreaterThan(2000);
  expect(await drafts(page).getByRole('row').count()).toBe(51);
  const first = await drafts(page).getByRole('rowheader').first().textContent();
  await page.getByRole('button', { name: 'Next page' }).click();
  await page.waitForURL(/page=2/);
  await until(
    'others are shown',
    async () => (await drafts(page).getByRole('rowheader').first().textContent()) !== first,
  );
  await page
    .getByRole('checkbox', { name: /^Select HOLNG/ })
    .first()
    .uncheck();
  const rest = new Intl.NumberFormat('en-US').format(count - 1);
  await page.getByRole('button', { name: `Submit ${rest} records` }).waitFor();
  await page.getByRole('button', { name: 'Discard …' }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `Discard ${rest} records` })
    .click();
  await page.getByRole('heading', { level: 2, name: 'All 1 record selected' }).waitFor({ timeout: 40_000 });
}, 90_000);
