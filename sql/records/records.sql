/* @name findOrganization */
select id, code, name from app_public.organizations
where code = :org! or id::text = :org!
order by code = :org! desc
limit 1;

/* @name recordPage */
select pfa_id as "pfaId!", revision as "revision!", has_draft as "hasDraft!", is_pending as "isPending!", has_problem as "hasProblem!",
  plan_cost as "planCost!", forecast_cost as "forecastCost!", actual_cost as "actualCost!", base::text as "base?", data::text as "data!"
from app_public.pfa_record
where organization_id = :organizationId! and pfa_id > :after!
order by pfa_id
limit :limit!;

/* @name saveDraft */
select pfa_id as "pfaId!", revision as "revision!", has_draft as "hasDraft!", is_pending as "isPending!", has_problem as "hasProblem!",
  plan_cost as "planCost!", forecast_cost as "forecastCost!", actual_cost as "actualCost!", base::text as "base?", data::text as "data!"
from app_public.save_draft(:organizationId!, :recordId!, :changes!, :revision!);

/* @name discardDrafts */
select app_public.discard_drafts(:organizationId!, :recordIds) as "discarded!";

/* @name kpis */
select k.record_count as "recordCount!", k.actualized_count as "actualizedCount!", k.discontinued_count as "discontinuedCount!",
  k.plan_cost as "planCost!", k.forecast_cost as "forecastCost!", k.actual_cost as "actualCost!", k.variance as "variance!",
  k.rental_count as "rentalCount!", k.rental_plan_cost as "rentalPlanCost!", k.rental_forecast_cost as "rentalForecastCost!",
  k.rental_actual_cost as "rentalActualCost!", k.purchase_count as "purchaseCount!", k.purchase_plan_cost as "purchasePlanCost!",
  k.purchase_forecast_cost as "purchaseForecastCost!", k.purchase_actual_cost as "purchaseActualCost!"
from app_public.organizations o
cross join lateral app_public.organizations_kpis(o) k
where o.id = :organizationId!;

/* @name bounds */
select b.original_start::text as "originalStart", b.original_end::text as "originalEnd", b.forecast_start::text as "forecastStart",
  b.forecast_end::text as "forecastEnd", b.actual_start::text as "actualStart", b.actual_end::text as "actualEnd"
from app_public.organizations o
cross join lateral app_public.organizations_bounds(o) b
where o.id = :organizationId!;
