import { pipeline } from 'node:stream/promises';
import type { IDatabaseConnection } from '@pgtyped/runtime';
import { Router, type Request, type Response } from 'express';
import type pg from 'pg';
import { z } from 'zod';
import {
  bounds,
  commitDrafts,
  discardDrafts,
  findOrganization,
  kpis,
  recordPage,
  saveDraft,
  saveDrafts,
  type IRecordPageResult,
  type ISaveDraftResult,
} from '../../sql/records/records.queries.ts';
import { asVisitor } from '../database/visitor.ts';
import type { Admission, WorkClass } from '../http/admission.ts';
import { clientSignal } from '../http/client-gone.ts';
import { VanguardError } from '../errors.ts';
import { identifyAgain } from '../http/authenticate.ts';
import { readBody, readQuery, requireIdentity } from '../http/request.ts';

const largestPage = 1000;
const pageQuery = z.object({
  limit: z.coerce
    .number({ error: 'must be a number' })
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(largestPage, `must be at most ${largestPage}`)
    .optional(),
  after: z
    .string({ error: 'must be the pfaId of the last record of the page before' })
    .max(100, 'must not be longer than 100 characters')
    .optional(),
});
const recordId = z
  .string({ error: 'must be the pfaId of a record' })
  .min(1, 'must not be empty')
  .max(100, 'must not be longer than 100 characters');
const revision = z.union([z.int(), z.string().regex(/^\d{1,18}$/)], {
  error: 'must be the revision of the record that you saw',
});
const draftBody = z.object({
  recordId,
  changes: z.record(z.string(), z.unknown(), { error: 'must be an object of keys and values' }),
  revision,
});
const batchBody = z.object({
  items: z
    .array(draftBody, { error: 'must be a list of {recordId, changes, revision}' })
    .min(1, 'must name at least one record')
    .max(5000, 'must not name more than 5,000 records'),
});
const recordIds = (most: number) =>
  z
    .array(recordId, { error: 'must be a list of ids' })
    .max(most, `must not name more than ${most.toLocaleString('en')} records`);
// Strict, because a missing list means all drafts: a misspelt name must not be ignored.
const discardBody = z.strictObject({
  recordIds: recordIds(5000).optional(),
  keys: z
    .array(z.string().min(1).max(100), { error: 'must be a list of keys of a record' })
    .max(100, 'must not name more than 100 keys')
    .optional(),
});
const commitBody = z.strictObject({
  recordIds: recordIds(20_000).optional(),
  filter: z
    .record(z.string(), z.unknown(), { error: 'must be a filter of records, as in GraphQL' })
    .optional(),
  search: z.string({ error: 'must be text' }).optional(),
  comment: z
    .string({ error: 'must be text' })
    .max(2000, 'must not be longer than 2,000 characters')
    .optional(),
});

/** The only form of a record in REST, as in recordPage. `base` and `data` are JSON text, passed on unchanged. */
function recordJson(record: ISaveDraftResult): string {
  return `{"pfaId":${JSON.stringify(record.pfaId)},"revision":${record.revision},"hasDraft":${record.hasDraft},"isPending":${record.isPending},"hasProblem":${record.hasProblem},"planCost":${record.planCost},"forecastCost":${record.forecastCost},"actualCost":${record.actualCost},"base":${record.base ?? 'null'},"data":${record.data}}`;
}

