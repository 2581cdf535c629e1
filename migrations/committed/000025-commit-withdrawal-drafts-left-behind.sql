--! Previous: sha1:4e06c3ca0ad56918084ebcf7319547c6d7d050b6
--! Hash: sha1:0ddb61d2cb4b61e34e72ad086ad5a6878c4f29fd
--! Message: commit, withdrawal, drafts left behind

--! split: 75-commit.sql
-- Commit: what a user drafted becomes everybody's, waits for PEMS, and can be taken back until it is written there.

--------------------------------------------------------------------------------------------------
-- Drafts against what lies under them

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
      when k.is_removed then jsonb_build_object('kind', 'removed', 'base', k.base, 'mine', k.mine)
      when k.problem->>'kind' not in ('conflict', 'removed') then k.problem
      when k.theirs <> k.base and k.theirs <> k.mine then jsonb_build_object('kind', 'conflict', 'base', k.base, 'theirs', k.theirs, 'mine', k.mine)
    end
  from (
    select d.id, d.user_id, d.pfa_id, k.key, k.value as mine, d.base->k.key as base, d.problems->k.key as problem,
      app_core.normalized((r.data || coalesce(p.delta, '{}'))->k.key) as theirs,
      app_core.normalized(r.data->k.key) as in_mirror,
      r.removed_at is not null as is_removed
    from app_core.pfa_modification d
    join app_core.pfa_mirror r
      on r.organization_id = judged_drafts.organization_id and r.pfa_id = any (judged_drafts.pfa_ids) and r.pfa_id = d.pfa_id
    left join app_private.pending(judged_drafts.organization_id, judged_drafts.pfa_ids) p on p.pfa_id = d.pfa_id
    cross join jsonb_each(d.delta) k
    where d.organization_id = judged_drafts.organization_id and d.pfa_id = any (judged_drafts.pfa_ids) and d.state = 'draft'
    offset 0
  ) k;
end;
comment on function app_private.judged_drafts(integer, text[]) is
  'Every drafted key of these records, of all users, three ways: what it was drafted on (base), what lies under it now (theirs: mirror and pending), what it becomes (mine). As when drafted, or as drafted: no problem; settled when PEMS itself holds it; anything else is a conflict. A problem that push made stays.';

create or replace function app_private.rebase_drafts(organization_id integer, pfa_ids text[], out rebased integer, out conflicts integer)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := rebase_drafts.organization_id;
  p_pfa_ids constant text[] := rebase_drafts.pfa_ids;
begin
  with result as (
    select j.id,
      coalesce(jsonb_object_agg(j.key, j.mine) filter (where not j.is_settled), '{}') as delta,
      coalesce(jsonb_object_agg(j.key, j.base) filter (where not j.is_settled), '{}') as base,
      coalesce(jsonb_object_agg(j.key, j.problem) filter (where not j.is_settled and j.problem is not null), '{}') as problems,
      count(*) filter (where not j.is_settled and j.problem->>'kind' = 'conflict' and j.problem is distinct from j.old_problem) as new_conflicts
    from app_private.judged_drafts(p_organization_id, p_pfa_ids) j group by j.id
  ),
  dropped as (
    delete from app_core.pfa_modification d using result r
    where d.organization_id = p_organization_id and d.pfa_id = any (p_pfa_ids) and d.id = r.id and r.delta = '{}'
    returning 1
  ),
  moved as (
    update app_core.pfa_modification d set delta = r.delta, base = r.base, problems = r.problems
    from result r
    where d.organization_id = p_organization_id and d.pfa_id = any (p_pfa_ids) and d.id = r.id and r.delta <> '{}'
      and (d.delta, d.problems) is distinct from (r.delta, r.problems)
    returning r.new_conflicts
  )
  select (select count(*) from dropped) + (select count(*) from moved), (select coalesce(sum(new_conflicts), 0) from moved)
  into rebased, conflicts;
end;
$$;

--------------------------------------------------------------------------------------------------
-- Commit

