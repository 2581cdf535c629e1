// Must be imported before any part of PostGraphile, regardless of the importing module.
import './environment.ts';
import {
  GraphQLError,
  Kind,
  OperationTypeNode,
  getOperationAST,
  visit,
  type ExecutionArgs,
  type ValueNode,
} from 'postgraphile/graphql';
import { VanguardError } from '../errors.ts';
import type { Admission, WorkClass } from '../http/admission.ts';
import { clientSignal, isClientGone } from '../http/client-gone.ts';
import { findIdentity } from '../http/request.ts';
import { costOf } from './limits.ts';

/** Mutations that touch a small, bounded number of rows. All others are bulk work. */
const smallMutations = new Set([
  ...['saveDraft', 'requestSync', 'setSyncSchedule', 'setLimits', 'checkDrift', 'acceptRemovals'],
  ...['acceptRun', 'dismissTakeovers'],
  ...['pauseConnection', 'pausePush', 'pauseSync', 'resumeConnection', 'resumePush', 'resumeSync'],
]);

/** Mutations that touch the records they name; bulk work if there are many, or if they name none. */
const namingMutations = new Set([
  ...['saveDrafts', 'discardDrafts', 'resolveProblems', 'withdrawCommits', 'commitDrafts'],
]);
const mostNamed = 100;

/** Returns whether a request names few records: its variables contain a list, and only short ones. */
function namesFew(variables: unknown): boolean {
  let lists = 0;
  const areShort = (value: unknown): boolean => {
    if (typeof value !== 'object' || value === null) return true;
    if (Array.isArray(value)) lists++;
    const inner = Object.values(value);
    return inner.length <= mostNamed && inner.every(areShort);
  };
  return areShort(variables) && lists > 0;
}

/** Fields that read all selected rows, even if the rest of the query is cheap. */
const bulkReads = new Set(['bulkPreview']);

/** Cost of bulk work, in rows of `graphqlLimits.cost`: more than any page of the web app costs. */
const bulkCost = 500_000;

function classOf(args: ExecutionArgs): WorkClass {
  const operation = getOperationAST(args.document, args.operationName);
  const isBulk =
    operation?.operation === OperationTypeNode.MUTATION
      ? operation.selectionSet.selections.some(
          (field) =>
            field.kind !== Kind.FIELD ||
            !(
              smallMutations.has(field.name.value) ||
              (namingMutations.has(field.name.value) && namesFew(args.variableValues))
            ),
        )
      : costOf(args) >= bulkCost || holdsField(args, bulkReads);
  return isBulk ? 'bulk' : 'read';
}

/** Returns whether the document contains a field with one of these names. */
function holdsField({ document }: ExecutionArgs, names: ReadonlySet<string>): boolean {
  const rest: unknown[] = [...document.definitions];
  for (let node = rest.pop(); node; node = rest.pop()) {
    const { name, selectionSet } = node as {
      name?: { value: string };
      selectionSet?: { selections: readonly unknown[] };
    };
    if (name && names.has(name.value)) return true;
    rest.push(...(selectionSet?.selections ?? []));
  }
  return false;
}

/**
 * Returns the ids of the organizations in a request: from `organization(id:)`, from arguments named `organizationId`,
 * and from variables.
 */
function organizationsOf({ document, variableValues }: ExecutionArgs): number[] {
  const found: unknown[] = [];
  const add = (value: ValueNode) =>
    found.push(
      value.kind === Kind.VARIABLE
        ? variableValues?.[value.name.value]
        : value.kind === Kind.INT
          ? Number(value.value)
          : undefined,
    );
  visit(document, {
    Field: ({ name, arguments: given }) => {
      if (name.value === 'organization')
        for (const one of given ?? []) if (one.name.value === 'id') add(one.value);
    },
    Argument: ({ name, value }) => {
      if (name.value === 'organizationId') add(value);
    },
    ObjectField: ({ name, value }) => {
      if (name.value === 'organizationId') add(value);
    },
  });
  for (const value of Object.values(variableValues ?? {}))
    if (typeof value === 'object' && value !== null && 'organizationId' in value)
      found.push(value.organizationId);
  return found.filter((id) => typeof id === 'number');
}

/** Delays the execution of a request until the limits admit it, and answers 429 if they refuse it. */
export const admissionPlugin = (admission: Admission): GraphileConfig.Plugin => ({
  name: 'AdmissionPlugin',
  version: '1.0.0',
  after: ['LimitsPlugin'],
  grafast: {
    middleware: {
      async execute(next, { args }) {
        const { expressv4 } = args.requestContext ?? {};
        const identity = expressv4 && findIdentity(expressv4.req);
        // A request without an identity can only query the schema, which needs no database.
        if (!identity) return next();
        try {
          const work = {
            class: classOf(args),
            identity,
            organizations: organizationsOf(args),
            signal: clientSignal(),
          };
          return await admission.run(work, async () => next());
        } catch (error) {
          if (!(error instanceof VanguardError) && !isClientGone()) throw error;
          return { errors: [new GraphQLError((error as Error).message, { originalError: error as Error })] };
        }
      },
    },
  },
});
