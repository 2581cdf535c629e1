--! Previous: sha1:f0c4ae42e2a55f9b124ac7b731b65aa4c0ca8d61
--! Hash: sha1:141f03213d1416115cf181ad3914c633bdaa752b
--! Message: finding records by words

--! split: 400-search.sql
-- Finding records by words, as people remember them: any part of identity, names or tags.

-- Where a host has put them already, they stay there.
create schema if not exists app_extensions;
comment on schema app_extensions is 'What extensions of PostgreSQL bring along; nothing of ours.';
create extension if not exists pg_trgm with schema app_extensions;
create extension if not exists btree_gin with schema app_extensions;

create or replace function app_core.search_text(pfa_id text, data jsonb) returns text
  language sql immutable parallel safe
  return lower(pfa_id
    || ' ' || coalesce(data->>'category', '') || ' ' || coalesce(data->>'class', '')
    || ' ' || coalesce(data->>'areaSilo', '') || ' ' || coalesce(data->>'manufacturer', '')
    || ' ' || coalesce(data->>'model', '') || ' ' || coalesce(data->>'contract', '')
    || ' ' || coalesce(data->>'equipment', ''));
comment on function app_core.search_text(text, jsonb) is
  'What a record is found by, in lower case: identity, category, class, area, manufacturer, model, contract, asset tag.';
grant execute on function app_core.search_text(text, jsonb) to vanguard_visitor, vanguard_worker;

create or replace function app_core.search_patterns(search text) returns text[]
  language sql immutable parallel safe
  return array(
    select '%' || replace(replace(replace(w.word, '\', '\\'), '%', '\%'), '_', '\_') || '%'
    from regexp_split_to_table(lower(search), '\s+') w (word)
    where w.word <> ''
    order by length(w.word) desc, w.word
    limit 20
  );
comment on function app_core.search_patterns(text) is
  'What LIKE looks for, one pattern for each word (20 at most), the longest first, which an index narrows most.';
grant execute on function app_core.search_patterns(text) to vanguard_visitor;

-- The operator classes, wherever they are.
do $$
begin
  perform set_config('search_path', (
    select 'pg_catalog, ' || string_agg(distinct quote_ident(n.nspname), ', ')
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace
    where e.extname in ('pg_trgm', 'btree_gin')
  ), true);
end;
$$;
drop index if exists app_core.pfa_mirror_search_idx;
-- use: app_core.find_records, what PEMS holds
create index pfa_mirror_search_idx on app_core.pfa_mirror
  using gin (organization_id int4_ops, app_core.search_text(pfa_id, data) gin_trgm_ops);
drop index if exists app_core.pfa_overlay_search_idx;
-- use: app_core.find_records, what is drafted or pending
create index pfa_overlay_search_idx on app_core.pfa_overlay
  using gin (organization_id int4_ops, app_core.search_text(pfa_id, data) gin_trgm_ops);
reset search_path;

create or replace function app_core.find_records(organization_id integer, search text) returns setof text
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
  rows 200
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := find_records.organization_id;
  p_patterns constant text[] := app_core.search_patterns(search);
  p_first constant text := coalesce(p_patterns[1], '%');
begin
  -- The organization of a row that belongs to none.
  if p_organization_id is null then
    return;
  end if;
  perform app_private.require_readable(p_organization_id);
  if length(search) > 200 then
    raise exception 'The text to search for has % characters, and at most 200 are allowed.', length(search)
      using errcode = 'VG400', hint = 'Search for fewer or shorter words.';
  end if;
  -- The first word by the index, the others among what that finds.
  return query
    select m.pfa_id from app_core.pfa_mirror m
    where m.organization_id = p_organization_id
      and app_core.search_text(m.pfa_id, m.data) like p_first
      and app_core.search_text(m.pfa_id, m.data) like all (p_patterns)
    union
    select o.pfa_id from app_core.pfa_overlay o
    where o.organization_id = p_organization_id and o.viewer_id in (0, app_core.current_user_id())
      and app_core.search_text(o.pfa_id, o.data) like p_first
      and app_core.search_text(o.pfa_id, o.data) like all (p_patterns);
end;
$$;
comment on function app_core.find_records(integer, text) is
  'Ids of records of which some version that the signed-in user may see has all words of a text. A definer function, because row level security keeps LIKE away from indexes; it checks the organization itself: VG404. VG400 for a text of more than 200 characters.';
grant execute on function app_core.find_records(integer, text) to vanguard_visitor;

create or replace function app_public.organizations_found_records(organization app_public.organizations, search text)
  returns setof app_public.pfa_record
  language sql stable
begin atomic
  select r.*
  from app_core.find_records(organization.id, search) f (pfa_id)
  join app_public.pfa_record r on r.organization_id = organization.id and r.pfa_id = f.pfa_id
  -- What was found may be the mirror's version of a record that the user sees another version of.
  where not r.has_draft and not r.is_pending
    or app_core.search_text(r.pfa_id, r.data) like all (app_core.search_patterns(search));
end;
comment on function app_public.organizations_found_records(app_public.organizations, text) is
  E'@behavior +filterProc +order\nRecords as you see them that have every word of a text in their id, category, class, area, manufacturer, model, contract or asset tag; upper and lower case are the same. Without a text: all of them.';
grant execute on function app_public.organizations_found_records(app_public.organizations, text) to vanguard_visitor;
