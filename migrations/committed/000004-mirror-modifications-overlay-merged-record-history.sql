--! Previous: sha1:7a55f0dee6f6495f77290272397eaf0acf98a49e
--! Hash: sha1:0223a3d13bc3205f08dd9bbc86fed177c6ffd100
--! Message: mirror, modifications, overlay, merged record, history

--! split: 400-records.sql
-- The mirror of PEMS, what people changed on top of it, both merged, and what happened to it.

create sequence app_core.revision_seq;
comment on sequence app_core.revision_seq is 'Drawn from whenever the row that somebody sees, mirror or overlay, changes content. The token of optimistic locking.';

--------------------------------------------------------------------------------------------------
-- Values of a record. All with bodies that the planner can inline into generated columns.

create function app_core.iso_date(value text) returns date
  language sql immutable parallel safe
  return make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, substr(value, 9, 2)::integer);
comment on function app_core.iso_date(text) is 'The date that strict `YYYY-MM-DD` text names, whatever DateStyle says. What is not a date was refused in staging or when drafted.';

create function app_core.cents(amount numeric) returns bigint
  language sql immutable parallel safe
  return round(amount * 100)::bigint;
comment on function app_core.cents(numeric) is 'USD to whole cents: integers are leakproof, so an index on them works under row level security.';

create function app_core.cost_cents(source text, first_day date, last_day date, monthly_rate numeric, purchase_price numeric) returns bigint
  language sql immutable parallel safe
  return case source
    when 'Rental' then coalesce(round(greatest(0, last_day - first_day) * monthly_rate * 100 / 30.44), 0)::bigint
    when 'Purchase' then coalesce(round(purchase_price * 100), 0)::bigint
    else 0
  end;
comment on function app_core.cost_cents(text, date, date, numeric, numeric) is
  'Cost of a record in cents, rounded once, so that totals are the sums of what is shown. Rental: days / 30.44 * monthly rate; Purchase: the price. A missing rate, price or date counts as 0 (domain.md, Cost).';

create function app_core.usd(cents numeric) returns numeric
  language sql immutable parallel safe
  return round(cents * 0.01, 2);
comment on function app_core.usd(numeric) is 'Cents to USD. A product is exact; a quotient keeps 16 digits.';

create function app_core.changed_keys(before jsonb, after jsonb) returns jsonb
  language sql immutable parallel safe
begin atomic
  select coalesce(jsonb_object_agg(key, jsonb_build_object('from', b.value, 'to', a.value)), '{}')
  from jsonb_each(before) b
  full join jsonb_each(after) a using (key)
  where nullif(b.value, 'null') is distinct from nullif(a.value, 'null');
end;
comment on function app_core.changed_keys(jsonb, jsonb) is 'What differs between two records, by key: `{"key": {"from": ..., "to": ...}}`. A missing key and null are the same.';

grant execute on function app_core.iso_date(text), app_core.cents(numeric),
  app_core.cost_cents(text, date, date, numeric, numeric), app_core.usd(numeric), app_core.changed_keys(jsonb, jsonb)
  to vanguard_visitor, vanguard_worker, vanguard_ai_reader;

--------------------------------------------------------------------------------------------------
-- The mirror

