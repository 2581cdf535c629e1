import type { TestDatabase } from './database.ts';
import type { Organization } from './make.ts';

// Connections to PEMS as rows, for tests that send no requests.

let made = 0;

/** Creates a connection of an organization, or for all (null), for sync and write-back. Returns its id. */
export async function makeConnection(
  db: TestDatabase,
  organization: Organization | null,
  {
    operation = 'read-write',
    isSimulated = false,
    isActive = true,
    url = 'https://pems.example/axis/restservices',
    tenant = 'T',
    requestsPerSecond = 10,
    timeoutMs = 30_000,
    priority = 1,
  } = {},
): Promise<string> {
  const id = `connection-${++made}`;
  await db.owner.query(
    `insert into app_public.api_configurations (id, organization_id, name, usage, url, operation_type, is_simulated)
    values ($1, $2, $1, 'PEMS_PFA_READ', $3, $4, $5)`,
    [id, organization?.id, url, operation, isSimulated],
  );
  await db.owner.query(
    `insert into app_public.pems_settings (api_configuration_id, tenant, requests_per_second, timeout_ms) values ($1, $2, $3, $4)`,
    [id, tenant, requestsPerSecond, timeoutMs],
  );
  await db.owner.query(
    `insert into app_public.data_source_mappings (id, entity_type, organization_id, api_configuration_id, is_active, priority)
    values ($1, 'pfa', $2, $1, $3, $4)`,
    [id, organization?.id, isActive, priority],
  );
  return id;
}
