--! Previous: sha1:0ddb61d2cb4b61e34e72ad086ad5a6878c4f29fd
--! Hash: sha1:cba7bac6a9da9f5f8fa50b0dece5d8db65bd7d39
--! Message: write-back, schedules and incremental runs, drift, realtime, monitoring

--! split: 10-push.sql
-- Write-back: what was committed is written to PEMS, once, or comes back to its author with the reason.
-- Every rule of it is here; the worker carries what PEMS said in, and what it is to be asked out.

--------------------------------------------------------------------------------------------------
-- What a change that is being written knows

alter table app_core.pfa_modification
  add column if not exists failures integer not null default 0 check (failures >= 0),
  add column if not exists retry_at timestamptz;
comment on column app_core.pfa_modification.attempts is 'How often push began with it. Each is a token: whoever comes with an older one changes nothing.';
comment on column app_core.pfa_modification.failures is 'How often writing it failed for a reason of this record.';
comment on column app_core.pfa_modification.retry_at is
  'Push does not go on with it before. Of one that is syncing null means that a worker is at it.';
comment on column app_core.pfa_modification.problems is
  'By key: what stands in the way, `{"kind": "conflict", "base", "theirs", "mine"}`. Kinds: conflict, refused, altered, failed, removed. One that push made has `"by": "push"` and stays until its author acts. Drafts only.';

alter table app_core.pfa_push_intent
  add column if not exists quiet_at timestamptz not null default clock_timestamp(),
  add column if not exists answered_at timestamptz;
alter table app_core.pfa_push_intent alter column quiet_at drop default;
comment on column app_core.pfa_push_intent.quiet_at is
  'From then on PEMS cannot do it any more if it has not by then: sending limit, our time limit and one of PEMS''s own.';
comment on column app_core.pfa_push_intent.answered_at is 'When PEMS answered the write; null while it may still be under way.';
comment on column app_core.pfa_push_intent.outcome is
  'How it ended: `confirmed`, `refused`, `altered`, `conflict`, `failed` (certainly not written), `uncertain` (nobody knows until it is read again); null while it goes on.';

drop view if exists app_public.pfa_push_exchange;
drop table if exists app_core.pfa_push_exchange;
create table app_core.pfa_push_exchange (
  organization_id integer not null references app_public.organizations on delete cascade,
  id bigint generated always as identity,
  pfa_id text not null,
  modification_id bigint not null,
  attempt integer not null,
  action text not null check (action in ('read', 'write', 'read back')),
  request text not null,
  status integer,
  answer text,
  error_code text,
  milliseconds integer not null,
  answered_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, id)
);
-- use: what was said about a record
create index pfa_push_exchange_pfa_id_idx on app_core.pfa_push_exchange (organization_id, pfa_id, id);
-- use: retention
create index pfa_push_exchange_answered_at_idx on app_core.pfa_push_exchange (organization_id, answered_at);
comment on table app_core.pfa_push_exchange is 'What was said to PEMS about single records while writing changes, and what it answered: without credentials, so that a late refusal can be explained.';
comment on column app_core.pfa_push_exchange.organization_id is 'The organization.';
comment on column app_core.pfa_push_exchange.id is 'In the order of happening.';
comment on column app_core.pfa_push_exchange.pfa_id is 'The record.';
comment on column app_core.pfa_push_exchange.modification_id is 'The change that was being written; it may be gone.';
comment on column app_core.pfa_push_exchange.attempt is 'Which attempt of it.';
comment on column app_core.pfa_push_exchange.action is '`read`, `write`, `read back`.';
comment on column app_core.pfa_push_exchange.request is 'The body that was to be sent.';
comment on column app_core.pfa_push_exchange.status is 'HTTP status; null when no answer began.';
comment on column app_core.pfa_push_exchange.answer is 'The body of the answer, its beginning where it is long; null where none arrived whole.';
comment on column app_core.pfa_push_exchange.error_code is 'Our code for what was wrong with it.';
comment on column app_core.pfa_push_exchange.milliseconds is 'How long it took.';
comment on column app_core.pfa_push_exchange.answered_at is 'When it ended.';
call app_private.protect('app_core.pfa_push_exchange');
create policy visitor_select on app_core.pfa_push_exchange for select to vanguard_visitor
  using (organization_id = any (app_core.administered_organization_ids()));
grant select on app_core.pfa_push_exchange to vanguard_visitor;

create view app_public.pfa_push_exchange with (security_invoker = true) as
select e.organization_id, e.id, e.pfa_id, e.modification_id as commit_id, e.attempt, e.action, e.request, e.status, e.answer, e.error_code, e.milliseconds, e.answered_at
from app_core.pfa_push_exchange e;
grant select on app_public.pfa_push_exchange to vanguard_visitor;
comment on view app_public.pfa_push_exchange is E'@offersColumns\n@primaryKey organization_id,id\n@foreignKey (organization_id) references app_public.organizations (id)|@fieldName organization|@foreignFieldName pushExchanges\nWhat was said to PEMS about single records while writing changes, and what it answered, without credentials. For owners and admins of the organization.';
comment on column app_public.pfa_push_exchange.organization_id is 'The organization.';
comment on column app_public.pfa_push_exchange.id is E'@behavior +orderBy\nIn the order of happening.';
comment on column app_public.pfa_push_exchange.pfa_id is E'@notNull\n@behavior +filterBy\nThe record.';
comment on column app_public.pfa_push_exchange.commit_id is E'@notNull\nThe commit that was being written; it may be gone.';
comment on column app_public.pfa_push_exchange.attempt is E'@notNull\nWhich attempt of it.';
comment on column app_public.pfa_push_exchange.action is E'@notNull\n`read`, `write`, `read back`.';
comment on column app_public.pfa_push_exchange.request is E'@notNull\nThe body that was to be sent.';
comment on column app_public.pfa_push_exchange.status is 'HTTP status; null when no answer began.';
comment on column app_public.pfa_push_exchange.answer is 'The body of the answer, its beginning where it is long.';
comment on column app_public.pfa_push_exchange.error_code is 'Our code for what was wrong with it.';
comment on column app_public.pfa_push_exchange.milliseconds is E'@notNull\nHow long it took.';
comment on column app_public.pfa_push_exchange.answered_at is E'@notNull\nWhen it ended.';

create or replace function app_private.note_exchange(organization_id integer, pfa_id text, modification_id bigint, attempt integer, exchange jsonb) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  insert into app_core.pfa_push_exchange (organization_id, pfa_id, modification_id, attempt, action, request, status, answer, error_code, milliseconds)
  select note_exchange.organization_id, note_exchange.pfa_id, note_exchange.modification_id, note_exchange.attempt, e->>'action', e->>'request',
    (e->>'status')::integer, e->>'answer', e->>'errorCode', (e->>'milliseconds')::integer
  from (select note_exchange.exchange as e) given
  where jsonb_typeof(e) = 'object';
end;
comment on function app_private.note_exchange(integer, text, bigint, integer, jsonb) is
  'Keeps `{"action", "request", "status", "answer", "errorCode", "milliseconds"}`; nothing when there is none.';
grant execute on function app_private.note_exchange(integer, text, bigint, integer, jsonb) to vanguard_worker;

create or replace function app_private.at_microseconds(microseconds text) returns timestamptz
  language sql immutable parallel safe
  return timestamptz 'epoch' + microseconds::bigint * interval '1 microsecond';
comment on function app_private.at_microseconds(text) is 'The time that the worker holds as microseconds since 1970, in digits, so that none is lost.';

create or replace function app_private.microseconds(moment timestamptz) returns text
  language sql immutable parallel safe
  return (extract(epoch from moment) * 1000000)::bigint::text;
comment on function app_private.microseconds(timestamptz) is 'A time as the worker holds it: microseconds since 1970, in digits.';

--------------------------------------------------------------------------------------------------
-- The connection: over which is written, how fast, and whether at all

create or replace function app_private.push_connection(organization_id integer) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select c.id
  from app_public.data_source_mappings d
  join app_public.api_configurations c on c.id = d.api_configuration_id
  join app_public.pems_settings s on s.api_configuration_id = c.id
  where d.entity_type = 'pfa' and d.is_active and c.operation_type in ('write', 'read-write') and c.url is not null
    and (d.organization_id = push_connection.organization_id or d.organization_id is null)
  order by d.organization_id nulls last, c.is_simulated, d.priority
  limit 1;
end;
comment on function app_private.push_connection(integer) is
  'The connection that changes of an organization are written over: its own, else the one for all; a real one before the simulated. Null: none that may write.';
grant execute on function app_private.push_connection(integer) to vanguard_worker;

drop function if exists app_private.pems_connection(integer, text);
create function app_private.pems_connection(organization_id integer, purpose text)
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
    else (select r.api_configuration_id from app_private.pems_connection(pems_connection.organization_id) r)
  end;
end;
comment on function app_private.pems_connection(integer, text) is 'The connection that records of an organization are read (`read`) or written (`write`) over; no row: none.';
grant execute on function app_private.pems_connection(integer, text) to vanguard_worker;

create unlogged table if not exists app_private.pems_rate (
  url text,
  tenant text,
  next_at timestamptz not null,
  requests bigint not null default 0,
  primary key (url, tenant)
);
comment on table app_private.pems_rate is 'When the next request may go to a tenant of PEMS, whichever worker, organization or connection sends it. Unlogged: a crash may forget it.';
comment on column app_private.pems_rate.url is 'Base address.';
comment on column app_private.pems_rate.tenant is 'The tenant.';
comment on column app_private.pems_rate.next_at is 'The first moment that nobody has yet.';
comment on column app_private.pems_rate.requests is 'How many turns were given.';
call app_private.protect('app_private.pems_rate');

create or replace function app_private.take_turns(api_configuration_id text, turns integer) returns double precision
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with connection as (
    select c.url, s.tenant, take_turns.turns * interval '1 second' / s.requests_per_second as takes
    from app_public.api_configurations c join app_public.pems_settings s on s.api_configuration_id = c.id
    where c.id = take_turns.api_configuration_id
  ),
  taken as (
    insert into app_private.pems_rate as r (url, tenant, next_at, requests)
    select c.url, c.tenant, clock_timestamp() + c.takes, take_turns.turns from connection c
    on conflict on constraint pems_rate_pkey do update
      set next_at = greatest(r.next_at, clock_timestamp()) + (select c.takes from connection c), requests = r.requests + take_turns.turns
    returning r.next_at
  )
  select greatest(0, extract(epoch from t.next_at - c.takes - clock_timestamp()) * 1000)::double precision from taken t cross join connection c;
end;
comment on function app_private.take_turns(text, integer) is
  'Takes so many turns at PEMS, one after the other, and answers in how many milliseconds the first begins. The one limit of all workers: requests a second of the connection.';
grant execute on function app_private.take_turns(text, integer) to vanguard_worker;

create or replace function app_private.hold_requests(api_configuration_id text, seconds integer) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  update app_private.pems_rate r set next_at = greatest(r.next_at, clock_timestamp() + least(hold_requests.seconds, 60) * interval '1 second')
  from app_public.api_configurations c join app_public.pems_settings s on s.api_configuration_id = c.id
  where c.id = hold_requests.api_configuration_id and r.url = c.url and r.tenant = s.tenant;
end;
comment on function app_private.hold_requests(text, integer) is 'PEMS asked everybody to wait so long (429 with Retry-After); at most a minute.';
grant execute on function app_private.hold_requests(text, integer) to vanguard_worker;

create table if not exists app_private.pems_state (
  api_configuration_id text primary key references app_public.api_configurations on delete cascade,
  failures integer not null default 0 check (failures >= 0),
  opened_at timestamptz,
  probes integer not null default 0 check (probes >= 0),
  next_probe_at timestamptz,
  error_code text,
  error_message text,
  paused_at timestamptz,
  paused_by integer references app_public.users on delete set null,
  check ((opened_at is null) = (next_probe_at is null)),
  check (opened_at is null or error_code is not null)
);
drop index if exists app_private.pems_state_paused_by_idx;
-- use: on delete of a user
create index pems_state_paused_by_idx on app_private.pems_state (paused_by);
comment on table app_private.pems_state is 'Whether a connection is written over at this moment: its breaker, and whether somebody paused it. No row: it is.';
comment on column app_private.pems_state.api_configuration_id is 'The connection.';
comment on column app_private.pems_state.failures is 'Requests in a row that failed for a reason of the connection.';
comment on column app_private.pems_state.opened_at is 'Since when the breaker is open: nothing is written, only probed. Null while it is closed.';
comment on column app_private.pems_state.probes is 'How often it was probed since.';
comment on column app_private.pems_state.next_probe_at is 'When it is probed next.';
comment on column app_private.pems_state.error_code is 'Why the last request failed.';
comment on column app_private.pems_state.error_message is 'The same in a sentence.';
comment on column app_private.pems_state.paused_at is 'Since when an administrator has paused it.';
comment on column app_private.pems_state.paused_by is 'Who.';
call app_private.protect('app_private.pems_state');

create table if not exists app_private.pfa_push_pause (
  organization_id integer primary key references app_public.organizations on delete cascade,
  paused_at timestamptz not null default clock_timestamp(),
  paused_by integer references app_public.users on delete set null
);
drop index if exists app_private.pfa_push_pause_paused_by_idx;
-- use: on delete of a user
create index pfa_push_pause_paused_by_idx on app_private.pfa_push_pause (organization_id, paused_by);
comment on table app_private.pfa_push_pause is 'Organizations whose changes are not written to PEMS, because somebody paused it.';
comment on column app_private.pfa_push_pause.organization_id is 'The organization.';
comment on column app_private.pfa_push_pause.paused_at is 'Since when.';
comment on column app_private.pfa_push_pause.paused_by is 'Who; null when it was a command.';
call app_private.protect('app_private.pfa_push_pause');

drop function if exists app_private.queue_push(integer);
create or replace function app_private.queue_push(organization_id integer, not_before timestamptz default null) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- One that waits takes along what was committed meanwhile; what is there to do now does not wait for what is due later.
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
comment on function app_private.queue_push(integer, timestamptz) is
  'Has what is committed in an organization written to PEMS, now or later: in the transaction that committed it, so that neither is without the other.';
grant execute on function app_private.queue_push(integer, timestamptz) to vanguard_worker;

create or replace function app_private.queue_pushes_over(api_configuration_id text) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  -- Materialized: the planner may otherwise queue first and ask afterwards.
  with due as materialized (
    select o.id from app_public.organizations o
    where exists (select from app_core.pfa_modification m where m.organization_id = o.id and m.state in ('committed', 'syncing'))
      and app_private.push_connection(o.id) = queue_pushes_over.api_configuration_id
  )
  select count(*) from due d cross join lateral app_private.queue_push(d.id) q;
end;
comment on function app_private.queue_pushes_over(text) is 'A connection works again: what waits for it is written now.';

create or replace function app_private.note_pems_success(api_configuration_id text) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_api_configuration_id constant text := note_pems_success.api_configuration_id;
  before app_private.pems_state;
begin
  if not exists (
    select from app_private.pems_state s
    where s.api_configuration_id = p_api_configuration_id and (s.failures > 0 or s.opened_at is not null)
  ) then
    return;
  end if;
  select s.* into before from app_private.pems_state s where s.api_configuration_id = p_api_configuration_id for update;
  update app_private.pems_state s
  set failures = 0, opened_at = null, probes = 0, next_probe_at = null, error_code = null, error_message = null
  where s.api_configuration_id = p_api_configuration_id;
  if before.opened_at is not null then
    perform app_private.queue_pushes_over(p_api_configuration_id);
  end if;
end;
$$;
comment on function app_private.note_pems_success(text) is 'A request over the connection succeeded: its breaker closes, and what waited is written.';
grant execute on function app_private.note_pems_success(text) to vanguard_worker;

create or replace function app_private.note_pems_failure(api_configuration_id text, error_code text, error_message text, is_final boolean) returns boolean
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- One request that fails says little about PEMS. Where nobody is at home, or we are not let in, the next would fail as well.
  insert into app_private.pems_state as s (api_configuration_id, failures, opened_at, next_probe_at, error_code, error_message)
  select note_pems_failure.api_configuration_id, 1, case when is_final then clock_timestamp() end,
    case when is_final then clock_timestamp() + interval '2 seconds' end, note_pems_failure.error_code, note_pems_failure.error_message
  on conflict on constraint pems_state_pkey do update set
    failures = s.failures + 1,
    opened_at = case when s.opened_at is not null or is_final or s.failures >= 4 then coalesce(s.opened_at, clock_timestamp()) end,
    -- 2, 4, 8, ... seconds after each probe, at most 2 minutes.
    next_probe_at = case when s.opened_at is not null or is_final or s.failures >= 4
      then greatest(s.next_probe_at, clock_timestamp() + least(interval '2 seconds' * power(2, least(s.probes, 10)), interval '2 minutes')) end,
    error_code = excluded.error_code,
    error_message = excluded.error_message
  returning s.opened_at is not null;
end;
comment on function app_private.note_pems_failure(text, text, text, boolean) is
  'A request over the connection failed, and not for a reason of what was asked. The fifth in a row opens the breaker, one that is final (nobody answers there, wrong credentials) at once. Answers whether it is open.';
grant execute on function app_private.note_pems_failure(text, text, text, boolean) to vanguard_worker;

create or replace function app_private.connection_renewed(api_configuration_id text) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  delete from app_private.pems_state s where s.api_configuration_id = connection_renewed.api_configuration_id and s.paused_at is null;
  select app_private.note_pems_success(connection_renewed.api_configuration_id);
  select app_private.queue_pushes_over(connection_renewed.api_configuration_id);
end;
comment on function app_private.connection_renewed(text) is 'Somebody entered the connection anew: what was wrong with it is forgotten, and what waits for it is tried.';

create or replace function app_private.begin_probe(api_configuration_id text) returns boolean
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with begun as (
    update app_private.pems_state s
    set probes = s.probes + 1,
      next_probe_at = clock_timestamp() + least(interval '2 seconds' * power(2, least(s.probes + 1, 10)), interval '2 minutes')
    where s.api_configuration_id = begin_probe.api_configuration_id and s.next_probe_at <= clock_timestamp()
    returning 1
  )
  select exists (select from begun);
end;
comment on function app_private.begin_probe(text) is 'Whether the caller is to probe the connection now: one of all that wait for it.';
grant execute on function app_private.begin_probe(text) to vanguard_worker;

create or replace function app_private.note_connection_result(api_configuration_id text, rows_read integer, error_message text) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  update app_public.api_configurations c
  set status = case when note_connection_result.error_message is null then 'connected' else 'error' end,
    last_checked = clock_timestamp(),
    last_error = note_connection_result.error_message,
    first_sync_at = case when rows_read is null then c.first_sync_at else coalesce(c.first_sync_at, clock_timestamp()) end,
    last_sync_at = case when rows_read is null then c.last_sync_at else clock_timestamp() end,
    last_sync_record_count = coalesce(rows_read, c.last_sync_record_count),
    total_sync_record_count = coalesce(c.total_sync_record_count, 0) + coalesce(rows_read, 0)
  where c.id = note_connection_result.api_configuration_id;
  select app_private.note_pems_success(note_connection_result.api_configuration_id) where note_connection_result.error_message is null;
end;
comment on function app_private.note_connection_result(text, integer, text) is
  'Notes at a connection how using it went; rows_read after a sync, null after a mere test. A success closes its breaker.';

drop function if exists app_private.push_gate(integer);
create function app_private.push_gate(organization_id integer)
  returns table (state text, api_configuration_id text, until timestamptz, message text)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select case
      when p.organization_id is not null or not o.is_active then 'paused'
      when c.id is null then 'no connection'
      when s.paused_at is not null then 'connection paused'
      when s.opened_at is not null then 'breaker open'
      else 'open'
    end, c.id, s.next_probe_at, s.error_message
  from app_public.organizations o
  left join app_private.pfa_push_pause p on p.organization_id = o.id
  cross join lateral (select app_private.push_connection(o.id) as id) c
  left join app_private.pems_state s on s.api_configuration_id = c.id
  where o.id = push_gate.organization_id;
end;
comment on function app_private.push_gate(integer) is
  'Whether changes of an organization may be written now: `open`, `paused`, `no connection`, `connection paused`, or `breaker open` (then until the next probe).';
grant execute on function app_private.push_gate(integer) to vanguard_worker;

--------------------------------------------------------------------------------------------------
-- What push read enters the mirror, under the same guard as a page of a sync

