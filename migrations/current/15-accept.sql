-- The same as before, but that it says whose mirror changed.

create or replace function app_private.accept_spared_removals(organization_id integer, run_id bigint, user_id integer) returns app_public.pfa_sync_log
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := accept_spared_removals.organization_id;
  p_run_id constant bigint := accept_spared_removals.run_id;
  p_user_id constant integer := accept_spared_removals.user_id;
  run app_public.pfa_sync_log;
  removed text[];
begin
  -- A run that merges at this moment may have seen them again.
  select l.* into run from app_public.pfa_sync_log l
  where l.organization_id = p_organization_id and l.id = p_run_id for update;
  -- After the row of the run, as a merge does it: the other way round the two could wait for each other.
  perform pg_advisory_xact_lock(hashtext('pfa_mirror removals'), p_organization_id);
  if run.id is null then
    raise exception 'There is no run % of organization %.', p_run_id, p_organization_id
      using errcode = 'VG404', hint = 'The runs of an organization are its syncLogs.';
  end if;
  if run.rows_spared = 0 then
    raise exception 'Run % spared no removals.', p_run_id
      using errcode = 'VG400', hint = 'Give a run whose rowsSpared is above 0.';
  end if;

  -- Those that this run spared and every full run since has missed again; what was seen meanwhile is on the list no longer.
  select app_private.remove_records(p_organization_id, array_agg(c.pfa_id), p_user_id) into removed
  from app_public.pfa_removal_candidate c
  where c.organization_id = p_organization_id and c.spared_by_run <= p_run_id;
  perform app_private.follow_mirror(p_organization_id, removed);

  update app_public.pfa_sync_log l
  set rows_removed = l.rows_removed + coalesce(cardinality(removed), 0),
    removals_accepted_at = coalesce(l.removals_accepted_at, clock_timestamp()),
    removals_accepted_by = case when l.removals_accepted_at is null then p_user_id else l.removals_accepted_by end
  where l.organization_id = p_organization_id and l.id = p_run_id
  returning l.* into run;
  if removed is not null then
    perform app_private.queue_refresh(p_organization_id);
  end if;
  return run;
end;
$$;