create table app_core.pfa_mirror (
  organization_id integer not null references app_public.organizations on delete cascade,
  pfa_id text not null check (length(pfa_id) between 1 and 100),
  data jsonb not null check (jsonb_typeof(data) = 'object'),
  version timestamp,
  version_by text,
  revision bigint not null default nextval('app_core.revision_seq'),
  observed_at timestamptz not null,
  removed_at timestamptz,
  area_silo text generated always as (data->>'areaSilo') stored,
  category text generated always as (data->>'category') stored,
  class text generated always as (data->>'class') stored,
  source text generated always as (data->>'source') stored,
  dor text generated always as (data->>'dor') stored,
  contract text generated always as (data->>'contract') stored,
  equipment text generated always as (data->>'equipment') stored,
  original_start date generated always as (app_core.iso_date(data->>'originalStart')) stored,
  original_end date generated always as (app_core.iso_date(data->>'originalEnd')) stored,
  forecast_start date generated always as (app_core.iso_date(data->>'forecastStart')) stored,
  forecast_end date generated always as (app_core.iso_date(data->>'forecastEnd')) stored,
  actual_start date generated always as (app_core.iso_date(data->>'actualStart')) stored,
  actual_end date generated always as (app_core.iso_date(data->>'actualEnd')) stored,
  is_actualized boolean not null generated always as (coalesce((data->>'isActualized') = 'true', false)) stored,
  is_discontinued boolean not null generated always as (coalesce((data->>'isDiscontinued') = 'true', false)) stored,
  is_funds_transferable boolean not null generated always as (coalesce((data->>'isFundsTransferable') = 'true', false)) stored,
  monthly_rate_cents bigint generated always as (app_core.cents((data->>'monthlyRate')::numeric)) stored,
  purchase_price_cents bigint generated always as (app_core.cents((data->>'purchasePrice')::numeric)) stored,
  plan_cost_cents bigint not null generated always as (app_core.cost_cents(data->>'source',
    app_core.iso_date(data->>'originalStart'), app_core.iso_date(data->>'originalEnd'),
    (data->>'monthlyRate')::numeric, (data->>'purchasePrice')::numeric)) stored,
  forecast_cost_cents bigint not null generated always as (app_core.cost_cents(data->>'source',
    app_core.iso_date(data->>'forecastStart'), app_core.iso_date(data->>'forecastEnd'),
    (data->>'monthlyRate')::numeric, (data->>'purchasePrice')::numeric)) stored,
  actual_cost_cents bigint not null generated always as (
    case when data->>'actualStart' is null or data->>'actualEnd' is null then 0
      else app_core.cost_cents(data->>'source',
        app_core.iso_date(data->>'actualStart'), app_core.iso_date(data->>'actualEnd'),
        (data->>'monthlyRate')::numeric, (data->>'purchasePrice')::numeric) end) stored,
  primary key (organization_id, pfa_id)
);
comment on table app_core.pfa_mirror is 'What PEMS said last: one row a record. Written only by sync and push.';
comment on column app_core.pfa_mirror.organization_id is 'The organization.';
comment on column app_core.pfa_mirror.pfa_id is 'Identity inside its organization.';
comment on column app_core.pfa_mirror.data is 'The record. Dates are strict ISO text, money JSON numbers, flags JSON booleans; missing keys are absent; fields that no mapping knows stay under their PEMS name.';
comment on column app_core.pfa_mirror.version is 'When PEMS last changed it, in PEMS''s local time, to the minute.';
comment on column app_core.pfa_mirror.version_by is 'Who changed it there.';
comment on column app_core.pfa_mirror.revision is 'Ours; grows with every change of content.';
comment on column app_core.pfa_mirror.observed_at is 'When the answer arrived that the content came from, by the database''s clock. Only a request that began later may overwrite it.';
comment on column app_core.pfa_mirror.removed_at is 'When it was found gone from PEMS, twice; null while it is there.';
comment on column app_core.pfa_mirror.area_silo is 'Area of the site.';
comment on column app_core.pfa_mirror.category is 'Equipment category.';
comment on column app_core.pfa_mirror.class is 'Equipment class.';
comment on column app_core.pfa_mirror.source is '`Rental` or `Purchase`.';
comment on column app_core.pfa_mirror.dor is '`BEO` or `PROJECT`.';
comment on column app_core.pfa_mirror.contract is 'Contract.';
comment on column app_core.pfa_mirror.equipment is 'Asset tag.';
comment on column app_core.pfa_mirror.original_start is 'First day of the plan.';
comment on column app_core.pfa_mirror.original_end is 'Last day of the plan.';
comment on column app_core.pfa_mirror.forecast_start is 'First day of the forecast.';
comment on column app_core.pfa_mirror.forecast_end is 'Last day of the forecast.';
comment on column app_core.pfa_mirror.actual_start is 'First day of billing.';
comment on column app_core.pfa_mirror.actual_end is 'Expected end of billing.';
comment on column app_core.pfa_mirror.is_actualized is 'On site and billing.';
comment on column app_core.pfa_mirror.is_discontinued is 'Requirement cancelled.';
comment on column app_core.pfa_mirror.is_funds_transferable is 'Its budget may be given to others.';
comment on column app_core.pfa_mirror.monthly_rate_cents is 'US cents a month.';
comment on column app_core.pfa_mirror.purchase_price_cents is 'US cents.';
comment on column app_core.pfa_mirror.plan_cost_cents is 'Cost over the plan''s dates, US cents.';
comment on column app_core.pfa_mirror.forecast_cost_cents is 'Cost over the forecast''s dates, US cents.';
comment on column app_core.pfa_mirror.actual_cost_cents is 'Cost over the actual dates, US cents; 0 unless both are there.';
call app_private.protect('app_core.pfa_mirror');
create policy visitor_select on app_core.pfa_mirror for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()));
grant select on app_core.pfa_mirror to vanguard_visitor, vanguard_worker;

