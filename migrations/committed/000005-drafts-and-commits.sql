--! Previous: sha1:39a1cdf0852a90824e1fe4aac3443022613a3416
--! Hash: sha1:817f66cb95de919b6149f70f9121b25a18c26cac
--! Message: drafts and commits

--! split: 1-current.sql
-- Drafts and commits: what users change, the history of a record, undo, bulk operations and commits.

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
  failures integer not null default 0 check (failures >= 0),
  retry_at timestamptz,
  primary key (organization_id, id),
  foreign key (organization_id, pfa_id) references app_core.pfa_mirror on delete cascade,
  check ((state = 'draft') = (commit_sequence is null)),
  check (problems = '{}' or state = 'draft')
);
comment on table app_core.pfa_modification is
  'What one user changed on one record: a draft, then committed, then syncing, then synced.';
comment on column app_core.pfa_modification.organization_id is 'The organization.';
comment on column app_core.pfa_modification.id is 'Our key.';
comment on column app_core.pfa_modification.user_id is 'Who changed it.';
comment on column app_core.pfa_modification.pfa_id is 'The record.';
comment on column app_core.pfa_modification.delta is 'The changed keys and what they become; null empties a key.';
comment on column app_core.pfa_modification.base is
  'What the author saw under each of these keys when it was first changed.';
comment on column app_core.pfa_modification.state is
  '`draft`, `committed` (waits for push), `syncing` (being written to PEMS), `synced` (confirmed).';
comment on column app_core.pfa_modification.problems is
  'By key: what stands in the way, `{"kind": "conflict", "base", "theirs", "mine"}`. Kinds: conflict, refused, '
  'altered, failed, removed. One that push made has `"by": "push"` and stays until its author acts. Drafts only.';
comment on column app_core.pfa_modification.commit_sequence is
  'The order in which changes were committed and are pushed.';
comment on column app_core.pfa_modification.attempts is
  'How often push began with it. Each is a token: whoever comes with an older one changes nothing.';
comment on column app_core.pfa_modification.comment is 'What its author said about it when committing.';
comment on column app_core.pfa_modification.created_at is 'When its first key was changed.';
comment on column app_core.pfa_modification.updated_at is 'When it was last changed.';
comment on column app_core.pfa_modification.committed_at is 'When it was committed.';
comment on column app_core.pfa_modification.settled_at is 'When PEMS confirmed it.';
comment on column app_core.pfa_modification.failures is 'How often writing it failed for a reason of this record.';
comment on column app_core.pfa_modification.retry_at is
  'Push does not go on with it before. Of one that is syncing null means that a worker is at it.';
create unique index pfa_modification_draft_key on app_core.pfa_modification (organization_id, user_id, pfa_id)
  where state = 'draft';
comment on index app_core.pfa_modification_draft_key is 'A user''s drafts; one draft of a record and user.';
create index pfa_modification_pfa_id_idx on app_core.pfa_modification (organization_id, pfa_id);
comment on index app_core.pfa_modification_pfa_id_idx is 'What is pending on a record; on delete of a record.';
create unique index pfa_modification_commit_sequence_key on app_core.pfa_modification (organization_id, commit_sequence)
  where state in ('committed', 'syncing');
comment on index app_core.pfa_modification_commit_sequence_key is 'Push takes committed changes in their order.';
create index pfa_modification_user_id_idx on app_core.pfa_modification (organization_id, user_id, pfa_id);
comment on index app_core.pfa_modification_user_id_idx is 'What a user changed and committed; on delete of a user.';
create index pfa_modification_settled_at_idx on app_core.pfa_modification (organization_id, settled_at)
  where state = 'synced';
comment on index app_core.pfa_modification_settled_at_idx is
  'Retention, the oldest confirmed changes of an organization.';
call app_private.enable_rls('app_core.pfa_modification');
create policy visitor_select on app_core.pfa_modification for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids())
    and (state <> 'draft' or user_id = app_core.current_user_id()));
grant select on app_core.pfa_modification to vanguard_visitor, vanguard_worker;

--! Included app_core/triggers/pfa_modification._100_touch.sql
create or replace trigger _100_touch before update on app_core.pfa_modification
  for each row execute function app_private.touch_updated_at();
--! EndIncluded app_core/triggers/pfa_modification._100_touch.sql

--! Included app_core/functions/is_private_route.sql
-- What somebody does in the own drafts, nobody else is told: said once, for the policy, for names, and for what is told
-- of a record that moved.
create or replace function app_core.is_private_route(route text) returns boolean
  language sql immutable parallel safe
  return route in ('draft', 'takeover', 'resolve');
comment on function app_core.is_private_route(text) is
  'Whether a change by this route concerns drafts only, which are their author''s alone.';
grant execute on function app_core.is_private_route(text) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/is_private_route.sql

create table app_core.pfa_change (
  organization_id integer not null references app_public.organizations on delete cascade,
  id bigint generated always as identity,
  pfa_id text not null,
  user_id integer references app_public.users on delete set null,
  route text not null check (route in ('draft', 'commit', 'withdraw', 'takeover', 'sync', 'push', 'resolve')),
  event text not null default 'update' check (event in ('add', 'update', 'remove', 'restore')),
  changes jsonb not null check (jsonb_typeof(changes) = 'object'),
  changed_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, id)
);
comment on table app_core.pfa_change is
  'Append-only: which keys of which record changed from what to what. The first sync of an organization writes '
  'none.';
comment on column app_core.pfa_change.organization_id is 'The organization.';
comment on column app_core.pfa_change.id is 'In the order of happening.';
comment on column app_core.pfa_change.pfa_id is 'The record.';
comment on column app_core.pfa_change.user_id is 'Who; null where PEMS changed it.';
comment on column app_core.pfa_change.route is
  'How: `draft`, `commit`, `withdraw` (a commit taken back), `takeover` (of somebody''s draft by an admin), `sync` '
  '(from PEMS), `push` (to PEMS), `resolve`.';
comment on column app_core.pfa_change.event is '`add`, `update`, `remove` (gone from PEMS), `restore` (there again).';
comment on column app_core.pfa_change.changes is '`{"key": {"from": ..., "to": ...}}`';
comment on column app_core.pfa_change.changed_at is 'When.';
create index pfa_change_pfa_id_idx on app_core.pfa_change (organization_id, pfa_id, id);
comment on index app_core.pfa_change_pfa_id_idx is 'The history of a record.';
create index pfa_change_changed_at_idx on app_core.pfa_change (organization_id, changed_at);
comment on index app_core.pfa_change_changed_at_idx is 'What changed in an organization since a time.';
create index pfa_change_user_id_idx on app_core.pfa_change (organization_id, user_id) where user_id is not null;
comment on index app_core.pfa_change_user_id_idx is 'On delete of a user.';
call app_private.enable_rls('app_core.pfa_change');
create policy visitor_select on app_core.pfa_change for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids())
    and (not app_core.is_private_route(route) or user_id = app_core.current_user_id()));
grant select on app_core.pfa_change to vanguard_visitor;

create table app_core.pfa_draft_operation (
  organization_id integer not null references app_public.organizations on delete cascade,
  user_id integer not null references app_public.users on delete cascade,
  id bigint generated always as identity,
  kind text not null check (kind in ('save', 'shift', 'duration', 'reset', 'set', 'discard', 'resolve')),
  record_count integer not null check (record_count > 0),
  differences jsonb not null check (jsonb_typeof(differences) = 'object'),
  created_at timestamptz not null default clock_timestamp(),
  undone_at timestamptz,
  primary key (organization_id, user_id, id)
);
comment on table app_core.pfa_draft_operation is
  'The last 50 operations of a user on drafts in an organization, however many records each touched. Those undone '
  'stay until something else is done.';
comment on column app_core.pfa_draft_operation.organization_id is 'The organization.';
comment on column app_core.pfa_draft_operation.user_id is 'Whose drafts.';
comment on column app_core.pfa_draft_operation.id is 'In the order of happening.';
comment on column app_core.pfa_draft_operation.kind is
  '`save`, `shift`, `duration`, `reset`, `set` (in bulk), `discard`, `resolve` (of problems).';
comment on column app_core.pfa_draft_operation.record_count is 'How many records it touched.';
comment on column app_core.pfa_draft_operation.differences is
  '`{"record": {"key": {"from": value, "to": value}}}`: the drafted value before and after; what is missing was '
  'not drafted.';
comment on column app_core.pfa_draft_operation.created_at is 'When.';
comment on column app_core.pfa_draft_operation.undone_at is 'When it was undone; null while it is in effect.';
call app_private.enable_rls('app_core.pfa_draft_operation');
create policy visitor_select on app_core.pfa_draft_operation for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()) and user_id = app_core.current_user_id());
grant select on app_core.pfa_draft_operation to vanguard_visitor;

create type app_public.pfa_draft_result as (
  operation_id bigint,
  changed_count integer,
  unchanged_count integer,
  refused jsonb,
  revisions jsonb
);
comment on type app_public.pfa_draft_result is 'What an operation on drafts did.';
comment on column app_public.pfa_draft_result.operation_id is 'The operation, to be undone; null when nothing changed.';
comment on column app_public.pfa_draft_result.changed_count is E'@notNull\nHow many records changed.';
comment on column app_public.pfa_draft_result.unchanged_count is E'@notNull\nHow many had these values already.';
comment on column app_public.pfa_draft_result.refused is
  E'@notNull\nWhat was left out: `[{"recordId", "key", "value", "problem"}, ...]`, at most 1,000 of them.';
comment on column app_public.pfa_draft_result.revisions is
  'The revision of each record that was named, as it is now; null when there were more than 5,000.';

create type app_public.pfa_draft_item as (record_id text, changes jsonb, revision bigint);
comment on type app_public.pfa_draft_item is 'Changes to one record.';
comment on column app_public.pfa_draft_item.record_id is E'@notNull\nThe record.';
comment on column app_public.pfa_draft_item.changes is
  E'@notNull\nKeys and what they become, e.g. `{"forecastEnd": "2026-05-01"}`.';
comment on column app_public.pfa_draft_item.revision is E'@notNull\nThe revision of the record that you saw.';

create type app_public.pfa_undo_result as (operation_id bigint, kind text, changed_count integer, impossible jsonb);
comment on type app_public.pfa_undo_result is 'What undo or redo did.';
comment on column app_public.pfa_undo_result.operation_id is E'@notNull\nThe operation that was undone or done again.';
comment on column app_public.pfa_undo_result.kind is
  E'@notNull\nWhat it was: `save`, `shift`, `duration`, `reset`, `set`, `discard`, `resolve`.';
comment on column app_public.pfa_undo_result.changed_count is E'@notNull\nHow many records changed.';
comment on column app_public.pfa_undo_result.impossible is
  E'@notNull\nWhat could not be, because the value is no longer what the operation left: `[{"recordId", "key", '
  '"kind", "problem"}, ...]`. Kinds: `committed`, `changed`, `settled` (the record has the value by itself), '
  '`removed`, `gone`.';

create type app_public.pfa_bulk_operation as (shift_days integer, duration_days integer, reset_to_plan boolean,
  "set" jsonb);
comment on type app_public.pfa_bulk_operation is 'One of these.';
comment on column app_public.pfa_bulk_operation.shift_days is
  'Moves both dates of the forecast by so many days; of an actualized record, its actual end.';
comment on column app_public.pfa_bulk_operation.duration_days is
  'Moves the end of the forecast by so many days, never before its start; of an actualized record, the actual end.';
comment on column app_public.pfa_bulk_operation.reset_to_plan is
  'True: the dates of the forecast become those of the plan. Refused for actualized records and those without a '
  'plan.';
comment on column app_public.pfa_bulk_operation.set is
  'Puts these values under these keys, e.g. `{"category": "Cranes"}`.';

create type app_public.pfa_bulk_preview as (
  selected_count integer, changed_count integer, unchanged_count integer, refused_count integer, reasons jsonb,
  plan_cost_before numeric, plan_cost_after numeric, forecast_cost_before numeric, forecast_cost_after numeric,
  actual_cost_before numeric, actual_cost_after numeric, preview_token text
);
comment on type app_public.pfa_bulk_preview is
  'What a bulk operation would do. Costs are of the selected records, USD, discontinued ones left out.';
comment on column app_public.pfa_bulk_preview.selected_count is E'@notNull\nHow many records are selected.';
comment on column app_public.pfa_bulk_preview.changed_count is E'@notNull\nHow many would change.';
comment on column app_public.pfa_bulk_preview.unchanged_count is
  E'@notNull\nHow many have these values already, or nothing to move.';
comment on column app_public.pfa_bulk_preview.refused_count is E'@notNull\nHow many cannot be changed so.';
comment on column app_public.pfa_bulk_preview.reasons is
  E'@notNull\nWhy not: `[{"problem", "count", "recordIds"}, ...]`, the ids of the first 20.';