create or replace function app_private.enter_reads(organization_id integer, reads jsonb) returns text[]
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := enter_reads.organization_id;
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
    -- What we hold came with a later answer.
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
    returning m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents
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
    -- What is ours is told by push.
    insert into app_core.pfa_change (organization_id, pfa_id, route, event, changes)
    select p_organization_id, d.pfa_id, 'sync', case when d.old_removed_at is null then 'update' else 'restore' end, c.changes
    from differing d
    cross join lateral (
      select coalesce(jsonb_object_agg(k.key, k.value), '{}') as changes
      from jsonb_each(app_core.changed_keys(d.old_data, d.data)) k
      where d.ours->k.key is distinct from app_core.normalized(k.value->'to')
    ) c
    where c.changes <> '{}' or d.old_removed_at is not null
  ),
  summed as (
    insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count, discontinued_count, plan_cost_cents, forecast_cost_cents, actual_cost_cents)
    select p_organization_id, coalesce(r.source, ''),
      sum(r.sign * (not r.is_discontinued)::integer), sum(r.sign * (not r.is_discontinued and r.is_actualized)::integer),
      sum(r.sign * r.is_discontinued::integer), sum(case when r.is_discontinued then 0 else r.sign * r.plan_cost_cents end),
      sum(case when r.is_discontinued then 0 else r.sign * r.forecast_cost_cents end), sum(case when r.is_discontinued then 0 else r.sign * r.actual_cost_cents end)
    from (
      select 1 as sign, u.* from updated u
      union all
      select -1, d.source, d.is_actualized, d.is_discontinued, d.plan_cost_cents, d.forecast_cost_cents, d.actual_cost_cents
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
  'Enters what was read of records into the mirror, unless something newer is there already, and answers which changed: `[{"pfaId", "data", "isWhole", "version", "versionBy", "requestedAt", "receivedAt", "ours"}]`. Data that is not whole leaves the keys that it does not have; null empties one. `ours`: keys and values that we wrote, which are no news. Call it under lock_records; rebase and overlay are the caller''s.';

--------------------------------------------------------------------------------------------------
-- What comes back to its author

create or replace function app_private.return_keys(organization_id integer, items jsonb) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := return_keys.organization_id;
  p_ids constant bigint[] := array(select (i->>'id')::bigint from jsonb_array_elements(items) i);
begin
  with returned as materialized (
    select m.id, m.pfa_id, m.user_id, array_agg(k.key) as keys,
      jsonb_object_agg(k.key, m.delta->k.key) as delta,
      -- Beside a value that PEMS put there instead, it is that value that the author sees under the own one.
      jsonb_object_agg(k.key, case when k.value->>'kind' = 'altered' then k.value->'theirs' else m.base->k.key end) as base,
      jsonb_object_agg(k.key, jsonb_build_object('base', m.base->k.key, 'mine', m.delta->k.key) || k.value || '{"by": "push"}') as problems
    from jsonb_array_elements(items) i
    join app_core.pfa_modification m on m.organization_id = p_organization_id and m.id = any (p_ids) and m.id = (i->>'id')::bigint
    cross join jsonb_each(i->'problems') k
    where m.state in ('committed', 'syncing') and m.delta ? k.key
    group by m.id, m.pfa_id, m.user_id
  ),
  emptied as (
    delete from app_core.pfa_modification m using returned r
    where m.organization_id = p_organization_id and m.id = any (p_ids) and m.id = r.id and m.delta - r.keys = '{}'
  ),
  shortened as (
    update app_core.pfa_modification m set delta = m.delta - r.keys, base = m.base - r.keys
    from returned r
    where m.organization_id = p_organization_id and m.id = any (p_ids) and m.id = r.id and m.delta - r.keys <> '{}'
  ),
  drafted as (
    -- What its author has drafted since stays, on what PEMS has to hold for it, and carries the problem.
    insert into app_core.pfa_modification as d (organization_id, user_id, pfa_id, delta, base, problems)
    select p_organization_id, r.user_id, r.pfa_id, r.delta, r.base, r.problems from returned r
    on conflict (organization_id, user_id, pfa_id) where state = 'draft' do update set
      delta = excluded.delta || d.delta,
      base = d.base || excluded.base,
      problems = d.problems || (
        select jsonb_object_agg(p.key, p.value || jsonb_build_object('mine', (excluded.delta || d.delta)->p.key)) from jsonb_each(excluded.problems) p)
  )
  insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
  select p_organization_id, r.pfa_id, r.user_id, 'push',
    jsonb_object_agg(k.key, jsonb_build_object('from', k.value, 'to', app_core.normalized(m.data->k.key), 'problem', r.problems->k.key->'kind'))
  from returned r
  join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = r.pfa_id
  cross join jsonb_each(r.delta) k
  group by r.pfa_id, r.user_id;
end;
$$;
comment on function app_private.return_keys(integer, jsonb) is
  'Takes keys out of changes that are being written and puts them back into their authors'' drafts, each with its problem: `[{"id", "problems": {key: {"kind", "message", ...}}}]`. Call it under lock_records; rebase and overlay are the caller''s.';

create or replace function app_private.show_records(organization_id integer, pfa_ids text[]) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.rebase_drafts(show_records.organization_id, show_records.pfa_ids);
  perform app_private.rewrite_overlay(show_records.organization_id, show_records.pfa_ids);
end;
$$;
comment on function app_private.show_records(integer, text[]) is 'After mirror or pending of these records changed: drafts are held against it, and everybody sees it. Call it under lock_records.';

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
      when k.problem->>'by' = 'push' and k.problem ? 'theirs' then k.problem || jsonb_build_object('theirs', k.theirs, 'mine', k.mine)
      when k.problem->>'by' = 'push' then k.problem
      when k.is_removed then jsonb_build_object('kind', 'removed', 'base', k.base, 'mine', k.mine)
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
  'Every drafted key of these records, of all users, three ways: what it was drafted on (base), what lies under it now (theirs: mirror and pending), what it becomes (mine). As when drafted, or as drafted: no problem; settled when PEMS itself holds it; anything else is a conflict. A problem that push made stays until PEMS itself holds the value or the author acts.';

create or replace function app_private.pending(organization_id integer, pfa_ids text[]) returns table (pfa_id text, delta jsonb)
  language sql stable
begin atomic
  -- By the records, which `not in` leads to: see begin_pushes.
  select m.pfa_id, jsonb_object_agg(d.key, d.value order by m.commit_sequence)
  from app_core.pfa_modification m, jsonb_each(m.delta) d
  where m.organization_id = pending.organization_id and m.pfa_id = any (pending.pfa_ids) and m.state not in ('draft', 'synced')
  group by m.pfa_id;
end;

--------------------------------------------------------------------------------------------------
-- What stands in the way of a draft is part of what its author sees: its revision moves with it, so that nobody chooses between values
-- that are not those that were shown

alter table app_core.pfa_overlay add column if not exists problems jsonb;
comment on column app_core.pfa_overlay.problems is 'The problems of that draft, by key; null when there is none.';

-- The same, of the table as it is now.
create or replace function app_private.overlaid(organization_id integer, user_id integer) returns setof app_core.pfa_overlay
  language sql stable
begin atomic
  select o.* from app_core.pfa_overlay o
  where o.organization_id = overlaid.organization_id and o.viewer_id = overlaid.user_id
  union all
  select o.* from app_core.pfa_overlay o
  where o.organization_id = overlaid.organization_id and o.viewer_id = 0
    and not exists (
      select from app_core.pfa_overlay mine
      where mine.organization_id = overlaid.organization_id and mine.viewer_id = overlaid.user_id and mine.pfa_id = o.pfa_id);
end;

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
    where m.organization_id = rewrite_overlay.organization_id and m.pfa_id = any (rewrite_overlay.pfa_ids) and m.state = 'draft'
  ),
  unwanted as (
    delete from app_core.pfa_overlay o
    where o.organization_id = rewrite_overlay.organization_id and o.pfa_id = any (rewrite_overlay.pfa_ids)
      and not exists (select from viewer v where v.pfa_id = o.pfa_id and v.viewer_id = o.viewer_id)
  )
  insert into app_core.pfa_overlay as o
    (organization_id, viewer_id, pfa_id, data, version, version_by, observed_at, removed_at, is_pending, has_draft, has_problem, problems, base,
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
    on m.organization_id = rewrite_overlay.organization_id and m.pfa_id = any (rewrite_overlay.pfa_ids) and m.pfa_id = v.pfa_id
  left join pending p on p.pfa_id = v.pfa_id
  on conflict on constraint pfa_overlay_pkey do update set
    data = excluded.data, version = excluded.version, version_by = excluded.version_by, revision = excluded.revision,
    observed_at = excluded.observed_at, removed_at = excluded.removed_at,
    is_pending = excluded.is_pending, has_draft = excluded.has_draft, has_problem = excluded.has_problem, problems = excluded.problems, base = excluded.base,
    mirror_source = excluded.mirror_source, mirror_is_actualized = excluded.mirror_is_actualized,
    mirror_is_discontinued = excluded.mirror_is_discontinued, mirror_plan_cost_cents = excluded.mirror_plan_cost_cents,
    mirror_forecast_cost_cents = excluded.mirror_forecast_cost_cents, mirror_actual_cost_cents = excluded.mirror_actual_cost_cents,
    mirror_original_start = excluded.mirror_original_start, mirror_original_end = excluded.mirror_original_end,
    mirror_forecast_start = excluded.mirror_forecast_start, mirror_forecast_end = excluded.mirror_forecast_end,
    mirror_actual_start = excluded.mirror_actual_start, mirror_actual_end = excluded.mirror_actual_end
  where (o.data, o.is_pending, o.has_draft, o.problems, o.base, o.removed_at,
      o.mirror_source, o.mirror_is_actualized, o.mirror_is_discontinued, o.mirror_plan_cost_cents,
      o.mirror_forecast_cost_cents, o.mirror_actual_cost_cents, o.mirror_original_start, o.mirror_original_end,
      o.mirror_forecast_start, o.mirror_forecast_end, o.mirror_actual_start, o.mirror_actual_end)
    is distinct from (excluded.data, excluded.is_pending, excluded.has_draft, excluded.problems, excluded.base, excluded.removed_at,
      excluded.mirror_source, excluded.mirror_is_actualized, excluded.mirror_is_discontinued, excluded.mirror_plan_cost_cents,
      excluded.mirror_forecast_cost_cents, excluded.mirror_actual_cost_cents, excluded.mirror_original_start, excluded.mirror_original_end,
      excluded.mirror_forecast_start, excluded.mirror_forecast_end, excluded.mirror_actual_start, excluded.mirror_actual_end);
end;

--------------------------------------------------------------------------------------------------
-- Push, step by step. Each step is one transaction, under the locks of the mirror rows, and does nothing unless the attempt is the current one
-- and a worker is at it (retry_at is null): once it was resumed, whoever had it before comes too late.

create or replace function app_private.resume_pushes(organization_id integer) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := resume_pushes.organization_id;
  resumed integer;
begin
  with abandoned as materialized (
    select m.id, m.attempts, i.id as intent_id, i.answered_at, i.quiet_at,
      exists (
        select from app_core.pfa_push_intent u
        where u.organization_id = p_organization_id and u.modification_id = m.id and u.outcome = 'uncertain') as is_in_doubt
    from app_core.pfa_modification m
    left join app_core.pfa_push_intent i
      on i.organization_id = p_organization_id and i.modification_id = m.id and i.attempt = m.attempts and i.outcome is null
    where m.organization_id = p_organization_id and m.state = 'syncing' and m.retry_at is null
    for update of m
  ),
  doubted as (
    -- It may have been sent, and may still arrive.
    update app_core.pfa_push_intent i set outcome = 'uncertain', settled_at = clock_timestamp()
    from abandoned a
    where i.organization_id = p_organization_id and i.id = a.intent_id and a.answered_at is null
  ),
  returned as (
    update app_core.pfa_modification m set
      -- Without an intent nothing was sent.
      state = case when a.intent_id is null and not a.is_in_doubt then 'committed' else 'syncing' end,
      retry_at = case when a.intent_id is not null and a.answered_at is null then a.quiet_at else clock_timestamp() end
    from abandoned a
    where m.organization_id = p_organization_id and m.id = a.id
    returning 1
  )
  select count(*) into resumed from returned;
  return resumed;
end;
$$;
comment on function app_private.resume_pushes(integer) is
  'What a worker left that is gone: not sent, it waits again; maybe sent, it is read again when PEMS cannot do it any more; answered, it is read back at once. Call it under the push lock of the organization.';
grant execute on function app_private.resume_pushes(integer) to vanguard_worker;

create or replace function app_private.begin_pushes(organization_id integer, most integer)
  returns table (id bigint, attempt integer, pfa_id text, step text)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := begin_pushes.organization_id;
  moment constant timestamptz := clock_timestamp();
  ids bigint[];
  pfa_ids text[];
begin
  if (select g.state from app_private.push_gate(p_organization_id) g) <> 'open' then
    return;
  end if;
  -- In the order of commits, and of each record one at a time. Earlier ones are looked up by their record, which `not in` leads to: the
  -- index of what is to be written would do as well for the planner while it has no statistics, and is gone through whole.
  select array_agg(d.id), array_agg(d.pfa_id) into ids, pfa_ids
  from (
    select m.id, m.pfa_id
    from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.state in ('committed', 'syncing')
      and (m.state = 'committed' and m.retry_at is null or m.retry_at <= moment)
      and not exists (
        select from app_core.pfa_modification e
        where e.organization_id = p_organization_id and e.pfa_id = m.pfa_id and e.state not in ('draft', 'synced') and e.id <> m.id
          and (e.state = 'syncing' or m.state = 'committed' and e.commit_sequence < m.commit_sequence))
    order by m.commit_sequence
    limit begin_pushes.most
  ) d;
  if ids is null then
    return;
  end if;
  perform app_private.lock_records(p_organization_id, pfa_ids);
  return query
    with due as materialized (
      select m.id,
        exists (
          select from app_core.pfa_push_intent i
          where i.organization_id = p_organization_id and i.modification_id = m.id and i.attempt = m.attempts
            and i.outcome is null and i.answered_at is not null) as is_answered
      from app_core.pfa_modification m
      where m.organization_id = p_organization_id and m.id = any (ids)
        and (m.state = 'committed' and m.retry_at is null or m.state in ('committed', 'syncing') and m.retry_at <= moment)
      for update
    )
    update app_core.pfa_modification m
    set state = 'syncing', retry_at = null, attempts = case when d.is_answered then m.attempts else m.attempts + 1 end
    from due d
    where m.organization_id = p_organization_id and m.id = d.id
    returning m.id, m.attempts, m.pfa_id, case when d.is_answered then 'read back' else 'read' end;
end;
$$;
comment on function app_private.begin_pushes(integer, integer) is
  'Takes changes to write to PEMS, as many as that, and says with which step to go on: `read`, or `read back` what PEMS has answered already. None while the gate is not open. Nobody can take them back from now on.';
grant execute on function app_private.begin_pushes(integer, integer) to vanguard_worker;

create or replace function app_private.judged_pushes(organization_id integer, reads jsonb)
  returns table (id bigint, pfa_id text, key text, mine jsonb, base jsonb, theirs jsonb, holds text)
  language sql stable
begin atomic
  select k.id, k.pfa_id, k.key, k.mine, k.base, k.theirs,
    case
      when not k.is_readable then 'nothing'
      -- Emptied, the forecast shows the plan's value: what counts is what is in the field that we write.
      when k.theirs = k.mine or k.mine = 'null' and k.is_blank then 'mine'
      when k.theirs = k.base then 'base'
      else 'other'
    end
  from (
    select m.id, m.pfa_id, d.key, app_core.normalized(d.value) as mine, app_core.normalized(m.base->d.key) as base,
      app_core.normalized(r->'data'->d.key) as theirs,
      (r->>'isWhole')::boolean or r->'data' ? d.key as is_readable, coalesce(r->'blank' ? d.key, false) as is_blank
    from jsonb_array_elements(judged_pushes.reads) r
    join app_core.pfa_modification m on m.organization_id = judged_pushes.organization_id and m.id = (r->>'id')::bigint
    cross join jsonb_each(m.delta) d
    offset 0
  ) k;
end;
comment on function app_private.judged_pushes(integer, jsonb) is
  'Key by key, what PEMS holds of changes that are being written: `mine` (what they become), `base` (what they stand on), `other`, or `nothing` that can be read.';

create or replace function app_private.confirm_pushes(organization_id integer, ids bigint[]) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  with confirmed as (
    update app_core.pfa_modification m
    set state = 'synced', settled_at = clock_timestamp(), retry_at = null, failures = 0
    where m.organization_id = confirm_pushes.organization_id and m.id = any (confirm_pushes.ids) and m.state = 'syncing'
    returning m.pfa_id, m.user_id, m.delta, m.base
  )
  insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
  select confirm_pushes.organization_id, c.pfa_id, c.user_id, 'push',
    (select jsonb_object_agg(k.key, jsonb_build_object('from', c.base->k.key, 'to', k.value)) from jsonb_each(c.delta) k)
  from confirmed c;
end;
comment on function app_private.confirm_pushes(integer, bigint[]) is 'PEMS holds all that is left in these changes. Call it under lock_records.';

create or replace function app_private.plan_push(
  organization_id integer, id bigint, attempt integer, read jsonb, exchange jsonb,
  out decision text, out intent_id bigint, out write_values jsonb, out send_before text
)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := plan_push.organization_id;
  p_id constant bigint := plan_push.id;
  p_attempt constant integer := plan_push.attempt;
  p_pfa_id constant text := plan_push.read->>'pfaId';
  p_read constant jsonb := plan_push.read || jsonb_build_object('id', plan_push.id);
  modification app_core.pfa_modification;
  doubted jsonb;
  known timestamptz;
  problems jsonb;
  in_pems jsonb;
  held text[];
  waits constant interval := (
    select s.timeout_ms * interval '1 millisecond' from app_public.pems_settings s
    where s.api_configuration_id = app_private.push_connection(p_organization_id));
begin
  perform app_private.lock_records(p_organization_id, array[p_pfa_id]);
  perform app_private.note_exchange(p_organization_id, p_pfa_id, p_id, p_attempt, exchange);
  select m.* into modification
  from app_core.pfa_modification m
  where m.organization_id = p_organization_id and m.id = p_id and m.pfa_id = p_pfa_id and m.state = 'syncing' and m.attempts = p_attempt and m.retry_at is null
  for update;
  if not found then
    decision := 'superseded';
    return;
  end if;
  select m.observed_at into known from app_core.pfa_mirror m where m.organization_id = p_organization_id and m.pfa_id = p_pfa_id;
  if app_private.at_microseconds(p_read->>'requestedAt') <= known then
    decision := 'read again';
    return;
  end if;

  -- Keys that a write without a certain end has tried, each with the versions that it was to be written over.
  select coalesce(jsonb_object_agg(d.key, d.versions), '{}') into doubted
  from (
    select k.key, jsonb_agg(i.record_version) as versions
    from app_core.pfa_push_intent i cross join jsonb_object_keys(i.write_values) k (key)
    where i.organization_id = p_organization_id and i.modification_id = p_id and i.outcome = 'uncertain'
    group by k.key
  ) d;
  perform app_private.enter_reads(p_organization_id, jsonb_build_array(p_read || jsonb_build_object('ours',
    (select coalesce(jsonb_object_agg(k.key, k.value), '{}') from jsonb_each(modification.delta) k where doubted ? k.key))));

  with judged as materialized (
    select j.key, j.mine, j.theirs, j.holds,
      -- There as before, but of another version: written and changed back, or never written. Nobody can tell.
      j.holds = 'base' and exists (
        select from jsonb_array_elements_text(doubted->j.key) v (version) where v.version is distinct from p_read->>'recordId') as is_suspicious
    from app_private.judged_pushes(p_organization_id, jsonb_build_array(p_read)) j
  ),
  verdict as materialized (
    select j.*,
      case
        when j.holds = 'other' then jsonb_build_object('kind', 'conflict', 'theirs', j.theirs)
        when j.holds = 'nothing' then jsonb_build_object('kind', 'failed', 'message', 'PEMS shows no value of it that can be read, so it was not written.')
        when j.is_suspicious then jsonb_build_object('kind', 'conflict', 'theirs', j.theirs,
          'message', 'Writing it ended without an answer, and PEMS has changed the record since: whether it was written, and changed back, is not known.')
        when j.holds = 'base' and modification.failures > 3 then jsonb_build_object('kind', 'failed', 'message', 'PEMS was tried 4 times and did not answer.')
      end as problem
    from judged j
  )
  select
    jsonb_object_agg(v.key, v.problem) filter (where v.problem is not null),
    jsonb_object_agg(v.key, v.mine) filter (where v.problem is null and v.holds = 'base'),
    jsonb_object_agg(v.key, v.theirs),
    array_agg(v.key) filter (where v.holds = 'mine')
  into problems, write_values, in_pems, held
  from verdict v;

  update app_core.pfa_push_intent i
  set outcome = case when i.write_values ?| held then 'confirmed' else 'failed' end
  where i.organization_id = p_organization_id and i.modification_id = p_id and i.outcome = 'uncertain';

  if problems is not null then
    perform app_private.return_keys(p_organization_id, jsonb_build_array(jsonb_build_object('id', p_id, 'problems', problems)));
  end if;
  if write_values is not null then
    insert into app_core.pfa_push_intent
      (organization_id, modification_id, attempt, record_version, read_values, read_at, write_values, send_before, quiet_at)
    select p_organization_id, p_id, p_attempt, p_read->>'recordId', in_pems, app_private.at_microseconds(p_read->>'receivedAt'), write_values,
      clock_timestamp() + waits, clock_timestamp() + 3 * waits
    returning id, app_private.microseconds(send_before) into intent_id, send_before;
    decision := 'write';
  elsif modification.delta - array(select jsonb_object_keys(problems)) = '{}' then
    decision := 'returned';
  else
    perform app_private.confirm_pushes(p_organization_id, array[p_id]);
    decision := 'confirmed';
  end if;
  perform app_private.show_records(p_organization_id, array[p_pfa_id]);
end;
$$;
comment on function app_private.plan_push(integer, bigint, integer, jsonb, jsonb) is
  'After a record was read: enters it into the mirror, returns what contradicts to its author, and writes down what will be written, before it is. Read: as of enter_reads, with `recordId` and `blank` (keys whose own field is empty). Decisions: `write` (these values, before that moment), `confirmed`, `returned`, `read again` (something newer is known), `superseded` (another attempt took its place).';
grant execute on function app_private.plan_push(integer, bigint, integer, jsonb, jsonb) to vanguard_worker;

create or replace function app_private.note_push_answer(organization_id integer, id bigint, attempt integer, answer jsonb, exchange jsonb) returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := note_push_answer.organization_id;
begin
  perform app_private.note_exchange(p_organization_id, m.pfa_id, m.id, note_push_answer.attempt, exchange)
  from app_core.pfa_modification m where m.organization_id = p_organization_id and m.id = note_push_answer.id;
  update app_core.pfa_push_intent i
  set answered_at = clock_timestamp(), answer = note_push_answer.answer
  from app_core.pfa_modification m
  where i.organization_id = p_organization_id and i.modification_id = note_push_answer.id and i.attempt = note_push_answer.attempt and i.outcome is null
    and m.organization_id = p_organization_id and m.id = i.modification_id and m.state = 'syncing' and m.attempts = i.attempt and m.retry_at is null;
  return found;
end;
$$;
comment on function app_private.note_push_answer(integer, bigint, integer, jsonb, jsonb) is
  'PEMS answered a write with the record as it says it is now: nothing of it is under way any more. Whether it kept it is for a read to show. False when another attempt took its place.';
grant execute on function app_private.note_push_answer(integer, bigint, integer, jsonb, jsonb) to vanguard_worker;

create or replace function app_private.settle_pushes(organization_id integer, reads jsonb) returns table (id bigint, outcome text)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := settle_pushes.organization_id;
  p_ids constant bigint[] := array(select (r->>'id')::bigint from jsonb_array_elements(reads) r);
  p_pfa_ids constant text[] := array(select r->>'pfaId' from jsonb_array_elements(reads) r);
  current jsonb;
  fresh jsonb;
  returned jsonb;
  kept bigint[];
begin
  perform app_private.lock_records(p_organization_id, p_pfa_ids);
  perform from app_core.pfa_modification m where m.organization_id = p_organization_id and m.id = any (p_ids) order by m.id for update;
  select coalesce(jsonb_agg(r || jsonb_build_object('ours', m.delta)), '[]'),
    coalesce(jsonb_agg(r || jsonb_build_object('ours', m.delta)) filter (where app_private.at_microseconds(r->>'requestedAt') > p.observed_at), '[]')
    into current, fresh
  from jsonb_array_elements(reads) r
  join app_core.pfa_modification m
    on m.organization_id = p_organization_id and m.id = any (p_ids) and m.id = (r->>'id')::bigint and m.pfa_id = r->>'pfaId'
      and m.state = 'syncing' and m.attempts = (r->>'attempt')::integer and m.retry_at is null
  join app_core.pfa_mirror p on p.organization_id = p_organization_id and p.pfa_id = any (p_pfa_ids) and p.pfa_id = m.pfa_id;
  perform app_private.enter_reads(p_organization_id, fresh);

  with judged as materialized (
    select j.id, j.key, j.theirs, j.holds, i.write_values ? j.key as is_written
    from app_private.judged_pushes(p_organization_id, fresh) j
    join jsonb_array_elements(fresh) r on (r->>'id')::bigint = j.id
    left join app_core.pfa_push_intent i
      on i.organization_id = p_organization_id and i.modification_id = any (p_ids) and i.modification_id = j.id
        and i.attempt = (r->>'attempt')::integer and i.outcome is null
  ),
  verdict as materialized (
    select j.id, j.key,
      case
        when j.holds = 'mine' then null
        when j.holds = 'nothing' then jsonb_build_object('kind', 'failed', 'message', 'It was written, but PEMS shows no value of it that can be read.')
        when not j.is_written then jsonb_build_object('kind', 'conflict', 'theirs', j.theirs)
        when j.holds = 'base' then jsonb_build_object('kind', 'refused', 'theirs', j.theirs, 'message', 'PEMS took the change and did not keep it.')
        else jsonb_build_object('kind', 'altered', 'theirs', j.theirs, 'message', 'PEMS holds another value than the one that was written.')
      end as problem
    from judged j
  ),
  result as materialized (
    select v.id, jsonb_object_agg(v.key, v.problem) filter (where v.problem is not null) as problems, bool_or(v.problem is null) as is_kept,
      case
        when bool_and(v.problem is null) then 'confirmed'
        when bool_or(v.problem->>'kind' in ('altered', 'conflict')) then 'altered'
        else 'refused'
      end as outcome
    from verdict v group by v.id
  ),
  settled as (
    update app_core.pfa_push_intent i set outcome = r.outcome, settled_at = clock_timestamp()
    from result r
    where i.organization_id = p_organization_id and i.modification_id = any (p_ids) and i.modification_id = r.id and i.outcome is null
  )
  select jsonb_agg(jsonb_build_object('id', r.id, 'problems', r.problems)) filter (where r.problems is not null), array_agg(r.id) filter (where r.is_kept)
    into returned, kept
  from result r;

  perform app_private.return_keys(p_organization_id, coalesce(returned, '[]'));
  perform app_private.confirm_pushes(p_organization_id, kept);
  perform app_private.show_records(p_organization_id, array(select r->>'pfaId' from jsonb_array_elements(fresh) r));
  return query
    select i.id, case
        when not exists (select from jsonb_array_elements(current) c where (c->>'id')::bigint = i.id) then 'superseded'
        when not exists (select from jsonb_array_elements(fresh) f where (f->>'id')::bigint = i.id) then 'read again'
        when exists (select from jsonb_array_elements(returned) b where (b->>'id')::bigint = i.id) then 'returned'
        else 'confirmed'
      end
    from unnest(p_ids) i (id);
end;
$$;
comment on function app_private.settle_pushes(integer, jsonb) is
  'After records were read back that were written: mirror, state, overlay and history in one. Reads: as of enter_reads, with `id`, `attempt` and `blank`. What PEMS holds is confirmed; what it does not comes back to its author. Outcomes: `confirmed`, `returned` (some of it), `read again` (something newer is known), `superseded` (another attempt took its place).';
grant execute on function app_private.settle_pushes(integer, jsonb) to vanguard_worker;

create or replace function app_private.key_group(key text) returns text
  language sql immutable parallel safe
  return case when key in ('forecastStart', 'forecastEnd') then 'forecastStart' else key end;
comment on function app_private.key_group(text) is 'Keys that PEMS can only take together: the first of them.';

create or replace function app_private.split_push(organization_id integer, id bigint, keys text[]) returns boolean
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := split_push.organization_id;
  p_id constant bigint := split_push.id;
  p_keys constant text[] := split_push.keys;
  others text[];
  parts bigint[];
begin
  select array_agg(k) into others
  from unnest(p_keys) k
  where app_private.key_group(k) <> (select min(app_private.key_group(g)) from unnest(p_keys) g);
  if others is null then
    return false;
  end if;
  with made as (
    insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, state, commit_sequence, committed_at, comment, created_at)
    select p_organization_id, m.user_id, m.pfa_id, g.delta, g.base, 'committed', nextval('app_core.revision_seq'), m.committed_at, m.comment, m.created_at
    from app_core.pfa_modification m
    cross join lateral (
      select jsonb_object_agg(k, m.delta->k) as delta, jsonb_object_agg(k, m.base->k) as base
      from unnest(others) k group by app_private.key_group(k) order by app_private.key_group(k)
    ) g
    where m.organization_id = p_organization_id and m.id = p_id
    returning id
  )
  select array_agg(n.id) into parts from made n;
  update app_core.pfa_modification m set delta = m.delta - others, base = m.base - others
  where m.organization_id = p_organization_id and m.id = p_id;
  -- What was committed on the record later stays behind all of it.
  update app_core.pfa_modification m set commit_sequence = l.place
  from (
    select o.id, nextval('app_core.revision_seq') as place
    from (
      select n.id from app_core.pfa_modification n
      join app_core.pfa_modification f on f.organization_id = p_organization_id and f.id = p_id
      where n.organization_id = p_organization_id and n.pfa_id = f.pfa_id and n.state = 'committed' and n.commit_sequence > f.commit_sequence
        and n.id <> all (parts)
      order by n.commit_sequence
    ) o
  ) l
  where m.organization_id = p_organization_id and m.id = l.id;
  return true;