drop type if exists app_public.pfa_commit_result cascade;
create type app_public.pfa_commit_result as (record_count integer, key_count integer, refused jsonb);
comment on type app_public.pfa_commit_result is 'What was committed, and what was not.';
comment on column app_public.pfa_commit_result.record_count is E'@notNull\nHow many records have something committed.';
comment on column app_public.pfa_commit_result.key_count is E'@notNull\nHow many keys of them.';
comment on column app_public.pfa_commit_result.refused is
  E'@notNull\nWhat stays in your draft: `[{"recordId", "key", "kind", "problem", "base", "theirs", "mine"}, ...]`. Kinds: `conflict`, `removed`, `refused`, `altered`, `failed` (they are problems of the draft), `busy` (just being written to PEMS), `invalid` (its value, or the record with it), `none` (nothing drafted of a record that was named).';

create or replace function app_private.queue_push(organization_id integer) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- One that waits takes along what was committed meanwhile.
  perform graphile_worker.add_job(
    'pfa__push',
    json_build_object('organizationId', queue_push.organization_id),
    queue_name => 'push:' || queue_push.organization_id,
    job_key => 'push:' || queue_push.organization_id,
    job_key_mode => 'preserve_run_at',
    max_attempts => 25);
end;
$$;
comment on function app_private.queue_push(integer) is 'Has what is committed in an organization written to PEMS: in the transaction that committed it, so that neither is without the other.';