comment on column app_public.pfa_bulk_preview.plan_cost_before is E'@notNull\nPlan, now.';
comment on column app_public.pfa_bulk_preview.plan_cost_after is
  E'@notNull\nPlan, then: it follows rate, price and source.';
comment on column app_public.pfa_bulk_preview.forecast_cost_before is E'@notNull\nForecast, now.';
comment on column app_public.pfa_bulk_preview.forecast_cost_after is E'@notNull\nForecast, then.';
comment on column app_public.pfa_bulk_preview.actual_cost_before is E'@notNull\nActual, now.';
comment on column app_public.pfa_bulk_preview.actual_cost_after is E'@notNull\nActual, then.';
comment on column app_public.pfa_bulk_preview.preview_token is
  E'@notNull\nSend it along with `applyBulk`: it is refused when something selected has changed since.';

create type app_public.pfa_commit_result as (record_count integer, key_count integer, refused jsonb);
comment on type app_public.pfa_commit_result is 'What was committed, and what was not.';
comment on column app_public.pfa_commit_result.record_count is E'@notNull\nHow many records have something committed.';
comment on column app_public.pfa_commit_result.key_count is E'@notNull\nHow many keys of them.';
comment on column app_public.pfa_commit_result.refused is
  E'@notNull\nWhat stays in your draft: `[{"recordId", "key", "kind", "problem", "base", "theirs", "mine"}, ...]`. '
  'Kinds: `conflict`, `removed`, `refused`, `altered`, `failed` (they are problems of the draft), `busy` (just '
  'being written to PEMS), `invalid` (its value, or the record with it), `none` (nothing drafted of a record that '
  'was named).';

create type app_public.pfa_withdraw_result as (record_count integer, refused jsonb);
comment on type app_public.pfa_withdraw_result is 'What was taken back.';
comment on column app_public.pfa_withdraw_result.record_count is
  E'@notNull\nHow many records have something in your draft again.';
comment on column app_public.pfa_withdraw_result.refused is
  E'@notNull\nWhat cannot be taken back any more: `[{"id", "recordId", "state", "problem"}, ...]`.';

create type app_public.pfa_draft_author as (
  user_id integer, username text, is_member boolean, record_count integer, problem_count integer, updated_at timestamptz
);
comment on type app_public.pfa_draft_author is 'Somebody who has drafts in an organization.';
comment on column app_public.pfa_draft_author.user_id is E'@notNull\nWho.';
comment on column app_public.pfa_draft_author.username is E'@notNull\nThe name.';
comment on column app_public.pfa_draft_author.is_member is E'@notNull\nWhether they may still commit them.';
comment on column app_public.pfa_draft_author.record_count is E'@notNull\nOn how many records.';
comment on column app_public.pfa_draft_author.problem_count is E'@notNull\nOn how many of them there is a problem.';
comment on column app_public.pfa_draft_author.updated_at is E'@notNull\nWhen the last one was changed.';

create type app_public.pfa_draft_totals as (record_count integer, key_count integer, problem_count integer,
  forecast_cost_change numeric);
comment on type app_public.pfa_draft_totals is 'How much you have drafted, and what it costs.';
comment on column app_public.pfa_draft_totals.record_count is E'@notNull\nOn how many records.';
comment on column app_public.pfa_draft_totals.key_count is E'@notNull\nHow many keys of them.';
comment on column app_public.pfa_draft_totals.problem_count is E'@notNull\nHow many of the records have a problem.';
comment on column app_public.pfa_draft_totals.forecast_cost_change is
  E'@notNull\nWhat your drafts add to the forecast cost, USD: over what is in PEMS and what is pending.';

--! Included app_private/functions/pending.sql
create or replace function app_private.pending(organization_id integer, pfa_ids text[])
  returns table (pfa_id text, delta jsonb)
  language sql stable
begin atomic
  -- By the records, which `not in` leads to: see begin_pushes.
  select m.pfa_id, jsonb_object_agg(d.key, d.value order by m.commit_sequence)
  from app_core.pfa_modification m, jsonb_each(m.delta) d
  where m.organization_id = pending.organization_id and m.pfa_id = any (pending.pfa_ids)
    and m.state not in ('draft', 'synced')
  group by m.pfa_id;
end;
comment on function app_private.pending(integer, text[]) is
  'What is committed on these records and not confirmed by PEMS, as one delta a record: of two changes of a key '
  'the later one.';
--! EndIncluded app_private/functions/pending.sql

--! Included app_private/functions/rewrite_overlay.sql
create or replace function app_private.rewrite_overlay(organization_id integer, pfa_ids text[]) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
begin atomic
  with pending as (
    select p.* from app_private.pending(rewrite_overlay.organization_id, rewrite_overlay.pfa_ids) p
  ),
  viewer as (
    select p.pfa_id, 0 as viewer_id, null::jsonb as delta, null::jsonb as base, null::jsonb as problems from pending p
    union all
    select m.pfa_id, m.user_id, m.delta, m.base, nullif(m.problems, '{}')
    from app_core.pfa_modification m
    where m.organization_id = rewrite_overlay.organization_id and m.pfa_id = any (rewrite_overlay.pfa_ids)
      and m.state = 'draft'
  ),
  unwanted as (
    delete from app_core.pfa_overlay o
    where o.organization_id = rewrite_overlay.organization_id and o.pfa_id = any (rewrite_overlay.pfa_ids)
      and not exists (select from viewer v where v.pfa_id = o.pfa_id and v.viewer_id = o.viewer_id)
  )
  insert into app_core.pfa_overlay as o
    (organization_id, viewer_id, pfa_id, data, version, version_by, observed_at, removed_at, is_pending, has_draft,
      has_problem, problems, base,
    mirror_source, mirror_is_actualized, mirror_is_discontinued, mirror_plan_cost_cents,
    mirror_forecast_cost_cents, mirror_actual_cost_cents, mirror_original_start, mirror_original_end,
    mirror_forecast_start, mirror_forecast_end, mirror_actual_start, mirror_actual_end)
  select m.organization_id, v.viewer_id, m.pfa_id,
    m.data || coalesce(p.delta, '{}') || coalesce(v.delta, '{}'),
    m.version, m.version_by, m.observed_at, m.removed_at,
    p.pfa_id is not null, v.viewer_id <> 0, v.problems is not null, v.problems, v.base,
    m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents,
    m.original_start, m.original_end, m.forecast_start, m.forecast_end, m.actual_start, m.actual_end
  from viewer v
  join app_core.pfa_mirror m
    on m.organization_id = rewrite_overlay.organization_id and m.pfa_id = any (rewrite_overlay.pfa_ids)
      and m.pfa_id = v.pfa_id
  left join pending p on p.pfa_id = v.pfa_id
  on conflict on constraint pfa_overlay_pkey do update set
    data = excluded.data, version = excluded.version, version_by = excluded.version_by, revision = excluded.revision,
    observed_at = excluded.observed_at, removed_at = excluded.removed_at,
    is_pending = excluded.is_pending, has_draft = excluded.has_draft, has_problem = excluded.has_problem,
    problems = excluded.problems, base = excluded.base,
    mirror_source = excluded.mirror_source, mirror_is_actualized = excluded.mirror_is_actualized,
    mirror_is_discontinued = excluded.mirror_is_discontinued, mirror_plan_cost_cents = excluded.mirror_plan_cost_cents,
    mirror_forecast_cost_cents = excluded.mirror_forecast_cost_cents,
    mirror_actual_cost_cents = excluded.mirror_actual_cost_cents,
    mirror_original_start = excluded.mirror_original_start, mirror_original_end = excluded.mirror_original_end,
    mirror_forecast_start = excluded.mirror_forecast_start, mirror_forecast_end = excluded.mirror_forecast_end,
    mirror_actual_start = excluded.mirror_actual_start, mirror_actual_end = excluded.mirror_actual_end
  where (o.data, o.is_pending, o.has_draft, o.problems, o.base, o.removed_at,
      o.mirror_source, o.mirror_is_actualized, o.mirror_is_discontinued, o.mirror_plan_cost_cents,
      o.mirror_forecast_cost_cents, o.mirror_actual_cost_cents, o.mirror_original_start, o.mirror_original_end,
      o.mirror_forecast_start, o.mirror_forecast_end, o.mirror_actual_start, o.mirror_actual_end)
    is distinct from (excluded.data, excluded.is_pending, excluded.has_draft, excluded.problems, excluded.base,
      excluded.removed_at,
      excluded.mirror_source, excluded.mirror_is_actualized, excluded.mirror_is_discontinued,
      excluded.mirror_plan_cost_cents,
      excluded.mirror_forecast_cost_cents, excluded.mirror_actual_cost_cents, excluded.mirror_original_start,
      excluded.mirror_original_end,
      excluded.mirror_forecast_start, excluded.mirror_forecast_end, excluded.mirror_actual_start,
      excluded.mirror_actual_end);
end;
comment on function app_private.rewrite_overlay(integer, text[]) is
  'Makes the overlay of these records what mirror, pending changes and drafts say. Call it in the transaction that '
  'changed one of them, under the locks of the mirror rows.';
--! EndIncluded app_private/functions/rewrite_overlay.sql

