--! Previous: sha1:43601a8219e391b44df8c45d83bbb1bf050e0332
--! Hash: sha1:b14411c61062c05da2e6461c7746163c8522e743
--! Message: push

--! split: 1-current.sql
-- Push: writing committed changes to PEMS.
--
-- Each step is one transaction under the locks of the mirror rows. A step does nothing unless its attempt is the
-- current one and a worker holds it (retry_at is null), so a worker that was replaced comes too late.

create table app_core.pfa_push_intent (
  organization_id integer not null,
  id bigint generated always as identity,
  modification_id bigint not null,
  attempt integer not null check (attempt > 0),
  record_version text,
  read_values jsonb not null,
  read_at timestamptz not null,
  write_values jsonb not null,
  send_before timestamptz not null,
  outcome text check (outcome in ('confirmed', 'refused', 'altered', 'conflict', 'uncertain', 'failed')),
  answer jsonb,
  created_at timestamptz not null default clock_timestamp(),
  settled_at timestamptz,
  quiet_at timestamptz not null,
  answered_at timestamptz,
  primary key (organization_id, id),
  unique (organization_id, modification_id, attempt),
  foreign key (organization_id, modification_id) references app_core.pfa_modification on delete cascade,
  check ((outcome is null) = (settled_at is null))
);
comment on table app_core.pfa_push_intent is
  'Before each write to PEMS: what was read there and what will be written, so that a crash between the two loses '
  'and doubles nothing.';
comment on column app_core.pfa_push_intent.organization_id is 'The organization.';
comment on column app_core.pfa_push_intent.id is 'Our key.';
comment on column app_core.pfa_push_intent.modification_id is 'The change that is being written.';
comment on column app_core.pfa_push_intent.attempt is 'Which attempt of that change.';
comment on column app_core.pfa_push_intent.record_version is 'The `recordid` that PEMS gave when read.';
comment on column app_core.pfa_push_intent.read_values is 'What PEMS held under the keys to be written.';
comment on column app_core.pfa_push_intent.read_at is 'When that answer arrived, by the database''s clock.';
comment on column app_core.pfa_push_intent.write_values is 'What will be written.';
comment on column app_core.pfa_push_intent.send_before is 'After this moment it is not sent any more.';
comment on column app_core.pfa_push_intent.outcome is
  'How it ended: `confirmed`, `refused`, `altered`, `conflict`, `failed` (certainly not written), `uncertain` '
  '(nobody knows until it is read again); null while it goes on.';
comment on column app_core.pfa_push_intent.answer is 'What PEMS answered, without credentials.';
comment on column app_core.pfa_push_intent.created_at is 'When it was written down.';
comment on column app_core.pfa_push_intent.settled_at is 'When the outcome was known.';
comment on column app_core.pfa_push_intent.quiet_at is
  'From then on PEMS cannot do it any more if it has not by then: sending limit, our time limit and one of PEMS''s '
  'own.';
comment on column app_core.pfa_push_intent.answered_at is
  'When PEMS answered the write; null while it may still be under way.';
create index pfa_push_intent_open_idx on app_core.pfa_push_intent (organization_id, created_at) where outcome is null;
comment on index app_core.pfa_push_intent_open_idx is 'After a crash, what was being written.';
call app_private.enable_rls('app_core.pfa_push_intent');

create table app_core.pfa_push_exchange (
  organization_id integer not null references app_public.organizations on delete cascade,
  id bigint generated always as identity,
  pfa_id text not null,
  modification_id bigint not null,
  attempt integer not null,
  action text not null check (action in ('read', 'write', 'read_back')),
  request text not null,
  status integer,
  answer text,
  error_code text,
  milliseconds integer not null,
  answered_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, id)
);
comment on table app_core.pfa_push_exchange is
  'What was said to PEMS about single records while writing changes, and what it answered: without credentials, so '
  'that a late refusal can be explained.';
comment on column app_core.pfa_push_exchange.organization_id is 'The organization.';
comment on column app_core.pfa_push_exchange.id is 'In the order of happening.';
comment on column app_core.pfa_push_exchange.pfa_id is 'The record.';
comment on column app_core.pfa_push_exchange.modification_id is 'The change that was being written; it may be gone.';
comment on column app_core.pfa_push_exchange.attempt is 'Which attempt of it.';
comment on column app_core.pfa_push_exchange.action is '`read`, `write`, `read_back`.';
comment on column app_core.pfa_push_exchange.request is 'The body that was to be sent.';
comment on column app_core.pfa_push_exchange.status is 'HTTP status; null when no answer began.';
comment on column app_core.pfa_push_exchange.answer is
  'The body of the answer, its beginning where it is long; null where none arrived whole.';
comment on column app_core.pfa_push_exchange.error_code is 'Our code for what was wrong with it.';
comment on column app_core.pfa_push_exchange.milliseconds is 'How long it took.';
comment on column app_core.pfa_push_exchange.answered_at is 'When it ended.';
create index pfa_push_exchange_pfa_id_idx on app_core.pfa_push_exchange (organization_id, pfa_id, id);
comment on index app_core.pfa_push_exchange_pfa_id_idx is 'What was said about a record.';
create index pfa_push_exchange_answered_at_idx on app_core.pfa_push_exchange (organization_id, answered_at);
comment on index app_core.pfa_push_exchange_answered_at_idx is 'Retention.';
call app_private.enable_rls('app_core.pfa_push_exchange');
create policy visitor_select on app_core.pfa_push_exchange for select to vanguard_visitor
  using (organization_id = any (app_core.administered_organization_ids()));
grant select on app_core.pfa_push_exchange to vanguard_visitor;

create unlogged table app_private.pems_rate (
  url text,
  tenant text,
  next_at timestamptz not null,
  requests bigint not null default 0,
  primary key (url, tenant)
);
comment on table app_private.pems_rate is
  'When the next request may go to a tenant of PEMS, whichever worker, organization or connection sends it. '
  'Unlogged: a crash may forget it.';
comment on column app_private.pems_rate.url is 'Base address.';
comment on column app_private.pems_rate.tenant is 'The tenant.';
comment on column app_private.pems_rate.next_at is 'The first moment that nobody has yet.';
comment on column app_private.pems_rate.requests is 'How many turns were given.';
call app_private.enable_rls('app_private.pems_rate');

