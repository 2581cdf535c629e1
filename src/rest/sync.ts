import type { IDatabaseConnection } from '@pgtyped/runtime';
import { Router } from 'express';
import type pg from 'pg';
import { z } from 'zod';
import { findOrganization } from '../../sql/records/records.queries.ts';
import { requestSync, syncStatus } from '../../sql/sync/sync.queries.ts';
import { asVisitor } from '../database/visitor.ts';
import type { Admission } from '../http/admission.ts';
import { clientSignal } from '../http/client-gone.ts';
import type { Identity } from '../auth/identity.ts';
import { VanguardError } from '../errors.ts';
import { readBody, requireIdentity } from '../http/request.ts';

const triggerBody = z.object({
  organization: z.union([z.string().min(1).max(50), z.int()], {
    error: 'must be the code or the id of an organization',
  }),
  kind: z.enum(['full', 'incremental'], { error: 'must be full or incremental, or left out' }).optional(),
});

/** `/api/sync`: requests a run, and returns the freshness of every organization of the user. */
export function syncRoutes(pool: pg.Pool, admission: Admission): Router {
  const router = Router();
  const admitted = <T>(identity: Identity, use: (client: IDatabaseConnection) => Promise<T>): Promise<T> =>
    admission.run({ class: 'read', identity, signal: clientSignal() }, () => asVisitor(pool, identity, use));

  router.post('/trigger', async (request, response) => {
    const { organization: asked, kind } = readBody(request, triggerBody);
    const org = String(asked);
    const run = await admitted(requireIdentity(request), async (client) => {
      const [organization] = await findOrganization.run({ org }, client);
      if (!organization) {
        throw new VanguardError(
          'NOT_FOUND',
          `There is no organization ${JSON.stringify(org)} that you may see.`,
          {
            hint: 'GET /api/sync/status lists yours.',
          },
        );
      }
      const [requested] = await requestSync.run(
        { organizationId: organization.id, kind: kind ?? null },
        client,
      );
      return {
        organization: organization.code,
        run: Number(requested!.id),
        kind: requested!.kind,
        state: requested!.state,
        requestedAt: requested!.requestedAt,
      };
    });
    response.status(202).json(run);
  });

  router.get('/status', async (request, response) => {
    const rows = await admitted(requireIdentity(request), (client) => syncStatus.run(undefined, client));
    response.json({
      organizations: rows.map((row) => ({
        id: row.organizationId,
        organization: row.organization,
        lastSyncedAt: row.lastSyncedAt ?? null,
        lastRowsRead: row.lastRowsRead ?? null,
        notice: row.notice ?? null,
        missingColumns: row.missingColumns,
        columnChanges: row.columnChanges ?? null,
        rejectedFields: row.rejectedFields,
        run:
          row.runId === null || row.runId === undefined
            ? null
            : {
                id: Number(row.runId),
                kind: row.runKind,
                state: row.runState,
                rowsRead: row.runRowsRead,
                requestedAt: row.runRequestedAt,
                startedAt: row.runStartedAt,
                finishedAt: row.runFinishedAt,
                error: row.errorCode
                  ? { code: row.errorCode, message: row.errorMessage, hint: row.errorHint }
                  : null,
                withheld:
                  row.runState === 'withheld'
                    ? {
                        reasons: row.runReasons,
                        preview: row.runPreview,
                        acceptedAt: row.runAcceptedAt ?? null,
                      }
                    : null,
              },
      })),
    });
  });

  return router;
}
