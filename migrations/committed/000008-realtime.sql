--! Previous: sha1:b14411c61062c05da2e6461c7746163c8522e743
--! Hash: sha1:deb46bc86e9de37f72cc05ff2c6d601b881714c5
--! Message: realtime

--! split: 1-current.sql
-- Realtime: events that tell servers and clients what changed.
--
-- One event describes what one statement changed, whoever wrote it: functions, the worker, push. Inserts into the
-- mirror make no event, because the first sync of an organization would store a second copy of all its records.

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
    else viewer_id > 0 and revisions is null and cardinality(record_ids) is not distinct
      from cardinality(modification_ids)
      and cardinality(states) is not distinct from cardinality(modification_ids)
  end)
);
comment on table app_core.pfa_event is
  'What one statement changed of what people see: ids only, never a value. Subscriptions are told of it, and '
  'clients that were away ask for it.';
comment on column app_core.pfa_event.organization_id is 'The organization.';
comment on column app_core.pfa_event.id is
  'From the sequence of revisions, drawn after those that it tells of: so it is greater, and the revision to go on '
  'from.';
comment on column app_core.pfa_event.kind is
  '`records` (what a viewer sees of records) or `modifications` (the state of what a user changed).';
comment on column app_core.pfa_event.viewer_id is
  'Whom it concerns: 0 everybody, as in the overlay; else this user only.';
comment on column app_core.pfa_event.record_ids is
  'The records; null when they were too many to be named: whoever watches loads all of them again.';
comment on column app_core.pfa_event.revisions is 'Of each record: the revision of the change.';
comment on column app_core.pfa_event.modification_ids is 'The modifications, each of the record at the same place.';
comment on column app_core.pfa_event.states is
  'What each modification is now: `committed`, `syncing`, `synced`, `problem` (in its author''s draft, with a '
  'problem), `draft` (there, without one), `gone` (taken back, or taken over by a later one).';
comment on column app_core.pfa_event.xid is
  'The transaction. Revisions are drawn in another order than transactions commit in.';
comment on column app_core.pfa_event.snapshot is
  'Which transactions had ended when the event was written: who knows the event has seen those. What is to be told '
  'since the event is what all others did.';
comment on column app_core.pfa_event.happened_at is 'When.';
create index pfa_event_xid_idx on app_core.pfa_event (organization_id, xid);
comment on index app_core.pfa_event_xid_idx is
  'What changed since, also by transactions that ended later than newer ones.';
call app_private.enable_rls('app_core.pfa_event');
create policy visitor_select on app_core.pfa_event for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()) and viewer_id in (0, app_core.current_user_id()));
grant select on app_core.pfa_event to vanguard_visitor;

create table app_core.pfa_event_forgotten (
  organization_id integer primary key references app_public.organizations on delete cascade,
  revision bigint not null,
  xid xid8 not null
);
comment on table app_core.pfa_event_forgotten is
  'Up to where the events of an organization have been deleted: who asks for what changed since then is told that '
  'it is not known.';
comment on column app_core.pfa_event_forgotten.organization_id is 'The organization.';
comment on column app_core.pfa_event_forgotten.revision is 'The greatest id of a deleted event.';
comment on column app_core.pfa_event_forgotten.xid is 'The latest transaction of a deleted event.';
call app_private.enable_rls('app_core.pfa_event_forgotten');
create policy visitor_select on app_core.pfa_event_forgotten for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()));
grant select on app_core.pfa_event_forgotten to vanguard_visitor;

create type app_public.pfa_changed_record as (record_id text, revision bigint);
comment on type app_public.pfa_changed_record is 'A record that changed.';
comment on column app_public.pfa_changed_record.record_id is E'@notNull\nThe record.';
comment on column app_public.pfa_changed_record.revision is
  E'@notNull\nThe revision of the change. Read the record again when the one that you hold is less: perhaps it is '
  'gone.';

create type app_public.pfa_catch_up as (is_complete boolean, revision bigint, records app_public.pfa_changed_record[],
  next_after text);
comment on type app_public.pfa_catch_up is 'What changed while you were away.';
comment on column app_public.pfa_catch_up.is_complete is
  E'@notNull\nEverything that changed is told. If not, it is too long ago or too much: load all of it again, and '
  'go on from `revision`.';
comment on column app_public.pfa_catch_up.revision is
  E'@notNull\nGo on from here the next time. Of several pages it is that of the first one.';
comment on column app_public.pfa_catch_up.records is
  E'@notNull\nRecords that changed for you, by id; perhaps also some that you know already.';
comment on column app_public.pfa_catch_up.next_after is 'There are more: ask again with this as `after`.';

--! Included app_private/functions/notify_event.sql
create or replace function app_private.notify_event() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_notify('vanguard_realtime', json_build_object('organizationId', new.organization_id, 'event',
    new.id)::text);
  return null;