create table app_private.pems_state (
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
comment on table app_private.pems_state is
  'Whether a connection is written over at this moment: its breaker, and whether somebody paused it. No row: it is.';
comment on column app_private.pems_state.api_configuration_id is 'The connection.';
comment on column app_private.pems_state.failures is 'Requests in a row that failed for a reason of the connection.';
comment on column app_private.pems_state.opened_at is
  'Since when the breaker is open: nothing is written, only probed. Null while it is closed.';
comment on column app_private.pems_state.probes is 'How often it was probed since.';
comment on column app_private.pems_state.next_probe_at is 'When it is probed next.';
comment on column app_private.pems_state.error_code is 'Why the last request failed.';
comment on column app_private.pems_state.error_message is 'The same in a sentence.';
comment on column app_private.pems_state.paused_at is 'Since when an administrator has paused it.';
comment on column app_private.pems_state.paused_by is 'Who.';
create index pems_state_paused_by_idx on app_private.pems_state (paused_by);
comment on index app_private.pems_state_paused_by_idx is 'On delete of a user.';
call app_private.enable_rls('app_private.pems_state');

create table app_private.pfa_push_pause (
  organization_id integer primary key references app_public.organizations on delete cascade,
  paused_at timestamptz not null default clock_timestamp(),
  paused_by integer references app_public.users on delete set null
);
comment on table app_private.pfa_push_pause is
  'Organizations whose changes are not written to PEMS, because somebody paused it.';
comment on column app_private.pfa_push_pause.organization_id is 'The organization.';
comment on column app_private.pfa_push_pause.paused_at is 'Since when.';
comment on column app_private.pfa_push_pause.paused_by is 'Who; null when it was a command.';
create index pfa_push_pause_paused_by_idx on app_private.pfa_push_pause (organization_id, paused_by);
comment on index app_private.pfa_push_pause_paused_by_idx is 'On delete of a user.';
call app_private.enable_rls('app_private.pfa_push_pause');

create type app_public.pfa_resolution as (record_id text, revision bigint, choice text, keys text[], value jsonb);
comment on type app_public.pfa_resolution is 'What is to become of problems of a draft.';
comment on column app_public.pfa_resolution.record_id is E'@notNull\nThe record.';
comment on column app_public.pfa_resolution.revision is E'@notNull\nThe revision of the record that you saw.';
comment on column app_public.pfa_resolution.choice is
  E'@notNull\n`mine`: your value, over what is there now; `theirs`: what is there now, your draft of it goes; '
  '`value`: a third one.';
comment on column app_public.pfa_resolution.keys is
  'Of these keys; left out, of all that have a problem. With `value` exactly one.';
comment on column app_public.pfa_resolution.value is 'With the choice `value`: the third value.';

create type app_public.pfa_resolve_result as (operation_id bigint, record_count integer, key_count integer,
  refused jsonb, revisions jsonb);
comment on type app_public.pfa_resolve_result is 'What was resolved.';
comment on column app_public.pfa_resolve_result.operation_id is
  'The operation, to be undone; null when no value of a draft changed.';
comment on column app_public.pfa_resolve_result.record_count is
  E'@notNull\nOn how many records something was resolved.';
comment on column app_public.pfa_resolve_result.key_count is E'@notNull\nHow many keys.';
comment on column app_public.pfa_resolve_result.refused is
  E'@notNull\nWhat was left: `[{"recordId", "problem"}, ...]`.';
comment on column app_public.pfa_resolve_result.revisions is
  'The revision of each record that was resolved, as it is now; null when there were more than 5,000.';

create type app_public.pfa_push_status as (
  state text, waiting_count integer, writing_count integer, uncertain_count integer, oldest_committed_at timestamptz,
  paused_at timestamptz, paused_by text, breaker_opened_at timestamptz, breaker_code text, breaker_message text,
  next_probe_at timestamptz
);
comment on type app_public.pfa_push_status is 'How writing changes to PEMS goes in an organization.';
comment on column app_public.pfa_push_status.state is
  E'@notNull\n`open` (changes are written), `paused`, `no_connection` (none that may write), `connection_paused`, '
  '`breaker_open` (PEMS cannot be reached or does not let us in: it is probed, and goes on by itself).';
comment on column app_public.pfa_push_status.waiting_count is E'@notNull\nHow many committed changes wait.';
comment on column app_public.pfa_push_status.writing_count is E'@notNull\nHow many are being written, or read back.';
comment on column app_public.pfa_push_status.uncertain_count is
  E'@notNull\nOf these, how many ended without a certain answer and are read again when PEMS cannot do them any '
  'more.';
comment on column app_public.pfa_push_status.oldest_committed_at is 'When the oldest of them was committed.';
comment on column app_public.pfa_push_status.paused_at is 'Since when the organization, or its connection, is paused.';
comment on column app_public.pfa_push_status.paused_by is 'Who paused it; null when it was a command.';
comment on column app_public.pfa_push_status.breaker_opened_at is 'Since when PEMS does not work for us.';
comment on column app_public.pfa_push_status.breaker_code is 'Why: a stable code.';
comment on column app_public.pfa_push_status.breaker_message is 'Why, in a sentence; for owners and admins.';
comment on column app_public.pfa_push_status.next_probe_at is 'When PEMS is tried next.';

--! Included app_private/functions/note_pems_success.sql
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
comment on function app_private.note_pems_success(text) is
  'A request over the connection succeeded: its breaker closes, and what waited is written.';
grant execute on function app_private.note_pems_success(text) to vanguard_worker;
--! EndIncluded app_private/functions/note_pems_success.sql

--! Included app_private/functions/note_connection_result.sql
create or replace function app_private.note_connection_result(api_configuration_id text, rows_read integer,
  error_message text) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  update app_public.api_configurations c
  set status = case when note_connection_result.error_message is null then 'connected' else 'error' end,
    last_checked = clock_timestamp(),
    last_error = note_connection_result.error_message,
    first_sync_at = case when rows_read is null then c.first_sync_at else coalesce(c.first_sync_at,
      clock_timestamp()) end,
    last_sync_at = case when rows_read is null then c.last_sync_at else clock_timestamp() end,
    last_sync_record_count = coalesce(rows_read, c.last_sync_record_count),
    total_sync_record_count = coalesce(c.total_sync_record_count, 0) + coalesce(rows_read, 0)
  where c.id = note_connection_result.api_configuration_id;
  select app_private.note_pems_success(note_connection_result.api_configuration_id)
    where note_connection_result.error_message is null;
end;
comment on function app_private.note_connection_result(text, integer, text) is
  'Notes at a connection how using it went; rows_read after a sync, null after a mere test. A success closes its '
  'breaker.';
grant execute on function app_private.note_connection_result(text, integer, text) to vanguard_worker;
--! EndIncluded app_private/functions/note_connection_result.sql

--! Included app_public/views/pfa_push_exchange.sql
create or replace view app_public.pfa_push_exchange with (security_invoker = true) as
select e.organization_id, e.id, e.pfa_id, e.modification_id as commit_id, e.attempt, e.action, e.request, e.status,
  e.answer, e.error_code, e.milliseconds, e.answered_at
from app_core.pfa_push_exchange e;
comment on view app_public.pfa_push_exchange is
  E'@offersColumns\n@primaryKey organization_id,id\n@foreignKey (organization_id) references '
  'app_public.organizations (id)|@fieldName organization|@foreignFieldName pushExchanges\nWhat was said to PEMS '
  'about single records while writing changes, and what it answered, without credentials. For owners and admins of '
  'the organization.';
comment on column app_public.pfa_push_exchange.organization_id is 'The organization.';
comment on column app_public.pfa_push_exchange.id is E'@behavior +orderBy\nIn the order of happening.';
comment on column app_public.pfa_push_exchange.pfa_id is E'@notNull\n@behavior +filterBy\nThe record.';
comment on column app_public.pfa_push_exchange.commit_id is
  E'@notNull\nThe commit that was being written; it may be gone.';
comment on column app_public.pfa_push_exchange.attempt is E'@notNull\nWhich attempt of it.';
comment on column app_public.pfa_push_exchange.action is E'@notNull\n`read`, `write`, `read_back`.';
comment on column app_public.pfa_push_exchange.request is E'@notNull\nThe body that was to be sent.';
comment on column app_public.pfa_push_exchange.status is 'HTTP status; null when no answer began.';
comment on column app_public.pfa_push_exchange.answer is 'The body of the answer, its beginning where it is long.';
comment on column app_public.pfa_push_exchange.error_code is 'Our code for what was wrong with it.';
comment on column app_public.pfa_push_exchange.milliseconds is E'@notNull\nHow long it took.';
comment on column app_public.pfa_push_exchange.answered_at is E'@notNull\nWhen it ended.';
grant select on app_public.pfa_push_exchange to vanguard_visitor;
--! EndIncluded app_public/views/pfa_push_exchange.sql
--! Included app_private/functions/note_exchange.sql
create or replace function app_private.note_exchange(organization_id integer, pfa_id text, modification_id bigint,
  attempt integer, exchange jsonb) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  insert into app_core.pfa_push_exchange (organization_id, pfa_id, modification_id, attempt, action, request, status,
    answer, error_code, milliseconds)
  select note_exchange.organization_id, note_exchange.pfa_id, note_exchange.modification_id, note_exchange.attempt,
    e->>'action', e->>'request',
    (e->>'status')::integer, e->>'answer', e->>'errorCode', (e->>'milliseconds')::integer
  from (select note_exchange.exchange as e) given
  where jsonb_typeof(e) = 'object';
end;
comment on function app_private.note_exchange(integer, text, bigint, integer, jsonb) is
  'Keeps `{"action", "request", "status", "answer", "errorCode", "milliseconds"}`; nothing when there is none.';
grant execute on function app_private.note_exchange(integer, text, bigint, integer, jsonb) to vanguard_worker;
--! EndIncluded app_private/functions/note_exchange.sql
--! Included app_private/functions/at_microseconds.sql
create or replace function app_private.at_microseconds(microseconds text) returns timestamptz
  language sql immutable parallel safe
  return timestamptz 'epoch' + microseconds::bigint * interval '1 microsecond';
comment on function app_private.at_microseconds(text) is
  'The time that the worker holds as microseconds since 1970, in digits, so that none is lost.';
--! EndIncluded app_private/functions/at_microseconds.sql
--! Included app_private/functions/microseconds.sql
create or replace function app_private.microseconds(moment timestamptz) returns text
  language sql immutable parallel safe
  return (extract(epoch from moment) * 1000000)::bigint::text;
comment on function app_private.microseconds(timestamp with time zone) is
  'A time as the worker holds it: microseconds since 1970, in digits.';
--! EndIncluded app_private/functions/microseconds.sql

--! Included app_private/functions/take_turns.sql
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
      set next_at = greatest(r.next_at, clock_timestamp()) + (select c.takes from connection c),
        requests = r.requests + take_turns.turns
    returning r.next_at
  )
  select greatest(0, extract(epoch from t.next_at - c.takes - clock_timestamp()) * 1000)::double precision from taken t
    cross join connection c;
