import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloseCode, handleProtocols, makeServer, type ServerOptions } from 'graphql-ws';
import type pg from 'pg';
import type { Logger } from 'pino';
import { isAsyncIterable, type subscribe } from 'postgraphile/grafast';
import {
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  type ExecutionArgs,
  type ExecutionResult,
} from 'postgraphile/graphql';
import { makeGraphQLWSConfig, type GrafservBase } from 'postgraphile/grafserv';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Metrics } from '../admin/metrics.ts';
import { identify, type Session } from '../auth/identity.ts';
import type { Tokens } from '../auth/tokens.ts';
import { VanguardError } from '../errors.ts';
import { maskErrors, presentable } from '../graphql/preset.ts';
import type { Subscriber } from '../graphql/subscriptions.ts';
import { parseJson } from '../http/body.ts';
import { hostNotAllowed, type HostCheck } from '../http/hosts.ts';
import type { OriginCheck } from '../http/origin.ts';
import { refusal } from '../sqlstates.ts';
import type { Hub, Interest } from './hub.ts';

/** Limits of websockets. */
const socketLimits = {
  /** Websockets of this process, of one user, and of clients that have not signed in yet. */
  sockets: 5000,
  ofUser: 20,
  unknown: 500,
  /** Websockets from one address that have not signed in yet. */
  unknownOfAddress: 50,
  /** Subscriptions of one websocket, open and still opening. */
  subscriptions: 10,
  opening: 10,
  /** Maximum size of a message, in bytes: a query and the ids in its variables. */
  message: 256 * 1024,
  /** Maximum unread output for a client that goes on sending, in bytes. */
  unread: 1024 * 1024,
} as const;

/** Times in milliseconds. */
export interface SocketTimes {
  /** Deadline for a client to sign in. */
  signIn: number;
  /** Ping interval; a client that misses one is disconnected at the next. */
  ping: number;
  /** Grace period of clients when the server stops. */
  farewell: number;
}

export const socketTimes: SocketTimes = { signIn: 5_000, ping: 15_000, farewell: 1_000 };

/** State of a websocket. */
interface Peer {
  session: Session | undefined;
  address: string;
  opening: number;
  isThere: boolean;
  openedAt: number;
}

/** The websockets of a server. */
export interface Sockets {
  /** Returns the subscriber behind a websocket for another operation, for the context of GraphQL. */
  findSubscriber: (socket: object) => Subscriber | undefined;
  /** Starts accepting websockets. */
  attach(server: Server, graphql: GrafservBase): void;
  /** Closes all websockets and accepts no more. */
  close(): Promise<void>;
}