end;
$$;
comment on function app_private.notify_event() is
  'Trigger: tells the servers that there is an event. They read it by its id: a notification has 8,000 bytes at '
  'most, and anybody who is connected can listen.';
--! EndIncluded app_private/functions/notify_event.sql
--! Included app_core/triggers/pfa_event._500_notify.sql
create or replace trigger _500_notify after insert on app_core.pfa_event
  for each row execute function app_private.notify_event();
--! EndIncluded app_core/triggers/pfa_event._500_notify.sql

--! Included app_core/functions/most_named.sql
create or replace function app_core.most_named() returns integer
  language sql immutable parallel safe
  return 10000;
comment on function app_core.most_named() is
  'How many records an event names; of more it says only that they are many.';
grant execute on function app_core.most_named() to vanguard_visitor;
--! EndIncluded app_core/functions/most_named.sql
--! Included app_private/functions/tell_mirror.sql
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
comment on function app_private.tell_mirror() is
  'Trigger: tells everybody which records of the mirror have a new revision.';
--! EndIncluded app_private/functions/tell_mirror.sql
--! Included app_core/triggers/pfa_mirror._500_tell.sql
create or replace trigger _500_tell after update on app_core.pfa_mirror
  referencing old table as old_rows new table as new_rows
  for each statement execute function app_private.tell_mirror();
--! EndIncluded app_core/triggers/pfa_mirror._500_tell.sql

--! Included app_private/functions/tell_overlay.sql
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
  'Trigger: tells everybody what is pending or no longer so, and each user what changed under a draft of theirs. '
  'Nobody else hears of drafts.';
--! EndIncluded app_private/functions/tell_overlay.sql
--! Included app_core/triggers/pfa_overlay._500_tell_insert.sql
create or replace trigger _500_tell_insert after insert on app_core.pfa_overlay
  referencing new table as new_rows
  for each statement execute function app_private.tell_overlay();
--! EndIncluded app_core/triggers/pfa_overlay._500_tell_insert.sql
--! Included app_core/triggers/pfa_overlay._500_tell_update.sql
create or replace trigger _500_tell_update after update on app_core.pfa_overlay
  referencing old table as old_rows new table as new_rows
  for each statement execute function app_private.tell_overlay();
--! EndIncluded app_core/triggers/pfa_overlay._500_tell_update.sql
--! Included app_core/triggers/pfa_overlay._500_tell_delete.sql
create or replace trigger _500_tell_delete after delete on app_core.pfa_overlay
  referencing old table as old_rows
  for each statement execute function app_private.tell_overlay();
--! EndIncluded app_core/triggers/pfa_overlay._500_tell_delete.sql

--! Included app_private/functions/tell_modifications.sql
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
      select n.organization_id, n.user_id, n.id, n.pfa_id,
        case n.state when 'draft' then 'problem' else n.state end as told
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
  'Trigger: tells each user what became of what they committed, and of problems in their drafts; not of each draft '
  'that is saved or thrown away.';
--! EndIncluded app_private/functions/tell_modifications.sql
--! Included app_core/triggers/pfa_modification._500_tell_insert.sql
create or replace trigger _500_tell_insert after insert on app_core.pfa_modification
  referencing new table as new_rows
  for each statement execute function app_private.tell_modifications();
--! EndIncluded app_core/triggers/pfa_modification._500_tell_insert.sql
--! Included app_core/triggers/pfa_modification._500_tell_update.sql
create or replace trigger _500_tell_update after update on app_core.pfa_modification
  referencing old table as old_rows new table as new_rows
  for each statement execute function app_private.tell_modifications();
--! EndIncluded app_core/triggers/pfa_modification._500_tell_update.sql
--! Included app_core/triggers/pfa_modification._500_tell_delete.sql
create or replace trigger _500_tell_delete after delete on app_core.pfa_modification
  referencing old table as old_rows
  for each statement execute function app_private.tell_modifications();
--! EndIncluded app_core/triggers/pfa_modification._500_tell_delete.sql

--! Included app_private/functions/tell_sync.sql
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
    'run', json_build_object('id', new.id::text, 'state', new.state, 'rowsRead', new.rows_read, 'errorCode',
      new.error_code))::text);
  return null;
end;
$$;
comment on function app_private.tell_sync() is
  'Trigger: tells that a run began, how far it is, and how it ended; and everybody which records it added. '
  'Progress is told and not kept.';
--! EndIncluded app_private/functions/tell_sync.sql
--! Included app_public/triggers/pfa_sync_log._500_tell.sql
create or replace trigger _500_tell after insert or update on app_public.pfa_sync_log
  for each row when (new.state <> 'queued') execute function app_private.tell_sync();
--! EndIncluded app_public/triggers/pfa_sync_log._500_tell.sql

