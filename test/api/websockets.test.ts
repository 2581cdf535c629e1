import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { SignJWT, generateKeyPair } from 'jose';
import { commitChange } from '../support/ask.ts';
import { testDatabase } from '../support/database.ts';
import { makeOrganization, putRecords } from '../support/make.ts';
import { until } from '../support/until.ts';
import { startServer } from '../../src/server.ts';
import { encryptionKeys, makePerson, setPassword, testApi, type Api } from './server.ts';
import { everything, openClient, sleep, subscribe, watch } from './subscribe.ts';

// Limits and rights of websockets and subscriptions, for outsiders and for insiders who lose their rights.

const db = await testDatabase();
const corsOrigins = ['https://app.example.com'];
const api = await testApi(db, {
  corsOrigins,
  allowedHosts: ['internal'],
  realtime: { together: 30, heartbeat: 300, signIn: 400, ping: 300 },
});
const proxied = await testApi(db, {
  production: true,
  trustProxy: 1,
  allowedHosts: ['pfa.example.com'],
  realtime: { together: 30 },
});
const [org, other] = [await makeOrganization(db, 'HOLNG'), await makeOrganization(db, 'RIO')];
await makePerson(db, 'anna', [[org, 'member']]);
const annasId = await makePerson(db, 'anna2', [[org, 'member']]);
await makePerson(db, 'stranger', [[other, 'owner']]);
const anna = await api.token('anna');
await putRecords(db, org, [
  { pfaId: 'a', category: 'Old' },
  { pfaId: 'b', category: 'Old' },
]);

/** Causes an event that all members of the organization may see. */
const happen = (id = 'a') =>
  db.owner.query(
    `update app_core.pfa_mirror set data = data || jsonb_build_object('model', revision::text), revision = nextval('app_core.revision_seq')
    where organization_id = $1 and pfa_id = $2`,
    [org.id, id],
  );

let people = 0;
/** Creates a new member who subscribes. */
async function listener(role: 'member' | 'viewer' | 'owner' = 'member', at: Api = api) {
  const username = `listener${++people}`;
  const id = await makePerson(db, username, [[org, role]]);
  const token = await at.token(username);
  return { id, username, token, listening: await watch(at, token, org.id) };
}

const sockets: WebSocket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
});

/** A websocket without a library for the protocol. */
async function raw(
  at = api,
  options: { origin?: string; headers?: Record<string, string>; path?: string } = {},
) {
  const socket = new WebSocket(
    `${at.url.replace('http', 'ws')}${options.path ?? '/graphql'}`,
    'graphql-transport-ws',
    options,
  );
  sockets.push(socket);
  const told = {
    messages: [] as { type: string; id?: string; payload?: unknown }[],
    closed: undefined as { code: number; reason: string } | undefined,
    status: undefined as number | undefined,
    refused: '',
  };
  socket.on('message', (data: Buffer) => told.messages.push(JSON.parse(data.toString()) as never));
  socket.on('close', (code, reason) => (told.closed = { code, reason: reason.toString() }));
  socket.on('error', () => undefined);
  socket.on('unexpected-response', (_request, response) => {
    told.status = response.statusCode;
    response.on('data', (chunk: Buffer) => (told.refused += chunk.toString()));
    response.on('end', () => socket.terminate());
  });
  await until(
    'a handshake',
    () => socket.readyState === WebSocket.OPEN || (told.status !== undefined && told.refused),
  );
  const send = (message: object | string) =>
    socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  return {
    ...{ socket, told, send },
    closed: () => until('the end of the websocket', () => told.closed, 5),
    message: (type: string, id?: string) =>
      until(
        `${type}, and not ${JSON.stringify(told)}`,
        () => told.messages.find((m) => m.type === type && m.id === id),
        5,
      ),
  };
}