/** Serves subscriptions over websockets at /graphql, and limits their number and size. */
export function createSockets({
  hub,
  pool,
  tokens,
  production,
  introspection,
  isOwn,
  isAllowedHost,
  addressOf,
  logger,
  metrics,
  times = socketTimes,
}: {
  hub: Hub;
  pool: pg.Pool;
  tokens: Tokens;
  production: boolean;
  introspection: boolean;
  isOwn: OriginCheck;
  isAllowedHost: HostCheck;
  /** Returns the address under which a client is counted. */
  addressOf: (request: IncomingMessage) => string;
  logger: Logger;
  metrics?: Metrics;
  times?: SocketTimes;
}): Sockets {
  const peers = new Map<WebSocket, Peer>();
  const connections = new Set<Duplex>();
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: socketLimits.message,
    handleProtocols,
    // Compression costs memory per websocket, and events are short.
    perMessageDeflate: false,
  });
  const mask = maskErrors(logger);
  let isClosing = false;

  const ofUser = (userId: number) =>
    [...peers.values()].filter((peer) => peer.session?.userId === userId).length;
  metrics?.watchRealtime(() => ({ sockets: peers.size, subscriptions: hub.subscriptions() }));

  /** Returns why a websocket must not be opened. */
  function findObstacle(request: IncomingMessage): VanguardError | undefined {
    // The URL is not parsed: it need not be a valid path.
    if (request.url?.split('?')[0] !== '/graphql') {
      return new VanguardError('NOT_FOUND', 'This path has no websocket.', { hint: 'Connect to /graphql.' });
    }
    if (!isAllowedHost(request)) return hostNotAllowed();
    if (!isOwn(request)) {
      return new VanguardError('FORBIDDEN', 'Pages of this origin cannot open a websocket here.', {
        hint: 'Ask the operator of the server to add the origin to CORS_ORIGINS.',
      });
    }
    const unknown = [...peers.values()].filter((peer) => !peer.session);
    const from = addressOf(request);
    if (unknown.filter(({ address }) => address === from).length >= socketLimits.unknownOfAddress) {
      return new VanguardError(
        'TOO_MANY_SUBSCRIPTIONS',
        'Your address has too many open websockets that have not signed in.',
        { hint: 'Sign in on each websocket within a few seconds.', retryAfter: 5 },
      );
    }
    if (isClosing || peers.size >= socketLimits.sockets || unknown.length >= socketLimits.unknown) {
      return new VanguardError(
        'TOO_MANY_SUBSCRIPTIONS',
        'The server accepts no more websockets at the moment.',
        {
          hint: 'Try again in a few seconds.',
          retryAfter: 5,
        },
      );
    }
    return undefined;
  }

  async function signIn(
    { connectionParams }: { connectionParams?: Record<string, unknown> | undefined },
    request: IncomingMessage,
    peer: Peer,
  ): Promise<void> {
    const given = Object.entries(connectionParams ?? {}).find(
      ([name]) => name.toLowerCase() === 'authorization',
    );
    const header = given ? given[1] : request.headers.authorization;
    const [, token] = /^Bearer +(\S+) *$/i.exec(typeof header === 'string' ? header : '') ?? [];
    if (!token) {
      throw new VanguardError('UNAUTHENTICATED', 'There is no bearer token.', {
        hint: 'Send {authorization: "Bearer TOKEN"} when connecting.',
      });
    }
    const session = await tokens.verify(token);
    const { mustChangePassword } = await identify(pool, session);
    if (production && mustChangePassword) {
      throw new VanguardError('PASSWORD_CHANGE_REQUIRED', 'You must change your password first.');
    }
    if (ofUser(session.userId) >= socketLimits.ofUser) {
      throw new VanguardError('TOO_MANY_SUBSCRIPTIONS', `You have ${socketLimits.ofUser} open websockets.`);
    }
    peer.session = session;
  }

  function attach(http: Server, graphql: GrafservBase): void {
    const config = makeGraphQLWSConfig(graphql) as Required<
      Pick<ServerOptions<never, Extra>, 'onSubscribe' | 'subscribe'>
    >;
    const protocol = makeServer<never, Extra>({
      connectionInitWaitTimeout: times.signIn,
      async onConnect(context) {
        const { socket, request, peer } = context.extra;
        try {
          await signIn(context, request, peer);
          return true;
        } catch (error) {
          const { status, code, message } = refusal(error);
          if (status >= 500) logger.error({ err: error }, 'could not sign a websocket in');
          socket.close(closeCodes[status] ?? CloseCode.InternalServerError, reason(code, message));
          return false;
        }
      },
      async onSubscribe(context, id, payload) {
        const { peer } = context.extra;
        if (
          Object.keys(context.subscriptions).length > socketLimits.subscriptions ||
          peer.opening >= socketLimits.opening
        ) {
          return [
            coded(
              'TOO_MANY_SUBSCRIPTIONS',
              `A websocket can have at most ${socketLimits.subscriptions} subscriptions. Close some first.`,
            ),
          ];
        }
        peer.opening++;
        try {
          const args = await config.onSubscribe(context, id, payload);
          if (!args || !('document' in args)) return args;
          const operation = getOperationAST(args.document, args.operationName)?.operation;
          return operation === OperationTypeNode.SUBSCRIPTION || operation === undefined
            ? args
            : [
                coded(
                  'INVALID_QUERY',
                  'A websocket serves subscriptions only. Send the operation to POST /graphql.',
                ),
              ];
        } finally {
          peer.opening--;
        }
      },
      async subscribe(args) {
        const operation = args as unknown as Operation;
        const { socket } = operation.requestContext.ws;
        const peer = socket && peers.get(socket);
        if (peer) peer.opening++;
        try {
          const result = await operation.subscribe(operation);
          return isAsyncIterable(result)
            ? asRead(result as AsyncGenerator<ExecutionResult>, operation.contextValue.subscriber)
            : refused(result.errors ?? []);
        } finally {
          if (peer) peer.opening--;
        }
      },
      onError(_context, _id, _payload, errors) {
        const [first] = errors;
        const all = first?.originalError instanceof Refused ? first.originalError.errors : errors;
        return presentable(
          all.map((error) => mask(error).toJSON()),
          introspection,
        );
      },
      onNext(_context, _id, _payload, _args, result) {
        return result.errors ? { ...result, errors: result.errors.map(mask) } : undefined;
      },
    });

    const open = (socket: WebSocket, request: IncomingMessage) => {
      const peer: Peer = {
        ...{ session: undefined, address: addressOf(request) },
        ...{ opening: 0, isThere: true, openedAt: performance.now() },
      };
      peers.set(socket, peer);
      const closed = protocol.opened(
        {
          protocol: socket.protocol,
          send: (data) =>
            new Promise((resolve, reject) => {
              if (socket.readyState !== socket.OPEN) return resolve();
              socket.send(data, (error) => (error ? reject(error) : resolve()));
            }),
          close: (code, why) => socket.close(code, why),
          onMessage: (read) => {
            socket.on('message', (data: Buffer) => {
              if (isTooSlow(socket)) return;
              try {
                parseJson(data);
              } catch (error) {
                const { code, message } = refusal(error);
                return socket.close(CloseCode.BadRequest, reason(code, message));
              }
              read(data.toString()).catch((error: Error) => {
                // A client that disconnected in between is no failure.
                if (socket.readyState !== socket.OPEN) return;
                logger.error({ err: error }, 'could not answer a websocket message');
                socket.close(CloseCode.InternalServerError, 'INTERNAL');
              });
            });
          },
        },
        { socket, request, peer },
      );
      socket.on('pong', () => (peer.isThere = true));
      socket.on('ping', () => isTooSlow(socket));
      // The message is at fault, for example its size; the library closes the websocket with the matching code.
      socket.on('error', (error) => logger.debug({ error: error.message }, 'a websocket broke'));
      socket.once('close', (code) => {
        peers.delete(socket);
        logger.info(
          { userId: peer.session?.userId, code, milliseconds: Math.round(performance.now() - peer.openedAt) },
          'websocket closed',
        );
        void closed(code, '');
      });
    };

    http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // The HTTP server no longer tracks the socket, and would wait for it when it stops.
      connections.add(socket);
      socket.once('close', () => connections.delete(socket));
      socket.on('error', () => socket.destroy());
      const obstacle = findObstacle(request);
      if (obstacle) refuseHandshake(socket, obstacle);
      else server.handleUpgrade(request, socket, head, (opened) => open(opened, request));
    });
  }

  /** Disconnects a client that keeps sending and does not read the responses. */
  function isTooSlow(socket: WebSocket): boolean {
    const isSlow = socket.bufferedAmount > socketLimits.unread;
    if (isSlow) socket.terminate();
    return isSlow;
  }

  const pings = setInterval(() => {
    for (const [socket, peer] of peers) {
      if (!peer.isThere) socket.terminate();
      peer.isThere = false;
      if (socket.readyState === socket.OPEN) socket.ping();
    }
  }, times.ping);
  pings.unref();

  return {
    attach,
    findSubscriber: (socket) => {
      const session = peers.get(socket as WebSocket)?.session;
      if (!session) return undefined;
      const subscriber: Subscriber = {
        subscription: undefined,
        subscribe: async (interest) => {
          subscriber.subscription = await hub.subscribe(session, JSON.parse(interest) as Interest);
          return subscriber.subscription;
        },
      };
      return subscriber;
    },
    close: async () => {
      isClosing = true;
      clearInterval(pings);
      await hub.close();
      for (const socket of peers.keys()) socket.close(1001, 'The server is stopping.');
      const gone = [...connections].map(
        (socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
      );
      const timer = setTimeout(() => {
        for (const socket of connections) socket.destroy();
      }, times.farewell);
      await Promise.all(gone);
      clearTimeout(timer);
    },
  };
}

