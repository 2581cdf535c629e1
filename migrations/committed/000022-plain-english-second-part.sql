--! Previous: sha1:3587d3a7e95ba21d63e0ac60c9bdca8c02eda095
--! Hash: sha1:7a548e043568d1c77f400f268c7885cc2f02ce22
--! Message: plain English second part

--! split: 1-current.sql
-- Comments in plain English, second part.
--! Included app_private/functions/accept_reference_removals.sql
create or replace function app_private.accept_reference_removals(organization_id integer, list text, user_id integer)
  returns app_public.reference_runs
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := accept_reference_removals.organization_id;
  p_list constant text := accept_reference_removals.list;
  run app_public.reference_runs;
  removed integer;
begin
  perform pg_advisory_xact_lock(hashtext('reference ' || p_list), p_organization_id);
  select r.* into run from app_public.reference_runs r
  where r.organization_id = p_organization_id and r.list = p_list and r.state = 'succeeded'
  order by r.id desc limit 1;
  if run.id is null or run.rows_withheld = 0 then
    raise exception 'No removals of the list % wait to be accepted.', quote_literal(coalesce(p_list, ''))
      using errcode = 'VG404', hint = 'The notice of a reference list tells when some do.';
  end if;
  if run.accepted_at is not null then
    return run;
  end if;
  delete from app_public.reference_entries e
  where e.organization_id = p_organization_id and e.list = p_list and e.missed_reads > 1;
  get diagnostics removed = row_count;
  update app_public.reference_runs r
  set rows_removed = r.rows_removed + removed, notice = null, accepted_at = clock_timestamp(),
    accepted_by = accept_reference_removals.user_id
  where r.organization_id = p_organization_id and r.id = run.id
  returning r.* into run;
  return run;
end;
$$;
comment on function app_private.accept_reference_removals(integer, text, integer) is
  'Removes the entries of a list that the last read withheld, and records who accepted the removal. A second call '
  'changes nothing. Raises VG404 if no removals are withheld.';
--! EndIncluded app_private/functions/accept_reference_removals.sql
--! Included app_private/functions/begin_reference_run.sql
create or replace function app_private.begin_reference_run(organization_id integer)
  returns table (id bigint, list text, entity_type text, organization text, path text, fields jsonb)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := begin_reference_run.organization_id;
  run app_public.reference_runs;
begin
  -- A run in the state "running" belongs to a worker that has stopped, because the queue gives an organization to one
  -- worker at a time. It is repeated once. After a second lost worker, the list waits for the schedule or for a
  -- request.
  with lost as (
    update app_public.reference_runs r
    set state = 'failed', finished_at = clock_timestamp(), error_code = 'WORKER_LOST',
      error_message = 'The worker that did this run stopped before its end.',
      error_hint = 'Nothing to do: the list is read again.'
    where r.organization_id = p_organization_id and r.state = 'running'
    returning r.id, r.list, r.trigger, r.requested_by, r.api_configuration_id
  )
  insert into app_public.reference_runs (organization_id, list, trigger, requested_by, api_configuration_id)
  select p_organization_id, l.list, l.trigger, l.requested_by, l.api_configuration_id
  from lost l
  where (
    select p.error_code from app_public.reference_runs p
    where p.organization_id = p_organization_id and p.list = l.list and p.id < l.id order by p.id desc limit 1
  ) is distinct from 'WORKER_LOST'
  on conflict (organization_id, list) where state = 'queued' do nothing;

  update app_public.reference_runs r set state = 'running', started_at = clock_timestamp()
  where r.organization_id = p_organization_id and r.id = (
    select min(q.id) from app_public.reference_runs q
    where q.organization_id = p_organization_id and q.state = 'queued')
  returning r.* into run;
  delete from app_private.reference_staging s where s.organization_id = p_organization_id;
  if run.id is null then
    return;
  end if;
  return query
    select run.id, run.list,
      case when run.list in ('category', 'class') then 'classifications' when run.list = 'organization' then
        'organizations' else 'asset_master' end,
      o.code, coalesce(own.path, d.path), coalesce(own.fields, d.fields)
    from app_public.organizations o
    join app_private.reference_sources d on d.api_configuration_id is null and d.list = run.list
    left join app_private.reference_sources own
      on own.api_configuration_id = run.api_configuration_id and own.list = run.list
    where o.id = p_organization_id;
end;
$$;
comment on function app_private.begin_reference_run(integer) is
  'Starts the next queued read of a reference list of an organization, and returns its settings; no row if none is '
  'queued. Queues a list again, once, if its worker died.';
grant execute on function app_private.begin_reference_run(integer) to vanguard_worker;
--! EndIncluded app_private/functions/begin_reference_run.sql
--! Included app_private/functions/begin_sync_run.sql
create or replace function app_private.begin_sync_run(organization_id integer, run_id bigint,
  worker_id text default null) returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := begin_sync_run.organization_id;
  run app_public.pfa_sync_log;
  plan record;
  lost integer;
begin
  select l.* into run from app_public.pfa_sync_log l
  where l.organization_id = p_organization_id and l.id = begin_sync_run.run_id for update;
  -- The statement of a killed worker may arrive only now, after another worker got its job.
  if worker_id is not null and not exists (select from app_private.worker_processes w
    where w.pool_id = begin_sync_run.worker_id) then
    return null;
  end if;
  if run.state is null or run.state in ('succeeded', 'withheld') then
    return null;
  end if;
  -- The run waited into quiet hours or a pause; the schedule queues it again.
  if run.trigger = 'schedule' and exists (
    select from app_private.pfa_sync_schedule s
    where s.organization_id = p_organization_id
      and (s.paused_at is not null or app_private.quiet_until(clock_timestamp(), s.quiet_from, s.quiet_to,
        s.time_zone) is not null))
  then
    return null;
  end if;

  -- A run in the state "running" belongs to a worker that has stopped, because the queue gives an organization to one
  -- worker at a time.
  update app_public.pfa_sync_log l
  set state = 'failed', finished_at = clock_timestamp(), error_code = 'WORKER_LOST',
    error_message = 'The worker that did this run stopped before its end.',
    error_hint = 'Nothing to do: the run is repeated.'
  where l.organization_id = p_organization_id and l.state = 'running';
  lost := app_private.lost_runs(p_organization_id);
  -- The PEMS of this organization may be what ends workers, so runs of other organizations must not suffer from it.
  if lost >= 2 and not (run.state = 'queued' and run.trigger in ('user', 'command')) then
    if run.state <> 'queued' then
      insert into app_public.pfa_sync_log (organization_id, trigger, requested_by, asked_kind, requested_at, state,
        finished_at, error_code)
      values (run.organization_id, run.trigger, run.requested_by, run.asked_kind, run.requested_at, 'failed',
        clock_timestamp(), 'SYNC_KILLED_WORKER')
      returning * into run;
    end if;
    update app_public.pfa_sync_log l
    set state = 'failed', finished_at = clock_timestamp(), error_code = 'SYNC_KILLED_WORKER',
      error_message = format('The workers of the last %s runs ended with them. No further run is begun by itself.',
        lost),
      error_hint = (
        select format('See why they ended, by memory for instance. Then an owner or admin starts a run (requestSync, '
          'or `npx vanguard sync trigger %s`).', o.code)
        from app_public.organizations o where o.id = p_organization_id)
    where l.organization_id = p_organization_id and l.id = run.id;
    return null;
  end if;
  -- One at a time, so that the next lost worker identifies the run that ended it.
  if lost > 0 then
    perform pg_advisory_xact_lock(hashtext('pfa_sync suspects'));
    if exists (
      select from app_public.pfa_sync_log l
      join app_private.worker_processes w on w.pool_id = l.worker_id
      where l.state = 'running' and l.organization_id <> p_organization_id
        and app_private.lost_runs(l.organization_id) > 0)
    then
      perform graphile_worker.add_job(
        'pfa__sync',
        json_build_object('organizationId', run.organization_id, 'runId', run.id),
        queue_name => 'sync:' || run.organization_id,
        job_key => 'sync:' || run.organization_id || ':' || run.id,
        run_at => clock_timestamp() + interval '1 second',
        max_attempts => 25);
      return null;
    end if;
  end if;
  delete from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id > 0;

  -- For runs from before columns were recorded: a column existed if the mirror has a value that only it can have
  -- brought.
  if not exists (select from app_public.pfa_column c where c.organization_id = p_organization_id) then
    insert into app_public.pfa_column (organization_id, alias, keys, first_seen_at, last_seen_at, is_guessed)
    select distinct on (lower(f.grid_aliases[1])) p_organization_id, lower(f.grid_aliases[1]), array[f.key],
      done.at, done.at, true
    from app_private.field_mapping(p_organization_id) f
    cross join (
      select coalesce(max(l.finished_at), clock_timestamp()) as at from app_public.pfa_sync_log l
      where l.organization_id = p_organization_id and l.state = 'succeeded'
    ) done
    where cardinality(f.grid_aliases) = 1 and exists (
      select from app_core.pfa_mirror m where m.organization_id = p_organization_id and m.data ? f.key);
  end if;

  -- Decided now, because another run may have ended since the request.
  select p.kind, p.changed_since, app_private.sync_source(p_organization_id) as source into plan
  from app_private.plan_sync(p_organization_id, run.asked_kind) p;
  if run.state = 'queued' then
    update app_public.pfa_sync_log l
    set state = 'running', started_at = clock_timestamp(), worker_id = begin_sync_run.worker_id,
      kind = plan.kind, changed_since = plan.changed_since, source = plan.source
    where l.organization_id = p_organization_id and l.id = begin_sync_run.run_id
    returning l.* into run;
  else
    insert into app_public.pfa_sync_log (organization_id, trigger, requested_by, asked_kind, state, requested_at,
      started_at, worker_id, kind, changed_since, source)
      values (run.organization_id, run.trigger, run.requested_by, run.asked_kind, 'running', run.requested_at,
        clock_timestamp(),
        begin_sync_run.worker_id, plan.kind, plan.changed_since, plan.source)
    returning * into run;
  end if;
  return run;
end;
$$;
comment on function app_private.begin_sync_run(integer, bigint, text) is
  'Starts a queued run, full or incremental as is due now, and returns it. Repeats a run whose worker died, under a '
  'new token. Null if no run is queued, or if quiet hours or a pause delay it. After two runs in a row that ended '
  'with their worker, a third one waits for a request. worker_id: the registered pool of the caller.';
grant execute on function app_private.begin_sync_run(integer, bigint, text) to vanguard_worker;
--! EndIncluded app_private/functions/begin_sync_run.sql
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
  -- The lock keeps push from starting these while the commit takes their keys.
  perform from app_core.pfa_modification m
  where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.state in ('committed', 'syncing')
  order by m.id for update;

  with judged as materialized (
    select j.* from app_private.judged_drafts(p_organization_id, p_pfa_ids) j where j.user_id = me
  ),
  -- A record has at most one unsettled value for each key.
  unsettled as materialized (
    select m.id, m.pfa_id, k.key, m.base->k.key as push_base, m.state
    from app_core.pfa_modification m cross join jsonb_object_keys(m.delta) k (key)
    where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.state in ('committed', 'syncing')
  ),
  -- Looks entries up only if the check mode is `refuse`.
  unlisted as materialized (
    select u.record_id, u.key, u.problem
    from app_private.judge_values(p_organization_id, (
      select jsonb_agg(jsonb_build_object('recordId', j.pfa_id, 'key', j.key, 'value', j.mine,
        'category', v.data->'category', 'manufacturer', v.data->'manufacturer'))
      from judged j
      join app_private.merged_for(p_organization_id, me, p_pfa_ids) v on v.pfa_id = j.pfa_id
      where app_private.reference_check(p_organization_id) = 'refuse' and not j.is_settled
        and j.key in ('category', 'class', 'manufacturer', 'model', 'equipment'))) u
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
    left join unlisted n on n.record_id = j.pfa_id and n.key = j.key
    cross join lateral (
      select coalesce(app_private.key_problem(f, p.screen_field, v.data, j.mine), n.problem) as problem
    ) w
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
  -- A later commit takes over the key with its base.
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
  'Commits the signed-in user''s drafts of these records. Compares each key with the current underlying value again, '
  'and returns the keys that stay in the draft, with the reason. The commit is pending for all users at once. It '
  'rebases drafts of other users and queues its push.';
--! EndIncluded app_private/functions/commit_records.sql
--! Included app_private/functions/compare_staged_changes.sql
create or replace function app_private.compare_staged_changes(
  organization_id integer, run_id bigint, out added text[], out changed text[], out restamped text[]
)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
  -- Like compare_staged, but looks up single records, because they are few.
  set enable_mergejoin = off
  set enable_hashjoin = off
  set enable_seqscan = off
  set jit = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := compare_staged_changes.organization_id;
  p_run_id constant bigint := compare_staged_changes.run_id;
begin
  select
    array_agg(s.pfa_id) filter (where m.pfa_id is null),
    array_agg(s.pfa_id) filter (where s.requested_at > m.observed_at
      and (m.removed_at is not null or m.data <> s.data)),
    array_agg(s.pfa_id) filter (where s.requested_at > m.observed_at and (m.version, m.version_by) is distinct
      from (s.version, s.version_by))
  into added, changed, restamped
  from app_private.pfa_staging s
  left join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
  where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null;
end;
$$;
comment on function app_private.compare_staged_changes(integer, bigint) is
  'Compares the rows of an incremental run with the mirror, with the result of compare_staged. No record is missing, '
  'because the run does not read all of them.';
--! EndIncluded app_private/functions/compare_staged_changes.sql
--! Included app_private/functions/decide_organization_proposal.sql
create or replace function app_private.decide_organization_proposal(code text, is_accepted boolean, user_id integer)
  returns app_public.organization_proposals
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_code constant text := decide_organization_proposal.code;
  proposal app_public.organization_proposals;
begin
  select p.* into proposal from app_public.organization_proposals p where p.code = p_code for update;
  if proposal.code is null then
    raise exception 'PEMS proposes no organization %.', quote_literal(coalesce(p_code, ''))
      using errcode = 'VG404', hint = 'List the proposals first; codes are case-sensitive.';
  end if;
  if proposal.state = 'accepted' then
    raise exception 'The organization % was accepted before.', p_code
      using errcode = 'VG409', hint = 'It is one of the organizations already.';
  end if;
  if decide_organization_proposal.is_accepted then
    begin
      insert into app_public.organizations (code, name) values (proposal.code, proposal.name);
    exception
      when unique_violation then
        raise exception 'There is an organization % already.', p_code
          using errcode = 'VG409', hint = 'Dismiss the proposal.';
      when check_violation then
        raise exception 'The code % cannot be that of an organization here.', quote_literal(p_code)
          using errcode = 'VG422', hint = 'Give the organization another code in PEMS, or dismiss the proposal.';
    end;
  end if;
  update app_public.organization_proposals p
  set state = case when decide_organization_proposal.is_accepted then 'accepted' else 'dismissed' end,
    decided_at = clock_timestamp(), decided_by = decide_organization_proposal.user_id
  where p.code = p_code
  returning p.* into proposal;
  return proposal;
end;
$$;
comment on function app_private.decide_organization_proposal(text, boolean, integer) is
  'Accepts a proposed organization, which adds it with its code and name, or dismisses it. A dismissed one can still '
  'be accepted. Raises VG404, VG409 or VG422 with the reason.';
--! EndIncluded app_private/functions/decide_organization_proposal.sql
--! Included app_private/functions/delete_drift_checks.sql
create or replace function app_private.delete_drift_checks(keep interval, batch integer) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with old as materialized (
    select c.organization_id, c.id from app_public.pfa_drift_check c
    where c.finished_at < clock_timestamp() - greatest(keep, '1 day') order by c.finished_at limit batch
  ),
  deleted as (
    delete from app_public.pfa_drift_check d using old
    where d.organization_id = old.organization_id and d.id = old.id
    returning 1
  )
  select count(*)::integer from deleted;
end;
comment on function app_private.delete_drift_checks(interval, integer) is
  'Deletes at most one batch of comparisons that ended before the limit, with their differences. Returns their number.';
grant execute on function app_private.delete_drift_checks(interval, integer) to vanguard_worker;
--! EndIncluded app_private/functions/delete_drift_checks.sql
--! Included app_private/functions/dispatch_due_reference_reads.sql
create or replace function app_private.dispatch_due_reference_reads() returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- Materialized, because the planner may otherwise queue a read before it checks whether the organization is due.
  with due as materialized (
    select o.id from app_public.organizations o
    where app_private.next_reference_read_at(o.id) <= clock_timestamp()
  )
  select count(q.id)::integer
  from due d
  cross join lateral app_private.queue_reference_runs(d.id, 'schedule', null) q;
end;
comment on function app_private.dispatch_due_reference_reads() is
  'Queues reads of the reference lists of every organization that is due (next_reference_read_at). Returns the number '
  'of lists.';
grant execute on function app_private.dispatch_due_reference_reads() to vanguard_worker;
--! EndIncluded app_private/functions/dispatch_due_reference_reads.sql
--! Included app_private/functions/end_session.sql
create or replace function app_private.end_session(token_hash bytea, everywhere boolean) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with ended as (
    update app_private.sessions s set ended_at = clock_timestamp()
    from app_private.refresh_tokens t
    join app_private.sessions mine on mine.id = t.session_id
    where t.token_hash = end_session.token_hash and t.expires_at > clock_timestamp() and mine.ended_at is null
      and s.ended_at is null and (s.id = mine.id or end_session.everywhere and s.user_id = mine.user_id)
    returning 1
  )
  select count(*)::integer from ended;
end;
comment on function app_private.end_session(bytea, boolean) is
  'Ends the session of a refresh token, or with `everywhere` all sessions of its user. Returns their number; 0 means '
  'that the session has ended already.';
grant execute on function app_private.end_session(bytea, boolean) to vanguard_authenticator;
--! EndIncluded app_private/functions/end_session.sql
--! Included app_private/functions/enter_reads.sql
create or replace function app_private.enter_reads(organization_id integer, reads jsonb) returns text[]
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := enter_reads.organization_id;
  -- A key that earlier runs did not read has no history.
  new_keys constant text[] := app_private.new_keys(p_organization_id);
  changed text[];
begin
  with read as materialized (
    select m.pfa_id, m.data as old_data, m.removed_at as old_removed_at, m.source, m.is_actualized, m.is_discontinued,
      m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents,
      jsonb_strip_nulls(case when (r->>'isWhole')::boolean then r->'data' else m.data || (r->'data') end) as data,
      coalesce((r->>'version')::timestamp, m.version) as version, coalesce(r->>'versionBy', m.version_by) as version_by,
      app_private.at_microseconds(r->>'receivedAt') as received_at, coalesce(r->'ours', '{}') as ours
    from jsonb_array_elements(enter_reads.reads) r
    join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = r->>'pfaId'
    -- The mirror's content came with a later response.
    where app_private.at_microseconds(r->>'requestedAt') > m.observed_at
  ),
  differing as materialized (
    select * from read r where r.data <> r.old_data or r.old_removed_at is not null
  ),
  updated as (
    update app_core.pfa_mirror m
    set data = d.data, version = d.version, version_by = d.version_by, observed_at = d.received_at, removed_at = null,
      revision = nextval('app_core.revision_seq')
    from differing d
    where m.organization_id = p_organization_id and m.pfa_id = d.pfa_id
    returning m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents,
      m.actual_cost_cents
  ),
  observed as (
    update app_core.pfa_mirror m
    set version = r.version, version_by = r.version_by, observed_at = r.received_at
    from read r
    where m.organization_id = p_organization_id and m.pfa_id = r.pfa_id
      and r.pfa_id not in (select d.pfa_id from differing d)
  ),
  seen_again as (
    delete from app_public.pfa_removal_candidate c using read r
    where c.organization_id = p_organization_id and c.pfa_id = r.pfa_id
  ),
  logged as (
    -- Push reports the values that the product wrote.
    insert into app_core.pfa_change (organization_id, pfa_id, route, event, changes)
    select p_organization_id, d.pfa_id, 'sync', case when d.old_removed_at is null then 'update' else 'restore' end,
      c.changes
    from differing d
    cross join lateral (
      select coalesce(jsonb_object_agg(k.key, k.value), '{}') as changes
      from jsonb_each(app_core.changed_keys(d.old_data, d.data)) k
      where d.ours->k.key is distinct from app_core.normalized(k.value->'to') and k.key <> all (new_keys)
    ) c
    where c.changes <> '{}' or d.old_removed_at is not null
  ),
  summed as (
    insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count, discontinued_count,
      plan_cost_cents, forecast_cost_cents, actual_cost_cents)
    select p_organization_id, coalesce(r.source, ''),
      sum(r.sign * (not r.is_discontinued)::integer),
      sum(r.sign * (not r.is_discontinued and r.is_actualized)::integer),
      sum(r.sign * r.is_discontinued::integer),
      sum(case when r.is_discontinued then 0 else r.sign * r.plan_cost_cents end),
      sum(case when r.is_discontinued then 0 else r.sign * r.forecast_cost_cents end),
      sum(case when r.is_discontinued then 0 else r.sign * r.actual_cost_cents end)
    from (
      select 1 as sign, u.* from updated u
      union all
      select -1, d.source, d.is_actualized, d.is_discontinued, d.plan_cost_cents, d.forecast_cost_cents,
        d.actual_cost_cents
      from differing d where d.old_removed_at is null
    ) r
    group by 2
  )
  select array_agg(d.pfa_id) into changed from differing d;
  if changed is not null then
    perform app_private.queue_refresh(p_organization_id);
  end if;
  return changed;
end;
$$;
comment on function app_private.enter_reads(integer, jsonb) is
  'Stores reads of records in the mirror, unless it has newer content, and returns the changed records: `[{"pfaId", '
  '"data", "isWhole", "version", "versionBy", "requestedAt", "receivedAt", "ours"}]`. If isWhole is false, keys that '
  'the data lacks keep their value; null empties a key. `ours`: keys and values that the product wrote, which are not '
  'reported as changes. Call it under lock_records. The caller rebases drafts and rewrites the overlay.';