const init = (authorization?: unknown) => ({
  type: 'connection_init',
  ...(authorization === undefined ? {} : { payload: { authorization } }),
});
const subscription = (id: string, variables: object = { id: org.id }) => ({
  type: 'subscribe',
  id,
  payload: { query: everything, variables },
});
const codeOf = ({ payload }: { payload?: unknown }) =>
  (payload as { extensions: { code: string } }[])[0]?.extensions.code;

describe('signing in', () => {
  test.each([
    ['no token', undefined],
    ['none in the payload', null],
    ['a list', ['Bearer x']],
    ['an object', { Bearer: 'x' }],
    ['no bearer', 'Basic YWRtaW46YWRtaW4='],
    ['words', 'Bearer not.a.token'],
    ['the token alone', anna],
  ])('%s: closed with 4401, without any event', async (_what, authorization) => {
    const { send, closed, told } = await raw();
    send(init(authorization));
    const { code, reason } = await closed();
    expect({ code, reason: reason.split(':')[0] }).toEqual({ code: 4401, reason: 'UNAUTHENTICATED' });
    expect(told.messages).toEqual([]);
  });

  test('a token with a foreign signature, and an expired one', async () => {
    const [, payload] = anna.split('.');
    const { sub, sid } = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as Record<string, string>;
    const header = JSON.parse(Buffer.from(anna.split('.')[0]!, 'base64url').toString()) as {
      alg: string;
      kid: string;
    };
    const { privateKey } = await generateKeyPair('ES256');
    const forged = await new SignJWT({ sid })
      .setProtectedHeader(header)
      .setSubject(sub!)
      .setIssuer('pfa-vanguard')
      .setAudience('pfa-vanguard-api')
      .setIssuedAt()
      .setExpirationTime('10m')
      .sign(privateKey);
    const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${payload}.`;
    for (const token of [forged, unsigned, anna.slice(0, -3)]) {
      const { send, closed } = await raw();
      send(init(`Bearer ${token}`));
      expect((await closed()).code).toBe(4401);
    }
  });

  test('a client that does not sign in at once, or subscribes before it does, is disconnected', async () => {
    const idle = await raw();
    expect((await idle.closed()).code).toBe(4408);
    const hasty = await raw();
    hasty.send(subscription('1'));
    expect((await hasty.closed()).code).toBe(4401);
    expect(hasty.told.messages).toEqual([]);
  });

  test('with the HTTP header, as programs do', async () => {
    const client = openClient(api, null, { authorization: `Bearer ${anna}` });
    await watch(api, anna, org.id, undefined, client);
  });

  test('the payload takes precedence over the header', async () => {
    const { send, closed } = await raw(api, { headers: { authorization: `Bearer ${anna}` } });
    send(init('Bearer wrong'));
    expect((await closed()).code).toBe(4401);
  });

  test('in production, a password that must be changed is refused', async () => {
    const id = await makePerson(db, 'newcomer', [[org, 'member']]);
    await setPassword(db, id, undefined, true);
    const token = await proxied.token('newcomer');
    const { send, closed } = await raw(proxied);
    send(init(`Bearer ${token}`));
    expect(await closed()).toMatchObject({
      code: 4403,
      reason: expect.stringContaining('PASSWORD_CHANGE_REQUIRED') as string,
    });
    await watch(api, token, org.id);
  });
});

describe('the origin of a websocket', () => {
  const handshake = async (options: { origin?: string; headers?: Record<string, string> }, at = api) => {
    const { told } = await raw(at, options);
    return told.status ?? 101;
  };

  test("the page's own origin and those of CORS_ORIGINS may connect; all others get the same refusal", async () => {
    const own = api.url;
    expect(await handshake({})).toBe(101);
    expect(await handshake({ origin: own })).toBe(101);
    expect(await handshake({ origin: 'https://app.example.com' })).toBe(101);
    for (const origin of [
      'https://evil.example.com',
      'https://app.example.com.evil.com',
      'http://app.example.com',
      'null',
      'file://',
      own.replace(/:\d+$/, ':1'),
    ]) {
      const { told } = await raw(api, { origin });
      expect([origin, told.status]).toEqual([origin, 403]);
      expect(JSON.parse(told.refused)).toMatchObject({ error: { code: 'FORBIDDEN' } });
    }
  });

  test('only a trusted proxy may set the host', async () => {
    const headers = { host: 'internal:3001', 'x-forwarded-host': 'pfa.example.com' };
    expect(await handshake({ origin: 'https://pfa.example.com', headers }, proxied)).toBe(101);
    expect(await handshake({ origin: 'https://evil.example.com', headers }, proxied)).toBe(403);
    expect(await handshake({ origin: 'https://pfa.example.com', headers })).toBe(403);
    expect(
      await handshake(
        { origin: 'https://pfa.example.com', headers: { host: 'pfa.example.com:443' } },
        proxied,
      ),
    ).toBe(101);
  });

  test('/graphql is the only websocket', async () => {
    for (const path of ['/', '/graphql/x', '/api/health', '/graphiql', '//graphql', '/graphql%00']) {
      const { told } = await raw(api, { path });
      expect([path, told.status]).toEqual([path, 404]);
    }
  });

  test('another websocket protocol is refused, and other requests get an HTTP response', async () => {
    const socket = new WebSocket(`${api.url.replace('http', 'ws')}/graphql`, 'graphql-ws');
    sockets.push(socket);
    const code = await new Promise((resolve) => {
      socket.on('close', resolve);
      socket.on('error', () => undefined);
    });
    expect([4406, 1006]).toContain(code);
    // As HTTP/2 clients send it.
    const status = await new Promise((resolve, reject) => {
      request(
        `${api.url}/api/health`,
        { headers: { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': '' } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      )
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
  });

  test('a damaged handshake gets a response', async () => {
    for (const lines of [
      ['GET /graphql HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket'],
      [
        'GET http://[ HTTP/1.1',
        'Host: x',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Key: x',
      ],
      ['POST /graphql HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 0'],
    ]) {
      const answer = await new Promise<string>((resolve) => {
        const socket = connect(Number(new URL(api.url).port), '127.0.0.1', () =>
          socket.write(`${lines.join('\r\n')}\r\n\r\n`),
        );
        let text = '';
        socket.on('data', (data) => (text += data.toString()));
        socket.on('close', () => resolve(text));
        socket.on('error', () => undefined);
      });
      expect(answer).toMatch(/^HTTP\/1.1 4\d\d /);
    }
    expect((await api.rest('GET', '/api/health')).status).toBe(200);
  });
});

describe('allowed subscriptions', () => {
  const refusedWith = async (query: string, variables: Record<string, unknown> = {}, token = anna) => {
    const ended = subscribe(openClient(api, token), query, variables);
    return { code: await ended.failure(), message: ended.errors?.[0]?.message ?? '', told: ended.events };
  };

  test('another organization counts as missing', async () => {
    for (const id of [other.id, 987654, -1, 0]) {
      const { code, message, told } = await refusedWith(everything, { id });
      expect({ code, message, told }).toEqual({
        code: 'NOT_FOUND',
        message: `Organization ${id} does not exist, or you cannot see it. List your organizations with \`{ organizations { nodes { id code } } }\`.`,
        told: [],
      });
    }
  });

  test('a viewer may subscribe', async () => {
    const { listening } = await listener('viewer');
    await happen();
    expect(await listening.records('a')).toEqual(['a']);
  });

  test('queries and changes are refused: they go over HTTP', async () => {
    for (const query of [
      '{ viewer { id } }',
      `mutation { requestSync(input: { organizationId: ${org.id} }) { clientMutationId } }`,
      '{ __schema { types { name } } }',
    ]) {
      expect(await refusedWith(query)).toMatchObject({
        code: 'INVALID_QUERY',
        message: expect.stringContaining('POST /graphql') as string,
      });
    }
  });

  test('subscriptions over HTTP are refused: they need a websocket', async () => {
    for (const accept of [
      'application/json',
      'text/event-stream, application/json',
      'multipart/mixed, application/json',
    ]) {
      const { body } = await api.rest<{
        data?: unknown;
        errors: { message: string; extensions: { code: string } }[];
      }>('POST', '/graphql', {
        token: anna,
        headers: { accept },
        body: { query: everything, variables: { id: org.id } },
      });
      expect(body.data ?? null).toBeNull();
      expect(body.errors[0]?.extensions.code).toBe('INVALID_QUERY');
      expect(body.errors[0]?.message).toContain('require a websocket');
    }
  });

  test('the limits of HTTP apply: text, fields, values, records, and access to the schema', async () => {
    const wrong = 'subscription { organizationEvents(organizationId: 1) { kindd } }';
    expect(await refusedWith(wrong)).toMatchObject({
      code: 'INVALID_QUERY',
      message: expect.stringContaining('Did you mean') as string,
    });
    expect(await refusedWith('subscription {')).toMatchObject({ code: 'INVALID_QUERY' });
    expect(await refusedWith(`${everything} # ${'x'.repeat(20_000)}`)).toMatchObject({
      code: 'INVALID_QUERY',
      message: expect.stringContaining('characters') as string,
    });
    // Short as a text, and large after expansion of the fragment.
    const many = `fragment many on OrganizationEvent { ${'kind '.repeat(100)} }
      subscription { organizationEvents(organizationId: ${org.id}) { ${'...many '.repeat(40)} } }`;
    const large = await refusedWith(many);
    expect(large.code).toBe('INVALID_QUERY');
    expect(large.message).not.toContain('characters');
    let nested: unknown = 'x';
    for (let i = 0; i < 30; i++) nested = [nested];
    expect(
      await refusedWith(
        'subscription ($id: Int!, $x: JSON) { organizationEvents(organizationId: $id) { kind } }',
        { id: org.id, x: nested },
      ),
    ).toMatchObject({ code: 'INVALID_QUERY' });
    const recordIds = Array.from({ length: 1001 }, (_, i) => `r${i}`);
    expect(await refusedWith(everything, { id: org.id, recordIds })).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await refusedWith(everything, { id: 'x' })).toMatchObject({ code: 'INVALID_QUERY' });
    const two = `subscription { a: organizationEvents(organizationId: ${org.id}) { kind } b: organizationEvents(organizationId: ${org.id}) { kind } }`;
    expect(await refusedWith(two)).toMatchObject({ code: 'INVALID_QUERY' });
  });

  test('a hidden schema is hidden here too', async () => {
    await makePerson(db, 'producer', [[org, 'member']]);
    const token = await proxied.token('producer');
    for (const query of [
      'subscription { organizationEvents(organizationId: 1) { kindd } }',
      'subscription { __schema { types { name } } }',
      '{ __type(name: "Query") { name } }',
      'subscription { organizationEvent(organizationId: 1) { kind } }',
    ]) {
      const ended = subscribe(openClient(proxied, token), query);
      expect(await ended.failure()).toBe('INVALID_QUERY');
      expect(JSON.stringify(ended.errors)).not.toMatch(/Did you mean|OrganizationEvents|PfaRecord/);
      expect(ended.events).toEqual([]);
    }
  });

  test('a message that is too large or invalid closes only this websocket', async () => {
    const huge = await raw();
    huge.send(init(`Bearer ${anna}`));
    await huge.message('connection_ack');
    huge.send({ ...subscription('1'), more: 'x'.repeat(300 * 1024) });
    expect((await huge.closed()).code).toBe(1009);
    for (const message of [
      '',
      '{',
      '[]',
      'null',
      '{"type":"what"}',
      '{"type":"subscribe"}',
      'x'.repeat(1000),
    ]) {
      const odd = await raw();
      odd.send(init(`Bearer ${anna}`));
      await odd.message('connection_ack');
      odd.send(message);
      expect([message, (await odd.closed()).code]).toEqual([message, 4400]);
    }
    const twice = await raw();
    twice.send(init(`Bearer ${anna}`));
    await twice.message('connection_ack');
    twice.send(init(`Bearer ${anna}`));
    expect((await twice.closed()).code).toBe(4429);
    expect((await api.rest('GET', '/api/health')).status).toBe(200);
  });
});

