import { ask, db, findOrganization, product } from './browser.ts';
import { until } from '../support/until.ts';

// The simulated PEMS, as tests look into it and work on it by its control.

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

/** Everything that was written to PEMS of a record. */
export async function writesOf(pfaId: string): Promise<Write[]> {
  const { writes } = await control<{ writes: Write[] }>('GET', '/writes?since=0');
  return writes.filter(({ id }) => id === pfaId);
}

/** The first sync of an organization is over. */
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

/** Another writer changes these in PEMS, and nobody here knows. */
export const writeInPems = (code: string, records: Change[]) =>
  control('PATCH', `/records/${code}`, { records });

/** Another writer changes these in PEMS, and it is read again, as somebody who may ask for that. */
export async function changeInPems(username: string, code: string, records: Change[]): Promise<void> {
  await writeInPems(code, records);
  await ask(username, 'POST', '/graphql', {
    query:
      'mutation ($id: Int!) { requestSync(input: { organizationId: $id, kind: "full" }) { syncLog { id } } }',
    variables: { id: (await findOrganization(code)).id },
  });
}
