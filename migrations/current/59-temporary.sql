drop type if exists app_public.pfa_selection cascade;
drop domain if exists app_public.pfa_record_filter cascade;
create domain app_public.pfa_record_filter as jsonb;
create type app_public.pfa_selection as (record_ids text[], filter app_public.pfa_record_filter, search text, containing jsonb, everything boolean);
create or replace function app_private.selected_ids(organization_id integer, selection app_public.pfa_selection) returns text[]
  language sql stable security definer set search_path = pg_catalog, pg_temp
  return (select coalesce(array_agg(r.pfa_id order by r.pfa_id), '{}') from app_public.pfa_record r where r.organization_id = selected_ids.organization_id
    and (r.pfa_id = any ((selection).record_ids) or (selection).everything));
