import { afterAll } from 'vitest';
import { hashPassword } from '../../src/auth/passwords.ts';
import { startServer, type ServerOptions } from '../../src/server.ts';
import { newEncryptionKey } from '../../src/encryption.ts';
import type { TestDatabase } from '../support/database.ts';
import { makeMembership, makeUser, one, type MembershipRole, type Organization } from '../support/make.ts';

// The running server on the database of a test file, and the HTTP requests of clients.

/** A response with its body. */
export interface Answer<T> {
  url: string;
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON, or undefined if empty. */
  body: T;
}

export interface ErrorBody {
  error: { code: string; message: string; details?: unknown };
}

export interface GraphqlBody<T> {
  data?: T | null;
  errors?: {
    message: string;
    path?: (string | number)[];
    extensions?: { code?: string; details?: unknown };
  }[];
}

export interface RestRequest {
  token?: string | null;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent unchanged, in place of `body`. */
  text?: string;
  headers?: Record<string, string>;
}

export interface LoginBody {
  token: string;
  expiresIn: number;
  user: { id: number; username: string };
  mustChangePassword: boolean;
}

/** A running server, and functions to call it. */
export interface Api {
  url: string;
  /** Address of the metrics, if requested. */
  adminUrl: string;
  rest<T = ErrorBody>(method: string, path: string, request?: RestRequest): Promise<Answer<T>>;
  graphql<T>(token: string | null, query: string, variables?: object): Promise<Answer<GraphqlBody<T>>>;
  /** The data of a query that has no errors. */
  data<T>(token: string | null, query: string, variables?: object): Promise<T>;
  login(username: string, password?: string): Promise<Answer<LoginBody>>;
  /** Signs a user in and returns the access token. */
  token(username: string): Promise<string>;
}

/** Password of all users, unless a test sets another. */
export const password = 'correct horse battery staple';
let hashed: Promise<string> | undefined;

/** Starts the server on the database of a test file. It stops at the end of the file. */
export async function testApi(
  db: TestDatabase,
  { production = false, ...more }: Partial<ServerOptions> = {},
): Promise<Api> {
  const server = await startServer({
    authenticatorUrl: db.urls.authenticator,
    encryptionKeys,
    host: '127.0.0.1',
    port: 0,
    production,
    introspection: !production,
    logLevel: 'silent',
    ...more,
  });
  afterAll(() => server.stop());
  const url = `http://127.0.0.1:${server.port}`;

  const rest: Api['rest'] = async (method, path, { token, body, text, headers = {} } = {}) => {
    const sent = text ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
    });
    const answered = await response.text();
    return {
      url: response.url,
      status: response.status,
      headers: response.headers,
      text: answered,
      body: (response.headers.get('content-type')?.includes('json')
        ? JSON.parse(answered)
        : undefined) as never,
    };
  };
  const graphql: Api['graphql'] = (token, query, variables) =>
    rest('POST', '/graphql', { token, body: { query, ...(variables ? { variables } : {}) } });
  const login: Api['login'] = (username, given = password) =>
    rest('POST', '/api/auth/login', { body: { username, password: given } });

  return {
    ...{ url, adminUrl: `http://127.0.0.1:${server.adminPort}`, rest, graphql, login },
    data: async <T>(token: string | null, query: string, variables?: object) => {
      const { text, body } = await graphql<T>(token, query, variables);
      if (!body?.data || body.errors) throw new Error(`The query was refused: ${text}`);
      return body.data;
    },
    token: async (username) => {
      const { status, text, body } = await login(username);
      if (status !== 200) throw new Error(`${username} could not sign in: ${text}`);
      return body.token;
    },
  };
}

/** One key for all servers on one database: signing keys are encrypted under it. */
export const encryptionKeys = newEncryptionKey('test');

/** Gives a user a password, as a hash of any kind. */
export async function setPassword(
  db: Pick<TestDatabase, 'owner'>,
  userId: number,
  hash: string | undefined,
  mustChange = false,
): Promise<void> {
  await db.owner.query('select app_private.set_password($1, $2, $3)', [
    userId,
    hash ?? (await (hashed ??= hashPassword(password))),
    mustChange,
  ]);
}

/** Creates a user who can sign in. Returns the id. */
export async function makePerson(
  db: Pick<TestDatabase, 'owner'>,
  username: string,
  memberships: [Organization, MembershipRole][] = [],
  role: 'admin' | 'user' | 'viewer' = 'user',
): Promise<number> {
  const userId = await makeUser(db, role, username);
  await setPassword(db, userId, undefined);
  for (const [organization, as] of memberships) await makeMembership(db, organization, userId, as);
  return userId;
}

/** The only Set-Cookie header of a response, parsed. */
export function cookieOf({ headers }: Pick<Answer<unknown>, 'headers'>) {
  const [pair = '', ...attributes] = one(headers.getSetCookie()).split(/; */);
  const [name = '', value = ''] = pair.split('=');
  return { name, value, header: pair, attributes };
}