end;
$$;
comment on function app_private.split_push(integer, bigint, text[]) is
  'PEMS refused these keys together and does not say which of them it means: each is written by itself. False when they cannot be taken apart.';

drop function if exists app_private.fail_push(integer, bigint, integer, text, text, integer, jsonb);
drop function if exists app_private.fail_push(integer, bigint, integer, text, text, integer, text, jsonb);
create or replace function app_private.fail_push(
  organization_id integer, id bigint, attempt integer, verdict text, message text, wait_ms integer, read_at text, exchange jsonb
) returns text
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := fail_push.organization_id;
  p_id constant bigint := fail_push.id;
  p_attempt constant integer := fail_push.attempt;
  moment constant timestamptz := clock_timestamp();
  modification app_core.pfa_modification;
  intent app_core.pfa_push_intent;
  is_in_doubt boolean;
  keys text[];
  kind text;
  words text := fail_push.message;
begin
  perform app_private.lock_records(p_organization_id, array(
    select m.pfa_id from app_core.pfa_modification m where m.organization_id = p_organization_id and m.id = p_id));
  select m.* into modification
  from app_core.pfa_modification m
  where m.organization_id = p_organization_id and m.id = p_id and m.state = 'syncing' and m.attempts = p_attempt and m.retry_at is null
  for update;
  if not found then
    return 'superseded';
  end if;
  perform app_private.note_exchange(p_organization_id, modification.pfa_id, p_id, p_attempt, exchange);
  select i.* into intent
  from app_core.pfa_push_intent i
  where i.organization_id = p_organization_id and i.modification_id = p_id and i.attempt = p_attempt and i.outcome is null;
  is_in_doubt := exists (
    select from app_core.pfa_push_intent i
    where i.organization_id = p_organization_id and i.modification_id = p_id and i.outcome = 'uncertain');
  keys := array(select jsonb_object_keys(coalesce(intent.write_values, modification.delta)));

  case verdict
    when 'uncertain' then
      -- Nobody knows until PEMS cannot do it any more, and it was read again.
      update app_core.pfa_push_intent i set outcome = 'uncertain', settled_at = moment where i.organization_id = p_organization_id and i.id = intent.id;
      update app_core.pfa_modification m set failures = m.failures + 1, retry_at = coalesce(intent.quiet_at, moment)
      where m.organization_id = p_organization_id and m.id = p_id;
      return 'uncertain';
    when 'wait' then
      null;
    when 'retry' then
      -- 5, 10, 20 seconds, then it comes back.
      modification.failures := modification.failures + 1;
      if modification.failures > 3 then
        kind := 'failed';
        words := format('PEMS was tried 4 times. %s', words);
      end if;
    when 'refuse' then
      if intent.answered_at is null and app_private.split_push(p_organization_id, p_id, keys) then
        update app_core.pfa_push_intent i set outcome = 'refused', settled_at = moment where i.organization_id = p_organization_id and i.id = intent.id;
      else
        kind := 'refused';
      end if;
    when 'remove' then
      kind := 'removed';
      keys := array(select jsonb_object_keys(modification.delta));
      -- A full run missed it, and so did we: two have looked.
      update app_public.pfa_removal_candidate c set confirmed_at = app_private.at_microseconds(read_at)
      where c.organization_id = p_organization_id and c.pfa_id = modification.pfa_id and c.confirmed_at is null;
      if app_private.remove_records(p_organization_id, array[modification.pfa_id], null) is not null then
        perform app_private.queue_refresh(p_organization_id);
      end if;
    else
      raise exception 'There is no verdict %.', verdict using errcode = 'VG400', hint = 'It is uncertain, wait, retry, refuse or remove.';
  end case;

  if kind is not null then
    update app_core.pfa_push_intent i set outcome = case when kind = 'refused' then 'refused' else 'failed' end, settled_at = moment
    where i.organization_id = p_organization_id and i.id = intent.id;
    perform app_private.return_keys(p_organization_id, jsonb_build_array(jsonb_build_object('id', p_id, 'problems', (
      select jsonb_object_agg(k, jsonb_build_object('kind', kind, 'message', words)) from unnest(keys) k))));
  end if;
  -- What is left of it goes on; answered, it is still to be read back.
  if intent.answered_at is null then
    update app_core.pfa_push_intent i set outcome = 'failed', settled_at = moment
    where i.organization_id = p_organization_id and i.id = intent.id and i.outcome is null;
  end if;
  update app_core.pfa_modification m
  set state = case when is_in_doubt or intent.answered_at is not null then 'syncing' else 'committed' end,
    failures = modification.failures,
    retry_at = moment + case verdict
      when 'retry' then interval '5 seconds' * power(2, modification.failures - 1)
      when 'wait' then wait_ms * interval '1 millisecond'
      else interval '0'
    end
  where m.organization_id = p_organization_id and m.id = p_id;
  if kind is not null then
    perform app_private.show_records(p_organization_id, array[modification.pfa_id]);
    return 'returned';
  end if;
  return 'waits';
end;
$$;
comment on function app_private.fail_push(integer, bigint, integer, text, text, integer, text, jsonb) is
  'A step did not bring what it was to. Verdicts: `uncertain` (sent, and no certain answer), `wait` (not the record''s fault, and certainly not written: again after wait_ms), `retry` (the record''s: 3 times, then it comes back as failed), `refuse` (PEMS refused it with these words), `remove` (PEMS, asked at read_at, has no such record). Answers `waits`, `uncertain`, `returned` or `superseded`.';
grant execute on function app_private.fail_push(integer, bigint, integer, text, text, integer, text, jsonb) to vanguard_worker;

create or replace function app_private.queue_next_push(organization_id integer) returns timestamptz
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := queue_next_push.organization_id;
  due timestamptz;
begin
  select case g.state when 'open' then w.due when 'breaker open' then greatest(w.due, g.until) end into due
  from app_private.push_gate(p_organization_id) g
  cross join (
    select min(f.due) as due
    from (
      -- Of each record the one that is being written, else the first. One that a worker is at is due by itself.
      select distinct on (m.pfa_id) case when m.state = 'committed' then coalesce(m.retry_at, clock_timestamp()) else m.retry_at end as due
      from app_core.pfa_modification m
      where m.organization_id = p_organization_id and m.state in ('committed', 'syncing')
      order by m.pfa_id, m.state = 'syncing' desc, m.commit_sequence
    ) f
  ) w;
  if due is not null then
    perform app_private.queue_push(p_organization_id, due);
  end if;
  return due;
end;
$$;
comment on function app_private.queue_next_push(integer) is 'Queues the next push of an organization for when there is something to do, and answers when; null: nothing, or it is paused.';
grant execute on function app_private.queue_next_push(integer) to vanguard_worker;

create or replace function app_private.dispatch_pushes() returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  queued integer;
begin
  with due as materialized (
    select o.id
    from app_public.organizations o
    cross join lateral app_private.push_gate(o.id) g
    where exists (select from app_core.pfa_modification m where m.organization_id = o.id and m.state in ('committed', 'syncing'))
      and (g.state = 'open' or g.until <= clock_timestamp())
      and not exists (
        select from graphile_worker.jobs j
        where j.queue_name = 'push:' || o.id and (j.locked_at is not null or j.attempts < j.max_attempts))
  )
  select count(*) into queued from due d cross join lateral app_private.queue_push(d.id) q;
  return queued;
end;
$$;
comment on function app_private.dispatch_pushes() is 'Queues a push for every organization that has something to write and no job for it: jobs may be lost. Answers how many.';
grant execute on function app_private.dispatch_pushes() to vanguard_worker;

--------------------------------------------------------------------------------------------------
-- Problems are resolved by who has them

alter table app_core.pfa_draft_operation drop constraint if exists pfa_draft_operation_kind_check;
alter table app_core.pfa_draft_operation add constraint pfa_draft_operation_kind_check
  check (kind in ('save', 'shift', 'duration', 'reset', 'set', 'discard', 'resolve'));
comment on column app_core.pfa_draft_operation.kind is '`save`, `shift`, `duration`, `reset`, `set` (in bulk), `discard`, `resolve` (of problems).';
comment on column app_public.pfa_draft_operation.kind is E'@notNull\n`save`, `shift`, `duration`, `reset`, `set` (in bulk), `discard`, `resolve` (of problems).';

comment on column app_public.pfa_undo_result.kind is E'@notNull\nWhat it was: `save`, `shift`, `duration`, `reset`, `set`, `discard`, `resolve`.';

-- What somebody does in the own drafts, nobody else is told: said once, for the policy, for names, and for what is told of a record that moved.
create or replace function app_core.is_private_route(route text) returns boolean
  language sql immutable parallel safe
  return route in ('draft', 'takeover', 'resolve');
comment on function app_core.is_private_route(text) is 'Whether a change by this route concerns drafts only, which are their author''s alone.';
grant execute on function app_core.is_private_route(text) to vanguard_visitor, vanguard_worker;

drop policy if exists visitor_select on app_core.pfa_change;
create policy visitor_select on app_core.pfa_change for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()) and (not app_core.is_private_route(route) or user_id = app_core.current_user_id()));

create or replace function app_public.pfa_change_username(change app_public.pfa_change) returns text
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select u.username
  from app_core.pfa_change c
  join app_public.users u on u.id = c.user_id
  where c.organization_id = change.organization_id and c.id = change.id
    and c.organization_id = any (app_core.current_organization_ids()) and (not app_core.is_private_route(c.route) or c.user_id = app_core.current_user_id());
end;

drop type if exists app_public.pfa_resolution cascade;
create type app_public.pfa_resolution as (record_id text, revision bigint, choice text, keys text[], value jsonb);
comment on type app_public.pfa_resolution is 'What is to become of problems of a draft.';
comment on column app_public.pfa_resolution.record_id is E'@notNull\nThe record.';
comment on column app_public.pfa_resolution.revision is E'@notNull\nThe revision of the record that you saw.';
comment on column app_public.pfa_resolution.choice is E'@notNull\n`mine`: your value, over what is there now; `theirs`: what is there now, your draft of it goes; `value`: a third one.';
comment on column app_public.pfa_resolution.keys is 'Of these keys; left out, of all that have a problem. With `value` exactly one.';
comment on column app_public.pfa_resolution.value is 'With the choice `value`: the third value.';

drop type if exists app_public.pfa_resolve_result cascade;
create type app_public.pfa_resolve_result as (operation_id bigint, record_count integer, key_count integer, refused jsonb, revisions jsonb);
comment on type app_public.pfa_resolve_result is 'What was resolved.';
comment on column app_public.pfa_resolve_result.operation_id is 'The operation, to be undone; null when no value of a draft changed.';
comment on column app_public.pfa_resolve_result.record_count is E'@notNull\nOn how many records something was resolved.';
comment on column app_public.pfa_resolve_result.key_count is E'@notNull\nHow many keys.';
comment on column app_public.pfa_resolve_result.refused is E'@notNull\nWhat was left: `[{"recordId", "problem"}, ...]`.';
comment on column app_public.pfa_resolve_result.revisions is 'The revision of each record that was resolved, as it is now; null when there were more than 5,000.';

create or replace function app_private.apply_resolutions(organization_id integer, items jsonb) returns app_public.pfa_resolve_result
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := apply_resolutions.organization_id;
  me constant integer := app_core.current_user_id();
  p_ids constant text[] := array(select distinct i->>'recordId' from jsonb_array_elements(items) i);
  changes jsonb;
  changed app_public.pfa_draft_result;
  result app_public.pfa_resolve_result;
begin
  -- From now on it stands on what lies under it now, and the problem is gone.
  with kept as materialized (
    select m.pfa_id, array_agg(i->>'key') as keys, jsonb_object_agg(i->>'key', app_core.normalized(m.underlay->(i->>'key'))) as base,
      jsonb_object_agg(i->>'key', jsonb_build_object('from', app_core.normalized(m.underlay->(i->>'key')), 'to', i->'value'))
        filter (where i->>'choice' = 'mine' and app_core.normalized(m.underlay->(i->>'key')) <> i->'value') as kept
    from jsonb_array_elements(items) i
    join app_private.merged_for(p_organization_id, me, p_ids) m on m.pfa_id = i->>'recordId'
    where i->>'choice' <> 'theirs'
    group by m.pfa_id
  ),
  rebased as (
    update app_core.pfa_modification d set base = d.base || k.base, problems = d.problems - k.keys
    from kept k
    where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.pfa_id = any (p_ids) and d.pfa_id = k.pfa_id
  )
  insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
  select p_organization_id, k.pfa_id, me, 'resolve', k.kept from kept k where k.kept is not null;

  select jsonb_agg(jsonb_build_object('recordId', r.id, 'changes', r.changes, 'dropped', r.dropped)) into changes
  from (
    select i->>'recordId' as id, coalesce(jsonb_object_agg(i->>'key', i->'value') filter (where i->>'choice' <> 'theirs'), '{}') as changes,
      coalesce(jsonb_agg(i->'key') filter (where i->>'choice' = 'theirs'), '[]') as dropped
    from jsonb_array_elements(items) i group by 1
  ) r;
  changed := app_private.change_drafts(p_organization_id, me, coalesce(changes, '[]'), 'resolve');
  result.operation_id := changed.operation_id;
  result.record_count := cardinality(p_ids);
  result.key_count := jsonb_array_length(items);
  result.refused := '[]';
  result.revisions := changed.revisions;
  return result;
end;
$$;
comment on function app_private.apply_resolutions(integer, jsonb) is
  'Resolves problems of the signed-in user''s drafts: `[{"recordId", "key", "choice", "value"}]`, checked, under lock_operations and lock_records. A draft that is kept stands on what lies under it now.';

create or replace function app_private.problems_of(organization_id integer, user_id integer, record_ids text[])
  returns table (pfa_id text, revision bigint, is_removed boolean, key text, mine jsonb)
  language sql stable
begin atomic
  select m.pfa_id, m.revision, m.removed_at is not null, k.key, d.delta->k.key
  from app_core.pfa_modification d
  join app_private.merged_for(problems_of.organization_id, problems_of.user_id, problems_of.record_ids) m on m.pfa_id = d.pfa_id
  cross join jsonb_object_keys(d.problems) k (key)
  where d.organization_id = problems_of.organization_id and d.user_id = problems_of.user_id and d.state = 'draft' and d.pfa_id = any (problems_of.record_ids);
end;
comment on function app_private.problems_of(integer, integer, text[]) is 'The drafted keys of a user that have a problem, with the revision of the record as that user sees it.';