-- use: lists sorted or filtered by category, and by category and source
create index pfa_mirror_category_idx on app_core.pfa_mirror (organization_id, category, pfa_id);
-- use: lists sorted or filtered by class
create index pfa_mirror_class_idx on app_core.pfa_mirror (organization_id, class, pfa_id);
-- use: lists sorted or filtered by area
create index pfa_mirror_area_silo_idx on app_core.pfa_mirror (organization_id, area_silo, pfa_id);
-- use: lists sorted by first day, windows of the timeline
create index pfa_mirror_forecast_start_idx on app_core.pfa_mirror (organization_id, forecast_start, pfa_id);
-- use: lists sorted by last day
create index pfa_mirror_forecast_end_idx on app_core.pfa_mirror (organization_id, forecast_end, pfa_id);
-- use: lists sorted by cost, ranges of money
create index pfa_mirror_forecast_cost_idx on app_core.pfa_mirror (organization_id, forecast_cost_cents, pfa_id);

--------------------------------------------------------------------------------------------------
-- What people changed

create table app_core.pfa_modification (
  organization_id integer not null,
  id bigint generated always as identity,
  user_id integer not null references app_public.users on delete restrict,
  pfa_id text not null,
  delta jsonb not null check (jsonb_typeof(delta) = 'object' and delta <> '{}'),
  base jsonb not null check (jsonb_typeof(base) = 'object'),
  state text not null default 'draft' check (state in ('draft', 'committed', 'syncing', 'synced')),
  problems jsonb not null default '{}' check (jsonb_typeof(problems) = 'object'),
  commit_sequence bigint,
  attempts integer not null default 0 check (attempts >= 0),
  comment text check (length(comment) <= 2000),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  committed_at timestamptz,
  settled_at timestamptz,
  primary key (organization_id, id),
  foreign key (organization_id, pfa_id) references app_core.pfa_mirror on delete cascade,
  check ((state = 'draft') = (commit_sequence is null)),
  check (problems = '{}' or state = 'draft')
);
-- use: a user's drafts; one draft of a record and user
create unique index pfa_modification_draft_key on app_core.pfa_modification (organization_id, user_id, pfa_id) where state = 'draft';
-- use: what a user changed and committed; on delete of a user
create index pfa_modification_user_id_idx on app_core.pfa_modification (organization_id, user_id);
-- use: what is pending on a record; on delete of a record
create index pfa_modification_pfa_id_idx on app_core.pfa_modification (organization_id, pfa_id);
-- use: push takes committed changes in their order
create unique index pfa_modification_commit_sequence_key on app_core.pfa_modification (organization_id, commit_sequence) where state in ('committed', 'syncing');
comment on table app_core.pfa_modification is 'What one user changed on one record: a draft, then committed, then syncing, then synced.';
comment on column app_core.pfa_modification.organization_id is 'The organization.';
comment on column app_core.pfa_modification.id is 'Our key.';
comment on column app_core.pfa_modification.user_id is 'Who changed it.';
comment on column app_core.pfa_modification.pfa_id is 'The record.';
comment on column app_core.pfa_modification.delta is 'The changed keys and what they become; null empties a key.';
comment on column app_core.pfa_modification.base is 'What the author saw under each of these keys when it was first changed.';
comment on column app_core.pfa_modification.state is '`draft`, `committed` (waits for push), `syncing` (being written to PEMS), `synced` (confirmed).';
comment on column app_core.pfa_modification.problems is 'By key: what stands in the way, e.g. `{"kind": "conflict", "base": ..., "theirs": ..., "mine": ...}`. Drafts only.';
comment on column app_core.pfa_modification.commit_sequence is 'The order in which changes were committed and are pushed.';
comment on column app_core.pfa_modification.attempts is 'How often push began with it.';
comment on column app_core.pfa_modification.comment is 'What its author said about it when committing.';
comment on column app_core.pfa_modification.created_at is 'When its first key was changed.';
comment on column app_core.pfa_modification.updated_at is 'When it was last changed.';
comment on column app_core.pfa_modification.committed_at is 'When it was committed.';
comment on column app_core.pfa_modification.settled_at is 'When PEMS confirmed it.';
create trigger _100_touch before update on app_core.pfa_modification
  for each row execute function app_private.touch_updated_at();