--! Included app_core/functions/normalized.sql
create or replace function app_core.normalized(value jsonb) returns jsonb
  language sql stable parallel safe
  return case
    when value is null or value = '""' then 'null'::jsonb
    when jsonb_typeof(value) = 'number' then to_jsonb(trim_scale((value #>> '{}')::numeric))
    else value
  end;
comment on function app_core.normalized(jsonb) is
  'The one form in which values are compared: missing, null and "" are null; 10.50 and 10.5 are the same amount.';
grant execute on function app_core.normalized(jsonb) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/normalized.sql

--! Included app_public/views/pfa_draft.sql
create or replace view app_public.pfa_draft with (security_invoker = true) as
select m.organization_id, m.id, m.pfa_id, m.delta, m.base, c.current, m.problems,
  app_core.usd(mine.forecast_cost_cents - coalesce(pending.forecast_cost_cents,
    r.forecast_cost_cents)) as forecast_cost_change,
  m.created_at, m.updated_at
from app_core.pfa_modification m
join app_core.pfa_mirror r on r.organization_id = m.organization_id and r.pfa_id = m.pfa_id
join app_core.pfa_overlay mine on mine.organization_id = m.organization_id and mine.pfa_id = m.pfa_id
  and mine.viewer_id = m.user_id
left join app_core.pfa_overlay pending on pending.organization_id = m.organization_id and pending.pfa_id = m.pfa_id
  and pending.viewer_id = 0
cross join lateral (
  select jsonb_object_agg(k, app_core.normalized(coalesce(pending.data, r.data)->k)) as current
    from jsonb_object_keys(m.delta) k
) c
where m.state = 'draft' and m.user_id = app_core.current_user_id();
comment on view app_public.pfa_draft is
  E'@offersColumns\n@primaryKey organization_id,id\n@foreignKey (organization_id) references '
  'app_public.organizations (id)|@fieldName organization|@foreignFieldName myDrafts\n@foreignKey (organization_id, '
  'pfa_id) references app_public.pfa_record (organization_id, pfa_id)|@fieldName record|@backwardBehavior -*\nYour '
  'own uncommitted changes, one a record: what each key was when you drafted it (base), what you made of it '
  '(delta), and what it is now without your draft (current).';
comment on column app_public.pfa_draft.organization_id is 'The organization.';
comment on column app_public.pfa_draft.id is E'@behavior +orderBy\nOur key.';
comment on column app_public.pfa_draft.pfa_id is E'@notNull\n@behavior +orderBy +filterBy\nThe record.';
comment on column app_public.pfa_draft.delta is E'@notNull\nThe keys you changed and what they become.';
comment on column app_public.pfa_draft.base is E'@notNull\nWhat you saw under these keys when you first changed them.';
comment on column app_public.pfa_draft.current is
  E'@notNull\nWhat is under these keys now, without your draft: PEMS and what is pending.';
comment on column app_public.pfa_draft.problems is E'@notNull\nBy key: what stands in the way of committing it.';
comment on column app_public.pfa_draft.forecast_cost_change is
  E'@notNull\nWhat your draft adds to the forecast cost of the record, USD.';
comment on column app_public.pfa_draft.created_at is E'@notNull\nWhen you first changed the record.';
comment on column app_public.pfa_draft.updated_at is E'@notNull\nWhen you last changed it.';
grant select on app_public.pfa_draft to vanguard_visitor;
--! EndIncluded app_public/views/pfa_draft.sql

--! Included app_core/functions/value_problem.sql
create or replace function app_core.value_problem(field app_public.pfa_fields, value jsonb) returns text
  language sql stable parallel safe
begin atomic
  select case
    when field.kind = 'flag' and (value is null or jsonb_typeof(value) <> 'boolean')
      then 'is not true or false'
    when value is null or value = 'null' or value = '""' then null
    when field.kind = 'date' and (jsonb_typeof(value) <> 'string' or not app_core.is_iso_date(value #>> '{}'))
      then 'is not a date; a date is written "YYYY-MM-DD" and exists in the calendar'
    when field.kind = 'money' and jsonb_typeof(value) <> 'number'
      then 'is not a number; an amount is a JSON number of USD'
    when field.kind = 'money' and (value #>> '{}')::numeric < 0
      then 'is negative; an amount is 0 or more'
    when field.kind = 'money' and (value #>> '{}')::numeric >= field.max_amount
      then format('is too large; an amount is less than %s USD',
        ltrim(to_char(field.max_amount, '999,999,999,999,999,999')))
    when field.kind = 'money' and (value #>> '{}')::numeric <> round((value #>> '{}')::numeric, 2)
      then 'has more than two decimals; an amount is in whole cents'
    when field.kind = 'text' and jsonb_typeof(value) <> 'string'
      then 'is not text'
    when field.kind = 'text' and length(value #>> '{}') > field.max_length
      then format('is longer than %s characters', field.max_length)
    when field.kind = 'text' and (value #>> '{}') ~ '[\u0001-\u001f\u007f]'
      then 'contains control characters, such as a line break'
    when field.allowed_values is not null and not (value #>> '{}') = any (field.allowed_values)
      then format('is not one of %s', array_to_string(field.allowed_values, ', '))
  end;
end;
comment on function app_core.value_problem(app_public.pfa_fields, jsonb) is
  'What is wrong with a value that somebody wants to put under a key, as the end of a sentence; null when nothing '
  'is. Nothing, null and "" empty a key; a flag cannot be emptied, because PEMS has no such flag.';
grant execute on function app_core.value_problem(app_public.pfa_fields, jsonb) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/value_problem.sql
--! Included app_private/functions/merged_for.sql
create or replace function app_private.merged_for(organization_id integer, user_id integer, pfa_ids text[])
  returns table (pfa_id text, revision bigint, data jsonb, underlay jsonb, removed_at timestamptz)
  language sql stable
begin atomic
  select m.pfa_id,
    coalesce(mine.revision, pending.revision, m.revision),
    coalesce(mine.data, pending.data, m.data),
    coalesce(pending.data, m.data),
    m.removed_at
  from app_core.pfa_mirror m
  left join app_core.pfa_overlay mine
    on mine.organization_id = merged_for.organization_id and mine.viewer_id = merged_for.user_id
      and mine.pfa_id = any (merged_for.pfa_ids) and mine.pfa_id = m.pfa_id
  left join app_core.pfa_overlay pending
    on pending.organization_id = merged_for.organization_id and pending.viewer_id = 0
      and pending.pfa_id = any (merged_for.pfa_ids) and pending.pfa_id = m.pfa_id
  where m.organization_id = merged_for.organization_id and m.pfa_id = any (merged_for.pfa_ids);
end;
comment on function app_private.merged_for(integer, integer, text[]) is
  'For given records, no row for those that there are not: what a user sees (data, revision), and what is under '
  'that user''s draft (underlay: mirror + pending). Becomes part of the query that asks, which should not have '
  'nested loops.';
--! EndIncluded app_private/functions/merged_for.sql

--! Included app_public/functions/save_draft.sql
create or replace function app_public.save_draft(organization_id integer, record_id text, changes jsonb,
  revision bigint) returns app_public.pfa_record
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  result app_public.pfa_record;
begin
  perform app_private.save_checked_drafts(save_draft.organization_id,
    jsonb_build_array(jsonb_build_object('recordId', save_draft.record_id, 'changes', save_draft.changes, 'revision',
      save_draft.revision)));
  select r.* into result from app_public.pfa_record r
  where r.organization_id = save_draft.organization_id and r.pfa_id = save_draft.record_id;
  return result;
end;
$$;
comment on function app_public.save_draft(integer, text, jsonb, bigint) is
  E'@resultFieldName record\nSaves changes to one record as your draft, e.g. `{"forecastEnd": "2026-05-01"}`, and '
  'answers the record as you see it then. `revision` is the one of the record that you saw. A value that is the '
  'same as without your draft takes the key back.';
grant execute on function app_public.save_draft(integer, text, jsonb, bigint) to vanguard_visitor;
--! EndIncluded app_public/functions/save_draft.sql
--! Included app_public/functions/discard_drafts.sql
create or replace function app_public.discard_drafts(organization_id integer, record_ids text[] default null,
  keys text[] default null) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := discard_drafts.organization_id;
  p_record_ids constant text[] := discard_drafts.record_ids;
  p_keys constant text[] := discard_drafts.keys;
  me constant integer := app_core.current_user_id();
  ids text[];
  items jsonb;
  result app_public.pfa_draft_result;
begin
  perform app_private.require_writable(p_organization_id);
  perform app_private.lock_operations(p_organization_id, me);
  select array_agg(d.pfa_id) into ids
  from app_core.pfa_modification d
  where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft'
    and (p_record_ids is null or d.pfa_id in (select unnest(p_record_ids))) and (p_keys is null or d.delta ?| p_keys);
  perform app_private.lock_records(p_organization_id, ids);
  select jsonb_agg(jsonb_build_object('recordId', d.pfa_id, 'dropped',
      (select jsonb_agg(k) from jsonb_object_keys(d.delta) k where p_keys is null or k = any (p_keys))))
    into items
  from app_core.pfa_modification d
  where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft'
    and d.pfa_id = any (ids) and (p_keys is null or d.delta ?| p_keys);
  result := app_private.change_drafts(p_organization_id, me, coalesce(items, '[]'), 'discard');
  return result.changed_count;
end;
$$;
comment on function app_public.discard_drafts(integer, text[], text[]) is
  E'@resultFieldName discarded\nThrows away what you drafted: of these records, or of all in the organization when '
  'no list is given; only these keys, or all of them. Answers how many records it was.';
grant execute on function app_public.discard_drafts(integer, text[], text[]) to vanguard_visitor;
--! EndIncluded app_public/functions/discard_drafts.sql

--! Included app_public/views/pfa_draft_operation.sql
create or replace view app_public.pfa_draft_operation with (security_invoker = true) as
select o.organization_id, o.id, o.kind, o.record_count, o.created_at, o.undone_at
from app_core.pfa_draft_operation o
where o.user_id = app_core.current_user_id();
comment on view app_public.pfa_draft_operation is
  E'@offersColumns\n@primaryKey organization_id,id\n@foreignKey (organization_id) references '
  'app_public.organizations (id)|@fieldName organization|@foreignFieldName myOperations\nYour last 50 operations '
  'on drafts. `undoDraft` takes back the newest that is in effect, `redoDraft` does again the oldest of those that '
  'were undone.';
comment on column app_public.pfa_draft_operation.organization_id is 'The organization.';
comment on column app_public.pfa_draft_operation.id is E'@behavior +orderBy\nIn the order of happening.';
comment on column app_public.pfa_draft_operation.kind is
  E'@notNull\n`save`, `shift`, `duration`, `reset`, `set` (in bulk), `discard`, `resolve` (of problems).';
comment on column app_public.pfa_draft_operation.record_count is E'@notNull\nHow many records it touched.';
comment on column app_public.pfa_draft_operation.created_at is E'@notNull\nWhen.';
comment on column app_public.pfa_draft_operation.undone_at is 'When it was undone; null while it is in effect.';
grant select on app_public.pfa_draft_operation to vanguard_visitor;
--! EndIncluded app_public/views/pfa_draft_operation.sql

--! Included app_private/functions/lock_records.sql
create or replace function app_private.lock_records(organization_id integer, pfa_ids text[]) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  select from app_core.pfa_mirror m
  where m.organization_id = lock_records.organization_id and m.pfa_id = any (lock_records.pfa_ids)
  order by m.pfa_id for no key update;
end;
comment on function app_private.lock_records(integer, text[]) is
  'Locks the records'' mirror rows in key order, as everything does that changes what people see of them. A '
  'statement of its own: what is read after it is what the holder before left.';
--! EndIncluded app_private/functions/lock_records.sql
--! Included app_private/functions/lock_operations.sql
create or replace function app_private.lock_operations(organization_id integer, user_id integer) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  select pg_advisory_xact_lock(hashtextextended(format('pfa_draft_operation %s %s', lock_operations.organization_id,
    lock_operations.user_id), 0));
end;
comment on function app_private.lock_operations(integer, integer) is
  'One operation of a user on drafts at a time, whichever tab it comes from: which is the newest is asked before '
  'the records are known. Call it before lock_records.';
--! EndIncluded app_private/functions/lock_operations.sql
--! Included app_private/functions/key_problem.sql
create or replace function app_private.key_problem(field app_public.pfa_fields, screen_field text, data jsonb,
  value jsonb) returns text
  language sql stable parallel safe
  return case
    when field.key is null then 'is not a key of a record'
    when not field.is_editable then 'is set by PEMS and cannot be edited'
    when screen_field is null then 'cannot be written to PEMS, so it cannot be edited'
    when field.editable_when_actualized and (data->>'isActualized') is distinct
      from 'true' then 'can be edited only once the record is actualized'
    else app_core.value_problem(field, value)
  end;
comment on function app_private.key_problem(app_public.pfa_fields, text, jsonb, jsonb) is
  'Why a value may not be put under a key of a record, as the end of a sentence; null when it may. The field is '
  'null for an unknown key, the screen field for one that no mapping writes.';
--! EndIncluded app_private/functions/key_problem.sql
--! Included app_private/functions/reversed_dates.sql
create or replace function app_private.reversed_dates(data jsonb) returns table (first_key text, last_key text)
  language sql stable
begin atomic
  select r.first_key, r.last_key
  from (values ('forecastStart', 'forecastEnd'), ('actualStart', 'actualEnd')) r (first_key, last_key)
  where nullif(data->>r.last_key, '') < nullif(data->>r.first_key, '') collate "C";
end;
comment on function app_private.reversed_dates(jsonb) is
  'The dates of a record whose last day lies before the first, of those that people edit.';
--! EndIncluded app_private/functions/reversed_dates.sql
--! Included app_private/functions/refused_changes.sql
create or replace function app_private.refused_changes(
  organization_id integer, user_id integer, items jsonb, out missing jsonb, out moved jsonb, out unfit jsonb
)
  language sql stable
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
begin atomic
  with item as materialized (
    select i->>'recordId' as id, i ? 'revision' as has_revision, (i->>'revision')::bigint as revision,
      i->'changes' as changes,
      m.revision as current_revision, m.data, m.pfa_id is null or m.removed_at is not null as is_missing
    from jsonb_array_elements(refused_changes.items) i
    left join app_private.merged_for(refused_changes.organization_id, refused_changes.user_id,
      array(select n->>'recordId' from jsonb_array_elements(refused_changes.items) n)) m on m.pfa_id = i->>'recordId'
  ),
  wrong as materialized (
    select i.id, c.key, c.value, p.problem
    from item i
    cross join jsonb_each(i.changes) c
    left join app_public.pfa_fields f on f.key = c.key
    left join app_private.field_mapping(refused_changes.organization_id) w on w.key = c.key
    cross join lateral (select app_private.key_problem(f, w.screen_field, i.data, c.value) as problem) p
    where p.problem is not null and not i.is_missing
  )
  select
    (
      select jsonb_agg(jsonb_build_object('recordId', i.id, 'problem', 'there is no such record') order by i.id)
      from item i where i.is_missing
    ),
    (
      select jsonb_agg(jsonb_build_object('recordId', i.id, 'problem', 'it changed since you saw it',
        'revision', i.revision, 'currentRevision', i.current_revision,
        'current', (select jsonb_object_agg(k, coalesce(i.data->k, 'null')) from jsonb_object_keys(i.changes) k),
        'latestChanges', (
          select coalesce(jsonb_agg(jsonb_build_object('route', l.route, 'by', l.username, 'at', l.changed_at,
            'changes', l.changes) order by l.id desc), '[]')
          from (
            select c.id, c.route, u.username, c.changed_at, c.changes
            from app_core.pfa_change c left join app_public.users u on u.id = c.user_id
            where c.organization_id = refused_changes.organization_id and c.pfa_id = i.id
              and (not app_core.is_private_route(c.route) or c.user_id = refused_changes.user_id)
            order by c.id desc limit 3
          ) l
        )) order by i.id)
      from item i where i.has_revision and not i.is_missing and i.revision is distinct from i.current_revision
    ),
    (
      select jsonb_agg(jsonb_build_object('recordId', w.id, 'key', w.key, 'value', w.value, 'problem', w.problem)
        order by w.id, w.key)
      from (
        select w.id, w.key, w.value, w.problem from wrong w
        union all
        select i.id, r.last_key, n.data->r.last_key, format('lies before %s (%s)', r.first_key, n.data->>r.first_key)
        from item i
        cross join lateral (select i.data || i.changes as data) n
        cross join lateral app_private.reversed_dates(n.data) r
        where not i.is_missing and i.changes ?| array[r.first_key, r.last_key]
          and not exists (select from wrong w where w.id = i.id)
      ) w
    );
end;
comment on function app_private.refused_changes(integer, integer, jsonb) is
  'All that is wrong with `[{"recordId", "changes": {key: value}, "revision"}]` as changes of what a user sees, in '
  'one look: records that are not there, that have moved since that revision (where one is given, as bulk '
  'operations do not), and values that may not be. Each a list for the details of an error, or null.';
--! EndIncluded app_private/functions/refused_changes.sql

--! Included app_private/functions/change_drafts.sql
create or replace function app_private.change_drafts(organization_id integer, user_id integer, items jsonb, kind text)
  returns app_public.pfa_draft_result
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := change_drafts.organization_id;
  p_user_id constant integer := change_drafts.user_id;
  p_kind constant text := change_drafts.kind;
  ids constant text[] := array(select i->>'recordId' from jsonb_array_elements(items) i);
  result app_public.pfa_draft_result;
begin
  with seen as materialized (
    select m.pfa_id, coalesce(i->'changes', '{}') as changes, coalesce(i->'dropped', '[]') as dropped, m.data,
      m.underlay,
      coalesce(d.delta, '{}') as delta, coalesce(d.base, '{}') as base, coalesce(d.problems, '{}') as problems
    from jsonb_array_elements(items) i
    join app_private.merged_for(p_organization_id, p_user_id, ids) m on m.pfa_id = i->>'recordId'
    left join app_core.pfa_modification d
      on d.organization_id = p_organization_id and d.user_id = p_user_id and d.state = 'draft' and d.pfa_id = any (ids)
        and d.pfa_id = m.pfa_id
  ),
  keyed as materialized (
    select v.pfa_id, v.key, v.drafted, v.problem,
      case when v.value is not null then app_core.normalized(v.value) end as value,
      app_core.normalized(v.under) as under,
      app_core.normalized(v.seen) as seen,
      coalesce(v.base, app_core.normalized(v.under)) as base
    from (
      select s.pfa_id, c.key, c.value, s.underlay->c.key as under, s.data->c.key as seen,
        s.base->c.key as base, s.delta->c.key as drafted, s.problems->c.key as problem
      from seen s
      cross join lateral (
        select e.key, e.value from jsonb_each(s.changes) e
        union all
        select d.key, null from jsonb_array_elements_text(s.dropped) d (key)
      ) c
      -- Looked up once, not once for each time that it is mentioned.
      offset 0
    ) v
  ),
  -- Drafted is what differs from what lies under it.
  decided as materialized (
    select k.pfa_id, k.key, k.drafted, k.problem, k.under, k.seen, k.base,
      case when k.value <> k.under then k.value end as value from keyed k
  ),
  kept as materialized (
    select s.pfa_id, s.delta - d.keys || d.delta as delta, s.base - d.keys || d.base as base,
      s.problems - d.keys || d.problems as problems
    from seen s
    join (
      select d.pfa_id,
        array_agg(d.key) as keys,
        coalesce(jsonb_object_agg(d.key, d.value) filter (where d.value is not null), '{}') as delta,
        coalesce(jsonb_object_agg(d.key, d.base) filter (where d.value is not null), '{}') as base,
        -- PEMS having changed it is no less true of another value; what PEMS said of the old value is done with.
        coalesce(jsonb_object_agg(d.key, jsonb_set(d.problem, '{mine}', d.value))
          filter (where d.value is not null and d.problem->>'kind' = 'conflict'), '{}') as problems
      from decided d group by d.pfa_id
    ) d on d.pfa_id = s.pfa_id
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
    select p_organization_id, d.pfa_id, p_user_id, case p_kind when 'resolve' then 'resolve' else 'draft' end,
      jsonb_object_agg(d.key, jsonb_build_object('from', d.seen, 'to', coalesce(d.value, d.under)))
    from decided d where d.seen <> coalesce(d.value, d.under) group by d.pfa_id
  ),
  changed as materialized (
    select d.pfa_id, jsonb_object_agg(d.key,
      case when d.drafted is null then '{}' else jsonb_build_object('from', d.drafted) end
      || case when d.value is null then '{}' else jsonb_build_object('to', d.value) end) as differences
    from decided d where d.drafted is distinct from d.value group by d.pfa_id
  ),
  remembered as (
    insert into app_core.pfa_draft_operation (organization_id, user_id, kind, record_count, differences)
    select p_organization_id, p_user_id, p_kind, count(*), jsonb_object_agg(c.pfa_id, c.differences)
    from changed c where p_kind is not null having count(*) > 0
    returning id
  ),
  emptied as (
    delete from app_core.pfa_modification d using kept k
    where d.organization_id = p_organization_id and d.user_id = p_user_id and d.state = 'draft' and d.pfa_id = any (ids)
      and d.pfa_id = k.pfa_id and k.delta = '{}'
  ),
  written as (
    insert into app_core.pfa_modification as d (organization_id, user_id, pfa_id, delta, base, problems)
    select p_organization_id, p_user_id, k.pfa_id, k.delta, k.base, k.problems from kept k where k.delta <> '{}'
    on conflict (organization_id, user_id, pfa_id) where state = 'draft' do update
      set delta = excluded.delta, base = excluded.base, problems = excluded.problems
      where (d.delta, d.base, d.problems) is distinct from (excluded.delta, excluded.base, excluded.problems)
  )
  select (select r.id from remembered r), (select count(*) from changed),
    (select count(*) from seen) - (select count(*) from changed), '[]', null
  into result;

  perform app_private.rewrite_overlay(p_organization_id, ids);
  if result.operation_id is not null then
    -- What was undone cannot be done again after something else.
    delete from app_core.pfa_draft_operation o
    where o.organization_id = p_organization_id and o.user_id = p_user_id
      and (o.undone_at is not null or o.id <= (
        select l.id from app_core.pfa_draft_operation l
        where l.organization_id = p_organization_id and l.user_id = p_user_id
        order by l.id desc offset 50 limit 1));
  end if;
  if cardinality(ids) <= 5000 then
    select coalesce(jsonb_object_agg(m.pfa_id, m.revision), '{}') into result.revisions
    from app_private.merged_for(p_organization_id, p_user_id, ids) m;
  end if;
  return result;
end;
$$;
comment on function app_private.change_drafts(integer, integer, jsonb, text) is
  'Puts values under keys of a user''s drafts, `[{"recordId", "changes": {key: value}, "dropped": [key, ...]}]`, '
  'each record once, and takes the dropped keys out. A value equal to what lies under the draft takes its key out, '
  'too. What a key was drafted on (base) stays as long as the key is drafted. Remembers the operation unless its '
  'kind is null. Call it under lock_operations and lock_records, with values that were checked.';
--! EndIncluded app_private/functions/change_drafts.sql
--! Included app_private/functions/save_checked_drafts.sql
create or replace function app_private.save_checked_drafts(organization_id integer, items jsonb)
  returns app_public.pfa_draft_result
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := save_checked_drafts.organization_id;
  me constant integer := app_core.current_user_id();
  ids text[];
  refused jsonb;
  missing jsonb;
  moved jsonb;
  unfit jsonb;
begin
  perform app_private.require_writable(p_organization_id);

  select array_agg(i->>'recordId' order by i->>'recordId') into ids from jsonb_array_elements(items) i;
  if ids is null then
    raise exception 'No record is named.' using errcode = 'VG400',
      hint = 'Give at least one {recordId, changes, revision}.';
  end if;
  if cardinality(ids) > 5000 then
    raise exception 'These are % records, and at most 5,000 can be saved at once.', cardinality(ids)
      using errcode = 'VG400', hint = 'Save them in several calls, or use a bulk operation.';
  end if;
  select jsonb_agg(jsonb_build_object('recordId', t.id, 'problem', 'it is named more than once') order by t.id)
    into refused
  from (select id from unnest(ids) id group by id having count(*) > 1) t;
  if refused is not null then
    raise exception 'A record is named more than once.'
      using errcode = 'VG400', detail = refused::text, hint = 'Name each record once.';
  end if;
  select jsonb_agg(jsonb_build_object('recordId', i->>'recordId', 'problem',
    'the changes are not an object with at least one key'))
    into refused
  from jsonb_array_elements(items) i
  where jsonb_typeof(i->'changes') is distinct from 'object' or i->'changes' = '{}';
  if refused is not null then
    raise exception 'The changes must be an object with at least one key.'
      using errcode = 'VG400', detail = refused::text, hint = 'For example {"forecastEnd": "2026-05-01"}.';
  end if;

  perform app_private.lock_operations(p_organization_id, me);
  perform app_private.lock_records(p_organization_id, ids);
  select c.missing, c.moved, c.unfit into missing, moved, unfit
    from app_private.refused_changes(p_organization_id, me, items) c;
  -- The worst is said, and all of it is named.
  refused := coalesce(missing, '[]') || coalesce(moved, '[]') || coalesce(unfit, '[]');
  if missing is not null then
    raise exception 'There is no record % in this organization.', missing->0->>'recordId'
      using errcode = 'VG404', detail = refused::text, hint = 'It may have been removed from PEMS. Reload the list.';
  end if;
  if moved is not null then
    raise exception 'Record % changed since you saw it.', moved->0->>'recordId'
      using errcode = 'VG409', detail = refused::text,
        hint = 'Look at the current values, then save again with the current revision.';
  end if;
  if unfit is not null then
    raise exception '% of record % %.', unfit->0->>'key', unfit->0->>'recordId', unfit->0->>'problem'
      using errcode = 'VG422', detail = refused::text,
        hint = 'Nothing was saved. Correct the values named in the details, or leave them out.';
  end if;
  return app_private.change_drafts(p_organization_id, me, items, 'save');
end;
$$;
comment on function app_private.save_checked_drafts(integer, jsonb) is
  'Drafts `[{"recordId", "changes": {key: value}, "revision"}]` for the signed-in user: all or nothing, each '
  'record once. Refuses with VG400, VG403, VG404, VG409 (moved since) or VG422 (values), naming every record and '
  'key in the details.';
--! EndIncluded app_private/functions/save_checked_drafts.sql
--! Included app_public/functions/save_drafts.sql
create or replace function app_public.save_drafts(organization_id integer, items app_public.pfa_draft_item[])
  returns app_public.pfa_draft_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.save_checked_drafts(save_drafts.organization_id, (
    select coalesce(jsonb_agg(jsonb_build_object('recordId', i.record_id, 'changes', i.changes, 'revision',
      i.revision)), '[]')
    from unnest(save_drafts.items) i));
end;
$$;
comment on function app_public.save_drafts(integer, app_public.pfa_draft_item[]) is
  E'@resultFieldName result\nSaves changes to up to 5,000 records as your drafts: all of them or none. What is '
  'refused is named, record by record and key by key.';
grant execute on function app_public.save_drafts(integer, app_public.pfa_draft_item[]) to vanguard_visitor;
--! EndIncluded app_public/functions/save_drafts.sql

--! Included app_private/functions/step_operation.sql
create or replace function app_private.step_operation(organization_id integer, operation_id bigint, is_undo boolean)
  returns app_public.pfa_undo_result
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := step_operation.organization_id;
  p_operation_id constant bigint := step_operation.operation_id;
  me constant integer := app_core.current_user_id();
  operation app_core.pfa_draft_operation;
  ids text[];
  items jsonb;
  due jsonb;
  changed app_public.pfa_draft_result;
  result app_public.pfa_undo_result;
begin
  perform app_private.require_writable(p_organization_id);
  -- Two tabs may ask at once, or one of them saves: each takes back one operation, the newest that there is then.
  perform app_private.lock_operations(p_organization_id, me);
  select o.* into operation
  from app_core.pfa_draft_operation o
  where o.organization_id = p_organization_id and o.user_id = me and (o.undone_at is null) = is_undo
  order by case when is_undo then -o.id else o.id end limit 1;
  if operation.id is null then
    raise exception 'There is nothing to %.', case when is_undo then 'undo' else 'redo' end
      using errcode = 'VG404', hint = 'The last 50 operations in an organization can be undone, and done again until '
                                      'something else is done; they are its myOperations.';
  end if;
  if operation.id <> p_operation_id then
    due := jsonb_build_array(jsonb_build_object('operationId', operation.id, 'kind', operation.kind, 'recordCount',
      operation.record_count));
    raise exception 'Operation % is not the next to %.', p_operation_id, case when is_undo then 'undo' else 'redo' end
      using errcode = 'VG409', detail = due::text,
        hint = 'You did something else meanwhile, perhaps in another tab: the next one is in the details.';
  end if;
  ids := array(select jsonb_object_keys(operation.differences));
  perform app_private.lock_records(p_organization_id, ids);

  with step as materialized (
    select r.key as pfa_id, k.key,
      case when is_undo then k.value->'to' else k.value->'from' end as expected,
      case when is_undo then k.value->'from' else k.value->'to' end as wanted,
      m.pfa_id is null as is_gone, m.removed_at is not null as is_removed,
      app_core.normalized(m.underlay->k.key) as under, d.delta->k.key as drafted
    from jsonb_each(operation.differences) r
    cross join jsonb_each(r.value) k
    left join app_private.merged_for(p_organization_id, me, ids) m on m.pfa_id = r.key
    left join app_core.pfa_modification d
      on d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.pfa_id = any (ids)
        and d.pfa_id = r.key
  ),
  committed as materialized (
    select m.pfa_id, k.key, k.value
    from app_core.pfa_modification m cross join jsonb_each(m.delta) k
    where m.organization_id = p_organization_id and m.user_id = me and m.state <> 'draft' and m.pfa_id = any (ids)
      and m.committed_at >= operation.created_at
  ),
  judged as materialized (
    select s.pfa_id, s.key, s.wanted,
      case
        when s.is_gone then 'gone'
        when s.drafted is not distinct from s.expected then case when s.wanted is not null
          and s.is_removed then 'removed' end
        when s.drafted is not null then 'changed'
        when (s.pfa_id, s.key, s.expected) in (select c.pfa_id, c.key, c.value from committed c) then 'committed'
        when s.under = s.expected then 'settled'
        else 'changed'
      end as kind
    from step s
  ),
  possible as (
    select j.pfa_id,
      coalesce(jsonb_object_agg(j.key, j.wanted) filter (where j.wanted is not null), '{}') as changes,
      coalesce(jsonb_agg(j.key) filter (where j.wanted is null), '[]') as dropped
    from judged j where j.kind is null group by j.pfa_id
  )
  select
    (select coalesce(jsonb_agg(jsonb_build_object('recordId', p.pfa_id, 'changes', p.changes, 'dropped', p.dropped)),
      '[]') from possible p),
    (
      select coalesce(jsonb_agg(jsonb_build_object('recordId', j.pfa_id, 'key', j.key, 'kind', j.kind, 'problem',
        case j.kind
          when 'gone' then 'the record is no longer there'
          when 'removed' then 'the record was removed from PEMS'
          when 'committed' then 'it was submitted meanwhile'
          when 'settled' then 'the record has this value by itself now'
          else 'it was changed meanwhile'
        end) order by j.pfa_id, j.key), '[]')
      from judged j where j.kind is not null
    )
    into items, result.impossible;

  changed := app_private.change_drafts(p_organization_id, me, items, null);
  update app_core.pfa_draft_operation o set undone_at = case when is_undo then clock_timestamp() end
  where o.organization_id = p_organization_id and o.user_id = me and o.id = operation.id;
  result.operation_id := operation.id;
  result.kind := operation.kind;
  result.changed_count := changed.changed_count;
  return result;
end;
$$;
comment on function app_private.step_operation(integer, bigint, boolean) is
  'Takes back the signed-in user''s newest operation, or does again the oldest that was undone: key by key, where '
  'the draft still is what the operation left. Drafted values come back, never what they were drafted on. VG404 '
  'when there is none, VG409 when it is another than the one asked for.';
--! EndIncluded app_private/functions/step_operation.sql
--! Included app_public/functions/undo_draft.sql
create or replace function app_public.undo_draft(organization_id integer, operation_id bigint default null)
  returns app_public.pfa_undo_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.step_operation(undo_draft.organization_id, undo_draft.operation_id, true);
end;
$$;
comment on function app_public.undo_draft(integer, bigint) is
  E'@resultFieldName result\nTakes back your newest operation on drafts that is in effect, however many records it '
  'touched. With `operationId` only if it is that one.';
grant execute on function app_public.undo_draft(integer, bigint) to vanguard_visitor;
--! EndIncluded app_public/functions/undo_draft.sql
--! Included app_public/functions/redo_draft.sql
create or replace function app_public.redo_draft(organization_id integer, operation_id bigint default null)
  returns app_public.pfa_undo_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.step_operation(redo_draft.organization_id, redo_draft.operation_id, false);
end;
$$;
comment on function app_public.redo_draft(integer, bigint) is
  E'@resultFieldName result\nDoes again what `undoDraft` took back last. With `operationId` only if it is that one.';
grant execute on function app_public.redo_draft(integer, bigint) to vanguard_visitor;
--! EndIncluded app_public/functions/redo_draft.sql

--! Included app_public/views/pfa_change.sql
create or replace view app_public.pfa_change with (security_invoker = true) as
select c.organization_id, c.id, c.pfa_id, c.user_id, c.route, c.event, c.changes, c.changed_at
from app_core.pfa_change c;
comment on view app_public.pfa_change is
  E'@offersColumns\n@primaryKey organization_id,id\n@foreignKey (organization_id) references '
  'app_public.organizations (id)|@fieldName organization|@backwardBehavior -*\n@foreignKey (organization_id, '
  'pfa_id) references app_public.pfa_record (organization_id, pfa_id)|@fieldName record|@backwardBehavior -*\nWhat '
  'happened to a record: who changed which keys from what to what, when, and by which route. Of drafts you see '
  'your own only.';
comment on column app_public.pfa_change.organization_id is 'The organization.';
comment on column app_public.pfa_change.id is 'In the order of happening.';
comment on column app_public.pfa_change.pfa_id is E'@notNull\nThe record.';
comment on column app_public.pfa_change.user_id is 'Who; null where PEMS changed it, or the account is deleted.';
comment on column app_public.pfa_change.route is
  E'@notNull\nHow: `draft`, `commit`, `withdraw` (a commit back into a draft), `takeover` (of another user''s '
  'draft), `sync` (from PEMS), `push` (to PEMS), `resolve`.';
comment on column app_public.pfa_change.event is
  E'@notNull\n`add`, `update`, `remove` (gone from PEMS), `restore` (there again).';
comment on column app_public.pfa_change.changes is E'@notNull\n`{"key": {"from": ..., "to": ...}}`';
comment on column app_public.pfa_change.changed_at is E'@notNull\nWhen.';
grant select on app_public.pfa_change to vanguard_visitor;
--! EndIncluded app_public/views/pfa_change.sql
--! Included app_public/functions/pfa_change_username.sql
create or replace function app_public.pfa_change_username(change app_public.pfa_change) returns text
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select u.username
  from app_core.pfa_change c
  join app_public.users u on u.id = c.user_id
  where c.organization_id = change.organization_id and c.id = change.id
    and c.organization_id = any (app_core.current_organization_ids())
      and (not app_core.is_private_route(c.route) or c.user_id = app_core.current_user_id());
end;
comment on function app_public.pfa_change_username(app_public.pfa_change) is
  'Who it was; null where PEMS changed it, or the account is deleted. Everybody who may read the organization may '
  'know; the rest of the account is for the person and for administrators only.';
grant execute on function app_public.pfa_change_username(app_public.pfa_change) to vanguard_visitor;
--! EndIncluded app_public/functions/pfa_change_username.sql
--! Included app_public/functions/organizations_changes.sql
create or replace function app_public.organizations_changes(
  organization app_public.organizations, record_id text default null, key text default null,
  since timestamptz default null
) returns setof app_public.pfa_change
  language sql stable
begin atomic
  select c.*
  from app_public.pfa_change c
  where c.organization_id = organization.id
    and (organizations_changes.record_id is null or c.pfa_id = organizations_changes.record_id)
    and (organizations_changes.key is null or c.changes ? organizations_changes.key)
    and (organizations_changes.since is null or c.changed_at >= organizations_changes.since)
  -- Of one record in the order of its index, which ids are newest last in too: the other index would lead through all
  -- other records.
  order by case when organizations_changes.record_id is null then c.changed_at end desc, c.id desc;
end;
comment on function app_public.organizations_changes(app_public.organizations, text, text, timestamp with time zone) is
  'What happened to records, the newest first: of all of them or of one, to one key of theirs or to any, since a '
  'time or since the beginning. It is kept for 400 days, or as long as the installation says.';
grant execute on function app_public.organizations_changes(app_public.organizations, text, text, timestamp
  with time zone) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_changes.sql

--! Included app_private/functions/bulk_items.sql
create or replace function app_private.bulk_items(organization_id integer, user_id integer, pfa_ids text[],
  operation app_public.pfa_bulk_operation)
  returns table (pfa_id text, revision bigint, data jsonb, changes jsonb, verdict text, problem text, key text)
  language sql stable
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
begin atomic
  with seen as materialized (
    select i.id as pfa_id, m.revision, m.data, m.pfa_id is null as is_missing, m.removed_at is not null as is_removed,
      coalesce(m.data->>'isActualized' = 'true', false) as is_actualized,
      app_core.iso_date(m.data->>'originalStart') as original_start,
      app_core.iso_date(m.data->>'originalEnd') as original_end,
      app_core.iso_date(m.data->>'forecastStart') as forecast_start,
      app_core.iso_date(m.data->>'forecastEnd') as forecast_end,
      app_core.iso_date(m.data->>'actualStart') as actual_start, app_core.iso_date(m.data->>'actualEnd') as actual_end
    from unnest(bulk_items.pfa_ids) i (id)
    left join app_private.merged_for(bulk_items.organization_id, bulk_items.user_id, bulk_items.pfa_ids) m
      on m.pfa_id = i.id
  ),
  moved as (
    select s.*,
      case when not s.is_actualized then coalesce(s.forecast_start + (operation).shift_days,
        case when (operation).reset_to_plan then s.original_start end) end as new_forecast_start,
      case when not s.is_actualized then coalesce(s.forecast_end + (operation).shift_days,
        greatest(s.forecast_end + (operation).duration_days, case when s.forecast_end is not null
        and (operation).duration_days is not null then s.forecast_start end),
        case when (operation).reset_to_plan then s.original_end end) end as new_forecast_end,
      case when s.is_actualized then coalesce(s.actual_end + (operation).shift_days,
        greatest(s.actual_end + (operation).duration_days, case when s.actual_end is not null
          and (operation).duration_days is not null then s.actual_start end)) end as new_actual_end
    from seen s
  ),
  wanted as materialized (
    select m.pfa_id, m.revision, m.data,
      -- As they will be in the record: "" empties a key, and nothing can be counted with it.
      coalesce((select jsonb_object_agg(v.key, app_core.normalized(v.value)) from jsonb_each((operation).set) v),
        jsonb_strip_nulls(jsonb_build_object(
        'forecastStart', m.new_forecast_start, 'forecastEnd', m.new_forecast_end, 'actualEnd', m.new_actual_end))) as
          changes,
      case
        when m.is_missing then 'there is no such record'
        when m.is_removed then 'was removed from PEMS'
        when (operation).reset_to_plan and m.is_actualized then 'is actualized: only a forecast is reset to the plan'
        when (operation).reset_to_plan and (m.original_start is null
          or m.original_end is null) then 'has no plan to be reset to'
        when least(m.new_forecast_start, m.new_forecast_end, m.new_actual_end) < date '0001-01-01'
          or greatest(m.new_forecast_start, m.new_forecast_end,
            m.new_actual_end) > date '9999-12-31' then 'would have a date outside the years 1 to 9999'
      end as problem
    from moved m
  ),
  judged as materialized (
    select w.*,
      w.problem is null and not exists (
        select from jsonb_each(w.changes) c where app_core.normalized(c.value) <> app_core.normalized(w.data->c.key)) as
          is_same
    from wanted w
  ),
  -- What is left is held against the rules of single values and of whole records.
  unfit as materialized (
    select u.id, min(u.key) as key, string_agg(format('%s %s', u.key, u.problem), '; ' order by u.key) as problem
    from app_private.refused_changes(bulk_items.organization_id, bulk_items.user_id, (
        select coalesce(jsonb_agg(jsonb_build_object('recordId', j.pfa_id, 'changes', j.changes)), '[]')
        from judged j where j.problem is null and not j.is_same)) r
    cross join lateral jsonb_to_recordset(r.unfit) w ("recordId" text, key text, problem text)
    cross join lateral (select w."recordId" as id, w.key, w.problem) u
    group by u.id
  )
  select j.pfa_id, j.revision, j.data, j.changes,
    case when coalesce(j.problem, u.problem) is not null then 'refused' when j.is_same then 'unchanged' else 'changed'
      end,
    coalesce(j.problem, u.problem), u.key
  from judged j
  left join unfit u on u.id = j.pfa_id;
end;
comment on function app_private.bulk_items(integer, integer, text[], app_public.pfa_bulk_operation) is
  'What an operation makes of each of these records, as the user sees them (domain.md, Bulk operations): the '
  'changes, and whether they are `changed`, `unchanged` (has it already, or nothing to move) or `refused`, with '
  'the reason as the end of a sentence.';
--! EndIncluded app_private/functions/bulk_items.sql
--! Included app_private/functions/bulk_token.sql
create or replace function app_private.bulk_token(organization_id integer, user_id integer, pfa_ids text[],
  operation app_public.pfa_bulk_operation) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
begin atomic
  select md5(coalesce(string_agg(m.pfa_id || ':' || m.revision, ',' order by m.pfa_id), '')
    || bulk_token.operation::text)
  from app_private.merged_for(bulk_token.organization_id, bulk_token.user_id, bulk_token.pfa_ids) m;
end;
comment on function app_private.bulk_token(integer, integer, text[], app_public.pfa_bulk_operation) is
  'Another one as soon as one of these records, which of them there are, or the operation is another.';
--! EndIncluded app_private/functions/bulk_token.sql
--! Included app_private/functions/require_bulk_operation.sql
create or replace function app_private.require_bulk_operation(operation app_public.pfa_bulk_operation) returns void
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if num_nonnulls((operation).shift_days, (operation).duration_days, (operation).set)
    + coalesce((operation).reset_to_plan, false)::integer <> 1 then
    raise exception 'A bulk operation is exactly one of shiftDays, durationDays, resetToPlan and set.'
      using errcode = 'VG400', hint = 'For example {"shiftDays": 14}.';
  end if;
  if (operation).shift_days = 0 or (operation).duration_days = 0
    or abs(coalesce((operation).shift_days, (operation).duration_days)::bigint) > 36500 then
    raise exception 'The number of days is %.', coalesce((operation).shift_days, (operation).duration_days)
      using errcode = 'VG400', hint = 'It may be 1 to 36500, or as many days backwards.';
  end if;
  if jsonb_typeof((operation).set) <> 'object' or (operation).set = '{}' then
    raise exception 'What is to be set is not an object with at least one key.'
      using errcode = 'VG400', hint = 'For example {"category": "Cranes"}.';
  end if;
end;
$$;
comment on function app_private.require_bulk_operation(app_public.pfa_bulk_operation) is
  'Refuses with VG400 what is no bulk operation, or more than one.';
--! EndIncluded app_private/functions/require_bulk_operation.sql
--! Included app_private/functions/bulk_records.sql
create or replace function app_private.bulk_records(organization_id integer, selection app_public.pfa_selection)
  returns text[]
  language sql stable
  set search_path = pg_catalog, pg_temp
  -- Those that were named one by one are among them also when they are not there, or no longer: then that is said.
  return (
    select coalesce(array_agg(s.id order by s.id), '{}')
    from (
      select unnest(app_private.selected_ids(organization_id, selection)) as id
      union
      select n.id from unnest((selection).record_ids) n (id)
      where not exists (select from app_core.pfa_mirror m where m.organization_id = bulk_records.organization_id
        and m.pfa_id = n.id and m.removed_at is null)
    ) s
  );
comment on function app_private.bulk_records(integer, app_public.pfa_selection) is
  'The ids that a bulk operation is for.';
--! EndIncluded app_private/functions/bulk_records.sql
--! Included app_public/functions/organizations_bulk_preview.sql
create or replace function app_public.organizations_bulk_preview(
  organization app_public.organizations, selection app_public.pfa_selection, operation app_public.pfa_bulk_operation
) returns app_public.pfa_bulk_preview
  language plpgsql stable strict security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  me constant integer := app_core.current_user_id();
  ids text[];
  result app_public.pfa_bulk_preview;
begin
  if organization.id is null then
    return null;
  end if;
  perform app_private.require_readable(organization.id);
  perform app_private.require_bulk_operation(operation);
  ids := app_private.bulk_records(organization.id, selection);
  with item as materialized (
    select b.* from app_private.bulk_items(organization.id, me, ids, operation) b
  ),
  cost as (
    select v.is_after,
      sum(app_core.cost_cents(v.data->>'source', app_core.iso_date(v.data->>'originalStart'),
        app_core.iso_date(v.data->>'originalEnd'),
        (v.data->>'monthlyRate')::numeric, (v.data->>'purchasePrice')::numeric)) as plan,
      sum(app_core.cost_cents(v.data->>'source', app_core.iso_date(v.data->>'forecastStart'),
        app_core.iso_date(v.data->>'forecastEnd'),
        (v.data->>'monthlyRate')::numeric, (v.data->>'purchasePrice')::numeric)) as forecast,
      sum(case when v.data->>'actualStart' is null or v.data->>'actualEnd' is null then 0 else
        app_core.cost_cents(v.data->>'source', app_core.iso_date(v.data->>'actualStart'),
          app_core.iso_date(v.data->>'actualEnd'),
          (v.data->>'monthlyRate')::numeric, (v.data->>'purchasePrice')::numeric) end) as actual
    from (
      select false as is_after, i.data from item i where i.data is not null
      union all
      select true, case i.verdict when 'changed' then i.data || i.changes else i.data end from item i
        where i.data is not null
    ) v
    where (v.data->>'isDiscontinued') is distinct from 'true'
    group by v.is_after
  ),
  reason as (
    select r.problem, r.count, r.ids from (
      select i.problem, count(*) as count, (array_agg(i.pfa_id order by i.pfa_id))[:20] as ids from item i
        where i.verdict = 'refused' group by i.problem
    ) r
  )
  select
    (select count(*) from item), (select count(*) from item i where i.verdict = 'changed'),
    (select count(*) from item i where i.verdict = 'unchanged'),
    (select count(*) from item i where i.verdict = 'refused'),
    (select coalesce(jsonb_agg(jsonb_build_object('problem', r.problem, 'count', r.count, 'recordIds', r.ids)
      order by r.count desc, r.problem), '[]') from reason r),
    app_core.usd(coalesce((select c.plan from cost c where not c.is_after), 0)),
    app_core.usd(coalesce((select c.plan from cost c where c.is_after), 0)),
    app_core.usd(coalesce((select c.forecast from cost c where not c.is_after), 0)),
    app_core.usd(coalesce((select c.forecast from cost c where c.is_after), 0)),
    app_core.usd(coalesce((select c.actual from cost c where not c.is_after), 0)),
    app_core.usd(coalesce((select c.actual from cost c where c.is_after), 0)),
    app_private.bulk_token(organization.id, me, ids, operation)
  into result;
  return result;
end;
$$;
comment on function app_public.organizations_bulk_preview(app_public.organizations, app_public.pfa_selection,
  app_public.pfa_bulk_operation) is
  'What a bulk operation would do to the selected records, and cost, without doing it.';
grant execute on function app_public.organizations_bulk_preview(app_public.organizations, app_public.pfa_selection,
  app_public.pfa_bulk_operation) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_bulk_preview.sql
--! Included app_public/functions/apply_bulk.sql
create or replace function app_public.apply_bulk(
  organization_id integer, selection app_public.pfa_selection, operation app_public.pfa_bulk_operation,
  preview_token text default null, skip_refused boolean default false
) returns app_public.pfa_draft_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := apply_bulk.organization_id;
  me constant integer := app_core.current_user_id();
  ids text[];
  items jsonb;
  refused jsonb;
  refused_count integer;
  unchanged_count integer;
  result app_public.pfa_draft_result;
begin
  perform app_private.require_writable(p_organization_id);
  perform app_private.require_bulk_operation(operation);
  perform app_private.lock_operations(p_organization_id, me);
  ids := app_private.bulk_records(p_organization_id, selection);
  perform app_private.lock_records(p_organization_id, ids);
  -- What left the selection while we waited for the locks is left out; what joined it meanwhile is not locked.
  ids := array(select unnest(ids) intersect select unnest(app_private.bulk_records(p_organization_id, selection))
    order by 1);
  if preview_token <> app_private.bulk_token(p_organization_id, me, ids, operation) then
    raise exception 'Something that is selected has changed since the preview.'
      using errcode = 'VG409', hint = 'Look at the preview again, then apply it with the new token.';
  end if;

  with item as materialized (
    select b.* from app_private.bulk_items(p_organization_id, me, ids, operation) b
  )
  select
    (select jsonb_agg(jsonb_build_object('recordId', i.pfa_id, 'changes', i.changes)) from item i
      where i.verdict = 'changed'),
    (
      select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('recordId', f.pfa_id, 'key', f.key, 'problem', f.problem))
        order by f.pfa_id)
      from (select i.pfa_id, i.key, i.problem from item i where i.verdict = 'refused' order by i.pfa_id limit 1000) f
    ),
    (select count(*) from item i where i.verdict = 'refused'),
    (select count(*) from item i where i.verdict = 'unchanged')
    into items, refused, refused_count, unchanged_count;
  if refused is not null and not coalesce(skip_refused, false) then
    raise exception '% of % records cannot be changed so: record % %.', refused_count, cardinality(ids),
      refused->0->>'recordId', refused->0->>'problem'
      using errcode = 'VG422', detail = refused::text,
        hint = 'Nothing was saved. Leave these records out of the selection, or ask for it with skipRefused.';
  end if;

  result := app_private.change_drafts(p_organization_id, me, coalesce(items, '[]'), case
    when (operation).shift_days is not null then 'shift'
    when (operation).duration_days is not null then 'duration'
    when (operation).reset_to_plan then 'reset'
    else 'set'
  end);
  result.unchanged_count := result.unchanged_count + unchanged_count;
  result.refused := coalesce(refused, '[]');
  return result;
end;
$$;
comment on function app_public.apply_bulk(integer, app_public.pfa_selection, app_public.pfa_bulk_operation, text,
  boolean) is
  E'@resultFieldName result\nDoes a bulk operation on the selected records, as your drafts: all of them or none, '
  'in one step that can be undone. With `skipRefused` those that cannot be changed so are left out and listed. '
  'With the `previewToken` it is refused when something has changed since.';
grant execute on function app_public.apply_bulk(integer, app_public.pfa_selection, app_public.pfa_bulk_operation, text,
  boolean) to vanguard_visitor;
--! EndIncluded app_public/functions/apply_bulk.sql

--! Included app_private/functions/judged_drafts.sql
create or replace function app_private.judged_drafts(organization_id integer, pfa_ids text[])
  returns table (
    id bigint, user_id integer, pfa_id text, key text, mine jsonb, base jsonb, theirs jsonb, old_problem jsonb,
    is_settled boolean, problem jsonb
  )
  language sql stable
begin atomic
  select k.id, k.user_id, k.pfa_id, k.key, k.mine, k.base, k.theirs, k.problem,
    not k.is_removed and k.theirs = k.mine and k.in_mirror = k.mine,
    case
      -- Its author has to act, also when the record goes and comes back; what PEMS holds now is told.
      when k.problem->>'by' = 'push' and k.problem ? 'theirs' then k.problem
        || jsonb_build_object('theirs', k.theirs, 'mine', k.mine)
      when k.problem->>'by' = 'push' then k.problem
      when k.is_removed then jsonb_build_object('kind', 'removed', 'base', k.base, 'mine', k.mine)
      when k.theirs <> k.base and k.theirs <> k.mine then jsonb_build_object('kind', 'conflict', 'base', k.base,
        'theirs', k.theirs, 'mine', k.mine)
    end
  from (
    select d.id, d.user_id, d.pfa_id, k.key, k.value as mine, d.base->k.key as base, d.problems->k.key as problem,
      app_core.normalized((r.data || coalesce(p.delta, '{}'))->k.key) as theirs,
      app_core.normalized(r.data->k.key) as in_mirror,
      r.removed_at is not null as is_removed
    from app_core.pfa_modification d
    join app_core.pfa_mirror r
      on r.organization_id = judged_drafts.organization_id and r.pfa_id = any (judged_drafts.pfa_ids)
        and r.pfa_id = d.pfa_id
    left join app_private.pending(judged_drafts.organization_id, judged_drafts.pfa_ids) p on p.pfa_id = d.pfa_id
    cross join jsonb_each(d.delta) k
    where d.organization_id = judged_drafts.organization_id and d.pfa_id = any (judged_drafts.pfa_ids)
      and d.state = 'draft'
    offset 0
  ) k;
end;
comment on function app_private.judged_drafts(integer, text[]) is
  'Every drafted key of these records, of all users, three ways: what it was drafted on (base), what lies under it '
  'now (theirs: mirror and pending), what it becomes (mine). As when drafted, or as drafted: no problem; settled '
  'when PEMS itself holds it; anything else is a conflict. A problem that push made stays until PEMS itself holds '
  'the value or the author acts.';
--! EndIncluded app_private/functions/judged_drafts.sql

--! Included app_private/functions/queue_push.sql
create or replace function app_private.queue_push(organization_id integer, not_before timestamptz default null)
  returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- One that waits takes along what was committed meanwhile; what is there to do now does not wait for what is due
  -- later.
  perform graphile_worker.add_job(
    'pfa__push',
    json_build_object('organizationId', queue_push.organization_id),
    queue_name => 'push:' || queue_push.organization_id,
    job_key => 'push:' || queue_push.organization_id,
    job_key_mode => case when not_before is null then 'replace' else 'preserve_run_at' end,
    run_at => coalesce(not_before, clock_timestamp()),
    max_attempts => 25);
end;
$$;
comment on function app_private.queue_push(integer, timestamp with time zone) is
  'Has what is committed in an organization written to PEMS, now or later: in the transaction that committed it, '
  'so that neither is without the other.';
grant execute on function app_private.queue_push(integer, timestamp with time zone) to vanguard_worker;
--! EndIncluded app_private/functions/queue_push.sql
--! Included app_private/functions/commit_records.sql
create or replace function app_private.commit_records(organization_id integer, pfa_ids text[], comment text)
  returns app_public.pfa_commit_result
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := commit_records.organization_id;
  p_pfa_ids constant text[] := commit_records.pfa_ids;
  p_comment constant text := nullif(btrim(commit_records.comment), '');
  me constant integer := app_core.current_user_id();
  result app_public.pfa_commit_result;
begin
  perform app_private.lock_records(p_organization_id, p_pfa_ids);
  -- None of these begins to be written to PEMS while we take their keys.
  perform from app_core.pfa_modification m
  where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.state in ('committed', 'syncing')
  order by m.id for update;

  with judged as materialized (
    select j.* from app_private.judged_drafts(p_organization_id, p_pfa_ids) j where j.user_id = me
  ),
  -- At most one unsettled value a record and key.
  unsettled as materialized (
    select m.id, m.pfa_id, k.key, m.base->k.key as push_base, m.state
    from app_core.pfa_modification m cross join jsonb_object_keys(m.delta) k (key)
    where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.state in ('committed', 'syncing')
  ),
  checked as materialized (
    select j.id as draft_id, j.pfa_id, j.key, j.mine, j.theirs, j.is_settled, j.base, j.problem, v.data,
      u.id as earlier_id, coalesce(u.push_base, j.base) as push_base,
      case
        when j.problem is not null then j.problem->>'kind'
        when u.state = 'syncing' then 'busy'
        when w.problem is not null then 'invalid'
      end as kind,
      w.problem as words
    from judged j
    join app_private.merged_for(p_organization_id, me, p_pfa_ids) v on v.pfa_id = j.pfa_id
    left join unsettled u on u.pfa_id = j.pfa_id and u.key = j.key
    left join app_public.pfa_fields f on f.key = j.key
    left join app_private.field_mapping(p_organization_id) p on p.key = j.key
    cross join lateral (select app_private.key_problem(f, p.screen_field, v.data, j.mine) as problem) w
    where not j.is_settled
  ),
  -- The record as PEMS would have it: without what stays in the draft.
  reversed as (
    select r.pfa_id, d.first_key, d.last_key
    from (
      select c.pfa_id, m.underlay || jsonb_object_agg(c.key, c.mine) as data
      from checked c
      join app_private.merged_for(p_organization_id, me, p_pfa_ids) m on m.pfa_id = c.pfa_id
      where c.kind is null
      group by c.pfa_id, m.underlay
    ) r
    cross join lateral app_private.reversed_dates(r.data) d
  ),
  decided as materialized (
    select c.*, case when c.kind is null and r.pfa_id is not null then 'reversed' else c.kind end as verdict,
      r.first_key, r.last_key
    from checked c
    left join reversed r on r.pfa_id = c.pfa_id and c.key in (r.first_key, r.last_key)
  ),
  taken as materialized (
    select d.* from decided d where d.verdict is null
  ),
  -- A later commit takes the key over, together with what PEMS has to hold for it to be written.
  earlier as materialized (
    select t.earlier_id as id, array_agg(t.key) as keys from taken t where t.earlier_id is not null group by 1
  ),
  superseded as (
    delete from app_core.pfa_modification m using earlier e
    where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.id = e.id
      and m.delta - e.keys = '{}'
  ),
  shortened as (
    update app_core.pfa_modification m set delta = m.delta - e.keys, base = m.base - e.keys
    from earlier e
    where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.id = e.id
      and m.delta - e.keys <> '{}'
  ),
  draft as materialized (
    select t.draft_id as id, array_agg(t.key) as keys from (
      select t.draft_id, t.key from taken t
      union all
      select j.id, j.key from judged j where j.is_settled
    ) t group by 1
  ),
  emptied as (
    delete from app_core.pfa_modification m using draft d
    where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.id = d.id
      and m.delta - d.keys = '{}'
  ),
  left_over as (
    update app_core.pfa_modification m set delta = m.delta - d.keys, base = m.base - d.keys,
      problems = m.problems - d.keys
    from draft d
    where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.id = d.id
      and m.delta - d.keys <> '{}'
  ),
  committed as (
    insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, state, commit_sequence,
      committed_at, comment)
    select p_organization_id, me, t.pfa_id, t.delta, t.base, 'committed', nextval('app_core.revision_seq'),
      clock_timestamp(), p_comment
    from (
      select t.pfa_id, jsonb_object_agg(t.key, t.mine) as delta, jsonb_object_agg(t.key, t.push_base) as base
      from taken t group by t.pfa_id order by t.pfa_id
    ) t
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
    select p_organization_id, t.pfa_id, me, 'commit', jsonb_object_agg(t.key,
      jsonb_build_object('from', t.theirs, 'to', t.mine))
    from taken t where t.theirs <> t.mine group by t.pfa_id
  )
  select
    (select count(distinct t.pfa_id) from taken t),
    (select count(*) from taken t),
    (
      select coalesce(jsonb_agg(r.item order by r.pfa_id, r.key), '[]')
      from (
        select d.pfa_id, d.key, jsonb_build_object('recordId', d.pfa_id, 'key', d.key,
          'kind', case d.verdict when 'reversed' then 'invalid' else d.verdict end, 'base', d.base, 'theirs', d.theirs,
          'mine', d.mine,
          'problem', case d.verdict
            when 'conflict' then 'was changed by somebody else since you drafted it'
            when 'removed' then 'belongs to a record that was removed from PEMS'
            when 'busy' then 'is being written to PEMS at this moment'
            when 'invalid' then d.words
            when 'reversed' then format('would leave %s before %s', d.last_key, d.first_key)
            else coalesce(d.problem->>'message', 'was not accepted by PEMS')
          end) as item
        from decided d where d.verdict is not null
        union all
        select n.pfa_id, null, jsonb_build_object('recordId', n.pfa_id, 'kind', 'none', 'problem',
          'has nothing that you drafted')
        from unnest(p_pfa_ids) n (pfa_id)
        where not exists (select from judged j where j.pfa_id = n.pfa_id)
      ) r
    )
  into result;

  perform app_private.rebase_drafts(p_organization_id, p_pfa_ids);
  perform app_private.rewrite_overlay(p_organization_id, p_pfa_ids);
  if result.record_count > 0 then
    perform app_private.queue_push(p_organization_id);
  end if;
  return result;
end;
$$;
comment on function app_private.commit_records(integer, text[], text) is
  'Commits what the signed-in user drafted on these records, key by key, held once more against what lies under it '
  'now, and says what stays in the draft and why. From the same moment everybody sees it as pending, other users'' '
  'drafts are held against it, and its push is queued.';
--! EndIncluded app_private/functions/commit_records.sql
--! Included app_public/functions/commit_drafts.sql
create or replace function app_public.commit_drafts(organization_id integer,
  selection app_public.pfa_selection default null, comment text default null)
  returns app_public.pfa_commit_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := commit_drafts.organization_id;
  me constant integer := app_core.current_user_id();
  named text[];
  ids text[];
begin
  perform app_private.require_writable(p_organization_id);
  if length(comment) > 2000 then
    raise exception 'The comment has % characters, and at most 2,000 are allowed.', length(comment)
      using errcode = 'VG400', hint = 'Write a shorter comment.';
  end if;
  -- Not `is not null`: of a composite that would ask whether every one of its fields is there.
  if selection is distinct from null then
    named := app_private.selected_ids(p_organization_id, selection);
  end if;
  select array_agg(d.pfa_id order by d.pfa_id) into ids
  from app_core.pfa_modification d
  where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft'
    and (named is null or d.pfa_id in (select unnest(named)));
  if named is not null then
    -- What left the selection while we waited for the locks is left out.
    perform app_private.lock_records(p_organization_id, ids);
    ids := array(select unnest(ids) intersect select unnest(app_private.selected_ids(p_organization_id, selection))
      order by 1);
  end if;
  -- Of records that were named one by one, those without a draft are said.
  if (selection).record_ids is not null then
    ids := array(
      select unnest(ids)
      union
      select n.id from unnest((selection).record_ids) n (id)
      where not exists (
        select from app_core.pfa_modification d
        where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.pfa_id = n.id)
      order by 1);
  end if;
  return app_private.commit_records(p_organization_id, coalesce(ids, '{}'), comment);
end;
$$;
comment on function app_public.commit_drafts(integer, app_public.pfa_selection, text) is
  E'@resultFieldName result\nCommits what you drafted: all of it, or of the selected records. What has a problem '
  'stays in your draft and is listed with the reason. What is committed is seen by everybody at once, and written '
  'to PEMS in the order of commits.';
grant execute on function app_public.commit_drafts(integer, app_public.pfa_selection, text) to vanguard_visitor;
--! EndIncluded app_public/functions/commit_drafts.sql

--! Included app_private/functions/return_to_draft.sql
create or replace function app_private.return_to_draft(organization_id integer, modification_ids bigint[])
  returns text[]
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := return_to_draft.organization_id;
  returned text[];
begin
  with gone as materialized (
    delete from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.id = any (modification_ids) and m.state = 'committed'
    returning m.pfa_id, m.user_id, m.delta, m.base
  ),
  back as materialized (
    select g.pfa_id, g.user_id, jsonb_object_agg(k.key, k.value) as delta,
      jsonb_object_agg(k.key, g.base->k.key) as base
    from gone g cross join jsonb_each(g.delta) k group by g.pfa_id, g.user_id
  ),
  drafted as (
    -- What its author has drafted since stays, and stands on what the commit stood on.
    insert into app_core.pfa_modification as d (organization_id, user_id, pfa_id, delta, base)
    select p_organization_id, b.user_id, b.pfa_id, b.delta, b.base from back b
    on conflict (organization_id, user_id, pfa_id) where state = 'draft' do update
      set delta = excluded.delta || d.delta, base = d.base || excluded.base
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
    select p_organization_id, b.pfa_id, b.user_id, 'withdraw',
      (select jsonb_object_agg(k.key, jsonb_build_object('from', k.value, 'to', app_core.normalized(r.data->k.key)))
        from jsonb_each(b.delta) k)
    from back b
    join app_core.pfa_mirror r on r.organization_id = p_organization_id
      and r.pfa_id = any (array(select g.pfa_id from gone g)) and r.pfa_id = b.pfa_id
  )
  select array_agg(distinct b.pfa_id) into returned from back b;

  perform app_private.rebase_drafts(p_organization_id, returned);
  perform app_private.rewrite_overlay(p_organization_id, returned);
  return returned;
end;
$$;
comment on function app_private.return_to_draft(integer, bigint[]) is
  'Puts committed changes back into their authors'' drafts, on what they stood on, and answers the records. Where '
  'the author has a newer draft of a key, its value stays. Call it under lock_records.';
--! EndIncluded app_private/functions/return_to_draft.sql
--! Included app_public/functions/withdraw_commits.sql
create or replace function app_public.withdraw_commits(organization_id integer, modification_ids bigint[] default null)
  returns app_public.pfa_withdraw_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := withdraw_commits.organization_id;
  me constant integer := app_core.current_user_id();
  ids bigint[];
  blocked bigint[];
  unknown jsonb;
  returned text[];
  result app_public.pfa_withdraw_result;
begin
  perform app_private.require_writable(p_organization_id);
  ids := coalesce(modification_ids, array(
    select m.id from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.user_id = me and m.state = 'committed'));
  select jsonb_agg(jsonb_build_object('id', i.id, 'problem', 'there is no such change of yours') order by i.id)
    into unknown
  from unnest(ids) i (id)
  where not exists (
    select from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.id = i.id and m.user_id = me and m.state <> 'draft');
  if unknown is not null then
    raise exception 'There is no committed change % of yours in this organization.', unknown->0->>'id'
      using errcode = 'VG404', detail = unknown::text,
        hint = 'Perhaps a later commit took it over. Your committed changes are myCommits.';
  end if;

  perform app_private.lock_records(p_organization_id, array(
    select m.pfa_id from app_core.pfa_modification m where m.organization_id = p_organization_id and m.id = any (ids)));
  -- What stays committed has to make sense without it.
  with mine as materialized (
    select m.id, m.pfa_id from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.user_id = me and m.state = 'committed'
      and m.id in (select unnest(ids))
  ),
  remaining as (
    select m.pfa_id, jsonb_object_agg(k.key, k.value) as delta
    from app_core.pfa_modification m cross join jsonb_each(m.delta) k
    where m.organization_id = p_organization_id and m.pfa_id = any (array(select n.pfa_id from mine n))
      and m.state in ('committed', 'syncing')
      and m.id not in (select unnest(ids))
    group by m.pfa_id
  )
  select array_agg(m.id), jsonb_agg(jsonb_build_object('id', m.id, 'recordId', m.pfa_id, 'state', 'committed',
      'problem', format('would leave %s before %s in what else is committed', d.last_key, d.first_key)) order by m.id)
    into blocked, result.refused
  from mine m
  join remaining r on r.pfa_id = m.pfa_id
  join app_core.pfa_mirror p on p.organization_id = p_organization_id
    and p.pfa_id = any (array(select n.pfa_id from mine n)) and p.pfa_id = m.pfa_id
  cross join lateral (
    select d.* from app_private.reversed_dates(p.data || r.delta) d where r.delta ?| array[d.first_key, d.last_key]
      limit 1
  ) d;
  returned := app_private.return_to_draft(p_organization_id, array(
    select m.id from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.id = any (ids) and m.user_id = me
      and m.id not in (select unnest(blocked))));
  -- Afterwards, because push may have begun with some in between.
  result.refused := coalesce(result.refused, '[]') || (
    select coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'recordId', m.pfa_id, 'state', m.state,
      'problem', case m.state when 'syncing' then 'is being written to PEMS at this moment' else 'is in PEMS already'
        end) order by m.id), '[]')
    from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.id = any (ids) and m.user_id = me
      and m.state in ('syncing', 'synced'));
  result.record_count := coalesce(cardinality(returned), 0);
  return result;
end;
$$;
comment on function app_public.withdraw_commits(integer, bigint[]) is
  E'@resultFieldName result\nTakes back what you committed and what is not being written to PEMS yet: it is your '
  'draft again. All of it in the organization, or the changes of these ids.';
grant execute on function app_public.withdraw_commits(integer, bigint[]) to vanguard_visitor;
--! EndIncluded app_public/functions/withdraw_commits.sql
--! Included app_public/views/pfa_commit.sql
create or replace view app_public.pfa_commit with (security_invoker = true) as
select m.organization_id, m.id, m.user_id, m.user_id = app_core.current_user_id() as is_mine, m.pfa_id, m.delta, m.base,
  m.state, m.comment,
  m.attempts, m.committed_at, m.settled_at, m.retry_at
from app_core.pfa_modification m
where m.state <> 'draft';
comment on view app_public.pfa_commit is
  E'@offersColumns\n@primaryKey organization_id,id\n@foreignKey (organization_id) references '
  'app_public.organizations (id)|@fieldName organization|@foreignFieldName commits\n@foreignKey (organization_id, '
  'pfa_id) references app_public.pfa_record (organization_id, pfa_id)|@fieldName record|@backwardBehavior '
  '-*\nCommitted changes, one a commit and record: waiting for PEMS, being written, or confirmed.';
comment on column app_public.pfa_commit.organization_id is 'The organization.';
comment on column app_public.pfa_commit.id is E'@behavior +orderBy +filterBy\nOur key.';
comment on column app_public.pfa_commit.user_id is E'@notNull\n@behavior +filterBy\nWho committed it.';
comment on column app_public.pfa_commit.is_mine is E'@notNull\nYou did.';
comment on column app_public.pfa_commit.pfa_id is E'@notNull\n@behavior +filterBy\nThe record.';
comment on column app_public.pfa_commit.delta is E'@notNull\nThe keys that were changed and what they become.';
comment on column app_public.pfa_commit.base is
  E'@notNull\nWhat PEMS has to hold under these keys for them to be written.';
comment on column app_public.pfa_commit.state is
  E'@notNull\n@behavior +filterBy\n`committed` (waits), `syncing` (is being written), `synced` (PEMS holds it).';
comment on column app_public.pfa_commit.comment is 'What was said about it.';
comment on column app_public.pfa_commit.attempts is E'@notNull\nHow often its writing was begun.';
comment on column app_public.pfa_commit.committed_at is E'@notNull\nWhen it was committed.';
comment on column app_public.pfa_commit.settled_at is 'When PEMS confirmed it.';
comment on column app_public.pfa_commit.retry_at is
  'Push goes on with it then: it failed, or nobody knows yet whether PEMS took it.';
grant select on app_public.pfa_commit to vanguard_visitor;
--! EndIncluded app_public/views/pfa_commit.sql
--! Included app_public/functions/pfa_commit_username.sql
create or replace function app_public.pfa_commit_username(change app_public.pfa_commit) returns text
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
  return (
    select u.username from app_public.users u
    where u.id = change.user_id and change.organization_id = any (app_core.current_organization_ids())
      and exists (
        select from app_core.pfa_modification m
        where m.organization_id = change.organization_id and m.id = change.id and m.user_id = change.user_id
          and m.state <> 'draft'));
comment on function app_public.pfa_commit_username(app_public.pfa_commit) is 'Who committed it.';
grant execute on function app_public.pfa_commit_username(app_public.pfa_commit) to vanguard_visitor;
--! EndIncluded app_public/functions/pfa_commit_username.sql

--! Included app_public/functions/organizations_draft_authors.sql
create or replace function app_public.organizations_draft_authors(organization app_public.organizations)
  returns setof app_public.pfa_draft_author
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
  rows 20
begin atomic
  select d.user_id, u.username,
    u.is_active and (u.role = 'admin' or u.role = 'user' and coalesce(m.role in ('owner', 'admin', 'member'), false)),
    d.record_count, d.problem_count, d.updated_at
  from (
    select d.user_id, count(*)::integer as record_count,
      (count(*) filter (where d.problems <> '{}'))::integer as problem_count, max(d.updated_at) as updated_at
    from app_core.pfa_modification d
    where d.organization_id = organization.id and d.state = 'draft'
      and organization.id = any (app_core.administered_organization_ids())
    group by d.user_id
  ) d
  join app_public.users u on u.id = d.user_id
  left join app_public.user_organizations m on m.organization_id = organization.id and m.user_id = d.user_id
  order by u.username;
end;
comment on function app_public.organizations_draft_authors(app_public.organizations) is
  E'@behavior -filter -order\nWho has drafts in the organization: what somebody who left has drafted, its owners '
  'and admins can take over or discard. Nobody else is told.';
grant execute on function app_public.organizations_draft_authors(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_draft_authors.sql
--! Included app_private/functions/remove_drafts_of.sql
create or replace function app_private.remove_drafts_of(organization_id integer, user_id integer, record_ids text[],
  is_takeover boolean) returns integer
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := remove_drafts_of.organization_id;
  p_user_id constant integer := remove_drafts_of.user_id;
  me constant integer := app_core.current_user_id();
  ids text[];
begin
  perform app_private.require_administered(p_organization_id);
  if p_user_id is null then
    raise exception 'It is not said whose drafts.' using errcode = 'VG400',
      hint = 'Give a userId; draftAuthors lists who has drafts.';
  end if;
  if p_user_id = me then
    raise exception 'These are your own drafts.' using errcode = 'VG400',
      hint = 'Name another user, or discard yours with discardDrafts.';
  end if;
  select array_agg(d.pfa_id) into ids
  from app_core.pfa_modification d
  where d.organization_id = p_organization_id and d.user_id = p_user_id and d.state = 'draft'
    and (record_ids is null or d.pfa_id in (select unnest(record_ids)));
  perform app_private.lock_records(p_organization_id, ids);
  with gone as materialized (
    delete from app_core.pfa_modification d
    where d.organization_id = p_organization_id and d.user_id = p_user_id and d.state = 'draft' and d.pfa_id = any (ids)
    returning d.pfa_id, d.delta, d.base, d.problems
  ),
  taken as (
    -- What the new owner has drafted too stays as it is.
    insert into app_core.pfa_modification as d (organization_id, user_id, pfa_id, delta, base, problems)
    select p_organization_id, me, g.pfa_id, g.delta, g.base, g.problems from gone g where is_takeover
    on conflict (organization_id, user_id, pfa_id) where state = 'draft' do update
      set delta = excluded.delta || d.delta, base = excluded.base || d.base,
        problems = excluded.problems - array(select jsonb_object_keys(d.delta)) || d.problems
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
    select p_organization_id, g.pfa_id, me, 'takeover',
      jsonb_object_agg(k.key, case when is_takeover then jsonb_build_object('from', g.base->k.key, 'to',
        k.value) else jsonb_build_object('from', k.value, 'to', app_core.normalized(u.underlay->k.key)) end)
    from gone g
    cross join jsonb_each(g.delta) k
    join app_private.merged_for(p_organization_id, p_user_id, ids) u on u.pfa_id = g.pfa_id
    left join app_core.pfa_modification d
      on d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.pfa_id = any (ids)
        and d.pfa_id = g.pfa_id
    where not is_takeover or d.delta ? k.key is not true
    group by g.pfa_id
  )
  select array_agg(g.pfa_id) into ids from gone g;
  perform app_private.rewrite_overlay(p_organization_id, ids);
  return coalesce(cardinality(ids), 0);
end;
$$;
comment on function app_private.remove_drafts_of(integer, integer, text[], boolean) is
  'Takes another user''s drafts away, of these records or all, and makes them the signed-in user''s own if wanted. '
  'Owners and admins of the organization may.';
--! EndIncluded app_private/functions/remove_drafts_of.sql
--! Included app_public/functions/take_over_drafts.sql
create or replace function app_public.take_over_drafts(organization_id integer, user_id integer,
  record_ids text[] default null) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.remove_drafts_of(take_over_drafts.organization_id, take_over_drafts.user_id,
    take_over_drafts.record_ids, true);
end;
$$;
comment on function app_public.take_over_drafts(integer, integer, text[]) is
  E'@resultFieldName taken\nMakes drafts that somebody left behind your own, of these records or all of them, and '
  'answers how many. What you have drafted yourself stays. Owners and admins of the organization may.';
grant execute on function app_public.take_over_drafts(integer, integer, text[]) to vanguard_visitor;
--! EndIncluded app_public/functions/take_over_drafts.sql
--! Included app_public/functions/discard_drafts_of.sql
create or replace function app_public.discard_drafts_of(organization_id integer, user_id integer,
  record_ids text[] default null) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.remove_drafts_of(discard_drafts_of.organization_id, discard_drafts_of.user_id,
    discard_drafts_of.record_ids, false);
end;
$$;
comment on function app_public.discard_drafts_of(integer, integer, text[]) is
  E'@resultFieldName discarded\nThrows away drafts that somebody left behind, of these records or all of them, and '
  'answers how many. Owners and admins of the organization may.';
grant execute on function app_public.discard_drafts_of(integer, integer, text[]) to vanguard_visitor;
--! EndIncluded app_public/functions/discard_drafts_of.sql

--! Included app_public/functions/organizations_my_draft_totals.sql
create or replace function app_public.organizations_my_draft_totals(organization app_public.organizations,
  selection app_public.pfa_selection default null)
  returns app_public.pfa_draft_totals
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  named text[];
  totals app_public.pfa_draft_totals;
begin
  -- Of a row that belongs to no organization.
  if organization.id is null then
    return null;
  end if;
  perform app_private.require_readable(organization.id);
  -- Not `is not null`: of a composite that would ask whether every one of its fields is there.
  if selection is distinct from null then
    named := app_private.selected_ids(organization.id, selection);
  end if;
  select count(*), coalesce(sum((select count(*) from jsonb_object_keys(d.delta))), 0),
    count(*) filter (where d.problems <> '{}'),
    coalesce(sum(d.forecast_cost_change), 0.00)
  into totals
  from app_public.pfa_draft d
  where d.organization_id = organization.id and (named is null or d.pfa_id in (select unnest(named)));
  return totals;
end;
$$;
comment on function app_public.organizations_my_draft_totals(app_public.organizations, app_public.pfa_selection) is
  'How much you have drafted, of all records or of a selection, and what it adds to the forecast cost.';
grant execute on function app_public.organizations_my_draft_totals(app_public.organizations,
  app_public.pfa_selection) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_my_draft_totals.sql