create or replace function app_private.commit_records(organization_id integer, pfa_ids text[], comment text) returns app_public.pfa_commit_result
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
    select c.*, case when c.kind is null and r.pfa_id is not null then 'reversed' else c.kind end as verdict, r.first_key, r.last_key
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
    where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.id = e.id and m.delta - e.keys = '{}'
  ),
  shortened as (
    update app_core.pfa_modification m set delta = m.delta - e.keys, base = m.base - e.keys
    from earlier e
    where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.id = e.id and m.delta - e.keys <> '{}'
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
    where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.id = d.id and m.delta - d.keys = '{}'
  ),
  left_over as (
    update app_core.pfa_modification m set delta = m.delta - d.keys, base = m.base - d.keys, problems = m.problems - d.keys
    from draft d
    where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.id = d.id and m.delta - d.keys <> '{}'
  ),
  committed as (
    insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, state, commit_sequence, committed_at, comment)
    select p_organization_id, me, t.pfa_id, t.delta, t.base, 'committed', nextval('app_core.revision_seq'), clock_timestamp(), p_comment
    from (
      select t.pfa_id, jsonb_object_agg(t.key, t.mine) as delta, jsonb_object_agg(t.key, t.push_base) as base
      from taken t group by t.pfa_id order by t.pfa_id
    ) t
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
    select p_organization_id, t.pfa_id, me, 'commit', jsonb_object_agg(t.key, jsonb_build_object('from', t.theirs, 'to', t.mine))
    from taken t where t.theirs <> t.mine group by t.pfa_id
  )
  select
    (select count(distinct t.pfa_id) from taken t),
    (select count(*) from taken t),
    (
      select coalesce(jsonb_agg(r.item order by r.pfa_id, r.key), '[]')
      from (
        select d.pfa_id, d.key, jsonb_build_object('recordId', d.pfa_id, 'key', d.key,
          'kind', case d.verdict when 'reversed' then 'invalid' else d.verdict end, 'base', d.base, 'theirs', d.theirs, 'mine', d.mine,
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
        select n.pfa_id, null, jsonb_build_object('recordId', n.pfa_id, 'kind', 'none', 'problem', 'has nothing that you drafted')
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
  'Commits what the signed-in user drafted on these records, key by key, held once more against what lies under it now, and says what stays in the draft and why. From the same moment everybody sees it as pending, other users'' drafts are held against it, and its push is queued.';

create or replace function app_public.commit_drafts(organization_id integer, selection app_public.pfa_selection default null, comment text default null)
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
  where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and (named is null or d.pfa_id in (select unnest(named)));
  if named is not null then
    -- What left the selection while we waited for the locks is left out.
    perform app_private.lock_records(p_organization_id, ids);
    ids := array(select unnest(ids) intersect select unnest(app_private.selected_ids(p_organization_id, selection)) order by 1);
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
  E'@resultFieldName result\nCommits what you drafted: all of it, or of the selected records. What has a problem stays in your draft and is listed with the reason. What is committed is seen by everybody at once, and written to PEMS in the order of commits.';
grant execute on function app_public.commit_drafts(integer, app_public.pfa_selection, text) to vanguard_visitor;

--------------------------------------------------------------------------------------------------
-- Withdraw

drop type if exists app_public.pfa_withdraw_result cascade;
create type app_public.pfa_withdraw_result as (record_count integer, refused jsonb);
comment on type app_public.pfa_withdraw_result is 'What was taken back.';
comment on column app_public.pfa_withdraw_result.record_count is E'@notNull\nHow many records have something in your draft again.';
comment on column app_public.pfa_withdraw_result.refused is E'@notNull\nWhat cannot be taken back any more: `[{"id", "recordId", "state", "problem"}, ...]`.';

create or replace function app_private.return_to_draft(organization_id integer, modification_ids bigint[]) returns text[]
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
    select g.pfa_id, g.user_id, jsonb_object_agg(k.key, k.value) as delta, jsonb_object_agg(k.key, g.base->k.key) as base
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
      (select jsonb_object_agg(k.key, jsonb_build_object('from', k.value, 'to', app_core.normalized(r.data->k.key))) from jsonb_each(b.delta) k)
    from back b
    join app_core.pfa_mirror r on r.organization_id = p_organization_id and r.pfa_id = any (array(select g.pfa_id from gone g)) and r.pfa_id = b.pfa_id
  )
  select array_agg(distinct b.pfa_id) into returned from back b;

  perform app_private.rebase_drafts(p_organization_id, returned);
  perform app_private.rewrite_overlay(p_organization_id, returned);
  return returned;
end;
$$;
comment on function app_private.return_to_draft(integer, bigint[]) is
  'Puts committed changes back into their authors'' drafts, on what they stood on, and answers the records. Where the author has a newer draft of a key, its value stays. Call it under lock_records.';

create or replace function app_public.withdraw_commits(organization_id integer, modification_ids bigint[] default null) returns app_public.pfa_withdraw_result
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
  select jsonb_agg(jsonb_build_object('id', i.id, 'problem', 'there is no such change of yours') order by i.id) into unknown
  from unnest(ids) i (id)
  where not exists (
    select from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.id = i.id and m.user_id = me and m.state <> 'draft');
  if unknown is not null then
    raise exception 'There is no committed change % of yours in this organization.', unknown->0->>'id'
      using errcode = 'VG404', detail = unknown::text, hint = 'Perhaps a later commit took it over. Your committed changes are myCommits.';
  end if;

  perform app_private.lock_records(p_organization_id, array(
    select m.pfa_id from app_core.pfa_modification m where m.organization_id = p_organization_id and m.id = any (ids)));
  -- What stays committed has to make sense without it.
  with mine as materialized (
    select m.id, m.pfa_id from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.user_id = me and m.state = 'committed' and m.id in (select unnest(ids))
  ),
  remaining as (
    select m.pfa_id, jsonb_object_agg(k.key, k.value) as delta
    from app_core.pfa_modification m cross join jsonb_each(m.delta) k
    where m.organization_id = p_organization_id and m.pfa_id = any (array(select n.pfa_id from mine n)) and m.state in ('committed', 'syncing')
      and m.id not in (select unnest(ids))
    group by m.pfa_id
  )
  select array_agg(m.id), jsonb_agg(jsonb_build_object('id', m.id, 'recordId', m.pfa_id, 'state', 'committed',
      'problem', format('would leave %s before %s in what else is committed', d.last_key, d.first_key)) order by m.id)
    into blocked, result.refused
  from mine m
  join remaining r on r.pfa_id = m.pfa_id
  join app_core.pfa_mirror p on p.organization_id = p_organization_id and p.pfa_id = any (array(select n.pfa_id from mine n)) and p.pfa_id = m.pfa_id
  cross join lateral (
    select d.* from app_private.reversed_dates(p.data || r.delta) d where r.delta ?| array[d.first_key, d.last_key] limit 1
  ) d;
  returned := app_private.return_to_draft(p_organization_id, array(
    select m.id from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.id = any (ids) and m.user_id = me and m.id not in (select unnest(blocked))));
  -- Afterwards, because push may have begun with some in between.
  result.refused := coalesce(result.refused, '[]') || (
    select coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'recordId', m.pfa_id, 'state', m.state,
      'problem', case m.state when 'syncing' then 'is being written to PEMS at this moment' else 'is in PEMS already' end) order by m.id), '[]')
    from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.id = any (ids) and m.user_id = me and m.state in ('syncing', 'synced'));
  result.record_count := coalesce(cardinality(returned), 0);
  return result;