call app_private.protect('app_core.pfa_modification');
create policy visitor_select on app_core.pfa_modification for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()) and (state <> 'draft' or user_id = app_core.current_user_id()));
grant select on app_core.pfa_modification to vanguard_visitor, vanguard_worker;

--------------------------------------------------------------------------------------------------
-- Both merged, materialized for the records that somebody changed

create table app_core.pfa_overlay (
  viewer_id integer not null check (viewer_id >= 0),
  is_pending boolean not null,
  has_draft boolean not null,
  has_problem boolean not null,
  base jsonb,
  like app_core.pfa_mirror including defaults including generated including comments,
  primary key (organization_id, viewer_id, pfa_id),
  foreign key (organization_id, pfa_id) references app_core.pfa_mirror on delete cascade
);
-- use: which overlays a record has (the merged view, rewriting them, on delete of a record)
create index pfa_overlay_pfa_id_idx on app_core.pfa_overlay (organization_id, pfa_id, viewer_id);
-- use: the same lists as on the mirror, merged
create index pfa_overlay_category_idx on app_core.pfa_overlay (organization_id, category, pfa_id);
create index pfa_overlay_class_idx on app_core.pfa_overlay (organization_id, class, pfa_id);
create index pfa_overlay_area_silo_idx on app_core.pfa_overlay (organization_id, area_silo, pfa_id);
create index pfa_overlay_forecast_start_idx on app_core.pfa_overlay (organization_id, forecast_start, pfa_id);
create index pfa_overlay_forecast_end_idx on app_core.pfa_overlay (organization_id, forecast_end, pfa_id);
create index pfa_overlay_forecast_cost_idx on app_core.pfa_overlay (organization_id, forecast_cost_cents, pfa_id);
comment on table app_core.pfa_overlay is 'The merged rows of changed records: viewer 0 is mirror + pending, viewer u is mirror + pending + the draft of user u. Written with every change of either, in the same transaction.';
comment on column app_core.pfa_overlay.viewer_id is 'The user who sees it; 0: everybody who has no draft of the record.';
comment on column app_core.pfa_overlay.is_pending is 'Somebody committed a change that PEMS has not confirmed.';
comment on column app_core.pfa_overlay.has_draft is 'The viewer has a draft.';
comment on column app_core.pfa_overlay.has_problem is 'A key of that draft has a problem.';
comment on column app_core.pfa_overlay.base is 'What the viewer saw under each drafted key; null without a draft.';
call app_private.protect('app_core.pfa_overlay');
create policy visitor_select on app_core.pfa_overlay for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()) and viewer_id in (0, app_core.current_user_id()));
grant select on app_core.pfa_overlay to vanguard_visitor, vanguard_worker;

