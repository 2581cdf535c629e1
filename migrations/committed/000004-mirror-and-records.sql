--! Previous: sha1:8c59132babbca37316d37b28b3a9b35388e92e19
--! Hash: sha1:39a1cdf0852a90824e1fe4aac3443022613a3416
--! Message: mirror and records

--! split: 1-current.sql
-- Mirror and records: what PEMS holds, both merged, search, selections and totals.

-- A host may have installed the extension elsewhere already. It stays there.
create schema if not exists app_extensions;
create extension if not exists btree_gin with schema app_extensions;

create sequence app_core.revision_seq;
comment on sequence app_core.revision_seq is
  'Drawn from whenever the row that somebody sees, mirror or overlay, changes content. The token of optimistic '
  'locking.';

--! Included app_core/functions/iso_date.sql
create or replace function app_core.iso_date(value text) returns date
  language sql immutable parallel safe
  return make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, substr(value, 9, 2)::integer);
comment on function app_core.iso_date(text) is
  'The date that strict `YYYY-MM-DD` text names, whatever DateStyle says. What is not a date was refused in '
  'staging or when drafted.';
grant execute on function app_core.iso_date(text) to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/iso_date.sql
--! Included app_core/functions/cost_cents.sql
create or replace function app_core.cost_cents(source text, first_day date, last_day date, monthly_rate numeric,
  purchase_price numeric) returns bigint
  language sql immutable parallel safe
  return case source
    when 'Rental' then coalesce(round(greatest(0, last_day - first_day) * monthly_rate * 100 / 30.44), 0)::bigint
    when 'Purchase' then coalesce(round(purchase_price * 100), 0)::bigint
    else 0
  end;
comment on function app_core.cost_cents(text, date, date, numeric, numeric) is
  'Cost of a record in cents, rounded once, so that totals are the sums of what is shown. Rental: days / 30.44 * '
  'monthly rate; Purchase: the price. A missing rate, price or date counts as 0 (domain.md, Cost).';
grant execute on function app_core.cost_cents(text, date, date, numeric, numeric) to vanguard_visitor, vanguard_worker,
  vanguard_ai_reader;
--! EndIncluded app_core/functions/cost_cents.sql

--! Included app_core/functions/text_fields.sql
create or replace function app_core.text_fields(data jsonb) returns jsonb
  language sql immutable parallel safe
  return data - array[
    'pfaId', 'organization', 'originalStart', 'originalEnd', 'forecastStart', 'forecastEnd', 'actualStart', 'actualEnd',
    'monthlyRate', 'purchasePrice', 'isActualized', 'isDiscontinued', 'isFundsTransferable'
  ];
comment on function app_core.text_fields(jsonb) is
  'What of a record the index of values holds: its texts, and all fields of PEMS that we do not know. Identity, '
  'days, money and flags are found otherwise or by nobody, and would make it large.';
grant execute on function app_core.text_fields(jsonb) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/text_fields.sql

-- By default a fifth of all organizations' records has to be outdated before PostgreSQL reuses their space: 300 MB of
-- a million records. A vacuum after 24,000 records takes 0.4 s.
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
  original_start date generated always as (app_core.iso_date(data->>'originalStart')) stored,
  original_end date generated always as (app_core.iso_date(data->>'originalEnd')) stored,
  forecast_start date generated always as (app_core.iso_date(data->>'forecastStart')) stored,
  forecast_end date generated always as (app_core.iso_date(data->>'forecastEnd')) stored,
  actual_start date generated always as (app_core.iso_date(data->>'actualStart')) stored,
  actual_end date generated always as (app_core.iso_date(data->>'actualEnd')) stored,
  is_actualized boolean not null generated always as (coalesce((data->>'isActualized') = 'true', false)) stored,
  is_discontinued boolean not null generated always as (coalesce((data->>'isDiscontinued') = 'true', false)) stored,
  is_funds_transferable boolean not null generated always as (coalesce((data->>'isFundsTransferable') = 'true',
    false)) stored,
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
) with (autovacuum_vacuum_scale_factor = 0.02);
comment on table app_core.pfa_mirror is 'What PEMS said last: one row a record. Written only by sync and push.';
comment on column app_core.pfa_mirror.organization_id is 'The organization.';
comment on column app_core.pfa_mirror.pfa_id is 'Identity inside its organization.';
comment on column app_core.pfa_mirror.data is
  'The record. Dates are strict ISO text, money JSON numbers, flags JSON booleans; missing keys are absent; fields '
  'that no mapping knows stay under their PEMS name.';
comment on column app_core.pfa_mirror.version is 'When PEMS last changed it, in PEMS''s local time, to the minute.';
comment on column app_core.pfa_mirror.version_by is 'Who changed it there.';
comment on column app_core.pfa_mirror.revision is 'Ours; grows with every change of content.';
comment on column app_core.pfa_mirror.observed_at is
  'When the answer arrived that the content came from, by the database''s clock. Only a request that began later '
  'may overwrite it.';
comment on column app_core.pfa_mirror.removed_at is 'When it was found gone from PEMS, twice; null while it is there.';
comment on column app_core.pfa_mirror.area_silo is 'Area of the site.';
comment on column app_core.pfa_mirror.category is 'Equipment category.';
comment on column app_core.pfa_mirror.class is 'Equipment class.';
comment on column app_core.pfa_mirror.source is '`Rental` or `Purchase`.';
comment on column app_core.pfa_mirror.dor is '`BEO` or `PROJECT`.';
comment on column app_core.pfa_mirror.original_start is 'First day of the plan.';
comment on column app_core.pfa_mirror.original_end is 'Last day of the plan.';
comment on column app_core.pfa_mirror.forecast_start is 'First day of the forecast.';
comment on column app_core.pfa_mirror.forecast_end is 'Last day of the forecast.';
comment on column app_core.pfa_mirror.actual_start is 'First day of billing.';
comment on column app_core.pfa_mirror.actual_end is 'Expected end of billing.';
comment on column app_core.pfa_mirror.is_actualized is 'On site and billing.';
comment on column app_core.pfa_mirror.is_discontinued is 'Requirement cancelled.';
comment on column app_core.pfa_mirror.is_funds_transferable is 'Its budget may be given to others.';
comment on column app_core.pfa_mirror.plan_cost_cents is 'Cost over the plan''s dates, US cents.';
comment on column app_core.pfa_mirror.forecast_cost_cents is 'Cost over the forecast''s dates, US cents.';
comment on column app_core.pfa_mirror.actual_cost_cents is
  'Cost over the actual dates, US cents; 0 unless both are there.';
create index pfa_mirror_category_idx on app_core.pfa_mirror (organization_id, category, pfa_id);
comment on index app_core.pfa_mirror_category_idx is
  'Lists sorted or filtered by category, and by category and source.';
create index pfa_mirror_area_silo_idx on app_core.pfa_mirror (organization_id, area_silo, pfa_id);
comment on index app_core.pfa_mirror_area_silo_idx is 'Lists sorted or filtered by area.';
create index pfa_mirror_forecast_start_idx on app_core.pfa_mirror (organization_id, forecast_start, pfa_id);
comment on index app_core.pfa_mirror_forecast_start_idx is 'Lists sorted by first day, windows of the timeline.';
create index pfa_mirror_forecast_end_idx on app_core.pfa_mirror (organization_id, forecast_end, pfa_id);
comment on index app_core.pfa_mirror_forecast_end_idx is 'Lists sorted by last day.';
create index pfa_mirror_forecast_cost_idx on app_core.pfa_mirror (organization_id, forecast_cost_cents, pfa_id);
comment on index app_core.pfa_mirror_forecast_cost_idx is 'Lists sorted by cost, ranges of money.';
create index pfa_mirror_class_idx on app_core.pfa_mirror (organization_id, class, pfa_id, category);
comment on index app_core.pfa_mirror_class_idx is 'Lists sorted or filtered by class, also of one category.';
-- The operator class for integers is in the schema of the extension, wherever that is.
do $$
begin
  perform set_config('search_path', (
    select 'pg_catalog, ' || quote_ident(n.nspname)
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'btree_gin'
  ), true);
end;
$$;
-- What waits for this index stays behind as empty pages, which only the next list uses. An ordinary organization fills
-- 4 MB. A first run of 200,000 records, which would fill 39 MB, works some of it off itself.
create index pfa_mirror_values_idx on app_core.pfa_mirror
  using gin (organization_id int4_ops, app_core.text_fields(data) jsonb_path_ops) with (gin_pending_list_limit = 16384);
reset search_path;
comment on index app_core.pfa_mirror_values_idx is
  'app_private.found_in_mirror. What a run inserts waits in a list, which app_private.prepare_search works off: by '
  'the row it would be dearer than all other indexes.';
call app_private.enable_rls('app_core.pfa_mirror');
create policy visitor_select on app_core.pfa_mirror for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()));
grant select on app_core.pfa_mirror to vanguard_visitor, vanguard_worker;

create table app_core.pfa_overlay (
  viewer_id integer not null check (viewer_id >= 0),
  is_pending boolean not null,
  has_draft boolean not null,
  has_problem boolean not null,
  base jsonb,
  like app_core.pfa_mirror including defaults including generated including comments,
  mirror_source text,
  mirror_is_actualized boolean not null,
  mirror_is_discontinued boolean not null,
  mirror_plan_cost_cents bigint not null,
  mirror_forecast_cost_cents bigint not null,
  mirror_actual_cost_cents bigint not null,
  mirror_original_start date,
  mirror_original_end date,
  mirror_forecast_start date,
  mirror_forecast_end date,
  mirror_actual_start date,
  mirror_actual_end date,
  problems jsonb,
  primary key (organization_id, viewer_id, pfa_id),
  foreign key (organization_id, pfa_id) references app_core.pfa_mirror on delete cascade
);
comment on table app_core.pfa_overlay is
  'The merged rows of changed records: viewer 0 is mirror + pending, viewer u is mirror + pending + the draft of '
  'user u. Written with every change of either, in the same transaction.';
comment on column app_core.pfa_overlay.viewer_id is
  'The user who sees it; 0: everybody who has no draft of the record.';
comment on column app_core.pfa_overlay.is_pending is 'Somebody committed a change that PEMS has not confirmed.';
comment on column app_core.pfa_overlay.has_draft is 'The viewer has a draft.';
comment on column app_core.pfa_overlay.has_problem is 'A key of that draft has a problem.';
comment on column app_core.pfa_overlay.base is 'What the viewer saw under each drafted key; null without a draft.';
comment on column app_core.pfa_overlay.organization_id is 'The organization.';
comment on column app_core.pfa_overlay.pfa_id is 'Identity inside its organization.';
comment on column app_core.pfa_overlay.data is
  'The record. Dates are strict ISO text, money JSON numbers, flags JSON booleans; missing keys are absent; fields '
  'that no mapping knows stay under their PEMS name.';
comment on column app_core.pfa_overlay.version is 'When PEMS last changed it, in PEMS''s local time, to the minute.';
comment on column app_core.pfa_overlay.version_by is 'Who changed it there.';
comment on column app_core.pfa_overlay.revision is 'Ours; grows with every change of content.';
comment on column app_core.pfa_overlay.observed_at is
  'When the answer arrived that the content came from, by the database''s clock. Only a request that began later '
  'may overwrite it.';
