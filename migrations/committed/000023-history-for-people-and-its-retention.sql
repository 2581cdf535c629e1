--! Previous: sha1:4afada809adc30d1554abe2f7da921aad88b99f2
--! Hash: sha1:4a61efb85a990ea17a80661fa1c762e74384e49a
--! Message: history for people, and its retention

--! split: 66-history.sql
-- What happened to records, for people; and for how long.

create or replace view app_public.pfa_change with (security_invoker = true) as
select c.organization_id, c.id, c.pfa_id, c.user_id, c.route, c.event, c.changes, c.changed_at
from app_core.pfa_change c;
grant select on app_public.pfa_change to vanguard_visitor;
comment on view app_public.pfa_change is E'@offersColumns\n@primaryKey organization_id,id\n@foreignKey (organization_id) references app_public.organizations (id)|@fieldName organization|@backwardBehavior -*\n@foreignKey (organization_id, pfa_id) references app_public.pfa_record (organization_id, pfa_id)|@fieldName record|@backwardBehavior -*\nWhat happened to a record: who changed which keys from what to what, when, and by which route. Of drafts you see your own only.';
comment on column app_public.pfa_change.organization_id is 'The organization.';
comment on column app_public.pfa_change.id is 'In the order of happening.';
comment on column app_public.pfa_change.pfa_id is E'@notNull\nThe record.';
comment on column app_public.pfa_change.user_id is 'Who; null where PEMS changed it, or the account is deleted.';
comment on column app_public.pfa_change.route is E'@notNull\nHow: `draft`, `commit`, `withdraw` (a commit back into a draft), `takeover` (of another user''s draft), `sync` (from PEMS), `push` (to PEMS), `resolve`.';
comment on column app_public.pfa_change.event is E'@notNull\n`add`, `update`, `remove` (gone from PEMS), `restore` (there again).';
comment on column app_public.pfa_change.changes is E'@notNull\n`{"key": {"from": ..., "to": ...}}`';
comment on column app_public.pfa_change.changed_at is E'@notNull\nWhen.';

create or replace function app_public.pfa_change_username(change app_public.pfa_change) returns text
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select u.username
  from app_core.pfa_change c
  join app_public.users u on u.id = c.user_id
  where c.organization_id = change.organization_id and c.id = change.id
    and c.organization_id = any (app_core.current_organization_ids()) and (c.route not in ('draft', 'takeover') or c.user_id = app_core.current_user_id());
end;
comment on function app_public.pfa_change_username(app_public.pfa_change) is
  'Who it was; null where PEMS changed it, or the account is deleted. Everybody who may read the organization may know; the rest of the account is for the person and for administrators only.';
grant execute on function app_public.pfa_change_username(app_public.pfa_change) to vanguard_visitor;

create or replace function app_public.organizations_changes(
  organization app_public.organizations, record_id text default null, key text default null, since timestamptz default null
) returns setof app_public.pfa_change
  language sql stable
begin atomic
  select c.*
  from app_public.pfa_change c
  where c.organization_id = organization.id
    and (organizations_changes.record_id is null or c.pfa_id = organizations_changes.record_id)
    and (organizations_changes.key is null or c.changes ? organizations_changes.key)
    and (organizations_changes.since is null or c.changed_at >= organizations_changes.since)
  -- Of one record in the order of its index, which ids are newest last in too: the other index would lead through all other records.
  order by case when organizations_changes.record_id is null then c.changed_at end desc, c.id desc;
end;
comment on function app_public.organizations_changes(app_public.organizations, text, text, timestamptz) is
  'What happened to records, the newest first: of all of them or of one, to one key of theirs or to any, since a time or since the beginning. It is kept for 400 days, or as long as the installation says.';
grant execute on function app_public.organizations_changes(app_public.organizations, text, text, timestamptz) to vanguard_visitor;

--------------------------------------------------------------------------------------------------
-- Retention