--! Included pfa_record.sql
-- The merged record. Measured (PostgreSQL 15 and 18): this form keeps the index order of both branches, so that a sorted
-- page costs what the page costs. A WHERE inside a branch hides that order, and an anti-join is mis-estimated into a nested loop.
create view app_public.pfa_record with (security_invoker = true) as
select
  r.organization_id,
  r.pfa_id,
  r.revision,
  r.has_draft,
  r.is_pending,
  r.has_problem,
  r.area_silo,
  r.category,
  r.class,
  r.source,
  r.dor,
  r.data->>'manufacturer' as manufacturer,
  r.data->>'model' as model,
  r.contract,
  r.equipment,
  (r.data->>'monthlyRate')::numeric as monthly_rate,
  (r.data->>'purchasePrice')::numeric as purchase_price,
  r.original_start,
  r.original_end,
  r.forecast_start,
  r.forecast_end,
  r.actual_start,
  r.actual_end,
  r.is_actualized,
  r.is_discontinued,
  r.is_funds_transferable,
  r.original_start is not null and r.original_end is not null as has_plan,
  r.actual_start is not null and r.actual_end is not null as has_actuals,
  app_core.usd(r.plan_cost_cents) as plan_cost,
  app_core.usd(r.forecast_cost_cents) as forecast_cost,
  app_core.usd(r.actual_cost_cents) as actual_cost,
  app_core.usd(r.forecast_cost_cents - r.plan_cost_cents) as variance,
  r.forecast_cost_cents,
  r.base,
  r.data,
  r.version,
  r.version_by,
  r.observed_at,
  r.removed_at
from (
  select
    -1 as viewer_id, false as has_draft, false as is_pending, false as has_problem, null::jsonb as base,
    m.organization_id, m.pfa_id, m.data, m.version, m.version_by, m.revision, m.observed_at, m.removed_at,
    m.area_silo, m.category, m.class, m.source, m.dor, m.contract, m.equipment,
    m.original_start, m.original_end, m.forecast_start, m.forecast_end, m.actual_start, m.actual_end,
    m.is_actualized, m.is_discontinued, m.is_funds_transferable,
    m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents
  from app_core.pfa_mirror m
  union all
  select
    o.viewer_id, o.has_draft, o.is_pending, o.has_problem, o.base,
    o.organization_id, o.pfa_id, o.data, o.version, o.version_by, o.revision, o.observed_at, o.removed_at,
    o.area_silo, o.category, o.class, o.source, o.dor, o.contract, o.equipment,
    o.original_start, o.original_end, o.forecast_start, o.forecast_end, o.actual_start, o.actual_end,
    o.is_actualized, o.is_discontinued, o.is_funds_transferable,
    o.plan_cost_cents, o.forecast_cost_cents, o.actual_cost_cents
  from app_core.pfa_overlay o
) r
where
  case r.viewer_id
    when -1 then not exists (
      select from app_core.pfa_overlay o
      where o.organization_id = r.organization_id and o.pfa_id = r.pfa_id and o.viewer_id in (0, app_core.current_user_id())
    )
    when 0 then not exists (
      select from app_core.pfa_overlay o
      where o.organization_id = r.organization_id and o.pfa_id = r.pfa_id and o.viewer_id = app_core.current_user_id()
    )
    else r.viewer_id = app_core.current_user_id()
  end
  and (r.removed_at is null or r.has_draft);