comment on column app_core.pfa_overlay.removed_at is 'When it was found gone from PEMS, twice; null while it is there.';
comment on column app_core.pfa_overlay.area_silo is 'Area of the site.';
comment on column app_core.pfa_overlay.category is 'Equipment category.';
comment on column app_core.pfa_overlay.class is 'Equipment class.';
comment on column app_core.pfa_overlay.source is '`Rental` or `Purchase`.';
comment on column app_core.pfa_overlay.dor is '`BEO` or `PROJECT`.';
comment on column app_core.pfa_overlay.original_start is 'First day of the plan.';
comment on column app_core.pfa_overlay.original_end is 'Last day of the plan.';
comment on column app_core.pfa_overlay.forecast_start is 'First day of the forecast.';
comment on column app_core.pfa_overlay.forecast_end is 'Last day of the forecast.';
comment on column app_core.pfa_overlay.actual_start is 'First day of billing.';
comment on column app_core.pfa_overlay.actual_end is 'Expected end of billing.';
comment on column app_core.pfa_overlay.is_actualized is 'On site and billing.';
comment on column app_core.pfa_overlay.is_discontinued is 'Requirement cancelled.';
comment on column app_core.pfa_overlay.is_funds_transferable is 'Its budget may be given to others.';
comment on column app_core.pfa_overlay.plan_cost_cents is 'Cost over the plan''s dates, US cents.';
comment on column app_core.pfa_overlay.forecast_cost_cents is 'Cost over the forecast''s dates, US cents.';
comment on column app_core.pfa_overlay.actual_cost_cents is
  'Cost over the actual dates, US cents; 0 unless both are there.';
comment on column app_core.pfa_overlay.mirror_source is 'In the mirror: `Rental` or `Purchase`.';
comment on column app_core.pfa_overlay.mirror_is_actualized is 'In the mirror: on site and billing.';
comment on column app_core.pfa_overlay.mirror_is_discontinued is 'In the mirror: requirement cancelled.';
comment on column app_core.pfa_overlay.mirror_plan_cost_cents is
  'In the mirror: cost over the plan''s dates, US cents.';
comment on column app_core.pfa_overlay.mirror_forecast_cost_cents is
  'In the mirror: cost over the forecast''s dates, US cents.';
comment on column app_core.pfa_overlay.mirror_actual_cost_cents is
  'In the mirror: cost over the actual dates, US cents.';
comment on column app_core.pfa_overlay.mirror_original_start is 'In the mirror: first day of the plan.';
comment on column app_core.pfa_overlay.mirror_original_end is 'In the mirror: last day of the plan.';
comment on column app_core.pfa_overlay.mirror_forecast_start is 'In the mirror: first day of the forecast.';
comment on column app_core.pfa_overlay.mirror_forecast_end is 'In the mirror: last day of the forecast.';
comment on column app_core.pfa_overlay.mirror_actual_start is 'In the mirror: first day of billing.';
comment on column app_core.pfa_overlay.mirror_actual_end is 'In the mirror: expected end of billing.';
comment on column app_core.pfa_overlay.problems is 'The problems of that draft, by key; null when there is none.';
create index pfa_overlay_pfa_id_idx on app_core.pfa_overlay (organization_id, pfa_id, viewer_id);
comment on index app_core.pfa_overlay_pfa_id_idx is
  'Which overlays a record has (the merged view, rewriting them, on delete of a record).';
create index pfa_overlay_forecast_cost_idx on app_core.pfa_overlay (organization_id, viewer_id, forecast_cost_cents,
  pfa_id);
comment on index app_core.pfa_overlay_forecast_cost_idx is 'pfa_record sorted by cost, ranges of money.';
create index pfa_overlay_category_idx on app_core.pfa_overlay (organization_id, viewer_id, category, pfa_id);
comment on index app_core.pfa_overlay_category_idx is 'pfa_record sorted or filtered by category.';
create index pfa_overlay_class_idx on app_core.pfa_overlay (organization_id, viewer_id, class, pfa_id);
comment on index app_core.pfa_overlay_class_idx is 'pfa_record sorted or filtered by class.';
create index pfa_overlay_area_silo_idx on app_core.pfa_overlay (organization_id, viewer_id, area_silo, pfa_id);
comment on index app_core.pfa_overlay_area_silo_idx is 'pfa_record sorted or filtered by area.';
create index pfa_overlay_forecast_start_idx on app_core.pfa_overlay (organization_id, viewer_id, forecast_start,
  pfa_id);
comment on index app_core.pfa_overlay_forecast_start_idx is 'pfa_record sorted by first day, windows of the timeline.';
create index pfa_overlay_forecast_end_idx on app_core.pfa_overlay (organization_id, viewer_id, forecast_end, pfa_id);
comment on index app_core.pfa_overlay_forecast_end_idx is 'pfa_record sorted by last day.';
call app_private.enable_rls('app_core.pfa_overlay');
create policy visitor_select on app_core.pfa_overlay for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()) and viewer_id in (0, app_core.current_user_id()));
grant select on app_core.pfa_overlay to vanguard_visitor, vanguard_worker;

create table app_private.pfa_kpi_change (
  organization_id integer not null references app_public.organizations on delete cascade,
  id bigint generated always as identity,
  source text not null,
  record_count bigint not null,
  actualized_count bigint not null,
  discontinued_count bigint not null,
  plan_cost_cents numeric not null,
  forecast_cost_cents numeric not null,
  actual_cost_cents numeric not null,
  transaction_id xid8 not null default pg_current_xact_id(),
  primary key (organization_id, id)
);
comment on table app_private.pfa_kpi_change is
  'New minus old sums of each change of the mirror. Those that the materialized summary''s snapshot does not see '
  'are added to it; the others are deleted after a refresh.';
comment on column app_private.pfa_kpi_change.organization_id is 'The organization.';
comment on column app_private.pfa_kpi_change.id is 'Our key.';
comment on column app_private.pfa_kpi_change.source is 'As in the summary.';
comment on column app_private.pfa_kpi_change.record_count is 'Difference of the count.';
comment on column app_private.pfa_kpi_change.actualized_count is 'Difference of the count.';
comment on column app_private.pfa_kpi_change.discontinued_count is 'Difference of the count.';
comment on column app_private.pfa_kpi_change.plan_cost_cents is 'Difference in US cents.';
comment on column app_private.pfa_kpi_change.forecast_cost_cents is 'Difference in US cents.';
comment on column app_private.pfa_kpi_change.actual_cost_cents is 'Difference in US cents.';
comment on column app_private.pfa_kpi_change.transaction_id is
  'The transaction that changed the mirror: compared with the snapshot of the summary, so that nothing is counted '
  'twice or not at all, whatever runs at the same time.';
create index pfa_kpi_change_organization_id_idx on app_private.pfa_kpi_change (organization_id, transaction_id);
comment on index app_private.pfa_kpi_change_organization_id_idx is
  'What changed in an organization since the summary was computed.';
call app_private.enable_rls('app_private.pfa_kpi_change');

create type app_public.pfa_kpis as (
  record_count bigint,
  actualized_count bigint,
  discontinued_count bigint,
  plan_cost numeric,
  forecast_cost numeric,
  actual_cost numeric,
  variance numeric,
  rental_count bigint,
  rental_plan_cost numeric,
  rental_forecast_cost numeric,
  rental_actual_cost numeric,
  purchase_count bigint,
  purchase_plan_cost numeric,
  purchase_forecast_cost numeric,
  purchase_actual_cost numeric
);
comment on type app_public.pfa_kpis is
  'Counts and costs in USD, without discontinued records (which are counted apart).';
comment on column app_public.pfa_kpis.record_count is E'@notNull\nRecords, without discontinued ones.';
comment on column app_public.pfa_kpis.actualized_count is E'@notNull\nOf these, on site and billing.';
comment on column app_public.pfa_kpis.discontinued_count is E'@notNull\nDiscontinued records.';
comment on column app_public.pfa_kpis.plan_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_kpis.forecast_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_kpis.actual_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_kpis.variance is E'@notNull\nForecast minus plan, USD: positive is over budget.';
comment on column app_public.pfa_kpis.rental_count is E'@notNull\nRecords that are rented.';
comment on column app_public.pfa_kpis.rental_plan_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_kpis.rental_forecast_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_kpis.rental_actual_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_kpis.purchase_count is E'@notNull\nRecords that are purchased.';
comment on column app_public.pfa_kpis.purchase_plan_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_kpis.purchase_forecast_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_kpis.purchase_actual_cost is E'@notNull\nUSD.';

create type app_public.pfa_bounds as (
  original_start date,
  original_end date,
  forecast_start date,
  forecast_end date,
  actual_start date,
  actual_end date
);
comment on type app_public.pfa_bounds is 'First and last days of what you see, without discontinued records.';
comment on column app_public.pfa_bounds.original_start is 'First day of any plan.';
comment on column app_public.pfa_bounds.original_end is 'Last day of any plan.';
comment on column app_public.pfa_bounds.forecast_start is 'First day of any forecast.';
comment on column app_public.pfa_bounds.forecast_end is 'Last day of any forecast.';
comment on column app_public.pfa_bounds.actual_start is 'First day of any billing.';
comment on column app_public.pfa_bounds.actual_end is 'Last expected day of any billing.';

-- A list a key, and not a row a value: compressed, it takes 4 bytes a record instead of 29.
create table app_private.pfa_search_values (
  organization_id integer not null references app_public.organizations on delete cascade,
  key text not null,
  texts text[] not null,
  primary key (organization_id, key)
);
comment on table app_private.pfa_search_values is
  'Which texts occur in the mirror under the keys that words are looked for in, one list a key. Of the ids, which '
  'all differ, it is their parts of three characters.';
comment on column app_private.pfa_search_values.organization_id is 'The organization.';
comment on column app_private.pfa_search_values.key is 'The key of the record.';
comment on column app_private.pfa_search_values.texts is
  'The texts, as they are; of ids (key `pfaId`) the three characters that follow each other, in lower case.';
call app_private.enable_rls('app_private.pfa_search_values');

create table app_private.pfa_search_stale (
  organization_id integer primary key references app_public.organizations on delete cascade,
  mark bigint not null default nextval('app_core.revision_seq')
);
comment on table app_private.pfa_search_stale is
  'Organizations whose mirror has changed since their values were listed: until that is done, words are looked for '
  'in every record.';
comment on column app_private.pfa_search_stale.organization_id is 'The organization.';
comment on column app_private.pfa_search_stale.mark is
  'Another one with each change, so that who has listed the values sees whether the mirror has changed meanwhile.';
call app_private.enable_rls('app_private.pfa_search_stale');

create domain app_public.pfa_record_filter as jsonb;
comment on domain app_public.pfa_record_filter is
  'What a list of records is filtered by, such as `{"category": {"equalTo": "Cranes"}, "or": [{"hasDraft": '
  '{"equalTo": true}}, {"forecastStart": {"lessThan": "2026-04-01"}}]}`.';

create type app_public.pfa_selection as (
  record_ids text[],
  filter app_public.pfa_record_filter,
  search text,
  containing jsonb,
  everything boolean
);
comment on type app_public.pfa_selection is
  'Records of an organization as you see them. What is given together is all required of a record; give at least '
  'one.';
comment on column app_public.pfa_selection.record_ids is
  'These records, at most 20,000. Ids that there are not are passed over.';
comment on column app_public.pfa_selection.filter is 'Records that the list has with this filter.';
comment on column app_public.pfa_selection.search is
  'Records that have every word of this text, as `foundRecords` finds them.';
comment on column app_public.pfa_selection.containing is
  'Records whose data contain this object, as `foundRecords` finds them.';
comment on column app_public.pfa_selection.everything is '`true` for all records, and then nothing else.';