--! EndIncluded app_private/functions/enter_reads.sql
--! Included app_private/functions/fail_reference_run.sql
create or replace function app_private.fail_reference_run(organization_id integer, run_id bigint, code text,
  message text, hint text) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  delete from app_private.reference_staging s
  where s.organization_id = fail_reference_run.organization_id and s.run_id = fail_reference_run.run_id;
  update app_public.reference_runs r
  set state = 'failed', finished_at = clock_timestamp(), error_code = fail_reference_run.code,
    error_message = fail_reference_run.message, error_hint = fail_reference_run.hint
  where r.organization_id = fail_reference_run.organization_id and r.id = fail_reference_run.run_id
    and r.state = 'running';
end;
comment on function app_private.fail_reference_run(integer, bigint, text, text, text) is
  'Ends a failed read of a reference list. The entries do not change.';
grant execute on function app_private.fail_reference_run(integer, bigint, text, text, text) to vanguard_worker;
--! EndIncluded app_private/functions/fail_reference_run.sql
--! Included app_private/functions/fail_sync_run.sql
create or replace function app_private.fail_sync_run(organization_id integer, run_id bigint, code text, message text,
  hint text) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select app_private.clear_staging(fail_sync_run.organization_id, fail_sync_run.run_id);
  update app_public.pfa_sync_log l
  set state = 'failed', finished_at = clock_timestamp(),
    error_code = fail_sync_run.code, error_message = fail_sync_run.message, error_hint = fail_sync_run.hint
  where l.organization_id = fail_sync_run.organization_id and l.id = fail_sync_run.run_id
    and l.state in ('queued', 'running');
end;
comment on function app_private.fail_sync_run(integer, bigint, text, text, text) is
  'Ends a failed run. The mirror stays unchanged.';
grant execute on function app_private.fail_sync_run(integer, bigint, text, text, text) to vanguard_worker;
--! EndIncluded app_private/functions/fail_sync_run.sql
--! Included app_private/functions/field_choices.sql
create or replace function app_private.field_choices(organization_id integer)
  returns table (key text, value text, spelling text, notation smallint, rank bigint)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with configured as materialized (
    select c.key, c.value, c.spelling, c.notation, c.organization_id is not null as is_own
    from app_private.pfa_field_choices c
    where c.notation is not null
      and (c.organization_id = field_choices.organization_id
        or c.organization_id is null and not exists (
          select from app_private.pfa_field_choices o
          where o.organization_id = field_choices.organization_id and o.notation is not null and o.key = c.key
            and upper(o.spelling) = upper(c.spelling)))
  ),
  -- Ignores a learned spelling that the configuration now maps to another value.
  read as materialized (
    select c.key, c.value, c.spelling, c.rows_read, c.last_read_at
    from app_private.pfa_field_choices c
    where c.organization_id = field_choices.organization_id and c.notation is null
      and not exists (select from configured d where d.key = c.key and d.spelling = c.spelling and d.value <> c.value)
  ),
  known as materialized (
    select c.key, c.value, c.spelling, c.notation, c.is_own, r.last_read_at, r.rows_read
    from configured c
    left join read r on r.key = c.key and r.spelling = c.spelling
    union all
    select r.key, r.value, r.spelling, null, false, r.last_read_at, r.rows_read
    from read r where not exists (select from configured c where c.key = r.key and c.spelling = r.spelling)
  ),
  rated as (
    select k.*, max(k.last_read_at) over notation as notation_read_at, sum(k.rows_read) over notation as notation_rows
    from known k
    join app_public.pfa_fields f on f.key = k.key
    where k.value = any (case f.kind when 'flag' then '{true,false}' else f.allowed_values end)
    window notation as (partition by k.key, k.notation, k.is_own)
  )
  select r.key, r.value, r.spelling, r.notation,
    row_number() over (partition by r.key order by r.is_own desc, r.rows_read desc nulls last,
      r.last_read_at desc nulls last, r.notation_rows desc nulls last, r.notation_read_at desc nulls last,
      r.notation nulls last, r.spelling)
  from rated r;
end;
comment on function app_private.field_choices(integer) is
  'Spellings in PEMS of the values of choice fields, for an organization. Its own entries hide those for all. Rank: '
  'the order of preference for writing a value if the record in PEMS shows no spelling. The organization''s own '
  'spelling comes first, then that of its last full run, then the notation of that run, then the first notation.';
grant execute on function app_private.field_choices(integer) to vanguard_worker;
--! EndIncluded app_private/functions/field_choices.sql
--! Included app_private/functions/forget_events.sql
create or replace function app_private.forget_events(keep interval, batch integer) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  next_xid constant xid8 := pg_snapshot_xmax(pg_current_snapshot());
  forgotten integer;
begin
  if keep < interval '1 hour' or batch < 1 then
    raise exception 'The limit is below one hour, or the batch is empty.'
      using errcode = 'VG400', hint = 'Set the limit to one hour or more, and the batch to one row or more.';
  end if;
  -- Keeps the newest event of each organization, because clients that have seen it have missed nothing.
  with old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select e.organization_id, e.id from app_core.pfa_event e
      where e.organization_id = o.id
        and (e.xid > next_xid or e.happened_at < clock_timestamp() - keep
          and e.id < (select n.id from app_core.pfa_event n where n.organization_id = o.id
            order by n.organization_id desc, n.id desc limit 1))
      order by e.id limit batch
    ) r
    limit batch
  ),
  deleted as (
    delete from app_core.pfa_event d using old
    where d.organization_id = old.organization_id and d.id = old.id
    returning d.organization_id, d.id, d.xid
  ),
  noted as (
    insert into app_core.pfa_event_forgotten as f (organization_id, revision, xid)
    select d.organization_id, max(d.id), case when bool_or(d.xid > next_xid) then next_xid else max(d.xid) end
    from deleted d group by d.organization_id
    on conflict on constraint pfa_event_forgotten_pkey do update
      set revision = greatest(f.revision, excluded.revision), xid = greatest(f.xid, excluded.xid)
  )
  select count(*) into forgotten from deleted;
  return forgotten;
end;
$$;
comment on function app_private.forget_events(interval, integer) is
  'Deletes at most one batch of events that are older than the limit or came with a copy of another cluster''s '
  'database. Returns their number. Call it again while the number equals the batch.';
grant execute on function app_private.forget_events(interval, integer) to vanguard_worker;
--! EndIncluded app_private/functions/forget_events.sql
--! Included app_private/functions/judge_run.sql
create or replace function app_private.judge_run(
  organization_id integer, run_id bigint, added text[], changed text[], missing text[], rows_read integer,
  is_first boolean, has_rejects boolean, new_keys text[], out reasons jsonb, out preview jsonb,
  out rejected_fields jsonb
)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set jit = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := judge_run.organization_id;
  p_run_id constant bigint := judge_run.run_id;
  p_changed constant text[] := judge_run.changed;
  limits constant app_public.organization_limits := app_private.limits_of(p_organization_id);
  live bigint;
  refused bigint := 0;
  partly bigint := 0;
  twins bigint := 0;
  columns jsonb := '[]';
  held jsonb := '{}';
