import pg from 'pg';
import { expect, test } from 'vitest';
import { findOrganization, kpis } from '../../sql/records/records.queries.ts';
import { prepared } from '../../src/database/prepared.ts';
import { testDatabase } from '../support/database.ts';
import { makeMember, makeOrganization } from '../support/make.ts';

const db = await testDatabase();

test('each statement is prepared once per connection, whatever its values', async () => {
  const org = await makeOrganization(db, 'HOLNG');
  const other = await makeOrganization(db, 'RIO');
  const member = await makeMember(db, org);
  await db.asUser(member, async (client) => {
    const connection = prepared(client);
    const find = (code: string) => findOrganization.run({ org: code }, connection);
    expect(await find('HOLNG')).toMatchObject([{ id: org.id, code: 'HOLNG' }]);
    expect(await find('RIO')).toEqual([]);
    expect(await kpis.run({ organizationId: org.id }, connection)).toMatchObject([{ recordCount: '0' }]);
    expect(await kpis.run({ organizationId: other.id }, connection)).toEqual([]);
    const { rows } = await client.query<{ statement: string }>(
      'select statement from pg_prepared_statements',
    );
    const of = (table: string) => rows.filter(({ statement }) => statement.includes(table));
    expect([of('where code = $1').length, of('organizations_kpis').length]).toEqual([1, 1]);
  });
});

test('a statement prepared for one user returns to the next user only rows that the latter may see', async () => {
  const org = await makeOrganization(db, 'ONE');
  const other = await makeOrganization(db, 'TWO');
  const client = new pg.Client({ connectionString: db.urls.authenticator });
  await client.connect();
  try {
    const seenBy = async (organizationId: number | undefined) => {
      await client.query('begin');
      await client.query(
        "select set_config('role', 'vanguard_visitor', true), set_config('jwt.claims.organization_ids', $1, true)",
        [`{${organizationId ?? ''}}`],
      );
      const found = await Promise.all(
        ['ONE', 'TWO'].map((code) => findOrganization.run({ org: code }, prepared(client))),
      );
      await client.query('commit');
      return found.flat().map(({ code }) => code);
    };
    // More often than PostgreSQL replans a statement before it caches a generic plan.
    for (let i = 0; i < 7; i++) {
      expect(await seenBy(org.id)).toEqual(['ONE']);
      expect(await seenBy(other.id)).toEqual(['TWO']);
      expect(await seenBy(undefined)).toEqual([]);
    }
  } finally {
    await client.end();
  }
});