/** `/api/pfa/:org`: records, drafts, totals. `:org` is the code or the id of an organization. */
export function recordRoutes(pool: pg.Pool, admission: Admission): Router {
  const router = Router({ mergeParams: true });

  /** Ids of the codes in earlier requests. Only the queues read it, so an outdated id does no harm. */
  const knownIds = new Map<string, number>();

  /** Waits for the admission of the user and of the organization, without holding a connection. */
  const admitted = <T>(request: Request, name: WorkClass, use: () => Promise<T>): Promise<T> => {
    const org = String(request.params.org);
    return admission.run(
      {
        class: name,
        identity: requireIdentity(request),
        organizations: [knownIds.get(org) ?? Number(org)],
        signal: clientSignal(),
      },
      use,
    );
  };

  /** Runs a function as the visitor, for the organization of the path. */
  const inOrganization = <T>(
    request: Request,
    use: (client: IDatabaseConnection, organizationId: number) => Promise<T>,
  ): Promise<T> =>
    asVisitor(pool, requireIdentity(request), async (client) => {
      const org = String(request.params.org);
      const [organization] = await findOrganization.run({ org }, client);
      if (!organization) {
        throw new VanguardError(
          'NOT_FOUND',
          `There is no organization ${JSON.stringify(org.slice(0, 50))} that you may see.`,
          {
            hint: 'Name it by its code, e.g. HOLNG; GET /api/sync/status lists yours.',
          },
        );
      }
      knownIds.set(org, organization.id);
      return use(client, organization.id);
    });

  router.get('/', async (request, response) => {
    const { limit, after = '' } = readQuery(request, pageQuery);
    const read = async (from: string, count: number) => {
      const [page] = await inOrganization(request, (client, organizationId) =>
        recordPage.run({ organizationId, after: from, limit: count }, client),
      );
      return page!;
    };
    if (limit === undefined) {
      await admitted(request, 'stream', () =>
        streamRecords(
          async (from) => {
            // The user may lose the rights during the response. An expired token alone does not end the response.
            if (from !== after) await identifyAgain(pool, request);
            return read(from, batchSize);
          },
          after,
          response,
        ),
      );
      return;
    }
    const page = await admitted(request, 'read', () => read(after, limit));
    const next = page.count === limit ? JSON.stringify(page.last) : 'null';
    response.type('json').send(`{"records":[${page.records ?? ''}],"next":${next}}`);
  });

  router.post('/draft', async (request, response) => {
    const body = readBody(request, draftBody);
    const [record] = await admitted(request, 'read', () =>
      inOrganization(request, (client, organizationId) =>
        // The column is jsonb: the driver would write an array as a PostgreSQL array, but the value is always an
        // object.
        saveDraft.run(
          {
            organizationId,
            recordId: body.recordId,
            changes: body.changes as Record<string, never>,
            revision: String(body.revision),
          },
          client,
        ),
      ),
    );
    response.type('json').send(recordJson(record!));
  });

  router.post('/draft/batch', async (request, response) => {
    const { items } = readBody(request, batchBody);
    const [result] = await admitted(request, 'bulk', () =>
      inOrganization(request, (client, organizationId) =>
        saveDrafts.run({ organizationId, items: JSON.stringify(items) }, client),
      ),
    );
    response.json(result);
  });

  router.post('/commit', async (request, response) => {
    const { comment, recordIds: record_ids, filter, search } = readBody(request, commitBody);
    const selection = { record_ids, filter, search };
    const [result] = await admitted(request, 'bulk', () =>
      inOrganization(request, (client, organizationId) =>
        commitDrafts.run(
          {
            organizationId,
            // Without a list: all drafts.
            selection: Object.values(selection).some((part) => part !== undefined)
              ? JSON.stringify(selection)
              : null,
            comment: comment ?? null,
          },
          client,
        ),
      ),
    );
    response.json(result);
  });

  router.post('/discard', async (request, response) => {
    const { recordIds, keys } = readBody(request, discardBody);
    const [result] = await admitted(request, 'bulk', () =>
      inOrganization(request, (client, organizationId) =>
        discardDrafts.run({ organizationId, recordIds: recordIds ?? null, keys: keys ?? null }, client),
      ),
    );
    response.json({ discarded: result!.discarded });
  });

  router.get('/kpis', async (request, response) => {
    const [result] = await admitted(request, 'read', () =>
      inOrganization(request, (client, organizationId) => kpis.run({ organizationId }, client)),
    );
    // The driver returns large numbers as text, which becomes JSON numbers, so no amount passes through a float.
    response.type('json').send(
      `{${Object.entries(result!)
        .map(([key, value]) => `"${key}":${value}`)
        .join(',')}}`,
    );
  });

  router.get('/bounds', async (request, response) => {
    const [result] = await admitted(request, 'read', () =>
      inOrganization(request, (client, organizationId) => bounds.run({ organizationId }, client)),
    );
    response.json(result);
  });

  return router;
}

/**
 * Number of rows in memory while streaming. Twice as many block the event loop four times as long, because buffers
 * above one megabyte are costly.
 */
const batchSize = 1000;

/** Timeout for a client to accept a page, in milliseconds, because the page stays in memory meanwhile. */
const slowestReader = 30_000;

/**
 * Sends all records, page by page, as fast as the client reads them. Holds at most one page, and no database connection
 * while the client reads. If a page fails, closes the connection.
 */
async function streamRecords(
  nextPage: (after: string) => Promise<IRecordPageResult>,
  after: string,
  response: Response,
): Promise<void> {
  // Before anything is sent, so that an error gets its own response.
  const first = await nextPage(after);
  response.type('json');
  try {
    await pipeline(piecesOf(first, nextPage, response), response);
  } catch (error) {
    // The client disconnected or was too slow.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

async function* piecesOf(
  first: IRecordPageResult,
  nextPage: (after: string) => Promise<IRecordPageResult>,
  response: Response,
): AsyncGenerator<string | Buffer> {
  let separator = '{"records":[';
  for (let page: IRecordPageResult | undefined = first; page;) {
    // Bytes, because concatenating text would process it several more times.
    const bytes = Buffer.from(page.records ?? '');
    // The page after a full last page is empty.
    if (bytes.length > 0 || page === first) yield separator;
    if (bytes.length > 0) {
      const timer = setTimeout(() => response.destroy(), slowestReader);
      try {
        yield bytes;
      } finally {
        clearTimeout(timer);
      }
      // Sends the data that compression would hold back.
      response.flush();
    }
    separator = ',\n';
    page = page.count === batchSize ? await nextPage(page.last!) : undefined;
  }
  yield '],"next":null}';
}
