-- A mirror is too old by its own schedule, whatever that is.

create or replace function app_private.mirror_due_at(organization_id integer) returns timestamptz
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(app_private.quiet_until(d.at, s.quiet_from, s.quiet_to, coalesce(s.time_zone, 'UTC')), d.at)
  from app_public.organizations o
  left join app_private.pfa_sync_schedule s on s.organization_id = o.id
  cross join lateral app_private.pems_connection(o.id) r
  join app_public.api_configurations c on c.id = r.api_configuration_id
  left join lateral (
    select l.started_at, l.finished_at from app_public.pfa_sync_log l
    where l.organization_id = o.id and l.state = 'succeeded' order by l.finished_at desc limit 1
  ) done on true
  cross join lateral (
    select case
      -- Never read: from when it could have been.
      when done.finished_at is null then greatest(o.created_at, c.created_at)
      when s.cron is null then done.finished_at + coalesce(s.every, '15 minutes')
      else app_private.cron_next(s.cron, done.started_at, s.time_zone)
    end as at
  ) d
  where o.id = mirror_due_at.organization_id and o.is_active and s.paused_at is null;
end;
comment on function app_private.mirror_due_at(integer) is
  'By when, after its last success, the mirror of an organization is to be read again by its schedule: its interval or the next time of its cron expression, not in quiet hours. Null for one that is paused, switched off or not connected to a PEMS.';