end;
comment on function app_private.take_turns(text, integer) is
  'Takes so many turns at PEMS, one after the other, and answers in how many milliseconds the first begins. The '
  'one limit of all workers: requests a second of the connection.';
grant execute on function app_private.take_turns(text, integer) to vanguard_worker;
--! EndIncluded app_private/functions/take_turns.sql
--! Included app_private/functions/hold_requests.sql
create or replace function app_private.hold_requests(api_configuration_id text, seconds integer) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  update app_private.pems_rate r set next_at = greatest(r.next_at,
    clock_timestamp() + least(hold_requests.seconds, 60) * interval '1 second')
  from app_public.api_configurations c join app_public.pems_settings s on s.api_configuration_id = c.id
  where c.id = hold_requests.api_configuration_id and r.url = c.url and r.tenant = s.tenant;
end;
comment on function app_private.hold_requests(text, integer) is
  'PEMS asked everybody to wait so long (429 with Retry-After); at most a minute.';
grant execute on function app_private.hold_requests(text, integer) to vanguard_worker;
--! EndIncluded app_private/functions/hold_requests.sql
--! Included app_private/functions/queue_pushes_over.sql
create or replace function app_private.queue_pushes_over(api_configuration_id text) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  -- Materialized: the planner may otherwise queue first and ask afterwards.
  with due as materialized (
    select o.id from app_public.organizations o
    where exists (select from app_core.pfa_modification m where m.organization_id = o.id
      and m.state in ('committed', 'syncing'))
      and app_private.push_connection(o.id) = queue_pushes_over.api_configuration_id
  )
  select count(*) from due d cross join lateral app_private.queue_push(d.id) q;
end;
comment on function app_private.queue_pushes_over(text) is
  'A connection works again: what waits for it is written now.';
--! EndIncluded app_private/functions/queue_pushes_over.sql
--! Included app_private/functions/note_pems_failure.sql
create or replace function app_private.note_pems_failure(api_configuration_id text, error_code text, error_message text,
  is_final boolean) returns boolean
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- One request that fails says little about PEMS. Where nobody is at home, or we are not let in, the next would fail
  -- as well.
  insert into app_private.pems_state as s (api_configuration_id, failures, opened_at, next_probe_at, error_code,
    error_message)
  select note_pems_failure.api_configuration_id, 1, case when is_final then clock_timestamp() end,
    case when is_final then clock_timestamp() + interval '2 seconds' end, note_pems_failure.error_code,
      note_pems_failure.error_message
  on conflict on constraint pems_state_pkey do update set
    failures = s.failures + 1,
    opened_at = case when s.opened_at is not null or is_final
      or s.failures >= 4 then coalesce(s.opened_at, clock_timestamp()) end,
    -- 2, 4, 8, ... seconds after each probe, at most 2 minutes.
    next_probe_at = case when s.opened_at is not null or is_final or s.failures >= 4
      then greatest(s.next_probe_at, clock_timestamp()
        + least(interval '2 seconds' * power(2, least(s.probes, 10)), interval '2 minutes')) end,
    error_code = excluded.error_code,
    error_message = excluded.error_message
  returning s.opened_at is not null;