create type app_public.pfa_dimension as enum ('category', 'class', 'area', 'dor', 'source', 'month');
comment on type app_public.pfa_dimension is 'What sums are grouped by.';

create type app_public.pfa_layer as enum ('merged', 'mirror');
comment on type app_public.pfa_layer is
  'Whose values: what you see (PEMS, overlaid by what is pending and by your drafts), or the mirror of PEMS alone.';

create type app_public.pfa_sum as (
  group_value text,
  record_count bigint,
  plan_cost numeric,
  forecast_cost numeric,
  actual_cost numeric,
  variance numeric,
  plan_months numeric,
  forecast_months numeric,
  actual_months numeric
);
comment on type app_public.pfa_sum is
  'Costs in USD of the records of one group, without discontinued and removed ones.';
comment on column app_public.pfa_sum.group_value is
  'The category, class, area, ...; a month as `2026-04`. Null: without a group, or of records that have none.';
comment on column app_public.pfa_sum.record_count is 'Records. Null for a month.';
comment on column app_public.pfa_sum.plan_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_sum.forecast_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_sum.actual_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_sum.variance is E'@notNull\nForecast minus plan, USD: positive is over budget.';
comment on column app_public.pfa_sum.plan_months is
  'Duration of the plans in months of 30.44 days, all together. Null for a month.';
comment on column app_public.pfa_sum.forecast_months is 'Duration of the forecasts. Null for a month.';
comment on column app_public.pfa_sum.actual_months is
  'Duration of the billing, where both its days are known. Null for a month.';

--! Included app_core/functions/cents.sql
create or replace function app_core.cents(amount numeric) returns bigint
  language sql immutable parallel safe
  return round(amount * 100)::bigint;
comment on function app_core.cents(numeric) is
  'USD to whole cents: integers are leakproof, so an index on them works under row level security.';
grant execute on function app_core.cents(numeric) to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/cents.sql
--! Included app_core/functions/usd.sql
create or replace function app_core.usd(cents numeric) returns numeric
  language sql immutable parallel safe
  return round(cents * 0.01, 2);
comment on function app_core.usd(numeric) is 'Cents to USD. A product is exact; a quotient keeps 16 digits.';
grant execute on function app_core.usd(numeric) to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/usd.sql
--! Included app_core/functions/changed_keys.sql
create or replace function app_core.changed_keys(before jsonb, after jsonb) returns jsonb
  language sql immutable parallel safe
begin atomic
  select coalesce(jsonb_object_agg(key, jsonb_build_object('from', b.value, 'to', a.value)), '{}')
  from jsonb_each(before) b
  full join jsonb_each(after) a using (key)
  where nullif(b.value, 'null') is distinct from nullif(a.value, 'null');
end;
comment on function app_core.changed_keys(jsonb, jsonb) is
  'What differs between two records, by key: `{"key": {"from": ..., "to": ...}}`. A missing key and null are the '
  'same.';
grant execute on function app_core.changed_keys(jsonb, jsonb) to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/changed_keys.sql

--! Included app_public/views/pfa_record.sql
-- The merged record, in three layers: the mirror, where neither a pending change nor a draft of the user lies over it;
-- pending changes, where no draft lies over them; the user's drafts. What makes it fast, measured at a million records
-- (docs/explanation/performance.md):
-- - The branches are plain tables, and the layer is a constant in each: so the planner folds the CASE to the one
--   condition of that layer, looks into the tables, and merges the index orders of all three. A WHERE inside a branch
--   hides that order.
-- - What lies over is looked up in a set that is read once (IN), not record by record.
-- - `case when ... in (...) then 1 else 0 end <> 1` is `not in`, of which the planner thinks that nearly all rows pass,
--   as they do; of `not in` itself it thinks that half of them do, and then it sorts whole organizations for a page.
create or replace view app_public.pfa_record with (security_invoker = true) as
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
  r.data->>'contract' as contract,
  r.data->>'equipment' as equipment,
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
    'mirror' as layer, 0 as viewer_id, false as has_draft, false as is_pending, false as has_problem,
    null::jsonb as base,
    m.organization_id, m.pfa_id, m.data, m.version, m.version_by, m.revision, m.observed_at, m.removed_at,
    m.area_silo, m.category, m.class, m.source, m.dor,
    m.original_start, m.original_end, m.forecast_start, m.forecast_end, m.actual_start, m.actual_end,
    m.is_actualized, m.is_discontinued, m.is_funds_transferable,
    m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents
  from app_core.pfa_mirror m
  union all
  select
    'pending', o.viewer_id, o.has_draft, o.is_pending, o.has_problem, o.base,
    o.organization_id, o.pfa_id, o.data, o.version, o.version_by, o.revision, o.observed_at, o.removed_at,
    o.area_silo, o.category, o.class, o.source, o.dor,
    o.original_start, o.original_end, o.forecast_start, o.forecast_end, o.actual_start, o.actual_end,
    o.is_actualized, o.is_discontinued, o.is_funds_transferable,
    o.plan_cost_cents, o.forecast_cost_cents, o.actual_cost_cents
  from app_core.pfa_overlay o
  union all
  select
    'draft', o.viewer_id, o.has_draft, o.is_pending, o.has_problem, o.base,
    o.organization_id, o.pfa_id, o.data, o.version, o.version_by, o.revision, o.observed_at, o.removed_at,
    o.area_silo, o.category, o.class, o.source, o.dor,
    o.original_start, o.original_end, o.forecast_start, o.forecast_end, o.actual_start, o.actual_end,
    o.is_actualized, o.is_discontinued, o.is_funds_transferable,
    o.plan_cost_cents, o.forecast_cost_cents, o.actual_cost_cents
  from app_core.pfa_overlay o
) r
where
  case r.layer
    when 'mirror' then
      case when (r.organization_id, r.pfa_id) in (
        select o.organization_id, o.pfa_id from app_core.pfa_overlay o
          where o.viewer_id in (0, app_core.current_user_id())
      ) then 1 else 0 end <> 1
    when 'pending' then
      r.viewer_id = 0 and case when (r.organization_id, r.pfa_id) in (
        select o.organization_id, o.pfa_id from app_core.pfa_overlay o where o.viewer_id = app_core.current_user_id()
      ) then 1 else 0 end <> 1
    else r.viewer_id = app_core.current_user_id()
  end
  and (r.removed_at is null or r.has_draft);
comment on view app_public.pfa_record is
  E'@offersColumns\n@primaryKey organization_id,pfa_id\n@foreignKey (organization_id) references '
  'app_public.organizations (id)|@fieldName organization|@foreignFieldName pfaRecords\nA record as the signed-in '
  'user sees it: what PEMS holds, overlaid by committed values that PEMS has not confirmed, overlaid by the '
  'user''s own draft.';
comment on column app_public.pfa_record.organization_id is 'The organization.';
comment on column app_public.pfa_record.pfa_id is E'@behavior +orderBy +filterBy\nIdentity inside its organization.';
comment on column app_public.pfa_record.revision is
  E'@notNull\nSend it along when you draft: the draft is refused when the record has moved since.';
comment on column app_public.pfa_record.has_draft is E'@notNull\n@behavior +filterBy\nYou have a draft of it.';
comment on column app_public.pfa_record.is_pending is
  E'@notNull\n@behavior +filterBy\nSomebody committed a change that PEMS has not confirmed.';
comment on column app_public.pfa_record.has_problem is
  E'@notNull\n@behavior +filterBy\nA key of your draft has a problem.';
comment on column app_public.pfa_record.area_silo is E'@behavior +orderBy +filterBy\nArea of the site, e.g. `Silo 4`.';
comment on column app_public.pfa_record.category is E'@behavior +orderBy +filterBy\nEquipment category.';
comment on column app_public.pfa_record.class is E'@behavior +orderBy +filterBy\nEquipment class.';
comment on column app_public.pfa_record.source is
  E'@behavior +filterBy\n`Rental` or `Purchase`: decides the cost rule.';
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
comment on column app_public.pfa_record.is_discontinued is
  E'@notNull\n@behavior +filterBy\nRequirement cancelled: in no sum.';
comment on column app_public.pfa_record.is_funds_transferable is
  E'@notNull\n@behavior +filterBy\nIts budget may be given to others.';
comment on column app_public.pfa_record.has_plan is E'@notNull\nBoth dates of the plan are there.';
comment on column app_public.pfa_record.has_actuals is E'@notNull\nBoth actual dates are there.';
comment on column app_public.pfa_record.plan_cost is E'@notNull\nCost over the plan''s dates, USD.';
comment on column app_public.pfa_record.forecast_cost is E'@notNull\nCost over the forecast''s dates, USD.';
comment on column app_public.pfa_record.actual_cost is E'@notNull\nCost over the actual dates, USD.';
comment on column app_public.pfa_record.variance is E'@notNull\nForecast minus plan, USD: positive is over budget.';
comment on column app_public.pfa_record.forecast_cost_cents is
  E'@notNull\n@behavior +orderBy +filterBy\nForecast cost in US cents, for filters and order.';
comment on column app_public.pfa_record.base is 'What you saw under each key that you drafted; null without a draft.';
comment on column app_public.pfa_record.data is
  E'@notNull\nThe whole record, with the fields of PEMS that have no column here.';
comment on column app_public.pfa_record.version is 'When PEMS last changed it, in PEMS''s local time.';
comment on column app_public.pfa_record.version_by is 'Who changed it there.';
comment on column app_public.pfa_record.observed_at is 'When PEMS last told us its content.';
comment on column app_public.pfa_record.removed_at is
  'When it was found gone from PEMS; you still see it because you have a draft.';
grant select on app_public.pfa_record to vanguard_visitor;
--! EndIncluded app_public/views/pfa_record.sql

--! Included app_core/functions/is_iso_date.sql
create or replace function app_core.is_iso_date(value text) returns boolean
  language sql immutable parallel safe
  return case
    when value ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' and substr(value, 1, 4) <> '0000'
      then substr(value, 9, 2)::integer <= date_part('day',
        make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, 1) + interval '1 month -1 day')
    else false
  end;
comment on function app_core.is_iso_date(text) is 'Whether the text is `YYYY-MM-DD` and such a day exists.';
grant execute on function app_core.is_iso_date(text) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/is_iso_date.sql

--! Included app_private/views/pfa_kpi_summary.sql
create materialized view if not exists app_private.pfa_kpi_summary as
-- Grouped by what it is told apart by: a condition on each aggregate would be looked at for each record.
with part as (
  select m.organization_id, m.source, m.is_discontinued, m.is_actualized, count(*) as record_count,
    sum(m.plan_cost_cents) as plan_cost_cents, sum(m.forecast_cost_cents) as forecast_cost_cents,
    sum(m.actual_cost_cents) as actual_cost_cents,
    min(m.original_start) as original_start, max(m.original_end) as original_end,
    min(m.forecast_start) as forecast_start, max(m.forecast_end) as forecast_end,
    min(m.actual_start) as actual_start, max(m.actual_end) as actual_end
  from app_core.pfa_mirror m
  where m.removed_at is null
  group by 1, 2, 3, 4
)
select
  p.organization_id,
  coalesce(p.source, '') as source,
  coalesce(sum(p.record_count) filter (where not p.is_discontinued), 0)::bigint as record_count,
  coalesce(sum(p.record_count) filter (where not p.is_discontinued and p.is_actualized), 0)::bigint as actualized_count,
  coalesce(sum(p.record_count) filter (where p.is_discontinued), 0)::bigint as discontinued_count,
  coalesce(sum(p.plan_cost_cents) filter (where not p.is_discontinued), 0) as plan_cost_cents,
  coalesce(sum(p.forecast_cost_cents) filter (where not p.is_discontinued), 0) as forecast_cost_cents,
  coalesce(sum(p.actual_cost_cents) filter (where not p.is_discontinued), 0) as actual_cost_cents,
  min(p.original_start) filter (where not p.is_discontinued) as original_start,
  max(p.original_end) filter (where not p.is_discontinued) as original_end,
  min(p.forecast_start) filter (where not p.is_discontinued) as forecast_start,
  max(p.forecast_end) filter (where not p.is_discontinued) as forecast_end,
  min(p.actual_start) filter (where not p.is_discontinued) as actual_start,
  max(p.actual_end) filter (where not p.is_discontinued) as actual_end,
  pg_current_snapshot() as seen_by,
  now() as computed_at