create or replace function app_public.resolve_problems(organization_id integer, resolutions app_public.pfa_resolution[]) returns app_public.pfa_resolve_result
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
    raise exception 'These are % resolutions, and 1 to 5,000 can be made at once.', coalesce(cardinality(resolutions), 0)
      using errcode = 'VG400', hint = 'Give at least one {recordId, revision, choice}, or use resolveAllProblems.';
  end if;
  select jsonb_agg(jsonb_build_object('recordId', r.record_id, 'problem', w.words)) into wrong
  from unnest(resolutions) r
  cross join lateral (
    select case
      when r.record_id is null then 'names no record'
      when r.revision is null then 'has no revision'
      when r.choice is null or r.choice not in ('mine', 'theirs', 'value') then 'has a choice that is none of mine, theirs, value'
      when r.choice = 'value' and coalesce(cardinality(r.keys), 0) <> 1 then 'gives a value, and not exactly one key for it'
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
      select case when n.choice = 'value' then app_private.key_problem(d, w.screen_field, c.data, n.value) end as problem
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
        else jsonb_build_object('problem', case when j.current_revision is null then 'there is no such record' else 'there is no such problem of yours' end)
      end as told
    from judged j where j.code <> 'VG409'
    union all
    -- As save_drafts tells it, with the problems that are there now: what is needed to choose again.
    select distinct on (j.id) j.code, j.id, null, jsonb_build_object('recordId', j.id, 'problem', 'it changed since you saw it',
        'revision', j.revision, 'currentRevision', j.current_revision)
      || coalesce((select m.m from moved m where m.m->>'recordId' = j.id limit 1), '{}')
      || jsonb_build_object('problems', coalesce((
        select d.problems from app_core.pfa_modification d
        where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.pfa_id = j.id), '{}'))
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
        when 'VG404' then format('Of record %s%s %s.', wrong->0->>'recordId', coalesce(', key ' || (wrong->0->>'key') || ',', ''), wrong->0->>'problem')
        else format('%s of record %s %s.', coalesce(wrong->0->>'key', 'It'), wrong->0->>'recordId', wrong->0->>'problem')
      end,
      detail = told::text,
      hint = case wrong->0->>'code'
        when 'VG409' then 'Nothing was resolved. Look at the current problems in the details, then choose again with the current revision.'
        when 'VG404' then 'Nothing was resolved. The problems that you have are those of your drafts: myDrafts lists them.'
        else 'Nothing was resolved. Correct those named in the details.'
      end;
  end if;
  result := app_private.apply_resolutions(p_organization_id, items);

  -- Seen as it is now: what was given up beside a third value counts as well.
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
      using errcode = 'VG422', detail = wrong::text, hint = 'Nothing was resolved. Choose other values for those named in the details.';
  end if;
  return result;
end;
$$;
comment on function app_public.resolve_problems(integer, app_public.pfa_resolution[]) is
  E'@resultFieldName result\nResolves problems of your drafts, key by key or record by record: your value (then commit it again), theirs, or a third one. All of them or none; what is refused is named.';
grant execute on function app_public.resolve_problems(integer, app_public.pfa_resolution[]) to vanguard_visitor;

create or replace function app_public.resolve_all_problems(organization_id integer, choice text, revision bigint) returns app_public.pfa_resolve_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := resolve_all_problems.organization_id;
  p_choice constant text := resolve_all_problems.choice;
  p_revision constant bigint := resolve_all_problems.revision;
  me constant integer := app_core.current_user_id();
  ids text[];
  items jsonb;
  refused jsonb;
  result app_public.pfa_resolve_result;
begin
  perform app_private.require_writable(p_organization_id);
  if p_choice is null or p_choice not in ('mine', 'theirs') then
    raise exception 'The choice is none of mine, theirs.' using errcode = 'VG400', hint = 'A third value is chosen key by key, with resolveProblems.';
  end if;
  if p_revision is null then
    raise exception 'The revision is missing.' using errcode = 'VG400', hint = 'Give the greatest revision among the records that you saw; those that have changed since are left.';
  end if;
  perform app_private.lock_operations(p_organization_id, me);
  ids := array(
    select d.pfa_id from app_core.pfa_modification d
    where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.problems <> '{}' order by d.pfa_id);
  perform app_private.lock_records(p_organization_id, ids);
  with problem as materialized (
    select p.*, case
        when p.revision > p_revision then 'it changed since you saw it'
        when p.is_removed and p_choice = 'mine' then 'the record was removed from PEMS; only theirs is left to choose'
      end as words
    from app_private.problems_of(p_organization_id, me, ids) p
  )
  select coalesce(jsonb_agg(jsonb_build_object('recordId', p.pfa_id, 'key', p.key, 'choice', p_choice, 'value', case p_choice when 'mine' then p.mine end))
      filter (where p.words is null), '[]'),
    (select coalesce(jsonb_agg(jsonb_build_object('recordId', r.pfa_id, 'problem', r.words) order by r.pfa_id), '[]')
      from (select distinct o.pfa_id, o.words from problem o where o.words is not null order by 1 limit 1000) r)
    into items, refused
  from problem p;
  result := app_private.apply_resolutions(p_organization_id, items);
  result.refused := refused;
  return result;
end;
$$;
comment on function app_public.resolve_all_problems(integer, text, bigint) is
  E'@resultFieldName result\nResolves all problems of your drafts in the organization alike: `mine` (then commit them again) or `theirs`. `revision` is the greatest among the records that you saw: those that have changed since are left and named.';
grant execute on function app_public.resolve_all_problems(integer, text, bigint) to vanguard_visitor;

--------------------------------------------------------------------------------------------------
-- How write-back is, and stopping it

drop type if exists app_public.pfa_push_status cascade;
create type app_public.pfa_push_status as (
  state text, waiting_count integer, writing_count integer, uncertain_count integer, oldest_committed_at timestamptz,
  paused_at timestamptz, paused_by text, breaker_opened_at timestamptz, breaker_code text, breaker_message text, next_probe_at timestamptz
);
comment on type app_public.pfa_push_status is 'How writing changes to PEMS goes in an organization.';
comment on column app_public.pfa_push_status.state is
  E'@notNull\n`open` (changes are written), `paused`, `no connection` (none that may write), `connection paused`, `breaker open` (PEMS cannot be reached or does not let us in: it is probed, and goes on by itself).';
comment on column app_public.pfa_push_status.waiting_count is E'@notNull\nHow many committed changes wait.';
comment on column app_public.pfa_push_status.writing_count is E'@notNull\nHow many are being written, or read back.';
comment on column app_public.pfa_push_status.uncertain_count is E'@notNull\nOf these, how many ended without a certain answer and are read again when PEMS cannot do them any more.';
comment on column app_public.pfa_push_status.oldest_committed_at is 'When the oldest of them was committed.';
comment on column app_public.pfa_push_status.paused_at is 'Since when the organization, or its connection, is paused.';
comment on column app_public.pfa_push_status.paused_by is 'Who paused it; null when it was a command.';
comment on column app_public.pfa_push_status.breaker_opened_at is 'Since when PEMS does not work for us.';
comment on column app_public.pfa_push_status.breaker_code is 'Why: a stable code.';
comment on column app_public.pfa_push_status.breaker_message is 'Why, in a sentence; for owners and admins.';
comment on column app_public.pfa_push_status.next_probe_at is 'When PEMS is tried next.';

create function app_private.push_status(organization_id integer, is_told boolean) returns app_public.pfa_push_status
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select row(g.state, c.waiting, c.writing, c.uncertain, c.oldest,
    coalesce(p.paused_at, s.paused_at), u.username, s.opened_at, case when s.opened_at is not null then s.error_code end,
    case when s.opened_at is not null and is_told then s.error_message end, s.next_probe_at)::app_public.pfa_push_status
  from app_private.push_gate(push_status.organization_id) g
  left join app_private.pfa_push_pause p on p.organization_id = push_status.organization_id
  left join app_private.pems_state s on s.api_configuration_id = g.api_configuration_id
  left join app_public.users u on u.id = coalesce(p.paused_by, case when p.organization_id is null then s.paused_by end)
  cross join (
    select count(*) filter (where m.state = 'committed') as waiting, count(*) filter (where m.state = 'syncing') as writing,
      count(*) filter (where m.state = 'syncing' and exists (
        select from app_core.pfa_push_intent i
        where i.organization_id = m.organization_id and i.modification_id = m.id and i.outcome = 'uncertain')) as uncertain,
      min(m.committed_at) as oldest
    from app_core.pfa_modification m
    where m.organization_id = push_status.organization_id and m.state in ('committed', 'syncing')
  ) c;
end;
comment on function app_private.push_status(integer, boolean) is 'How writing changes of an organization to PEMS goes; what PEMS said only to whom it is told.';

create function app_public.organizations_push_status(organization app_public.organizations) returns app_public.pfa_push_status
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Of a row that belongs to no organization.
  if organization.id is null then
    return null;
  end if;
  perform app_private.require_readable(organization.id);
  return app_private.push_status(organization.id, organization.id = any (app_core.administered_organization_ids()));
end;
$$;
comment on function app_public.organizations_push_status(app_public.organizations) is 'How writing changes to PEMS goes.';
grant execute on function app_public.organizations_push_status(app_public.organizations) to vanguard_visitor;

create or replace function app_private.set_push_pause(organization_id integer, is_paused boolean) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if is_paused then
    insert into app_private.pfa_push_pause (organization_id, paused_by) values (set_push_pause.organization_id, app_core.current_user_id())
    on conflict on constraint pfa_push_pause_pkey do nothing;
  else
    delete from app_private.pfa_push_pause p where p.organization_id = set_push_pause.organization_id;
    perform app_private.queue_push(set_push_pause.organization_id);
  end if;
end;
$$;
comment on function app_private.set_push_pause(integer, boolean) is 'Pauses writing changes of an organization to PEMS, or goes on with it. What is being written at this moment is finished.';
grant execute on function app_private.set_push_pause(integer, boolean) to vanguard_worker;

drop function if exists app_public.pause_push(integer), app_public.resume_push(integer);
create function app_public.pause_push(organization_id integer) returns app_public.pfa_push_status
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(pause_push.organization_id);
  perform app_private.set_push_pause(pause_push.organization_id, true);
  return (select app_public.organizations_push_status(o) from app_public.organizations o where o.id = pause_push.organization_id);
end;
$$;
comment on function app_public.pause_push(integer) is
  E'@resultFieldName pushStatus\nStops writing changes of the organization to PEMS; what is committed waits, and what is being written is finished. Owners and admins of the organization may.';
grant execute on function app_public.pause_push(integer) to vanguard_visitor;

create function app_public.resume_push(organization_id integer) returns app_public.pfa_push_status
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(resume_push.organization_id);
  perform app_private.set_push_pause(resume_push.organization_id, false);
  return (select app_public.organizations_push_status(o) from app_public.organizations o where o.id = resume_push.organization_id);
end;
$$;
comment on function app_public.resume_push(integer) is
  E'@resultFieldName pushStatus\nGoes on writing changes of the organization to PEMS. Owners and admins of the organization may.';
grant execute on function app_public.resume_push(integer) to vanguard_visitor;

create or replace function app_private.set_connection_pause(api_configuration_id text, is_paused boolean) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_api_configuration_id constant text := set_connection_pause.api_configuration_id;
begin
  insert into app_private.pems_state as s (api_configuration_id, paused_at, paused_by)
  values (p_api_configuration_id, case when is_paused then clock_timestamp() end, case when is_paused then app_core.current_user_id() end)
  on conflict on constraint pems_state_pkey do update
    set paused_at = case when is_paused then coalesce(s.paused_at, excluded.paused_at) end,
      paused_by = case when is_paused then coalesce(s.paused_by, excluded.paused_by) end;
  if not is_paused then
    perform app_private.queue_pushes_over(p_api_configuration_id);
  end if;
end;
$$;
comment on function app_private.set_connection_pause(text, boolean) is 'Pauses writing over a connection, for every organization that uses it, or goes on with it.';
grant execute on function app_private.set_connection_pause(text, boolean) to vanguard_worker;

create or replace function app_private.pause_connection_checked(api_configuration_id text, is_paused boolean) returns app_public.api_configurations
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  result app_public.api_configurations;
begin
  select c.* into result from app_public.api_configurations c
  where c.id = pause_connection_checked.api_configuration_id and c.operation_type in ('write', 'read-write') and app_core.may_configure(c.organization_id);
  if not found then
    raise exception 'There is no connection % that writes and that you may manage.', coalesce(pause_connection_checked.api_configuration_id, '(none)')
      using errcode = 'VG404', hint = 'Those of an organization are for its owners and admins, those for all for administrators: apiConfigurations lists them.';
  end if;
  perform app_private.set_connection_pause(result.id, is_paused);
  return result;
end;
$$;
comment on function app_private.pause_connection_checked(text, boolean) is 'As set_connection_pause, for who may manage the connection; VG404 for others.';

drop function if exists app_public.pause_connection(text), app_public.resume_connection(text);
create function app_public.pause_connection(api_configuration_id text) returns app_public.api_configurations
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.pause_connection_checked(pause_connection.api_configuration_id, true);
end;
$$;
comment on function app_public.pause_connection(text) is
  E'@resultFieldName connection\nStops writing over a connection, for every organization that uses it. Who may manage the connection may.';
grant execute on function app_public.pause_connection(text) to vanguard_visitor;

create function app_public.resume_connection(api_configuration_id text) returns app_public.api_configurations
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.pause_connection_checked(resume_connection.api_configuration_id, false);
end;
$$;
comment on function app_public.resume_connection(text) is
  E'@resultFieldName connection\nGoes on writing over a connection. Who may manage the connection may.';
grant execute on function app_public.resume_connection(text) to vanguard_visitor;

create or replace view app_public.pfa_commit with (security_invoker = true) as
select m.organization_id, m.id, m.user_id, m.user_id = app_core.current_user_id() as is_mine, m.pfa_id, m.delta, m.base, m.state, m.comment,
  m.attempts, m.committed_at, m.settled_at, m.retry_at
from app_core.pfa_modification m
where m.state <> 'draft';
comment on column app_public.pfa_commit.retry_at is 'Push goes on with it then: it failed, or nobody knows yet whether PEMS took it.';

--------------------------------------------------------------------------------------------------
-- Values that PEMS cannot hold are refused when drafted

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
      then format('is too large; an amount is less than %s USD', ltrim(to_char(field.max_amount, '999,999,999,999,999,999')))
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
  'What is wrong with a value that somebody wants to put under a key, as the end of a sentence; null when nothing is. Nothing, null and "" empty a key; a flag cannot be emptied, because PEMS has no such flag.';

--------------------------------------------------------------------------------------------------
-- As before, but for the route by which drafts change when problems are resolved

create or replace function app_private.change_drafts(organization_id integer, user_id integer, items jsonb, kind text) returns app_public.pfa_draft_result
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
    select m.pfa_id, coalesce(i->'changes', '{}') as changes, coalesce(i->'dropped', '[]') as dropped, m.data, m.underlay,
      coalesce(d.delta, '{}') as delta, coalesce(d.base, '{}') as base, coalesce(d.problems, '{}') as problems
    from jsonb_array_elements(items) i
    join app_private.merged_for(p_organization_id, p_user_id, ids) m on m.pfa_id = i->>'recordId'
    left join app_core.pfa_modification d
      on d.organization_id = p_organization_id and d.user_id = p_user_id and d.state = 'draft' and d.pfa_id = any (ids) and d.pfa_id = m.pfa_id
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
    select k.pfa_id, k.key, k.drafted, k.problem, k.under, k.seen, k.base, case when k.value <> k.under then k.value end as value from keyed k
  ),
  kept as materialized (
    select s.pfa_id, s.delta - d.keys || d.delta as delta, s.base - d.keys || d.base as base, s.problems - d.keys || d.problems as problems
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
    select p_organization_id, d.pfa_id, p_user_id, case p_kind when 'resolve' then 'resolve' else 'draft' end, jsonb_object_agg(d.key, jsonb_build_object('from', d.seen, 'to', coalesce(d.value, d.under)))
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
  select (select r.id from remembered r), (select count(*) from changed), (select count(*) from seen) - (select count(*) from changed), '[]', null
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
create or replace function app_private.refused_changes(
  organization_id integer, user_id integer, items jsonb, out missing jsonb, out moved jsonb, out unfit jsonb
)
  language sql stable
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
begin atomic
  with item as materialized (
    select i->>'recordId' as id, i ? 'revision' as has_revision, (i->>'revision')::bigint as revision, i->'changes' as changes,
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
          select coalesce(jsonb_agg(jsonb_build_object('route', l.route, 'by', l.username, 'at', l.changed_at, 'changes', l.changes) order by l.id desc), '[]')
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
      select jsonb_agg(jsonb_build_object('recordId', w.id, 'key', w.key, 'value', w.value, 'problem', w.problem) order by w.id, w.key)
      from (
        select w.id, w.key, w.value, w.problem from wrong w
        union all
        select i.id, r.last_key, n.data->r.last_key, format('lies before %s (%s)', r.first_key, n.data->>r.first_key)
        from item i
        cross join lateral (select i.data || i.changes as data) n
        cross join lateral app_private.reversed_dates(n.data) r
        where not i.is_missing and i.changes ?| array[r.first_key, r.last_key] and not exists (select from wrong w where w.id = i.id)
      ) w
    );
end;

--------------------------------------------------------------------------------------------------
-- A worker process has two queues, one of them for writing alone

alter table app_private.worker_processes add column if not exists backend_pid integer not null default pg_backend_pid();
comment on table app_private.worker_processes is 'Each queue of a worker process that runs, or was killed. A live one holds the session advisory lock of its lock_key.';
comment on column app_private.worker_processes.backend_pid is 'The connection that holds the lock: the same for all queues of a process.';

--! split: 20-schedule.sql
-- Which kind of run is due, and when: incremental runs between full ones, and the schedule of an organization.

alter table app_public.pfa_sync_log
  add column if not exists asked_kind text check (asked_kind in ('full', 'incremental')),
  add column if not exists changed_since timestamp,
  add column if not exists next_since timestamp,
  add column if not exists source text;
comment on column app_public.pfa_sync_log.kind is '`full` reads everything; `incremental` what PEMS changed since the last completed run. Of a run that waits: what it would be now.';
comment on column app_public.pfa_sync_log.asked_kind is 'What was asked for; null: whatever is due when it begins.';
comment on column app_public.pfa_sync_log.greatest_version is 'The newest change that completed runs have seen, in PEMS''s local time; of rows that were not refused.';
comment on column app_public.pfa_sync_log.changed_since is 'Of an incremental run: from when on it asked for changes, in PEMS''s local time.';
comment on column app_public.pfa_sync_log.next_since is 'From when on the next incremental run asks for changes, in PEMS''s local time; null where PEMS says no times.';
comment on column app_public.pfa_sync_log.source is E'@behavior -*\nWhat the connection and the mapping were when it began: changes alone are read only as long as that is the same.';

alter table app_public.pems_settings
  add column if not exists filter_date_format text not null default 'DD-MON-YYYY'
    check (filter_date_format in ('DD-MON-YYYY', 'YYYY-MM-DD', 'MM/DD/YYYY', 'DD/MM/YYYY'));
comment on column app_public.pems_settings.filter_date_format is 'How this tenant wants the date in a filter, which incremental runs ask by.';

--------------------------------------------------------------------------------------------------
-- Cron expressions

create or replace function app_private.cron_number(number text, first integer, names text[]) returns integer
  language plpgsql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
begin
  return case when number ~ '^[0-9]{1,2}$' then number::integer else array_position(names, number) - 1 + first end;
end;
$$;
comment on function app_private.cron_number(text, integer, text[]) is 'One number of a field of a cron expression, which may be a name; null for anything else.';

create or replace function app_private.cron_values(field text, first integer, last integer, names text[] default '{}') returns integer[]
  language plpgsql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  one text;
  parts text[];
  low integer;
  high integer;
  step integer;
  found integer[] := '{}';
begin
  -- Part by part: as one query it takes fifty times as long to plan.
  foreach one in array string_to_array(lower(field), ',') loop
    parts := regexp_match(one, '^(?:([*])|([a-z]{3}|[0-9]{1,2})(?:-([a-z]{3}|[0-9]{1,2}))?)(?:/([0-9]{1,2}))?$');
    step := coalesce(parts[4]::integer, 1);
    low := case when parts[1] = '*' then cron_values.first else app_private.cron_number(parts[2], cron_values.first, names) end;
    high := case
      when parts[1] = '*' then cron_values.last
      when parts[3] is not null then app_private.cron_number(parts[3], cron_values.first, names)
      when parts[4] is not null then cron_values.last
      else low
    end;
    if (low >= cron_values.first and high <= cron_values.last and low <= high and step > 0) is not true then
      return null;
    end if;
    while low <= high loop
      found := found || low;
      low := low + step;
    end loop;
  end loop;
  return nullif(found, '{}');
end;
$$;
comment on function app_private.cron_values(text, integer, integer, text[]) is
  'The values that a field of a cron expression stands for: `*`, numbers, ranges, steps, and lists of them; null where it is none, or goes beyond first and last.';

create or replace function app_private.cron_fields(
  expression text, out minutes integer[], out hours integer[], out days integer[], out months integer[], out weekdays integer[], out either boolean
)
  language plpgsql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  field constant text[] := regexp_split_to_array(btrim(expression, E' \t'), '[ \t]+');
begin
  if length(expression) > 200 or cardinality(field) <> 5 then
    return;
  end if;
  minutes := app_private.cron_values(field[1], 0, 59);
  hours := app_private.cron_values(field[2], 0, 23);
  days := app_private.cron_values(field[3], 1, 31);
  months := app_private.cron_values(field[4], 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}');
  weekdays := app_private.cron_values(field[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}');
  either := field[3] !~ '^[*]' and field[5] !~ '^[*]';
end;
$$;
comment on function app_private.cron_fields(text) is
  'The five fields of a cron expression, null each that is none; all null where they are not five. Sunday is 0 and 7. Where day of month and day of week both say which days, either will do.';

create or replace function app_private.cron_problem(expression text) returns text
  language plpgsql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  f constant record := app_private.cron_fields(expression);
begin
  return case
    when f.either is null then 'It is not five fields with spaces between them.'
    when f.minutes is null then 'The minute, its first field, is not right.'
    when f.hours is null then 'The hour, its second field, is not right.'
    when f.days is null then 'The day of the month, its third field, is not right.'
    when f.months is null then 'The month, its fourth field, is not right.'
    when f.weekdays is null then 'The day of the week, its fifth field, is not right.'
  end;
end;
$$;
comment on function app_private.cron_problem(text) is 'Why it is no cron expression, in a sentence; null when it is one.';

create or replace function app_private.cron_falls_on(day date, days integer[], months integer[], weekdays integer[], either boolean) returns boolean
  language sql immutable parallel safe
  return extract(month from day)::integer = any (months)
    and case when either
      then extract(day from day)::integer = any (days) or extract(dow from day)::integer = any (weekdays) or extract(isodow from day)::integer = any (weekdays)
      else extract(day from day)::integer = any (days) and (extract(dow from day)::integer = any (weekdays) or extract(isodow from day)::integer = any (weekdays))
    end;
comment on function app_private.cron_falls_on(date, integer[], integer[], integer[], boolean) is 'Whether a cron expression of these fields means this day.';

create or replace function app_private.cron_matches(expression text, at timestamp) returns boolean
  language plpgsql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  f constant record := app_private.cron_fields(expression);
begin
  if app_private.cron_problem(expression) is not null then
    return null;
  end if;
  return extract(minute from cron_matches.at)::integer = any (f.minutes) and extract(hour from cron_matches.at)::integer = any (f.hours)
    and app_private.cron_falls_on(cron_matches.at::date, f.days, f.months, f.weekdays, f.either);
end;
$$;
comment on function app_private.cron_matches(text, timestamp) is 'Whether a cron expression means this minute, by the clock on the wall; null where it is none.';

create or replace function app_private.cron_next(expression text, after timestamptz, time_zone text) returns timestamptz
  language plpgsql stable strict
  set search_path = pg_catalog, pg_temp
as $$
declare
  f constant record := app_private.cron_fields(expression);
begin
  if app_private.cron_problem(expression) is not null then
    return null;
  end if;
  return (
    -- The day before, because a wall clock may show yesterday again; eight years, because 29 February may be that far away.
    with day as materialized (
      select d.day
      from generate_series(0, 3000) n
      cross join lateral (select (cron_next.after at time zone cron_next.time_zone)::date - 1 + n as day) d
      where app_private.cron_falls_on(d.day, f.days, f.months, f.weekdays, f.either)
      order by d.day limit 4
    )
    select min(t.at)
    from day d
    cross join lateral unnest(f.hours) hour
    cross join lateral unnest(f.minutes) minute
    cross join lateral (select d.day + make_time(hour, minute, 0) as wall) w
    -- An hour that the clock shows twice counts twice; one that it leaves out counts when it would have been.
    cross join lateral (
      select w.wall at time zone cron_next.time_zone as at
      union all
      select (w.wall at time zone cron_next.time_zone) - interval '1 hour'
      where ((w.wall at time zone cron_next.time_zone) - interval '1 hour') at time zone cron_next.time_zone = w.wall
    ) t
    where t.at > cron_next.after
  );
end;
$$;
comment on function app_private.cron_next(text, timestamptz, text) is
  'The first time after `after` that a cron expression means, by the clock on the wall of the time zone; null where there is none within eight years.';

--------------------------------------------------------------------------------------------------
-- The schedule of an organization

alter table app_private.pfa_sync_schedule
  add column if not exists cron text,
  add column if not exists time_zone text not null default 'UTC',
  add column if not exists quiet_from time,
  add column if not exists quiet_to time,
  add column if not exists full_every interval not null default '1 day',
  add column if not exists changed_at timestamptz,
  add column if not exists changed_by integer references app_public.users on delete set null,
  add column if not exists paused_by integer references app_public.users on delete set null,
  drop constraint if exists pfa_sync_schedule_quiet_check,
  drop constraint if exists pfa_sync_schedule_full_every_check;
alter table app_private.pfa_sync_schedule
  drop constraint if exists pfa_sync_schedule_cron_check;
alter table app_private.pfa_sync_schedule
  add constraint pfa_sync_schedule_cron_check check (length(cron) between 9 and 200),
  add constraint pfa_sync_schedule_quiet_check check ((quiet_from is null) = (quiet_to is null) and quiet_from <> quiet_to),
  add constraint pfa_sync_schedule_full_every_check check (full_every >= '1 hour');
drop index if exists app_private.pfa_sync_schedule_changed_by_idx;
-- use: on delete of a user
create index pfa_sync_schedule_changed_by_idx on app_private.pfa_sync_schedule (organization_id, changed_by) where changed_by is not null;
drop index if exists app_private.pfa_sync_schedule_paused_by_idx;
-- use: on delete of a user
create index pfa_sync_schedule_paused_by_idx on app_private.pfa_sync_schedule (organization_id, paused_by) where paused_by is not null;
comment on table app_private.pfa_sync_schedule is 'When an organization is synchronized, where not every 15 minutes.';
comment on column app_private.pfa_sync_schedule.every is 'The time from the end of one run to the next, where there is no cron expression.';
comment on column app_private.pfa_sync_schedule.cron is 'The times at which it is synchronized, as a cron expression of five fields.';
comment on column app_private.pfa_sync_schedule.time_zone is 'Whose clock on the wall the cron expression and the quiet hours mean.';
comment on column app_private.pfa_sync_schedule.quiet_from is 'From then on no run is begun by schedule, each day.';
comment on column app_private.pfa_sync_schedule.quiet_to is 'Until then; the next day, where it is earlier.';
comment on column app_private.pfa_sync_schedule.full_every is 'The time from the end of one full run to the next.';
comment on column app_private.pfa_sync_schedule.changed_at is 'When somebody last set it.';
comment on column app_private.pfa_sync_schedule.changed_by is 'Who did; null when it was a command.';
comment on column app_private.pfa_sync_schedule.paused_by is 'Who paused it; null when it was a command.';

create or replace function app_private.quiet_until(at timestamptz, quiet_from time, quiet_to time, time_zone text) returns timestamptz
  language sql stable
  return case
    when case when quiet_from < quiet_to
      then (at at time zone time_zone)::time >= quiet_from and (at at time zone time_zone)::time < quiet_to
      else (at at time zone time_zone)::time >= quiet_from or (at at time zone time_zone)::time < quiet_to
    end
    -- Of an hour that the clock shows twice, one can begin before it.
    then greatest(
      at + interval '1 minute',
      ((at at time zone time_zone)::date + quiet_to
        + case when (at at time zone time_zone)::time >= quiet_to then interval '1 day' else interval '0' end) at time zone time_zone)
  end;
comment on function app_private.quiet_until(timestamptz, time, time, text) is 'When the quiet hours end that this time is in; null where it is in none.';

create or replace function app_private.next_sync_at(organization_id integer) returns timestamptz
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- From the last run, not from the clock: a time at which no worker was there is made up for once.
  select coalesce(q.until, r.at)
  from app_public.organizations o
  left join app_private.pfa_sync_schedule s on s.organization_id = o.id
  left join lateral (
    select l.state, l.trigger, l.requested_at, l.started_at, l.finished_at
    from app_public.pfa_sync_log l where l.organization_id = o.id order by l.id desc limit 1
  ) last on true
  left join lateral (
    select count(*) as failures
    from app_public.pfa_sync_log l
    where l.organization_id = o.id and l.state = 'failed'
      and l.id > coalesce((select max(w.id) from app_public.pfa_sync_log w where w.organization_id = o.id and w.state = 'succeeded'), 0)
  ) f on true
  cross join lateral (select coalesce(s.every, '15 minutes') as every, coalesce(s.time_zone, 'UTC') as time_zone) e
  cross join lateral (
    select case last.state
      when 'queued' then last.requested_at + interval '1 minute'
      when 'running' then null
      when 'succeeded' then case when s.cron is null then last.finished_at + e.every else app_private.cron_next(s.cron, last.started_at, e.time_zone) end
      when 'failed' then least(
        case when s.cron is null then last.finished_at + e.every else app_private.cron_next(s.cron, last.finished_at, e.time_zone) end,
        last.finished_at + interval '1 minute' * power(2, least(f.failures - 1, 10)))
      else clock_timestamp()
    end as at
  ) r
  left join lateral (
    -- What somebody asked for is not held back.
    select app_private.quiet_until(greatest(r.at, clock_timestamp()), s.quiet_from, s.quiet_to, e.time_zone) as until
    where last.state is distinct from 'queued' or last.trigger = 'schedule'
  ) q on true
  where o.id = next_sync_at.organization_id and o.is_active
    and (s.paused_at is null or last.state = 'queued' and last.trigger <> 'schedule')
    and exists (select from app_private.pems_connection(o.id));
end;
comment on function app_private.next_sync_at(integer) is
  'When the next run of an organization is due: its interval or the next time of its cron expression after a success, sooner (1, 2, 4 ... minutes) after failures, not in quiet hours; a request that has waited a minute gets its job again in case it was lost. Null while one runs, and for an organization that is paused, switched off or not connected to a PEMS.';
grant execute on function app_private.next_sync_at(integer) to vanguard_worker;

--------------------------------------------------------------------------------------------------
-- Which kind of run is due

create or replace function app_private.sync_source(organization_id integer) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select md5(jsonb_build_array(
    (select jsonb_build_array(c.api_configuration_id, c.url, c.tenant, c.grid_name, c.grid_id, c.date_order)
     from app_private.pems_connection(sync_source.organization_id) c),
    (select o.code from app_public.organizations o where o.id = sync_source.organization_id),
    (select jsonb_agg(jsonb_build_array(m.key, m.kind, m.max_length, m.max_amount, m.grid_aliases) order by m.key)
     from app_private.field_mapping(sync_source.organization_id) m))::text);
end;
comment on function app_private.sync_source(integer) is
  'Stands for what decides how a record of PEMS comes to us: the connection, the code and the mapping. Another one: what did not change in PEMS may be something else here.';

create or replace function app_private.plan_sync(
  organization_id integer, asked_kind text default null, at timestamptz default null, out kind text, out changed_since timestamp
)
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select k.kind, case when k.kind = 'incremental' then done.next_since end
  from (select 1) one
  left join lateral (
    select l.finished_at, l.next_since, l.source from app_public.pfa_sync_log l
    where l.organization_id = plan_sync.organization_id and l.state = 'succeeded' order by l.finished_at desc limit 1
  ) done on true
  left join lateral (
    select l.finished_at from app_public.pfa_sync_log l
    where l.organization_id = plan_sync.organization_id and l.state = 'succeeded' and l.kind = 'full' order by l.finished_at desc limit 1
  ) complete on true
  left join lateral (
    select l.state, l.kind, l.error_code from app_public.pfa_sync_log l
    where l.organization_id = plan_sync.organization_id and l.finished_at is not null order by l.id desc limit 1
  ) ended on true
  left join app_private.pfa_sync_schedule s on s.organization_id = plan_sync.organization_id
  cross join lateral (select coalesce(plan_sync.at, clock_timestamp()) - complete.finished_at as age) since_full
  cross join lateral (
    select case
      when plan_sync.asked_kind = 'full' then 'full'
      -- Without these there is nothing to go on from.
      when complete.finished_at is null or done.next_since is null then 'full'
      when done.source is distinct from app_private.sync_source(plan_sync.organization_id) then 'full'
      when plan_sync.asked_kind = 'incremental' then 'incremental'
      when since_full.age >= coalesce(s.full_every, '1 day') then 'full'
      -- Another full run decides about records that are missing: soon, but not each time.
      when since_full.age >= interval '1 hour' and exists (
        select from app_public.pfa_removal_candidate c
        where c.organization_id = plan_sync.organization_id and c.confirmed_at is null) then 'full'
      -- A PEMS that does not understand the question for changes is still asked for everything.
      when ended.state = 'failed' and ended.kind = 'incremental'
        and ended.error_code in ('PEMS_ERROR_ALERT', 'PEMS_REFUSED', 'PEMS_MALFORMED_ANSWER', 'PEMS_CHANGED_SINCE_INVALID') then 'full'
      else 'incremental'
    end as kind
  ) k;
end;
comment on function app_private.plan_sync(integer, text, timestamptz) is
  'Which kind of run an organization needs at a time (null: now), and from when on an incremental one asks for changes. Full: when it was asked for; where no full run is complete, PEMS says no times, or connection or mapping have changed; a day (or what its schedule says) after the last one; an hour after it while records are missing that only another one can confirm gone; after PEMS refused an incremental one.';

create or replace function app_private.queue_sync(organization_id integer, trigger text, requested_by integer, kind text default null)
  returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  run app_public.pfa_sync_log;
begin
  -- Again when the one that waited was begun between the two statements.
  loop
    insert into app_public.pfa_sync_log as l (organization_id, trigger, requested_by, asked_kind)
      values (queue_sync.organization_id, queue_sync.trigger, queue_sync.requested_by, queue_sync.kind)
    on conflict (organization_id) where state = 'queued' do update
      set asked_kind = case
          when 'full' in (l.asked_kind, excluded.asked_kind) then 'full'
          when l.asked_kind = excluded.asked_kind then l.asked_kind
        end,
        -- No longer one that quiet hours hold back.
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
  'Queues a run of an organization, in the same transaction: full, incremental, or (null) whichever is due when it begins. Joins one that already waits, which becomes full when either is to be.';
grant execute on function app_private.queue_sync(integer, text, integer, text) to vanguard_worker;

create or replace function app_private.dispatch_due_syncs() returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- Materialized: the planner may otherwise queue first and ask afterwards whether the organization was due.
  with due as materialized (
    select o.id from app_public.organizations o where app_private.next_sync_at(o.id) <= clock_timestamp()
  )
  select count(q.id)::integer
  from due d
  cross join lateral app_private.queue_sync(d.id, 'schedule', null, null) q;
end;
comment on function app_private.dispatch_due_syncs() is 'Queues a run for every organization that is due (next_sync_at). Answers how many.';

drop function if exists app_private.queue_sync(integer, text, integer);

drop function if exists app_public.request_sync(integer);
create or replace function app_public.request_sync(organization_id integer, kind text default null) returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(request_sync.organization_id);
  if request_sync.kind not in ('full', 'incremental') then
    raise exception '% is no kind of run.', quote_literal(request_sync.kind)
      using errcode = 'VG400', hint = 'Give full, incremental, or nothing: then it is whichever is due.';
  end if;
  return app_private.queue_sync(request_sync.organization_id, 'user', app_core.current_user_id(), request_sync.kind);
end;
$$;
comment on function app_public.request_sync(integer, text) is E'@resultFieldName syncLog\nAsks for the organization to be read from PEMS now, and answers the run: `full` reads everything, `incremental` what changed since the last run (where that can be told), nothing whichever is due. A request while one waits joins it. Owners and admins of the organization may.';
grant execute on function app_public.request_sync(integer, text) to vanguard_visitor;

create or replace function app_private.begin_sync_run(organization_id integer, run_id bigint, worker_id text default null) returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := begin_sync_run.organization_id;
  run app_public.pfa_sync_log;
  plan record;
begin
  select l.* into run from app_public.pfa_sync_log l
  where l.organization_id = p_organization_id and l.id = begin_sync_run.run_id for update;
  -- What a killed worker had asked for may come only now, when its job was given to another one.
  if worker_id is not null and not exists (select from app_private.worker_processes w where w.pool_id = begin_sync_run.worker_id) then
    return null;
  end if;
  if run.state is null or run.state = 'succeeded' then
    return null;
  end if;
  -- It waited until the quiet hours, or until somebody paused: the schedule comes back to it.
  if run.trigger = 'schedule' and exists (
    select from app_private.pfa_sync_schedule s
    where s.organization_id = p_organization_id
      and (s.paused_at is not null or app_private.quiet_until(clock_timestamp(), s.quiet_from, s.quiet_to, s.time_zone) is not null))
  then
    return null;
  end if;

  -- A run that still says "running" belongs to a worker that is gone: the queue gives an organization to one worker at a time.
  update app_public.pfa_sync_log l
  set state = 'failed', finished_at = clock_timestamp(), error_code = 'WORKER_LOST',
    error_message = 'The worker that did this run stopped before its end.', error_hint = 'Nothing to do: the run is repeated.'
  where l.organization_id = p_organization_id and l.state = 'running';
  delete from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id > 0;

  -- Now, because another run may have ended since it was asked for.
  select p.kind, p.changed_since, app_private.sync_source(p_organization_id) as source into plan
  from app_private.plan_sync(p_organization_id, run.asked_kind) p;
  if run.state = 'queued' then
    update app_public.pfa_sync_log l
    set state = 'running', started_at = clock_timestamp(), worker_id = begin_sync_run.worker_id,
      kind = plan.kind, changed_since = plan.changed_since, source = plan.source
    where l.organization_id = p_organization_id and l.id = begin_sync_run.run_id
    returning l.* into run;
  else
    insert into app_public.pfa_sync_log (organization_id, trigger, requested_by, asked_kind, state, requested_at, started_at, worker_id, kind, changed_since, source)
      values (run.organization_id, run.trigger, run.requested_by, run.asked_kind, 'running', run.requested_at, clock_timestamp(),
        begin_sync_run.worker_id, plan.kind, plan.changed_since, plan.source)
    returning * into run;
  end if;
  return run;
end;
$$;
comment on function app_private.begin_sync_run(integer, bigint, text) is
  'Starts a queued run, full or incremental as is due now, and returns it; repeats one whose worker died, under a new token; null when there is nothing left to do, or quiet hours or a pause hold it back. worker_id: the pool that does it, registered before.';

--------------------------------------------------------------------------------------------------
-- Merging

create or replace function app_private.compare_staged_changes(
  organization_id integer, run_id bigint, out added text[], out changed text[], out restamped text[]
)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
  -- As compare_staged, but record by record: they are few.
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
    array_agg(s.pfa_id) filter (where s.requested_at > m.observed_at and (m.removed_at is not null or m.data <> s.data)),
    array_agg(s.pfa_id) filter (where s.requested_at > m.observed_at and (m.version, m.version_by) is distinct from (s.version, s.version_by))
  into added, changed, restamped
  from app_private.pfa_staging s
  left join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
  where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null;
end;
$$;
comment on function app_private.compare_staged_changes(integer, bigint) is
  'What an incremental run brings, by record, as compare_staged says it of a full one; it misses nothing, because it did not ask for everything.';

create or replace function app_private.merge_sync_run(organization_id integer, run_id bigint) returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  -- Only compare_staged reads everything; what follows finds single records by their keys. Planned for any organization:
  -- of this one the statistics may not know yet that it has records, and with one record every index, and every order of
  -- joining, looks as good as the key. Staging has no statistics worth the name either.
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set jit = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := merge_sync_run.organization_id;
  p_run_id constant bigint := merge_sync_run.run_id;
  -- How long it took to read: what PEMS changed meanwhile may have come after its page.
  read_for constant interval := date_trunc('minute', clock_timestamp() - (
    select l.started_at from app_public.pfa_sync_log l where l.organization_id = p_organization_id and l.id = p_run_id));
  run app_public.pfa_sync_log;
  code text;
  is_first boolean;
  has_rejects boolean;
  is_alone boolean;
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
      using errcode = 'VG409', hint = 'Another run took its place; nothing was merged.';
  end if;
  -- An admin may be accepting removals at this moment.
  perform pg_advisory_xact_lock(hashtext('pfa_mirror removals'), p_organization_id);
  select o.code into code from app_public.organizations o where o.id = p_organization_id;
  -- Not exists: its plan looks at other organizations' records until it comes to one of this.
  is_first := (
    select m.pfa_id from app_core.pfa_mirror m where m.organization_id = p_organization_id
    order by m.organization_id, m.pfa_id limit 1) is null;

  -- 1. Refuse, whole: rows without an id, of another organization, all rows of an id that came twice, values that cannot be read.
  select count(*), max(s.version),
    count(s.pfa_id) > count(distinct s.pfa_id) or coalesce(bool_or(
      s.pfa_id is null or s.organization_code is distinct from code or s.problems is not null), false)
  into run.rows_read, run.greatest_version, has_rejects
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
      and (s.pfa_id is null or s.organization_code is distinct from code or s.problems is not null);
    update app_private.pfa_staging s set reason = 'duplicate'
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.pfa_id = any (duplicates) and s.organization_code = code;

    insert into app_public.pfa_sync_reject (organization_id, run_id, pfa_id, reason, problems, row_content)
    select p_organization_id, p_run_id,
      -- Members of this organization read the rejects: what another one's record is and holds is not for them.
      case when s.organization_code = code then s.pfa_id end,
      s.reason,
      case when s.organization_code = code then coalesce(s.problems, '[]') else '[]' end,
      case when s.organization_code = code then coalesce(s.row_content, s.data) else jsonb_build_object('organization', s.organization_code) end
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is not null;
    get diagnostics run.rows_rejected = row_count;

    select max(s.version) into run.greatest_version
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null;
  end if;

  -- 2. What differs, and was asked for after what we hold arrived: a stale page never overwrites.
  if run.kind = 'incremental' then
    select c.added, c.changed, c.restamped into added, changed, restamped
    from app_private.compare_staged_changes(p_organization_id, p_run_id) c;
  elsif not is_first then
    select c.added, c.changed, c.restamped, c.missing into added, changed, restamped, missing
    from app_private.compare_staged(p_organization_id, p_run_id, run.started_at) c;
  end if;
  -- All that this run may write, in one order and at once, as everybody does who drafts or commits: locked bit by bit, it and
  -- they would wait for each other, and the whole run would be lost.
  perform app_private.lock_records(p_organization_id, changed || restamped || missing);
  if changed is not null then
    with differing as materialized (
      select s.pfa_id, s.data, s.version, s.version_by, s.received_at,
        m.data as old_data, m.removed_at as old_removed_at, m.source, m.is_actualized, m.is_discontinued,
        m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents
      from app_private.pfa_staging s
      join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
      where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null and s.pfa_id = any (changed)
        and (m.data <> s.data or m.removed_at is not null) and s.requested_at > m.observed_at
    ),
    updated as (
      update app_core.pfa_mirror m
      set data = d.data, version = d.version, version_by = d.version_by, observed_at = d.received_at, removed_at = null,
        revision = nextval('app_core.revision_seq')
      from differing d
      where m.organization_id = p_organization_id and m.pfa_id = d.pfa_id
      returning m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents
    ),
    logged as (
      insert into app_core.pfa_change (organization_id, pfa_id, route, event, changes)
      select p_organization_id, d.pfa_id, 'sync', case when d.old_removed_at is null then 'update' else 'restore' end,
        app_core.changed_keys(d.old_data, d.data)
      from differing d
    ),
    summed as (
      insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count, discontinued_count, plan_cost_cents, forecast_cost_cents, actual_cost_cents)
      select p_organization_id, coalesce(r.source, ''),
        sum(r.sign * (not r.is_discontinued)::integer), sum(r.sign * (not r.is_discontinued and r.is_actualized)::integer),
        sum(r.sign * r.is_discontinued::integer), sum(case when r.is_discontinued then 0 else r.sign * r.plan_cost_cents end),
        sum(case when r.is_discontinued then 0 else r.sign * r.forecast_cost_cents end), sum(case when r.is_discontinued then 0 else r.sign * r.actual_cost_cents end)
      from (
        select 1 as sign, u.* from updated u
        union all
        select -1, d.source, d.is_actualized, d.is_discontinued, d.plan_cost_cents, d.forecast_cost_cents, d.actual_cost_cents
        from differing d where d.old_removed_at is null
      ) r
      group by 2
    )
    select array_agg(d.pfa_id) into changed from differing d;
  end if;
  run.rows_updated := coalesce(cardinality(changed), 0);

  -- The same content under a newer version of PEMS: noted, without a new revision.
  update app_core.pfa_mirror m
  set version = s.version, version_by = s.version_by
  from app_private.pfa_staging s
  where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null and s.pfa_id = any (restamped)
    and m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
    and s.requested_at > m.observed_at
    and (m.version, m.version_by) is distinct from (s.version, s.version_by);

  -- 3. What is new.
  with inserted as (
    insert into app_core.pfa_mirror (organization_id, pfa_id, data, version, version_by, observed_at)
    select p_organization_id, s.pfa_id, s.data, s.version, s.version_by, s.received_at
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null and is_first and run.kind = 'full'
    union all
    select p_organization_id, s.pfa_id, s.data, s.version, s.version_by, s.received_at
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null and s.pfa_id = any (added)
    returning pfa_id, source, is_actualized, is_discontinued, plan_cost_cents, forecast_cost_cents, actual_cost_cents
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, route, event, changes)
    select p_organization_id, i.pfa_id, 'sync', 'add', '{}' from inserted i where not is_first
  ),
  summed as (
    insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count, discontinued_count, plan_cost_cents, forecast_cost_cents, actual_cost_cents)
    select p_organization_id, coalesce(i.source, ''),
      count(*) filter (where not i.is_discontinued), count(*) filter (where not i.is_discontinued and i.is_actualized),
      count(*) filter (where i.is_discontinued), coalesce(sum(i.plan_cost_cents) filter (where not i.is_discontinued), 0),
      coalesce(sum(i.forecast_cost_cents) filter (where not i.is_discontinued), 0), coalesce(sum(i.actual_cost_cents) filter (where not i.is_discontinued), 0)
    from inserted i group by 2
  )
  select count(*) into run.rows_inserted from inserted;

  -- 4. What is gone: noted when a complete full read misses it, removed when the next one misses it too, and never many at once.
  -- Seen again by whichever run, or by anybody else since it was missed, it has to be missed twice anew.
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
    -- observed_at: what somebody read after this run began, this run has not missed.
    with missed_again as (
      update app_public.pfa_removal_candidate c set confirmed_at = run.started_at
      from app_core.pfa_mirror m
      where c.organization_id = p_organization_id and c.missed_by_run <> p_run_id
        and m.organization_id = p_organization_id and m.pfa_id = c.pfa_id and m.observed_at < run.started_at
      returning c.pfa_id
    )
    select array_agg(g.pfa_id) into confirmed from missed_again g;

    if confirmed is not null then
      select count(*) into live from app_core.pfa_mirror m where m.organization_id = p_organization_id and m.removed_at is null;
    end if;
    if live > 50 and cardinality(confirmed) > live * 0.2 then
      run.rows_spared := cardinality(confirmed);
      run.notice := format('%s of %s records are gone in PEMS. So many are not removed unless somebody agrees: if they are meant to be gone, an owner or admin accepts their removal (acceptRemovals, or `npx vanguard sync accept-removals %s`); if not, PEMS or the rights of its user are to be looked at.',
        run.rows_spared, live, code);
      update app_public.pfa_removal_candidate c set spared_by_run = p_run_id
      where c.organization_id = p_organization_id and c.pfa_id = any (confirmed) and c.spared_by_run is null;
      confirmed := null;
    else
      confirmed := app_private.remove_records(p_organization_id, confirmed, null);
      run.rows_removed := coalesce(cardinality(confirmed), 0);
    end if;

    insert into app_public.pfa_removal_candidate (organization_id, pfa_id, missed_by_run, missed_at)
    select p_organization_id, m.pfa_id, p_run_id, run.started_at
    from app_core.pfa_mirror m
    where m.organization_id = p_organization_id and m.pfa_id = any (missing) and m.removed_at is null and m.observed_at < run.started_at
    on conflict do nothing;
    get diagnostics run.rows_missing = row_count;
  end if;

  -- 5. What people drafted on the records that changed.
  select f.rebased, f.conflicts into run.drafts_rebased, run.conflicts
  from app_private.follow_mirror(p_organization_id, changed || confirmed) f;
  update app_core.pfa_overlay o
  set version = m.version, version_by = m.version_by
  from app_core.pfa_mirror m
  where o.organization_id = p_organization_id and o.pfa_id = any (changed || restamped)
    and m.organization_id = p_organization_id and m.pfa_id = o.pfa_id
    and (o.version, o.version_by) is distinct from (m.version, m.version_by);

  -- 6. What was done, and from when on the next run has to ask: an hour that PEMS's clock may go back by, and ten minutes for
  -- what was committed late, before the newest change that can have been seen. A run that brought nothing newer leaves it.
  run.next_since := greatest(
    case when run.kind = 'incremental' then run.changed_since end,
    date_trunc('minute', run.greatest_version) - interval '70 minutes' - read_for);
  if run.kind = 'incremental' then
    run.greatest_version := greatest(run.greatest_version, (
      select l.greatest_version from app_public.pfa_sync_log l
      where l.organization_id = p_organization_id and l.state = 'succeeded' order by l.finished_at desc limit 1));
  end if;
  update app_public.pfa_sync_log l
  set state = 'succeeded', finished_at = clock_timestamp(), rows_read = run.rows_read, rows_inserted = run.rows_inserted,
    rows_updated = run.rows_updated, rows_unchanged = run.rows_read - run.rows_inserted - run.rows_updated - run.rows_rejected,
    rows_removed = run.rows_removed, rows_missing = run.rows_missing, rows_spared = run.rows_spared, rows_rejected = run.rows_rejected,
    drafts_rebased = run.drafts_rebased, conflicts = run.conflicts, greatest_version = run.greatest_version,
    next_since = run.next_since, notice = run.notice
  where l.organization_id = p_organization_id and l.id = p_run_id
  returning l.* into run;

  -- Emptied whole when nobody else uses it at this moment: what is deleted row by row leaves an index of a hundred
  -- megabytes behind, which never gets smaller.
  begin
    lock table app_private.pfa_staging in access exclusive mode nowait;
    is_alone := not exists (
      select from app_private.pfa_staging s where (s.organization_id, s.run_id) is distinct from (p_organization_id, p_run_id));
  exception when lock_not_available then
    is_alone := false;
  end;
  if is_alone then
    truncate app_private.pfa_staging;
  else
    delete from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id = p_run_id;
  end if;

  if run.rows_inserted + run.rows_updated + run.rows_removed > 0 then
    perform app_private.queue_refresh(p_organization_id);
  end if;
  return run;
