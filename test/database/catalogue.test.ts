import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import pg from 'pg';
import { ruleNames, violations, type Rule } from '../support/catalogue.ts';
import { testDatabase } from '../support/database.ts';

const db = await testDatabase();

// Only this test uses a superuser, because some violations need one. Everything is rolled back, including roles.
let client: pg.Client;
beforeAll(async () => {
  client = new pg.Client({ connectionString: db.superuserUrl });
  await client.connect();
});
afterAll(() => client.end());

describe('the schema keeps the rule', () => {
  test.each(ruleNames)('%s', async (rule) => {
    expect(await violations(client, rule)).toEqual([]);
  });
});

/** SQL that breaks the rule, run as the owner unless stated otherwise, and the expected message of the checker. */
type Plant = [broken: string, sql: string, named: string];

const planted: Record<Rule, Plant[]> = {
  'every table has row level security, also for its owner': [
    [
      'off',
      'alter table app_core.pfa_mirror disable row level security',
      'app_core.pfa_mirror has no row level security',
    ],
    [
      'not for the owner',
      'alter table app_core.pfa_change no force row level security',
      'app_core.pfa_change does not force row level security',
    ],
    [
      'forgotten for a new table',
      'create table app_private.planted (id integer)',
      'app_private.planted has no row level security',
    ],
    [
      'an exception that is none any more',
      "call app_private.enable_rls('app_private.pfa_staging')",
      'app_private.pfa_staging is an exception for no reason: it keeps the rule',
    ],
  ],
  'staging, which has no row level security, is unlogged and shown to nobody': [
    ['logged', 'alter table app_private.pfa_staging set logged', 'app_private.pfa_staging is not unlogged'],
    [
      'shown to the visitor',
      'grant select on app_private.pfa_staging to vanguard_visitor',
      'vanguard_visitor may SELECT app_private.pfa_staging',
    ],
    [
      'one column read by the worker',
      'grant select (data) on app_private.pfa_staging to vanguard_worker',
      'vanguard_worker may SELECT app_private.pfa_staging',
    ],
  ],
  'a policy reads settings only': [
    [
      'another table',
      `create policy planted on app_core.pfa_change to vanguard_visitor using (exists (
        select from app_public.user_organizations m where m.organization_id = pfa_change.organization_id))`,
      'policy planted of app_core.pfa_change reads app_public.user_organizations',
    ],
    [
      'a function in a subquery',
      `create policy planted on app_core.pfa_change to vanguard_visitor using (user_id = (select app_core.current_user_id()))`,
      'policy planted of app_core.pfa_change has a subquery',
    ],
    [
      'a function that reads a table',
      `create function app_core.planted() returns boolean language sql stable return exists (select from app_public.users);
      create policy planted on app_core.pfa_change to vanguard_visitor with check (app_core.planted())`,
      'policy planted of app_core.pfa_change calls app_core.planted(), which reads app_public.users',
    ],
    [
      'a function that calls such a function',
      `create function app_core.planted() returns boolean language sql stable return exists (select from app_public.users);
      create function app_core.planted_outside() returns boolean language sql stable return app_core.planted();
      create policy planted on app_core.pfa_change to vanguard_visitor using (app_core.planted_outside())`,
      'policy planted of app_core.pfa_change calls app_core.planted(), which reads app_public.users',
    ],
    [
      'a function that nobody can look into',
      `create function app_core.planted() returns boolean language plpgsql set search_path = pg_catalog as 'begin return true; end';
      create policy planted on app_core.pfa_change to vanguard_visitor using (app_core.planted())`,
      'policy planted of app_core.pfa_change calls app_core.planted(), whose body is a text that may read anything',
    ],
  ],
  'a view asks as its reader, or filters materialized views behind a barrier': [
    [
      'a definer view',
      'create view app_public.planted as select pfa_id from app_core.pfa_mirror',
      'app_public.planted is neither security_invoker nor security_barrier',
    ],
    [
      'a barrier around a table',
      `create view app_public.planted with (security_barrier = true) as select m.* from app_core.pfa_mirror m
      where m.organization_id = any (app_core.current_organization_ids())`,
      'app_public.planted is a definer view, but reads app_core.pfa_mirror',
    ],
    [
      'a barrier without a filter',
      'create view app_public.planted with (security_barrier = true) as select organization_id from app_private.pfa_kpi_summary',
      'app_public.planted is a definer view, but does not filter by app_core.current_organization_ids()',
    ],
    [
      'a filter with a hole',
      `create view app_public.planted with (security_barrier = true) as select organization_id from app_private.pfa_kpi_summary s
      where s.organization_id = any (app_core.current_organization_ids()) or s.record_count < 5`,
      'app_public.planted is a definer view, but does not filter by app_core.current_organization_ids()',
    ],
    [
      'the merged record as its owner',
      'alter view app_public.pfa_record reset (security_invoker)',
      'app_public.pfa_record is neither security_invoker nor security_barrier',
    ],
  ],
  'a materialized view is in app_private and read by the owner only': [
    [
      'published',
      'create materialized view app_public.planted as select 1 as one',
      'app_public.planted is not in app_private',
    ],
    [
      'granted',
      'grant select on app_private.pfa_kpi_summary to vanguard_visitor',
      'vanguard_visitor may SELECT app_private.pfa_kpi_summary',
    ],
    [
      'a column granted',
      'grant select (record_count) on app_private.pfa_kpi_summary to public',
      'PUBLIC may SELECT app_private.pfa_kpi_summary',
    ],
  ],
  'a tenant table leads with organization_id in its primary key': [
    [
      'a key of its own',
      'create table app_core.planted (id integer primary key, organization_id integer not null)',
      'app_core.planted: PRIMARY KEY (id)',
    ],
    [
      'second',
      'create table app_core.planted (id integer, organization_id integer, primary key (id, organization_id))',
      'app_core.planted: PRIMARY KEY (id, organization_id)',
    ],
    [
      'none',
      'create table app_core.planted (organization_id integer not null)',
      'app_core.planted has no primary key',
    ],
  ],
  'a tenant table leads with organization_id in foreign keys to tenant tables': [
    [
      'by the record alone',
      `create unique index planted on app_core.pfa_mirror (pfa_id);
      alter table app_core.pfa_change add constraint planted foreign key (pfa_id) references app_core.pfa_mirror (pfa_id)`,
      'app_core.pfa_change: FOREIGN KEY (pfa_id)',
    ],
  ],
  'a tenant table leads with organization_id in every index': [
    ['an index', 'create index planted on app_core.pfa_mirror (category)', 'app_core.planted'],
    [
      'an expression',
      'create index planted on app_core.pfa_mirror (lower(category), organization_id)',
      'app_core.planted',
    ],
    [
      'of a materialized view',
      'create index planted on app_private.pfa_kpi_summary (source)',
      'app_private.planted',
    ],
    [
      'an exception that is none any more',
      'drop index app_public.user_organizations_user_id_idx',
      'app_public.user_organizations_user_id_idx is an exception for no reason',
    ],
  ],
  'a definer function, and one in plpgsql, sets its search_path': [
    [
      'a definer',
      'create function app_public.planted() returns integer language sql security definer return 1',
      'app_public.planted()',
    ],
    [
      'plpgsql',
      "create function app_private.planted(a text) returns integer language plpgsql as 'begin return 1; end'",
      'app_private.planted(a text)',
    ],
    [
      'another setting',
      "create function app_public.planted() returns integer language sql security definer set work_mem = '4MB' return 1",
      'app_public.planted()',
    ],
  ],
  'what views, policies, indexes, checks and columns call has an SQL-standard body': [
    ...(
      [
        [
          'a view',
          'create view app_public.planted as select app_core.planted(id) from app_public.users',
          'view app_public.planted',
        ],
        [
          'a materialized view',
          'create materialized view app_private.planted as select app_core.planted(id) from app_public.users',
          'view app_private.planted',
        ],
        [
          'a policy',
          'create policy planted on app_public.users to vanguard_visitor using (app_core.planted(id) = 1)',
          'policy planted of app_public.users',
        ],
        [
          'an index',
          'create index planted on app_public.users (app_core.planted(id))',
          'index app_public.planted',
        ],
        [
          'a generated column',
          'alter table app_public.users add column planted integer generated always as (app_core.planted(id)) stored',
          'column app_public.users.planted',
        ],
        [
          'a check',
          'alter table app_public.users add constraint planted check (app_core.planted(id) = 1)',
          'check planted of app_public.users',
        ],
        [
          'a function between',
          `create function app_core.outside(a integer) returns integer language sql immutable return app_core.planted(a);
          create view app_public.planted as select app_core.outside(id) from app_public.users`,
          'view app_public.planted',
        ],
      ] satisfies Plant[]
    ).map(([broken, sql, by]): Plant => [
      broken,
      `create function app_core.planted(a integer) returns integer language sql immutable as 'select a'; ${sql}`,
      `${by} calls app_core.planted(a integer)`,
    ]),
  ],
  'PUBLIC has nothing': [
    [
      'a function',
      'grant execute on function app_public.viewer() to public',
      'PUBLIC may EXECUTE function app_public.viewer()',
    ],
    ['a table', 'grant select on app_public.users to public', 'PUBLIC may SELECT table app_public.users'],
    [
      'a column',
      'grant select (username) on app_public.users to public',
      'PUBLIC may SELECT column app_public.users',
    ],
    [
      'a view',
      'grant select on app_public.pfa_draft to public',
      'PUBLIC may SELECT view app_public.pfa_draft',
    ],
    [
      'a sequence',
      'grant usage on app_core.revision_seq to public',
      'PUBLIC may USAGE sequence app_core.revision_seq',
    ],
    ['a schema', 'grant usage on schema app_private to public', 'PUBLIC may USAGE schema app_private'],
    [
      'the queue',
      'grant usage on schema graphile_worker to public',
      'PUBLIC may USAGE schema graphile_worker',
    ],
    [
      'schema public',
      'reset role; grant create on schema public to public',
      'PUBLIC may create in schema public',
    ],
    [
      'the database',
      `do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$`,
      'PUBLIC may TEMPORARY in the database',
    ],
    [
      'functions to come',
      'alter default privileges grant execute on functions to public',
      'a new function of the owner would be callable by PUBLIC',
    ],
  ],
  'only our roles have rights, and may not pass them on': [
    [
      'another role',
      'reset role; create role vanguard_planted; grant select on app_public.users to vanguard_planted',
      'vanguard_planted may SELECT table app_public.users',
    ],
    [
      'passing on',
      'grant select on app_public.users to vanguard_worker with grant option',
      'vanguard_worker may pass on what it may do in app_public.users',
    ],
    [
      'a superuser as owner of a table',
      'reset role; create table app_public.planted (id integer)',
      'app_public.planted is owned by',
    ],
    [
      'a superuser as owner of a function',
      'reset role; create function app_public.planted() returns integer language sql return 1',
      'app_public.planted() is owned by',
    ],
  ],
  'the visitor only reads, and has no way into the machinery': [
    ...['insert', 'update', 'delete', 'truncate', 'references', 'trigger'].map((right): Plant => [
      right,
      `grant ${right} on app_core.pfa_modification to vanguard_visitor`,
      `vanguard_visitor may ${right.toUpperCase()} app_core.pfa_modification`,
    ]),
    [
      'update of a column',
      'grant update (delta) on app_core.pfa_modification to vanguard_visitor',
      'vanguard_visitor may UPDATE app_core.pfa_modification.delta',
    ],
    [
      'update of a view',
      'grant update on app_public.pfa_draft to vanguard_visitor',
      'vanguard_visitor may UPDATE app_public.pfa_draft',
    ],
    [
      'a sequence',
      'grant usage on app_core.revision_seq to vanguard_visitor',
      'vanguard_visitor may USAGE app_core.revision_seq',
    ],
    [
      'the private schema',
      'grant usage on schema app_private to vanguard_visitor',
      'vanguard_visitor may USAGE schema app_private',
    ],
    [
      'the queue',
      'grant usage on schema graphile_worker to vanguard_visitor',
      'vanguard_visitor may USAGE schema graphile_worker',
    ],
    [
      'making things',
      'grant create on schema app_public to vanguard_visitor',
      'vanguard_visitor may CREATE schema app_public',
    ],
    [
      'a private function',
      'grant execute on function app_private.find_login(text) to vanguard_visitor',
      'vanguard_visitor may EXECUTE app_private.find_login(username text)',
    ],
  ],
  'the authenticator reads and writes nothing by itself': [
    [
      'a table',
      'grant select on app_private.user_passwords to vanguard_authenticator',
      'vanguard_authenticator may SELECT table app_private.user_passwords',
    ],
  ],
  'the worker does not see passwords, tokens or signing keys': [
    [
      'the table',
      'grant select on app_private.user_passwords to vanguard_worker',
      'vanguard_worker may SELECT app_private.user_passwords',
    ],
    [
      'a column',
      'grant select (token_hash) on app_private.refresh_tokens to vanguard_worker',
      'vanguard_worker may SELECT app_private.refresh_tokens.token_hash',
    ],
    [
      'a function',
      'grant execute on function app_private.find_login(text) to vanguard_worker',
      'vanguard_worker may call app_private.find_login(username text)',
    ],
  ],
  'a grant of insert or update lists columns': [
    [
      'insert',
      'grant insert on app_core.pfa_mirror to vanguard_worker',
      'vanguard_worker may INSERT every column of app_core.pfa_mirror',
    ],
    [
      'update',
      'grant update on app_core.pfa_mirror to vanguard_worker',
      'vanguard_worker may UPDATE every column of app_core.pfa_mirror',
    ],
  ],
  'the ai reader has no right yet to anything that holds rows': [
    [
      'a table',
      'grant select on app_public.users to vanguard_ai_reader',
      'vanguard_ai_reader may SELECT table app_public.users',
    ],
    [
      'another schema',
      'grant usage on schema app_private to vanguard_ai_reader',
      'vanguard_ai_reader may USAGE schema app_private',
    ],
    [
      'a function that reads rows',
      'grant execute on function app_public.viewer() to vanguard_ai_reader',
      'vanguard_ai_reader may call app_public.viewer()',
    ],
    [
      'temporary tables',
      `do $$ begin execute format('grant temporary on database %I to vanguard_ai_reader', current_database()); end $$`,
      'vanguard_ai_reader may make temporary tables',
    ],
  ],
  'settings are set by those only who must': [
    ...['public', 'vanguard_visitor', 'vanguard_ai_reader'].map((role): Plant => [
      role,
      `reset role; grant execute on function pg_catalog.set_config(text, text, boolean) to ${role}`,
      `${role === 'public' ? 'PUBLIC' : role} may call set_config`,
    ]),
  ],
  'no role may do more than it should': [
    ...['superuser', 'bypassrls', 'createrole', 'createdb', 'replication'].map((attribute): Plant => [
      attribute,
      `reset role; alter role vanguard_worker ${attribute}`,
      `vanguard_worker has ${attribute}`,
    ]),
    [
      'a membership',
      'reset role; grant vanguard_owner to vanguard_authenticator',
      'vanguard_authenticator is a member of vanguard_owner',
    ],
    ['a visitor who logs in', 'reset role; alter role vanguard_visitor login', 'vanguard_visitor may log in'],
    [
      'an authenticator who is the visitor already',
      'reset role; alter role vanguard_authenticator inherit',
      'vanguard_authenticator inherits',
    ],
  ],
  'everything has a comment': [
    ['a table', 'comment on table app_public.users is null', 'table app_public.users'],
    ['a view', 'comment on view app_public.pfa_record is null', 'view app_public.pfa_record'],
    [
      'a materialized view',
      "comment on materialized view app_private.pfa_kpi_summary is ''",
      'materialized view app_private.pfa_kpi_summary',
    ],
    ['a column', 'comment on column app_public.users.role is null', 'column app_public.users.role'],
    [
      "a view's column",
      'comment on column app_public.pfa_record.data is null',
      'column app_public.pfa_record.data',
    ],
    [
      "a type's column",
      'comment on column app_public.pfa_kpis.variance is null',
      'column app_public.pfa_kpis.variance',
    ],
    ['a function', 'comment on function app_public.viewer() is null', 'function app_public.viewer()'],
    [
      'a procedure',
      'comment on procedure app_private.enable_rls(regclass) is null',
      'function app_private.enable_rls(IN target regclass)',
    ],
    ['a type', 'comment on type app_public.pfa_bounds is null', 'type app_public.pfa_bounds'],
    ['a schema', 'comment on schema app_core is null', 'schema app_core'],
    ['a sequence', 'comment on sequence app_core.revision_seq is null', 'sequence app_core.revision_seq'],
  ],
  'a foreign key says what happens on delete': [
    [
      'nothing said',
      'alter table app_core.pfa_change add constraint planted foreign key (organization_id) references app_public.organizations',
      'app_core.pfa_change: FOREIGN KEY (organization_id) REFERENCES app_public.organizations(id)',
    ],
  ],
  'a foreign key has an index': [
    [
      'none',
      'drop index app_core.pfa_modification_user_id_idx',
      'app_core.pfa_modification: FOREIGN KEY (user_id)',
    ],
    [
      'only over some of the rows',
      `drop index app_private.sessions_user_id_idx;
      create index on app_private.sessions (user_id) where ended_at is null`,
      'app_private.sessions: FOREIGN KEY (user_id)',
    ],
    [
      'only in second place',
      `drop index app_private.sessions_user_id_idx;
      create index on app_private.sessions (started_at, user_id)`,
      'app_private.sessions: FOREIGN KEY (user_id)',
    ],
  ],
  'there are fifteen indexes or more': [
    [
      'many dropped',
      `do $$ declare i record; begin
        for i in select c.oid::regclass as name from pg_class c join pg_index x on x.indexrelid = c.oid
          where c.relnamespace in ('app_public'::regnamespace, 'app_core'::regnamespace, 'app_private'::regnamespace)
            and not exists (select from pg_constraint k where k.conindid = c.oid)
        loop execute format('drop index %s', i.name); end loop;
      end $$`,
      'indexes',
    ],
  ],
  'each index says what it is for': [
    [
      'an index without a comment',
      'create index planted on app_core.pfa_mirror (organization_id, dor)',
      'app_core.planted has no comment',
    ],
    [
      'an index with an empty comment',
      "comment on index app_core.pfa_mirror_class_idx is ' '",
      'app_core.pfa_mirror_class_idx has no comment',
    ],
  ],
};

describe('the checker names the object that breaks the rule', () => {
  describe.each(ruleNames)('%s', (rule) => {
    test.each(planted[rule])('%s', async (_, sql, named) => {
      await client.query('begin');
      try {
        await client.query('set local role vanguard_owner');
        await client.query(sql);
        await client.query('reset role');
        expect((await violations(client, rule)).filter((violation) => violation.includes(named))).not.toEqual(
          [],
        );
      } finally {
        await client.query('rollback');
      }
    });
  });
});