begin
  reasons := '[]';
  rejected_fields := '[]';
  if has_rejects then
    select count(*) filter (where s.reason is not null), count(*) filter (where s.reason = 'twin'),
      count(*) filter (where s.reason is null and s.problems is not null)
    into refused, twins, partly
    from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id = p_run_id;
  end if;
  if partly > 0 then
    select coalesce(jsonb_agg(to_jsonb(f) order by f.key), '[]') into rejected_fields
    from (
      select p->>'key' as key, min(p->>'alias') as alias, count(*) as count,
        to_jsonb((array_agg(jsonb_build_object('recordId', s.pfa_id, 'value', left(p->>'value', 100))
          order by s.pfa_id))[1:3]) as samples
      from app_private.pfa_staging s
      cross join jsonb_array_elements(s.problems) p
      where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
        and s.problems is not null
      group by 1
    ) f;
  end if;

  -- A value that only another notation can parse proves that the setting is wrong, and that ambiguous values were
  -- misread.
  if refused + partly > 0 then
    reasons := reasons || coalesce((
      select jsonb_agg(jsonb_build_object(
          'code', case when w.proves = 'decimal-comma' then 'SYNC_NUMBER_FORMAT' else 'SYNC_DATE_ORDER' end,
          'key', w.key, 'count', w.times, 'of', judge_run.rows_read, 'samples', w.samples,
          'message', format('%s holds "%s", which is %s.', w.key, w.samples->0->>'value', case w.proves
            when 'day-first' then 'a date only with the day before the month; the connection says month first (MDY)'
            when 'month-first' then 'a date only with the month before the day; the connection says day first (DMY)'
            else 'a number only with a decimal comma; numbers are read with a decimal point' end))
        order by w.times desc, w.key)
      from (
        select p.value->>'key' as key, p.value->>'proves' as proves, count(*) as times,
          to_jsonb((array_agg(jsonb_build_object('recordId', s.pfa_id, 'value', left(p.value->>'value', 100))))[1:3])
            as samples
        from app_private.pfa_staging s
        cross join jsonb_array_elements(s.problems) p
        where s.organization_id = p_organization_id and s.run_id = p_run_id and coalesce(s.reason, 'value') = 'value'
          and s.problems is not null and p.value ? 'proves'
        group by 1, 2
      ) w), '[]');
  end if;
  if app_private.is_much(twins, judge_run.rows_read, limits.refused_percent, limits.least_records) then
    reasons := reasons || jsonb_build_array(jsonb_build_object('code', 'SYNC_TWIN_IDS', 'key', 'pfaId',
      'count', twins, 'of', judge_run.rows_read,
      'samples', (
        select jsonb_agg(t) from (
          select s.pfa_id as "recordId", s.problems->0->>'value' as value from app_private.pfa_staging s
          where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason = 'twin'
          order by s.pfa_id limit 3) t),
      'message', format('The ids of %s of %s rows differ from those of other records only by case, blanks, leading '
        'zeros or normal form.', twins, judge_run.rows_read)));
  end if;
  if app_private.is_much(refused - twins + partly, judge_run.rows_read, limits.refused_percent, limits.least_records)
  then
    reasons := reasons || (
      select jsonb_agg(jsonb_build_object('code', 'SYNC_ROWS_REFUSED', 'key', w.key, 'count', refused - twins + partly,
        'of', judge_run.rows_read, 'samples', w.samples,
        'message', format('%s of %s rows are refused%s, most of them because of %s.', refused - twins + partly,
          judge_run.rows_read, case when partly > 0 then ', whole or in part' else '' end,
          coalesce(w.key, w.reason))))
      from (
        select s.reason, case when coalesce(s.reason, 'value') = 'value' then s.problems->0->>'key' end as key,
          to_jsonb((array_agg(jsonb_build_object('recordId', s.pfa_id, 'value', left(s.problems->0->>'value', 100))))
            [1:3]) as samples
        from app_private.pfa_staging s
        where s.organization_id = p_organization_id and s.run_id = p_run_id
          and (s.reason <> 'twin' or s.reason is null and s.problems is not null)
        group by 1, 2 order by count(*) desc, 1, 2 limit 1
      ) w);
  elsif exists (select from jsonb_array_elements(rejected_fields) f where (f->>'count')::bigint >= 10) then
    -- Few rows, but all that have a value of the key.
    reasons := reasons || coalesce((
      select jsonb_agg(jsonb_build_object('code', 'SYNC_VALUES_REFUSED', 'key', f.key, 'count', f.count, 'of', h.held,
        'samples', f.samples,
        'message', format('%s of %s values of %s cannot be read.', f.count, h.held, f.key)) order by f.key)
      from jsonb_to_recordset(rejected_fields) f (key text, count bigint, samples jsonb)
      cross join lateral (
        -- The staged data may include the last good value of an unreadable key.
        select count(*) as held from app_private.pfa_staging s
        where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
          and (s.data ? f.key or s.problems @> jsonb_build_array(jsonb_build_object('key', f.key)))
      ) h
      where f.count >= 10
        and app_private.is_much(f.count, h.held, limits.refused_percent, limits.least_records)), '[]');
  end if;

  if cardinality(p_changed) > 2 or cardinality(missing) > 2 then
    select count(*) into live from app_core.pfa_mirror m where m.organization_id = p_organization_id
      and m.removed_at is null;
    -- All records came with other ids.
    if live > limits.least_records and cardinality(missing) > live * limits.removed_percent / 100.0
      and cardinality(added) * 2 > cardinality(missing) then
      reasons := reasons || jsonb_build_array(jsonb_build_object('code', 'SYNC_MANY_REPLACED', 'key', 'pfaId',
        'count', cardinality(missing), 'of', live,
        'samples', jsonb_build_array(jsonb_build_object('recordId', added[1], 'value', missing[1])),
        'message', format('%s of %s records are missing, and %s others came in their place.', cardinality(missing),
          live, cardinality(added))));
    end if;
  end if;
  if cardinality(p_changed) > 2 then
    with difference as materialized (
      select s.pfa_id, k.key, nullif(k.value->'from', 'null') as was, nullif(k.value->'to', 'null') as becomes
      from app_private.pfa_staging s
      join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
        and m.removed_at is null
      cross join jsonb_each(app_core.changed_keys(m.data, s.data)) k
      where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
        and s.pfa_id = any (p_changed) and k.key <> all (judge_run.new_keys)
    )
    select coalesce(jsonb_agg(to_jsonb(c) order by c.changed desc, c.key), '[]') into columns
    from (
      select d.key, count(*) as changed, count(*) filter (where d.becomes is null) as emptied,
        -- Day and month are exchanged.
        count(*) filter (where f.kind = 'date' and d.was <> d.becomes
          and d.becomes #>> '{}' = regexp_replace(d.was #>> '{}', '^(\d{4})-(\d\d)-(\d\d)$', '\1-\3-\2')) as swapped,
        to_jsonb((array_agg(jsonb_build_object('recordId', d.pfa_id, 'from', d.was, 'to', d.becomes)
          order by d.becomes is not null, d.pfa_id))[1:3]) as samples
      from difference d
      join app_private.field_mapping(p_organization_id) f on f.key = d.key
      group by d.key
    ) c;
    select coalesce(jsonb_object_agg(h.key, h.times), '{}') into held
    from (
      select c.value->>'key' as key, count(*) as times
      from jsonb_array_elements(columns) c
      cross join app_private.pfa_staging s
      join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
        and m.removed_at is null
      where (c.value->>'emptied')::bigint >= 10 and m.data->(c.value->>'key') <> 'null'
        and s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
      group by 1
    ) h;
    reasons := reasons || coalesce((
      select jsonb_agg(jsonb_build_object('code', r.code, 'key', c.key, 'count', r.count, 'of', r.of,
        'samples', c.samples, 'message', format(r.message, c.key, r.count, r.of)) order by r.code, c.key)
      from jsonb_to_recordset(columns) c (key text, changed bigint, emptied bigint, swapped bigint, samples jsonb)
      cross join lateral (
        select 'SYNC_COLUMN_EMPTIED' as code, c.emptied as count, (held->>c.key)::bigint as of,
          '%s is empty in %s of %s records that had a value.' as message
        where app_private.is_much(c.emptied, (held->>c.key)::bigint, limits.emptied_percent, limits.least_records)
        union all
        select 'SYNC_MANY_CHANGES', c.changed - c.emptied, live, '%s is another value in %s of %s records.'
        where c.changed - c.emptied > live * limits.changed_percent / 100.0 and live > limits.least_records
        union all
        select 'SYNC_DATE_ORDER', c.swapped, c.changed, '%s has day and month the other way round in %s of %s changes.'
        where c.swapped >= 3 and c.swapped * 2 > c.changed
      ) r), '[]');
  end if;
  if reasons <> '[]' then
    preview := jsonb_build_object('added', coalesce(cardinality(added), case when is_first then judge_run.rows_read
      - refused else 0 end), 'changed', coalesce(cardinality(p_changed), 0), 'rejected', refused,
      'missing', coalesce(cardinality(missing), 0), 'columns', (
        select coalesce(jsonb_agg(c.value - 'swapped' order by c.number), '[]')
        from jsonb_array_elements(columns) with ordinality c (value, number)));
  end if;
end;
$$;
comment on function app_private.judge_run(integer, bigint, text[], text[], text[], integer, boolean, boolean, text[])
  is
  'Returns the reasons to withhold a run, `[{"code", "key", "message", "count", "of", "samples"}]`, and the changes '
  'that it would make. Reasons are values in another notation, refused rows, twins of ids, replaced records, and '
  'emptied or changed values beyond the limits of the organization. Keys that are new to the organization are '
  'ignored. rejected_fields: unreadable values by key, `[{"key", "alias", "count", "samples"}]`. Call it after the '
  'refused rows are marked.';
--! EndIncluded app_private/functions/judge_run.sql
--! Included app_private/functions/judge_values.sql
create or replace function app_private.judge_values(organization_id integer, items jsonb)
  returns setof app_public.unlisted_value
  language sql stable strict
  set search_path = pg_catalog, pg_temp
begin atomic
  with item as materialized (
    select i."recordId" as record_id, i.key, i.value,
      nullif(case i.key when 'class' then i.category when 'model' then i.manufacturer end, '') as parent
    from jsonb_to_recordset(judge_values.items) i ("recordId" text, key text, value text, category text,
      manufacturer text)
    where i.value <> '' and i.key in ('category', 'class', 'manufacturer', 'model', 'equipment')
  ),
  -- A list without entries allows any value, because its contents are unknown.
  known as materialized (
    select e.list, count(*) as entries from app_public.reference_entries e
    where e.organization_id = judge_values.organization_id and e.list in (select i.key from item i)
      and not e.is_out_of_service
    group by e.list
  ),
  asked as materialized (
    select a.key, a.value, a.parent, k.entries, p.entries as of_parent
    from (select distinct i.key, i.value, i.parent from item i) a
    join known k on k.list = a.key
    -- A category without classes, and a manufacturer without models, allow any.
    cross join lateral (
      select count(*) as entries from app_public.reference_entries e
      where e.organization_id = judge_values.organization_id and e.list = a.key and e.parent = a.parent
        and not e.is_out_of_service
    ) p
  ),
  wrong as materialized (
    select a.*, row_number() over (order by a.key, a.value, a.parent) as number
    from asked a
    where not exists (
      select from app_public.reference_entries e
      where e.organization_id = judge_values.organization_id and e.list = a.key and e.code = a.value
        and not e.is_out_of_service and (a.of_parent = 0 or e.parent in ('', a.parent)))
  ),
  told as materialized (
    select w.key, w.value, w.parent, n.codes,
      format('is %s, which %s', to_json(w.value), case
        when w.of_parent > 0 then format('is not among the %s that PEMS lists for %s', w.of_parent, to_json(w.parent))
        else format('is not among the %s that PEMS lists', w.entries)
      end)
      || case when cardinality(n.codes) > 0 then format('; near it %s %s', case cardinality(n.codes) when 1 then 'is'
        else 'are' end, (select string_agg(to_json(c)::text, ', ' order by o)
          from unnest(n.codes) with ordinality u (c, o))) else '' end as problem
    from wrong w
    -- Limits the comparisons of one call. A user with more unlisted values corrects these first.
    cross join lateral (
      select case when w.number <= 20 then app_private.nearest_entries(judge_values.organization_id, w.key, w.value,
        case when w.of_parent > 0 then w.parent end) else '{}' end as codes
    ) n
  )
  select (i.record_id, i.key, i.value, t.problem, t.codes)::app_public.unlisted_value
  from item i
  join told t on t.key = i.key and t.value = i.value and t.parent is not distinct from i.parent
  order by i.record_id, i.key;
end;
comment on function app_private.judge_values(integer, jsonb) is
  'Returns those of `[{"recordId", "key", "value", "category", "manufacturer"}]` whose value PEMS does not list, with '
  'the reason as the end of a sentence and the most similar entries. The category of a class and the manufacturer of '
  'a model narrow the list.';
--! EndIncluded app_private/functions/judge_values.sql
--! Included app_private/functions/legacy_differences.sql
create or replace function app_private.legacy_differences(table_name text)
  returns table (line_number integer, legacy_id text, state text, column_name text, legacy_value jsonb,
    current_value jsonb)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  p_table_name constant text := legacy_differences.table_name;
  p_target constant regclass := (select t.target from app_private.legacy_table t where t.name = p_table_name);
begin
  if p_table_name = 'pfa_modification' then
    return query select * from app_private.legacy_modification_differences();
    return;
  end if;
  if p_table_name = 'pfa_records' then
    return query
    select p.line_number, p.legacy_id, p.state, d.key, d.value->'from', d.value->'to'
    from pg_temp.legacy_plan p
    join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    left join app_core.pfa_mirror m on m.organization_id = (o.target->>'id')::integer
      and m.pfa_id = p.content->>'pfa_id' and m.removed_at is null
    cross join lateral jsonb_each(
      case when m.pfa_id is null then '{"": {"from": "there", "to": "gone"}}'
        else app_core.changed_keys(
          p.data || jsonb_build_object('lastModified', (p.content->>'version')::timestamp, 'lastModifiedBy',
            p.content->'version_by'),
          m.data || jsonb_build_object('lastModified', m.version, 'lastModifiedBy', m.version_by)) end) d
    where p.table_name = p_table_name and p.state in ('added', 'same')
      -- Only a few rows differ, so their values are compared separately.
      and (m.pfa_id is null or m.data <> p.data
        or (m.version, m.version_by) is distinct from ((p.content->>'version')::timestamp, p.content->>'version_by'));
    return;
  end if;
  return query execute format($q$
    select p.line_number, p.legacy_id, p.state, k.key, k.value, k.current
    from pg_temp.legacy_plan p
    cross join lateral %1$s
    left join %2$s e on %3$s
    cross join lateral (
      select '' as key, '"there"'::jsonb as value, '"gone"'::jsonb as current where e is null
      union all
      select k.key, k.value, to_jsonb(e) -> k.key
      from jsonb_each(to_jsonb(t)) k
      join app_private.legacy_column c on c.table_name = %4$L and c.target = k.key
      join pg_attribute a on a.attrelid = %2$L::regclass and a.attname = k.key
      where not (e is null) and k.value is distinct from to_jsonb(e) -> k.key
        and not (k.value = 'null' and a.attnotnull)
        and not (p.state <> 'added' and k.key in ('id', 'created_at', 'updated_at'))
    ) k
    where p.table_name = %4$L and p.state in ('added', 'merged', 'same')$q$,
    app_private.legacy_record(p_target), p_target, app_private.legacy_target_join(p_target), p_table_name);
end;
$$;
comment on function app_private.legacy_differences(text) is
  'Returns each value of the rows of a table that differs from the converted legacy value. A deleted row has one '
  'entry with an empty column.';
--! EndIncluded app_private/functions/legacy_differences.sql
--! Included app_private/functions/legacy_modification_differences.sql
create or replace function app_private.legacy_modification_differences()
  returns table (line_number integer, legacy_id text, state text, column_name text, legacy_value jsonb,
    current_value jsonb)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select p.line_number, p.legacy_id, p.state, k.key, v.legacy, v.current
  from pg_temp.legacy_plan p
  join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
  cross join lateral jsonb_array_elements_text(p.target->'keys') k(key)
  left join app_core.pfa_modification d on d.organization_id = (o.target->>'id')::integer
    and d.id = (p.target->>'modification_id')::bigint
  left join app_core.pfa_mirror m on m.organization_id = (o.target->>'id')::integer and m.pfa_id = p.content->>'pfa_id'
  -- A key that equals PEMS is in no draft.
  cross join lateral (
    select app_core.normalized(p.content->'delta'->k.key) as legacy,
      app_core.normalized(case when d.delta ? k.key then d.delta->k.key else m.data->k.key end) as current
  ) v
  where p.table_name = 'pfa_modification' and p.state = 'added' and v.legacy <> v.current;
end;
$$;
comment on function app_private.legacy_modification_differences() is
  'Returns each key of an imported draft that neither the draft nor the mirror has with the imported value.';
--! EndIncluded app_private/functions/legacy_modification_differences.sql
--! Included app_private/functions/legacy_modifications.sql
create or replace function app_private.legacy_modifications()
  returns table (kind text, modifications integer, drafts integer, unknown_bases integer)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
begin
  return query
  select p.content->>'kind', count(*)::integer, count(*) filter (where p.state = 'added')::integer,
    count(*) filter (where p.state = 'added' and not coalesce(p.content ? 'base'
      or p.content->>'base_version' = r.content->>'prototype_version'
      or (r.content->>'version')::timestamp + interval '1 day' < (p.content->>'created_at')::timestamp, false))::integer
  from pg_temp.legacy_plan p
  left join pg_temp.legacy_plan r on r.table_name = 'pfa_records' and r.state in ('added', 'same')
    and r.refs->>'organization_id' = p.refs->>'organization_id' and r.content->>'pfa_id' = p.content->>'pfa_id'
  where p.table_name = 'pfa_modification' and p.content ? 'kind'
  group by 1
  order by array_position('{draft,committed,failed,synced,discarded,empty}', p.content->>'kind');
end;
$$;
comment on function app_private.legacy_modifications() is
  'Returns the number of changes of the prototype by state, how many of them become drafts, and how many have an '
  'unknown base.';
--! EndIncluded app_private/functions/legacy_modifications.sql
--! Included app_private/functions/legacy_rule_words.sql
create or replace function app_private.legacy_rule_words(definition text) returns text
  language sql immutable parallel safe
  set search_path = pg_catalog, pg_temp
begin atomic
  select case
    when definition ~ '!~\* ''\^https' then 'has a user or a password in it, which belong to the credentials'
    when definition ~ '~ ''\^https' then 'is no address that begins with http:// or https://'
    when definition ~ '= ANY \(ARRAY\[' then 'is none of ' || (
      select string_agg(m[1], ', ') from regexp_matches(definition, '''([^'']+)''::text', 'g') m where m[1] !~ '\^')
    when definition ~ 'jsonb_typeof' then 'is no JSON list'
    when definition ~ 'length\(' then
      case when definition ~ 'btrim' then 'begins or ends with a space, or ' else '' end || 'is not '
      || coalesce((regexp_match(definition, '>= \(?([0-9]+)'))[1], '0') || ' to '
      || (regexp_match(definition, '<= \(?([0-9]+)'))[1] || ' characters long'
    when definition ~ '>= .* <= ' then 'is not between ' || (regexp_match(definition, '>= \(?([0-9]+)'))[1] || ' and '
      || (regexp_match(definition, '<= \(?([0-9]+)'))[1]
    when definition ~ '>= ' then 'is below ' || (regexp_match(definition, '>= \(?([0-9]+)'))[1]
    when definition ~ '> ' then 'is not above ' || (regexp_match(definition, '> \(?([0-9]+)'))[1]
  end;
end;
comment on function app_private.legacy_rule_words(text) is
  'Describes a check constraint in words, such as `is none of admin, user, viewer`. Null if there is no description.';
--! EndIncluded app_private/functions/legacy_rule_words.sql
--! Included app_private/functions/legacy_shown.sql
create or replace function app_private.legacy_shown(cell jsonb) returns jsonb
  language sql immutable parallel safe
  return case
    when length(cell::text) > 200 then to_jsonb(left(regexp_replace(cell::text, '://.*@', '://***@'), 200) || '...')
    -- An address with a user and a password.
    when jsonb_typeof(cell) = 'string' then to_jsonb(regexp_replace(cell #>> '{}', '://.*@', '://***@'))
    else cell
  end;
comment on function app_private.legacy_shown(jsonb) is
  'Returns a value for a list of problems, without credentials in addresses.';
--! EndIncluded app_private/functions/legacy_shown.sql
--! Included app_private/functions/lost_runs.sql
create or replace function app_private.lost_runs(organization_id integer) returns integer
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select count(*)::integer from app_public.pfa_sync_log l
  where l.organization_id = lost_runs.organization_id and l.state = 'failed' and l.error_code = 'WORKER_LOST'
    and l.id > coalesce((
      -- A run that was stopped or never started proves nothing about its worker.
      select max(e.id) from app_public.pfa_sync_log e
      where e.organization_id = lost_runs.organization_id and (e.state in ('succeeded', 'withheld')
        or e.state = 'failed' and e.error_code not in ('WORKER_LOST', 'WORKER_STOPPED', 'SYNC_KILLED_WORKER'))), 0);
end;
comment on function app_private.lost_runs(integer) is
  'Returns how many of the latest runs of an organization ended with their worker, since the last one that ended '
  'itself.';
--! EndIncluded app_private/functions/lost_runs.sql
--! Included app_private/functions/match_legacy_modifications.sql
create or replace function app_private.match_legacy_modifications() returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
begin
  update pg_temp.legacy_plan p
  set problems = p.problems || jsonb_build_object('column', 'pfaId', 'value', p.content->'pfa_id',
    'problem', 'points at no record of its organization that moves in or is here')
  from pg_temp.legacy_plan o
  where p.table_name = 'pfa_modification' and p.state <> 'kept' and not app_private.legacy_blocks(p.problems)
    and o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    and not exists (
      select from pg_temp.legacy_plan r
      where r.table_name = 'pfa_records' and r.state in ('added', 'same')
        and r.refs->>'organization_id' = p.refs->>'organization_id' and r.content->>'pfa_id' = p.content->>'pfa_id')
    and not exists (
      select from app_core.pfa_mirror m
      where m.organization_id = (o.target->>'id')::integer and m.pfa_id = p.content->>'pfa_id');

  update pg_temp.legacy_plan p set state = 'quarantined'
  where p.table_name = 'pfa_modification' and p.state <> 'kept' and app_private.legacy_blocks(p.problems);

  -- Several changes of one user to one record become one draft. The last value of each key counts, and drafted values
  -- override committed ones.
  update pg_temp.legacy_plan p
  set target = jsonb_build_object('keys', w.keys), state = case when w.keys = '[]' then 'kept' else p.state end
  from (
    select k.line_number, coalesce(jsonb_agg(k.key order by k.key) filter (where k.place = 1), '[]') as keys
    from (
      select p.line_number, d.key, row_number() over (
        partition by p.refs->>'organization_id', p.refs->>'user_id', p.content->>'pfa_id', d.key
        order by p.content->>'kind' = 'draft' desc,
          coalesce(p.content->>'modified_at', p.content->>'committed_at', p.content->>'created_at')::timestamptz
            desc nulls last,
          p.line_number desc) as place
      from pg_temp.legacy_plan p
      cross join lateral jsonb_object_keys(p.content->'delta') d(key)
      where p.table_name = 'pfa_modification' and p.state = 'added'
    ) k
    group by k.line_number
  ) w
  where p.table_name = 'pfa_modification' and p.line_number = w.line_number;

  -- An existing draft of the user stays.
  update pg_temp.legacy_plan p set state = 'same'
  from pg_temp.legacy_plan o, pg_temp.legacy_plan u, app_core.pfa_modification d
  where p.table_name = 'pfa_modification' and p.state = 'added'
    and o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    and u.table_name = 'users' and u.legacy_id = p.refs->>'user_id'
    and d.organization_id = (o.target->>'id')::integer and d.user_id = (u.target->>'id')::integer
    and d.pfa_id = p.content->>'pfa_id' and d.state = 'draft';
end;
$$;
comment on function app_private.match_legacy_modifications() is
  'Decides the outcome of each change of the prototype that PEMS has not confirmed, and which of its keys become part '
  'of a draft. `keys` of its target lists them.';
--! EndIncluded app_private/functions/match_legacy_modifications.sql
--! Included app_private/functions/match_legacy_table.sql
create or replace function app_private.match_legacy_table(table_name text) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  p_table_name constant text := match_legacy_table.table_name;
  natural_keys constant text[] := (select t.natural_keys from app_private.legacy_table t where t.name = p_table_name);
  p_target constant regclass := (select t.target from app_private.legacy_table t where t.name = p_table_name);
  is_record constant boolean := p_table_name = 'pfa_records';
  record constant text := app_private.legacy_record(p_target);
  untouched constant text := (
    select case
      when bool_or(a.attname = 'is_simulated') then 'e.is_simulated or e.created_at = e.updated_at'
      when bool_or(a.attname = 'updated_at') then 'e.created_at = e.updated_at'
      else 'false' end
    from pg_attribute a where a.attrelid = p_target and not a.attisdropped);
  rules text;
  key record;
begin
  if p_table_name = 'pfa_modification' then
    perform app_private.match_legacy_modifications();
    return;
  end if;
  update pg_temp.legacy_plan p set content = p.content || t.constants
  from app_private.legacy_table t
  where t.name = p_table_name and t.constants <> '{}' and p.table_name = p_table_name;

  -- Checks each row against the table here. Records need no check beyond that of their fields.
  select string_agg(format('(%L, %L, %L, (%s))', l.name, a.attname,
    coalesce(app_private.legacy_rule_words(pg_get_expr(c.conbin, c.conrelid)), 'breaks a rule of its table here'),
    pg_get_expr(c.conbin, c.conrelid)), ', ') into rules
  from pg_constraint c
  join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
  join app_private.legacy_column l on l.table_name = p_table_name and l.target = a.attname
  where c.conrelid = p_target and c.contype = 'c';
  if rules is not null and not is_record then
    execute format($q$
      update pg_temp.legacy_plan p set problems = p.problems || b.problems,
        content = case when p_table_name = 'organizations' then p.content - coalesce(b.left_out, '{}')
          else p.content end
      from (
        select t.plan_line as line_number,
          array_agg(rule.target) filter (where rule.target not in ('code', 'legacy_id')) as left_out,
          jsonb_agg(jsonb_build_object('column', rule.name, 'value',
            app_private.legacy_shown(t.plan_content -> rule.target), 'problem', rule.words)
            || case when p_table_name = 'organizations' and rule.target not in ('code', 'legacy_id')
              then '{"isLeftOut": true}'::jsonb else '{}' end order by rule.name) as problems
        from (select p.line_number as plan_line, p.content as plan_content, t.*
          from pg_temp.legacy_plan p, %1$s
          where p.table_name = %2$L and not app_private.legacy_blocks(p.problems)) t
        cross join lateral (values %3$s) rule(name, target, words, holds)
        cross join (select %2$L as p_table_name) n
        where not rule.holds
        group by t.plan_line
      ) b, (select %2$L as p_table_name) n
      where p.table_name = %2$L and p.line_number = b.line_number$q$,
      record, p_table_name, rules);
  end if;
  if p_table_name = 'organizations' then
    -- A bad cell of an organization does not block the rows that belong to it: the cell is left out.
    update pg_temp.legacy_plan p set content = p.content || jsonb_build_object('name', p.content->'code')
    where p.table_name = 'organizations' and not p.content ? 'name' and p.content ? 'code';
  end if;

  -- Checks rows against the unique indexes of the table, except keys that the import generates.
  truncate pg_temp.legacy_match;
  for key in
    select i.indexrelid, c.relname as name, array_position(natural_keys, c.relname::text) as key_order, k.*,
      case when i.indnullsnotdistinct then 'is not distinct from' else '=' end as agrees,
      case when is_record then app_private.legacy_record(p_target, i.indkey::smallint[]) else record end as record
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    cross join lateral (
      select string_agg(format('%s as k%s', pg_get_indexdef(i.indexrelid, n, false), n), ', '
          order by n) as expressions,
        string_agg(format(case a.atttypid when 'text'::regtype then 'normalize(k%s)' else 'k%s' end, n), ', '
          order by n) as names,
        array_agg(format('k%s', n) order by n) as each,
        string_agg(coalesce(l.name, d.name), ', ' order by n) as columns,
        string_agg(format('coalesce(p.refs->%1$L, p.content->%1$L)', d.name), ', ' order by n) as shown
      from generate_series(1, i.indnkeyatts) n
      join pg_attribute a on a.attrelid = i.indexrelid and a.attnum = n
      cross join lateral (
        select regexp_replace(pg_get_indexdef(i.indexrelid, n, false), '^lower\((.*)\)$', '\1')) d(name)
      left join app_private.legacy_column l on l.table_name = p_table_name and l.target = d.name
    ) k
    where i.indrelid = p_target and i.indisunique and i.indpred is null
      and not exists (select from pg_attribute a where a.attrelid = p_target and a.attnum = any (i.indkey::smallint[])
        and a.attidentity <> '')
    order by key_order, name
  loop
    execute format($q$
      update pg_temp.legacy_plan p
      set problems = p.problems || jsonb_build_object(
        'column', %8$L, 'value', app_private.legacy_shown(b.shown),
        'problem', 'is the same as that of ' || b.first_id
          || case when b.shown = b.first_shown then '' else ', but for case or Unicode form' end)
      from (
        select t.line_number, first_value(coalesce(t.legacy_id, 'line ' || t.line_number)) over w as first_id,
          t.shown, first_value(t.shown) over w as first_shown, row_number() over w as place
        from (
          select p.line_number, p.legacy_id, jsonb_build_array(%7$s) as shown, %9$s as place, k.*
          from pg_temp.legacy_plan p cross join lateral (select %3$s from %4$s) k
          where p.table_name = %5$L and not app_private.legacy_blocks(p.problems)
        ) t
        where %6$s
        window w as (partition by %2$s order by t.place, t.line_number)
      ) b
      where b.place > 1 and p.table_name = %5$L and p.line_number = b.line_number$q$,
      key.name, key.names, key.expressions, key.record, p_table_name,
      case when key.agrees = '=' then (select string_agg(n || ' is not null', ' and ')
        from unnest(key.each) n) else 'true' end,
      key.shown, key.columns,
      -- If two users map to one user here, the one with more rights stays.
      case when p_table_name = 'users' then $r$(p.content->>'role' is distinct from 'admin'
        or p.content->>'is_active' = 'false')::integer$r$ else '0' end);
    execute format($q$
      insert into pg_temp.legacy_match (line_number, key_order, key_name, target, is_untouched)
      select t.line_number, %1$L, %2$L, e.target, e.is_untouched
      from (
        select p.line_number, k.* from pg_temp.legacy_plan p cross join lateral (select %3$s from %4$s) k
        where p.table_name = %5$L and not app_private.legacy_blocks(p.problems)
      ) t
      join (select %6$s as target, %7$s as is_untouched, %3$s from %8$s e) e on %9$s$q$,
      key.key_order, key.columns, key.expressions, key.record, p_table_name,
      app_private.legacy_target_key(p_target, 'e'), untouched, p_target,
      (select string_agg(format('t.%s %s e.%s', n, key.agrees, n), ' and ') from unnest(key.each) n));
  end loop;
  analyze pg_temp.legacy_match;

  -- Another row already has a value that must be unique.
  update pg_temp.legacy_plan p
  set problems = p.problems || b.problems
  from (
    select m.line_number,
      jsonb_agg(jsonb_build_object('column', m.key_name, 'value', m.target, 'problem',
      'is taken by another row that is here already')) as problems
    from pg_temp.legacy_match m
    left join (
      select distinct on (n.line_number) n.line_number, n.target from pg_temp.legacy_match n
        where n.key_order is not null order by n.line_number, n.key_order
    ) same on same.line_number = m.line_number
    where m.target is distinct from same.target
    group by m.line_number
  ) b
  where p.table_name = p_table_name and p.line_number = b.line_number;

  if is_record then
    update pg_temp.legacy_plan p set state = 'same' from pg_temp.legacy_match m
    where p.table_name = p_table_name and p.line_number = m.line_number
      and not app_private.legacy_blocks(p.problems);
  else
    execute format($q$
      update pg_temp.legacy_plan p
      set target = s.target, state = s.state
      from (
        select p.line_number, coalesce(m.target, %1$s) as target,
          case when m.target is null then 'added' when m.is_untouched then 'merged' else 'same' end as state
        from pg_temp.legacy_plan p
        cross join lateral %2$s
        left join (
          select distinct on (m.line_number) m.* from pg_temp.legacy_match m
          where m.key_order is not null order by m.line_number, m.key_order
        ) m on m.line_number = p.line_number
        where p.table_name = %3$L and not app_private.legacy_blocks(p.problems)
      ) s
      where p.table_name = %3$L and p.line_number = s.line_number$q$,
      app_private.legacy_target_key(p_target, 't', 'p.line_number'), record, p_table_name);
  end if;
  if p_table_name = 'users' then
    update pg_temp.legacy_plan p set problems = p.problems || jsonb_build_object('column', 'role', 'value',
      p.content->'role', 'problem', format('would lower the rights of the administrator "%s" who is here', u.username))
    from app_public.users u
    where p.table_name = 'users' and p.state = 'merged' and u.id = (p.target->>'id')::integer
      and u.role = 'admin' and u.is_active
      and (p.content->>'role' is distinct from 'admin' or p.content->>'is_active' = 'false');
  end if;
  update pg_temp.legacy_plan p set state = 'quarantined'
  where p.table_name = p_table_name and app_private.legacy_blocks(p.problems);
end;
$$;
comment on function app_private.match_legacy_table(text) is
  'Checks the converted rows of a table against its rules here, against each other, and against existing rows, and '
  'decides the outcome of each. An existing row stays (same), unless no user has changed it since its creation '
  '(merged).';
--! EndIncluded app_private/functions/match_legacy_table.sql
--! Included app_private/functions/merge_organization_proposals.sql
create or replace function app_private.merge_organization_proposals(run app_public.reference_runs)
  returns app_public.reference_runs
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  with written as (
    insert into app_public.organization_proposals as p (code, name, api_configuration_id)
    select s.code, left(coalesce(nullif(s.description, ''), s.code), 200), run.api_configuration_id
    from app_private.reference_staging s
    where s.organization_id = run.organization_id and s.run_id = run.id and s.reason is null
      and s.is_out_of_service is distinct from true
      -- The code `*` of the head office stands for all organizations.
      and s.code <> '*'
      and not exists (select from app_public.organizations o where o.code = s.code)
    order by s.code
    on conflict (code) do update set name = excluded.name, missed_reads = 0
      where p.state = 'pending' and (p.name, p.missed_reads) is distinct from (excluded.name, 0)
    returning (xmax = 0) as is_new
  )
  select count(*) filter (where w.is_new), count(*) filter (where not w.is_new)
  into run.rows_inserted, run.rows_updated
  from written w;
  with missing as (
    update app_public.organization_proposals p set missed_reads = p.missed_reads + 1
    where p.state = 'pending' and p.api_configuration_id = run.api_configuration_id and not exists (
      select from app_private.reference_staging s
      where s.organization_id = run.organization_id and s.run_id = run.id and s.code = p.code
        and s.is_out_of_service is distinct from true)
    returning p.missed_reads
  )
  select count(*) filter (where m.missed_reads = 1), count(*) filter (where m.missed_reads > 1)
  into run.rows_missing, run.rows_removed
  from missing m;
  delete from app_public.organization_proposals p
  where p.state = 'pending' and p.missed_reads > 1
    -- An administrator may have added it in the meantime.
    or p.state = 'pending' and exists (select from app_public.organizations o where o.code = p.code);
  return run;
end;
$$;
comment on function app_private.merge_organization_proposals(app_public.reference_runs) is
  'Proposes the organizations of a complete read that do not exist here. A decision stays. A pending proposal is '
  'removed when two reads in a row lack it.';
--! EndIncluded app_private/functions/merge_organization_proposals.sql
--! Included app_private/functions/merge_reference_entries.sql
create or replace function app_private.merge_reference_entries(run app_public.reference_runs)
  returns app_public.reference_runs
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  limits constant app_public.organization_limits := app_private.limits_of(run.organization_id);
  live bigint;
  confirmed bigint;
begin
  with written as (
    insert into app_public.reference_entries as e (organization_id, list, code, parent, description, category, class,
      manufacturer, model, is_out_of_service)
    select run.organization_id, run.list, s.code, s.parent, coalesce(s.description, ''), s.category, s.class,
      s.manufacturer, s.model, coalesce(s.is_out_of_service, false)
    from app_private.reference_staging s
    where s.organization_id = run.organization_id and s.run_id = run.id and s.reason is null
    on conflict (organization_id, list, code, parent) do update
      set description = coalesce(nullif(excluded.description, ''), e.description),
        category = coalesce(excluded.category, e.category), class = coalesce(excluded.class, e.class),
        manufacturer = coalesce(excluded.manufacturer, e.manufacturer), model = coalesce(excluded.model, e.model),
        is_out_of_service = excluded.is_out_of_service, missed_reads = 0, changed_at = clock_timestamp()
      where (e.description, e.category, e.class, e.manufacturer, e.model, e.is_out_of_service, e.missed_reads)
        is distinct from (coalesce(nullif(excluded.description, ''), e.description),
          coalesce(excluded.category, e.category), coalesce(excluded.class, e.class),
          coalesce(excluded.manufacturer, e.manufacturer), coalesce(excluded.model, e.model),
          excluded.is_out_of_service, 0)
    returning (xmax = 0) as is_new
  )
  select count(*) filter (where w.is_new), count(*) filter (where not w.is_new)
  into run.rows_inserted, run.rows_updated
  from written w;

  -- A refused row proves that its entry exists, and nothing else.
  with missing as (
    update app_public.reference_entries e set missed_reads = e.missed_reads + 1
    where e.organization_id = run.organization_id and e.list = run.list and not exists (
      select from app_private.reference_staging s
      where s.organization_id = run.organization_id and s.run_id = run.id and s.code = e.code
        and (s.parent = e.parent or s.reason is not null))
    returning e.missed_reads
  )
  select count(*) filter (where m.missed_reads = 1), count(*) filter (where m.missed_reads > 1)
  into run.rows_missing, confirmed
  from missing m;
  if confirmed > 0 then
    select count(*) into live from app_public.reference_entries e
    where e.organization_id = run.organization_id and e.list = run.list;
    if app_private.is_much(confirmed, live, limits.removed_percent, limits.least_records) then
      run.rows_withheld := confirmed;
      run.notice := format('PEMS no longer lists %s of %s entries of the list %s. They stay until an owner or admin '
        'accepts their removal.', confirmed, live, run.list);
    else
      delete from app_public.reference_entries e
      where e.organization_id = run.organization_id and e.list = run.list and e.missed_reads > 1;
      run.rows_removed := confirmed;
    end if;
  end if;
  return run;
end;
$$;
comment on function app_private.merge_reference_entries(app_public.reference_runs) is
  'Applies a complete read to the entries of a list. An entry is removed when two reads in a row lack it, unless '
  'these entries are suspiciously many (limits_of). Columns that PEMS no longer returns keep their value.';
--! EndIncluded app_private/functions/merge_reference_entries.sql
--! Included app_private/functions/merge_reference_run.sql
create or replace function app_private.merge_reference_run(organization_id integer, run_id bigint)
  returns app_public.reference_runs
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := merge_reference_run.organization_id;
  p_run_id constant bigint := merge_reference_run.run_id;
  limits constant app_public.organization_limits := app_private.limits_of(p_organization_id);
  run app_public.reference_runs;
begin
  select r.* into run from app_public.reference_runs r
  where r.organization_id = p_organization_id and r.id = p_run_id for update;
  if run.state is distinct from 'running' then
    raise exception 'Run % of organization % is no longer current.', p_run_id, p_organization_id
      using errcode = 'VG409', hint = 'Another run took its place; nothing was merged.';
  end if;
  -- An admin may be accepting removals at this moment. Proposals do not belong to one organization.
  perform pg_advisory_xact_lock(hashtext('reference ' || run.list),
    case when run.list = 'organization' then 0 else p_organization_id end);

  -- Equal rows that a moving cursor returned twice count once. Different rows with the same code are all refused.
  delete from app_private.reference_staging s
  using (
    select t.position, row_number() over (partition by t.code, t.parent, t.description, t.category, t.class,
      t.manufacturer, t.model, t.is_out_of_service order by t.position) as number
    from app_private.reference_staging t
    where t.organization_id = p_organization_id and t.run_id = p_run_id and t.reason is null
  ) twice
  where s.organization_id = p_organization_id and s.run_id = p_run_id and s.position = twice.position
    and twice.number > 1;
  update app_private.reference_staging s set reason = 'duplicate'
  from (
    select t.code, t.parent from app_private.reference_staging t
    where t.organization_id = p_organization_id and t.run_id = p_run_id and t.reason is null
    group by t.code, t.parent having count(*) > 1
  ) twice
  where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
    and s.code = twice.code and s.parent = twice.parent;
  select count(*), coalesce(jsonb_agg(jsonb_build_object('position', r.position,
      'code', case when r.reason <> 'other-organization' then left(r.code, 100) end, 'reason', r.reason,
      'message', case r.reason
        when 'missing-code' then 'The row has no code.'
        when 'too-long' then 'The code is longer than a record can hold.'
        when 'control-characters' then 'The code contains control characters, such as a line break.'
        when 'duplicate' then 'The list has different rows with this code.'
        when 'other-organization' then 'The row belongs to another organization.'
      end) order by r.position) filter (where r.number <= 100), '[]')
  into run.rows_rejected, run.rejects
  from (
    select s.position, s.code, s.reason, row_number() over (order by s.position) as number
    from app_private.reference_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is not null
  ) r;

  if app_private.is_much(run.rows_rejected, run.rows_read, limits.refused_percent, limits.least_records) then
    run.state := 'failed';
    run.error_code := 'LIST_ROWS_REFUSED';
    run.error_message := format('%s of %s rows of the list %s cannot be used, the first because: %s',
      run.rows_rejected, run.rows_read, run.list, run.rejects->0->>'message');
    run.error_hint := 'Nothing was changed. Correct the names of its fields with `npx vanguard lists settings`.';
  else
    if run.list = 'organization' then
      run := app_private.merge_organization_proposals(run);
    else
      run := app_private.merge_reference_entries(run);
    end if;
    run.state := 'succeeded';
  end if;
  delete from app_private.reference_staging s where s.organization_id = p_organization_id and s.run_id = p_run_id;
  update app_public.reference_runs r
  set state = run.state, finished_at = clock_timestamp(), rows_inserted = run.rows_inserted,
    rows_updated = run.rows_updated, rows_missing = run.rows_missing, rows_removed = run.rows_removed,
    rows_withheld = run.rows_withheld, rows_rejected = run.rows_rejected, rejects = run.rejects, notice = run.notice,
    error_code = run.error_code, error_message = run.error_message, error_hint = run.error_hint
  where r.organization_id = p_organization_id and r.id = p_run_id
  returning r.* into run;
  -- A hundred runs of each list are enough for a history.
  delete from app_public.reference_runs r
  where r.organization_id = p_organization_id and r.list = run.list and r.id < (
    select min(k.id) from (
      select l.id from app_public.reference_runs l
      where l.organization_id = p_organization_id and l.list = run.list order by l.id desc limit 100
    ) k);
  return run;
end;
$$;
comment on function app_private.merge_reference_run(integer, bigint) is
  'Ends a complete read of a reference list: refuses bad rows, and merges the others unless too many are refused. '
  'Raises VG409 if the run is no longer current.';
grant execute on function app_private.merge_reference_run(integer, bigint) to vanguard_worker;
--! EndIncluded app_private/functions/merge_reference_run.sql
--! Included app_private/functions/merge_sync_run.sql
create or replace function app_private.merge_sync_run(organization_id integer, run_id bigint,
  summary jsonb default null)
  returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  -- Only compare_staged reads everything. The later statements find single records by key. Uses a generic plan.
  -- Statistics may not know yet that this organization has records, and with one record every index and join order
  -- looks as good as the key. Staging has no useful statistics either.
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set jit = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := merge_sync_run.organization_id;
  p_run_id constant bigint := merge_sync_run.run_id;
  -- Duration of the read: PEMS may have changed a record after its page was read.
  read_for constant interval := date_trunc('minute', clock_timestamp() - (
    select l.started_at from app_public.pfa_sync_log l where l.organization_id = p_organization_id
      and l.id = p_run_id));
  run app_public.pfa_sync_log;
  code text;
  identity constant jsonpath := '$[*] ? (@.key == "pfaId" || @.key == "organization")';
  is_first boolean;
  has_rejects boolean;
  limits constant app_public.organization_limits := app_private.limits_of(p_organization_id);
  has_unknown boolean;
  has_fields boolean;
  new_keys text[];
  is_accepted boolean;
  accepted jsonb;
  accepts_twins boolean;
  would_change jsonb;
  notices text[] := '{}';
  replaced text[];
  live bigint;
  duplicates text[];
  added text[];
  changed text[];
  restamped text[];
  missing text[];
  confirmed text[];
begin
  select l.* into run from app_public.pfa_sync_log l
  where l.organization_id = p_organization_id and l.id = p_run_id for update;
  if run.state is distinct from 'running' then
    raise exception 'Run % of organization % is no longer current.', p_run_id, p_organization_id
      using errcode = 'VG409', hint = 'Another run has replaced it. Nothing was merged.';
  end if;
  -- An admin may be accepting removals at this moment.
  perform pg_advisory_xact_lock(hashtext('pfa_mirror removals'), p_organization_id);
  select o.code into code from app_public.organizations o where o.id = p_organization_id;
  -- Avoids `not exists`, whose plan would scan records of other organizations first.
  is_first := (
    select m.pfa_id from app_core.pfa_mirror m where m.organization_id = p_organization_id
    order by m.organization_id, m.pfa_id limit 1) is null;

  -- 1. Refuses whole rows: those without an id, of another organization, and all rows of a duplicate id. For other
  -- unreadable values only the field is rejected: its key counts as missing in the row.
  select count(*), max(s.version),
    count(s.pfa_id) > count(distinct s.pfa_id) or coalesce(bool_or(
      s.pfa_id is null or s.organization_code is distinct from code or s.problems @? identity), false),
    coalesce(bool_or(s.unknown is not null), false), coalesce(bool_or(s.problems is not null), false)
  into run.rows_read, run.greatest_version, has_rejects, has_unknown, has_fields
  from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id = p_run_id;
  if has_rejects then
    select coalesce(array_agg(twice.pfa_id), '{}') into duplicates
    from (
      select s.pfa_id from app_private.pfa_staging s
      where s.organization_id = p_organization_id and s.run_id = p_run_id and s.organization_code = code
      group by s.pfa_id having count(*) > 1
    ) twice;

    update app_private.pfa_staging s set reason = case
        when s.pfa_id is null then 'missing-id'
        when s.organization_code is distinct from code then 'other-organization'
        else 'value'
      end
    where s.organization_id = p_organization_id and s.run_id = p_run_id
      and (s.pfa_id is null or s.organization_code is distinct from code or s.problems @? identity);
    update app_private.pfa_staging s set reason = 'duplicate'
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.pfa_id = any (duplicates)
      and s.organization_code = code;

    select max(s.version) into run.greatest_version
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null;
  end if;

  -- 2. Takes differing rows that were requested after the mirror's content arrived, so that a stale page never
  -- overwrites it.
  if has_unknown then
    perform app_private.keep_unknown(p_organization_id, p_run_id);
  end if;
  if is_first then
    select array_agg(s.pfa_id) into added from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null;
  elsif run.kind = 'incremental' then
    select c.added, c.changed, c.restamped into added, changed, restamped
    from app_private.compare_staged_changes(p_organization_id, p_run_id) c;
  else
    select c.added, c.changed, c.restamped, c.missing into added, changed, restamped, missing
    from app_private.compare_staged(p_organization_id, p_run_id, run.started_at) c;
  end if;

  -- 3. Decides whether to withhold the run. An acceptance counts until a full run that began later has succeeded.
  select coalesce(jsonb_agg(r.value), '[]'), coalesce(bool_or(l.rows_twin > 0), false) into accepted, accepts_twins
  from app_public.pfa_sync_log l
  left join lateral jsonb_array_elements(l.reasons) r on true
  where l.organization_id = p_organization_id and l.accepted_at > coalesce((
    select max(d.started_at) from app_public.pfa_sync_log d
    where d.organization_id = p_organization_id and d.state = 'succeeded' and d.kind = 'full'), '-infinity');
  if added is not null then
    if accepts_twins then
      -- The known record counts as missing if its twin replaces it.
      select array_agg(t.twin_id) into replaced from app_private.twins_of(p_organization_id, added, missing) t
      where t.twin_id = any (missing);
      missing := array(select unnest(missing) except select unnest(replaced));
    else
      with twin as materialized (
        select t.* from app_private.twins_of(p_organization_id, added, missing) t
      ),
      refused as (
        update app_private.pfa_staging s set reason = 'twin', row_content = coalesce(s.row_content, s.data),
          problems = jsonb_build_array(jsonb_build_object('key', 'pfaId', 'value', t.twin_id, 'message',
            format('The id differs from that of %s only by case, blanks, leading zeros or normal form.', t.twin_id)))
        from twin t
        where s.organization_id = p_organization_id and s.run_id = p_run_id and s.pfa_id = t.pfa_id
          and s.reason is null
        returning s.pfa_id, t.twin_id
      )
      select array(select unnest(added) except select r.pfa_id from refused r),
        array(select unnest(missing) except select r.twin_id from refused r), (select count(*) from refused)
      into added, missing, run.rows_twin;
      has_rejects := has_rejects or run.rows_twin > 0;
    end if;
  end if;
  new_keys := app_private.new_keys(p_organization_id, summary);
  select j.reasons, j.preview, j.rejected_fields into run.reasons, would_change, run.rejected_fields
  from app_private.judge_run(p_organization_id, p_run_id, added, changed, missing, run.rows_read, is_first,
    has_rejects or has_fields, new_keys) j;
  run.values_rejected := (select coalesce(sum((f->>'count')::integer), 0) from jsonb_array_elements(run.rejected_fields)
    f);
  is_accepted := not exists (
    select from jsonb_to_recordset(run.reasons) r (code text, key text, count bigint)
    where not exists (
      select from jsonb_to_recordset(accepted) a (code text, key text, count bigint)
      where a.code = r.code and a.key is not distinct from r.key
        and r.count <= a.count + greatest(10, a.count / 10)));
  select n.missing, n.changes into run.missing_columns, run.column_changes
  from app_private.note_columns(p_organization_id, run, summary, is_accepted) n;
  if has_rejects then
    insert into app_public.pfa_sync_reject (organization_id, run_id, pfa_id, reason, problems, row_content)
    select p_organization_id, p_run_id,
      -- Members of this organization read the rejects, so rows of another organization must not show their content.
      case when s.organization_code = code then s.pfa_id end,
      s.reason,
      case when s.organization_code = code then coalesce(s.problems, '[]') else '[]' end,
      case when s.organization_code = code then coalesce(s.row_content, s.data) else jsonb_build_object('organization',
        s.organization_code) end
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is not null
    order by s.pfa_id
    -- A withheld run may repeat, so only samples of its rejects are kept.
    limit case when not is_accepted then 100 end;
    get diagnostics run.rows_rejected = row_count;
  end if;
  if has_fields then
    insert into app_public.pfa_sync_reject (organization_id, run_id, pfa_id, reason, key, alias, value, problems,
      row_content)
    select p_organization_id, p_run_id, s.pfa_id, 'field', p->>'key', p->>'alias', p->>'value', jsonb_build_array(p),
      jsonb_build_object(coalesce(p->>'alias', p->>'key'), p->'value')
    from app_private.pfa_staging s
    cross join jsonb_array_elements(s.problems) p
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
      and s.problems is not null
    order by s.pfa_id, p->>'key'
    -- All are counted.
    limit case when is_accepted then 10000 else 100 end;
  end if;
  if not is_accepted then
    update app_public.pfa_sync_log l
    set state = 'withheld', finished_at = clock_timestamp(), rows_read = run.rows_read,
      rows_rejected = (would_change->>'rejected')::integer, rows_twin = run.rows_twin,
      missing_columns = run.missing_columns, column_changes = run.column_changes,
      values_rejected = run.values_rejected, rejected_fields = run.rejected_fields, reasons = run.reasons,
      preview = would_change,
      error_code = run.reasons->0->>'code', error_message = run.reasons->0->>'message',
      error_hint = format('Nothing was changed. If PEMS is right, an owner or admin accepts the run (`npx vanguard '
        'sync accept %s`); if not, correct PEMS, its connection or its mapping.', code)
    where l.organization_id = p_organization_id and l.id = p_run_id
    returning l.* into run;
    perform app_private.clear_staging(p_organization_id, p_run_id);
    return run;
  end if;
  perform app_private.note_spellings(p_organization_id, run.kind, coalesce(summary->'spellings', '[]'));
  -- Locks all rows that this run may write at once and in order, as drafts and commits do. Locking them one by one
  -- could deadlock, and the whole run would be lost.
  perform app_private.lock_records(p_organization_id, changed || restamped || missing || replaced);
  if has_unknown then
    -- Changes that were confirmed in the meantime.
    perform app_private.keep_unknown(p_organization_id, p_run_id, changed || restamped);
  end if;
  if changed is not null then
    with differing as materialized (
      select s.pfa_id, s.data, s.version, s.version_by, s.received_at,
        m.data as old_data, m.removed_at as old_removed_at, m.source, m.is_actualized, m.is_discontinued,
        m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents
      from app_private.pfa_staging s
      join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
      where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
        and s.pfa_id = any (changed)
        and (m.data <> s.data or m.removed_at is not null) and s.requested_at > m.observed_at
    ),
    updated as (
      update app_core.pfa_mirror m
      set data = d.data, version = d.version, version_by = d.version_by, observed_at = d.received_at, removed_at = null,
        revision = nextval('app_core.revision_seq')
      from differing d
      where m.organization_id = p_organization_id and m.pfa_id = d.pfa_id
      returning m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents,
        m.actual_cost_cents
    ),
    logged as (
      insert into app_core.pfa_change (organization_id, pfa_id, route, event, changes)
      select p_organization_id, d.pfa_id, 'sync', case when d.old_removed_at is null then 'update' else 'restore' end,
        c.changes
      from differing d
      -- A key that earlier runs did not read has no history.
      cross join lateral (select app_core.changed_keys(d.old_data, d.data) - new_keys as changes) c
      where c.changes <> '{}' or d.old_removed_at is not null
    ),
    summed as (
      insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count,
        discontinued_count, plan_cost_cents, forecast_cost_cents, actual_cost_cents)
      select p_organization_id, coalesce(r.source, ''),
        sum(r.sign * (not r.is_discontinued)::integer),
        sum(r.sign * (not r.is_discontinued and r.is_actualized)::integer),
        sum(r.sign * r.is_discontinued::integer),
        sum(case when r.is_discontinued then 0 else r.sign * r.plan_cost_cents end),
        sum(case when r.is_discontinued then 0 else r.sign * r.forecast_cost_cents end),
        sum(case when r.is_discontinued then 0 else r.sign * r.actual_cost_cents end)
      from (
        select 1 as sign, u.* from updated u
        union all
        select -1, d.source, d.is_actualized, d.is_discontinued, d.plan_cost_cents, d.forecast_cost_cents,
          d.actual_cost_cents
        from differing d where d.old_removed_at is null
      ) r
      group by 2
    )
    select array_agg(d.pfa_id) into changed from differing d;
  end if;
  run.rows_updated := coalesce(cardinality(changed), 0);

  -- The same content with a newer version of PEMS is stored without a new revision.
  update app_core.pfa_mirror m
  set version = s.version, version_by = s.version_by
  from app_private.pfa_staging s
  where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
    and s.pfa_id = any (restamped)
    and m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
    and s.requested_at > m.observed_at
    and (m.version, m.version_by) is distinct from (s.version, s.version_by);

  -- 4. New records.
  with inserted as (
    insert into app_core.pfa_mirror (organization_id, pfa_id, data, version, version_by, observed_at)
    select p_organization_id, s.pfa_id, s.data, s.version, s.version_by, s.received_at
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null and is_first
    union all
    select p_organization_id, s.pfa_id, s.data, s.version, s.version_by, s.received_at
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null and not is_first
      and s.pfa_id = any (added)
    returning pfa_id, source, is_actualized, is_discontinued, plan_cost_cents, forecast_cost_cents, actual_cost_cents
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, route, event, changes)
    select p_organization_id, i.pfa_id, 'sync', 'add', '{}' from inserted i where not is_first
  ),
  summed as (
    insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count, discontinued_count,
      plan_cost_cents, forecast_cost_cents, actual_cost_cents)
    select p_organization_id, coalesce(i.source, ''),
      count(*) filter (where not i.is_discontinued), count(*) filter (where not i.is_discontinued and i.is_actualized),
      count(*) filter (where i.is_discontinued), coalesce(sum(i.plan_cost_cents) filter (where not i.is_discontinued),
        0),
      coalesce(sum(i.forecast_cost_cents) filter (where not i.is_discontinued), 0),
      coalesce(sum(i.actual_cost_cents) filter (where not i.is_discontinued), 0)
    from inserted i group by 2
  )
  select count(*) into run.rows_inserted from inserted;

  -- 5. Missing records: the first complete full read records them, and the next one removes them, unless there are too
  -- many. A record that any read has seen since must be missed twice again.
  delete from app_public.pfa_removal_candidate c
  where c.organization_id = p_organization_id
    and (exists (
        select from app_private.pfa_staging s
        where s.organization_id = p_organization_id and s.run_id = p_run_id and s.pfa_id = c.pfa_id
          and s.reason is distinct from 'other-organization')
      or exists (
        select from app_core.pfa_mirror m
        where m.organization_id = p_organization_id and m.pfa_id = c.pfa_id
          and (m.removed_at is not null or m.observed_at >= c.missed_at)));

  if run.kind = 'full' and not is_first then
    -- The run has not missed records that were read after it began (observed_at).
    with missed_again as (
      update app_public.pfa_removal_candidate c set confirmed_at = run.started_at
      from app_core.pfa_mirror m
      where c.organization_id = p_organization_id and c.missed_by_run <> p_run_id
        and m.organization_id = p_organization_id and m.pfa_id = c.pfa_id and m.observed_at < run.started_at
      returning c.pfa_id
    )
    select array_agg(g.pfa_id) into confirmed from missed_again g;

    if confirmed is not null then
      select count(*) into live from app_core.pfa_mirror m where m.organization_id = p_organization_id
        and m.removed_at is null;
    end if;
    if live > limits.least_records and cardinality(confirmed) > live * limits.removed_percent / 100.0 then
      run.rows_spared := cardinality(confirmed);
      notices := notices || format('%s of %s records are gone in PEMS. So many are not removed unless somebody agrees: '
        'if they are meant to be gone, an owner or admin accepts their removal (acceptRemovals, or `npx vanguard sync '
        'accept-removals %s`); if not, PEMS or the rights of its user are to be looked at.',
        run.rows_spared, live, code);
      update app_public.pfa_removal_candidate c set spared_by_run = p_run_id
      where c.organization_id = p_organization_id and c.pfa_id = any (confirmed) and c.spared_by_run is null;
      confirmed := null;
    else
      confirmed := app_private.remove_records(p_organization_id, confirmed, null);
      run.rows_removed := coalesce(cardinality(confirmed), 0);
    end if;

    if replaced is not null then
      insert into app_public.pfa_removal_candidate as c (organization_id, pfa_id, missed_by_run, missed_at,
        confirmed_at)
      select p_organization_id, r.id, p_run_id, run.started_at, run.started_at from unnest(replaced) r (id)
      on conflict on constraint pfa_removal_candidate_pkey do update set confirmed_at = excluded.confirmed_at;
      replaced := app_private.remove_records(p_organization_id, replaced, null);
      run.rows_removed := run.rows_removed + coalesce(cardinality(replaced), 0);
    end if;

    insert into app_public.pfa_removal_candidate (organization_id, pfa_id, missed_by_run, missed_at)
    select p_organization_id, m.pfa_id, p_run_id, run.started_at
    from app_core.pfa_mirror m
    where m.organization_id = p_organization_id and m.pfa_id = any (missing) and m.removed_at is null
      and m.observed_at < run.started_at
    on conflict do nothing;
    get diagnostics run.rows_missing = row_count;
  end if;

  -- 6. Drafts on the changed records.
  select f.rebased, f.conflicts into run.drafts_rebased, run.conflicts
  from app_private.follow_mirror(p_organization_id, changed || confirmed || replaced) f;
  update app_core.pfa_overlay o
  set version = m.version, version_by = m.version_by
  from app_core.pfa_mirror m
  where o.organization_id = p_organization_id and o.pfa_id = any (changed || restamped)
    and m.organization_id = p_organization_id and m.pfa_id = o.pfa_id
    and (o.version, o.version_by) is distinct from (m.version, m.version_by);

  -- 7. Records the result and the start time of the next incremental run. That time is before the newest change that
  -- can have been seen, by an hour for a clock change of PEMS and ten minutes for late commits. A run without newer
  -- rows keeps the time.
  run.next_since := greatest(
    case when run.kind = 'incremental' then run.changed_since end,
    date_trunc('minute', run.greatest_version) - interval '70 minutes' - read_for);
  if run.kind = 'incremental' then
    run.greatest_version := greatest(run.greatest_version, (
      select l.greatest_version from app_public.pfa_sync_log l
      where l.organization_id = p_organization_id and l.state = 'succeeded' order by l.finished_at desc limit 1));
  end if;
  if run.rows_rejected > 0 then
    notices := notices || format('%s of %s rows were refused; the rejects of the run name them.', run.rows_rejected,
      run.rows_read);
  end if;
  if run.rows_twin > 0 then
    notices := notices || format('%s of them have an id that differs from another one only by case, blanks, leading '
      'zeros or normal form. If they are records of their own, an owner or admin accepts the run (`npx vanguard sync '
      'accept %s`).', run.rows_twin, code);
  end if;
  notices := notices || (
    select array_agg(format('%s of %s rows cannot be read (as "%s" in record %s); these records keep their last value '
      'of it.', f.key, f.count, left(f.samples->0->>'value', 50), f.samples->0->>'recordId') order by f.key)
    from jsonb_to_recordset(run.rejected_fields) f (key text, count bigint, samples jsonb));
  notices := notices || (
    select array_agg(format(case when c."lastSeenAt" is null
        then 'The grid of PEMS has never had the column %1$s (%2$s).'
        else 'The column %1$s (%2$s) is missing in %3$s of %4$s rows; the values read until %5$s UTC stay.' end,
      c.alias, coalesce(array_to_string(c.keys, ', '), 'not mapped'), c.rows, summary->>'rows',
      to_char(c."lastSeenAt" at time zone 'UTC', 'YYYY-MM-DD HH24:MI')) order by c.alias)
    from jsonb_to_recordset(run.missing_columns) c (alias text, keys text[], rows bigint, "lastSeenAt" timestamptz)
    -- A column that never existed is reported once.
    where c."lastSeenAt" is not null or is_first);
  notices := notices || (
    select array_agg(format('%s of %s rows is outside of what may be drafted, as in record %s; the values are kept.',
      i.key, i.value->>'rows', i.value->>'recordId') order by i.key)
    from jsonb_each(summary->'implausible') i);
  run.notice := nullif(array_to_string(notices, ' '), '');
  update app_public.pfa_sync_log l
  set state = 'succeeded', finished_at = clock_timestamp(), rows_read = run.rows_read,
    rows_inserted = run.rows_inserted,
    rows_updated = run.rows_updated, rows_unchanged = run.rows_read - run.rows_inserted - run.rows_updated
      - run.rows_rejected,
    rows_removed = run.rows_removed, rows_missing = run.rows_missing, rows_spared = run.rows_spared,
    rows_rejected = run.rows_rejected,
    drafts_rebased = run.drafts_rebased, conflicts = run.conflicts, greatest_version = run.greatest_version,
    next_since = run.next_since, notice = run.notice, rows_twin = run.rows_twin,
    missing_columns = run.missing_columns, column_changes = run.column_changes, values_rejected = run.values_rejected,
    rejected_fields = run.rejected_fields
  where l.organization_id = p_organization_id and l.id = p_run_id
  returning l.* into run;

  perform app_private.clear_staging(p_organization_id, p_run_id);
  if run.rows_inserted + run.rows_updated + run.rows_removed > 0 then
    perform app_private.queue_refresh(p_organization_id);
  end if;
  return run;
end;
$$;
comment on function app_private.merge_sync_run(integer, bigint, jsonb) is
  'Merges the staged rows of a complete run. Refuses bad rows, rejects unreadable fields, and keeps keys that the '
  'pages lacked. Inserts new records, and updates only differing records whose page was requested later than the '
  'mirror''s content. After a full run it records and removes missing records. Rebases drafts, rewrites overlays, logs '
  'the result, and queues the refresh of the summaries. A suspicious run (judge_run) is withheld instead, unless an '
  'owner or admin accepted it. One transaction, set-based. summary: contents of the pages, `{"rows": n, "columns": '
  '{"alias": rows}, "types": {"alias": type}, "implausible": {"key": {"rows", "recordId"}}, "spellings": [{"key", '
  '"value", "spelling", "rows"}]}`. Raises VG409 if the token of the run is no longer current.';
grant execute on function app_private.merge_sync_run(integer, bigint, jsonb) to vanguard_worker;
--! EndIncluded app_private/functions/merge_sync_run.sql
--! Included app_private/functions/nearest_entries.sql
create or replace function app_private.nearest_entries(organization_id integer, list text, value text, parent text)
  returns text[]
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  with candidate as (
    (
      select e.code from app_public.reference_entries e
      where e.organization_id = nearest_entries.organization_id and e.list = nearest_entries.list
        and (nearest_entries.parent is null or e.parent = nearest_entries.parent) and not e.is_out_of_service
      order by lower(e.code) limit 500
    )
    union
    (
      select e.code from app_public.reference_entries e
      where e.organization_id = nearest_entries.organization_id and e.list = nearest_entries.list
        and (nearest_entries.parent is null or e.parent = nearest_entries.parent) and not e.is_out_of_service
        and lower(e.code) ~>=~ lower(nearest_entries.value)
      order by lower(e.code) using ~<~ limit 50
    )
    union
    (
      select e.code from app_public.reference_entries e
      where e.organization_id = nearest_entries.organization_id and e.list = nearest_entries.list
        and (nearest_entries.parent is null or e.parent = nearest_entries.parent) and not e.is_out_of_service
        and lower(e.code) ~<~ lower(nearest_entries.value)
      order by lower(e.code) using ~>~ limit 50
    )
  )
  select coalesce(array_agg(n.code order by n.likeness desc, n.code), '{}')
  from (
    select c.code, l.likeness
    from candidate c
    cross join lateral (
      select (2.0 * cardinality(array(select unnest(t.own) intersect select unnest(t.asked))))
        / nullif(cardinality(t.own) + cardinality(t.asked), 0) as likeness
      from (select app_core.trigrams(c.code) as own, app_core.trigrams(nearest_entries.value) as asked) t
    ) l
    where l.likeness >= 0.3
    order by l.likeness desc, c.code limit 3
  ) n;
end;
comment on function app_private.nearest_entries(integer, text, text, text) is
  'Returns up to three codes of a list that are most similar to a value, the best first. With a parent, returns only '
  'its codes. For a long list it compares the first entries and the alphabetical neighbors.';
--! EndIncluded app_private/functions/nearest_entries.sql
--! Included app_private/functions/new_keys.sql
create or replace function app_private.new_keys(organization_id integer, columns jsonb default null) returns text[]
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  with mapped as materialized (
    select f.key, lower(a.alias) as alias
    from app_private.field_mapping(new_keys.organization_id) f cross join unnest(f.grid_aliases) a (alias)
  ),
  known as materialized (
    select c.alias, c.keys, c.first_seen_at, c.is_guessed from app_public.pfa_column c
    where c.organization_id = new_keys.organization_id
  )
  select coalesce(array_agg(n.name), '{}')
  from (
    -- Keys that the mapping has gained since the last run.
    select m.key as name, true as is_new
    from app_public.pfa_field_mappings m
    where m.organization_id = new_keys.organization_id or m.organization_id is null
    group by m.key
    having max(m.created_at) > (
      select l.started_at from app_public.pfa_sync_log l
      where l.organization_id = new_keys.organization_id and l.state = 'succeeded' order by l.finished_at desc limit 1)
    union
    -- Aliases that named their values in the data before.
    select m.alias, false from mapped m join known k on k.alias = m.alias and k.keys = '{}'
    union
    -- Columns that the grid has gained.
    select t.alias, true from jsonb_object_keys(new_keys.columns->'columns') t (alias)
    where exists (select from known k where k.first_seen_at is not null and not k.is_guessed)
      and not exists (select from known k where k.alias = t.alias and k.first_seen_at is not null)
      and not exists (select from mapped m where m.alias = t.alias)
  ) n
  where not n.is_new or not exists (
    select from app_core.pfa_mirror r where r.organization_id = new_keys.organization_id and r.data ? n.name);
end;
comment on function app_private.new_keys(integer, jsonb) is
  'Returns keys and names in `data` that records of an organization gain with a new column of the mapping or the grid. '
  'Also returns names that they lose because a column is now mapped. If only these differ, PEMS has changed nothing. '
  'columns: as returned by note_columns; null: only changes of the mapping.';
--! EndIncluded app_private/functions/new_keys.sql
--! Included app_private/functions/next_reference_read_at.sql
create or replace function app_private.next_reference_read_at(organization_id integer) returns timestamptz
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(q.until, r.at)
  from app_public.organizations o
  left join app_private.pfa_sync_schedule s on s.organization_id = o.id
  cross join lateral (select app_private.pull_connection(o.id) as id) c
  cross join lateral app_private.reference_setting(c.id) e
  cross join lateral (
    select min(l.requested_at) filter (where l.state = 'queued') as queued_at,
      coalesce(bool_or(l.state = 'running'), false) as is_running, max(l.finished_at) as finished_at,
      coalesce(bool_or(l.state = 'failed'), false) as has_failed
    from (
      select distinct on (l.list) l.state, l.requested_at, l.finished_at
      from app_public.reference_runs l where l.organization_id = o.id order by l.list, l.id desc
    ) l
  ) last
  cross join lateral (
    select case
      when last.is_running then null
      when last.queued_at is not null then last.queued_at + interval '1 minute'
      when last.finished_at is null then clock_timestamp()
      when last.has_failed then last.finished_at + least(e.every, interval '1 hour')
      else last.finished_at + e.every
    end as at
  ) r
  left join lateral (
    select app_private.quiet_until(greatest(r.at, clock_timestamp()), s.quiet_from, s.quiet_to,
      coalesce(s.time_zone, 'UTC')) as until
    where last.queued_at is null
  ) q on true
  where o.id = next_reference_read_at.organization_id and o.is_active and c.id is not null
    and (s.paused_at is null or last.queued_at is not null)
    -- Records are read first.
    and (last.queued_at is not null or exists (select from app_public.pfa_sync_log l
      where l.organization_id = o.id and l.state = 'succeeded'));
end;
comment on function app_private.next_reference_read_at(integer) is
  'Returns when the reference lists of an organization are due: a day (or the interval of the connection) after the '
  'last read, an hour after a failure, and never in quiet hours. A request that has waited for a minute gets its job '
  'again, in case the job was lost. Null while they are read, before the first sync, and for an organization that is '
  'paused, disabled or not connected.';
--! EndIncluded app_private/functions/next_reference_read_at.sql
--! Included app_private/functions/next_sync_at.sql
create or replace function app_private.next_sync_at(organization_id integer) returns timestamptz
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- Counts from the last run, so that times without a worker are made up for once.
  select coalesce(q.until, r.at)
  from app_public.organizations o
  left join app_private.pfa_sync_schedule s on s.organization_id = o.id
  left join lateral (
    select l.state, l.trigger, l.requested_at, l.started_at, l.finished_at, l.error_code
    from app_public.pfa_sync_log l where l.organization_id = o.id order by l.id desc limit 1
  ) last on true
  left join lateral (
    select count(*) as failures
    from app_public.pfa_sync_log l
    where l.organization_id = o.id and l.state = 'failed'
      and l.id > coalesce((select max(w.id) from app_public.pfa_sync_log w where w.organization_id = o.id
        and w.state = 'succeeded'), 0)
  ) f on true
  cross join lateral (select coalesce(s.every, '15 minutes') as every, coalesce(s.time_zone, 'UTC') as time_zone) e
  cross join lateral (
    select case last.state
      when 'queued' then last.requested_at + interval '1 minute'
      when 'running' then null
      when 'succeeded' then case when s.cron is null then last.finished_at
        + e.every else app_private.cron_next(s.cron, last.started_at, e.time_zone) end
      when 'withheld' then case when s.cron is null then last.finished_at
        + e.every else app_private.cron_next(s.cron, last.started_at, e.time_zone) end
      when 'failed' then case when last.error_code <> 'SYNC_KILLED_WORKER' then least(
        case when s.cron is null then last.finished_at
          + e.every else app_private.cron_next(s.cron, last.finished_at, e.time_zone) end,
        last.finished_at + interval '1 minute' * power(2, least(f.failures - 1, 10))) end
      else clock_timestamp()
    end as at
  ) r
  left join lateral (
    -- Quiet hours do not delay runs that a user requested.
    select app_private.quiet_until(greatest(r.at, clock_timestamp()), s.quiet_from, s.quiet_to, e.time_zone) as until
    where last.state is distinct from 'queued' or last.trigger = 'schedule'
  ) q on true
  where o.id = next_sync_at.organization_id and o.is_active
    and (s.paused_at is null or last.state = 'queued' and last.trigger <> 'schedule')
    and app_private.pull_connection(o.id) is not null;
end;
comment on function app_private.next_sync_at(integer) is
  'Returns when the next run of an organization is due. After a success it is due after the interval, or at the next '
  'time of the cron expression. After failures it is due sooner (1, 2, 4 ... minutes). Quiet hours delay it. A '
  'request that has waited for a minute gets its job again, in case the job was lost. Null while a run is in '
  'progress, after two runs whose workers were killed, and for an organization that is paused, disabled or not '
  'connected to a PEMS.';
grant execute on function app_private.next_sync_at(integer) to vanguard_worker;
--! EndIncluded app_private/functions/next_sync_at.sql
--! Included app_private/functions/note_columns.sql
create or replace function app_private.note_columns(organization_id integer, run app_public.pfa_sync_log,
  columns jsonb, is_merged boolean, out missing jsonb, out changes jsonb)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := note_columns.organization_id;
  most constant integer := 500;
begin
  missing := '[]';
  changes := '{}';
  -- A read without rows says nothing about columns.
  if coalesce((columns->>'rows')::bigint, 0) = 0 then
    return;
  end if;
  -- Compares with earlier runs; the first run has none.
  if exists (
    select from app_public.pfa_column c
    where c.organization_id = p_organization_id and c.first_seen_at is not null and not c.is_guessed)
  then
    with known as (
      select c.* from app_public.pfa_column c
      where c.organization_id = p_organization_id and c.first_seen_at is not null
    ),
    told as (
      select t.alias, left(columns->'types'->>t.alias, 50) as type,
        coalesce((
          select jsonb_agg(f.key order by f.key) from app_private.field_mapping(p_organization_id) f
          where t.alias in (select lower(a) from unnest(f.grid_aliases) a)), '[]') as keys
      from jsonb_object_keys(columns->'columns') t (alias)
      where length(t.alias) between 1 and 200 order by t.alias limit most
    ),
    change as (
      select case when k.alias is null or k.missing_since is not null then 'came' else 'retyped' end as kind, t.alias,
        jsonb_strip_nulls(jsonb_build_object('alias', t.alias, 'keys', t.keys, 'type', t.type, 'was',
          case when k.missing_since is null then k.type end)) as entry
      from told t
      left join known k on k.alias = t.alias
      where k.alias is null or k.missing_since is not null or k.type <> t.type
      union all
      select 'went', k.alias, jsonb_strip_nulls(jsonb_build_object('alias', k.alias, 'keys', k.keys, 'type', k.type))
      from known k
      where k.missing_since is null and not columns->'columns' ? k.alias
    )
    select coalesce(jsonb_object_agg(c.kind, c.entries), '{}') into changes
    from (select c.kind, jsonb_agg(c.entry order by c.alias) as entries from change c group by c.kind) c;
  end if;
  if is_merged then
    with mapped as (
      select lower(a.alias) as alias, array_agg(f.key order by f.key) as keys
      from app_private.field_mapping(p_organization_id) f cross join unnest(f.grid_aliases) a (alias) group by 1
    ),
    told as (
      select t.key as alias, t.value::bigint as rows, left(columns->'types'->>t.key, 50) as type
      from jsonb_each_text(columns->'columns') t
      where length(t.key) between 1 and 200
    )
    insert into app_public.pfa_column as c (organization_id, alias, keys, first_seen_at, last_seen_at, missing_since,
      type)
    select p_organization_id, coalesce(m.alias, t.alias), coalesce(m.keys, '{}'),
      case when t.rows > 0 then run.started_at end, case when t.rows > 0 then run.started_at end,
      case when t.rows is null then run.started_at end, t.type
    from mapped m
    full join (select t.* from told t order by t.alias limit most) t on t.alias = m.alias
    where m.alias is not null or (select count(*) from app_public.pfa_column o
      where o.organization_id = p_organization_id) < most
      or exists (select from app_public.pfa_column o where o.organization_id = p_organization_id and o.alias = t.alias)
    on conflict on constraint pfa_column_pkey do update
    set keys = excluded.keys, first_seen_at = coalesce(c.first_seen_at, excluded.first_seen_at),
      last_seen_at = coalesce(excluded.last_seen_at, c.last_seen_at), type = coalesce(excluded.type, c.type),
      is_guessed = c.is_guessed and excluded.last_seen_at is null,
      missing_since = case when excluded.last_seen_at is null
        then coalesce(c.missing_since, excluded.missing_since) end;
    -- An unmapped column that disappeared is missing as well. A column that was once mapped but never existed is
    -- deleted.
    delete from app_public.pfa_column c
    where c.organization_id = p_organization_id and c.first_seen_at is null
      and not exists (select from app_private.field_mapping(p_organization_id) f
        where c.alias in (select lower(a) from unnest(f.grid_aliases) a));
    update app_public.pfa_column c
    set keys = case when exists (select from app_private.field_mapping(p_organization_id) f
        where c.alias in (select lower(a) from unnest(f.grid_aliases) a)) then c.keys else '{}' end,
      missing_since = coalesce(c.missing_since, run.started_at)
    where c.organization_id = p_organization_id and not columns->'columns' ? c.alias and c.missing_since is null;
  end if;
  select coalesce(jsonb_agg(jsonb_build_object('alias', c.alias, 'keys', c.keys, 'lastSeenAt', c.last_seen_at,
    'rows', (columns->>'rows')::bigint - coalesce((columns->'columns'->>c.alias)::bigint, 0)) order by c.alias), '[]')
    into missing
  from app_public.pfa_column c
  where c.organization_id = p_organization_id
    and coalesce((columns->'columns'->>c.alias)::bigint, 0) < (columns->>'rows')::bigint;
end;
$$;
comment on function app_private.note_columns(integer, app_public.pfa_sync_log, jsonb, boolean) is
  'Records the columns of a merged run, `{"rows": n, "columns": {"alias": rows}, "types": {"alias": type}}`. Returns '
  'columns that are missing, or not in each row, and the changes since the last run, `{"came", "went", "retyped": '
  '[{"alias", "keys", "type", "was"}]}`. At most 500 columns of an organization are recorded.';
--! EndIncluded app_private/functions/note_columns.sql
--! Included app_private/functions/note_spellings.sql
create or replace function app_private.note_spellings(organization_id integer, kind text, spellings jsonb) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  with read as (
    select s.key, s.spelling, min(s.value) as value, sum(s.rows) as rows
    from jsonb_to_recordset(note_spellings.spellings) s (key text, value text, spelling text, rows bigint)
    join app_public.pfa_fields f on f.key = s.key
    where length(s.spelling) between 1 and 200 and length(s.value) between 1 and 200
    group by s.key, s.spelling
  ),
  -- An incremental run does not show which spellings are usual.
  not_read as (
    update app_private.pfa_field_choices c set rows_read = 0
    where note_spellings.kind = 'full' and c.organization_id = note_spellings.organization_id and c.notation is null
      and c.rows_read > 0 and not exists (select from read r where r.key = c.key and r.spelling = c.spelling)
  )
  insert into app_private.pfa_field_choices as c (organization_id, key, value, spelling, rows_read, last_read_at)
  select note_spellings.organization_id, r.key, r.value, r.spelling,
    case note_spellings.kind when 'full' then r.rows else 0 end, clock_timestamp()
  from read r
  on conflict on constraint pfa_field_choices_key do update
  set value = excluded.value, rows_read = excluded.rows_read, last_read_at = excluded.last_read_at
  where note_spellings.kind = 'full';
end;
comment on function app_private.note_spellings(integer, text, jsonb) is
  'Records the spellings of choice fields in a run (`full` or `incremental`), `[{"key", "value", "spelling", '
  '"rows"}]`.';
--! EndIncluded app_private/functions/note_spellings.sql
--! Included app_private/functions/pause_connection_checked.sql
create or replace function app_private.pause_connection_checked(api_configuration_id text, is_paused boolean)
  returns app_public.api_configurations
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  result app_public.api_configurations;
begin
  select c.* into result from app_public.api_configurations c
  where c.id = pause_connection_checked.api_configuration_id and c.operation_type in ('write', 'read-write')
    and app_core.may_configure(c.organization_id);
  if not found then
    raise exception 'You may manage no connection % that writes.',
      coalesce(pause_connection_checked.api_configuration_id, '(none)')
      using errcode = 'VG404', hint = 'List connections with apiConfigurations. Owners and admins manage those of '
        'their organization, administrators the shared ones.';
  end if;
  perform app_private.set_connection_pause(result.id, is_paused);
  return result;
end;
$$;
comment on function app_private.pause_connection_checked(text, boolean) is
  'Calls set_connection_pause for users who may manage the connection. Raises VG404 for others.';
--! EndIncluded app_private/functions/pause_connection_checked.sql
--! Included app_private/functions/pems_connection.sql
create or replace function app_private.pems_connection(organization_id integer, purpose text)
  returns table (
    api_configuration_id text, url text, auth_type text, custom_headers jsonb, is_simulated boolean,
    tenant text, grid_name text, grid_id text, screen_name text, request_type text, page_size integer,
    date_order text, year_format text, requests_per_second integer, timeout_ms integer
  )
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select c.id, c.url, c.auth_type, c.custom_headers, c.is_simulated,
    s.tenant, s.grid_name, s.grid_id, s.screen_name, s.request_type, s.page_size,
    s.date_order, s.year_format, s.requests_per_second, s.timeout_ms
  from app_public.api_configurations c
  join app_public.pems_settings s on s.api_configuration_id = c.id
  where c.id = case pems_connection.purpose
    when 'write' then app_private.push_connection(pems_connection.organization_id)
    when 'read' then app_private.pull_connection(pems_connection.organization_id)
    else app_private.reference_connection(pems_connection.organization_id, pems_connection.purpose)
  end;
end;
comment on function app_private.pems_connection(integer, text) is
  'Returns the connection for reading (`read`) or writing (`write`) the records of an organization, or for '
  'reading reference lists (`asset_master`, `classifications`, `organizations`). No row if none exists.';
grant execute on function app_private.pems_connection(integer, text) to vanguard_worker;
--! EndIncluded app_private/functions/pems_connection.sql
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
--! Included app_private/functions/queue_sync.sql
create or replace function app_private.queue_sync(organization_id integer, trigger text, requested_by integer,
  kind text default null)
  returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  run app_public.pfa_sync_log;
begin
  -- Retries if the waiting run began between the two statements.
  loop
    insert into app_public.pfa_sync_log as l (organization_id, trigger, requested_by, asked_kind)
      values (queue_sync.organization_id, queue_sync.trigger, queue_sync.requested_by, queue_sync.kind)
    on conflict (organization_id) where state = 'queued' do update
      set asked_kind = case
          when 'full' in (l.asked_kind, excluded.asked_kind) then 'full'
          when l.asked_kind = excluded.asked_kind then l.asked_kind
        end,
        -- Quiet hours no longer delay a run that a user requests.
        trigger = case when l.trigger = 'schedule' then excluded.trigger else l.trigger end,
        requested_by = case when l.trigger = 'schedule' then excluded.requested_by else l.requested_by end;
    update app_public.pfa_sync_log l
    set kind = (select p.kind from app_private.plan_sync(l.organization_id, l.asked_kind) p)
    where l.organization_id = queue_sync.organization_id and l.state = 'queued'
    returning l.* into run;
    exit when found;
  end loop;
  perform graphile_worker.add_job(
    'pfa__sync',
    json_build_object('organizationId', run.organization_id, 'runId', run.id),
    queue_name => 'sync:' || run.organization_id,
    job_key => 'sync:' || run.organization_id || ':' || run.id,
    job_key_mode => 'preserve_run_at',
    max_attempts => 25);
  return run;
end;
$$;
comment on function app_private.queue_sync(integer, text, integer, text) is
  'Queues a run of an organization, in the same transaction: full, incremental, or (null) the kind that is due when '
  'it begins. Joins a waiting run, which becomes full if either request is for a full one.';
grant execute on function app_private.queue_sync(integer, text, integer, text) to vanguard_worker;
--! EndIncluded app_private/functions/queue_sync.sql
--! Included app_private/functions/reference_check.sql
create or replace function app_private.reference_check(organization_id integer) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce((
    select s.check_mode
    from (select app_private.pull_connection(reference_check.organization_id) as id) c
    cross join lateral app_private.reference_setting(c.id) s
    where c.id is not null), 'off');
end;
comment on function app_private.reference_check(integer) is
  'Returns the check mode for drafted values that PEMS does not list: `off`, `warn` or `refuse`.';
--! EndIncluded app_private/functions/reference_check.sql
--! Included app_private/functions/reference_connection.sql
create or replace function app_private.reference_connection(organization_id integer, entity_type text) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce((
      select c.id
      from app_public.data_source_mappings d
      join app_public.api_configurations c on c.id = d.api_configuration_id
      join app_public.pems_settings s on s.api_configuration_id = c.id
      where d.entity_type = reference_connection.entity_type and d.is_active
        and c.operation_type in ('read', 'read-write') and c.url is not null
        and (d.organization_id = reference_connection.organization_id or d.organization_id is null)
        -- Lists of the simulator do not apply to records of a real PEMS.
        and c.is_simulated = (select r.is_simulated from app_public.api_configurations r
          where r.id = app_private.pull_connection(reference_connection.organization_id))
      order by d.organization_id nulls last, d.priority, c.id
      limit 1),
    app_private.pull_connection(reference_connection.organization_id));
end;
comment on function app_private.reference_connection(integer, text) is
  'Returns the id of the connection for a kind of reference lists (an entity type of data_source_mappings): the '
  'mapped one, else the one for reading records. Null if none exists.';
grant execute on function app_private.reference_connection(integer, text) to vanguard_worker;
--! EndIncluded app_private/functions/reference_connection.sql
--! Included app_private/functions/reference_setting.sql
create or replace function app_private.reference_setting(api_configuration_id text)
  returns table (check_mode text, every interval)
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(s.check_mode, 'warn'), coalesce(s.every, '1 day')
  from (select 1) one
  left join app_private.reference_settings s on s.api_configuration_id = reference_setting.api_configuration_id;
end;
comment on function app_private.reference_setting(text) is
  'Returns the settings of a connection for reference lists, with defaults.';
--! EndIncluded app_private/functions/reference_setting.sql
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
      m.revision as current_revision, m.data, m.underlay, m.pfa_id is null or m.removed_at is not null as is_missing
    from jsonb_array_elements(refused_changes.items) i
    left join app_private.merged_for(refused_changes.organization_id, refused_changes.user_id,
      array(select n->>'recordId' from jsonb_array_elements(refused_changes.items) n)) m on m.pfa_id = i->>'recordId'
  ),
  -- Looks entries up only if the check mode is `refuse`.
  unlisted as materialized (
    select u.record_id, u.key, u.problem, u.suggestions
    from app_private.judge_values(refused_changes.organization_id, (
      select jsonb_agg(jsonb_build_object('recordId', i.id, 'key', c.key, 'value', app_core.cleaned(c.value),
        'category', coalesce(i.changes->'category', i.data->'category'),
        'manufacturer', coalesce(i.changes->'manufacturer', i.data->'manufacturer')))
      from item i
      cross join jsonb_each(i.changes) c
      where app_private.reference_check(refused_changes.organization_id) = 'refuse' and not i.is_missing
        and c.key in ('category', 'class', 'manufacturer', 'model', 'equipment') and jsonb_typeof(c.value) = 'string'
        -- The current value and the underlying value of a record are always allowed.
        and app_core.cleaned(c.value) is distinct from i.data->c.key
        and app_core.cleaned(c.value) is distinct from i.underlay->c.key)) u
  ),
  wrong as materialized (
    select i.id, c.key, c.value, coalesce(p.problem, u.problem) as problem,
      case when p.problem is null then u.suggestions end as suggestions
    from item i
    cross join jsonb_each(i.changes) c
    left join app_public.pfa_fields f on f.key = c.key
    left join app_private.field_mapping(refused_changes.organization_id) w on w.key = c.key
    cross join lateral (select app_private.key_problem(f, w.screen_field, i.data,
      app_core.cleaned(c.value)) as problem) p
    left join unlisted u on u.record_id = i.id and u.key = c.key
    where (p.problem is not null or u.problem is not null) and not i.is_missing
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
          || case when w.suggestions is null then '{}' else jsonb_build_object('suggestions', w.suggestions) end
        order by w.id, w.key)
      from (
        select w.id, w.key, w.value, w.problem, w.suggestions from wrong w
        union all
        select i.id, r.last_key, n.data->r.last_key, format('lies before %s (%s)', r.first_key, n.data->>r.first_key),
          null
        from item i
        cross join lateral (
          select i.data || jsonb_object_agg(c.key, app_core.cleaned(c.value)) as data from jsonb_each(i.changes) c) n
        cross join lateral app_private.reversed_dates(n.data) r
        where not i.is_missing and i.changes ?| array[r.first_key, r.last_key]
          and not exists (select from wrong w where w.id = i.id)
      ) w
    );
end;
comment on function app_private.refused_changes(integer, integer, jsonb) is
  'Returns all errors of `[{"recordId", "changes": {key: value}, "revision"}]` as changes of a user''s view in one '
  'query: missing records, records that have changed since the given revision, and invalid values. Bulk operations '
  'give no revision. Values that PEMS does not list are errors if the check mode is `refuse`. Each result is a list '
  'for the details of an error, or null.';
--! EndIncluded app_private/functions/refused_changes.sql
--! Included app_private/functions/roll_back_legacy_modifications.sql
create or replace function app_private.roll_back_legacy_modifications()
  returns table (state text, legacy_id text, line_number integer, outcome text, reason text)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  drafted jsonb;
begin
  update pg_temp.legacy_plan p set reason = b.reason
  from (
    select p.line_number, p.target->>'modification_id' as modification_id,
      -- A draft of several lines is removed or kept as a whole.
      max(x.reason) over (partition by p.refs->>'organization_id', p.target->>'modification_id') as reason
    from pg_temp.legacy_plan p
    join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    left join app_core.pfa_modification d on d.organization_id = (o.target->>'id')::integer
      and d.id = (p.target->>'modification_id')::bigint
    cross join lateral (
      select case
        when d.state <> 'draft' then 'submitted since'
        else (
          select 'changed since: ' || string_agg(c.column_name, ', ' order by c.column_name)
          from (
            select e.column_name from app_private.legacy_modification_differences() e
            where e.line_number = p.line_number
            union
            select k.key from jsonb_object_keys(d.delta) k(key)
            where not exists (
              select from pg_temp.legacy_plan q
              where q.table_name = 'pfa_modification' and q.target->'modification_id' = p.target->'modification_id'
                and q.refs->>'organization_id' = p.refs->>'organization_id' and q.target->'keys' ? k.key)
          ) c
        )
      end as reason
    ) x
    where p.table_name = 'pfa_modification' and p.state = 'added'
  ) b
  where p.table_name = 'pfa_modification' and p.line_number = b.line_number;

  with gone as (
    delete from app_core.pfa_modification d
    using pg_temp.legacy_plan p, pg_temp.legacy_plan o
    where p.table_name = 'pfa_modification' and p.state = 'added' and p.reason is null
      and o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
      and d.organization_id = (o.target->>'id')::integer and d.id = (p.target->>'modification_id')::bigint
    returning d.organization_id, d.pfa_id
  )
  select jsonb_object_agg(g.organization_id, g.pfa_ids) into drafted
  from (select g.organization_id, jsonb_agg(g.pfa_id) as pfa_ids from gone g group by 1) g;
  perform app_private.rewrite_overlay(d.key::integer, array(select jsonb_array_elements_text(d.value)))
  from jsonb_each(drafted) d;
  return query
  select p.state, p.legacy_id, p.line_number, case when p.reason is null then 'removed' else 'stays' end, p.reason
  from pg_temp.legacy_plan p
  where p.table_name = 'pfa_modification' and p.state = 'added';
end;
$$;
comment on function app_private.roll_back_legacy_modifications() is
  'Removes imported drafts, unless their authors have changed them.';
--! EndIncluded app_private/functions/roll_back_legacy_modifications.sql
--! Included app_private/functions/roll_back_legacy_table.sql
create or replace function app_private.roll_back_legacy_table(table_name text)
  returns table (state text, legacy_id text, line_number integer, outcome text, reason text)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  p_table_name constant text := roll_back_legacy_table.table_name;
  p_target constant regclass := (select t.target from app_private.legacy_table t where t.name = p_table_name);
  record constant text := app_private.legacy_record(p_target);
  key constant text := app_private.legacy_target_join(p_target);
  blocked text;
  drafted jsonb;
  restored text;
begin
  alter table pg_temp.legacy_plan add column if not exists reason text;
  if p_table_name = 'pfa_modification' then
    return query select * from app_private.roll_back_legacy_modifications();
    return;
  end if;
  update pg_temp.legacy_plan p set reason = d.reason
  from (
    select d.line_number, case when bool_or(d.column_name = '') then 'it is gone'
      else 'changed since: ' || string_agg(d.column_name, ', ' order by d.column_name) end as reason
    from app_private.legacy_differences(p_table_name) d
    where not exists (
      select from app_private.legacy_column c where c.table_name = p_table_name and c.target = d.column_name
        and c.is_kept_by_system)
    group by d.line_number
  ) d
  where p.table_name = p_table_name and p.line_number = d.line_number;

  if p_table_name = 'pfa_records' then
    -- Deletes drafts from the import, unless their authors changed them.
    with gone as (
      delete from app_core.pfa_modification d
      using pg_temp.legacy_plan p, pg_temp.legacy_plan o
      where p.table_name = p_table_name and p.target ? 'modification_id'
        and o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
        and d.organization_id = (o.target->>'id')::integer and d.id = (p.target->>'modification_id')::bigint
        and d.state = 'draft' and d.delta = p.content->'draft'
      returning d.organization_id, d.pfa_id
    )
    select jsonb_object_agg(g.organization_id, g.pfa_ids) into drafted
    from (select g.organization_id, jsonb_agg(g.pfa_id) as pfa_ids from gone g group by 1) g;
    perform app_private.rewrite_overlay(d.key::integer, array(select jsonb_array_elements_text(d.value)))
    from jsonb_each(drafted) d;
    update pg_temp.legacy_plan p set reason = 'it was changed here'
    from pg_temp.legacy_plan o
    where p.table_name = p_table_name and p.state = 'added' and p.reason is null
      and o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
      and exists (
        select from app_core.pfa_modification d
        where d.organization_id = (o.target->>'id')::integer and d.pfa_id = p.content->>'pfa_id');
    delete from app_core.pfa_mirror m
    using pg_temp.legacy_plan p, pg_temp.legacy_plan o
    where p.table_name = p_table_name and p.state = 'added' and p.reason is null
      and o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
      and m.organization_id = (o.target->>'id')::integer and m.pfa_id = p.content->>'pfa_id';
  else
    if p_table_name in ('api_configurations', 'ai_providers') then
      -- Credentials of the import itself are not newer than the import.
      update pg_temp.legacy_plan p set reason = 'its credentials were changed since'
      from app_private.credentials c, app_private.legacy_import i
      where p.table_name = p_table_name and p.state in ('added', 'merged') and p.reason is null
        and p.target->>'id' = case p_table_name when 'ai_providers' then c.ai_provider_id else c.api_configuration_id
          end
        and i.rolled_back_at is null and c.updated_at > i.imported_at;
    end if;
    -- Keeps rows that other rows refer to, except rows of the product's own records.
    select string_agg(format('select %L as by from %s c where %s', f.conrelid::regclass, f.conrelid::regclass,
      k.agrees), ' union all ')
    into blocked
    from pg_constraint f
    cross join lateral (
      select string_agg(format('c.%I = e.%I', a.attname, b.attname), ' and ') as agrees
      from unnest(f.conkey, f.confkey) u(child, parent)
      join pg_attribute a on a.attrelid = f.conrelid and a.attnum = u.child
      join pg_attribute b on b.attrelid = f.confrelid and b.attnum = u.parent
    ) k
    where f.contype = 'f' and f.confrelid = p_target and f.confdeltype <> 'n'
      and f.conrelid::regclass::text not in (
        'app_private.user_passwords', 'app_private.sessions', 'app_private.credentials', 'app_public.pems_settings',
        'app_private.pems_state',
        'app_public.pfa_sync_log', 'app_public.pfa_drift_check', 'app_core.pfa_event', 'app_core.pfa_event_forgotten',
        'app_private.pfa_kpi_change', 'app_private.pfa_search_stale', 'app_private.pfa_search_values');
    if blocked is not null then
      execute format($q$
        update pg_temp.legacy_plan p set reason = 'still used by ' || b.tables
        from (
          select p.line_number, (select string_agg(distinct x.by, ', ') from (%1$s) x) as tables
          from pg_temp.legacy_plan p join %2$s e on %3$s
          where p.table_name = %4$L and p.state = 'added' and p.reason is null
        ) b
        where p.table_name = %4$L and p.line_number = b.line_number and b.tables is not null$q$,
        blocked, p_target, key, p_table_name);
    end if;
    if p_table_name = 'users' then
      update pg_temp.legacy_plan p set reason = 'the password was changed since'
      from app_private.user_passwords w, app_private.legacy_import i
      where p.table_name = 'users' and p.state = 'added' and p.reason is null and w.user_id = (p.target->>'id')::integer
        and i.rolled_back_at is null and w.changed_at > i.imported_at;
      -- Restores the replaced password of an existing account, unless it has changed since.
      insert into app_private.user_passwords as w (user_id, password_hash, must_change, changed_at)
      select (o->>'user_id')::integer, o->>'password_hash', (o->>'must_change')::boolean,
        (o->>'changed_at')::timestamptz
      from (select p.previous->'password' as o from pg_temp.legacy_plan p where p.table_name = 'users'
        and p.previous ? 'password') p
      on conflict (user_id) do update
        set password_hash = excluded.password_hash, must_change = excluded.must_change, changed_at = excluded.changed_at
        where w.changed_at = (select i.imported_at from app_private.legacy_import i where i.rolled_back_at is null);
    end if;
    execute format($q$
      delete from %1$s e using pg_temp.legacy_plan p
      where p.table_name = %2$L and p.state = 'added' and p.reason is null and %3$s$q$,
      p_target, p_table_name, key);

    select string_agg(format('%I = o.%I', a.attname, a.attname), ', ' order by a.attnum) into restored
    from pg_attribute a
    where a.attrelid = p_target and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity = '';
    -- Also restores updated_at, which decides whether the next import may merge the row.
    execute format('alter table %s disable trigger _100_touch', p_target);
    execute format($q$
      update %1$s e set %2$s
      from pg_temp.legacy_plan p cross join lateral %3$s
      where p.table_name = %4$L and p.state = 'merged' and p.reason is null and %5$s$q$,
      p_target, restored, replace(replace(record, 'p.content', 'p.previous'), ' t(', ' o('), p_table_name, key);
    execute format('alter table %s enable trigger _100_touch', p_target);
    if p_table_name in ('api_configurations', 'ai_providers') then
      delete from app_private.credentials c using pg_temp.legacy_plan p
      where p.table_name = p_table_name and p.state = 'merged' and p.reason is null
        and p.target->>'id' = case p_table_name when 'ai_providers' then c.ai_provider_id else c.api_configuration_id
          end;
      insert into app_private.credentials (api_configuration_id, ai_provider_id, name, key_id, nonce, ciphertext)
      select c.api_configuration_id, c.ai_provider_id, c.name, c.key_id, c.nonce, c.ciphertext
      from pg_temp.legacy_plan p
      cross join lateral jsonb_populate_recordset(null::app_private.credentials, p.previous->'credentials') c
      where p.table_name = p_table_name and p.state = 'merged' and p.reason is null and p.previous ? 'credentials';
    end if;
    if p_table_name = 'api_configurations' then
      delete from app_public.pems_settings s
      using pg_temp.legacy_plan p
      where p.table_name = p_table_name and p.state = 'merged' and p.reason is null
        and s.api_configuration_id = p.target->>'id';
      insert into app_public.pems_settings
      select o.* from pg_temp.legacy_plan p
      cross join lateral jsonb_populate_record(null::app_public.pems_settings, p.previous->'settings') o
      where p.table_name = p_table_name and p.state = 'merged' and p.reason is null and p.previous ? 'settings';
    end if;
  end if;
  return query
  select p.state, p.legacy_id, p.line_number,
    case when p.reason is null then case p.state when 'added' then 'removed' else 'restored' end else 'stays' end,
    p.reason
  from pg_temp.legacy_plan p
  where p.table_name = p_table_name and p.state in ('added', 'merged');
end;
$$;
comment on function app_private.roll_back_legacy_table(text) is
  'Removes rows that the import added to a table, and restores rows that it merged, unless a user has changed them or '
  'other rows refer to them. Call it for the tables in reverse order. Returns the outcome of each row, with the '
  'reason.';
--! EndIncluded app_private/functions/roll_back_legacy_table.sql
--! Included app_private/functions/stage_reference_rows.sql
create or replace function app_private.stage_reference_rows(organization_id integer, run_id bigint, rows jsonb)
  returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := stage_reference_rows.organization_id;
  p_run_id constant bigint := stage_reference_rows.run_id;
  run app_public.reference_runs;
begin
  update app_public.reference_runs r
  set rows_read = r.rows_read + jsonb_array_length(stage_reference_rows.rows)
  where r.organization_id = p_organization_id and r.id = p_run_id and r.state = 'running'
  returning r.* into run;
  if run.id is null then
    return false;
  end if;
  insert into app_private.reference_staging (organization_id, run_id, position, code, parent, description, category,
    class, manufacturer, model, is_out_of_service, reason)
  select p_organization_id, p_run_id,
    run.rows_read - jsonb_array_length(stage_reference_rows.rows) + r.number,
    left(c.code, 300),
    coalesce(case run.list when 'class' then c.category when 'model' then c.manufacturer end, ''),
    left(c.description, 500), c.category, c.class, c.manufacturer, c.model, c.is_out_of_service,
    case
      -- Members of this organization read the rejects, so they must not show data of another organization.
      when run.list = 'equipment' and not c.organization in (o.code, '*') then 'other-organization'
      when c.code is null then 'missing-code'
      when length(c.code) > coalesce(f.max_length, 50) then 'too-long'
      when c.code ~ '[\u0001-\u001f\u007f]' then 'control-characters'
    end
  from jsonb_array_elements(stage_reference_rows.rows) with ordinality r (value, number)
  join app_public.organizations o on o.id = p_organization_id
  left join app_public.pfa_fields f on f.key = run.list
  cross join lateral (
    select nullif(app_core.cleaned_text(r.value->>'code'), '') as code,
      app_core.cleaned_text(r.value->>'description') as description,
      nullif(left(app_core.cleaned_text(r.value->>'category'), 200), '') as category,
      nullif(left(app_core.cleaned_text(r.value->>'class'), 200), '') as class,
      nullif(left(app_core.cleaned_text(r.value->>'manufacturer'), 200), '') as manufacturer,
      nullif(left(app_core.cleaned_text(r.value->>'model'), 200), '') as model,
      nullif(app_core.cleaned_text(r.value->>'organization'), '') as organization,
      lower(r.value->>'outOfService') in ('+', 'true', '1', '-1', 'y', 'yes') as is_out_of_service
  ) c;
  return true;
end;
$$;
comment on function app_private.stage_reference_rows(integer, bigint, jsonb) is
  'Stages a page of a list, `[{"code", "description", "category", "class", "manufacturer", "model", "organization", '
  '"outOfService"}]`, with texts cleaned like drafts, and judges each row. Returns false if the run is no longer '
  'current and must stop.';
grant execute on function app_private.stage_reference_rows(integer, bigint, jsonb) to vanguard_worker;
--! EndIncluded app_private/functions/stage_reference_rows.sql
--! Included app_private/functions/sync_source.sql
create or replace function app_private.sync_source(organization_id integer) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select md5(jsonb_build_array(
    (select jsonb_build_array(c.api_configuration_id, c.url, c.tenant, c.grid_name, c.grid_id, c.date_order,
       s.login_organization, s.grid_path, s.month_language)
     from app_private.pems_connection(sync_source.organization_id, 'read') c
     join app_public.pems_settings s on s.api_configuration_id = c.api_configuration_id),
    (select o.code from app_public.organizations o where o.id = sync_source.organization_id),
    (select jsonb_agg(jsonb_build_array(m.key, m.kind, m.max_length, m.max_amount, m.grid_aliases) order by m.key)
     from app_private.field_mapping(sync_source.organization_id) m),
    -- Learned spellings do not affect the fingerprint.
    (select jsonb_agg(jsonb_build_array(c.key, c.value, c.spelling) order by c.key, c.value, c.spelling, c.notation)
     from app_private.pfa_field_choices c
     where c.notation is not null
       and (c.organization_id = sync_source.organization_id or c.organization_id is null)))::text);
end;
comment on function app_private.sync_source(integer) is
  'Returns a fingerprint of the settings that decide how a record of PEMS is read: connection, code and mapping. With '
  'another fingerprint, a record may differ here without a change in PEMS.';
--! EndIncluded app_private/functions/sync_source.sql
--! Included app_private/functions/write_legacy_modifications.sql
create or replace function app_private.write_legacy_modifications() returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
declare
  drafted record;
begin
  with planned as (
    select p.line_number, (o.target->>'id')::integer as organization_id, (u.target->>'id')::integer as user_id,
      p.content->>'pfa_id' as pfa_id, p.content, p.target->'keys' as keys, r.data as seen,
      -- Only if the prototype's mirror shows the value that the author saw. Otherwise another value could be
      -- overwritten unnoticed. Times of PEMS have no zone, so a day is added.
      coalesce(p.content->>'base_version' = r.content->>'prototype_version'
        or (r.content->>'version')::timestamp + interval '1 day' < (p.content->>'created_at')::timestamp, false)
        as is_known
    from pg_temp.legacy_plan p
    join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    join pg_temp.legacy_plan u on u.table_name = 'users' and u.legacy_id = p.refs->>'user_id'
    left join pg_temp.legacy_plan r on r.table_name = 'pfa_records' and r.state in ('added', 'same')
      and r.refs->>'organization_id' = p.refs->>'organization_id' and r.content->>'pfa_id' = p.content->>'pfa_id'
    where p.table_name = 'pfa_modification' and p.state = 'added'
  ),
  drafts as (
    select l.organization_id, l.user_id, l.pfa_id,
      jsonb_object_agg(k.key, app_core.normalized(l.content->'delta'->k.key)) as delta,
      jsonb_object_agg(k.key, app_core.normalized(case when l.content->'base' ? k.key then l.content->'base'->k.key
        when l.is_known then l.seen->k.key end)) as base,
      left(max(l.content->>'comment'), 2000) as comment,
      least(min((l.content->>'created_at')::timestamptz), now()) as made_at
    from planned l cross join lateral jsonb_array_elements_text(l.keys) k(key)
    group by 1, 2, 3
  ),
  made as (
    insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, comment, created_at)
    select d.organization_id, d.user_id, d.pfa_id, d.delta, d.base, d.comment, coalesce(d.made_at, now())
    from drafts d
    order by d.organization_id, d.pfa_id, d.user_id
    on conflict (organization_id, user_id, pfa_id) where state = 'draft' do nothing
    returning organization_id, user_id, pfa_id, id
  )
  update pg_temp.legacy_plan p set target = p.target || jsonb_build_object('modification_id', m.id)
  from made m join planned l using (organization_id, user_id, pfa_id)
  where p.table_name = 'pfa_modification' and p.line_number = l.line_number;
  -- The record itself had an unsubmitted edit of the same user.
  update pg_temp.legacy_plan p set state = 'same'
  where p.table_name = 'pfa_modification' and p.state = 'added' and not p.target ? 'modification_id';

  for drafted in
    select (o.target->>'id')::integer as id, array_agg(distinct p.content->>'pfa_id') as pfa_ids
    from pg_temp.legacy_plan p
    join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    where p.table_name = 'pfa_modification' and p.state = 'added'
    group by 1
  loop
    perform app_private.rebase_drafts(drafted.id, drafted.pfa_ids);
    perform app_private.rewrite_overlay(drafted.id, drafted.pfa_ids);
  end loop;
end;
$$;
comment on function app_private.write_legacy_modifications() is
  'Converts unconfirmed changes of the prototype to drafts, and compares them with the mirror. An import commits '
  'nothing: PEMS receives only changes that users submit here. An unknown base is null, so another value in PEMS is a '
  'conflict for the author to decide.';
--! EndIncluded app_private/functions/write_legacy_modifications.sql
--! Included app_private/functions/write_legacy_table.sql
create or replace function app_private.write_legacy_table(table_name text) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  -- Memory for one sort of hundreds of thousands of records.
  set work_mem = '256MB'
  set maintenance_work_mem = '256MB'
as $$
#variable_conflict use_column
declare
  p_table_name constant text := write_legacy_table.table_name;
  p_target constant regclass := (select t.target from app_private.legacy_table t where t.name = p_table_name);
  record constant text := app_private.legacy_record(p_target);
  has_legacy_id constant boolean := exists (select from pg_attribute a where a.attrelid = p_target
    and a.attname = 'legacy_id');
  parts record;
  indexes text[];
  definition text;
  drafted record;
begin
  if p_table_name = 'pfa_modification' then
    perform app_private.write_legacy_modifications();
    return;
  end if;
  if p_table_name = 'pfa_records' then
    -- If the import adds more rows than exist, rebuilding the indexes afterwards takes half the time. Readers of
    -- records wait until it ends.
    if (select count(*) from pg_temp.legacy_plan p where p.table_name = p_table_name and p.state = 'added')
      > (select count(*) from (select from app_core.pfa_mirror limit 1000000) m) then
      select array_agg(pg_get_indexdef(i.indexrelid)), string_agg(format('drop index %s', i.indexrelid::regclass), '; ')
        into indexes, definition
      from pg_index i where i.indrelid = p_target and not i.indisprimary;
      execute definition;
    end if;
    insert into app_core.pfa_mirror (organization_id, pfa_id, data, version, version_by, observed_at)
    select (o.target->>'id')::integer, p.content->>'pfa_id', p.data, (p.content->>'version')::timestamp,
      p.content->>'version_by',
      -- A later response of PEMS counts as newer, whatever the clock of the prototype showed.
      least((p.content->>'observed_at')::timestamptz, now())
    from pg_temp.legacy_plan p
    join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    where p.table_name = p_table_name and p.state = 'added'
    order by 1, 2;
    foreach definition in array coalesce(indexes, '{}') loop
      execute definition;
    end loop;
    -- Edits that were never submitted become drafts. The values that their authors saw are unknown: the base is empty,
    -- and another value in PEMS is a conflict for the author to decide.
    with drafts as (
      select p.line_number, (o.target->>'id')::integer as organization_id, (u.target->>'id')::integer as user_id,
        p.content->>'pfa_id' as pfa_id, p.content->'draft' as delta,
        least((p.content->>'modified_at')::timestamptz, now()) as made_at
      from pg_temp.legacy_plan p
      join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
      join pg_temp.legacy_plan u on u.table_name = 'users' and u.legacy_id = p.refs->>'draft_user'
      where p.table_name = p_table_name and p.state in ('added', 'same') and p.content ? 'draft'
    ),
    made as (
      insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, created_at)
      select d.organization_id, d.user_id, d.pfa_id, d.delta,
        (select jsonb_object_agg(k, null) from jsonb_object_keys(d.delta) k), coalesce(d.made_at, now())
      from drafts d
      -- An existing draft of the user stays.
      on conflict (organization_id, user_id, pfa_id) where state = 'draft' do nothing
      returning organization_id, user_id, pfa_id, id
    )
    update pg_temp.legacy_plan p set target = jsonb_build_object('modification_id', m.id)
    from made m join drafts d using (organization_id, user_id, pfa_id)
    where p.table_name = p_table_name and p.line_number = d.line_number;
    for drafted in
      select (o.target->>'id')::integer as id, array_agg(p.content->>'pfa_id') as pfa_ids,
        array_agg(p.content->>'pfa_id') filter (where p.state = 'same') as known
      from pg_temp.legacy_plan p
      join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
      where p.table_name = p_table_name and p.target ? 'modification_id'
      group by 1
    loop
      perform app_private.rebase_drafts(drafted.id, coalesce(drafted.known, '{}'));
      perform app_private.rewrite_overlay(drafted.id, drafted.pfa_ids);
    end loop;
    return;
  end if;

  -- Generated keys replace their placeholders.
  update pg_temp.legacy_plan p
  set content = p.content || r.keys, target = case when p.target is null then null else p.target
    || coalesce(r.target_keys, '{}') end
  from (
    select p.line_number, jsonb_object_agg(k.key, o.target->'id') as keys,
      jsonb_object_agg(k.key, o.target->'id') filter (where p.target ? k.key) as target_keys
    from pg_temp.legacy_plan p
    cross join lateral jsonb_each_text(p.refs) k
    join app_private.legacy_column c on c.table_name = p_table_name and c.target = k.key
    join pg_temp.legacy_plan o on o.table_name = c.parent and o.table_name <> 'pfa_records' and o.legacy_id = k.value
    where p.table_name = p_table_name and p.state in ('added', 'merged')
    group by p.line_number
  ) r
  where p.table_name = p_table_name and p.line_number = r.line_number;

  -- A required column without a value in the prototype gets its default.
  select
    string_agg(format('%I', a.attname), ', ' order by a.attnum) as columns,
    string_agg(case when a.attnotnull and d.adbin is not null then format('coalesce(t.%I, %s)', a.attname,
      pg_get_expr(d.adbin, d.adrelid))
      else format('t.%I', a.attname) end, ', ' order by a.attnum) as inserted,
    string_agg(case when a.attnotnull then format('%I = coalesce(t.%I, e.%I)', a.attname, a.attname, a.attname)
      else format('%I = t.%I', a.attname, a.attname) end, ', ' order by a.attnum)
      -- An existing row keeps its key and its creation time.
      filter (where a.attname not in ('id', 'created_at', 'updated_at')) as updated
  into parts
  from pg_attribute a
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = p_target and a.attnum > 0 and not a.attisdropped
    and (exists (select from app_private.legacy_column c where c.table_name = p_table_name and c.target = a.attname
      and c.kind not in ('secret', 'password'))
      or exists (select from app_private.legacy_table t where t.name = p_table_name and t.constants ? a.attname));

  execute format($q$
    update pg_temp.legacy_plan p set previous = to_jsonb(e)
    from %1$s e
    where p.table_name = %2$L and p.state = 'merged' and %3$s$q$,
    p_target, p_table_name, app_private.legacy_target_join(p_target));
  execute format($q$
    insert into %1$s (%2$s)
    select %3$s from pg_temp.legacy_plan p cross join lateral %4$s
    where p.table_name = %5$L and p.state = 'added'
    order by p.line_number$q$,
    p_target, parts.columns, parts.inserted, record, p_table_name);
  if has_legacy_id then
    execute format($q$
      update pg_temp.legacy_plan p set target = %1$s
      from %2$s e
      where p.table_name = %3$L and p.state = 'added' and e.legacy_id = p.legacy_id$q$,
      app_private.legacy_target_key(p_target, 'e'), p_target, p_table_name);
  end if;
  execute format($q$
    update %1$s e set %2$s
    from pg_temp.legacy_plan p cross join lateral %3$s
    where p.table_name = %4$L and p.state = 'merged' and %5$s$q$,
    p_target, parts.updated, record, p_table_name, app_private.legacy_target_join(p_target));

  if p_table_name = 'users' then
    -- The password of the prototype stays valid. An account with a password that was chosen here keeps both.
    update pg_temp.legacy_plan p set previous = coalesce(p.previous, '{}')
      || jsonb_build_object('password', to_jsonb(w))
    from app_private.user_passwords w
    where p.table_name = 'users' and p.state in ('merged', 'same') and w.user_id = (p.target->>'id')::integer;
    insert into app_private.user_passwords as w (user_id, password_hash, must_change, changed_at)
    select (p.target->>'id')::integer, p.secrets->>'password', false, now()
    from pg_temp.legacy_plan p
    where p.table_name = 'users' and p.state in ('added', 'merged', 'same')
    on conflict (user_id) do update
      set password_hash = excluded.password_hash, must_change = false, changed_at = excluded.changed_at
      where w.must_change;
  end if;
  if p_table_name in ('api_configurations', 'ai_providers') then
    -- Earlier credentials belong to another server.
    update pg_temp.legacy_plan p set previous = p.previous || jsonb_build_object('credentials', c.credentials)
    from (
      select coalesce(c.api_configuration_id, c.ai_provider_id) as id, c.ai_provider_id is not null as is_provider,
        jsonb_agg(to_jsonb(c)) as credentials
      from app_private.credentials c group by 1, 2
    ) c
    where p.table_name = p_table_name and p.state = 'merged' and c.id = p.target->>'id'
      and c.is_provider = (p_table_name = 'ai_providers');
    delete from app_private.credentials c using pg_temp.legacy_plan p
    where p.table_name = p_table_name and p.state = 'merged'
      and p.target->>'id' = case p_table_name when 'ai_providers' then c.ai_provider_id else c.api_configuration_id end;
  end if;
  if p_table_name = 'api_configurations' then
    -- The prototype stored settings of PEMS as headers.
    update pg_temp.legacy_plan p set previous = p.previous || jsonb_build_object('settings', to_jsonb(s))
    from app_public.pems_settings s
    where p.table_name = 'api_configurations' and p.state = 'merged' and s.api_configuration_id = p.target->>'id';
    insert into app_public.pems_settings as s (api_configuration_id, tenant, grid_name, grid_id, login_organization)
    select p.target->>'id', e.tenant, coalesce(e.grid_name, s.grid_name, 'CUPFAG'),
      coalesce(e.grid_id, s.grid_id, '100541'), e.login_organization
    from pg_temp.legacy_plan p
    cross join lateral jsonb_to_record(p.content->'endpoint') e(tenant text, grid_name text, grid_id text,
      login_organization text)
    left join app_public.pems_settings s on s.api_configuration_id = p.target->>'id'
    where p.table_name = 'api_configurations' and p.state in ('added', 'merged') and e.tenant is not null
    on conflict (api_configuration_id) do update set tenant = excluded.tenant, grid_name = excluded.grid_name,
      grid_id = excluded.grid_id, login_organization = excluded.login_organization;
  end if;
end;
$$;
comment on function app_private.write_legacy_table(text) is
  'Writes the planned rows of a table, with passwords and tenants: adds them, or merges them into rows that no user '
  'has changed, and keeps the earlier content. It does not handle encrypted values.';
--! EndIncluded app_private/functions/write_legacy_table.sql
--! Included app_private/functions/write_reference_setting.sql
create or replace function app_private.write_reference_setting(api_configuration_id text, check_mode text,
  every interval) returns boolean
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if not exists (select from app_public.pems_settings p
    where p.api_configuration_id = write_reference_setting.api_configuration_id) then
    return false;
  end if;
  insert into app_private.reference_settings as s (api_configuration_id, check_mode, every)
  select write_reference_setting.api_configuration_id, coalesce(write_reference_setting.check_mode, n.check_mode),
    coalesce(write_reference_setting.every, n.every)
  from app_private.reference_setting(write_reference_setting.api_configuration_id) n
  on conflict (api_configuration_id) do update set check_mode = excluded.check_mode, every = excluded.every;
  return true;
end;
$$;
comment on function app_private.write_reference_setting(text, text, interval) is
  'Changes the settings of a connection for reference lists. Null keeps a setting. Returns false if the connection '
  'does not exist.';
--! EndIncluded app_private/functions/write_reference_setting.sql
--! Included app_public/functions/accept_list_removals.sql
create or replace function app_public.accept_list_removals(organization_id integer, list text)
  returns app_public.reference_runs
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(accept_list_removals.organization_id);
  return app_private.accept_reference_removals(accept_list_removals.organization_id, accept_list_removals.list,
    app_core.current_user_id());
end;
$$;
comment on function app_public.accept_list_removals(integer, text) is
  E'@resultFieldName referenceRun\nRemoves the withheld entries of a reference list: PEMS no longer lists them, and '
  'they are suspiciously many. For owners and admins of the organization.';
grant execute on function app_public.accept_list_removals(integer, text) to vanguard_visitor;
--! EndIncluded app_public/functions/accept_list_removals.sql
--! Included app_public/functions/accept_organization.sql
create or replace function app_public.accept_organization(code text) returns app_public.organization_proposals
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if not app_core.is_administrator() then
    raise exception 'Only an administrator may do this.'
      using errcode = 'VG403', hint = 'Ask an administrator of this installation.';
  end if;
  return app_private.decide_organization_proposal(accept_organization.code, true, app_core.current_user_id());
end;
$$;
comment on function app_public.accept_organization(text) is
  E'@resultFieldName organizationProposal\nAdds an organization that PEMS proposed, with its code and name. It has '
  'no members yet, and its first sync follows. For administrators.';
grant execute on function app_public.accept_organization(text) to vanguard_visitor;
--! EndIncluded app_public/functions/accept_organization.sql
--! Included app_public/functions/dismiss_organization.sql
create or replace function app_public.dismiss_organization(code text) returns app_public.organization_proposals
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if not app_core.is_administrator() then
    raise exception 'Only an administrator may do this.'
      using errcode = 'VG403', hint = 'Ask an administrator of this installation.';
  end if;
  return app_private.decide_organization_proposal(dismiss_organization.code, false, app_core.current_user_id());
end;
$$;
comment on function app_public.dismiss_organization(text) is
  E'@resultFieldName organizationProposal\nDismisses an organization that PEMS proposed. It is not proposed again, '
  'and can still be accepted. For administrators.';
grant execute on function app_public.dismiss_organization(text) to vanguard_visitor;
--! EndIncluded app_public/functions/dismiss_organization.sql
--! Included app_public/functions/organizations_reference_lists.sql
create or replace function app_public.organizations_reference_lists(organization app_public.organizations)
  returns setof app_public.reference_list
  language plpgsql stable strict security definer
  set search_path = pg_catalog, pg_temp
  rows 5
as $$
begin
  if organization.id is null then
    return;
  end if;
  perform app_private.require_readable(organization.id);
  return query
    select l.list,
      (select count(*)::integer from app_public.reference_entries e
       where e.organization_id = organization.id and e.list = l.list and not e.is_out_of_service),
      c.mode, done.finished_at, last.id, last.state, last.error_message, last.error_hint, done.notice,
      case when done.accepted_at is null then coalesce(done.rows_withheld, 0) else 0 end
    from unnest(array['category', 'class', 'manufacturer', 'model', 'equipment']) with ordinality l (list, position)
    cross join (select app_private.reference_check(organization.id) as mode) c
    left join lateral (
      select r.id, r.state, r.error_message, r.error_hint from app_public.reference_runs r
      where r.organization_id = organization.id and r.list = l.list order by r.id desc limit 1
    ) last on true
    left join lateral (
      select r.finished_at, r.notice, r.rows_withheld, r.accepted_at from app_public.reference_runs r
      where r.organization_id = organization.id and r.list = l.list and r.state = 'succeeded'
      order by r.id desc limit 1
    ) done on true
    order by l.position;
end;
$$;
comment on function app_public.organizations_reference_lists(app_public.organizations) is
  'The reference lists of the organization, with the number of entries, the check mode for other values, and the '
  'outcome of the last read.';
grant execute on function app_public.organizations_reference_lists(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_reference_lists.sql
--! Included app_public/functions/organizations_suggestions.sql
create or replace function app_public.organizations_suggestions(organization app_public.organizations, list text,
  search text default '', category text default '', manufacturer text default '')
  returns setof app_public.reference_entries
  language plpgsql stable strict security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  rows 50
as $$
#variable_conflict use_column
declare
  p_list constant text := organizations_suggestions.list;
  words constant text[] := app_core.search_words(search);
  patterns constant text[] := array(select app_core.search_pattern(w) from unnest(words) w);
  whole constant text := lower(app_core.cleaned_text(search));
  beginning constant text := substr(app_core.search_pattern(whole), 2);
  of_parent constant text := nullif(case p_list when 'class' then category when 'model' then manufacturer end, '');
  narrows boolean;
begin
  if organization.id is null then
    return;
  end if;
  perform app_private.require_readable(organization.id);
  if p_list not in ('category', 'class', 'manufacturer', 'model', 'equipment') then
    raise exception 'There is no list %.', quote_literal(p_list)
      using errcode = 'VG400', hint = 'Give category, class, manufacturer, model or equipment.';
  end if;
  if length(search) > 200 then
    raise exception 'The text to search for has % characters, and at most 200 are allowed.', length(search)
      using errcode = 'VG400', hint = 'Search for fewer or shorter words.';
  end if;
  -- A category without classes, and a manufacturer without models, allow any.
  narrows := of_parent is not null and exists (
    select from app_public.reference_entries e
    where e.organization_id = organization.id and e.list = p_list and e.parent = of_parent);
  return query
    with first as materialized (
      select e.code, e.parent from app_public.reference_entries e
      where e.organization_id = organization.id and e.list = p_list and lower(e.code) like beginning
        and not e.is_out_of_service and (not narrows or e.parent in ('', of_parent))
      order by lower(e.code) using ~<~, e.parent limit 50
    ),
    -- Reads the whole list, but only if there are too few prefix matches.
    other as materialized (
      select e.code, e.parent from app_public.reference_entries e
      where e.organization_id = organization.id and e.list = p_list
        and (select count(*) from first) < 50 and cardinality(words) > 0
        and lower(e.code || ' ' || e.description) like all (patterns) and not lower(e.code) like beginning
        and not e.is_out_of_service and (not narrows or e.parent in ('', of_parent))
      order by ' ' || lower(e.code || ' ' || e.description) like '% ' || beginning desc, lower(e.code), e.parent
      limit 50
    )
    select e.*
    from (
      select f.code, f.parent, 1 as rank, row_number() over (order by lower(f.code) using ~<~, f.parent) as number
      from first f
      union all
      select o.code, o.parent, 2, row_number() over () from other o
    ) found
    join app_public.reference_entries e on e.organization_id = organization.id and e.list = p_list
      and e.code = found.code and e.parent = found.parent
    order by found.rank, found.number limit 50;
end;
$$;
comment on function app_public.organizations_suggestions(app_public.organizations, text, text, text, text) is
  'At most 50 entries of a reference list (`category`, `class`, `manufacturer`, `model`, `equipment`) that match a '
  'text. Entries whose code starts with the text come first, then those with every word in their code or description. '
  'A category restricts classes, a manufacturer restricts models.';
grant execute on function app_public.organizations_suggestions(app_public.organizations, text, text, text,
  text) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_suggestions.sql
--! Included app_public/functions/organizations_unlisted_values.sql
create or replace function app_public.organizations_unlisted_values(organization app_public.organizations)
  returns setof app_public.unlisted_value
  language plpgsql stable strict security definer
  set search_path = pg_catalog, pg_temp
  rows 20
as $$
begin
  if organization.id is null then
    return;
  end if;
  perform app_private.require_readable(organization.id);
  if app_private.reference_check(organization.id) = 'off' then
    return;
  end if;
  return query
    select u.* from app_private.judge_values(organization.id, (
      select jsonb_agg(jsonb_build_object('recordId', d.pfa_id, 'key', k.key, 'value', k.value,
        'category', coalesce(d.delta->>'category', m.data->>'category'),
        'manufacturer', coalesce(d.delta->>'manufacturer', m.data->>'manufacturer')))
      from app_core.pfa_modification d
      cross join lateral jsonb_each_text(d.delta) k
      left join app_core.pfa_mirror m on m.organization_id = organization.id and m.pfa_id = d.pfa_id
      where d.organization_id = organization.id and d.user_id = app_core.current_user_id() and d.state = 'draft'
        and d.delta ?| array['category', 'class', 'manufacturer', 'model', 'equipment']
        and k.key in ('category', 'class', 'manufacturer', 'model', 'equipment'))) u
    limit 1000;
end;
$$;
comment on function app_public.organizations_unlisted_values(app_public.organizations) is
  'Values of your drafts that PEMS does not list, at most 1,000. With the check mode `warn` they are hints: you can '
  'submit such a draft. Empty if the check mode is `off`.';
grant execute on function app_public.organizations_unlisted_values(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_unlisted_values.sql
--! Included app_public/functions/request_lists.sql
create or replace function app_public.request_lists(organization_id integer)
  returns setof app_public.reference_runs
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(request_lists.organization_id);
  if app_private.pull_connection(request_lists.organization_id) is null then
    raise exception 'No connection to PEMS is configured for this organization.'
      using errcode = 'VG422', hint = 'Create one with `npx vanguard connection create`.';
  end if;
  return query select r.* from app_private.queue_reference_runs(request_lists.organization_id, 'user',
    app_core.current_user_id()) r;
end;
$$;
comment on function app_public.request_lists(integer) is
  E'@resultFieldName referenceRuns\nRequests a read of the organization''s reference lists from PEMS, and returns '
  'one run for each list. A request joins a waiting run. For owners and admins of the organization.';
grant execute on function app_public.request_lists(integer) to vanguard_visitor;
--! EndIncluded app_public/functions/request_lists.sql
--! Included app_public/functions/resolve_problems.sql
create or replace function app_public.resolve_problems(organization_id integer, resolutions app_public.pfa_resolution[])
  returns app_public.pfa_resolve_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := resolve_problems.organization_id;
  me constant integer := app_core.current_user_id();
  ids text[];
  items jsonb;
  wrong jsonb;
  told jsonb;
  result app_public.pfa_resolve_result;
begin
  perform app_private.require_writable(p_organization_id);
  if coalesce(cardinality(resolutions), 0) not between 1 and 5000 then
    raise exception 'These are % resolutions, and 1 to 5,000 can be made at once.',
      coalesce(cardinality(resolutions), 0)
      using errcode = 'VG400', hint = 'Give at least one {recordId, revision, choice}, or use resolveAllProblems.';
  end if;
  select jsonb_agg(jsonb_build_object('recordId', r.record_id, 'problem', w.words)) into wrong
  from unnest(resolutions) r
  cross join lateral (
    select case
      when r.record_id is null then 'names no record'
      when r.revision is null then 'has no revision'
      when r.choice is null or r.choice not in ('mine', 'theirs',
        'value') then 'has a choice that is none of mine, theirs, value'
      when r.choice = 'value' and coalesce(cardinality(r.keys),
        0) <> 1 then 'gives a value, and not exactly one key for it'
      when r.choice <> 'value' and r.value is not null then 'gives a value without the choice value'
      when cardinality(r.keys) = 0 then 'names no key; leave the keys out to mean all'
    end as words
  ) w
  where w.words is not null;
  if wrong is not null then
    raise exception 'A resolution %.', wrong->0->>'problem'
      using errcode = 'VG400', detail = wrong::text, hint = 'Nothing was resolved. Correct those named in the details.';
  end if;

  ids := array(select distinct r.record_id from unnest(resolutions) r);
  perform app_private.lock_operations(p_organization_id, me);
  perform app_private.lock_records(p_organization_id, ids);

  with problem as materialized (
    select p.* from app_private.problems_of(p_organization_id, me, ids) p
  ),
  named as materialized (
    select r.record_id as id, r.revision, r.choice, k.key, r.value
    from unnest(resolutions) r
    cross join lateral (
      select unnest(r.keys) as key
      union all
      select p.key from problem p where r.keys is null and p.pfa_id = r.record_id
      union all
      select null where r.keys is null and not exists (select from problem p where p.pfa_id = r.record_id)
    ) k
  ),
  unlisted as materialized (
    select u.record_id, u.key, u.problem
    from app_private.judge_values(p_organization_id, (
      select jsonb_agg(jsonb_build_object('recordId', n.id, 'key', n.key, 'value', n.value,
        'category', m.data->'category', 'manufacturer', m.data->'manufacturer'))
      from named n
      join app_private.merged_for(p_organization_id, me, ids) m on m.pfa_id = n.id
      where app_private.reference_check(p_organization_id) = 'refuse' and n.choice = 'value'
        and n.key in ('category', 'class', 'manufacturer', 'model', 'equipment')
        and jsonb_typeof(n.value) = 'string')) u
  ),
  judged as materialized (
    select n.*, p.key is not null as is_problem, p.mine, c.revision as current_revision, c.data, f.problem as unfit,
      case
        when count(*) over (partition by n.id, n.key) > 1 then 'VG400'
        when c.pfa_id is null then 'VG404'
        when c.revision <> n.revision then 'VG409'
        when p.key is null then 'VG404'
        when p.is_removed and n.choice <> 'theirs' then 'VG422'
        when f.problem is not null then 'VG422'
      end as code
    from named n
    left join app_private.merged_for(p_organization_id, me, ids) c on c.pfa_id = n.id
    left join problem p on p.pfa_id = n.id and p.key = n.key
    left join app_private.field_mapping(p_organization_id) w on w.key = n.key
    left join app_public.pfa_fields d on d.key = n.key
    cross join lateral (
      select case when n.choice = 'value' then coalesce(app_private.key_problem(d, w.screen_field, c.data,
        n.value), (select u.problem from unlisted u where u.record_id = n.id and u.key = n.key limit 1)) end as problem
    ) f
  ),
  moved as materialized (
    select m
    from app_private.refused_changes(p_organization_id, me, (
      select coalesce(jsonb_agg(jsonb_build_object('recordId', j.id, 'revision', j.revision, 'changes', j.keys)), '[]')
      from (
        select j.id, j.revision, coalesce(jsonb_object_agg(j.key, null) filter (where j.key is not null), '{}') as keys
        from judged j where j.code = 'VG409' group by j.id, j.revision
      ) j)) c
    cross join jsonb_array_elements(c.moved) m
  ),
  refusal as (
    select j.code, j.id, j.key, jsonb_build_object('recordId', j.id, 'key', j.key) || case j.code
        when 'VG400' then jsonb_build_object('problem', 'is named more than once')
        when 'VG422' then jsonb_build_object('value', j.value,
          'problem', coalesce(j.unfit, 'can only be given up, with theirs: the record was removed from PEMS'))
        else jsonb_build_object('problem',
          case when j.current_revision is null then 'there is no such record' else 'there is no such problem of yours'
          end)
      end as told
    from judged j where j.code <> 'VG409'
    union all
    -- Returns what save_drafts returns and the current problems, which a user needs to choose again.
    select distinct on (j.id) j.code, j.id, null, jsonb_build_object('recordId', j.id, 'problem',
      'it changed since you saw it',
        'revision', j.revision, 'currentRevision', j.current_revision)
      || coalesce((select m.m from moved m where m.m->>'recordId' = j.id limit 1), '{}')
      || jsonb_build_object('problems', coalesce((
        select d.problems from app_core.pfa_modification d
        where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.pfa_id = j.id),
          '{}'))
    from judged j where j.code = 'VG409' order by 2
  )
  select
    (select jsonb_agg(r.told || jsonb_build_object('code', r.code) order by r.code, r.id, r.key) from refusal r),
    (select jsonb_agg(jsonb_build_object('recordId', j.id, 'key', j.key, 'choice', j.choice,
      'value', case j.choice when 'mine' then j.mine when 'value' then app_core.normalized(j.value) end)) from judged j)
    into wrong, items;

  if wrong is not null then
    told := (select jsonb_agg(w - 'code' order by o) from jsonb_array_elements(wrong) with ordinality e (w, o));
    raise exception using
      errcode = wrong->0->>'code',
      message = case wrong->0->>'code'
        when 'VG409' then format('Record %s changed since you saw it.', wrong->0->>'recordId')
        when 'VG404' then format('Of record %s%s %s.', wrong->0->>'recordId',
          coalesce(', key ' || (wrong->0->>'key') || ',', ''), wrong->0->>'problem')
        else format('%s of record %s %s.', coalesce(wrong->0->>'key', 'It'), wrong->0->>'recordId',
          wrong->0->>'problem')
      end,
      detail = told::text,
      hint = case wrong->0->>'code'
        when 'VG409' then 'Nothing was resolved. Look at the current problems in the details, then choose again with '
                          'the current revision.'
        when 'VG404' then 'Nothing was resolved. The problems that you have are those of your drafts: myDrafts lists '
                          'them.'
        else 'Nothing was resolved. Correct those named in the details.'
      end;
  end if;
  result := app_private.apply_resolutions(p_organization_id, items);

  -- Compares with the current record, including keys that the same call resolves with theirs.
  select jsonb_agg(jsonb_build_object('recordId', m.pfa_id, 'key', r.last_key, 'value', m.data->r.last_key,
      'problem', format('lies before %s (%s)', r.first_key, m.data->>r.first_key)) order by m.pfa_id, r.last_key)
    into wrong
  from app_private.merged_for(p_organization_id, me, array(
    select i->>'recordId' from jsonb_array_elements(items) i where i->>'choice' = 'value')) m
  cross join lateral app_private.reversed_dates(m.data) r
  where exists (
    select from jsonb_array_elements(items) i
    where i->>'recordId' = m.pfa_id and i->>'choice' = 'value' and i->>'key' in (r.first_key, r.last_key));
  if wrong is not null then
    raise exception '% of record % %.', wrong->0->>'key', wrong->0->>'recordId', wrong->0->>'problem'
      using errcode = 'VG422', detail = wrong::text, hint
        = 'Nothing was resolved. Choose other values for those named in the details.';
  end if;
  return result;
end;
$$;
comment on function app_public.resolve_problems(integer, app_public.pfa_resolution[]) is
  E'@resultFieldName result\nResolves problems of your drafts, by key or by record: with your value (commit it again '
  'afterwards), with theirs, or with a third value. Resolves all or none; refused items are listed.';
grant execute on function app_public.resolve_problems(integer, app_public.pfa_resolution[]) to vanguard_visitor;
--! EndIncluded app_public/functions/resolve_problems.sql
--! Included app_public/views/pfa_record.sql
-- The merged record has three layers: the mirror, if neither a pending change nor a draft of the user covers it;
-- pending changes, if no draft covers them; the user's drafts. Its form was measured at a million records
-- (docs/explanation/performance.md).
-- The branches are plain tables with a constant layer. So the planner folds the CASE to the condition of that layer,
-- reads each table by its index, and merges the index orders of all three. A WHERE inside a branch hides that order.
-- The operator IN reads the covering rows once, not for each record.
-- The condition `case when ... in (...) then 1 else 0 end <> 1` means `not in`. The planner expects nearly all rows to
-- pass it, which is right. It expects half of them to pass `not in`, and then sorts whole organizations for one page.
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
  r.data->>'originalCategory' as original_category,
  r.data->>'originalClass' as original_class,
  r.data->>'originalSource' as original_source,
  r.data->>'originalDor' as original_dor,
  (r.data->>'originalMonthlyRate')::numeric as original_monthly_rate,
  (r.data->>'originalPurchasePrice')::numeric as original_purchase_price,
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
  'user sees it: the values of PEMS, overlaid by committed values that PEMS has not confirmed, overlaid by the '
  'user''s draft.';
comment on column app_public.pfa_record.organization_id is 'The organization.';
comment on column app_public.pfa_record.pfa_id is E'@behavior +orderBy +filterBy\nIdentity inside its organization.';
comment on column app_public.pfa_record.revision is
  E'@notNull\nRevision of the record. Send it with a draft: the draft is refused if the record has changed since.';
comment on column app_public.pfa_record.has_draft is
  E'@notNull\n@behavior +filterBy\nWhether you have a draft of the record.';
comment on column app_public.pfa_record.is_pending is
  E'@notNull\n@behavior +filterBy\nWhether a committed change of the record is not confirmed by PEMS yet.';
comment on column app_public.pfa_record.has_problem is
  E'@notNull\n@behavior +filterBy\nWhether a key of your draft has a problem.';
comment on column app_public.pfa_record.area_silo is E'@behavior +orderBy +filterBy\nArea of the site, e.g. `Silo 4`.';
comment on column app_public.pfa_record.category is E'@behavior +orderBy +filterBy\nEquipment category.';
comment on column app_public.pfa_record.class is E'@behavior +orderBy +filterBy\nEquipment class.';
comment on column app_public.pfa_record.source is
  E'@behavior +filterBy\n`Rental` or `Purchase`: decides the cost rule.';
comment on column app_public.pfa_record.dor is
  E'@behavior +filterBy\nPayer: `BEO` (general overhead) or `PROJECT` (a charge code).';
comment on column app_public.pfa_record.manufacturer is 'Manufacturer of the equipment.';
comment on column app_public.pfa_record.model is 'Model of the equipment.';
comment on column app_public.pfa_record.contract is 'Contract.';
comment on column app_public.pfa_record.equipment is 'Asset tag.';
comment on column app_public.pfa_record.monthly_rate is 'USD per month, for rentals.';
comment on column app_public.pfa_record.purchase_price is 'USD, for purchases.';
comment on column app_public.pfa_record.original_category is 'Equipment category in the plan; null if PEMS has none.';
comment on column app_public.pfa_record.original_class is 'Equipment class in the plan; null if PEMS has none.';
comment on column app_public.pfa_record.original_source is
  '`Rental` or `Purchase`: decides the cost rule of the plan. Null if PEMS has none; then `source` decides.';
comment on column app_public.pfa_record.original_dor is
  'Payer in the plan: `BEO` or `PROJECT`. Null if PEMS has none.';
comment on column app_public.pfa_record.original_monthly_rate is
  'USD per month in the plan. Null if PEMS has none; then `monthlyRate` counts.';
comment on column app_public.pfa_record.original_purchase_price is
  'USD in the plan. Null if PEMS has none; then `purchasePrice` counts.';
comment on column app_public.pfa_record.original_start is 'First day of the plan.';
comment on column app_public.pfa_record.original_end is 'Last day of the plan.';
comment on column app_public.pfa_record.forecast_start is E'@behavior +orderBy +filterBy\nFirst day of the forecast.';
comment on column app_public.pfa_record.forecast_end is E'@behavior +orderBy +filterBy\nLast day of the forecast.';
comment on column app_public.pfa_record.actual_start is 'First day of billing.';
comment on column app_public.pfa_record.actual_end is 'Expected end of billing.';
comment on column app_public.pfa_record.is_actualized is
  E'@notNull\n@behavior +filterBy\nWhether the equipment is on site and billing.';
comment on column app_public.pfa_record.is_discontinued is
  E'@notNull\n@behavior +filterBy\nWhether the requirement is cancelled. Discontinued records count in no total.';
comment on column app_public.pfa_record.is_funds_transferable is
  E'@notNull\n@behavior +filterBy\nWhether the budget may be given to other records.';
comment on column app_public.pfa_record.has_plan is E'@notNull\nWhether both dates of the plan are present.';
comment on column app_public.pfa_record.has_actuals is E'@notNull\nWhether both actual dates are present.';
comment on column app_public.pfa_record.plan_cost is
  E'@notNull\nCost over the plan''s dates, from the plan''s source, rate or price, USD. The forecast''s value counts '
  'if PEMS has no plan value.';
comment on column app_public.pfa_record.forecast_cost is E'@notNull\nCost over the forecast''s dates, USD.';
comment on column app_public.pfa_record.actual_cost is E'@notNull\nCost over the actual dates, USD.';
comment on column app_public.pfa_record.variance is E'@notNull\nForecast minus plan, USD: positive is over budget.';
comment on column app_public.pfa_record.forecast_cost_cents is
  E'@notNull\n@behavior +orderBy +filterBy\nForecast cost in US cents, for filters and order.';
comment on column app_public.pfa_record.base is 'Values that you saw when you drafted each key. Null without a draft.';
comment on column app_public.pfa_record.data is
  E'@notNull\nThe whole record, with the fields of PEMS that have no column here.';
comment on column app_public.pfa_record.version is 'When PEMS last changed the record, in local time of PEMS.';
comment on column app_public.pfa_record.version_by is 'User of PEMS who last changed the record.';
comment on column app_public.pfa_record.observed_at is 'When the product last read this content from PEMS.';
comment on column app_public.pfa_record.removed_at is
  'When the record was found missing in PEMS. You still see it because you have a draft.';
grant select on app_public.pfa_record to vanguard_visitor;
--! EndIncluded app_public/views/pfa_record.sql
