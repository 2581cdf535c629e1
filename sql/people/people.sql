/* @name createUser */
insert into app_public.users (username, role) values (:username!, :role!) returning id, username;

/* @name findUser */
select id, username, email, is_active as "isActive" from app_public.users where lower(username) = lower(:username!);

/* @name setUserActive */
update app_public.users set is_active = :isActive! where id = :userId!;

/* @name addMembership */
insert into app_public.user_organizations (organization_id, user_id, role)
select o.id, :userId!, :role! from app_public.organizations o where o.code = :organization!
on conflict (organization_id, user_id) do update set role = excluded.role
returning organization_id as "organizationId";

/* @name removeMembership */
delete from app_public.user_organizations m using app_public.organizations o
where o.id = m.organization_id and o.code = :organization! and m.user_id = :userId!
returning m.organization_id as "organizationId";

/* @name listOrganizationCodes */
select code from app_public.organizations order by code;