describe('numbers of websockets and subscriptions', () => {
  test('a websocket has ten subscriptions; the eleventh is refused until one is closed', async () => {
    const { send, message } = await raw();
    send(init(`Bearer ${anna}`));
    await message('connection_ack');
    for (let i = 1; i <= 10; i++) {
      send(subscription(String(i)));
      await message('next', String(i));
    }
    send(subscription('11'));
    expect(codeOf(await message('error', '11'))).toBe('TOO_MANY_SUBSCRIPTIONS');
    send({ type: 'complete', id: '3' });
    await sleep(50);
    send(subscription('12'));
    await message('next', '12');
  });

  test('the number of anonymous websockets is limited per address', async () => {
    const from = (address: string) =>
      raw(proxied, { headers: { 'x-forwarded-for': address, 'x-forwarded-host': 'pfa.example.com' } });
    const idle = await Promise.all(Array.from({ length: 50 }, (_, i) => from(`2001:db8:5:5::${i + 1}`)));
    expect(idle.map(({ told }) => told.status)).toEqual(idle.map(() => undefined));
    const refused = await from('2001:db8:5:5:ffff::1');
    expect(refused.told.status).toBe(429);
    expect(refused.told.refused).toContain('TOO_MANY_SUBSCRIPTIONS');
    expect((await from('2001:db8:5:6::1')).told.status).toBeUndefined();
    // A signed-in websocket no longer counts.
    const { send, message } = idle[0]!;
    send(init(`Bearer ${await proxied.token('anna')}`));
    await message('connection_ack');
    expect((await from('2001:db8:5:5::1')).told.status).toBeUndefined();
  });

  test('repeated subscribing and closing causes no more concurrent queries than that', async () => {
    const { send, message, told } = await raw();
    send(init(`Bearer ${anna}`));
    await message('connection_ack');
    for (let i = 0; i < 200; i++) {
      send(subscription(`s${i}`));
      send({ type: 'complete', id: `s${i}` });
    }
    await sleep(300);
    send(subscription('last'));
    await message('next', 'last');
    expect(told.closed).toBeUndefined();
    await db.owner.query('select');
  });

  test('the number of websockets and subscriptions is limited per user', async () => {
    const username = `many${++people}`;
    await makePerson(db, username, [[org, 'member']]);
    const token = await api.token(username);
    const mine = [];
    for (let i = 0; i < 20; i++) {
      const one = await raw();
      one.send(init(`Bearer ${token}`));
      await one.message('connection_ack');
      mine.push(one);
    }
    const more = await raw();
    more.send(init(`Bearer ${token}`));
    expect(await more.closed()).toMatchObject({
      code: 1013,
      reason: expect.stringContaining('TOO_MANY_SUBSCRIPTIONS') as string,
    });
    for (const [i, one] of mine.entries()) {
      if (i < 5) for (let k = 0; k < 10; k++) one.send(subscription(String(k)));
      if (i < 5) await one.message('next', '9');
    }
    mine[5]!.send(subscription('1'));
    expect(codeOf(await mine[5]!.message('error', '1'))).toBe('TOO_MANY_SUBSCRIPTIONS');
    await listener();
    for (const one of mine) one.socket.terminate();
    await until('room', async () => {
      const again = await raw();
      again.send(init(`Bearer ${token}`));
      return again.message('connection_ack').catch(() => false);
    });
  });
});