end;
comment on function app_private.note_pems_failure(text, text, text, boolean) is
  'A request over the connection failed, and not for a reason of what was asked. The fifth in a row opens the '
  'breaker, one that is final (nobody answers there, wrong credentials) at once. Answers whether it is open.';
grant execute on function app_private.note_pems_failure(text, text, text, boolean) to vanguard_worker;
--! EndIncluded app_private/functions/note_pems_failure.sql
--! Included app_private/functions/connection_renewed.sql
create or replace function app_private.connection_renewed(api_configuration_id text) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  delete from app_private.pems_state s where s.api_configuration_id = connection_renewed.api_configuration_id
    and s.paused_at is null;
  select app_private.note_pems_success(connection_renewed.api_configuration_id);
  select app_private.queue_pushes_over(connection_renewed.api_configuration_id);
end;
comment on function app_private.connection_renewed(text) is
  'Somebody entered the connection anew: what was wrong with it is forgotten, and what waits for it is tried.';
--! EndIncluded app_private/functions/connection_renewed.sql
--! Included app_private/functions/begin_probe.sql
create or replace function app_private.begin_probe(api_configuration_id text) returns boolean
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with begun as (
    update app_private.pems_state s
    set probes = s.probes + 1,
      next_probe_at = clock_timestamp() + least(interval '2 seconds' * power(2, least(s.probes + 1, 10)),
        interval '2 minutes')
    where s.api_configuration_id = begin_probe.api_configuration_id and s.next_probe_at <= clock_timestamp()
    returning 1
  )
  select exists (select from begun);
end;
comment on function app_private.begin_probe(text) is
  'Whether the caller is to probe the connection now: one of all that wait for it.';
grant execute on function app_private.begin_probe(text) to vanguard_worker;
--! EndIncluded app_private/functions/begin_probe.sql
--! Included app_private/functions/push_gate.sql
create or replace function app_private.push_gate(organization_id integer)
  returns table (state text, api_configuration_id text, until timestamptz, message text)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select case
      when p.organization_id is not null or not o.is_active then 'paused'
      when c.id is null then 'no_connection'
      when s.paused_at is not null then 'connection_paused'
      when s.opened_at is not null then 'breaker_open'
      else 'open'
    end, c.id, s.next_probe_at, s.error_message
  from app_public.organizations o
  left join app_private.pfa_push_pause p on p.organization_id = o.id
  cross join lateral (select app_private.push_connection(o.id) as id) c
  left join app_private.pems_state s on s.api_configuration_id = c.id
  where o.id = push_gate.organization_id;
end;
comment on function app_private.push_gate(integer) is
  'Whether changes of an organization may be written now: `open`, `paused`, `no_connection`, `connection_paused`, '
  'or `breaker_open` (then until the next probe).';
grant execute on function app_private.push_gate(integer) to vanguard_worker;
--! EndIncluded app_private/functions/push_gate.sql

--! Included app_private/functions/enter_reads.sql
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
    -- What is ours is told by push.
    insert into app_core.pfa_change (organization_id, pfa_id, route, event, changes)
    select p_organization_id, d.pfa_id, 'sync', case when d.old_removed_at is null then 'update' else 'restore' end,
      c.changes
    from differing d
    cross join lateral (
      select coalesce(jsonb_object_agg(k.key, k.value), '{}') as changes
      from jsonb_each(app_core.changed_keys(d.old_data, d.data)) k
      where d.ours->k.key is distinct from app_core.normalized(k.value->'to')
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
  'Enters what was read of records into the mirror, unless something newer is there already, and answers which '
  'changed: `[{"pfaId", "data", "isWhole", "version", "versionBy", "requestedAt", "receivedAt", "ours"}]`. Data '
  'that is not whole leaves the keys that it does not have; null empties one. `ours`: keys and values that we '
  'wrote, which are no news. Call it under lock_records; rebase and overlay are the caller''s.';
--! EndIncluded app_private/functions/enter_reads.sql

--! Included app_private/functions/return_keys.sql
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
      jsonb_object_agg(k.key, case when k.value->>'kind'
        = 'altered' then k.value->'theirs' else m.base->k.key end) as base,
      jsonb_object_agg(k.key, jsonb_build_object('base', m.base->k.key, 'mine', m.delta->k.key) || k.value
        || '{"by": "push"}') as problems
    from jsonb_array_elements(items) i
    join app_core.pfa_modification m on m.organization_id = p_organization_id and m.id = any (p_ids)
      and m.id = (i->>'id')::bigint
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
        select jsonb_object_agg(p.key, p.value || jsonb_build_object('mine', (excluded.delta || d.delta)->p.key))
          from jsonb_each(excluded.problems) p)
  )
  insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
  select p_organization_id, r.pfa_id, r.user_id, 'push',
    jsonb_object_agg(k.key, jsonb_build_object('from', k.value, 'to', app_core.normalized(m.data->k.key), 'problem',
      r.problems->k.key->'kind'))
  from returned r
  join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = r.pfa_id
  cross join jsonb_each(r.delta) k
  group by r.pfa_id, r.user_id;
end;
$$;
comment on function app_private.return_keys(integer, jsonb) is
  'Takes keys out of changes that are being written and puts them back into their authors'' drafts, each with its '
  'problem: `[{"id", "problems": {key: {"kind", "message", ...}}}]`. Call it under lock_records; rebase and '
  'overlay are the caller''s.';
--! EndIncluded app_private/functions/return_keys.sql
--! Included app_private/functions/show_records.sql
create or replace function app_private.show_records(organization_id integer, pfa_ids text[]) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.rebase_drafts(show_records.organization_id, show_records.pfa_ids);
  perform app_private.rewrite_overlay(show_records.organization_id, show_records.pfa_ids);
end;
$$;
comment on function app_private.show_records(integer, text[]) is
  'After mirror or pending of these records changed: drafts are held against it, and everybody sees it. Call it '
  'under lock_records.';
--! EndIncluded app_private/functions/show_records.sql

--! Included app_private/functions/resume_pushes.sql
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
        where u.organization_id = p_organization_id and u.modification_id = m.id
          and u.outcome = 'uncertain') as is_in_doubt
    from app_core.pfa_modification m
    left join app_core.pfa_push_intent i
      on i.organization_id = p_organization_id and i.modification_id = m.id and i.attempt = m.attempts
        and i.outcome is null
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
  'What a worker left that is gone: not sent, it waits again; maybe sent, it is read again when PEMS cannot do it '
  'any more; answered, it is read back at once. Call it under the push lock of the organization.';