from part p
group by 1, 2;
comment on materialized view app_private.pfa_kpi_summary is
  'Counts, costs and bounds of the mirror by organization and source, without discontinued and removed records.';
comment on column app_private.pfa_kpi_summary.organization_id is 'The organization.';
comment on column app_private.pfa_kpi_summary.source is '`Rental`, `Purchase`, or empty where neither is known.';
comment on column app_private.pfa_kpi_summary.record_count is 'Records, without discontinued ones.';
comment on column app_private.pfa_kpi_summary.actualized_count is 'Of these, on site and billing.';
comment on column app_private.pfa_kpi_summary.discontinued_count is 'Discontinued records.';
comment on column app_private.pfa_kpi_summary.plan_cost_cents is 'US cents.';
comment on column app_private.pfa_kpi_summary.forecast_cost_cents is 'US cents.';
comment on column app_private.pfa_kpi_summary.actual_cost_cents is 'US cents.';
comment on column app_private.pfa_kpi_summary.original_start is 'First day of any plan, without discontinued records.';
comment on column app_private.pfa_kpi_summary.original_end is 'Last day of any plan, without discontinued records.';
comment on column app_private.pfa_kpi_summary.forecast_start is
  'First day of any forecast, without discontinued records.';
comment on column app_private.pfa_kpi_summary.forecast_end is 'Last day of any forecast, without discontinued records.';
comment on column app_private.pfa_kpi_summary.actual_start is 'First day of any billing, without discontinued records.';
comment on column app_private.pfa_kpi_summary.actual_end is
  'Last expected day of any billing, without discontinued records.';
comment on column app_private.pfa_kpi_summary.seen_by is 'The snapshot that it was computed in.';
comment on column app_private.pfa_kpi_summary.computed_at is 'When.';
create unique index if not exists pfa_kpi_summary_key on app_private.pfa_kpi_summary (organization_id, source);
comment on index app_private.pfa_kpi_summary_key is 'An organization''s sums; refresh without blocking readers.';
--! EndIncluded app_private/views/pfa_kpi_summary.sql

--! Included app_private/functions/outer_days.sql
create or replace function app_private.outer_days() returns integer
  language sql immutable parallel safe
  return 60;
comment on function app_private.outer_days() is
  'How many days next to each bound are known with how many records have them.';
--! EndIncluded app_private/functions/outer_days.sql

--! Included app_private/views/pfa_timeline_bounds.sql
create materialized view if not exists app_private.pfa_timeline_bounds as
with bound as (
  select s.organization_id,
    min(s.original_start) as original_start, max(s.original_end) as original_end,
    min(s.forecast_start) as forecast_start, max(s.forecast_end) as forecast_end,
    min(s.actual_start) as actual_start, max(s.actual_end) as actual_end
  from app_private.pfa_kpi_summary s
  where s.record_count > 0
  group by 1
),
-- The sums are done once for each organization, the comparisons for each record.
outer_days as (
  select b.organization_id,
    b.original_start + n.days as original_start, b.original_end - n.days as original_end,
    b.forecast_start + n.days as forecast_start,
    b.forecast_end - n.days as forecast_end, b.actual_start + n.days as actual_start,
    b.actual_end - n.days as actual_end
  from bound b cross join (select app_private.outer_days() as days) n
  offset 0
),
-- A few percent of all records, kept for the six walks through them that follow.
near as materialized (
  select o.organization_id,
    case when r.original_start <= o.original_start then r.original_start end as original_start,
    case when r.original_end >= o.original_end then r.original_end end as original_end,
    case when r.forecast_start <= o.forecast_start then r.forecast_start end as forecast_start,
    case when r.forecast_end >= o.forecast_end then r.forecast_end end as forecast_end,
    case when r.actual_start <= o.actual_start then r.actual_start end as actual_start,
    case when r.actual_end >= o.actual_end then r.actual_end end as actual_end
  from outer_days o
  join app_core.pfa_mirror r on r.organization_id = o.organization_id and r.removed_at is null and not r.is_discontinued
    and (
    r.original_start <= o.original_start or r.original_end >= o.original_end or r.forecast_start <= o.forecast_start
    or r.forecast_end >= o.forecast_end or r.actual_start <= o.actual_start or r.actual_end >= o.actual_end)
),
outer_day as (
  select n.organization_id, 1 as bound, n.original_start as day, count(*) as record_count
    from near n where n.original_start is not null group by 1, 3
  union all
  select n.organization_id, 2, n.original_end, count(*) from near n where n.original_end is not null group by 1, 3
  union all
  select n.organization_id, 3, n.forecast_start, count(*) from near n where n.forecast_start is not null group by 1, 3
  union all
  select n.organization_id, 4, n.forecast_end, count(*) from near n where n.forecast_end is not null group by 1, 3
  union all
  select n.organization_id, 5, n.actual_start, count(*) from near n where n.actual_start is not null group by 1, 3
  union all
  select n.organization_id, 6, n.actual_end, count(*) from near n where n.actual_end is not null group by 1, 3
),
list as (
  select d.organization_id, array_agg(d.bound order by d.bound, d.day) as bounds,
    array_agg(d.day order by d.bound, d.day) as days,
    array_agg(d.record_count order by d.bound, d.day) as counts
  from outer_day d group by 1
)
select b.organization_id, b.original_start, b.original_end, b.forecast_start, b.forecast_end, b.actual_start,
  b.actual_end,
  l.bounds as outer_day_bounds, l.days as outer_days, l.counts as outer_day_counts,
  -- All of them were computed in the same one.
  (select s.seen_by from app_private.pfa_kpi_summary s limit 1) as seen_by,
  now() as computed_at
from bound b
left join list l on l.organization_id = b.organization_id;
comment on materialized view app_private.pfa_timeline_bounds is
  'First and last days of the mirror by organization, without discontinued and removed records.';
comment on column app_private.pfa_timeline_bounds.organization_id is 'The organization.';
comment on column app_private.pfa_timeline_bounds.original_start is 'First day of any plan.';
comment on column app_private.pfa_timeline_bounds.original_end is 'Last day of any plan.';
comment on column app_private.pfa_timeline_bounds.forecast_start is 'First day of any forecast.';
comment on column app_private.pfa_timeline_bounds.forecast_end is 'Last day of any forecast.';
comment on column app_private.pfa_timeline_bounds.actual_start is 'First day of any billing.';
comment on column app_private.pfa_timeline_bounds.actual_end is 'Last expected day of any billing.';
comment on column app_private.pfa_timeline_bounds.outer_day_bounds is
  'Of each outer day, the bound: 1 to 6, as the columns before.';
comment on column app_private.pfa_timeline_bounds.outer_days is
  'The days within app_private.outer_days() of each bound: the next ones when records of the outermost are '
  'overlaid.';
comment on column app_private.pfa_timeline_bounds.outer_day_counts is 'Of each outer day, how many records have it.';
comment on column app_private.pfa_timeline_bounds.seen_by is
  'The snapshot that the bounds were computed in. The outer days may have been a moment later: what changed '
  'meanwhile is among the differences.';
comment on column app_private.pfa_timeline_bounds.computed_at is 'When.';
create unique index if not exists pfa_timeline_bounds_key on app_private.pfa_timeline_bounds (organization_id);
comment on index app_private.pfa_timeline_bounds_key is 'An organization''s bounds; refresh without blocking readers.';
--! EndIncluded app_private/views/pfa_timeline_bounds.sql
--! Included app_public/views/pfa_kpi_summary.sql
create or replace view app_public.pfa_kpi_summary with (security_barrier = true) as
select s.organization_id, s.source, s.record_count, s.actualized_count, s.discontinued_count,
  app_core.usd(s.plan_cost_cents) as plan_cost, app_core.usd(s.forecast_cost_cents) as forecast_cost,
  app_core.usd(s.actual_cost_cents) as actual_cost, s.computed_at
from app_private.pfa_kpi_summary s
where s.organization_id = any (app_core.current_organization_ids());
comment on view app_public.pfa_kpi_summary is
  E'@primaryKey organization_id,source\n@foreignKey (organization_id) references app_public.organizations '
  '(id)|@fieldName organization|@foreignFieldName mirrorKpis\nSums of the mirror as they were when last computed, '
  'by source. What you see with pending changes and your drafts is `kpis`.';
comment on column app_public.pfa_kpi_summary.organization_id is 'The organization.';
comment on column app_public.pfa_kpi_summary.source is '`Rental`, `Purchase`, or empty where neither is known.';
comment on column app_public.pfa_kpi_summary.record_count is 'Records, without discontinued ones.';
comment on column app_public.pfa_kpi_summary.actualized_count is 'Of these, on site and billing.';
comment on column app_public.pfa_kpi_summary.discontinued_count is 'Discontinued records.';
comment on column app_public.pfa_kpi_summary.plan_cost is 'USD.';
comment on column app_public.pfa_kpi_summary.forecast_cost is 'USD.';
comment on column app_public.pfa_kpi_summary.actual_cost is 'USD.';
comment on column app_public.pfa_kpi_summary.computed_at is 'When.';
grant select on app_public.pfa_kpi_summary to vanguard_visitor;
--! EndIncluded app_public/views/pfa_kpi_summary.sql
--! Included app_public/views/pfa_timeline_bounds.sql
create or replace view app_public.pfa_timeline_bounds with (security_barrier = true) as
select b.organization_id, b.original_start, b.original_end, b.forecast_start, b.forecast_end, b.actual_start,
  b.actual_end, b.computed_at
from app_private.pfa_timeline_bounds b
where b.organization_id = any (app_core.current_organization_ids());
comment on view app_public.pfa_timeline_bounds is
  E'@primaryKey organization_id\n@foreignKey (organization_id) references app_public.organizations (id)|@fieldName '
  'organization|@foreignSimpleFieldName mirrorBounds|@foreignFieldName mirrorBounds\nFirst and last days of the '
  'mirror as they were when last computed. What you see with pending changes and your drafts is `bounds`.';