end;
$$;
comment on function app_public.withdraw_commits(integer, bigint[]) is
  E'@resultFieldName result\nTakes back what you committed and what is not being written to PEMS yet: it is your draft again. All of it in the organization, or the changes of these ids.';
grant execute on function app_public.withdraw_commits(integer, bigint[]) to vanguard_visitor;

drop view if exists app_public.pfa_commit cascade;
create view app_public.pfa_commit with (security_invoker = true) as
select m.organization_id, m.id, m.user_id, m.user_id = app_core.current_user_id() as is_mine, m.pfa_id, m.delta, m.base, m.state, m.comment,
  m.attempts, m.committed_at, m.settled_at
from app_core.pfa_modification m
where m.state <> 'draft';
grant select on app_public.pfa_commit to vanguard_visitor;
comment on view app_public.pfa_commit is E'@offersColumns\n@primaryKey organization_id,id\n@foreignKey (organization_id) references app_public.organizations (id)|@fieldName organization|@foreignFieldName commits\n@foreignKey (organization_id, pfa_id) references app_public.pfa_record (organization_id, pfa_id)|@fieldName record|@backwardBehavior -*\nCommitted changes, one a commit and record: waiting for PEMS, being written, or confirmed.';
comment on column app_public.pfa_commit.organization_id is 'The organization.';
comment on column app_public.pfa_commit.id is E'@behavior +orderBy +filterBy\nOur key.';
comment on column app_public.pfa_commit.user_id is E'@notNull\n@behavior +filterBy\nWho committed it.';
comment on column app_public.pfa_commit.is_mine is E'@notNull\nYou did.';
comment on column app_public.pfa_commit.pfa_id is E'@notNull\n@behavior +filterBy\nThe record.';
comment on column app_public.pfa_commit.delta is E'@notNull\nThe keys that were changed and what they become.';
comment on column app_public.pfa_commit.base is E'@notNull\nWhat PEMS has to hold under these keys for them to be written.';
comment on column app_public.pfa_commit.state is E'@notNull\n@behavior +filterBy\n`committed` (waits), `syncing` (is being written), `synced` (PEMS holds it).';
comment on column app_public.pfa_commit.comment is 'What was said about it.';
comment on column app_public.pfa_commit.attempts is E'@notNull\nHow often its writing was begun.';
comment on column app_public.pfa_commit.committed_at is E'@notNull\nWhen it was committed.';
comment on column app_public.pfa_commit.settled_at is 'When PEMS confirmed it.';

create or replace function app_public.pfa_commit_username(change app_public.pfa_commit) returns text
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
  return (
    select u.username from app_public.users u
    where u.id = change.user_id and change.organization_id = any (app_core.current_organization_ids())
      and exists (
        select from app_core.pfa_modification m
        where m.organization_id = change.organization_id and m.id = change.id and m.user_id = change.user_id and m.state <> 'draft'));
comment on function app_public.pfa_commit_username(app_public.pfa_commit) is 'Who committed it.';
grant execute on function app_public.pfa_commit_username(app_public.pfa_commit) to vanguard_visitor;

--------------------------------------------------------------------------------------------------
-- Drafts that somebody left behind

drop type if exists app_public.pfa_draft_author cascade;
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

