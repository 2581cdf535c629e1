/**
 * The data of the measurements: organizations and records that the worker reads from the simulated PEMS, users, drafts
 * saved through the API, and pending changes.
 */
import type pg from 'pg';
import type { Scale } from './scale.ts';

/** Codes of the organizations that the measurements use. `none` has no drafts and no pending changes. */
export const named = {
  none: 'ORD01',
  few: 'ORD02',
  many: 'ORD03',
  saving: 'ORD04',
  small: 'ORD05',
  large: 'LARGE',
} as const;

/** Sizes by code. */
export function organizationsOf(scale: Scale): Record<string, number> {
  const codes = Array.from({ length: scale.organizations }, (_, i) => `ORD${String(i + 1).padStart(2, '0')}`);
  return { ...Object.fromEntries(codes.map((code) => [code, scale.ordinary])), [named.large]: scale.large };
}

/**
 * Creates the viewers of the ordinary organizations and of the large one; each sees a given number of overlaid records
 * and belongs to at most five organizations.
 */
export const users = {
  ...{ none: 'user1', few: 'user2', many: 'user3' },
  ...{ largeNone: 'user4', largeFew: 'user5', largeMany: 'user6' },
} as const;

/** The organization of each viewer. */
const homes: Record<keyof typeof users, string> = {
  ...{ none: named.none, few: named.few, many: named.many },
  ...{ largeNone: named.large, largeFew: named.large, largeMany: named.large },
};

/**
 * Creates users and memberships: viewers belong to their organizations, draft authors to those of their drafts, and all
 * others to five.
 */
export async function makeUsers(owner: pg.Client, scale: Scale): Promise<void> {
  await owner.query(
    `insert into app_public.users (username, role) select 'user' || n, 'user' from generate_series(1, $1) n`,
    [scale.users],
  );
  await owner.query(
    `insert into app_public.user_organizations (organization_id, user_id, role)
    select o.id, u.id, 'member'
    from app_public.users u
    cross join (
      select o.id, o.code, row_number() over (order by o.code) as n, count(*) over () as count from app_public.organizations o
    ) o
    left join json_each_text($1) home on home.key = u.username
    where case when home.key is not null then o.code in (home.value, $2, $3)
      else (o.n - substr(u.username, 5)::integer + 10 * o.count) % o.count < 5 end`,
    [
      JSON.stringify(
        Object.fromEntries(
          Object.entries(homes).map(([who, code]) => [users[who as keyof typeof users], code]),
        ),
      ),
      ...[named.saving, named.small],
    ],
  );
}

/** Saves a draft for each record as the user would: most move the forecast, some change the cost or another value. */
async function draft(
  owner: pg.Client,
  username: string,
  code: string,
  count: number,
  seed: number,
): Promise<void> {
  await owner.query('begin');
  await owner.query(
    `select set_config('jwt.claims.user_id', u.id::text, true),
      set_config('jwt.claims.organization_ids', '{' || o.id || '}', true),
      set_config('jwt.claims.writable_organization_ids', '{' || o.id || '}', true)
    from app_public.users u, app_public.organizations o where u.username = $1 and o.code = $2`,
    [username, code],
  );
  await owner.query(
    `select app_private.save_checked_drafts(o.id, (
      select jsonb_agg(jsonb_build_object('recordId', r.pfa_id, 'revision', r.revision, 'changes', case abs(hashint4(r.n)) % 10
        when 0 then jsonb_build_object('category', 'Cranes')
        when 1 then jsonb_build_object('source', case r.source when 'Rental' then 'Purchase' else 'Rental' end)
        when 2 then jsonb_build_object('monthlyRate', 1000 + r.n % 5000)
        else jsonb_build_object('forecastStart', r.forecast_start + 14, 'forecastEnd', r.forecast_end + 14) end))
      from (
        select r.*, row_number() over (order by r.pfa_id)::integer as n from app_public.pfa_record r
        where r.organization_id = o.id and r.forecast_start is not null and r.forecast_end is not null
          and not r.has_draft and not r.is_pending
        order by hashtextextended(r.pfa_id, $2) limit $3
      ) r))
    from app_public.organizations o where o.code = $1`,
    [code, seed, count],
  );
  await owner.query('commit');
}

/** Creates pending changes by other users. */
async function commitChanges(owner: pg.Client, code: string, count: number): Promise<void> {
  await owner.query(
    `with chosen as (
      select m.organization_id, m.pfa_id, m.forecast_end, u.id as user_id
      from app_core.pfa_mirror m
      join app_public.organizations o on o.id = m.organization_id
      join app_public.users u on u.username = 'user7'
      where o.code = $1 and m.forecast_end is not null
      order by hashtextextended(m.pfa_id, 1) limit $2
    ),
    committed as (
      insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, state, commit_sequence, committed_at)
      select organization_id, user_id, pfa_id, jsonb_build_object('forecastEnd', forecast_end + 30),
        jsonb_build_object('forecastEnd', forecast_end), 'committed', nextval('app_core.revision_seq'), clock_timestamp()
      from chosen
    )
    select from chosen`,
    [code, count],
  );
  await owner.query(
    `select app_private.rewrite_overlay(o.id, (select array_agg(m.pfa_id) from app_core.pfa_modification m where m.organization_id = o.id))
    from app_public.organizations o where o.code = $1`,
    [code],
  );
}

/**
 * Creates drafts and pending changes. Most changes are pending in `few` and `many`; in `large`, all are drafts of the
 * viewers.
 */
export async function makeDrafts(owner: pg.Client, scale: Scale): Promise<void> {
  const { few, many } = scale;
  const drafted = { few: Math.ceil(few * 0.75), many: Math.ceil(many * 0.2) };
  await commitChanges(owner, named.few, few - drafted.few);
  await commitChanges(owner, named.many, many - drafted.many);
  await draft(owner, users.few, named.few, drafted.few, 2);
  await draft(owner, users.many, named.many, drafted.many, 3);
  await draft(owner, users.largeFew, named.large, few, 4);
  await draft(owner, users.largeMany, named.large, many, 5);
  const others = scale.users - Object.keys(users).length;
  const rest = scale.drafts - few - many - drafted.few - drafted.many;
  const { rows } = await owner.query<{ username: string; code: string }>(
    `select u.username, min(o.code) filter (where o.code <> $2) as code
    from app_public.users u
    join app_public.user_organizations m on m.user_id = u.id
    join app_public.organizations o on o.id = m.organization_id
    where u.username <> all ($1) group by u.id, u.username order by u.id`,
    [Object.values(users), named.none],
  );
  for (const [i, { username, code }] of rows.entries())
    await draft(
      owner,
      username,
      code,
      Math.floor((rest * (i + 1)) / others) - Math.floor((rest * i) / others),
      6 + i,
    );
}