grant select on app_public.pfa_record to vanguard_visitor;

comment on view app_public.pfa_record is E'@offersColumns\n@primaryKey organization_id,pfa_id\n@foreignKey (organization_id) references app_public.organizations (id)|@fieldName organization|@foreignFieldName pfaRecords\nA record as the signed-in user sees it: what PEMS holds, overlaid by committed values that PEMS has not confirmed, overlaid by the user''s own draft.';
comment on column app_public.pfa_record.organization_id is 'The organization.';
comment on column app_public.pfa_record.pfa_id is E'@behavior +orderBy +filterBy\nIdentity inside its organization.';
comment on column app_public.pfa_record.revision is E'@notNull\nSend it along when you draft: the draft is refused when the record has moved since.';
comment on column app_public.pfa_record.has_draft is E'@notNull\n@behavior +filterBy\nYou have a draft of it.';
comment on column app_public.pfa_record.is_pending is E'@notNull\n@behavior +filterBy\nSomebody committed a change that PEMS has not confirmed.';
comment on column app_public.pfa_record.has_problem is E'@notNull\n@behavior +filterBy\nA key of your draft has a problem.';
comment on column app_public.pfa_record.area_silo is E'@behavior +orderBy +filterBy\nArea of the site, e.g. `Silo 4`.';
comment on column app_public.pfa_record.category is E'@behavior +orderBy +filterBy\nEquipment category.';
comment on column app_public.pfa_record.class is E'@behavior +orderBy +filterBy\nEquipment class.';
comment on column app_public.pfa_record.source is E'@behavior +filterBy\n`Rental` or `Purchase`: decides the cost rule.';
comment on column app_public.pfa_record.dor is E'@behavior +filterBy\nWho pays: `BEO` or `PROJECT`.';
comment on column app_public.pfa_record.manufacturer is 'Who makes the equipment.';
comment on column app_public.pfa_record.model is 'Its model.';
comment on column app_public.pfa_record.contract is 'The contract it comes under.';
comment on column app_public.pfa_record.equipment is 'Asset tag.';
comment on column app_public.pfa_record.monthly_rate is 'USD per month; used when rented.';
comment on column app_public.pfa_record.purchase_price is 'USD; used when purchased.';
comment on column app_public.pfa_record.original_start is 'First day of the plan.';
comment on column app_public.pfa_record.original_end is 'Last day of the plan.';
comment on column app_public.pfa_record.forecast_start is E'@behavior +orderBy +filterBy\nFirst day of the forecast.';
comment on column app_public.pfa_record.forecast_end is E'@behavior +orderBy +filterBy\nLast day of the forecast.';
comment on column app_public.pfa_record.actual_start is 'First day of billing.';
comment on column app_public.pfa_record.actual_end is 'Expected end of billing.';
comment on column app_public.pfa_record.is_actualized is E'@notNull\n@behavior +filterBy\nOn site and billing.';
comment on column app_public.pfa_record.is_discontinued is E'@notNull\n@behavior +filterBy\nRequirement cancelled: in no sum.';
comment on column app_public.pfa_record.is_funds_transferable is E'@notNull\n@behavior +filterBy\nIts budget may be given to others.';
comment on column app_public.pfa_record.has_plan is E'@notNull\nBoth dates of the plan are there.';
comment on column app_public.pfa_record.has_actuals is E'@notNull\nBoth actual dates are there.';
comment on column app_public.pfa_record.plan_cost is E'@notNull\nCost over the plan''s dates, USD.';
comment on column app_public.pfa_record.forecast_cost is E'@notNull\nCost over the forecast''s dates, USD.';
comment on column app_public.pfa_record.actual_cost is E'@notNull\nCost over the actual dates, USD.';
comment on column app_public.pfa_record.variance is E'@notNull\nForecast minus plan, USD: positive is over budget.';
comment on column app_public.pfa_record.forecast_cost_cents is E'@notNull\n@behavior +orderBy +filterBy\nForecast cost in US cents, for filters and order.';
comment on column app_public.pfa_record.base is 'What you saw under each key that you drafted; null without a draft.';
comment on column app_public.pfa_record.data is E'@notNull\nThe whole record, with the fields of PEMS that have no column here.';
comment on column app_public.pfa_record.version is 'When PEMS last changed it, in PEMS''s local time.';
comment on column app_public.pfa_record.version_by is 'Who changed it there.';
comment on column app_public.pfa_record.observed_at is 'When PEMS last told us its content.';
comment on column app_public.pfa_record.removed_at is 'When it was found gone from PEMS; you still see it because you have a draft.';
--! EndIncluded pfa_record.sql

