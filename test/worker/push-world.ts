import { expect } from 'vitest';
import { makeMember, one, type Json, type Organization } from '../support/make.ts';
import { saveDraft } from '../support/ask.ts';
import { until } from '../support/until.ts';
import type { World } from './world.ts';

// Actions of users and push on records, for tests of write-back.

export interface WriteEntry {
  seq: number;
  action: string;
  via: string;
  by: string;
  id: string;
  before: Record<string, Json>;
  came: Record<string, Json>;
  after: Record<string, Json>;
  fault?: string;
}

export interface Modification {
  id: string;
  pfa_id: string;
  user_id: number;
  state: string;
  delta: Record<string, Json>;
  base: Record<string, Json>;
  problems: Record<string, Record<string, Json>>;
  attempts: number;
  failures: number;
  retry_at: Date | null;
}

export interface PushWorldTools {
  member: (organization: Organization) => Promise<number>;
  /** Drafts changes of one record and commits them. */
  change: (
    organization: Organization,
    user: number,
    pfaId: string,
    changes: Record<string, Json>,
  ) => Promise<void>;
  draft: (
    organization: Organization,
    user: number,
    pfaId: string,
    changes: Record<string, Json>,
  ) => Promise<void>;
  commit: (organization: Organization, user: number) => Promise<{ record_count: number; refused: Json[] }>;
  modifications: (organization: Organization) => Promise<Modification[]>;
  /** Returns the only draft of a record. */
  draftOf: (organization: Organization, pfaId: string) => Promise<Modification>;
  writes: (organization: Organization) => Promise<WriteEntry[]>;
  mirrorOf: (organization: Organization, pfaId: string) => Promise<Record<string, Json>>;
  /** Makes delayed work due now, and notifies push. */
  hurry: (organization: Organization) => Promise<void>;
  /** Waits until no change is committed or being written. */
  settled: (organization: Organization, seconds?: number) => Promise<void>;
  intents: (
    organization: Organization,
  ) => Promise<{ attempt: number; outcome: string | null; answered_at: Date | null }[]>;
  history: (
    organization: Organization,
    route: string,
  ) => Promise<{ pfa_id: string; user_id: number | null; changes: Record<string, Json> }[]>;
}

export function pushTools(world: World): PushWorldTools {
  const { db } = world;
  const tools: PushWorldTools = {
    member: (organization) => makeMember(db, organization),
    draft: async (organization, user, pfaId, changes) =>
      void (await db.asUser(user, (client) => saveDraft(client, organization, pfaId, changes), {
        commit: true,
      })),
    commit: (organization, user) =>
      db.asUser(
        user,
        async (client) => {
          const { rows } = await client.query<{ record_count: number; refused: Json[] }>(
            'select record_count, refused from app_public.commit_drafts($1)',
            [organization.id],
          );
          return one(rows);
        },
        { commit: true },
      ),
    change: async (organization, user, pfaId, changes) => {
      await tools.draft(organization, user, pfaId, changes);
      expect(await tools.commit(organization, user)).toMatchObject({ refused: [] });
    },
    modifications: async ({ id }) => {
      const { rows } = await db.owner.query<Modification>(
        `select id, pfa_id, user_id, state, delta, base, problems, attempts, failures, retry_at
        from app_core.pfa_modification where organization_id = $1 order by id`,
        [id],
      );
      return rows;
    },
    draftOf: async (organization, pfaId) =>
      one(
        (await tools.modifications(organization)).filter(
          ({ pfa_id, state }) => pfa_id === pfaId && state === 'draft',
        ),
      ),
    writes: async ({ code }) => {
      const { writes } = (await world.control('GET', '/writes?since=0')) as {
        writes: (WriteEntry & { organization: string })[];
      };
      return writes.filter(({ organization }) => organization === code);
    },
    mirrorOf: async (organization, pfaId) =>
      one((await world.mirror(organization)).filter(({ pfa_id }) => pfa_id === pfaId)).data,
    hurry: async ({ id }) => {
      await db.owner.query(
        "update app_core.pfa_modification set retry_at = now() where organization_id = $1 and state = 'committed' and retry_at > now()",
        [id],
      );
      await db.owner.query('select app_private.queue_push($1)', [id]);
    },
    settled: async (organization, seconds) =>
      void (await until(
        'nothing is committed or being written',
        async () =>
          (await tools.modifications(organization)).every(({ state }) => ['draft', 'synced'].includes(state)),
        seconds,
      )),
    intents: async ({ id }) => {
      const { rows } = await db.owner.query<{
        attempt: number;
        outcome: string | null;
        answered_at: Date | null;
      }>(
        'select attempt, outcome, answered_at from app_core.pfa_push_intent where organization_id = $1 order by id',
        [id],
      );
      return rows;
    },
    history: async ({ id }, route) => {
      const { rows } = await db.owner.query<{
        pfa_id: string;
        user_id: number | null;
        changes: Record<string, Json>;
      }>(
        'select pfa_id, user_id, changes from app_core.pfa_change where organization_id = $1 and route = $2 order by id',
        [id, route],
      );
      return rows;
    },
  };
  return tools;
}
