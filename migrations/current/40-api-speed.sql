-- Speed of what the API does at a million records: see docs/performance.md.

-- Parallel workers would take every core from those who read meanwhile, and hardly save time: the work is walking through the rows.
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