end;
$$;
comment on function app_private.merge_sync_run(integer, bigint) is
  'Merges what a complete run left in staging: refuses bad rows, inserts, updates only what differs and was asked for later than what we hold, after a full run notes and removes what is gone, rebases drafts, rewrites overlays, logs, queues the refresh of the summaries. One transaction, set-based. VG409 when the token of the run is no longer current.';

--------------------------------------------------------------------------------------------------
-- What people see of the schedule, and how they change it

do $$
begin
  if to_regtype('app_public.sync_schedule') is null then
    create type app_public.sync_schedule as (
      every_minutes integer, cron text, time_zone text, quiet_from time, quiet_to time, full_every_hours integer,
      is_paused boolean, paused_at timestamptz, paused_by text, next_run_at timestamptz, next_run_kind text,
      changed_at timestamptz, changed_by text);
  end if;
end;
$$;
comment on type app_public.sync_schedule is 'When an organization is read from PEMS by itself.';
comment on column app_public.sync_schedule.every_minutes is 'Minutes from the end of one run to the next; null where a cron expression says when.';
comment on column app_public.sync_schedule.cron is 'A cron expression of five fields: minute, hour, day of month, month, day of week.';
comment on column app_public.sync_schedule.time_zone is E'@notNull\nWhose clock on the wall the cron expression and the quiet hours mean, such as `America/Chicago`.';
comment on column app_public.sync_schedule.quiet_from is 'From then on no run is begun by schedule, each day.';
comment on column app_public.sync_schedule.quiet_to is 'Until then; the next day, where it is earlier.';
comment on column app_public.sync_schedule.full_every_hours is E'@notNull\nHours from the end of one full run to the next; runs between them read changes only.';
comment on column app_public.sync_schedule.is_paused is E'@notNull\nWhether no run is begun by schedule. Asking for one works all the same.';
comment on column app_public.sync_schedule.paused_at is 'Since when.';
comment on column app_public.sync_schedule.paused_by is 'Who paused it; null when it was a command.';
comment on column app_public.sync_schedule.next_run_at is 'When the next run is due, and begins as soon as a worker is free; null while one runs or nothing is due at all.';
comment on column app_public.sync_schedule.next_run_kind is 'What it will be, as things stand: `full` or `incremental`.';
comment on column app_public.sync_schedule.changed_at is 'When somebody last set it.';
comment on column app_public.sync_schedule.changed_by is 'Who did; null when it was a command.';

