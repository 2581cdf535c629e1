-- What the mirror takes on disk, by figures: docs/performance.md, Storage.

-- Days are shared by many records. Without the id each is held once with a list of its records: 9 bytes a record instead of 53.
-- A page in the order of days sorts the records of one day by id as it goes (Incremental Sort above the merge of the layers).
-- Costs stay as they are: many records cost nothing, and a page of those would sort them all.
drop index if exists app_core.pfa_mirror_forecast_start_idx, app_core.pfa_mirror_forecast_end_idx;
-- use: lists sorted by first day, windows of the timeline
create index pfa_mirror_forecast_start_idx on app_core.pfa_mirror (organization_id, forecast_start);
-- use: lists sorted by last day
create index pfa_mirror_forecast_end_idx on app_core.pfa_mirror (organization_id, forecast_end);

-- The list of what waits for the index stays behind as empty pages of it. 200,000 new records fill 39 MB, so a run need not work it off.
alter index app_core.pfa_mirror_values_idx set (gin_pending_list_limit = 49152);

-- By default a fifth of all organizations' records has to be outdated before their space is used again: 300 MB of a million.
-- To vacuum after 24,000 takes 0.4 s.
alter table app_core.pfa_mirror set (autovacuum_vacuum_scale_factor = 0.02);
