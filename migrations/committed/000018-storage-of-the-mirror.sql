--! Previous: sha1:f3edc6c50bec3e21e577d1e497968de58c104dbc
--! Hash: sha1:e0cab0723de92af14926fdfef892558c02aa5dcb
--! Message: storage of the mirror

--! split: 40-storage.sql
-- What the mirror takes on disk, by figures: docs/performance.md, Storage.

-- What waits for this index stays behind as empty pages of it, which only the next list takes. An ordinary organization fills 4 MB; a
-- first run of 200,000 records, which would fill 39, works some of it off itself, and has less to do afterwards.
alter index app_core.pfa_mirror_values_idx set (gin_pending_list_limit = 16384);

-- By default a fifth of all organizations' records has to be outdated before their space is used again: 300 MB of a million.
-- To vacuum after 24,000 takes 0.4 s.
alter table app_core.pfa_mirror set (autovacuum_vacuum_scale_factor = 0.02);