describe('rights are checked at each event', () => {
  const lost: [string, string, (who: { id: number; username: string; token: string }) => Promise<unknown>][] =
    [
      [
        'the membership taken away',
        'FORBIDDEN',
        ({ id }) => db.owner.query('delete from app_public.user_organizations where user_id = $1', [id]),
      ],
      [
        'the user switched off',
        'UNAUTHENTICATED',
        ({ id }) => db.owner.query('update app_public.users set is_active = false where id = $1', [id]),
      ],
      [
        'the user deleted',
        'UNAUTHENTICATED',
        ({ id }) => db.owner.query('delete from app_public.users where id = $1', [id]),
      ],
      [
        'signed out everywhere',
        'UNAUTHENTICATED',
        ({ id }) => db.owner.query('select app_private.end_all_sessions($1)', [id]),
      ],
      [
        'a session that nobody refreshed in time',
        'UNAUTHENTICATED',
        ({ id }) =>
          db.owner.query(
            "update app_private.refresh_tokens t set expires_at = now() - interval '1 second' from app_private.sessions s where s.id = t.session_id and s.user_id = $1",
            [id],
          ),
      ],
      [
        'the organization switched off',
        'FORBIDDEN',
        () => db.owner.query('update app_public.organizations set is_active = false where id = $1', [org.id]),
      ],
    ];
  afterEach(() =>
    db.owner.query('update app_public.organizations set is_active = true where id = $1', [org.id]),
  );

  test.each(lost)(
    '%s: the subscription ends at the next event, which is not sent',
    async (_what, code, lose) => {
      const calm = await quietApi();
      const who = await listener('member', calm);
      await happen();
      await who.listening.records('a');
      const before = who.listening.events.length;
      await lose(who);
      await happen('b');
      expect(await who.listening.failure()).toBe(code);
      expect(who.listening.events).toHaveLength(before);
    },
  );

  test.each(lost)(
    '%s: the subscription ends within the heartbeat, without any event',
    async (_what, code, lose) => {
      const who = await listener();
      await lose(who);
      expect(await who.listening.failure()).toBe(code);
      expect(who.listening.events.map((e) => e.kind)).toEqual(['READY']);
    },
  );

  test('an administrator who becomes a user, and a member who becomes a viewer', async () => {
    const id = await makePerson(db, 'boss', [], 'admin');
    const boss = await watch(api, await api.token('boss'), org.id);
    await db.owner.query("update app_public.users set role = 'user' where id = $1", [id]);
    expect(await boss.failure()).toBe('FORBIDDEN');
    const member = await listener();
    await db.owner.query("update app_public.user_organizations set role = 'viewer' where user_id = $1", [
      member.id,
    ]);
    await happen();
    // A user who may still read still receives events.
    expect(await member.listening.records('a')).toEqual(['a']);
  });

  test('a new password that must be changed, in production', async () => {
    const who = await listener('member', proxied);
    await setPassword(db, who.id, undefined, true);
    const again = await proxied.token(who.username);
    expect(again).toBeTruthy();
    await happen();
    expect(await who.listening.failure()).toMatch(/PASSWORD_CHANGE_REQUIRED|UNAUTHENTICATED/);
  });

  test('a subscription outlives its access token; a new subscription needs no new one', async () => {
    const client = openClient(api, anna);
    const first = await watch(api, anna, org.id, undefined, client);
    // Ten minutes later the server has not checked the token again.
    await happen();
    await first.records('a');
    await watch(api, anna, org.id, ['b'], client);
  });

  test('a websocket does not outlive its session: new subscriptions are refused', async () => {
    await makePerson(db, 'leaver', [[org, 'member']]);
    const { body } = await api.login('leaver');
    const { send, message } = await raw();
    send(init(`Bearer ${body.token}`));
    await message('connection_ack');
    await db.owner.query('select app_private.end_all_sessions($1)', [body.user.id]);
    send(subscription('1'));
    expect(codeOf(await message('error', '1'))).toBe('UNAUTHENTICATED');
  });
});