comment on column app_public.pfa_timeline_bounds.organization_id is 'The organization.';
comment on column app_public.pfa_timeline_bounds.original_start is 'First day of any plan.';
comment on column app_public.pfa_timeline_bounds.original_end is 'Last day of any plan.';
comment on column app_public.pfa_timeline_bounds.forecast_start is 'First day of any forecast.';
comment on column app_public.pfa_timeline_bounds.forecast_end is 'Last day of any forecast.';
comment on column app_public.pfa_timeline_bounds.actual_start is 'First day of any billing.';
comment on column app_public.pfa_timeline_bounds.actual_end is 'Last expected day of any billing.';
comment on column app_public.pfa_timeline_bounds.computed_at is 'When.';
grant select on app_public.pfa_timeline_bounds to vanguard_visitor;
--! EndIncluded app_public/views/pfa_timeline_bounds.sql
--! Included app_private/functions/refresh_summaries.sql
-- Parallel workers would take every core from those who read meanwhile, and hardly save time: the work is walking
-- through the rows.
create or replace function app_private.refresh_summaries() returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set max_parallel_workers_per_gather = 0
as $$
begin
  refresh materialized view concurrently app_private.pfa_kpi_summary;
  refresh materialized view concurrently app_private.pfa_timeline_bounds;
  delete from app_private.pfa_kpi_change c
  where pg_visible_in_snapshot(c.transaction_id, (select s.seen_by from app_private.pfa_kpi_summary s limit 1))
    -- Not of this cluster: it came with a backup, and so did the change of the mirror that it stands for.
    or c.transaction_id >= pg_snapshot_xmax(pg_current_snapshot()) and c.transaction_id <> pg_current_xact_id();
end;
$$;
comment on function app_private.refresh_summaries() is
  'Computes both materialized views anew, without blocking readers, and drops what they now contain from '
  'pfa_kpi_change.';
grant execute on function app_private.refresh_summaries() to vanguard_worker;
--! EndIncluded app_private/functions/refresh_summaries.sql
--! Included app_public/functions/organizations_kpis.sql
create or replace function app_public.organizations_kpis(organization app_public.organizations)
  returns app_public.pfa_kpis
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  me constant integer := app_core.current_user_id();
  result app_public.pfa_kpis;
begin
  -- Of a row that belongs to no organization.
  if organization.id is null then
    return null;
  end if;
  perform app_private.require_readable(organization.id);
  -- What is overlaid is gone through once, and grouped by what both sides are told apart by: a condition on each of
  -- twelve sums would be looked at for each record.
  with overlaid as (
    select o.source, o.is_discontinued, o.is_actualized, o.mirror_source, o.mirror_is_discontinued,
      o.mirror_is_actualized, count(*) as record_count,
      sum(o.plan_cost_cents) as plan, sum(o.forecast_cost_cents) as forecast, sum(o.actual_cost_cents) as actual,
      sum(o.mirror_plan_cost_cents) as mirror_plan, sum(o.mirror_forecast_cost_cents) as mirror_forecast,
      sum(o.mirror_actual_cost_cents) as mirror_actual
    from app_private.overlaid(organization.id, me) o
    where o.removed_at is null
    group by 1, 2, 3, 4, 5, 6
  ),
  part as (
    select s.source, s.record_count, s.actualized_count, s.discontinued_count, s.plan_cost_cents, s.forecast_cost_cents,
      s.actual_cost_cents
    from app_private.pfa_kpi_summary s
    where s.organization_id = organization.id
    union all
    select c.source, c.record_count, c.actualized_count, c.discontinued_count, c.plan_cost_cents, c.forecast_cost_cents,
      c.actual_cost_cents
    from app_private.pfa_kpi_change c
    where c.organization_id = organization.id
      and pg_visible_in_snapshot(c.transaction_id, (select s.seen_by from app_private.pfa_kpi_summary s
        limit 1)) is not true
    union all
    select d.source,
      case when d.is_discontinued then 0 else d.record_count end, case when d.is_discontinued
        or not d.is_actualized then 0 else d.record_count end,
      case when d.is_discontinued then d.record_count else 0 end, case when d.is_discontinued then 0 else d.plan end,
      case when d.is_discontinued then 0 else d.forecast end, case when d.is_discontinued then 0 else d.actual end
    from overlaid o
    cross join lateral (values
      (o.source, o.is_discontinued, o.is_actualized, o.record_count, o.plan, o.forecast, o.actual),
      (o.mirror_source, o.mirror_is_discontinued, o.mirror_is_actualized, -o.record_count, -o.mirror_plan,
        -o.mirror_forecast, -o.mirror_actual)
    ) d (source, is_discontinued, is_actualized, record_count, plan, forecast, actual)
  ),
  total as (
    select
      coalesce(sum(record_count), 0) as record_count,
      coalesce(sum(actualized_count), 0) as actualized_count,
      coalesce(sum(discontinued_count), 0) as discontinued_count,
      coalesce(sum(plan_cost_cents), 0) as plan,
      coalesce(sum(forecast_cost_cents), 0) as forecast,
      coalesce(sum(actual_cost_cents), 0) as actual,
      coalesce(sum(record_count) filter (where source = 'Rental'), 0) as rental_count,
      coalesce(sum(plan_cost_cents) filter (where source = 'Rental'), 0) as rental_plan,
      coalesce(sum(forecast_cost_cents) filter (where source = 'Rental'), 0) as rental_forecast,
      coalesce(sum(actual_cost_cents) filter (where source = 'Rental'), 0) as rental_actual,
      coalesce(sum(record_count) filter (where source = 'Purchase'), 0) as purchase_count,
      coalesce(sum(plan_cost_cents) filter (where source = 'Purchase'), 0) as purchase_plan,
      coalesce(sum(forecast_cost_cents) filter (where source = 'Purchase'), 0) as purchase_forecast,
      coalesce(sum(actual_cost_cents) filter (where source = 'Purchase'), 0) as purchase_actual
    from part
  )
  select t.record_count, t.actualized_count, t.discontinued_count,
    app_core.usd(t.plan), app_core.usd(t.forecast), app_core.usd(t.actual), app_core.usd(t.forecast - t.plan),
    t.rental_count, app_core.usd(t.rental_plan), app_core.usd(t.rental_forecast), app_core.usd(t.rental_actual),
    t.purchase_count, app_core.usd(t.purchase_plan), app_core.usd(t.purchase_forecast), app_core.usd(t.purchase_actual)
  into result from total t;
  return result;
end;
$$;
comment on function app_public.organizations_kpis(app_public.organizations) is
  E'@behavior -filterBy -orderBy\nExact counts and costs of what you see here: the materialized summary, what '
  'changed in the mirror since, pending changes and your drafts.';
