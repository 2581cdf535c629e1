/* @name pemsConnection */
select api_configuration_id as "apiConfigurationId!", c.url as "url!", c.auth_type as "authType!",
  c.custom_headers as "customHeaders!", c.is_simulated as "isSimulated!", c.tenant as "tenant!",
  c.grid_name as "gridName!", c.grid_id as "gridId!", c.request_type as "requestType!", c.page_size as "pageSize!",
  c.date_order as "dateOrder!", c.screen_name as "screenName!", c.year_format as "yearFormat!",
  c.requests_per_second as "requestsPerSecond!", c.timeout_ms as "timeoutMs!",
  s.filter_date_format as "filterDateFormat!", s.login_organization as "loginOrganization?",
  s.grid_path as "gridPath!", s.header_path as "headerPath?", s.screen_path as "screenPath!",
  s.month_language as "monthLanguage!"
from app_private.pems_connection(:organizationId!, :purpose!) c
join app_public.pems_settings s using (api_configuration_id);

/* @name credentials */
select name, key_id as "keyId", nonce, ciphertext from app_private.credentials
where api_configuration_id = :apiConfigurationId!;

/* @name noteConnectionResult */
select app_private.note_connection_result(:apiConfigurationId!, :rowsRead, :errorMessage);

/* @name saveConnection */
insert into app_public.api_configurations (id, organization_id, name, usage, url, auth_type, operation_type,
  is_simulated)
select :id!, o.id, :name!, 'PEMS_PFA_READ', :url!, :authType!, :operationType!, :isSimulated!
from (select 1) one
left join app_public.organizations o on o.code = :organization
on conflict (id) do update
  set organization_id = excluded.organization_id, name = excluded.name, url = excluded.url,
    auth_type = excluded.auth_type, operation_type = excluded.operation_type, is_simulated = excluded.is_simulated,
    status = 'untested', last_error = null
returning id;

/* @name savePemsSettings */
insert into app_public.pems_settings as s (api_configuration_id, tenant, date_order, request_type, filter_date_format,
  timeout_ms, requests_per_second, login_organization, grid_path, header_path, screen_path, month_language)
values (:apiConfigurationId!, :tenant!, :dateOrder!, :requestType!, :filterDateFormat!, coalesce(:timeoutMs, 120000),
  coalesce(:requestsPerSecond, 10), nullif(:loginOrganization, ''), coalesce(:gridPath, 'griddata'),
  nullif(:headerPath, ''), coalesce(:screenPath, 'userdefinedscreenservices'), coalesce(:monthLanguage, 'en'))
on conflict (api_configuration_id) do update
  set tenant = excluded.tenant, date_order = excluded.date_order, request_type = excluded.request_type,
    filter_date_format = excluded.filter_date_format,
    timeout_ms = coalesce(:timeoutMs, s.timeout_ms),
    requests_per_second = coalesce(:requestsPerSecond, s.requests_per_second),
    -- Empty: the default again.
    login_organization = nullif(coalesce(:loginOrganization, s.login_organization), ''),
    grid_path = coalesce(:gridPath, s.grid_path),
    header_path = nullif(coalesce(:headerPath, s.header_path), ''),
    screen_path = coalesce(:screenPath, s.screen_path),
    month_language = coalesce(:monthLanguage, s.month_language);

/* @name saveCredential */
insert into app_private.credentials as c (api_configuration_id, name, key_id, nonce, ciphertext)
values (:apiConfigurationId!, :name!, :keyId!, :nonce!, :ciphertext!)
on conflict (api_configuration_id, name) do update
  set key_id = excluded.key_id, nonce = excluded.nonce, ciphertext = excluded.ciphertext;

/* @name saveDataSource */
insert into app_public.data_source_mappings (id, entity_type, organization_id, api_configuration_id, priority)
select
  -- A connection has one mapping, even if it replaces the seeded one.
  coalesce((select d.id from app_public.data_source_mappings d
    where d.api_configuration_id = c.id and d.entity_type = 'pfa' limit 1), :id!),
  'pfa', c.organization_id, c.id, 1
from app_public.api_configurations c where c.id = :apiConfigurationId!
on conflict (id) do update
  set organization_id = excluded.organization_id, api_configuration_id = excluded.api_configuration_id,
    is_active = true;

/* @name pemsConnectionsConfigured */
select exists (
  select from app_public.data_source_mappings d
  join app_public.api_configurations c on c.id = d.api_configuration_id
  where d.entity_type = 'pfa' and d.is_active and not c.is_simulated and c.url is not null
) as "isConfigured!";

/* @name connectionRenewed */
select app_private.connection_renewed(:apiConfigurationId!);
