import { queryOptions } from '@tanstack/react-query';
import { withToken } from '../session/session.ts';
import { ApiError } from './errors.ts';
import type { TypedDocumentString } from './generated/graphql.ts';
import { send } from './http.ts';

export { graphql } from './generated/index.ts';

type Document<Result, Variables> = TypedDocumentString<Result, Variables>;

interface GraphqlAnswer<Result> {
  data?: Result | null;
  errors?: GraphqlError[];
}

/** An error in a GraphQL response. */
export interface GraphqlError {
  message: string;
  extensions?: { code?: string; details?: unknown; retryAfter?: number };
}

/** Returns the first of the errors as an `ApiError`. */
export function errorOf([error]: readonly GraphqlError[]): ApiError {
  return new ApiError(error?.extensions?.code ?? 'INTERNAL', error?.message ?? 'Something went wrong.', {
    details: error?.extensions?.details,
    retryAfter: error?.extensions?.retryAfter,
  });
}

/**
 * Sends a query or mutation and returns its data. Throws if the response contains any error, even beside data. Replaces
 * an expired token silently.
 */
export function request<Result, Variables>(
  document: Document<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Result> {
  return withToken(async (token) => {
    const { data, errors } = await send<GraphqlAnswer<Result>>('/graphql', {
      method: 'POST',
      body: { query: String(document), variables },
      token,
      signal,
    });
    if (errors?.length) throw errorOf(errors);
    if (!data) throw new ApiError('UNEXPECTED_ANSWER', 'The server sent a response without data.');
    return data;
  });
}

/** Returns the operation's name, which is part of the cache key. */
function nameOf(document: Document<never, never> | Document<unknown, unknown>): string {
  const name = /^\s*(?:query|mutation|subscription)\s+(\w+)/m.exec(String(document))?.[1];
  if (!name) throw new Error('An operation needs a name.');
  return name;
}

/** Options for `useQuery`, cached under the operation's name and its variables. */
export const query = <Result, Variables>(document: Document<Result, Variables>, variables: Variables) =>
  queryOptions({
    queryKey: [nameOf(document as Document<unknown, unknown>), variables] as const,
    queryFn: ({ signal }) => request(document, variables, signal),
  });
