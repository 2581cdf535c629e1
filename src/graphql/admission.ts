// Before anything of PostGraphile is imported, whoever imports this.
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

/** Mutations that touch a bounded and small number of rows. All others are bulk work. */
const smallMutations = new Set([
  ...['saveDraft', 'requestSync', 'setSyncSchedule', 'setLimits', 'checkDrift', 'acceptRemovals'],
  ...['acceptRun', 'dismissTakeovers'],
  ...['pauseConnection', 'pausePush', 'pauseSync', 'resumeConnection', 'resumePush', 'resumeSync'],
]);

/** Mutations that touch the records they name: bulk work only if those are many, or if they name none. */
const namingMutations = new Set([
  ...['saveDrafts', 'discardDrafts', 'resolveProblems', 'withdrawCommits', 'commitDrafts'],
]);
const mostNamed = 100;

/** Whether a request names records, and not many: every list in its variables is short, and there is one. */
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

/** Fields that compute over all selected rows, whatever little the query costs apart from them. */
const bulkReads = new Set(['bulkPreview']);

/** Cost from which a query is bulk work, in rows of `graphqlLimits.cost`: more than any page of the web app takes. */
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

/** Whether a field of one of these names is anywhere in the document. */
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
 * The ids of the organizations that a request names: as `organization(id:)`, as `organizationId` in an argument, or in a
 * variable.
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

/** Lets each request wait for its turn before it is executed, and answers 429 to those that may not wait. */
export const admissionPlugin = (admission: Admission): GraphileConfig.Plugin => ({
  name: 'AdmissionPlugin',
  version: '1.0.0',
  after: ['LimitsPlugin'],
  grafast: {
    middleware: {
      async execute(next, { args }) {
        const { expressv4 } = args.requestContext ?? {};
        const identity = expressv4 && findIdentity(expressv4.req);
        // Without an identity it is a question about the schema, which needs no database.
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