let calm: Api | undefined;
/** A server that checks rights only at events. */
async function quietApi(): Promise<Api> {
  return (calm ??= await testApi(db, { realtime: { together: 30, heartbeat: 3_600_000 } }));
}

describe('slow and dead clients', () => {
  test('a client that does not read is asked to catch up, and uses no memory', async () => {
    const { socket, send, message, told } = await raw(await quietApi());
    send(init(`Bearer ${anna}`));
    await message('connection_ack');
    send(subscription('1'));
    await message('next', '1');
    const kinds = () =>
      told.messages.flatMap(
        (m) =>
          (
            m.payload as {
              data?: { organizationEvents: { kind: string; records: { recordId: string }[] | null } };
            }
          )?.data?.organizationEvents ?? [],
      );
    // Sends wide events until the network buffers are full, and many more.
    socket.pause();
    const ids = Array.from({ length: 1000 }, (_, i) => `${'x'.repeat(90)}${i}`);
    const told1000 = () =>
      db.owner.query(
        `insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions)
        select $1, 'records', 0, $2::text[], array_fill(1::bigint, array[1000])`,
        [org.id, ids],
      );
    for (let i = 0; i < 150; i++) {
      await told1000();
      await sleep(35);
    }
    socket.resume();
    await until('a resync', () => kinds().some(({ kind }) => kind === 'RESYNC'), 10);
    const heard = kinds().filter(({ kind }) => kind === 'RECORDS').length;
    expect(heard).toBeGreaterThan(0);
    expect(heard).toBeLessThan(140);
    // The subscription continues.
    await sleep(200);
    await happen('b');
    await until('what comes after', () =>
      kinds().some(({ records }) => records?.some(({ recordId }) => recordId === 'b')),
    );
  });

  test('a client that does not answer pings is disconnected, and its subscriptions end', async () => {
    const { socket, send, message, closed } = await raw();
    send(init(`Bearer ${anna}`));
    await message('connection_ack');
    socket.pong = () => undefined;
    // The library answers pings unless the socket is paused.
    (socket as unknown as { _autoPong: boolean })._autoPong = false;
    expect((await closed()).code).toBe(1006);
  });
});