create function app_private.rewrite_overlay(organization_id integer, pfa_ids text[]) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  with pending as (
    select m.pfa_id, jsonb_object_agg(d.key, d.value order by m.commit_sequence) as delta
    from app_core.pfa_modification m, jsonb_each(m.delta) d
    where m.organization_id = rewrite_overlay.organization_id and m.pfa_id = any (rewrite_overlay.pfa_ids)
      and m.state in ('committed', 'syncing')
    group by m.pfa_id
  ),
  viewer as (
    select p.pfa_id, 0 as viewer_id, null::jsonb as delta, null::jsonb as base, false as has_problem from pending p
    union all
    select m.pfa_id, m.user_id, m.delta, m.base, m.problems <> '{}'
    from app_core.pfa_modification m
    where m.organization_id = rewrite_overlay.organization_id and m.pfa_id = any (rewrite_overlay.pfa_ids) and m.state = 'draft'
  ),
  unwanted as (
    delete from app_core.pfa_overlay o
    where o.organization_id = rewrite_overlay.organization_id and o.pfa_id = any (rewrite_overlay.pfa_ids)
      and not exists (select from viewer v where v.pfa_id = o.pfa_id and v.viewer_id = o.viewer_id)
  )
  insert into app_core.pfa_overlay as o
    (organization_id, viewer_id, pfa_id, data, version, version_by, observed_at, removed_at, is_pending, has_draft, has_problem, base)
  select m.organization_id, v.viewer_id, m.pfa_id,
    m.data || coalesce(p.delta, '{}') || coalesce(v.delta, '{}'),
    m.version, m.version_by, m.observed_at, m.removed_at,
    p.pfa_id is not null, v.viewer_id <> 0, v.has_problem, v.base
  from viewer v
  join app_core.pfa_mirror m on m.organization_id = rewrite_overlay.organization_id and m.pfa_id = v.pfa_id
  left join pending p on p.pfa_id = v.pfa_id
  on conflict on constraint pfa_overlay_pkey do update set
    data = excluded.data, version = excluded.version, version_by = excluded.version_by, revision = excluded.revision,
    observed_at = excluded.observed_at, removed_at = excluded.removed_at,
    is_pending = excluded.is_pending, has_draft = excluded.has_draft, has_problem = excluded.has_problem, base = excluded.base
  where (o.data, o.is_pending, o.has_draft, o.has_problem, o.base, o.removed_at)
    is distinct from (excluded.data, excluded.is_pending, excluded.has_draft, excluded.has_problem, excluded.base, excluded.removed_at);
end;
comment on function app_private.rewrite_overlay(integer, text[]) is
  'Makes the overlay of these records what mirror, pending changes and drafts say. Call it in the transaction that changed one of them, under the locks of the mirror rows.';

--------------------------------------------------------------------------------------------------
-- What happened