create function app_public.organizations_draft_authors(organization app_public.organizations) returns setof app_public.pfa_draft_author
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
  rows 20
begin atomic
  select d.user_id, u.username,
    u.is_active and (u.role = 'admin' or u.role = 'user' and coalesce(m.role in ('owner', 'admin', 'member'), false)),
    d.record_count, d.problem_count, d.updated_at
  from (
    select d.user_id, count(*)::integer as record_count, (count(*) filter (where d.problems <> '{}'))::integer as problem_count, max(d.updated_at) as updated_at
    from app_core.pfa_modification d
    where d.organization_id = organization.id and d.state = 'draft' and organization.id = any (app_core.administered_organization_ids())
    group by d.user_id
  ) d
  join app_public.users u on u.id = d.user_id
  left join app_public.user_organizations m on m.organization_id = organization.id and m.user_id = d.user_id
  order by u.username;
end;
comment on function app_public.organizations_draft_authors(app_public.organizations) is
  E'@behavior -filter -order\nWho has drafts in the organization: what somebody who left has drafted, its owners and admins can take over or discard. Nobody else is told.';
grant execute on function app_public.organizations_draft_authors(app_public.organizations) to vanguard_visitor;

create or replace function app_private.remove_drafts_of(organization_id integer, user_id integer, record_ids text[], is_takeover boolean) returns integer
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
    raise exception 'It is not said whose drafts.' using errcode = 'VG400', hint = 'Give a userId; draftAuthors lists who has drafts.';
  end if;
  if p_user_id = me then
    raise exception 'These are your own drafts.' using errcode = 'VG400', hint = 'Name another user, or discard yours with discardDrafts.';
  end if;
  select array_agg(d.pfa_id) into ids
  from app_core.pfa_modification d
  where d.organization_id = p_organization_id and d.user_id = p_user_id and d.state = 'draft' and (record_ids is null or d.pfa_id in (select unnest(record_ids)));
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
      jsonb_object_agg(k.key, case when is_takeover then jsonb_build_object('from', g.base->k.key, 'to', k.value) else jsonb_build_object('from', k.value, 'to', app_core.normalized(u.underlay->k.key)) end)
    from gone g
    cross join jsonb_each(g.delta) k
    join app_private.merged_for(p_organization_id, p_user_id, ids) u on u.pfa_id = g.pfa_id
    left join app_core.pfa_modification d
      on d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.pfa_id = any (ids) and d.pfa_id = g.pfa_id
    where not is_takeover or d.delta ? k.key is not true
    group by g.pfa_id
  )
  select array_agg(g.pfa_id) into ids from gone g;
  perform app_private.rewrite_overlay(p_organization_id, ids);
  return coalesce(cardinality(ids), 0);
end;
$$;
comment on function app_private.remove_drafts_of(integer, integer, text[], boolean) is
  'Takes another user''s drafts away, of these records or all, and makes them the signed-in user''s own if wanted. Owners and admins of the organization may.';

create or replace function app_public.take_over_drafts(organization_id integer, user_id integer, record_ids text[] default null) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.remove_drafts_of(take_over_drafts.organization_id, take_over_drafts.user_id, take_over_drafts.record_ids, true);
end;
$$;
comment on function app_public.take_over_drafts(integer, integer, text[]) is
  E'@resultFieldName taken\nMakes drafts that somebody left behind your own, of these records or all of them, and answers how many. What you have drafted yourself stays. Owners and admins of the organization may.';
grant execute on function app_public.take_over_drafts(integer, integer, text[]) to vanguard_visitor;

create or replace function app_public.discard_drafts_of(organization_id integer, user_id integer, record_ids text[] default null) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.remove_drafts_of(discard_drafts_of.organization_id, discard_drafts_of.user_id, discard_drafts_of.record_ids, false);
end;
$$;
comment on function app_public.discard_drafts_of(integer, integer, text[]) is
  E'@resultFieldName discarded\nThrows away drafts that somebody left behind, of these records or all of them, and answers how many. Owners and admins of the organization may.';
grant execute on function app_public.discard_drafts_of(integer, integer, text[]) to vanguard_visitor;
