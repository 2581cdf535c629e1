--! Previous: sha1:279e28b425d5c71dced08bcb9fdf2782565e1057
--! Hash: sha1:5ec771220d3617de9c1c5512f5271ddd40d9d70e
--! Message: what is drafted, counted and priced

--! split: 1-current.sql
-- Enter migration here

--! split: 80-draft-totals.sql
-- What somebody reviews before it is submitted: how much it is, and what it costs, exactly.

drop function if exists app_public.organizations_my_draft_totals(app_public.organizations, app_public.pfa_selection);
drop type if exists app_public.pfa_draft_totals;

create type app_public.pfa_draft_totals as (record_count integer, key_count integer, problem_count integer, forecast_cost_change numeric);
comment on type app_public.pfa_draft_totals is 'How much you have drafted, and what it costs.';
comment on column app_public.pfa_draft_totals.record_count is E'@notNull\nOn how many records.';
comment on column app_public.pfa_draft_totals.key_count is E'@notNull\nHow many keys of them.';
comment on column app_public.pfa_draft_totals.problem_count is E'@notNull\nHow many of the records have a problem.';
comment on column app_public.pfa_draft_totals.forecast_cost_change is E'@notNull\nWhat your drafts add to the forecast cost, USD: over what is in PEMS and what is pending.';

create function app_public.organizations_my_draft_totals(organization app_public.organizations, selection app_public.pfa_selection default null)
  returns app_public.pfa_draft_totals
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  named text[];
  totals app_public.pfa_draft_totals;
begin
  -- Of a row that belongs to no organization.
  if organization.id is null then
    return null;
  end if;
  perform app_private.require_readable(organization.id);
  -- Not `is not null`: of a composite that would ask whether every one of its fields is there.
  if selection is distinct from null then
    named := app_private.selected_ids(organization.id, selection);
  end if;
  select count(*), coalesce(sum((select count(*) from jsonb_object_keys(d.delta))), 0), count(*) filter (where d.problems <> '{}'),
    coalesce(sum(d.forecast_cost_change), 0.00)
  into totals
  from app_public.pfa_draft d
  where d.organization_id = organization.id and (named is null or d.pfa_id in (select unnest(named)));
  return totals;
end;
$$;
comment on function app_public.organizations_my_draft_totals(app_public.organizations, app_public.pfa_selection) is
  'How much you have drafted, of all records or of a selection, and what it adds to the forecast cost.';
grant execute on function app_public.organizations_my_draft_totals(app_public.organizations, app_public.pfa_selection) to vanguard_visitor;
