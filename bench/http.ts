/** Clients of the API with kept connections, and one concurrent request for each user. */
import { Agent, request } from 'node:http';
import { hashPassword } from '../src/auth/passwords.ts';
import type { World } from './world.ts';

export interface Answer {
  status: number;
  text: string;
}

/** Sends requests of one client over its own connection. */
export interface HttpClient {
  send(method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown): Promise<Answer>;
  /** Returns the data of a GraphQL request; throws on errors. */
  graphql<T>(query: string, variables: object): Promise<T>;
  close(): void;
}

/** @param token Headers of each request. */
export function httpClient(url: string, token?: string): HttpClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const authorization = token === undefined ? undefined : { authorization: `Bearer ${token}` };
  const send: HttpClient['send'] = (method, path, body) =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers = {
        ...authorization,
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      };
      request(new URL(path, url), { method, agent, headers }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode!, text: Buffer.concat(parts).toString() }),
        );
      })
        .on('error', reject)
        .end(text);
    });
  return {
    send,
    async graphql<T>(query: string, variables: object) {
      const { status, text } = await send('POST', '/graphql', { query, variables });
      if (status !== 200) throw new Error(`HTTP ${status}: ${text.slice(0, 500)}`);
      const { data, errors } = JSON.parse(text) as { data?: T; errors?: { message: string }[] };
      if (errors || !data) throw new Error(errors?.map(({ message }) => message).join('; ') ?? 'no data');
      return data;
    },
    close: () => agent.destroy(),
  };
}

const password = 'bench: correct horse battery staple';

/** Returns access tokens from real sign-ins. All users share one password, hashed once. */
export async function signIn(
  world: World,
  url: string,
  usernames: readonly string[],
): Promise<Map<string, string>> {
  await world.owner.query(
    'select app_private.set_password(u.id, $1, false) from app_public.users u where u.username = any ($2)',
    [await hashPassword(password), usernames],
  );
  const tokens = new Map<string, string>();
  const client = httpClient(url);
  for (const username of usernames) {
    const { status, text } = await client.send('POST', '/api/auth/login', { username, password });
    if (status !== 200) throw new Error(`${username} cannot sign in: ${text}`);
    tokens.set(username, (JSON.parse(text) as { token: string }).token);
  }
  client.close();
  return tokens;
}

/** Keeps a number of requests running for a time, and returns the duration of each. */
export async function load(
  clients: readonly HttpClient[],
  milliseconds: number,
  work: (client: HttpClient) => Promise<unknown>,
): Promise<{ times: number[]; perSecond: number }> {
  const times: number[] = [];
  const began = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      for (let now = performance.now(); now - began < milliseconds;) {
        await work(client);
        const after = performance.now();
        times.push(after - now);
        now = after;
      }
    }),
  );
  return { times, perSecond: (times.length * 1000) / (performance.now() - began) };
}