grant execute on function app_private.resume_pushes(integer) to vanguard_worker;
--! EndIncluded app_private/functions/resume_pushes.sql
--! Included app_private/functions/begin_pushes.sql
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
  -- In the order of commits, and of each record one at a time. Earlier ones are looked up by their record, which `not
  -- in` leads to: the index of what is to be written would do as well for the planner while it has no statistics, and
  -- is gone through whole.
  select array_agg(d.id), array_agg(d.pfa_id) into ids, pfa_ids
  from (
    select m.id, m.pfa_id
    from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.state in ('committed', 'syncing')
      and (m.state = 'committed' and m.retry_at is null or m.retry_at <= moment)
      and not exists (
        select from app_core.pfa_modification e
        where e.organization_id = p_organization_id and e.pfa_id = m.pfa_id and e.state not in ('draft', 'synced')
          and e.id <> m.id
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
        and (m.state = 'committed' and m.retry_at is null or m.state in ('committed', 'syncing')
          and m.retry_at <= moment)
      for update
    )
    update app_core.pfa_modification m
    set state = 'syncing', retry_at = null, attempts = case when d.is_answered then m.attempts else m.attempts + 1 end
    from due d
    where m.organization_id = p_organization_id and m.id = d.id
    returning m.id, m.attempts, m.pfa_id, case when d.is_answered then 'read_back' else 'read' end;
end;
$$;
comment on function app_private.begin_pushes(integer, integer) is
  'Takes changes to write to PEMS, as many as that, and says with which step to go on: `read`, or `read_back` what '
  'PEMS has answered already. None while the gate is not open. Nobody can take them back from now on.';
grant execute on function app_private.begin_pushes(integer, integer) to vanguard_worker;
--! EndIncluded app_private/functions/begin_pushes.sql
--! Included app_private/functions/judged_pushes.sql
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
  'Key by key, what PEMS holds of changes that are being written: `mine` (what they become), `base` (what they '
  'stand on), `other`, or `nothing` that can be read.';
--! EndIncluded app_private/functions/judged_pushes.sql
--! Included app_private/functions/confirm_pushes.sql
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
    (select jsonb_object_agg(k.key, jsonb_build_object('from', c.base->k.key, 'to', k.value))
      from jsonb_each(c.delta) k)
  from confirmed c;
end;
comment on function app_private.confirm_pushes(integer, bigint[]) is
  'PEMS holds all that is left in these changes. Call it under lock_records.';
--! EndIncluded app_private/functions/confirm_pushes.sql
--! Included app_private/functions/plan_push.sql
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
  where m.organization_id = p_organization_id and m.id = p_id and m.pfa_id = p_pfa_id and m.state = 'syncing'
    and m.attempts = p_attempt and m.retry_at is null
  for update;
  if not found then
    decision := 'superseded';
    return;
  end if;
  select m.observed_at into known from app_core.pfa_mirror m where m.organization_id = p_organization_id
    and m.pfa_id = p_pfa_id;
  if app_private.at_microseconds(p_read->>'requestedAt') <= known then
    decision := 'read_again';
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
    (select coalesce(jsonb_object_agg(k.key, k.value), '{}') from jsonb_each(modification.delta) k
      where doubted ? k.key))));

  with judged as materialized (
    select j.key, j.mine, j.theirs, j.holds,
      -- There as before, but of another version: written and changed back, or never written. Nobody can tell.
      j.holds = 'base' and exists (
        select from jsonb_array_elements_text(doubted->j.key) v (version) where v.version is distinct
          from p_read->>'recordId') as is_suspicious
    from app_private.judged_pushes(p_organization_id, jsonb_build_array(p_read)) j
  ),
  verdict as materialized (
    select j.*,
      case
        when j.holds = 'other' then jsonb_build_object('kind', 'conflict', 'theirs', j.theirs)
        when j.holds = 'nothing' then jsonb_build_object('kind', 'failed', 'message',
          'PEMS shows no value of it that can be read, so it was not written.')
        when j.is_suspicious then jsonb_build_object('kind', 'conflict', 'theirs', j.theirs,
          'message', 'Writing it ended without an answer, and PEMS has changed the record since: whether it was '
                     'written, and changed back, is not known.')
        when j.holds = 'base' and modification.failures > 3 then jsonb_build_object('kind', 'failed', 'message',
          'PEMS was tried 4 times and did not answer.')
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
    perform app_private.return_keys(p_organization_id,
      jsonb_build_array(jsonb_build_object('id', p_id, 'problems', problems)));
  end if;
  if write_values is not null then
    insert into app_core.pfa_push_intent
      (organization_id, modification_id, attempt, record_version, read_values, read_at, write_values, send_before,
        quiet_at)
    select p_organization_id, p_id, p_attempt, p_read->>'recordId', in_pems,
      app_private.at_microseconds(p_read->>'receivedAt'), write_values,
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
  'After a record was read: enters it into the mirror, returns what contradicts to its author, and writes down '
  'what will be written, before it is. Read: as of enter_reads, with `recordId` and `blank` (keys whose own field '
  'is empty). Decisions: `write` (these values, before that moment), `confirmed`, `returned`, `read_again` '
  '(something newer is known), `superseded` (another attempt took its place).';
grant execute on function app_private.plan_push(integer, bigint, integer, jsonb, jsonb) to vanguard_worker;
--! EndIncluded app_private/functions/plan_push.sql
--! Included app_private/functions/note_push_answer.sql
create or replace function app_private.note_push_answer(organization_id integer, id bigint, attempt integer,
  answer jsonb, exchange jsonb) returns boolean
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
  where i.organization_id = p_organization_id and i.modification_id = note_push_answer.id
    and i.attempt = note_push_answer.attempt and i.outcome is null
    and m.organization_id = p_organization_id and m.id = i.modification_id and m.state = 'syncing'
      and m.attempts = i.attempt and m.retry_at is null;
  return found;
end;
$$;
comment on function app_private.note_push_answer(integer, bigint, integer, jsonb, jsonb) is
  'PEMS answered a write with the record as it says it is now: nothing of it is under way any more. Whether it '
  'kept it is for a read to show. False when another attempt took its place.';
grant execute on function app_private.note_push_answer(integer, bigint, integer, jsonb, jsonb) to vanguard_worker;
--! EndIncluded app_private/functions/note_push_answer.sql
--! Included app_private/functions/settle_pushes.sql
create or replace function app_private.settle_pushes(organization_id integer, reads jsonb)
  returns table (id bigint, outcome text)
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
  perform from app_core.pfa_modification m where m.organization_id = p_organization_id and m.id = any (p_ids)
    order by m.id for update;
  select coalesce(jsonb_agg(r || jsonb_build_object('ours', m.delta)), '[]'),
    coalesce(jsonb_agg(r || jsonb_build_object('ours',
      m.delta)) filter (where app_private.at_microseconds(r->>'requestedAt') > p.observed_at), '[]')
    into current, fresh
  from jsonb_array_elements(reads) r
  join app_core.pfa_modification m
    on m.organization_id = p_organization_id and m.id = any (p_ids) and m.id = (r->>'id')::bigint
      and m.pfa_id = r->>'pfaId'
      and m.state = 'syncing' and m.attempts = (r->>'attempt')::integer and m.retry_at is null
  join app_core.pfa_mirror p on p.organization_id = p_organization_id and p.pfa_id = any (p_pfa_ids)
    and p.pfa_id = m.pfa_id;
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
        when j.holds = 'nothing' then jsonb_build_object('kind', 'failed', 'message',
          'It was written, but PEMS shows no value of it that can be read.')
        when not j.is_written then jsonb_build_object('kind', 'conflict', 'theirs', j.theirs)
        when j.holds = 'base' then jsonb_build_object('kind', 'refused', 'theirs', j.theirs, 'message',
          'PEMS took the change and did not keep it.')
        else jsonb_build_object('kind', 'altered', 'theirs', j.theirs, 'message',
          'PEMS holds another value than the one that was written.')
      end as problem
    from judged j
  ),
  result as materialized (
    select v.id, jsonb_object_agg(v.key, v.problem) filter (where v.problem is not null) as problems,
      bool_or(v.problem is null) as is_kept,
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
    where i.organization_id = p_organization_id and i.modification_id = any (p_ids) and i.modification_id = r.id
      and i.outcome is null
  )
  select jsonb_agg(jsonb_build_object('id', r.id, 'problems', r.problems)) filter (where r.problems is not null),
    array_agg(r.id) filter (where r.is_kept)
    into returned, kept
  from result r;

  perform app_private.return_keys(p_organization_id, coalesce(returned, '[]'));
  perform app_private.confirm_pushes(p_organization_id, kept);
  perform app_private.show_records(p_organization_id, array(select r->>'pfaId' from jsonb_array_elements(fresh) r));
  return query
    select i.id, case
        when not exists (select from jsonb_array_elements(current) c where (c->>'id')::bigint = i.id) then 'superseded'
        when not exists (select from jsonb_array_elements(fresh) f where (f->>'id')::bigint = i.id) then 'read_again'
        when exists (select from jsonb_array_elements(returned) b where (b->>'id')::bigint = i.id) then 'returned'
        else 'confirmed'
      end
    from unnest(p_ids) i (id);