interface Extra {
  socket: WebSocket;
  request: IncomingMessage;
  peer: Peer;
}

/** State passed from one step of an operation to the next. */
interface Operation extends ExecutionArgs {
  subscribe: typeof subscribe;
  contextValue: Grafast.Context;
  requestContext: Pick<Grafast.RequestContext, 'ws'>;
}

/** Reason for refusing an operation before its first event. */
class Refused extends Error {
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super('The server refused the operation.');
    this.errors = errors;
  }
}

/** Returns a stream that ends immediately, so that every refusal is one message of the protocol. */
async function* refused(errors: readonly GraphQLError[]): AsyncGenerator<never> {
  yield* [];
  throw await Promise.resolve(new Refused(errors));
}

/** Yields the events of an operation, one by one as the client reads them. */
function asRead(
  results: AsyncGenerator<ExecutionResult>,
  subscriber: Subscriber | null,
): AsyncGenerator<ExecutionResult> {
  const failure = () => subscriber?.subscription?.failure;
  let isOver = false;
  return {
    next: async () => {
      if (isOver) return { done: true, value: undefined };
      subscriber?.subscription?.allow();
      try {
        const result = await results.next();
        // The final error may be lost while an event was being sent to the client.
        const cause = failure();
        if (result.done && cause) throw cause;
        isOver = result.done ?? false;
        return result;
      } catch (error) {
        isOver = true;
        throw failure() ?? error;
      }
    },
    return: async (value: undefined) => {
      isOver = true;
      return results.return(value);
    },
    throw: async (error: unknown) => {
      isOver = true;
      return results.throw(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await results.return(undefined);
    },
  };
}

const coded = (code: string, message: string) => new GraphQLError(message, { extensions: { code } });

/** Close codes by HTTP status. */
const closeCodes: Readonly<Record<number, number>> = {
  400: CloseCode.BadRequest,
  401: CloseCode.Unauthorized,
  403: CloseCode.Forbidden,
  429: 1013,
  503: 1013,
};

/** A close reason has at most 123 bytes. */
const reason = (code: string, message: string) => {
  let text = `${code}: ${message}`;
  while (Buffer.byteLength(text) > 123) text = text.slice(0, -1);
  return text;
};

/** Refuses a websocket upgrade with an ordinary HTTP response. */
function refuseHandshake(socket: Duplex, error: VanguardError): void {
  const { status, code, message, retryAfter } = refusal(error);
  const body = JSON.stringify({ error: { code, message } });
  socket.once('finish', () => socket.destroy());
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'X-Content-Type-Options: nosniff',
      ...(retryAfter === undefined ? [] : [`Retry-After: ${retryAfter}`]),
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