drop function if exists app_private.enforce_retention(interval, interval, interval, interval, integer);
drop function if exists app_private.enforce_retention(interval, interval, interval, interval, interval, integer);
create function app_private.enforce_retention(
  keep_sync_log interval, keep_rejects interval, keep_sign_ins interval, keep_failed_jobs interval, keep_changes interval, batch integer,
  out sync_log integer, out rejects integer, out sign_ins integer, out throttles integer, out failed_jobs integer, out changes integer
)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  now constant timestamptz := clock_timestamp();
begin
  if least(keep_sync_log, keep_rejects, keep_sign_ins, keep_failed_jobs, keep_changes) < interval '1 day' or batch < 1 then
    raise exception 'Everything is kept for at least one day.'
      using errcode = 'VG400', hint = 'Give each limit as one day or more, and a batch of at least one row.';
  end if;

  with old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select j.organization_id, j.id from app_public.pfa_sync_reject j
      where j.organization_id = o.id and j.rejected_at < now - keep_rejects
      order by j.rejected_at limit batch
    ) r
    limit batch
  )
  delete from app_public.pfa_sync_reject d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics rejects = row_count;

  -- Never the newest run of an organization, nor its newest success of either kind: freshness, the schedule and the next
  -- incremental run are read from there. A run waits for its rejects, which may be kept for longer.
  with kept as materialized (
    select newest.organization_id, newest.id
    from app_public.organizations o
    cross join lateral (
      (select l.organization_id, l.id from app_public.pfa_sync_log l where l.organization_id = o.id order by l.id desc limit 1)
      union all
      (select l.organization_id, l.id from app_public.pfa_sync_log l
       where l.organization_id = o.id and l.state = 'succeeded' and l.kind = 'full' order by l.finished_at desc, l.id desc limit 1)
      union all
      (select l.organization_id, l.id from app_public.pfa_sync_log l
       where l.organization_id = o.id and l.state = 'succeeded' and l.kind = 'incremental' order by l.finished_at desc, l.id desc limit 1)
    ) newest
  ),
  old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select l.organization_id, l.id from app_public.pfa_sync_log l
      where l.organization_id = o.id and l.finished_at < now - keep_sync_log
        and not exists (select from kept k where k.organization_id = l.organization_id and k.id = l.id)
        and not exists (select from app_public.pfa_sync_reject j where j.organization_id = l.organization_id and j.run_id = l.id)
      order by l.finished_at limit batch
    ) r
    limit batch
  )
  delete from app_public.pfa_sync_log d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics sync_log = row_count;

  with old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select c.organization_id, c.id from app_core.pfa_change c
      where c.organization_id = o.id and c.changed_at < now - keep_changes
      order by c.changed_at limit batch
    ) r
    limit batch
  )
  delete from app_core.pfa_change d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics changes = row_count;

  -- What has expired of sign-ins is known where they are kept.
  sign_ins := app_private.delete_expired_sessions(keep_sign_ins);
  throttles := app_private.delete_expired_throttles();

  -- The queue deletes what went well by itself; what failed for good stays until somebody looks, but not for ever.
  select count(*) into failed_jobs
  from graphile_worker.complete_jobs(array(
    select j.id from graphile_worker.jobs j
    where j.attempts >= j.max_attempts and j.locked_at is null and j.updated_at < now - keep_failed_jobs
    order by j.updated_at limit batch
  ));
end;
$$;
comment on function app_private.enforce_retention(interval, interval, interval, interval, interval, integer) is
  'Deletes what is older than its limit: at most one batch each of ended runs, rejects, changes of records and jobs that failed for good, and all ended sessions and throttles; answers how many of each. Kept whatever their age: runs that wait or go on, the newest run of each organization and its newest success of either kind, and a run that still has rejects. Call it again while something is as many as the batch.';
grant execute on function app_private.enforce_retention(interval, interval, interval, interval, interval, integer) to vanguard_worker;
