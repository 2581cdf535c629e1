/* @name findOrganization */
select id, code, name from app_public.organizations
where code = :org! or id::text = :org!
order by code = :org! desc
limit 1;

/* @name recordPage */
select count(*)::integer as "count!", max(r.pfa_id) as "last?",
  -- Returns text in the form of recordJson, because two thousand rows would block the event loop ten times as long.
  string_agg('{"pfaId":' || to_json(r.pfa_id)::text || ',"revision":' || r.revision::text
    || ',"hasDraft":' || r.has_draft::text || ',"isPending":' || r.is_pending::text
    || ',"hasProblem":' || r.has_problem::text
    || ',"planCost":' || r.plan_cost::text || ',"forecastCost":' || r.forecast_cost::text
    || ',"actualCost":' || r.actual_cost::text
    || ',"base":' || coalesce(r.base::text, 'null') || ',"data":' || r.data::text || '}',
    E',\n' order by r.pfa_id) as "records?"
from (
  select * from app_public.pfa_record
  where organization_id = :organizationId! and pfa_id > :after!
  order by pfa_id
  limit :limit!
) r;

/* @name saveDraft */
select pfa_id as "pfaId!", revision as "revision!", has_draft as "hasDraft!", is_pending as "isPending!",
  has_problem as "hasProblem!", plan_cost as "planCost!", forecast_cost as "forecastCost!",
  actual_cost as "actualCost!", base::text as "base?", data::text as "data!"
from app_public.save_draft(:organizationId!, :recordId!, :changes!, :revision!);

/* @name saveDrafts */
select r.changed_count as "changedCount!", r.unchanged_count as "unchangedCount!", r.revisions as "revisions!"
from app_public.save_drafts(:organizationId!, array(
  select (i->>'recordId', i->'changes', (i->>'revision')::bigint)::app_public.pfa_draft_item
  from jsonb_array_elements(:items!::jsonb) i)) r;

/* @name discardDrafts */
select app_public.discard_drafts(:organizationId!, :recordIds, :keys) as "discarded!";

/* @name commitDrafts */
select r.record_count as "recordCount!", r.key_count as "keyCount!", r.refused as "refused!"
from app_public.commit_drafts(:organizationId!, case when :selection::jsonb is not null then
  jsonb_populate_record(null::app_public.pfa_selection, :selection::jsonb) end, :comment) r;

/* @name kpis */
select k.record_count as "recordCount!", k.actualized_count as "actualizedCount!",
  k.discontinued_count as "discontinuedCount!", k.plan_cost as "planCost!", k.forecast_cost as "forecastCost!",
  k.actual_cost as "actualCost!", k.variance as "variance!", k.rental_count as "rentalCount!",
  k.rental_plan_cost as "rentalPlanCost!", k.rental_forecast_cost as "rentalForecastCost!",
  k.rental_actual_cost as "rentalActualCost!", k.purchase_count as "purchaseCount!",
  k.purchase_plan_cost as "purchasePlanCost!", k.purchase_forecast_cost as "purchaseForecastCost!",
  k.purchase_actual_cost as "purchaseActualCost!"
from app_public.organizations o
cross join lateral app_public.organizations_kpis(o) k
where o.id = :organizationId!;

/* @name bounds */
select b.original_start::text as "originalStart", b.original_end::text as "originalEnd",
  b.forecast_start::text as "forecastStart", b.forecast_end::text as "forecastEnd",
  b.actual_start::text as "actualStart", b.actual_end::text as "actualEnd"
from app_public.organizations o
cross join lateral app_public.organizations_bounds(o) b
where o.id = :organizationId!;