--! Included app_private/functions/read_events.sql
create or replace function app_private.read_events(organization_id integer, event_ids bigint[])
  returns table (id bigint, kind text, viewer_id integer, record_ids text[], revisions bigint[],
    modification_ids bigint[], states text[])
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select e.id, e.kind, e.viewer_id, e.record_ids, e.revisions, e.modification_ids, e.states
  from app_core.pfa_event e
  where e.organization_id = read_events.organization_id and e.xid in (
    select n.xid from app_core.pfa_event n where n.organization_id = read_events.organization_id
      and n.id = any (read_events.event_ids))
  order by e.id;
end;
comment on function app_private.read_events(integer, bigint[]) is
  'Events that the server was notified of, with all others of their transactions: whoever goes on from one of them '
  'has been told the whole.';
grant execute on function app_private.read_events(integer, bigint[]) to vanguard_authenticator;
--! EndIncluded app_private/functions/read_events.sql
--! Included app_private/functions/subscriber_rights.sql
create or replace function app_private.subscriber_rights(session_ids uuid[], organization_ids integer[])
  returns table (session_id uuid, organization_id integer, is_signed_in boolean, must_change_password boolean,
    may_read boolean)
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
  'Whether each of these sessions still may read the organization at the same place: asked before anything is told '
  'to its subscriptions. Nobody is signed in whose session has ended or lapsed, or who is switched off.';
grant execute on function app_private.subscriber_rights(uuid[], integer[]) to vanguard_authenticator;
--! EndIncluded app_private/functions/subscriber_rights.sql
--! Included app_private/functions/subscriber_revision.sql
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
  'Where a user who begins to listen goes on from: the same as the revision of the organization. Ask for it once '
  'the events of this moment arrive.';
grant execute on function app_private.subscriber_revision(integer, integer) to vanguard_authenticator;
--! EndIncluded app_private/functions/subscriber_revision.sql

--! Included app_public/functions/organizations_revision.sql
create or replace function app_public.organizations_revision(organization app_public.organizations) returns bigint
  language sql stable
  return coalesce((
    select e.id from app_core.pfa_event e where e.organization_id = organization.id
      order by e.organization_id desc, e.id desc limit 1), 0);
comment on function app_public.organizations_revision(app_public.organizations) is
  E'@notNull\nWhere to go on from with `recordsChangedSince`: ask for it before you load records.';
grant execute on function app_public.organizations_revision(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_revision.sql
--! Included app_public/functions/organizations_records_changed_since.sql
create or replace function app_public.organizations_records_changed_since(
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

  -- The last event up to this revision, and with it which transactions whoever knows the revision has seen at least.
  -- Not merely those of smaller revisions: a transaction that drew its revisions earlier may have ended later. The
  -- event after it would not do: what had ended by then may have ended after the revision was told.
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
    select coalesce(bool_and(e.record_ids is not null)
      and sum(cardinality(e.record_ids)) <= 2 * app_core.most_named(), true) into is_known
    from app_core.pfa_event e
    where e.organization_id = p_organization_id and e.kind = 'records' and e.xid >= oldest
      -- No snapshot says of its own transaction whether it had ended: it is known whole to whoever was told of it, else
      -- not.
      and case when e.xid = teller then not is_whole else not pg_visible_in_snapshot(e.xid, seen) end;
  end if;
  result.is_complete := is_known;
  if is_known then
    select coalesce(array_agg(row (c.record_id, c.revision)::app_public.pfa_changed_record
      order by c.record_id) filter (where c.place <= p_first), '{}'),
      max(c.record_id) filter (where c.place = p_first and c.is_followed)
      into result.records, result.next_after
    from (
      select r.record_id, max(r.revision) as revision,
        row_number() over (order by r.record_id) as place, lead(true) over (order by r.record_id) as is_followed
      from app_core.pfa_event e
      cross join lateral unnest(e.record_ids, e.revisions) r (record_id, revision)
      where e.organization_id = p_organization_id and e.kind = 'records' and e.xid >= oldest
        and case when e.xid = teller then not is_whole else not pg_visible_in_snapshot(e.xid, seen) end
        and (organizations_records_changed_since.after is null
          or r.record_id > organizations_records_changed_since.after)
      group by r.record_id
      order by r.record_id limit p_first + 1
    ) c;
  end if;
  return result;
end;
$$;
comment on function app_public.organizations_records_changed_since(app_public.organizations, bigint, integer, text) is
  E'@notNull\nWhich records changed for you since a revision: the one of the organization before you loaded them, '
  'of an event, of the last answer here, or of a record; without one nothing is known. Everything of transactions '
  'that were under way then is told too. Known for seven days.';
grant execute on function app_public.organizations_records_changed_since(app_public.organizations, bigint, integer,
  text) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_records_changed_since.sql
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
  'Deletes at most one batch of events that are older, and of events that came with a copy of another cluster''s '
  'database; answers how many. Call it again while it is as many as the batch.';
grant execute on function app_private.forget_events(interval, integer) to vanguard_worker;
--! EndIncluded app_private/functions/forget_events.sql
