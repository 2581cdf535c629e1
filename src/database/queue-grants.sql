-- Tables of the queue belong to the owner and have row level security without policies. Without these grants and
-- policies, the worker would see no jobs and get no error. Run after each migration of the queue. Idempotent.
grant usage on schema graphile_worker to vanguard_worker;
grant select, insert, update, delete on all tables in schema graphile_worker to vanguard_worker;
grant usage, select on all sequences in schema graphile_worker to vanguard_worker;
grant execute on all functions in schema graphile_worker to vanguard_worker;
do $$
declare
  target regclass;
begin
  for target in
    select c.oid from pg_catalog.pg_class c
    where c.relnamespace = 'graphile_worker'::regnamespace and c.relkind = 'r' and c.relrowsecurity
      and not exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid and p.polname = 'machinery')
  loop
    execute format('create policy machinery on %s to vanguard_worker using (true) with check (true)', target);
  end loop;
end;
$$;
