import type pg from 'pg';
import type { Change, Evidence, MirrorRow, Modification, OverlayRow } from './checker.ts';

/** Reads the tables of the product for the checker. Needs a database user who sees every row. */
export async function readTables(
  pool: pg.Pool,
  organizationId: number,
): Promise<Pick<Evidence, 'mirror' | 'overlay' | 'modifications' | 'changes' | 'openIntents'>> {
  const rows = async <T extends pg.QueryResultRow>(sql: string): Promise<T[]> =>
    (await pool.query<T>(sql, [organizationId])).rows;
  return {
    mirror: await rows<MirrorRow>(
      'select pfa_id as record, data, removed_at is not null as is_removed from app_core.pfa_mirror where organization_id = $1',
    ),
    overlay: await rows<OverlayRow>(
      'select viewer_id as viewer, pfa_id as record, data from app_core.pfa_overlay where organization_id = $1',
    ),
    modifications: await rows<Modification>(
      `select id::integer, user_id as "user", pfa_id as record, delta, state, problems from app_core.pfa_modification
      where organization_id = $1`,
    ),
    changes: await rows<Change>(
      'select id::integer, pfa_id as record, route, changes from app_core.pfa_change where organization_id = $1 order by id',
    ),
    openIntents: (
      await rows('select from app_core.pfa_push_intent where organization_id = $1 and outcome is null')
    ).length,
  };
}