grant execute on function app_public.organizations_kpis(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_kpis.sql
--! Included app_public/functions/organizations_bounds.sql
create or replace function app_public.organizations_bounds(organization app_public.organizations)
  returns app_public.pfa_bounds
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  me constant integer := app_core.current_user_id();
  near constant integer := app_private.outer_days();
  summary app_private.pfa_timeline_bounds;
  result app_public.pfa_bounds;
begin
  -- Of a row that belongs to no organization.
  if organization.id is null then
    return null;
  end if;
  perform app_private.require_readable(organization.id);
  -- Of the outer days those count that some record has which is not overlaid; the overlaid ones have their own days.
  -- Where all records of a bound's outer days are overlaid, or the mirror has changed since, nobody knows without
  -- looking at all of them.
  select b.* into summary
  from app_private.pfa_timeline_bounds b
  where b.organization_id = organization.id
    and not exists (
      select from app_private.pfa_kpi_change c
      where c.organization_id = organization.id and not pg_visible_in_snapshot(c.transaction_id, b.seen_by));
  if found then
    -- What is overlaid is gone through once: for its own first and last days, and for days of the mirror that may be
    -- outer ones.
    with overlaid as (
      select o.is_discontinued,
        min(o.original_start) as original_start, max(o.original_end) as original_end,
        min(o.forecast_start) as forecast_start,
        max(o.forecast_end) as forecast_end, min(o.actual_start) as actual_start, max(o.actual_end) as actual_end,
        array_agg(array[o.mirror_original_start, o.mirror_original_end, o.mirror_forecast_start, o.mirror_forecast_end,
          o.mirror_actual_start, o.mirror_actual_end])
          filter (where not o.mirror_is_discontinued and (
            o.mirror_original_start <= l.original_start or o.mirror_original_end >= l.original_end
              or o.mirror_forecast_start <= l.forecast_start
            or o.mirror_forecast_end >= l.forecast_end or o.mirror_actual_start <= l.actual_start
              or o.mirror_actual_end >= l.actual_end)) as hidden
      from app_private.overlaid(organization.id, me) o
      cross join (
        select summary.original_start + near as original_start, summary.original_end - near as original_end,
          summary.forecast_start + near as forecast_start,
          summary.forecast_end - near as forecast_end, summary.actual_start + near as actual_start,
          summary.actual_end - near as actual_end
        -- Added up once, not for each record.
        offset 0
      ) l
      where o.removed_at is null
      group by 1
    ),
    hidden as (
      select (d.n - 1) % 6 + 1 as bound, d.day, count(*) as record_count
      from overlaid o cross join unnest(o.hidden) with ordinality d (day, n)
      group by 1, 2
    ),
    outermost as (
      select d.bound, bool_or(d.record_count > coalesce(h.record_count, 0)) as is_known,
        min(d.day) filter (where d.record_count > coalesce(h.record_count, 0)) as first_day,
        max(d.day) filter (where d.record_count > coalesce(h.record_count, 0)) as last_day
      from unnest(summary.outer_day_bounds, summary.outer_days, summary.outer_day_counts) d (bound, day, record_count)
      left join hidden h on h.bound = d.bound and h.day = d.day
      group by 1
    )
    select
      least(o.original_start, u.original_start), greatest(o.original_end, u.original_end),
      least(o.forecast_start, u.forecast_start), greatest(o.forecast_end, u.forecast_end),
      least(o.actual_start, u.actual_start), greatest(o.actual_end, u.actual_end)
      into result
    from (
      select min(original_start) as original_start, max(original_end) as original_end,
        min(forecast_start) as forecast_start,
        max(forecast_end) as forecast_end, min(actual_start) as actual_start, max(actual_end) as actual_end
      from overlaid where not is_discontinued
    ) o
    cross join (
      select coalesce(bool_and(is_known), true) as are_known,
        min(first_day) filter (where bound = 1) as original_start,
        max(last_day) filter (where bound = 2) as original_end,
        min(first_day) filter (where bound = 3) as forecast_start,
        max(last_day) filter (where bound = 4) as forecast_end,
        min(first_day) filter (where bound = 5) as actual_start, max(last_day) filter (where bound = 6) as actual_end
      from outermost
    ) u
    where u.are_known;
  end if;
  if not found then
    select min(r.original_start), max(r.original_end), min(r.forecast_start), max(r.forecast_end), min(r.actual_start),
      max(r.actual_end)
      into result
    from (
      select m.original_start, m.original_end, m.forecast_start, m.forecast_end, m.actual_start, m.actual_end
      from app_core.pfa_mirror m
      where m.organization_id = organization.id and m.removed_at is null and not m.is_discontinued
        and not exists (
          select from app_core.pfa_overlay o
          where o.organization_id = organization.id and o.viewer_id in (0, me) and o.pfa_id = m.pfa_id)
      union all
      select o.original_start, o.original_end, o.forecast_start, o.forecast_end, o.actual_start, o.actual_end
      from app_private.overlaid(organization.id, me) o
      where o.removed_at is null and not o.is_discontinued
    ) r;
  end if;
  return result;
end;
$$;
comment on function app_public.organizations_bounds(app_public.organizations) is
  E'@behavior -filterBy -orderBy\nExact first and last days of what you see here, with pending changes and your '
  'drafts.';
grant execute on function app_public.organizations_bounds(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_bounds.sql

--! Included app_core/functions/search_text.sql
create or replace function app_core.search_text(pfa_id text, data jsonb) returns text
  language sql immutable parallel safe
  return lower(pfa_id
    || ' ' || coalesce(data->>'category', '') || ' ' || coalesce(data->>'class', '')
    || ' ' || coalesce(data->>'areaSilo', '') || ' ' || coalesce(data->>'manufacturer', '')
    || ' ' || coalesce(data->>'model', '') || ' ' || coalesce(data->>'contract', '')
    || ' ' || coalesce(data->>'equipment', ''));
comment on function app_core.search_text(text, jsonb) is
  'What a record is found by, in lower case: identity, category, class, area, manufacturer, model, contract, asset '
  'tag.';
grant execute on function app_core.search_text(text, jsonb) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/search_text.sql
--! Included app_core/functions/find_records.sql
create or replace function app_core.find_records(organization_id integer, search text, containing jsonb)
  returns setof text
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
  -- Its statements are led by indexes, whatever the values: planning them took longer than finding a rare one.
  set plan_cache_mode = force_generic_plan
  -- One of its ways would be worth parallel workers, if it were taken; starting them takes 7 to 10 ms also when it is
  -- not.
  set max_parallel_workers_per_gather = 0
  rows 200
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := find_records.organization_id;
  p_containing constant jsonb := find_records.containing;
  p_texts jsonb;
  me constant integer := app_core.current_user_id();
  words constant text[] := app_core.search_words(search);
  patterns constant text[] := array(select app_core.search_pattern(w) from unnest(words) w);
  has_words constant boolean := cardinality(words) > 0;
  -- Digits are the same in upper and lower case, and LOWER takes most of the time.
  has_case constant boolean := words[1] !~ '^[0-9]+$';
  -- More values than this have the word in them: then so many records do that looking at each is as quick.
  most_values constant integer := 200;
  -- Values that have the first word, and whether they have the others too; ids that have it.
  fields jsonb[];
  have_all boolean[];
  ids text[];
  way text := 'all';
begin
  -- The organization of a row that belongs to none.
  if p_organization_id is null then
    return;
  end if;
  perform app_private.require_readable(p_organization_id);
  if length(search) > 200 then
    raise exception 'The text to search for has % characters, and at most 200 are allowed.', length(search)
      using errcode = 'VG400', hint = 'Search for fewer or shorter words.';
  end if;
  if jsonb_typeof(p_containing) <> 'object' then
    raise exception 'What records have to contain is not an object.'
      using errcode = 'VG400', hint = 'For example {"model": "LTM 1100"}.';
  end if;

  p_texts := app_core.text_fields(p_containing);
  if p_texts <> '{}' then
    way := 'containing';
  end if;
  if has_words and not exists (select from app_private.pfa_search_stale s
    where s.organization_id = p_organization_id) then
    select array_agg(jsonb_build_object(v.key, v.text)), array_agg(lower(v.text) like all (patterns))
      into fields, have_all
    from (
      select l.key, t.text from app_private.pfa_search_values l cross join unnest(l.texts) t (text)
      where l.organization_id = p_organization_id and l.key <> 'pfaId'
        and case when has_case then lower(t.text) else t.text end like patterns[1]
      limit most_values + 1
    ) v;
    if coalesce(cardinality(fields), 0) <= most_values then
      way := 'values';
      -- No id has it when none has its first, second, ... three characters.
      if exists (
        select from app_private.pfa_search_values l
        where l.organization_id = p_organization_id and l.key = 'pfaId'
          and l.texts @> array(select substr(words[1], n, 3) from generate_series(1, length(words[1]) - 2) n)
      ) then
        ids := array(
          select m.pfa_id from app_core.pfa_mirror m
          where m.organization_id = p_organization_id
            and case when has_case then lower(m.pfa_id) else m.pfa_id end like patterns[1]);
      end if;
    end if;
  end if;

  -- What lies over the mirror are a few thousand records at most.
  return query
    select o.pfa_id from app_private.overlaid(p_organization_id, me) o
    where (o.removed_at is null or o.has_draft)
      and (not has_words or app_core.search_text(o.pfa_id, o.data) like all (patterns))
      and (p_containing is null or o.data @> p_containing);

  -- One of the ways to the mirror's records, and what all of them have to be. A record that several values lead to
  -- comes several times.
  return query
    select m.pfa_id
    from (
      select m.pfa_id, m.data, m.removed_at, v.has_all
      from unnest(fields, have_all) v (fields, has_all)
      join app_core.pfa_mirror m on m.organization_id = p_organization_id and app_core.text_fields(m.data) @> v.fields
      where way = 'values'
      union all
      select m.pfa_id, m.data, m.removed_at, cardinality(words) = 1
      from app_core.pfa_mirror m
      where way = 'values' and m.organization_id = p_organization_id and m.pfa_id = any (ids)
      union all
      select m.pfa_id, m.data, m.removed_at, not has_words
      from app_core.pfa_mirror m
      where way = 'containing' and m.organization_id = p_organization_id and app_core.text_fields(m.data) @> p_texts
      union all
      select m.pfa_id, m.data, m.removed_at, not has_words
      from app_core.pfa_mirror m
      where way = 'all' and m.organization_id = p_organization_id
    ) m
    where m.removed_at is null
      and (m.has_all or app_core.search_text(m.pfa_id, m.data) like all (patterns))
      and (p_containing is null or m.data @> p_containing)
      and m.pfa_id not in (
        select o.pfa_id from app_core.pfa_overlay o where o.organization_id = p_organization_id
          and o.viewer_id in (0, me));
end;
$$;
comment on function app_core.find_records(integer, text, jsonb) is
  'Ids of the records that have, as the signed-in user sees them, all words of a text and contain an object; '
  'either may be null. An id may come more than once. A definer function, because row level security keeps LIKE '
  'and @> away from indexes; it checks the organization itself: VG404. VG400 for a text of more than 200 '
  'characters and for what is no object.';
grant execute on function app_core.find_records(integer, text, jsonb) to vanguard_visitor;
--! EndIncluded app_core/functions/find_records.sql
--! Included app_public/functions/organizations_found_records.sql
create or replace function app_public.organizations_found_records(organization app_public.organizations,
  search text default null, containing jsonb default null)
  returns setof app_public.pfa_record
  language sql stable
begin atomic
  select r.*
  -- One array of all ids, so that the planner cannot but look them up.
  from (select array_agg(f.pfa_id) as ids from app_core.find_records(organization.id, search,
    containing) f (pfa_id)) found
  join app_public.pfa_record r on r.organization_id = organization.id and r.pfa_id = any (found.ids);
end;
comment on function app_public.organizations_found_records(app_public.organizations, text, jsonb) is
  E'@behavior +filterProc +order\nRecords as you see them that have every word of `search` in their id, category, '
  'class, area, manufacturer, model, contract or asset tag (upper and lower case are the same), and whose data '
  'contain the object `containing`, such as `{"model": "LTM 1100"}`. Without either: all of them.';
grant execute on function app_public.organizations_found_records(app_public.organizations, text,
  jsonb) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_found_records.sql

--! Included app_private/functions/plan_cache_mode.sql
-- A usual organization's statements are planned once, which PostgreSQL does not do by itself.
create or replace function app_private.plan_cache_mode(organization_ids integer[]) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  with size as (
    select s.organization_id, sum(s.record_count + s.discontinued_count) as records from app_private.pfa_kpi_summary s
      group by 1
  )
  select case
    when max(z.records) filter (where z.organization_id
      = any (plan_cache_mode.organization_ids)) > 3 * avg(z.records) then 'force_custom_plan'
    else 'force_generic_plan'
  end
  from size z;
end;
comment on function app_private.plan_cache_mode(integer[]) is
  'How the statements of who may see these organizations are planned. A plan that is kept is made for an '
  'organization of the usual size, and saves one to two milliseconds each time; left to itself, PostgreSQL keeps '
  'none, because it thinks that one for the values asked for is a little cheaper. Where one organization is more '
  'than three times as large, another plan may be ten times as fast: then each statement is planned for the values '
  'that it asks for.';
--! EndIncluded app_private/functions/plan_cache_mode.sql

--! Included app_private/functions/session_claims.sql
create or replace function app_private.session_claims(session_id uuid, user_id integer)
  returns table (
    username text, is_administrator boolean, must_change_password boolean,
    organization_ids integer[], writable_organization_ids integer[], administered_organization_ids integer[],
    plan_cache_mode text
  )
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select c.username, c.is_administrator, c.must_change_password, c.organization_ids, c.writable_organization_ids,
    c.administered_organization_ids,
    app_private.plan_cache_mode(c.organization_ids)
  from app_private.sessions s
  cross join lateral app_private.request_claims(s.user_id) c
  where s.id = session_claims.session_id and s.user_id = session_claims.user_id and s.ended_at is null;
end;
comment on function app_private.session_claims(uuid, integer) is
  'What the user of an access token may do right now, in one look-up; no row when the session has ended, or the '
  'user is unknown or switched off.';
grant execute on function app_private.session_claims(uuid, integer) to vanguard_authenticator;
--! EndIncluded app_private/functions/session_claims.sql

--! Included app_private/functions/overlaid.sql
-- The same, of the table as it is now.
create or replace function app_private.overlaid(organization_id integer, user_id integer)
  returns setof app_core.pfa_overlay
  language sql stable
begin atomic
  select o.* from app_core.pfa_overlay o
  where o.organization_id = overlaid.organization_id and o.viewer_id = overlaid.user_id
  union all
  select o.* from app_core.pfa_overlay o
  where o.organization_id = overlaid.organization_id and o.viewer_id = 0
    and not exists (
      select from app_core.pfa_overlay mine
      where mine.organization_id = overlaid.organization_id and mine.viewer_id = overlaid.user_id
        and mine.pfa_id = o.pfa_id);
end;
comment on function app_private.overlaid(integer, integer) is
  'The merged rows that a user sees instead of the mirror''s: the user''s drafts, and what is pending on other '
  'records. Removed records are among them.';
--! EndIncluded app_private/functions/overlaid.sql

--! Included app_private/functions/prepare_search.sql
create or replace function app_private.prepare_search() returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  stale app_private.pfa_search_stale;
begin
  select s.* into stale from app_private.pfa_search_stale s order by s.mark limit 1;
  if not found then
    return false;
  end if;
  -- Two workers may be at it.
  perform pg_advisory_xact_lock(hashtext('pfa_search_values'), stale.organization_id);
  -- Of an organization that was read for the first time the statistics know nothing, and its lists would be planned as
  -- if they were empty.
  if not exists (select from app_private.pfa_search_values v where v.organization_id = stale.organization_id) then
    analyze app_core.pfa_mirror;
  end if;
  delete from app_private.pfa_search_values v where v.organization_id = stale.organization_id;
  insert into app_private.pfa_search_values (organization_id, key, texts)
  select stale.organization_id, v.key, array_agg(v.value)
  from (
    select
      case
        when grouping(m.category) = 0 then 'category' when grouping(m.class) = 0 then 'class' when grouping(m.area_silo)
          = 0 then 'areaSilo'
        when grouping(m.data->>'manufacturer') = 0 then 'manufacturer' when grouping(m.data->>'model') = 0 then 'model'
        when grouping(m.data->>'contract') = 0 then 'contract' else 'equipment'
      end as key,
      coalesce(m.category, m.class, m.area_silo, m.data->>'manufacturer', m.data->>'model', m.data->>'contract',
        m.data->>'equipment') as value
    from app_core.pfa_mirror m
    where m.organization_id = stale.organization_id
    group by grouping sets (
      (m.category), (m.class), (m.area_silo), (m.data->>'manufacturer'), (m.data->>'model'), (m.data->>'contract'),
      (m.data->>'equipment'))
    union all
    select distinct 'pfaId', substr(lower(m.pfa_id), n, 3)
    from app_core.pfa_mirror m cross join lateral generate_series(1, length(m.pfa_id) - 2) n
    where m.organization_id = stale.organization_id
  ) v
  where v.value is not null
  group by v.key;
  perform gin_clean_pending_list('app_core.pfa_mirror_values_idx');
  -- Not when it has changed again meanwhile. The lock is short: a merge that marks the organization does not wait for
  -- the above.
  delete from app_private.pfa_search_stale s where s.organization_id = stale.organization_id and s.mark = stale.mark;
  return true;
end;
$$;
comment on function app_private.prepare_search() is
  'Lists the values of one organization whose mirror has changed, has the statistics know it when it is new, and '
  'works off what waits for the index of values; false when there was none. To be called until it says so, each '
  'time in a transaction of its own.';
grant execute on function app_private.prepare_search() to vanguard_worker;
--! EndIncluded app_private/functions/prepare_search.sql

--! Included app_core/functions/search_words.sql
create or replace function app_core.search_words(search text) returns text[]
  language sql immutable parallel safe
  return array(
    select w.word from regexp_split_to_table(lower(search), '\s+') w (word) where w.word <> ''
      order by length(w.word) desc, w.word limit 20
  );
comment on function app_core.search_words(text) is
  'The words of a text in lower case, 20 at most, the longest first, which narrows most.';
--! EndIncluded app_core/functions/search_words.sql
--! Included app_core/functions/search_pattern.sql
create or replace function app_core.search_pattern(word text) returns text
  language sql immutable parallel safe
  return '%' || regexp_replace(word, '([\\%_])', '\\\1', 'g') || '%';
comment on function app_core.search_pattern(text) is 'What LIKE looks for to find a word anywhere.';
--! EndIncluded app_core/functions/search_pattern.sql

--! Included app_core/functions/json_texts.sql
create or replace function app_core.json_texts(list jsonb) returns text[]
  language sql immutable parallel safe
begin atomic
  select coalesce(array_agg(e.value), '{}') from jsonb_array_elements_text(list) e (value);
end;
comment on function app_core.json_texts(jsonb) is 'The elements of a JSON list, as texts.';
--! EndIncluded app_core/functions/json_texts.sql
--! Included app_private/functions/filter_value_problem.sql
create or replace function app_private.filter_value_problem(kind text, value jsonb) returns text
  language sql immutable parallel safe
begin atomic
  select case
    when kind = 'text' and jsonb_typeof(value) <> 'string' then 'text'
    when kind = 'boolean' and jsonb_typeof(value) <> 'boolean' then 'true or false'
    when kind = 'date' and (jsonb_typeof(value) <> 'string'
      or not app_core.is_iso_date(value #>> '{}')) then 'a day of the calendar, "YYYY-MM-DD"'
    when kind = 'bigint' and (jsonb_typeof(value) not in ('string', 'number') or not case
      when value #>> '{}' ~ '^-?[0-9]{1,19}$' then (value #>> '{}')::numeric between -9223372036854775808
        and 9223372036854775807
      else false
    end) then 'a whole number'
  end;
end;
comment on function app_private.filter_value_problem(text, jsonb) is
  'What a value should be to be compared with a column of the kind text, date, bigint or boolean; null when it is '
  'that.';
--! EndIncluded app_private/functions/filter_value_problem.sql
--! Included app_private/functions/filter_condition.sql
-- The text of the condition consists of what stands here and of positions in lists. It never contains a value that a
-- client sent: the condition takes values out of its parameter by their path.
create or replace function app_private.filter_condition(filter jsonb, path text[], depth integer,
  inout conditions integer, out condition text)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  name text;
  content jsonb;
  operator text;
  value jsonb;
  kind text;
  expected text;
  at text;
  part text;
  parts text[];
  all_parts text[] := '{}';
begin
  if depth > 10 then
    raise exception 'The filter is nested deeper than 10 levels.'
      using errcode = 'VG400', hint = 'Write it flatter: a list in `and` or `or` may have many entries.';
  end if;
  if jsonb_typeof(filter) <> 'object' or filter = '{}' then
    raise exception 'The filter% is % instead of an object with conditions.',
        case when path <> '{}' then ' at ' || array_to_string(path, '.') else '' end,
        case when filter = '{}' then 'empty' else 'not an object' end
      using errcode = 'VG400', hint = 'For example {"category": {"equalTo": "Cranes"}}. For all records leave the '
                                      'filter out and say `everything: true`.';
  end if;
  for name, content in select e.key, e.value from jsonb_each(filter) e loop
    if name in ('and', 'or') then
      if jsonb_typeof(content) <> 'array' or content = '[]' then
        raise exception 'The filter has "%" that is no list of filters, or an empty one.', name
          using errcode = 'VG400', hint = 'For example {"or": [{"hasDraft": {"equalTo": true}}, {"hasProblem": '
                                          '{"equalTo": true}}]}.';
      end if;
      parts := '{}';
      for i in 0 .. jsonb_array_length(content) - 1 loop
        select c.conditions, c.condition into conditions, part
        from app_private.filter_condition(content->i, path || name || i::text, depth + 1, conditions) c;
        parts := parts || part;
      end loop;
      all_parts := all_parts || ('(' || array_to_string(parts, case name when 'and' then ' and ' else ' or ' end)
        || ')');
      continue;
    end if;
    if name = 'not' then
      select c.conditions, c.condition into conditions, part
      from app_private.filter_condition(content, path || name, depth + 1, conditions) c;
      all_parts := all_parts || ('not ' || part);
      continue;
    end if;

    kind := case
      when name in ('areaSilo', 'category', 'class', 'dor', 'pfaId', 'source') then 'text'
      when name in ('hasDraft', 'hasProblem', 'isActualized', 'isDiscontinued', 'isFundsTransferable',
        'isPending') then 'boolean'
      when name in ('forecastStart', 'forecastEnd') then 'date'
      when name = 'forecastCostCents' then 'bigint'
    end;
    if kind is null then
      raise exception 'The filter has "%", by which records cannot be filtered.', left(name, 60)
        using errcode = 'VG400',
          hint = 'Allowed are areaSilo, category, class, dor, forecastCostCents, forecastEnd, forecastStart, hasDraft, '
                 'hasProblem, isActualized, isDiscontinued, isFundsTransferable, isPending, pfaId, source, and, or, '
                 'not.';
    end if;
    if jsonb_typeof(content) <> 'object' or content = '{}' then
      raise exception 'The filter says of "%" nothing that can be compared.', name
        using errcode = 'VG400', hint = format('For example {"%s": {"isNull": false}}.', name);
    end if;
    for operator, value in select e.key, e.value from jsonb_each(content) e loop
      conditions := conditions + 1;
      if conditions > 200 then
        raise exception 'The filter has more than 200 conditions.'
          using errcode = 'VG400', hint = 'Use `in` with a list of values.';
      end if;
      if operator not in ('isNull', 'equalTo', 'notEqualTo', 'in', 'lessThan', 'lessThanOrEqualTo', 'greaterThan',
        'greaterThanOrEqualTo') then
        raise exception 'The filter compares "%" by "%", which there is not.', name, left(operator, 60)
          using errcode = 'VG400', hint = 'Allowed are isNull, equalTo, notEqualTo, in, lessThan, lessThanOrEqualTo, '
                                          'greaterThan, greaterThanOrEqualTo.';
      end if;
      expected := case
        when operator = 'isNull' then app_private.filter_value_problem('boolean', value)
        when operator <> 'in' then app_private.filter_value_problem(kind, value)
        when jsonb_typeof(value) <> 'array' then 'a list'
        when jsonb_array_length(value) > 20000 then 'a list of at most 20,000 values'
        else (
          select 'a list, each of it ' || min(app_private.filter_value_problem(kind, e.value))
          from jsonb_array_elements(value) e
        )
      end;
      if expected is not null then
        raise exception 'The filter compares "%" by "%" with something else than %.', name, operator, expected
          using errcode = 'VG400', hint = format('Give %s.', expected);
      end if;
      at := quote_literal((path || name || operator)::text);
      all_parts := all_parts || format('r.%I %s',
        lower(regexp_replace(name, '([A-Z])', '_\1', 'g')),
        case operator
          when 'isNull' then case when value = 'true' then 'is null' else 'is not null' end
          when 'in' then format('= any (app_core.json_texts($2 #> %s)::%s[])', at, kind)
          else format('%s ($2 #>> %s)::%s',
            case operator
              when 'equalTo' then '=' when 'notEqualTo' then '<>'
              when 'lessThan' then '<' when 'lessThanOrEqualTo' then '<='
              when 'greaterThan' then '>' when 'greaterThanOrEqualTo' then '>='
            end, at, kind)
        end);
    end loop;
  end loop;
  condition := '(' || array_to_string(all_parts, ' and ') || ')';
end;
$$;
comment on function app_private.filter_condition(jsonb, text[], integer, integer) is
  'A filter of the record list as the text of a condition on `r`, which has the columns of pfa_record. The filter '
  'itself, whole, has to be the parameter $2: values are taken from it by `path`. The text consists of fixed names '
  'and operators and of positions in lists. VG400 naming what is not allowed. Counts conditions; 200 in all, 10 '
  'levels.';
--! EndIncluded app_private/functions/filter_condition.sql
--! Included app_private/functions/selection_condition.sql
create or replace function app_private.selection_condition(
  organization_id integer, selection app_public.pfa_selection, in_mirror boolean default false, out condition text,
  out found_ids text[]
)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := selection_condition.organization_id;
  has_words constant boolean := selection.search is not null or selection.containing is not null;
  parts text[] := '{}';
begin
  if selection.everything then
    if selection.record_ids is not null or selection.filter is not null or has_words then
      raise exception 'The selection has `everything: true` together with conditions.'
        using errcode = 'VG400', hint = 'Give either.';
    end if;
    condition := 'true';
    return;
  end if;
  -- An empty search field selects nothing, and not everything.
  if selection.record_ids is null and selection.filter is null
      and cardinality(app_core.search_words(coalesce(selection.search, ''))) = 0
        and coalesce(selection.containing, '{}') = '{}' then
    raise exception 'The selection does not say which records.'
      using errcode = 'VG400', hint = 'Give `recordIds`, `filter`, `search` or `containing`, or for all records '
                                      '`everything: true`.';
  end if;
  if selection.record_ids is not null then
    if cardinality(selection.record_ids) > 20000 then
      raise exception 'The selection names % records, and at most 20,000 are allowed.',
        cardinality(selection.record_ids)
        using errcode = 'VG400', hint = 'Select them by a filter, or in several calls.';
    end if;
    if array_position(selection.record_ids, null) is not null then
      raise exception 'The selection names a record null.'
        using errcode = 'VG400', hint = 'Give each record''s id.';
    end if;
    parts := parts || text 'r.pfa_id = any ($3)';
  end if;
  if selection.filter is not null then
    parts := parts || (select c.condition from app_private.filter_condition(selection.filter, '{}', 1, 0) c);
  end if;
  if has_words then
    select coalesce(array_agg(f.pfa_id), '{}') into found_ids
    from app_core.find_records(p_organization_id, selection.search, selection.containing) f (pfa_id);
    if in_mirror then
      -- Also refuses what is no search. Words that the user has drafted are not in the mirror, and those drafted over
      -- are.
      select coalesce(array_agg(m.pfa_id), '{}') into found_ids
      from app_core.pfa_mirror m
      where m.organization_id = p_organization_id and m.removed_at is null
        and (m.pfa_id in (select unnest(found_ids)) or m.pfa_id in (select o.pfa_id
          from app_private.overlaid(p_organization_id, app_core.current_user_id()) o))
        and app_core.search_text(m.pfa_id, m.data) like all (
          array(select app_core.search_pattern(w) from unnest(app_core.search_words(selection.search)) w))
        and (selection.containing is null or m.data @> selection.containing);
    end if;
    parts := parts || text 'r.pfa_id = any ($4)';
  end if;
  condition := array_to_string(parts, ' and ');
end;
$$;
comment on function app_private.selection_condition(integer, app_public.pfa_selection, boolean) is
  'A selection as the text of a condition on `r`, which has the columns of pfa_record, with the parameters $2 (the '
  'filter), $3 (the ids that are named) and $4 (the ids that were found by words, found_ids): in what the '
  'signed-in user sees, or in the mirror alone. VG400 for a selection that says nothing, too much or wrong.';
--! EndIncluded app_private/functions/selection_condition.sql
--! Included app_private/functions/seen_records.sql
create or replace function app_private.seen_records(in_mirror boolean) returns text
  language sql immutable
begin atomic
  select format(
      '(select %1$s, false as has_draft, false as is_pending, false as has_problem from app_core.pfa_mirror '
      'where organization_id = $1', c.names)
    || case when in_mirror then '' else format(
      ' and pfa_id not in (select o.pfa_id from app_core.pfa_overlay o where o.organization_id = $1 and o.viewer_id in '
      '(0, $5))
      union all select %s, has_draft, is_pending, has_problem from app_private.overlaid($1, $5)', c.names)
    end || ') r'
  from (values (
    'pfa_id, data, removed_at, area_silo, category, class, source, dor, original_start, original_end, '
    'forecast_start, forecast_end, actual_start, actual_end, is_actualized, is_discontinued, is_funds_transferable, '
    'plan_cost_cents, forecast_cost_cents, actual_cost_cents'
  )) c (names);
end;
comment on function app_private.seen_records(boolean) is
  'Records of the organization $1 as the text of something to select from, `r`: as the user $5 sees them, removed '
  'ones included, or of the mirror alone. Asked by the owner, whom no policy keeps to one organization, pfa_record '
  'would look through the overlays of all.';
--! EndIncluded app_private/functions/seen_records.sql
--! Included app_private/functions/selected_ids.sql
create or replace function app_private.selected_ids(organization_id integer, selection app_public.pfa_selection)
  returns text[]
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := selected_ids.organization_id;
  asked record;
  ids text[];
begin
  perform app_private.require_readable(p_organization_id);
  asked := app_private.selection_condition(p_organization_id, selection);
  -- Planned for these values, as the list is; read by the owner, whom row level security does not keep from the
  -- indexes.
  execute 'select coalesce(array_agg(r.pfa_id order by r.pfa_id), ''{}'') from ' || app_private.seen_records(false)
      || ' where (r.removed_at is null or r.has_draft) and ' || asked.condition
    into ids using p_organization_id, selection.filter::jsonb, selection.record_ids, asked.found_ids,
    app_core.current_user_id();
  return ids;
end;
$$;
comment on function app_private.selected_ids(integer, app_public.pfa_selection) is
  'The ids of the records that a selection is about, ascending, as the signed-in user sees them. VG404 for an '
  'organization that the user may not read, VG400 for a selection that says nothing, too much or wrong.';
--! EndIncluded app_private/functions/selected_ids.sql

--! Included app_private/functions/sums_by_group.sql
create or replace function app_private.sums_by_group(records text, dimension app_public.pfa_dimension) returns text
  language sql immutable
begin atomic
  select format($$
    select %1$s, count(*), app_core.usd(coalesce(sum(r.plan_cost_cents), 0)),
      app_core.usd(coalesce(sum(r.forecast_cost_cents), 0)),
      app_core.usd(coalesce(sum(r.actual_cost_cents), 0)),
      app_core.usd(coalesce(sum(r.forecast_cost_cents) - sum(r.plan_cost_cents), 0)),
      round(coalesce(sum(greatest(0, r.original_end - r.original_start)), 0) / 30.44, 2),
      round(coalesce(sum(greatest(0, r.forecast_end - r.forecast_start)), 0) / 30.44, 2),
      round(coalesce(sum(greatest(0, r.actual_end - r.actual_start)), 0) / 30.44, 2)
    from %2$s %3$s$$,
    case dimension
      when 'category' then 'r.category' when 'class' then 'r.class' when 'area' then 'r.area_silo' when 'dor' then
        'r.dor' when 'source' then 'r.source'
      else 'null::text'
    end,
    records,
    case when dimension is not null then 'group by 1 order by 1' end);
end;
comment on function app_private.sums_by_group(text, app_public.pfa_dimension) is
  'The query of sums by what records have in common, over records as organizations_sums puts them together.';
--! EndIncluded app_private/functions/sums_by_group.sql
--! Included app_private/functions/sums_by_month.sql
-- Cost over time is a broken line: a rental begins to cost so much a day, and ends to do so; a purchase is a jump. So
-- the bends are summed by day, and these few sums lead from the end of one month to the end of the next; no record is
-- taken apart into months. A day of a rental costs its cents by its days: whole cents as integers, and what is left as
-- a fraction below 1, so that floating point is exact to far less than a cent, and the months together are the cost.
create or replace function app_private.sums_by_month(records text) returns text
  language sql immutable
begin atomic
  select format($$
    with record as materialized (
      select r.source = 'Rental' as is_rental, r.plan_cost_cents, r.forecast_cost_cents, r.actual_cost_cents,
        r.original_start, r.original_end, r.forecast_start, r.forecast_end, r.actual_start, r.actual_end
      from %s
    ),
    bend as (%s),
    by_month as (
      -- The day before, because a bend on the first of a month changes nothing until then.
      select d.month, b.kind, sum(b.whole) as whole, sum(b.fraction) as fraction,
        sum(b.whole * (d.next - b.day) + b.jump) as whole_within, sum(b.fraction * (d.next - b.day)) as fraction_within
      from bend b
      cross join lateral (select date_trunc('month', (b.day - 1)::timestamp) as month offset 0) t
      cross join lateral (select t.month, (t.month + interval '1 month')::date as next offset 0) d
      where b.day is not null group by 1, 2
    ),
    month as (
      select s.month, extract(day from s.month + interval '1 month - 1 day') as days
      from (select min(month) as first, max(month) as last from by_month) b
      cross join lateral generate_series(b.first, b.last, interval '1 month') s (month)
    ),
    -- What goes on since earlier months, by the days of the month; and what begins and ends within it.
    grown as (
      select m.month, k.kind,
        coalesce(sum(e.whole) over before * m.days, 0) + coalesce(e.whole_within, 0) as whole,
        coalesce(sum(e.fraction) over before * m.days::float8, 0) + coalesce(e.fraction_within, 0) as fraction
      from month m
      cross join (values (1), (2), (3)) k (kind)
      left join by_month e on e.month = m.month and e.kind = k.kind
      window before as (partition by k.kind order by m.month rows between unbounded preceding and 1 preceding)
    ),
    total as (
      select g.month, g.kind, round(sum(g.whole) over w + round((sum(g.fraction) over w)::numeric, 6)) as cents
      from grown g
      window w as (partition by g.kind order by g.month)
    ),
    part as (
      select t.month, t.kind, t.cents - lag(t.cents, 1, 0) over (partition by t.kind order by t.month) as cents
        from total t
      union all
      select null, kind, jump from bend where day is null
    )
    select to_char(p.month, 'YYYY-MM'), null::bigint,
      app_core.usd(coalesce(sum(p.cents) filter (where p.kind = 1), 0)),
      app_core.usd(coalesce(sum(p.cents) filter (where p.kind = 2), 0)),
      app_core.usd(coalesce(sum(p.cents) filter (where p.kind = 3), 0)),
      app_core.usd(coalesce(sum(p.cents) filter (where p.kind = 2), 0)
        - coalesce(sum(p.cents) filter (where p.kind = 1), 0)),
      null::numeric, null::numeric, null::numeric
    from part p
    where p.cents <> 0
    group by p.month
    order by p.month$$,
    records,
    (
      select string_agg(format($$
        select %1$s as kind, coalesce(b.first_day, b.last_day) as day,
          (case grouping(b.first_day) when 0 then sum(b.whole) else -sum(b.whole) end)::bigint as whole,
          case grouping(b.first_day) when 0 then sum(b.fraction) else -sum(b.fraction) end as fraction,
            0::bigint as jump
        from (
          select r.%2$s_start as first_day, r.%2$s_end as last_day, r.%3$s / (r.%2$s_end - r.%2$s_start) as whole,
            (r.%3$s %% (r.%2$s_end - r.%2$s_start))::float8 / (r.%2$s_end - r.%2$s_start) as fraction
          from record r where r.%3$s > 0 and r.is_rental
        ) b
        group by grouping sets ((b.first_day), (b.last_day))
        union all
        -- Bought on the day, so that it counts from the next one on, in the same month.
        select %1$s, r.%2$s_start + 1, 0, 0, sum(r.%3$s)::bigint from record r where r.%3$s > 0 and not r.is_rental
          group by r.%2$s_start
        $$, k.kind, k.days, k.cents), ' union all ')
      from (values (1, 'original', 'plan_cost_cents'), (2, 'forecast', 'forecast_cost_cents'),
        (3, 'actual', 'actual_cost_cents')) k (kind, days, cents)
    ));
end;
comment on function app_private.sums_by_month(text) is
  'The query of costs by month, over records as organizations_sums puts them together. Cost until the end of a '
  'month is rounded to cents, over the whole group; a month is the difference to the one before.';
--! EndIncluded app_private/functions/sums_by_month.sql
--! Included app_public/functions/organizations_sums.sql
create or replace function app_public.organizations_sums(
  organization app_public.organizations,
  group_by app_public.pfa_dimension default null,
  selection app_public.pfa_selection default null,
  layer app_public.pfa_layer default 'merged'
) returns setof app_public.pfa_sum
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
  rows 100
as $$
declare
  me constant integer := app_core.current_user_id();
  asked record;
  records text;
begin
  -- Of a row that belongs to no organization.
  if organization.id is null then
    return;
  end if;
  perform app_private.require_readable(organization.id);
  asked := app_private.selection_condition(organization.id,
    case when selection is null then row(null, null, null, null, true)::app_public.pfa_selection else selection end,
    layer = 'mirror');
  records := app_private.seen_records(layer = 'mirror') || ' where r.removed_at is null and not r.is_discontinued and '
    || asked.condition;
  return query execute case group_by when 'month' then app_private.sums_by_month(records) else
    app_private.sums_by_group(records, group_by) end
    using organization.id, selection.filter::jsonb, selection.record_ids, asked.found_ids, me;
end;
$$;
comment on function app_public.organizations_sums(app_public.organizations, app_public.pfa_dimension,
  app_public.pfa_selection, app_public.pfa_layer) is
  'Plan, forecast and actual cost, variance, number and duration of the records of a selection (without one: of '
  'all), in all or by group, without discontinued and removed records. By month, the cost of a rental is spread '
  'over its days, and that of a purchase falls into the month of its start date; only months that cost something '
  'are answered. In the layer `mirror` nothing is pending and nobody has drafts.';
grant execute on function app_public.organizations_sums(app_public.organizations, app_public.pfa_dimension,
  app_public.pfa_selection, app_public.pfa_layer) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_sums.sql