create or replace function app_private.sync_schedule_of(organization_id integer) returns app_public.sync_schedule
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select
    case when s.cron is null then round(extract(epoch from coalesce(s.every, '15 minutes')) / 60)::integer end, s.cron,
    coalesce(s.time_zone, 'UTC'), s.quiet_from, s.quiet_to, round(extract(epoch from coalesce(s.full_every, '1 day')) / 3600)::integer,
    s.paused_at is not null, s.paused_at, p.username, n.at,
    case when n.at is not null then (select k.kind from app_private.plan_sync(o.id, null, greatest(n.at, clock_timestamp())) k) end,
    s.changed_at, c.username
  from app_public.organizations o
  left join app_private.pfa_sync_schedule s on s.organization_id = o.id
  left join app_public.users p on p.id = s.paused_by
  left join app_public.users c on c.id = s.changed_by
  cross join lateral (select app_private.next_sync_at(o.id) as at) n
  where o.id = sync_schedule_of.organization_id;
end;
comment on function app_private.sync_schedule_of(integer) is 'The schedule of an organization, with what is the default.';

create or replace function app_public.organizations_sync_schedule(organization app_public.organizations) returns app_public.sync_schedule
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select s.*
  from app_private.sync_schedule_of(organization.id) s
  where organization.id = any (app_core.current_organization_ids());
end;
comment on function app_public.organizations_sync_schedule(app_public.organizations) is 'When it is read from PEMS by itself, and when next.';
grant execute on function app_public.organizations_sync_schedule(app_public.organizations) to vanguard_visitor;

create or replace function app_private.write_sync_schedule(
  organization_id integer, user_id integer, every_minutes integer, cron text, time_zone text, quiet_from time, quiet_to time, full_every_hours integer
) returns app_public.sync_schedule
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := write_sync_schedule.organization_id;
  p_cron constant text := btrim(write_sync_schedule.cron, E' \t');
  p_time_zone constant text := coalesce(write_sync_schedule.time_zone, 'UTC');
  p_every_minutes constant integer := coalesce(write_sync_schedule.every_minutes, 15);
  p_full_every_hours constant integer := coalesce(write_sync_schedule.full_every_hours, 24);
begin
  if write_sync_schedule.every_minutes is not null and p_cron is not null then
    raise exception 'A schedule has an interval or a cron expression, not both.'
      using errcode = 'VG400', hint = 'Give one of them.';
  end if;
  if p_every_minutes not between 1 and 10080 then
    raise exception 'An interval of % minutes is not allowed.', p_every_minutes
      using errcode = 'VG400', hint = 'Give 1 to 10080 minutes (a week).';
  end if;
  if p_full_every_hours not between 1 and 744 then
    raise exception 'A full run every % hours is not allowed.', p_full_every_hours
      using errcode = 'VG400', hint = 'Give 1 to 744 hours (a month).';
  end if;
  if app_private.cron_problem(p_cron) is not null then
    raise exception '% is no cron expression. %', quote_literal(left(p_cron, 200)), app_private.cron_problem(p_cron)
      using errcode = 'VG400',
        hint = 'Give five fields: minute (0-59), hour (0-23), day of month (1-31), month (1-12 or jan-dec), day of week (0-7 or sun-sat, 0 and 7 are Sunday); each is *, a number, a range 8-18, a step */15 or 8-18/2, or a list of these: 0,30 8-18 * * mon-fri.';
  end if;
  -- The library would take other forms of a zone too, whose sign is the other way round.
  if not exists (select from pg_timezone_names z where z.name = p_time_zone and z.name !~ '^(posix|right)/') then
    raise exception 'There is no time zone %.', quote_literal(left(p_time_zone, 100))
      using errcode = 'VG400', hint = 'Give a name of the IANA list, such as UTC, America/Chicago or Asia/Qatar.';
  end if;
  if p_cron is not null and app_private.cron_next(p_cron, clock_timestamp(), p_time_zone) is null then
    raise exception '% never happens.', quote_literal(p_cron)
      using errcode = 'VG400', hint = 'Give a day that the month has.';
  end if;
  if (quiet_from is null) <> (quiet_to is null) or quiet_from = quiet_to then
    raise exception 'Quiet hours have a beginning and another end.'
      using errcode = 'VG400', hint = 'Give both, such as 22:00 and 06:00, or neither.';
  end if;

  insert into app_private.pfa_sync_schedule as s (organization_id, every, cron, time_zone, quiet_from, quiet_to, full_every, changed_at, changed_by)
  values (p_organization_id, make_interval(mins => p_every_minutes), p_cron, p_time_zone, write_sync_schedule.quiet_from, write_sync_schedule.quiet_to,
    make_interval(hours => p_full_every_hours), clock_timestamp(), write_sync_schedule.user_id)
  on conflict on constraint pfa_sync_schedule_pkey do update
  set every = excluded.every, cron = excluded.cron, time_zone = excluded.time_zone, quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to,
    full_every = excluded.full_every, changed_at = excluded.changed_at, changed_by = excluded.changed_by;
  return app_private.sync_schedule_of(p_organization_id);
end;
$$;
comment on function app_private.write_sync_schedule(integer, integer, integer, text, text, time, time, integer) is
  'Sets the schedule of an organization as a whole, by a user or (null) a command; what is null gets its default. Whether it is paused stays. VG400 names what is not allowed.';

create or replace function app_private.pause_sync_schedule(organization_id integer, user_id integer, is_paused boolean) returns app_public.sync_schedule
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := pause_sync_schedule.organization_id;
begin
  insert into app_private.pfa_sync_schedule as s (organization_id, paused_at, paused_by)
  values (p_organization_id, case when pause_sync_schedule.is_paused then clock_timestamp() end,
    case when pause_sync_schedule.is_paused then pause_sync_schedule.user_id end)
  on conflict on constraint pfa_sync_schedule_pkey do update
  set paused_at = excluded.paused_at, paused_by = excluded.paused_by
  where (s.paused_at is null) <> (excluded.paused_at is null);
  return app_private.sync_schedule_of(p_organization_id);
end;
$$;
comment on function app_private.pause_sync_schedule(integer, integer, boolean) is
  'Pauses or resumes the schedule of an organization, by a user or (null) a command. A second time it changes nothing.';

create or replace function app_public.set_sync_schedule(
  organization_id integer, every_minutes integer default null, cron text default null, time_zone text default null,
  quiet_from time default null, quiet_to time default null, full_every_hours integer default null
) returns app_public.sync_schedule
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(set_sync_schedule.organization_id);
  return app_private.write_sync_schedule(set_sync_schedule.organization_id, app_core.current_user_id(), every_minutes, cron, time_zone,
    quiet_from, quiet_to, full_every_hours);
end;
$$;
comment on function app_public.set_sync_schedule(integer, integer, text, text, time, time, integer) is
  E'@resultFieldName syncSchedule\nSets when the organization is read from PEMS by itself, as a whole: `everyMinutes` (1 to 10080, by default 15) or a `cron` expression, in a `timeZone` (by default UTC), but not in the quiet hours (none by default); full runs `fullEveryHours` apart (by default 24). Owners and admins of the organization may.';
grant execute on function app_public.set_sync_schedule(integer, integer, text, text, time, time, integer) to vanguard_visitor;

create or replace function app_public.pause_sync(organization_id integer) returns app_public.sync_schedule
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(pause_sync.organization_id);
  return app_private.pause_sync_schedule(pause_sync.organization_id, app_core.current_user_id(), true);
end;
$$;
comment on function app_public.pause_sync(integer) is
  E'@resultFieldName syncSchedule\nNo run of the organization is begun by schedule until resumeSync; one under way goes on, and asking for one works. Owners and admins of the organization may.';
grant execute on function app_public.pause_sync(integer) to vanguard_visitor;

create or replace function app_public.resume_sync(organization_id integer) returns app_public.sync_schedule
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(resume_sync.organization_id);
  return app_private.pause_sync_schedule(resume_sync.organization_id, app_core.current_user_id(), false);
end;
$$;
comment on function app_public.resume_sync(integer) is
  E'@resultFieldName syncSchedule\nRuns of the organization are begun by schedule again; what was due meanwhile is made up for once. Owners and admins of the organization may.';
grant execute on function app_public.resume_sync(integer) to vanguard_visitor;

--! split: 21-drift.sql
-- Comparing the mirror with PEMS as it is now, without changing either.

drop table if exists app_public.pfa_drift_difference;
drop table if exists app_public.pfa_drift_check cascade;
create table app_public.pfa_drift_check (
  organization_id integer not null references app_public.organizations on delete cascade,
  id bigint generated always as identity,
  sample integer check (sample between 1 and 10000),
  requested_by integer references app_public.users on delete set null,
  state text not null default 'queued' check (state in ('queued', 'running', 'succeeded', 'failed')),
  rows_read integer not null default 0,
  records_compared integer not null default 0,
  records_differing integer not null default 0,
  keys_differing integer not null default 0,
  missing_in_pems integer not null default 0,
  missing_in_mirror integer not null default 0,
  unreadable integer not null default 0,
  left_out integer not null default 0,
  differences_kept integer not null default 0,
  requested_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz,
  error_code text,
  error_message text,
  error_hint text,
  primary key (organization_id, id),
  check ((state = 'failed') = (error_code is not null)),
  check ((state in ('succeeded', 'failed')) = (finished_at is not null))
);
-- use: a second request while one waits joins it
create unique index pfa_drift_check_queued_key on app_public.pfa_drift_check (organization_id) where state = 'queued';
-- use: on delete of a user
create index pfa_drift_check_requested_by_idx on app_public.pfa_drift_check (organization_id, requested_by) where requested_by is not null;
comment on table app_public.pfa_drift_check is E'@name driftCheck\nA comparison of the mirror, whole or a sample of it, with PEMS as it was then. It changes neither. Owners and admins of the organization see it.';
comment on column app_public.pfa_drift_check.organization_id is 'The organization.';
comment on column app_public.pfa_drift_check.id is 'Our key.';
comment on column app_public.pfa_drift_check.sample is 'How many records, drawn at random; null: all of them.';
comment on column app_public.pfa_drift_check.requested_by is 'Which user asked for it; null when it was a command.';
comment on column app_public.pfa_drift_check.state is '`queued`, `running`, `succeeded`, `failed`.';
comment on column app_public.pfa_drift_check.rows_read is 'Rows read from PEMS so far.';
comment on column app_public.pfa_drift_check.records_compared is 'Records that were compared, those that are on one side only among them.';
comment on column app_public.pfa_drift_check.records_differing is 'Records that are on both sides and differ.';
comment on column app_public.pfa_drift_check.keys_differing is 'In how many keys together.';
comment on column app_public.pfa_drift_check.missing_in_pems is 'Records that PEMS does not have.';
comment on column app_public.pfa_drift_check.missing_in_mirror is 'Records that only PEMS has.';
comment on column app_public.pfa_drift_check.unreadable is 'Records that PEMS gave in a form that cannot be taken, or more than once.';
comment on column app_public.pfa_drift_check.left_out is 'Records that kept changing while they were compared: nothing is said about them.';
comment on column app_public.pfa_drift_check.differences_kept is 'How many differences are listed: the first 1,000.';
comment on column app_public.pfa_drift_check.requested_at is 'When it was asked for.';
comment on column app_public.pfa_drift_check.started_at is 'When it began.';
comment on column app_public.pfa_drift_check.finished_at is 'When it ended.';
comment on column app_public.pfa_drift_check.error_code is 'Why it failed: a stable code.';
comment on column app_public.pfa_drift_check.error_message is 'Why it failed, in a sentence.';
comment on column app_public.pfa_drift_check.error_hint is 'What to do about it.';
call app_private.protect('app_public.pfa_drift_check');
create policy visitor_select on app_public.pfa_drift_check for select to vanguard_visitor
  using (organization_id = any (app_core.administered_organization_ids()));
grant select on app_public.pfa_drift_check to vanguard_visitor;

