import { ask, db, findOrganization, product } from './browser.ts';
import { until } from '../support/until.ts';

// The simulated PEMS: tests read and change its data through its control.

async function control<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${product.controlUrl}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

export const faults = (fault: Record<string, unknown>) => control('POST', '/faults', fault);
export const noFaults = () => control('DELETE', '/faults');

interface Write {
  id: string;
  via: string;
  came: Record<string, unknown>;
}

/** Returns all writes to a record in PEMS. */
export async function writesOf(pfaId: string): Promise<Write[]> {
  const { writes } = await control<{ writes: Write[] }>('GET', '/writes?since=0');
  return writes.filter(({ id }) => id === pfaId);
}

/** Waits for the end of an organization's first sync. */
export async function untilRead(code: string): Promise<void> {
  const { id } = await findOrganization(code);
  await until(
    `${code} was read once`,
    async () => {
      const { rows } = await db.owner.query(
        `select from app_public.pfa_sync_log where organization_id = $1 and state = 'succeeded'`,
        [id],
      );
      return rows.length > 0;
    },
    60,
  );
}

interface Change {
  id: string;
  values: Record<string, unknown>;
}

/** Changes records in PEMS as another writer, without a sync. */
export const writeInPems = (code: string, records: Change[]) =>
  control('PATCH', `/records/${code}`, { records });

/** Changes records in PEMS as another writer, then requests a sync as a user who may. */
export async function changeInPems(username: string, code: string, records: Change[]): Promise<void> {
  await writeInPems(code, records);
  await ask(username, 'POST', '/graphql', {
    query:
      'mutation ($id: Int!) { requestSync(input: { organizationId: $id, kind: "full" }) { syncLog { id } } }',
    variables: { id: (await findOrganization(code)).id },
  });
}
