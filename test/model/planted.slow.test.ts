import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withPlanted, type Planted } from '../support/plant.ts';
import { arbitraryWalk, Difference, walk, walkingGround, type Walk } from './walk.ts';

// Would the walks notice? Plausible bugs, added one at a time to the functions of this database.

const db = await walkingGround();

interface Bug {
  /** For each function, the replacement of a piece of its source that occurs once. */
  planted: Planted[];
  /** Main topic of the walks. */
  about: 'drafts' | 'push';
  /** A seed that soon reaches the bug. */
  seed: number;
}

const bugs: Record<string, Bug> = {
  'a revision goes back when a draft is gone': {
    planted: [['app_private.rewrite_overlay(integer, text[])', 'm.revision <= o_1.revision', 'false']],
    about: 'drafts',
    seed: 1,
  },
  'overlays are not rewritten on sync': {
    planted: [
      [
        'app_private.follow_mirror(integer, text[])',
        'perform app_private.rewrite_overlay(follow_mirror.organization_id, affected);',
        '',
      ],
    ],
    about: 'drafts',
    seed: 1,
  },
  'a plan costs the rate of the forecast': {
    planted: [
      [
        'app_core.plan_cost_cents(jsonb)',
        "COALESCE((data ->> 'originalMonthlyRate'::text), (data ->> 'monthlyRate'::text))",
        "(data ->> 'monthlyRate'::text)",
      ],
    ],
    about: 'drafts',
    seed: 4,
  },
  'the base of a draft is the mirror, not mirror and pending': {
    planted: [
      [
        'app_private.change_drafts(integer, integer, jsonb, text, bigint)',
        'coalesce(v.base, app_core.normalized(v.under)) as base',
        `coalesce(v.base, (
          select app_core.normalized(m.data->v.key) from app_core.pfa_mirror m
          where m.organization_id = p_organization_id and m.pfa_id = v.pfa_id)) as base`,
      ],
    ],
    about: 'drafts',
    seed: 2,
  },
  'undo brings back what a draft was based on': {
    planted: [
      [
        'app_private.change_drafts(integer, integer, jsonb, text, bigint)',
        "jsonb_build_object('from', d.drafted) end",
        "jsonb_build_object('from', d.drafted, 'base', d.base) end",
      ],
      [
        'app_private.step_operation(integer, bigint, boolean)',
        'changed := app_private.change_drafts(p_organization_id, me, items, null);',
        `changed := app_private.change_drafts(p_organization_id, me, items, null);
        update app_core.pfa_modification d
        set base = d.base || (
          select coalesce(jsonb_object_agg(k.key, k.value->'base'), '{}') from jsonb_each(operation.differences->d.pfa_id) k
          where k.value ? 'base' and d.delta->k.key = k.value->'from')
        where is_undo and d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and operation.differences ? d.pfa_id;
        perform app_private.rewrite_overlay(p_organization_id, array(select jsonb_object_keys(operation.differences)));`,
      ],
    ],
    about: 'drafts',
    seed: 17,
  },
  'a commit does not hold what it commits against what is there now': {
    planted: [
      [
        'app_private.commit_records(integer, text[], text)',
        "when j.problem is not null then j.problem->>'kind'",
        '',
      ],
    ],
    about: 'push',
    seed: 1,
  },
  'a key that is taken over loses what PEMS has to hold for it': {
    planted: [
      [
        'app_private.commit_records(integer, text[], text)',
        'coalesce(u.push_base, j.base) as push_base',
        'j.base as push_base',
      ],
    ],
    about: 'drafts',
    seed: 13,
  },
  'what PEMS made of a value is taken for the value': {
    planted: [
      [
        'app_private.settle_pushes(integer, jsonb)',
        "when j.holds = 'mine' then null",
        "when j.holds = 'mine' or j.holds = 'other' and j.is_written then null",
      ],
    ],
    about: 'push',
    seed: 1,
  },
  'what PEMS refused is not returned to its author': {
    planted: [
      [
        'app_private.fail_push(integer, bigint, integer, text, text, integer, text, jsonb)',
        "kind := 'refused';",
        'null;',
      ],
    ],
    about: 'push',
    seed: 1,
  },
  'what comes back overwrites what its author has drafted since': {
    planted: [
      [
        'app_private.return_keys(integer, jsonb)',
        'delta = excluded.delta || d.delta,',
        'delta = d.delta || excluded.delta,',
      ],
    ],
    about: 'push',
    seed: 4,
  },
  'rebase clears a problem that push made': {
    planted: [
      [
        'app_private.judged_drafts(integer, text[])',
        "WHEN ((k.problem ->> 'by'::text) = 'push'::text) THEN k.problem\n",
        '',
      ],
    ],
    about: 'push',
    seed: 1,
  },
  'push writes over what PEMS holds now, whatever that is': {
    planted: [
      [
        'app_private.plan_push(integer, bigint, integer, jsonb, jsonb)',
        "when j.holds = 'other' then jsonb_build_object('kind', 'conflict', 'theirs', j.theirs)",
        '',
      ],
      [
        'app_private.plan_push(integer, bigint, integer, jsonb, jsonb)',
        "filter (where v.problem is null and v.holds = 'base')",
        "filter (where v.problem is null and v.holds <> 'mine')",
      ],
    ],
    about: 'push',
    seed: 4,
  },
  'a worker that was thought dead settles': {
    planted: [
      [
        'app_private.settle_pushes(integer, jsonb)',
        "and m.attempts = (r->>'attempt')::integer and m.retry_at is null",
        '',
      ],
    ],
    about: 'push',
    seed: 3,
  },
};

test.each(Object.entries(bugs))(
  '%s: the walks notice it',
  async (_, { planted, about, seed }) => {
    const result = await withPlanted(db, planted, 'one', () =>
      fc.check(
        fc.asyncProperty(arbitraryWalk(40, [about]), (steps) => walk(db, steps)),
        { numRuns: 10, seed, endOnFailure: true },
      ),
    );

    // After changes of the generated walks, another seed reaches it soon.
    expect(result.errorInstance).toBeInstanceOf(Difference);
    // The walks noticed this bug and no other.
    const [steps] = result.counterexample as [Walk];
    await walk(db, steps);
  },
  60_000,
);