create table app_public.pfa_drift_difference (
  organization_id integer not null,
  check_id bigint not null,
  number integer not null,
  kind text not null check (kind in ('differs', 'missing-in-pems', 'missing-in-mirror', 'unreadable')),
  pfa_id text,
  key text,
  mirror_value jsonb,
  pems_value jsonb,
  message text,
  primary key (organization_id, check_id, number),
  constraint pfa_drift_difference_check_fkey foreign key (organization_id, check_id) references app_public.pfa_drift_check on delete cascade
);
comment on constraint pfa_drift_difference_check_fkey on app_public.pfa_drift_difference is E'@fieldName check\n@foreignFieldName differences';
comment on table app_public.pfa_drift_difference is E'@name driftDifference\n@behavior -query:resource:single\nOne difference between the mirror and PEMS.';
comment on column app_public.pfa_drift_difference.organization_id is 'The organization.';
comment on column app_public.pfa_drift_difference.check_id is 'The comparison.';
comment on column app_public.pfa_drift_difference.number is 'Its place in the list, from 1.';
comment on column app_public.pfa_drift_difference.kind is '`differs` in a key, `missing-in-pems`, `missing-in-mirror`, `unreadable` (see message).';
comment on column app_public.pfa_drift_difference.pfa_id is 'The record; null where PEMS gave a row without an id.';
comment on column app_public.pfa_drift_difference.key is 'The key, where it is about one.';
comment on column app_public.pfa_drift_difference.mirror_value is 'What the mirror holds in the key; null for nothing.';
comment on column app_public.pfa_drift_difference.pems_value is 'What PEMS holds there; null for nothing.';
comment on column app_public.pfa_drift_difference.message is 'Why it cannot be read.';
call app_private.protect('app_public.pfa_drift_difference');
create policy visitor_select on app_public.pfa_drift_difference for select to vanguard_visitor
  using (organization_id = any (app_core.administered_organization_ids()));
grant select on app_public.pfa_drift_difference to vanguard_visitor;

--------------------------------------------------------------------------------------------------
-- Asking for a comparison

create or replace function app_private.queue_drift_check(organization_id integer, sample integer, requested_by integer) returns app_public.pfa_drift_check
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  drift app_public.pfa_drift_check;
begin
  if queue_drift_check.sample not between 1 and 10000 then
    raise exception 'A sample of % records is not allowed.', queue_drift_check.sample
      using errcode = 'VG400', hint = 'Give 1 to 10000, or compare all of them.';
  end if;
  insert into app_public.pfa_drift_check as c (organization_id, sample, requested_by)
    values (queue_drift_check.organization_id, queue_drift_check.sample, queue_drift_check.requested_by)
  on conflict (organization_id) where state = 'queued' do update
    -- Null, all of them, is more than any.
    set sample = case when c.sample is not null and excluded.sample is not null then greatest(c.sample, excluded.sample) end
  returning * into drift;
  -- In the queue of the syncs: none of them is under way meanwhile.
  perform graphile_worker.add_job(
    'pfa__check_drift',
    json_build_object('organizationId', drift.organization_id, 'checkId', drift.id),
    queue_name => 'sync:' || drift.organization_id,
    job_key => 'drift:' || drift.organization_id || ':' || drift.id,
    job_key_mode => 'preserve_run_at',
    max_attempts => 25);
  return drift;
end;
$$;
comment on function app_private.queue_drift_check(integer, integer, integer) is
  'Queues a comparison of a sample or (null) all records of an organization with PEMS, in the same transaction; joins one that already waits, the larger of the two.';

create or replace function app_public.check_drift(organization_id integer, sample integer default null) returns app_public.pfa_drift_check
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(check_drift.organization_id);
  return app_private.queue_drift_check(check_drift.organization_id, check_drift.sample, app_core.current_user_id());
end;
$$;
comment on function app_public.check_drift(integer, integer) is
  E'@resultFieldName driftCheck\nHas the mirror compared with PEMS as it is now, a `sample` (1 to 10000 records drawn at random) or all of it, and answers the comparison: its counts and differences follow. Nothing is changed. Owners and admins of the organization may.';
grant execute on function app_public.check_drift(integer, integer) to vanguard_visitor;

--------------------------------------------------------------------------------------------------
-- Doing it. What was read lies in staging under the negative number of the comparison: runs have the others.

create or replace function app_private.begin_drift_check(organization_id integer, check_id bigint) returns app_public.pfa_drift_check
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  drift app_public.pfa_drift_check;
begin
  delete from app_public.pfa_drift_difference d
  where d.organization_id = begin_drift_check.organization_id and d.check_id = begin_drift_check.check_id
    and exists (
      select from app_public.pfa_drift_check c
      where c.organization_id = d.organization_id and c.id = d.check_id and c.state <> 'succeeded');
  delete from app_private.pfa_staging s
  where s.organization_id = begin_drift_check.organization_id and s.run_id = -begin_drift_check.check_id;
  -- One that says "running" belongs to a worker that is gone. What PEMS made fail is not repeated: whoever asked may ask again.
  update app_public.pfa_drift_check c
  set state = 'running', started_at = clock_timestamp(), finished_at = null, error_code = null, error_message = null, error_hint = null,
    rows_read = 0, records_compared = 0, records_differing = 0, keys_differing = 0, missing_in_pems = 0, missing_in_mirror = 0,
    unreadable = 0, left_out = 0, differences_kept = 0
  where c.organization_id = begin_drift_check.organization_id and c.id = begin_drift_check.check_id
    and (c.state in ('queued', 'running') or c.error_code in ('DRIFT_FAILED', 'WORKER_STOPPED'))
  returning * into drift;
  return drift;
end;
$$;
comment on function app_private.begin_drift_check(integer, bigint) is
  'Starts a comparison, anew where a worker left it, and returns it; null when there is nothing to do.';
grant execute on function app_private.begin_drift_check(integer, bigint) to vanguard_worker;

create or replace function app_private.drift_sample(organization_id integer, check_id bigint) returns setof text
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select m.pfa_id
  from app_core.pfa_mirror m
  where m.organization_id = drift_sample.organization_id and m.removed_at is null
  order by random()
  limit (
    select c.sample from app_public.pfa_drift_check c
    where c.organization_id = drift_sample.organization_id and c.id = drift_sample.check_id);
end;
comment on function app_private.drift_sample(integer, bigint) is 'As many records as a comparison wants, drawn at random.';
grant execute on function app_private.drift_sample(integer, bigint) to vanguard_worker;

create or replace function app_private.report_drift_progress(organization_id integer, check_id bigint, rows_read integer) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  update app_public.pfa_drift_check c set rows_read = report_drift_progress.rows_read
  where c.organization_id = report_drift_progress.organization_id and c.id = report_drift_progress.check_id and c.state = 'running';
end;
comment on function app_private.report_drift_progress(integer, bigint, integer) is 'Notes how far a comparison is.';
grant execute on function app_private.report_drift_progress(integer, bigint, integer) to vanguard_worker;

create or replace function app_private.compare_drift(organization_id integer, check_id bigint, pfa_ids text[], begun_at timestamptz, is_last boolean) returns text[]
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := compare_drift.organization_id;
  p_check_id constant bigint := compare_drift.check_id;
  p_pfa_ids constant text[] := compare_drift.pfa_ids;
  p_begun_at constant timestamptz := compare_drift.begun_at;
  most constant integer := 1000;
  moved text[];
begin
  with code as (
    select o.code from app_public.organizations o where o.id = p_organization_id
  ),
  staged as materialized (
    select s.pfa_id, count(*) as times, min(s.requested_at) as requested_at, (array_agg(s.data))[1] as data,
      (array_agg(s.problems) filter (where s.problems is not null))[1] as problems
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = -p_check_id and s.pfa_id is not null
      and s.organization_code = (select c.code from code c)
    group by s.pfa_id
  ),
  mirrored as materialized (
    select m.pfa_id, m.data, m.observed_at, m.removed_at
    from app_core.pfa_mirror m
    where m.organization_id = p_organization_id and (p_pfa_ids is null or m.pfa_id = any (p_pfa_ids))
  ),
  written as materialized (
    select distinct d.pfa_id from app_core.pfa_modification d where d.organization_id = p_organization_id and d.state = 'syncing'
  ),
  compared as materialized (
    select coalesce(s.pfa_id, m.pfa_id) as pfa_id, m.data as mirror_data, s.data as pems_data, s.problems, s.times,
      case
        -- Seen by somebody else since it was asked for, or being written to PEMS: it would be a false alarm.
        when w.pfa_id is not null or m.observed_at >= coalesce(s.requested_at, p_begun_at) then 'moved'
        when s.times > 1 or s.problems is not null then 'unreadable'
        when s.pfa_id is null then 'missing-in-pems'
        when m.pfa_id is null or m.removed_at is not null then 'missing-in-mirror'
        when m.data <> s.data then 'differs'
        else 'same'
      end as kind
    from staged s
    full join mirrored m on m.pfa_id = s.pfa_id
    left join written w on w.pfa_id = coalesce(s.pfa_id, m.pfa_id)
    where s.pfa_id is not null or m.removed_at is null
  ),
  difference as materialized (
    select c.kind, c.pfa_id, k.key, k.value->'from' as mirror_value, k.value->'to' as pems_value, null as message
    from compared c
    cross join lateral jsonb_each(app_core.changed_keys(c.mirror_data, c.pems_data)) k
    where c.kind = 'differs'
    union all
    select c.kind, c.pfa_id, null, null, null, null from compared c where c.kind in ('missing-in-pems', 'missing-in-mirror')
    union all
    select c.kind, c.pfa_id, null, null, null, 'PEMS gave it more than once.' from compared c where c.kind = 'unreadable' and c.times > 1
    union all
    select c.kind, c.pfa_id, p->>'key', c.mirror_data->(p->>'key'), p->'value', p->>'message'
    from compared c cross join lateral jsonb_array_elements(c.problems) p where c.kind = 'unreadable' and c.times = 1
    union all
    select 'unreadable', null, null, null, null, 'PEMS gave a row without an id.'
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = -p_check_id and s.pfa_id is null
      and s.organization_code = (select c.code from code c)
  ),
  counted as (
    select
      count(*) filter (where c.kind <> 'moved') as records_compared, count(*) filter (where c.kind = 'differs') as records_differing,
      count(*) filter (where c.kind = 'missing-in-pems') as missing_in_pems, count(*) filter (where c.kind = 'missing-in-mirror') as missing_in_mirror,
      count(*) filter (where c.kind = 'unreadable') as unreadable, count(*) filter (where c.kind = 'moved') as moved,
      array_agg(c.pfa_id order by c.pfa_id) filter (where c.kind = 'moved') as moved_ids
    from compared c
  ),
  kept as (
    insert into app_public.pfa_drift_difference (organization_id, check_id, number, kind, pfa_id, key, mirror_value, pems_value, message)
    select p_organization_id, p_check_id, c.differences_kept + row_number() over (order by d.pfa_id, d.key), d.kind, d.pfa_id, d.key,
      -- "Nothing" is null and not JSON's.
      nullif(d.mirror_value, 'null'), nullif(d.pems_value, 'null'), d.message
    from difference d
    cross join app_public.pfa_drift_check c
    where c.organization_id = p_organization_id and c.id = p_check_id
    order by d.pfa_id, d.key
    limit (
      select most - c.differences_kept from app_public.pfa_drift_check c
      where c.organization_id = p_organization_id and c.id = p_check_id)
    returning 1
  ),
  noted as (
    update app_public.pfa_drift_check c
    set records_compared = c.records_compared + n.records_compared, records_differing = c.records_differing + n.records_differing,
      keys_differing = c.keys_differing + (select count(*) from difference d where d.kind = 'differs'),
      missing_in_pems = c.missing_in_pems + n.missing_in_pems, missing_in_mirror = c.missing_in_mirror + n.missing_in_mirror,
      unreadable = c.unreadable + n.unreadable + (select count(*) from difference d where d.kind = 'unreadable' and d.pfa_id is null),
      left_out = case when compare_drift.is_last then n.moved else 0 end,
      differences_kept = c.differences_kept + (select count(*) from kept)
    from counted n
    where c.organization_id = p_organization_id and c.id = p_check_id
    returning 1
  )
  select n.moved_ids into moved from counted n, noted;
  delete from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id = -p_check_id;
  return moved;
end;
$$;
comment on function app_private.compare_drift(integer, bigint, text[], timestamptz, boolean) is
  'Compares what a comparison has read with the mirror: of these records, or (null) of all; lists the differences and counts them. Answers the records that changed meanwhile, to be read and compared again; the last time they are counted as left out.';
grant execute on function app_private.compare_drift(integer, bigint, text[], timestamptz, boolean) to vanguard_worker;

create or replace function app_private.end_drift_check(organization_id integer, check_id bigint, code text default null, message text default null, hint text default null)
  returns app_public.pfa_drift_check
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  drift app_public.pfa_drift_check;
begin
  delete from app_private.pfa_staging s
  where s.organization_id = end_drift_check.organization_id and s.run_id = -end_drift_check.check_id;
  update app_public.pfa_drift_check c
  set state = case when end_drift_check.code is null then 'succeeded' else 'failed' end, finished_at = clock_timestamp(),
    error_code = end_drift_check.code, error_message = end_drift_check.message, error_hint = end_drift_check.hint
  where c.organization_id = end_drift_check.organization_id and c.id = end_drift_check.check_id and c.state = 'running'
  returning * into drift;
  return drift;
end;
$$;
comment on function app_private.end_drift_check(integer, bigint, text, text, text) is 'Ends a comparison, with why it failed where it did.';
grant execute on function app_private.end_drift_check(integer, bigint, text, text, text) to vanguard_worker;

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
comment on function app_private.delete_drift_checks(interval, integer) is 'Deletes comparisons that ended longer ago, with their differences: at most one batch; answers how many.';
grant execute on function app_private.delete_drift_checks(interval, integer) to vanguard_worker;

--! split: 30-realtime.sql
-- Realtime: what changed is written down once a statement, told to the servers that listen, and kept for clients that were away.

drop function if exists app_public.organizations_records_changed_since(app_public.organizations, bigint, integer, text);
drop function if exists app_public.organizations_revision(app_public.organizations);
drop type if exists app_public.pfa_catch_up;
drop type if exists app_public.pfa_changed_record;
drop table if exists app_core.pfa_event cascade;
drop table if exists app_core.pfa_event_forgotten cascade;

--------------------------------------------------------------------------------------------------
-- Events: one row for what one statement changed, not one for each record

create table app_core.pfa_event (
  organization_id integer not null references app_public.organizations on delete cascade,
  id bigint not null default nextval('app_core.revision_seq'),
  kind text not null check (kind in ('records', 'modifications')),
  viewer_id integer not null check (viewer_id >= 0),
  record_ids text[],
  revisions bigint[],
  modification_ids bigint[],
  states text[],
  xid xid8 not null default pg_current_xact_id(),
  snapshot pg_snapshot not null default pg_current_snapshot(),
  happened_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, id),
  check (case kind
    when 'records' then modification_ids is null and cardinality(record_ids) is not distinct from cardinality(revisions)
    else viewer_id > 0 and revisions is null and cardinality(record_ids) is not distinct from cardinality(modification_ids)
      and cardinality(states) is not distinct from cardinality(modification_ids)
  end)
);
-- use: what changed since, also by transactions that ended later than newer ones
create index pfa_event_xid_idx on app_core.pfa_event (organization_id, xid);
comment on table app_core.pfa_event is 'What one statement changed of what people see: ids only, never a value. Subscriptions are told of it, and clients that were away ask for it.';
comment on column app_core.pfa_event.organization_id is 'The organization.';
comment on column app_core.pfa_event.id is 'From the sequence of revisions, drawn after those that it tells of: so it is greater, and the revision to go on from.';
comment on column app_core.pfa_event.kind is '`records` (what a viewer sees of records) or `modifications` (the state of what a user changed).';
comment on column app_core.pfa_event.viewer_id is 'Whom it concerns: 0 everybody, as in the overlay; else this user only.';
comment on column app_core.pfa_event.record_ids is 'The records; null when they were too many to be named: whoever watches loads all of them again.';
comment on column app_core.pfa_event.revisions is 'Of each record: the revision of the change.';
comment on column app_core.pfa_event.modification_ids is 'The modifications, each of the record at the same place.';
comment on column app_core.pfa_event.states is 'What each modification is now: `committed`, `syncing`, `synced`, `problem` (in its author''s draft, with a problem), `draft` (there, without one), `gone` (taken back, or taken over by a later one).';
comment on column app_core.pfa_event.xid is 'The transaction. Revisions are drawn in another order than transactions commit in.';
comment on column app_core.pfa_event.snapshot is 'Which transactions had ended when the event was written: who knows the event has seen those. What is to be told since the event is what all others did.';
comment on column app_core.pfa_event.happened_at is 'When.';
call app_private.protect('app_core.pfa_event');
create policy visitor_select on app_core.pfa_event for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()) and viewer_id in (0, app_core.current_user_id()));
grant select on app_core.pfa_event to vanguard_visitor;

create table app_core.pfa_event_forgotten (
  organization_id integer primary key references app_public.organizations on delete cascade,
  revision bigint not null,
  xid xid8 not null
);
comment on table app_core.pfa_event_forgotten is 'Up to where the events of an organization have been deleted: who asks for what changed since then is told that it is not known.';
comment on column app_core.pfa_event_forgotten.organization_id is 'The organization.';
comment on column app_core.pfa_event_forgotten.revision is 'The greatest id of a deleted event.';
comment on column app_core.pfa_event_forgotten.xid is 'The latest transaction of a deleted event.';
call app_private.protect('app_core.pfa_event_forgotten');
create policy visitor_select on app_core.pfa_event_forgotten for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()));
grant select on app_core.pfa_event_forgotten to vanguard_visitor;

create or replace function app_private.notify_event() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_notify('vanguard_realtime', json_build_object('organizationId', new.organization_id, 'event', new.id)::text);
  return null;
end;
$$;
comment on function app_private.notify_event() is
  'Trigger: tells the servers that there is an event. They read it by its id: a notification has 8,000 bytes at most, and anybody who is connected can listen.';
create trigger _500_notify after insert on app_core.pfa_event
  for each row execute function app_private.notify_event();

--------------------------------------------------------------------------------------------------
-- Where events come from. Once a statement, whoever it was that wrote: functions, the worker, push. Nothing on inserts into the
-- mirror, where the first sync of an organization would keep a second copy of all of its records for it: see tell_sync.

create or replace function app_core.most_named() returns integer
  language sql immutable parallel safe
  return 10000;
comment on function app_core.most_named() is 'How many records an event names; of more it says only that they are many.';
grant execute on function app_core.most_named() to vanguard_visitor;

create or replace function app_private.tell_mirror() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  -- Planned once, for as many rows as the first statement had.
  set enable_nestloop = off
  set jit = off
as $$
begin
  insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions)
  select n.organization_id, 'records', 0,
    case when count(*) <= app_core.most_named() then array_agg(n.pfa_id order by n.pfa_id) end,
    case when count(*) <= app_core.most_named() then array_agg(n.revision order by n.pfa_id) end
  from new_rows n
  join old_rows o on o.organization_id = n.organization_id and o.pfa_id = n.pfa_id
  where n.revision <> o.revision
  group by n.organization_id;
  return null;
end;
$$;
comment on function app_private.tell_mirror() is 'Trigger: tells everybody which records of the mirror have a new revision.';
drop trigger if exists _500_tell on app_core.pfa_mirror;
create trigger _500_tell after update on app_core.pfa_mirror
  referencing old table as old_rows new table as new_rows
  for each statement execute function app_private.tell_mirror();

create or replace function app_private.tell_overlay() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
  set jit = off
as $$
declare
  gone_at bigint;
begin
  if tg_op = 'INSERT' then
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions)
    select n.organization_id, 'records', n.viewer_id,
      case when count(*) <= app_core.most_named() then array_agg(n.pfa_id order by n.pfa_id) end,
      case when count(*) <= app_core.most_named() then array_agg(n.revision order by n.pfa_id) end
    from new_rows n
    group by n.organization_id, n.viewer_id;
  elsif tg_op = 'UPDATE' then
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions)
    select n.organization_id, 'records', n.viewer_id,
      case when count(*) <= app_core.most_named() then array_agg(n.pfa_id order by n.pfa_id) end,
      case when count(*) <= app_core.most_named() then array_agg(n.revision order by n.pfa_id) end
    from new_rows n
    join old_rows o on o.organization_id = n.organization_id and o.viewer_id = n.viewer_id and o.pfa_id = n.pfa_id
    where n.revision <> o.revision
    group by n.organization_id, n.viewer_id;
  elsif exists (select from old_rows) then
    -- What is seen now has a revision of before: one of this moment says that it is to be read again.
    gone_at := nextval('app_core.revision_seq');
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions)
    select o.organization_id, 'records', o.viewer_id,
      case when count(*) <= app_core.most_named() then array_agg(o.pfa_id order by o.pfa_id) end,
      case when count(*) <= app_core.most_named() then array_agg(gone_at) end
    from old_rows o
    group by o.organization_id, o.viewer_id;
  end if;
  return null;
end;
$$;
comment on function app_private.tell_overlay() is
  'Trigger: tells everybody what is pending or no longer so, and each user what changed under a draft of theirs. Nobody else hears of drafts.';
drop trigger if exists _500_tell_insert on app_core.pfa_overlay;
create trigger _500_tell_insert after insert on app_core.pfa_overlay
  referencing new table as new_rows
  for each statement execute function app_private.tell_overlay();
drop trigger if exists _500_tell_update on app_core.pfa_overlay;
create trigger _500_tell_update after update on app_core.pfa_overlay
  referencing old table as old_rows new table as new_rows
  for each statement execute function app_private.tell_overlay();
drop trigger if exists _500_tell_delete on app_core.pfa_overlay;
create trigger _500_tell_delete after delete on app_core.pfa_overlay
  referencing old table as old_rows
  for each statement execute function app_private.tell_overlay();

create or replace function app_private.tell_modifications() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
  set jit = off
as $$
begin
  if tg_op = 'INSERT' then
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, modification_ids, states)
    select t.organization_id, 'modifications', t.user_id,
      case when count(*) <= app_core.most_named() then array_agg(t.pfa_id order by t.id) end,
      case when count(*) <= app_core.most_named() then array_agg(t.id order by t.id) end,
      case when count(*) <= app_core.most_named() then array_agg(t.told order by t.id) end
    from (
      select n.organization_id, n.user_id, n.id, n.pfa_id, case n.state when 'draft' then 'problem' else n.state end as told
      from new_rows n
      where n.state <> 'draft' or n.problems <> '{}'
    ) t
    group by t.organization_id, t.user_id;
  elsif tg_op = 'UPDATE' then
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, modification_ids, states)
    select t.organization_id, 'modifications', t.user_id,
      case when count(*) <= app_core.most_named() then array_agg(t.pfa_id order by t.id) end,
      case when count(*) <= app_core.most_named() then array_agg(t.id order by t.id) end,
      case when count(*) <= app_core.most_named() then array_agg(t.told order by t.id) end
    from (
      select n.organization_id, n.user_id, n.id, n.pfa_id,
        case when n.problems <> '{}' then 'problem' else n.state end as told
      from new_rows n
      join old_rows o on o.organization_id = n.organization_id and o.id = n.id
      where n.state <> o.state or n.problems <> o.problems
    ) t
    group by t.organization_id, t.user_id;
  else
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, modification_ids, states)
    select o.organization_id, 'modifications', o.user_id,
      case when count(*) <= app_core.most_named() then array_agg(o.pfa_id order by o.id) end,
      case when count(*) <= app_core.most_named() then array_agg(o.id order by o.id) end,
      case when count(*) <= app_core.most_named() then array_agg('gone'::text order by o.id) end
    from old_rows o
    where o.state in ('committed', 'syncing')
    group by o.organization_id, o.user_id;
  end if;
  return null;
