--! Previous: sha1:7a548e043568d1c77f400f268c7885cc2f02ce22
--! Hash: sha1:5b1d947ea3e05dbde5fb53762a863f65e68d89e0
--! Message: read reference lists after syncs

--! split: 1-current.sql
-- Reads of reference lists come after syncs and write-back.
--! Included app_private/functions/queue_reference_runs.sql
create or replace function app_private.queue_reference_runs(organization_id integer, trigger text,
  requested_by integer) returns setof app_public.reference_runs
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := queue_reference_runs.organization_id;
begin
  insert into app_public.reference_runs as r (organization_id, list, trigger, requested_by, api_configuration_id)
  select p_organization_id, d.list, queue_reference_runs.trigger, queue_reference_runs.requested_by, c.id
  from app_private.reference_sources d
  cross join lateral (
    select app_private.reference_connection(p_organization_id, case
      when d.list in ('category', 'class') then 'classifications'
      when d.list = 'organization' then 'organizations'
      else 'asset_master'
    end) as id
  ) c
  left join app_private.reference_sources o on o.api_configuration_id = c.id and o.list = d.list
  where d.api_configuration_id is null and c.id is not null and (o.id is null or o.path is not null)
    -- Organizations that share a connection share one list of organizations.
    and (d.list <> 'organization' or queue_reference_runs.trigger <> 'schedule' or not exists (
      select from app_public.reference_runs l
      where l.list = 'organization' and l.api_configuration_id = c.id
        and l.requested_at > clock_timestamp() - (select s.every from app_private.reference_setting(c.id) s)))
  order by d.id
  on conflict (organization_id, list) where state = 'queued' do update
    set trigger = case when r.trigger = 'schedule' then excluded.trigger else r.trigger end,
      requested_by = case when r.trigger = 'schedule' then excluded.requested_by else r.requested_by end,
      requested_at = clock_timestamp();
  if exists (select from app_public.reference_runs r
    where r.organization_id = p_organization_id and r.state = 'queued') then
    perform graphile_worker.add_job(
      'pfa__read_lists',
      json_build_object('organizationId', p_organization_id),
      queue_name => 'lists:' || p_organization_id,
      job_key => 'lists:' || p_organization_id,
      job_key_mode => 'preserve_run_at',
      -- After syncs and write-back, which users wait for.
      priority => 10,
      max_attempts => 25);
  end if;
  return query select r.* from app_public.reference_runs r
    where r.organization_id = p_organization_id and r.state = 'queued' order by r.id;
end;
$$;
comment on function app_private.queue_reference_runs(integer, text, integer) is
  'Queues a read of each reference list of an organization in the same transaction, and returns the runs. Joins '
  'waiting runs.';
--! EndIncluded app_private/functions/queue_reference_runs.sql