end;
$$;
comment on function app_private.settle_pushes(integer, jsonb) is
  'After records were read back that were written: mirror, state, overlay and history in one. Reads: as of '
  'enter_reads, with `id`, `attempt` and `blank`. What PEMS holds is confirmed; what it does not comes back to its '
  'author. Outcomes: `confirmed`, `returned` (some of it), `read_again` (something newer is known), `superseded` '
  '(another attempt took its place).';
grant execute on function app_private.settle_pushes(integer, jsonb) to vanguard_worker;
--! EndIncluded app_private/functions/settle_pushes.sql
--! Included app_private/functions/key_group.sql
create or replace function app_private.key_group(key text) returns text
  language sql immutable parallel safe
  return case when key in ('forecastStart', 'forecastEnd') then 'forecastStart' else key end;
comment on function app_private.key_group(text) is 'Keys that PEMS can only take together: the first of them.';
--! EndIncluded app_private/functions/key_group.sql
--! Included app_private/functions/split_push.sql
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
    insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, state, commit_sequence,
      committed_at, comment, created_at)
    select p_organization_id, m.user_id, m.pfa_id, g.delta, g.base, 'committed', nextval('app_core.revision_seq'),
      m.committed_at, m.comment, m.created_at
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
      where n.organization_id = p_organization_id and n.pfa_id = f.pfa_id and n.state = 'committed'
        and n.commit_sequence > f.commit_sequence
        and n.id <> all (parts)
      order by n.commit_sequence
    ) o
  ) l
  where m.organization_id = p_organization_id and m.id = l.id;
  return true;
end;
$$;
comment on function app_private.split_push(integer, bigint, text[]) is
  'PEMS refused these keys together and does not say which of them it means: each is written by itself. False when '
  'they cannot be taken apart.';