test('a stopping server closes websockets without waiting for clients', async () => {
  const server = await startServer({
    authenticatorUrl: db.urls.authenticator,
    encryptionKeys,
    host: '127.0.0.1',
    port: 0,
    production: false,
    introspection: true,
    logLevel: 'silent',
  });
  const at = { ...api, url: `http://127.0.0.1:${server.port}` };
  const polite = await raw(at);
  polite.send(init(`Bearer ${anna}`));
  await polite.message('connection_ack');
  polite.send(subscription('1'));
  await polite.message('next', '1');
  // A client that never responds.
  const rude = await raw(at);
  rude.socket.pause();
  const began = performance.now();
  await server.stop();
  expect(performance.now() - began).toBeLessThan(5000);
  expect(await polite.closed()).toEqual({ code: 1001, reason: 'The server is stopping.' });
  const { rows } = await db.owner.query(
    "select from pg_stat_activity where datname = current_database() and application_name = 'vanguard events'",
  );
  // Websockets to the other servers of this file.
  expect(rows.length).toBe(calm ? 3 : 2);
});

test('a commit over HTTP reaches the websocket of another user, in production, behind a proxy', async () => {
  await makePerson(db, 'carla', [[org, 'member']]);
  const carla = await watch(proxied, await proxied.token('carla'), org.id);
  await db.asUser(annasId, (client) => commitChange(client, org, 'a', { category: 'New' }), { commit: true });
  expect(await carla.records('a')).toEqual(['a']);
});