create table app_core.pfa_change (
  organization_id integer not null references app_public.organizations on delete cascade,
  id bigint generated always as identity,
  pfa_id text not null,
  user_id integer references app_public.users on delete set null,
  route text not null check (route in ('draft', 'commit', 'sync', 'push', 'resolve')),
  event text not null default 'update' check (event in ('add', 'update', 'remove', 'restore')),
  changes jsonb not null check (jsonb_typeof(changes) = 'object'),
  changed_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, id)
);
-- use: the history of a record
create index pfa_change_pfa_id_idx on app_core.pfa_change (organization_id, pfa_id, id);
-- use: what changed in an organization since a time
create index pfa_change_changed_at_idx on app_core.pfa_change (organization_id, changed_at);
-- use: on delete of a user
create index pfa_change_user_id_idx on app_core.pfa_change (organization_id, user_id) where user_id is not null;
comment on table app_core.pfa_change is 'Append-only: which keys of which record changed from what to what. The first sync of an organization writes none.';
comment on column app_core.pfa_change.organization_id is 'The organization.';
comment on column app_core.pfa_change.id is 'In the order of happening.';
comment on column app_core.pfa_change.pfa_id is 'The record.';
comment on column app_core.pfa_change.user_id is 'Who; null where PEMS changed it.';
comment on column app_core.pfa_change.route is 'How: `draft`, `commit`, `sync` (from PEMS), `push` (to PEMS), `resolve`.';
comment on column app_core.pfa_change.event is '`add`, `update`, `remove` (gone from PEMS), `restore` (there again).';
comment on column app_core.pfa_change.changes is '`{"key": {"from": ..., "to": ...}}`';
comment on column app_core.pfa_change.changed_at is 'When.';
call app_private.protect('app_core.pfa_change');
create policy visitor_select on app_core.pfa_change for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()) and (route <> 'draft' or user_id = app_core.current_user_id()));
grant select on app_core.pfa_change to vanguard_visitor;

create table app_core.pfa_push_intent (
  organization_id integer not null,
  id bigint generated always as identity,
  modification_id bigint not null,
  attempt integer not null check (attempt > 0),
  record_version text,
  read_values jsonb not null,
  read_at timestamptz not null,
  write_values jsonb not null,
  send_before timestamptz not null,
  outcome text check (outcome in ('confirmed', 'refused', 'altered', 'conflict', 'uncertain', 'failed')),
  answer jsonb,
  created_at timestamptz not null default clock_timestamp(),
  settled_at timestamptz,
  primary key (organization_id, id),
  unique (organization_id, modification_id, attempt),
  foreign key (organization_id, modification_id) references app_core.pfa_modification on delete cascade,
  check ((outcome is null) = (settled_at is null))
);
-- use: after a crash, what was being written
create index pfa_push_intent_open_idx on app_core.pfa_push_intent (organization_id, created_at) where outcome is null;
comment on table app_core.pfa_push_intent is 'Before each write to PEMS: what was read there and what will be written, so that a crash between the two loses and doubles nothing.';
comment on column app_core.pfa_push_intent.organization_id is 'The organization.';
comment on column app_core.pfa_push_intent.id is 'Our key.';
comment on column app_core.pfa_push_intent.modification_id is 'The change that is being written.';
comment on column app_core.pfa_push_intent.attempt is 'Which attempt of that change.';
comment on column app_core.pfa_push_intent.record_version is 'The `recordid` that PEMS gave when read.';
comment on column app_core.pfa_push_intent.read_values is 'What PEMS held under the keys to be written.';
comment on column app_core.pfa_push_intent.read_at is 'When that answer arrived, by the database''s clock.';
comment on column app_core.pfa_push_intent.write_values is 'What will be written.';
comment on column app_core.pfa_push_intent.send_before is 'After this moment it is not sent any more.';
comment on column app_core.pfa_push_intent.outcome is 'How it ended; null while nobody knows.';
comment on column app_core.pfa_push_intent.answer is 'What PEMS answered, without credentials.';
comment on column app_core.pfa_push_intent.created_at is 'When it was written down.';
comment on column app_core.pfa_push_intent.settled_at is 'When the outcome was known.';
call app_private.protect('app_core.pfa_push_intent');