--! EndIncluded app_private/functions/split_push.sql
--! Included app_private/functions/fail_push.sql
create or replace function app_private.fail_push(
  organization_id integer, id bigint, attempt integer, verdict text, message text, wait_ms integer, read_at text,
  exchange jsonb
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
  where m.organization_id = p_organization_id and m.id = p_id and m.state = 'syncing' and m.attempts = p_attempt
    and m.retry_at is null
  for update;
  if not found then
    return 'superseded';
  end if;
  perform app_private.note_exchange(p_organization_id, modification.pfa_id, p_id, p_attempt, exchange);
  select i.* into intent
  from app_core.pfa_push_intent i
  where i.organization_id = p_organization_id and i.modification_id = p_id and i.attempt = p_attempt
    and i.outcome is null;
  is_in_doubt := exists (
    select from app_core.pfa_push_intent i
    where i.organization_id = p_organization_id and i.modification_id = p_id and i.outcome = 'uncertain');
  keys := array(select jsonb_object_keys(coalesce(intent.write_values, modification.delta)));

  case verdict
    when 'uncertain' then
      -- Nobody knows until PEMS cannot do it any more, and it was read again.
      update app_core.pfa_push_intent i set outcome = 'uncertain', settled_at = moment
        where i.organization_id = p_organization_id and i.id = intent.id;
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
        update app_core.pfa_push_intent i set outcome = 'refused', settled_at = moment
          where i.organization_id = p_organization_id and i.id = intent.id;
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
      raise exception 'There is no verdict %.', verdict
        using errcode = 'VG400', hint = 'It is uncertain, wait, retry, refuse or remove.';
  end case;

  if kind is not null then
    update app_core.pfa_push_intent i set outcome = case when kind = 'refused' then 'refused' else 'failed' end,
      settled_at = moment
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
  'A step did not bring what it was to. Verdicts: `uncertain` (sent, and no certain answer), `wait` (not the '
  'record''s fault, and certainly not written: again after wait_ms), `retry` (the record''s: 3 times, then it '
  'comes back as failed), `refuse` (PEMS refused it with these words), `remove` (PEMS, asked at read_at, has no '
  'such record). Answers `waits`, `uncertain`, `returned` or `superseded`.';
grant execute on function app_private.fail_push(integer, bigint, integer, text, text, integer, text,
  jsonb) to vanguard_worker;
--! EndIncluded app_private/functions/fail_push.sql
--! Included app_private/functions/queue_next_push.sql
create or replace function app_private.queue_next_push(organization_id integer) returns timestamptz
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := queue_next_push.organization_id;
  due timestamptz;
begin
  select case g.state when 'open' then w.due when 'breaker_open' then greatest(w.due, g.until) end into due
  from app_private.push_gate(p_organization_id) g
  cross join (
    select min(f.due) as due
    from (
      -- Of each record the one that is being written, else the first. One that a worker is at is due by itself.
      select distinct on (m.pfa_id) case when m.state = 'committed' then coalesce(m.retry_at,
        clock_timestamp()) else m.retry_at end as due
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
comment on function app_private.queue_next_push(integer) is
  'Queues the next push of an organization for when there is something to do, and answers when; null: nothing, or '
  'it is paused.';
grant execute on function app_private.queue_next_push(integer) to vanguard_worker;
--! EndIncluded app_private/functions/queue_next_push.sql
--! Included app_private/functions/dispatch_pushes.sql
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
    where exists (select from app_core.pfa_modification m where m.organization_id = o.id
      and m.state in ('committed', 'syncing'))
      and (g.state = 'open' or g.until <= clock_timestamp())
      and not exists (
        select from graphile_worker.jobs j
        where j.queue_name = 'push:' || o.id and (j.locked_at is not null or j.attempts < j.max_attempts))
  )
  select count(*) into queued from due d cross join lateral app_private.queue_push(d.id) q;
  return queued;
end;
$$;
comment on function app_private.dispatch_pushes() is
  'Queues a push for every organization that has something to write and no job for it: jobs may be lost. Answers '
  'how many.';
grant execute on function app_private.dispatch_pushes() to vanguard_worker;
--! EndIncluded app_private/functions/dispatch_pushes.sql

--! Included app_private/functions/apply_resolutions.sql
create or replace function app_private.apply_resolutions(organization_id integer, items jsonb)
  returns app_public.pfa_resolve_result
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
    select m.pfa_id, array_agg(i->>'key') as keys, jsonb_object_agg(i->>'key',
      app_core.normalized(m.underlay->(i->>'key'))) as base,
      jsonb_object_agg(i->>'key', jsonb_build_object('from', app_core.normalized(m.underlay->(i->>'key')), 'to',
        i->'value'))
        filter (where i->>'choice' = 'mine' and app_core.normalized(m.underlay->(i->>'key')) <> i->'value') as kept
    from jsonb_array_elements(items) i
    join app_private.merged_for(p_organization_id, me, p_ids) m on m.pfa_id = i->>'recordId'
    where i->>'choice' <> 'theirs'
    group by m.pfa_id
  ),
  rebased as (
    update app_core.pfa_modification d set base = d.base || k.base, problems = d.problems - k.keys
    from kept k
    where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.pfa_id = any (p_ids)
      and d.pfa_id = k.pfa_id
  )
  insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
  select p_organization_id, k.pfa_id, me, 'resolve', k.kept from kept k where k.kept is not null;

  select jsonb_agg(jsonb_build_object('recordId', r.id, 'changes', r.changes, 'dropped', r.dropped)) into changes
  from (
    select i->>'recordId' as id,
      coalesce(jsonb_object_agg(i->>'key', i->'value') filter (where i->>'choice' <> 'theirs'), '{}') as changes,
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
  'Resolves problems of the signed-in user''s drafts: `[{"recordId", "key", "choice", "value"}]`, checked, under '
  'lock_operations and lock_records. A draft that is kept stands on what lies under it now.';
--! EndIncluded app_private/functions/apply_resolutions.sql
--! Included app_private/functions/problems_of.sql
create or replace function app_private.problems_of(organization_id integer, user_id integer, record_ids text[])
  returns table (pfa_id text, revision bigint, is_removed boolean, key text, mine jsonb)
  language sql stable
begin atomic
  select m.pfa_id, m.revision, m.removed_at is not null, k.key, d.delta->k.key
  from app_core.pfa_modification d
  join app_private.merged_for(problems_of.organization_id, problems_of.user_id, problems_of.record_ids) m
    on m.pfa_id = d.pfa_id
  cross join jsonb_object_keys(d.problems) k (key)
  where d.organization_id = problems_of.organization_id and d.user_id = problems_of.user_id and d.state = 'draft'
    and d.pfa_id = any (problems_of.record_ids);
end;
comment on function app_private.problems_of(integer, integer, text[]) is
  'The drafted keys of a user that have a problem, with the revision of the record as that user sees it.';
--! EndIncluded app_private/functions/problems_of.sql
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
      select case when n.choice = 'value' then app_private.key_problem(d, w.screen_field, c.data,
        n.value) end as problem
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
    -- As save_drafts tells it, with the problems that are there now: what is needed to choose again.
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
      using errcode = 'VG422', detail = wrong::text, hint
        = 'Nothing was resolved. Choose other values for those named in the details.';
  end if;
  return result;
end;
$$;
comment on function app_public.resolve_problems(integer, app_public.pfa_resolution[]) is
  E'@resultFieldName result\nResolves problems of your drafts, key by key or record by record: your value (then '
  'commit it again), theirs, or a third one. All of them or none; what is refused is named.';
grant execute on function app_public.resolve_problems(integer, app_public.pfa_resolution[]) to vanguard_visitor;
--! EndIncluded app_public/functions/resolve_problems.sql
--! Included app_public/functions/resolve_all_problems.sql
create or replace function app_public.resolve_all_problems(organization_id integer, choice text, revision bigint)
  returns app_public.pfa_resolve_result
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
    raise exception 'The choice is none of mine, theirs.'
      using errcode = 'VG400', hint = 'A third value is chosen key by key, with resolveProblems.';
  end if;
  if p_revision is null then
    raise exception 'The revision is missing.' using errcode = 'VG400',
      hint = 'Give the greatest revision among the records that you saw; those that have changed since are left.';
  end if;
  perform app_private.lock_operations(p_organization_id, me);
  ids := array(
    select d.pfa_id from app_core.pfa_modification d
    where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.problems <> '{}'
      order by d.pfa_id);
  perform app_private.lock_records(p_organization_id, ids);
  with problem as materialized (
    select p.*, case
        when p.revision > p_revision then 'it changed since you saw it'
        when p.is_removed and p_choice = 'mine' then 'the record was removed from PEMS; only theirs is left to choose'
      end as words
    from app_private.problems_of(p_organization_id, me, ids) p
  )
  select coalesce(jsonb_agg(jsonb_build_object('recordId', p.pfa_id, 'key', p.key, 'choice', p_choice, 'value',
    case p_choice when 'mine' then p.mine end))
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
  E'@resultFieldName result\nResolves all problems of your drafts in the organization alike: `mine` (then commit '
  'them again) or `theirs`. `revision` is the greatest among the records that you saw: those that have changed '
  'since are left and named.';
grant execute on function app_public.resolve_all_problems(integer, text, bigint) to vanguard_visitor;
--! EndIncluded app_public/functions/resolve_all_problems.sql

--! Included app_private/functions/push_status.sql
create or replace function app_private.push_status(organization_id integer, is_told boolean)
  returns app_public.pfa_push_status
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select row(g.state, c.waiting, c.writing, c.uncertain, c.oldest,
    coalesce(p.paused_at, s.paused_at), u.username, s.opened_at,
    case when s.opened_at is not null then s.error_code end,
    case when s.opened_at is not null and is_told then s.error_message end, s.next_probe_at)::app_public.pfa_push_status
  from app_private.push_gate(push_status.organization_id) g
  left join app_private.pfa_push_pause p on p.organization_id = push_status.organization_id
  left join app_private.pems_state s on s.api_configuration_id = g.api_configuration_id
  left join app_public.users u on u.id = coalesce(p.paused_by, case when p.organization_id is null then s.paused_by end)
  cross join (
    select count(*) filter (where m.state = 'committed') as waiting,
      count(*) filter (where m.state = 'syncing') as writing,
      count(*) filter (where m.state = 'syncing' and exists (
        select from app_core.pfa_push_intent i
        where i.organization_id = m.organization_id and i.modification_id = m.id
          and i.outcome = 'uncertain')) as uncertain,
      min(m.committed_at) as oldest
    from app_core.pfa_modification m
    where m.organization_id = push_status.organization_id and m.state in ('committed', 'syncing')
  ) c;
end;
comment on function app_private.push_status(integer, boolean) is
  'How writing changes of an organization to PEMS goes; what PEMS said only to whom it is told.';
--! EndIncluded app_private/functions/push_status.sql
--! Included app_public/functions/organizations_push_status.sql
create or replace function app_public.organizations_push_status(organization app_public.organizations)
  returns app_public.pfa_push_status
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
comment on function app_public.organizations_push_status(app_public.organizations) is
  'How writing changes to PEMS goes.';
grant execute on function app_public.organizations_push_status(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_push_status.sql
--! Included app_private/functions/set_push_pause.sql
create or replace function app_private.set_push_pause(organization_id integer, is_paused boolean) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if is_paused then
    insert into app_private.pfa_push_pause (organization_id, paused_by)
      values (set_push_pause.organization_id, app_core.current_user_id())
    on conflict on constraint pfa_push_pause_pkey do nothing;
  else
    delete from app_private.pfa_push_pause p where p.organization_id = set_push_pause.organization_id;
    perform app_private.queue_push(set_push_pause.organization_id);
  end if;
end;
$$;
comment on function app_private.set_push_pause(integer, boolean) is
  'Pauses writing changes of an organization to PEMS, or goes on with it. What is being written at this moment is '
  'finished.';
grant execute on function app_private.set_push_pause(integer, boolean) to vanguard_worker;
--! EndIncluded app_private/functions/set_push_pause.sql
--! Included app_public/functions/pause_push.sql
create or replace function app_public.pause_push(organization_id integer) returns app_public.pfa_push_status
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(pause_push.organization_id);
  perform app_private.set_push_pause(pause_push.organization_id, true);
  return (select app_public.organizations_push_status(o) from app_public.organizations o
    where o.id = pause_push.organization_id);
end;
$$;
comment on function app_public.pause_push(integer) is
  E'@resultFieldName pushStatus\nStops writing changes of the organization to PEMS; what is committed waits, and '
  'what is being written is finished. Owners and admins of the organization may.';
grant execute on function app_public.pause_push(integer) to vanguard_visitor;
--! EndIncluded app_public/functions/pause_push.sql
--! Included app_public/functions/resume_push.sql
create or replace function app_public.resume_push(organization_id integer) returns app_public.pfa_push_status
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(resume_push.organization_id);
  perform app_private.set_push_pause(resume_push.organization_id, false);
  return (select app_public.organizations_push_status(o) from app_public.organizations o
    where o.id = resume_push.organization_id);
end;
$$;
comment on function app_public.resume_push(integer) is
  E'@resultFieldName pushStatus\nGoes on writing changes of the organization to PEMS. Owners and admins of the '
  'organization may.';
grant execute on function app_public.resume_push(integer) to vanguard_visitor;
--! EndIncluded app_public/functions/resume_push.sql
--! Included app_private/functions/set_connection_pause.sql
create or replace function app_private.set_connection_pause(api_configuration_id text, is_paused boolean) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_api_configuration_id constant text := set_connection_pause.api_configuration_id;
begin
  insert into app_private.pems_state as s (api_configuration_id, paused_at, paused_by)
  values (p_api_configuration_id, case when is_paused then clock_timestamp() end,
    case when is_paused then app_core.current_user_id() end)
  on conflict on constraint pems_state_pkey do update
    set paused_at = case when is_paused then coalesce(s.paused_at, excluded.paused_at) end,
      paused_by = case when is_paused then coalesce(s.paused_by, excluded.paused_by) end;
  if not is_paused then
    perform app_private.queue_pushes_over(p_api_configuration_id);
  end if;
end;
$$;
comment on function app_private.set_connection_pause(text, boolean) is
  'Pauses writing over a connection, for every organization that uses it, or goes on with it.';
grant execute on function app_private.set_connection_pause(text, boolean) to vanguard_worker;
--! EndIncluded app_private/functions/set_connection_pause.sql
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
    raise exception 'There is no connection % that writes and that you may manage.',
      coalesce(pause_connection_checked.api_configuration_id, '(none)')
      using errcode = 'VG404', hint = 'Those of an organization are for its owners and admins, those for all for '
                                      'administrators: apiConfigurations lists them.';
  end if;
  perform app_private.set_connection_pause(result.id, is_paused);
  return result;
end;
$$;
comment on function app_private.pause_connection_checked(text, boolean) is
  'As set_connection_pause, for who may manage the connection; VG404 for others.';
--! EndIncluded app_private/functions/pause_connection_checked.sql
--! Included app_public/functions/pause_connection.sql
create or replace function app_public.pause_connection(api_configuration_id text) returns app_public.api_configurations
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.pause_connection_checked(pause_connection.api_configuration_id, true);
end;
$$;
comment on function app_public.pause_connection(text) is
  E'@resultFieldName connection\nStops writing over a connection, for every organization that uses it. Who may '
  'manage the connection may.';
grant execute on function app_public.pause_connection(text) to vanguard_visitor;
--! EndIncluded app_public/functions/pause_connection.sql
--! Included app_public/functions/resume_connection.sql
create or replace function app_public.resume_connection(api_configuration_id text) returns app_public.api_configurations
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
--! EndIncluded app_public/functions/resume_connection.sql