end;
$$;
comment on function app_private.tell_modifications() is
  'Trigger: tells each user what became of what they committed, and of problems in their drafts; not of each draft that is saved or thrown away.';
drop trigger if exists _500_tell_insert on app_core.pfa_modification;
create trigger _500_tell_insert after insert on app_core.pfa_modification
  referencing new table as new_rows
  for each statement execute function app_private.tell_modifications();
drop trigger if exists _500_tell_update on app_core.pfa_modification;
create trigger _500_tell_update after update on app_core.pfa_modification
  referencing old table as old_rows new table as new_rows
  for each statement execute function app_private.tell_modifications();
drop trigger if exists _500_tell_delete on app_core.pfa_modification;
create trigger _500_tell_delete after delete on app_core.pfa_modification
  referencing old table as old_rows
  for each statement execute function app_private.tell_modifications();

create or replace function app_private.tell_sync() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
declare
  added text[];
  revisions bigint[];
begin
  if tg_op = 'UPDATE' and (new.state, new.rows_read) is not distinct from (old.state, old.rows_read) then
    return null;
  end if;
  if new.state = 'succeeded' and new.rows_inserted > 0 then
    -- New records are in the history, all but those of a first run: then everything is new.
    if new.rows_inserted <= app_core.most_named() then
      select array_agg(m.pfa_id order by m.pfa_id), array_agg(m.revision order by m.pfa_id) into added, revisions
      from app_core.pfa_change c
      join app_core.pfa_mirror m on m.organization_id = new.organization_id and m.pfa_id = c.pfa_id
      where c.organization_id = new.organization_id and c.event = 'add' and c.changed_at >= new.started_at;
    end if;
    if cardinality(added) is distinct from new.rows_inserted then
      added := null;
      revisions := null;
    end if;
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions)
    values (new.organization_id, 'records', 0, added, revisions);
  end if;
  perform pg_notify('vanguard_realtime', json_build_object('organizationId', new.organization_id,
    'run', json_build_object('id', new.id::text, 'state', new.state, 'rowsRead', new.rows_read, 'errorCode', new.error_code))::text);
  return null;
end;
$$;
comment on function app_private.tell_sync() is
  'Trigger: tells that a run began, how far it is, and how it ended; and everybody which records it added. Progress is told and not kept.';
drop trigger if exists _500_tell on app_public.pfa_sync_log;
create trigger _500_tell after insert or update on app_public.pfa_sync_log
  for each row when (new.state <> 'queued') execute function app_private.tell_sync();

--------------------------------------------------------------------------------------------------
-- For the server that tells them

create or replace function app_private.read_events(organization_id integer, event_ids bigint[])
  returns table (id bigint, kind text, viewer_id integer, record_ids text[], revisions bigint[], modification_ids bigint[], states text[])
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select e.id, e.kind, e.viewer_id, e.record_ids, e.revisions, e.modification_ids, e.states
  from app_core.pfa_event e
  where e.organization_id = read_events.organization_id and e.xid in (
    select n.xid from app_core.pfa_event n where n.organization_id = read_events.organization_id and n.id = any (read_events.event_ids))
  order by e.id;
end;
comment on function app_private.read_events(integer, bigint[]) is
  'Events that the server was notified of, with all others of their transactions: whoever goes on from one of them has been told the whole.';
grant execute on function app_private.read_events(integer, bigint[]) to vanguard_authenticator;

create or replace function app_private.subscriber_rights(session_ids uuid[], organization_ids integer[])
  returns table (session_id uuid, organization_id integer, is_signed_in boolean, must_change_password boolean, may_read boolean)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select p.session_id, p.organization_id, c.username is not null, coalesce(c.must_change_password, false),
    coalesce(p.organization_id = any (c.organization_ids), false)
  from unnest(subscriber_rights.session_ids, subscriber_rights.organization_ids) p (session_id, organization_id)
  left join app_private.sessions s on s.id = p.session_id and s.ended_at is null
    -- Access tokens end by themselves; a subscription ends when no new one could be had.
    and exists (select from app_private.refresh_tokens t where t.session_id = s.id and t.expires_at > now())
  left join lateral app_private.request_claims(s.user_id) c on true;
end;
comment on function app_private.subscriber_rights(uuid[], integer[]) is
  'Whether each of these sessions still may read the organization at the same place: asked before anything is told to its subscriptions. Nobody is signed in whose session has ended or lapsed, or who is switched off.';
grant execute on function app_private.subscriber_rights(uuid[], integer[]) to vanguard_authenticator;

create or replace function app_private.subscriber_revision(organization_id integer, user_id integer) returns bigint
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce((
    select e.id from app_core.pfa_event e
    where e.organization_id = subscriber_revision.organization_id and e.viewer_id in (0, subscriber_revision.user_id)
    order by e.organization_id desc, e.id desc limit 1), 0);
end;
comment on function app_private.subscriber_revision(integer, integer) is
  'Where a user who begins to listen goes on from: the same as the revision of the organization. Ask for it once the events of this moment arrive.';
grant execute on function app_private.subscriber_revision(integer, integer) to vanguard_authenticator;

--------------------------------------------------------------------------------------------------
-- For clients that were away

create type app_public.pfa_changed_record as (record_id text, revision bigint);
comment on type app_public.pfa_changed_record is 'A record that changed.';
comment on column app_public.pfa_changed_record.record_id is E'@notNull\nThe record.';
comment on column app_public.pfa_changed_record.revision is
  E'@notNull\nThe revision of the change. Read the record again when the one that you hold is less: perhaps it is gone.';

create type app_public.pfa_catch_up as (is_complete boolean, revision bigint, records app_public.pfa_changed_record[], next_after text);
comment on type app_public.pfa_catch_up is 'What changed while you were away.';
comment on column app_public.pfa_catch_up.is_complete is
  E'@notNull\nEverything that changed is told. If not, it is too long ago or too much: load all of it again, and go on from `revision`.';
comment on column app_public.pfa_catch_up.revision is E'@notNull\nGo on from here the next time. Of several pages it is that of the first one.';
comment on column app_public.pfa_catch_up.records is E'@notNull\nRecords that changed for you, by id; perhaps also some that you know already.';
comment on column app_public.pfa_catch_up.next_after is 'There are more: ask again with this as `after`.';

create function app_public.organizations_revision(organization app_public.organizations) returns bigint
  language sql stable
  return coalesce((
    select e.id from app_core.pfa_event e where e.organization_id = organization.id order by e.organization_id desc, e.id desc limit 1), 0);
comment on function app_public.organizations_revision(app_public.organizations) is
  E'@notNull\nWhere to go on from with `recordsChangedSince`: ask for it before you load records.';
grant execute on function app_public.organizations_revision(app_public.organizations) to vanguard_visitor;

create function app_public.organizations_records_changed_since(
  organization app_public.organizations, revision bigint, first integer default 1000, after text default null
) returns app_public.pfa_catch_up
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
declare
  p_organization_id constant integer := organization.id;
  p_since constant bigint := organizations_records_changed_since.revision;
  p_first constant integer := coalesce(organizations_records_changed_since.first, 1000);
  seen pg_snapshot;
  oldest xid8;
  teller xid8;
  is_whole boolean;
  is_known boolean;
  result app_public.pfa_catch_up;
begin
  if p_first not between 1 and 1000 then
    raise exception 'A page has 1 to 1,000 records.'
      using errcode = 'VG400', hint = 'Ask for fewer with `first`, and for more with `after`.';
  end if;
  result.revision := app_public.organizations_revision(organization);
  result.records := '{}';

  -- The last event up to this revision, and with it which transactions whoever knows the revision has seen at least. Not
  -- merely those of smaller revisions: a transaction that drew its revisions earlier may have ended later. The event after it
  -- would not do: what had ended by then may have ended after the revision was told.
  select e.snapshot, e.xid, e.id = p_since into seen, teller, is_whole
  from app_core.pfa_event e
  where e.organization_id = p_organization_id and e.id <= p_since
  order by e.organization_id desc, e.id desc limit 1;
  -- Nothing, if there is none.
  seen := coalesce(seen, '1:1:');
  oldest := pg_snapshot_xmin(seen);
  is_known := coalesce(p_since between 0 and result.revision, false)
    -- From a copy of the database in another cluster, whose transactions have nothing to do with ours.
    and oldest <= pg_snapshot_xmax(pg_current_snapshot())
    and not exists (
      select from app_core.pfa_event_forgotten f
      where f.organization_id = p_organization_id and (f.revision >= p_since or f.xid >= oldest));
  if is_known then
    select coalesce(bool_and(e.record_ids is not null) and sum(cardinality(e.record_ids)) <= 2 * app_core.most_named(), true) into is_known
    from app_core.pfa_event e
    where e.organization_id = p_organization_id and e.kind = 'records' and e.xid >= oldest
      -- No snapshot says of its own transaction whether it had ended: it is known whole to whoever was told of it, else not.
      and case when e.xid = teller then not is_whole else not pg_visible_in_snapshot(e.xid, seen) end;
  end if;
  result.is_complete := is_known;
  if is_known then
    select coalesce(array_agg(row (c.record_id, c.revision)::app_public.pfa_changed_record order by c.record_id) filter (where c.place <= p_first), '{}'),
      max(c.record_id) filter (where c.place = p_first and c.is_followed)
      into result.records, result.next_after
    from (
      select r.record_id, max(r.revision) as revision,
        row_number() over (order by r.record_id) as place, lead(true) over (order by r.record_id) as is_followed
      from app_core.pfa_event e
      cross join lateral unnest(e.record_ids, e.revisions) r (record_id, revision)
      where e.organization_id = p_organization_id and e.kind = 'records' and e.xid >= oldest
        and case when e.xid = teller then not is_whole else not pg_visible_in_snapshot(e.xid, seen) end
        and (organizations_records_changed_since.after is null or r.record_id > organizations_records_changed_since.after)
      group by r.record_id
      order by r.record_id limit p_first + 1
    ) c;
  end if;
  return result;
end;
$$;
comment on function app_public.organizations_records_changed_since(app_public.organizations, bigint, integer, text) is
  E'@notNull\nWhich records changed for you since a revision: the one of the organization before you loaded them, of an event, of the last answer here, or of a record; without one nothing is known. Everything of transactions that were under way then is told too. Known for seven days.';
grant execute on function app_public.organizations_records_changed_since(app_public.organizations, bigint, integer, text) to vanguard_visitor;

create or replace function app_private.forget_events(keep interval, batch integer) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  next_xid constant xid8 := pg_snapshot_xmax(pg_current_snapshot());
  forgotten integer;
begin
  if keep < interval '1 hour' or batch < 1 then
    raise exception 'Events are kept for at least one hour.'
      using errcode = 'VG400', hint = 'Give an hour or more, and a batch of at least one row.';
  end if;
  -- The newest of an organization stays: who has seen it, however long ago, has missed nothing.
  with old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select e.organization_id, e.id from app_core.pfa_event e
      where e.organization_id = o.id
        and (e.xid > next_xid or e.happened_at < clock_timestamp() - keep
          and e.id < (select n.id from app_core.pfa_event n where n.organization_id = o.id order by n.organization_id desc, n.id desc limit 1))
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
  'Deletes at most one batch of events that are older, and of events that came with a copy of another cluster''s database; answers how many. Call it again while it is as many as the batch.';
grant execute on function app_private.forget_events(interval, integer) to vanguard_worker;

--! split: 40-monitoring.sql
-- What of write-back is watched from outside, and how long what it leaves behind is kept.

--------------------------------------------------------------------------------------------------
-- Monitoring

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

create or replace function app_private.monitoring() returns jsonb
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  now constant timestamptz := clock_timestamp();
begin
  return jsonb_build_object(
    'queue', (
      select coalesce(jsonb_agg(to_jsonb(t) order by t.task), '[]')
      from (
        select j.task_identifier as task,
          count(*) filter (where j.attempts < j.max_attempts and j.locked_at is null and j.run_at <= now) as ready,
          count(*) filter (where j.attempts < j.max_attempts and j.locked_at is null and j.run_at > now) as scheduled,
          count(*) filter (where j.locked_at is not null) as locked,
          count(*) filter (where j.attempts >= j.max_attempts and j.locked_at is null) as failed,
          coalesce(extract(epoch from now - min(j.run_at) filter (
            where j.attempts < j.max_attempts and j.locked_at is null and j.run_at <= now)), 0)::float8 as oldest_ready_seconds
        from graphile_worker.jobs j
        group by j.task_identifier
      ) t
    ),
    -- Those that hold their lock: one that was killed stays on the list until another takes it off, and there may be no other.
    'workers', (
      select count(distinct w.backend_pid)
      from app_private.worker_processes w
      join pg_locks l on l.pid = w.backend_pid
      where l.locktype = 'advisory' and l.granted and l.objsubid = 1
        and l.database = (select d.oid from pg_database d where d.datname = current_database())
        and (l.classid::bigint << 32 | l.objid::bigint) = w.lock_key
    ),
    'organizations', (
      with unsettled as materialized (
        select m.organization_id,
          count(*) filter (where m.state = 'committed') as waiting,
          count(*) filter (where m.state = 'syncing') as writing,
          -- A scalar, looked up for each that is being written: as `exists` all intents that there ever were are read.
          count(*) filter (where m.state = 'syncing' and (
            select true from app_core.pfa_push_intent i
            where i.organization_id = m.organization_id and i.modification_id = m.id and i.outcome = 'uncertain' limit 1)) as uncertain,
          min(m.committed_at) as oldest_at
        from app_core.pfa_modification m
        where m.state in ('committed', 'syncing')
        group by m.organization_id
      ),
      problem as materialized (
        select m.organization_id,
          count(*) filter (where k.number = 1) as drafts,
          min(m.updated_at) as oldest_at,
          jsonb_build_object(
            'conflict', count(*) filter (where k.value->>'kind' = 'conflict'),
            'refused', count(*) filter (where k.value->>'kind' = 'refused'),
            'altered', count(*) filter (where k.value->>'kind' = 'altered'),
            'failed', count(*) filter (where k.value->>'kind' = 'failed'),
            'removed', count(*) filter (where k.value->>'kind' = 'removed')) as kinds
        from app_core.pfa_modification m
        cross join jsonb_each(m.problems) with ordinality k (key, value, number)
        where m.state = 'draft' and m.problems <> '{}'
        group by m.organization_id
      )
      select coalesce(jsonb_agg(to_jsonb(s) order by s.organization), '[]')
      from (
        select o.code as organization,
          extract(epoch from now - done.finished_at)::float8 as mirror_age_seconds,
          -- Null where no schedule asks for it.
          case when d.at is not null then greatest(0, extract(epoch from now - d.at))::float8 end as mirror_overdue_seconds,
          ended.state as last_outcome,
          extract(epoch from ended.finished_at)::float8 as last_ended_at,
          extract(epoch from ended.finished_at - ended.started_at)::float8 as last_duration_seconds,
          coalesce(extract(epoch from now - s.paused_at), 0)::float8 as sync_paused_seconds,
          g.state as push_gate,
          coalesce(extract(epoch from now - p.paused_at), 0)::float8 as push_paused_seconds,
          coalesce(m.waiting, 0) as push_waiting,
          coalesce(m.writing, 0) as push_writing,
          coalesce(m.uncertain, 0) as push_uncertain,
          coalesce(extract(epoch from now - m.oldest_at), 0)::float8 as push_oldest_seconds,
          w.confirmed as push_confirmed,
          w.returned as push_returned,
          coalesce(k.drafts, 0) as problem_drafts,
          coalesce(extract(epoch from now - k.oldest_at), 0)::float8 as problem_oldest_seconds,
          coalesce(k.kinds, '{"conflict": 0, "refused": 0, "altered": 0, "failed": 0, "removed": 0}') as problems
        from app_public.organizations o
        cross join lateral app_private.push_gate(o.id) g
        cross join lateral (select app_private.mirror_due_at(o.id) as at) d
        left join app_private.pfa_sync_schedule s on s.organization_id = o.id
        left join app_private.pfa_push_pause p on p.organization_id = o.id
        left join unsettled m on m.organization_id = o.id
        left join problem k on k.organization_id = o.id
        left join lateral (
          select l.finished_at from app_public.pfa_sync_log l
          where l.organization_id = o.id and l.state = 'succeeded' order by l.finished_at desc limit 1
        ) done on true
        left join lateral (
          select l.state, l.started_at, l.finished_at from app_public.pfa_sync_log l
          where l.organization_id = o.id and l.state in ('succeeded', 'failed') order by l.id desc limit 1
        ) ended on true
        cross join lateral (
          -- What came back has a problem in each of its keys, what was confirmed in none.
          select count(*) filter (where not c.changes @? '$.*.problem') as confirmed, count(*) filter (where c.changes @? '$.*.problem') as returned
          from app_core.pfa_change c
          where c.organization_id = o.id and c.changed_at > now - interval '10 minutes' and c.route = 'push'
        ) w
        where o.is_active
      ) s
    ),
    'connections', (
      select coalesce(jsonb_agg(to_jsonb(t) order by t.connection), '[]')
      from (
        select c.id as connection,
          coalesce(extract(epoch from now - s.opened_at), 0)::float8 as breaker_open_seconds,
          s.opened_at is not null as is_breaker_open,
          coalesce(s.failures, 0) as failures,
          coalesce(extract(epoch from now - s.paused_at), 0)::float8 as paused_seconds
        from app_public.api_configurations c
        join app_public.pems_settings p on p.api_configuration_id = c.id
        left join app_private.pems_state s on s.api_configuration_id = c.id
        where c.url is not null and c.operation_type in ('write', 'read-write')
      ) t
    ),
    -- The limit is the tenant's, over however many connections it is asked; the slowest of them says how high.
    'rates', (
      select coalesce(jsonb_agg(to_jsonb(t) order by t.connection), '[]')
      from (
        select min(c.id) as connection, p.tenant, min(p.requests_per_second) as requests_per_second, coalesce(max(r.requests), 0) as requests
        from app_public.api_configurations c
        join app_public.pems_settings p on p.api_configuration_id = c.id
        left join app_private.pems_rate r on r.url = c.url and r.tenant = p.tenant
        where c.url is not null
        group by c.url, p.tenant
      ) t
    )
  );
end;
$$;
comment on function app_private.monitoring() is
  'What monitoring shows of the database: jobs by task; workers that live; of each active organization the age of its mirror and how long it is overdue, in seconds, how its last run went, whether and since when writing is held up, what waits to be written and for how long, what was confirmed and returned within the last 10 minutes, and problems of drafts by kind; of each connection that writes its breaker and pause; of each tenant of PEMS the requests given out and how many a second may be. No content of any record and no name but the codes of organizations, connections and tenants.';
grant execute on function app_private.monitoring() to vanguard_authenticator;

--------------------------------------------------------------------------------------------------
-- Retention

drop index if exists app_core.pfa_modification_settled_at_idx;
-- use: retention, the oldest confirmed changes of an organization
create index pfa_modification_settled_at_idx on app_core.pfa_modification (organization_id, settled_at) where state = 'synced';

drop function if exists app_private.enforce_retention(interval, interval, interval, interval, interval, integer);
drop function if exists app_private.enforce_retention(interval, interval, interval, interval, interval, interval, integer);
create function app_private.enforce_retention(
  keep_sync_log interval, keep_rejects interval, keep_sign_ins interval, keep_failed_jobs interval, keep_changes interval, keep_exchanges interval,
  batch integer,
  out sync_log integer, out rejects integer, out sign_ins integer, out throttles integer, out failed_jobs integer, out changes integer,
  out modifications integer, out exchanges integer
)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  now constant timestamptz := clock_timestamp();
begin
  if least(keep_sync_log, keep_rejects, keep_sign_ins, keep_failed_jobs, keep_changes, keep_exchanges) < interval '1 day' or batch < 1 then
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

  -- As long as the history, which tells the same; what was intended goes with them.
  with old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select m.organization_id, m.id from app_core.pfa_modification m
      where m.organization_id = o.id and m.state = 'synced' and m.settled_at < now - keep_changes
      order by m.settled_at limit batch
    ) r
    limit batch
  )
  delete from app_core.pfa_modification d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics modifications = row_count;

  -- Never of a change that is not settled: what was said about it may explain how it ends.
  with old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select e.organization_id, e.id from app_core.pfa_push_exchange e
      where e.organization_id = o.id and e.answered_at < now - keep_exchanges
        and not exists (
          select from app_core.pfa_modification m
          where m.organization_id = e.organization_id and m.id = e.modification_id and m.state in ('committed', 'syncing'))
      order by e.answered_at limit batch
    ) r
    limit batch
  )
  delete from app_core.pfa_push_exchange d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics exchanges = row_count;

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
comment on function app_private.enforce_retention(interval, interval, interval, interval, interval, interval, integer) is
  'Deletes what is older than its limit: at most one batch each of ended runs, rejects, changes of records, confirmed changes that were written to PEMS, what was said to PEMS about them, and jobs that failed for good, and all ended sessions and throttles; answers how many of each. Kept whatever their age: runs that wait or go on, the newest run of each organization and its newest success of either kind, a run that still has rejects, and what was said about a change that is not settled. Call it again while something is as many as the batch.';
grant execute on function app_private.enforce_retention(interval, interval, interval, interval, interval, interval, integer) to vanguard_worker;
