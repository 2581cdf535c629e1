/** The port of the services: sign-in, rate limit, choice of the service, and faults. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Alert, alertBody, type Answer } from './answer.ts';
import type { Faults, RequestInfo } from './faults.ts';
import { fieldOf } from './fields.ts';
import { asksLocalized, findPage, organizationAsked, writePage } from './griddata.ts';
import { readBody } from './http.ts';
import { listNames, serveList, type ListName } from './lists.ts';
import { readScreenRequest, serveScreen, type Interference, type ScreenRequest } from './screen.ts';
import { spoilHeader, spoilPage } from './spoil.ts';
import type { Store } from './store.ts';
import type { Texts } from './texts.ts';
import type { Tenants, Tenant } from './tenants.ts';
import { fromPlain } from './values.ts';

/** Path of all services. */
export const basePath = '/axis/restservices';

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** Alternative to user and password, in the header X-Api-Key. */
  readonly apiKey: string;
  readonly tenant: string;
  /** Organization of the login; a strict tenant accepts no other one in the header. */
  readonly organization: string;
}

export interface ServiceOptions {
  readonly store: Store;
  readonly faults: Faults;
  readonly tenants: Tenants;
  readonly texts: Texts;
  readonly credentials: Credentials;
  readonly latencyMs: number;
  readonly requestsPerSecond: number;
  readonly log: (message: string, details: Record<string, unknown>) => void;
}

/** Thrown if a fault leaves the client without a response. */
class NoAnswer extends Error {
  readonly how: 'close' | 'hang';

  constructor(how: 'close' | 'hang') {
    super(how);
    this.how = how;
  }
}

/** Services that accept POST. Both addresses of a grid respond in the requested shape. */
const services: readonly string[] = ['griddata', 'grids', 'userdefinedscreenservices'];

/** Token bucket: admits this many requests a second on average, and as many at once after a pause. */
class RateLimit {
  private readonly perSecond: number;
  private tokens: number;
  private last = performance.now();

  constructor(perSecond: number) {
    this.perSecond = perSecond;
    this.tokens = perSecond;
  }

  /** Returns the seconds to wait, or 0 if the request is admitted. */
  wait(): number {
    if (this.perSecond === 0) return 0;
    const now = performance.now();
    this.tokens = Math.min(this.perSecond, this.tokens + ((now - this.last) / 1000) * this.perSecond);
    this.last = now;
    if (this.tokens < 1) return (1 - this.tokens) / this.perSecond;
    this.tokens -= 1;
    return 0;
  }
}

function same(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}

export class Service {
  readonly requests = { served: 0, limited: 0 };
  private readonly options: ServiceOptions;
  private readonly limit: RateLimit;
  private readonly late = new Set<NodeJS.Timeout>();

  constructor(options: ServiceOptions) {
    this.options = options;
    this.limit = new RateLimit(options.requestsPerSecond);
  }

  /** Discards late writes. */
  stop(): void {
    for (const timer of this.late) clearTimeout(timer);
    this.late.clear();
  }

  /** Serves one request. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = performance.now();
    const wait = this.limit.wait();
    let info: RequestInfo | undefined;
    const tenant = this.options.tenants.get(String(request.headers.tenant)) ?? this.options.tenants.first;
    try {
      let answer: Answer;
      try {
        if (wait > 0) {
          this.requests.limited++;
          request.resume();
          throw new TooMany(wait);
        }
        this.requests.served++;
        const reading = await this.read(request, tenant);
        info = reading.info;
        answer = await this.answer(reading, info, tenant);
      } catch (error) {
        if (!(error instanceof Alert)) throw error;
        answer = error.answer(tenant);
      }
      await this.send(answer, info, response);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (error.how === 'hang') await this.untilGone(response);
      response.destroy();
    } finally {
      const took = Math.round(performance.now() - started);
      this.options.log('request', { ...info, path: request.url, status: response.statusCode, ms: took });
    }
  }

  /** Checks the headers, reads the body, and identifies the request. */
  private async read(request: IncomingMessage, tenant: Tenant): Promise<Reading> {
    const url = new URL(request.url ?? '/', 'http://pems');
    const body = request.method === 'POST' ? await readLimited(request) : Buffer.alloc(0);
    const user = this.authorize(request);
    const organization = this.checkedOrganization(request, tenant);
    const path = url.pathname.startsWith(`${basePath}/`) ? url.pathname.slice(basePath.length + 1) : '';
    const list = listNames.find((name) => name === path);
    if (request.method === 'GET' && list) {
      return { what: 'list', list, query: url.searchParams, user, info: { service: 'list', organization } };
    }
    if (request.method !== 'POST' || !services.includes(path)) {
      throw new Alert('UNKNOWN_SERVICE', `${request.method ?? ''} ${url.pathname} does not exist`, 404);
    }
    let json: unknown;
    try {
      json = JSON.parse(body.toString('utf8'));
    } catch {
      throw new Alert('INVALID_REQUEST', 'The request is not JSON', 400);
    }
    if (path !== 'userdefinedscreenservices') {
      const info = { service: 'grid', organization: organizationAsked(json) ?? organization } as const;
      return { what: 'grid', body: json, user, info };
    }
    const screen = readScreenRequest(json, tenant);
    const { action, id } = screen;
    return {
      what: 'screen',
      screen,
      user,
      info: { service: 'screen', action, organization: screen.organization, id },
    };
  }

  /**
   * Checks Authorization (Basic, or X-Api-Key): 401; a missing tenant: 400, a wrong one: 403. Returns the name of the
   * user.
   */
  private authorize(request: IncomingMessage): string {
    const { credentials } = this.options;
    const { authorization, 'x-api-key': apiKey, tenant } = request.headers;
    const denied = (message: string): Alert => new Alert('AUTHENTICATION_FAILED', message, 401);
    if (authorization === undefined && apiKey === undefined) throw denied('Authorization is required');
    if (authorization !== undefined) {
      const basic = /^Basic\s+(\S+)$/i.exec(authorization)?.[1] ?? '';
      const given = Buffer.from(basic, 'base64').toString('utf8');
      if (!same(given, `${credentials.username}:${credentials.password}`))
        throw denied('User or password is not valid');
    } else if (!same(String(apiKey), credentials.apiKey)) throw denied('The API key is not valid');
    if (tenant === undefined) throw new Alert('TENANT_REQUIRED', 'The header tenant is required', 400);
    if (!this.options.tenants.get(String(tenant))) {
      throw new Alert('TENANT_DENIED', `Tenant ${String(tenant)} is not open to this user`, 403);
    }
    return credentials.username;
  }

  /**
   * Checks the header `organization`: missing 400, unknown 403; `*` means all. It does not filter; only filters do. A
   * strict tenant accepts only the organization of the login.
   */
  private checkedOrganization(request: IncomingMessage, { isStrict }: Tenant): string {
    const { organization } = request.headers;
    if (organization === undefined) {
      throw new Alert('ORGANIZATION_REQUIRED', 'The header organization is required', 400);
    }
    const code = String(organization);
    if (isStrict && code !== this.options.credentials.organization) {
      throw new Alert('ORGANIZATION_DENIED', `Organization ${code} is not that of this login`, 403);
    }
    if (code !== '*' && !this.options.store.organizations.has(code)) {
      throw new Alert('ORGANIZATION_DENIED', `Organization ${code} is not open to this user`, 403);
    }
    return code;
  }

  private async answer(reading: Reading, info: RequestInfo, tenant: Tenant): Promise<Answer> {
    const { faults, latencyMs, store, texts } = this.options;
    const wait = latencyMs + (faults.hit('latency', info)?.ms ?? 0);
    if (wait > 0) await this.pause(wait);
    if (faults.hit('hang', info)) throw new NoAnswer('hang');
    if (faults.hit('bad-credentials', info)) {
      throw new Alert('AUTHENTICATION_FAILED', 'User or password is not valid', 401);
    }
    const status = faults.hit('status', info);
    if (status) return statusAnswer(status.status, status.retryAfter);
    if (faults.hit('close', info)) throw new NoAnswer('close');
    const alert = faults.hit('error-alert', info);
    if (alert) throw new Alert(alert.name, alert.message);
    switch (reading.what) {
      case 'list':
        return serveList(reading.list, reading.query, store, info.organization, tenant.plain);
      case 'grid': {
        const display = asksLocalized(reading.body) ? tenant.localized : tenant.plain;
        const { page, shape } = findPage(store, reading.body, tenant.plain, tenant.isStrict);
        if (shape === 'head-only') spoilHeader(page, faults, info, display);
        else if (faults.active.length > 0) spoilPage(page, faults, info, store, display);
        return writePage(page, shape, { dialect: tenant, display, texts });
      }
      case 'screen':
        return this.answerScreen(reading.screen, reading.user, info, tenant);
    }
  }

  private async answerScreen(
    screen: ScreenRequest,
    user: string,
    info: RequestInfo,
    tenant: Tenant,
  ): Promise<Answer> {
    const { faults, store } = this.options;
    const run = (fault?: Interference): Promise<Answer> => serveScreen(store, screen, user, tenant, fault);
    const late = faults.hit('apply-late', info);
    if (late) {
      const timer = setTimeout(() => {
        this.late.delete(timer);
        // No client waits for the result, and a refused late write leaves no trace.
        run().catch((error: unknown) =>
          this.options.log('late write refused', { ...info, error: String(error) }),
        );
      }, late.ms);
      this.late.add(timer);
      return unanswered(late.answer);
    }
    const silent = faults.hit('apply-no-answer', info);
    if (silent) {
      // The client does not receive a refusal either.
      await run().catch((error: unknown) =>
        this.options.log('write refused', { ...info, error: String(error) }),
      );
      return unanswered(silent.answer);
    }
    if (faults.hit('drop-write', info)) return run({ kind: 'drop-write' });
    const alter = faults.hit('alter-write', info);
    if (!alter) return run();
    const field = alter.field === undefined ? undefined : fieldOf(alter.field);
    const value = field && alter.value !== undefined ? { value: fromPlain(field, alter.value) } : {};
    return run({ kind: 'alter-write', ...(field ? { field } : {}), ...value });
  }

  private async send(answer: Answer, info: RequestInfo | undefined, response: ServerResponse): Promise<void> {
    const { faults } = this.options;
    let pieces = answer.body.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece));
    let type = 'application/json; charset=utf-8';
    const malformed = info && faults.hit('malformed', info, ({ what }) => what !== 'value');
    if (malformed?.what === 'html') {
      type = 'text/html; charset=utf-8';
      pieces = [Buffer.from('<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>')];
    } else if (malformed) {
      const whole = Buffer.concat(pieces);
      pieces = [whole.subarray(0, Math.floor(whole.length * 0.7))];
    }
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    response.writeHead(malformed ? 200 : answer.status, {
      'content-type': type,
      'content-length': length,
      ...answer.headers,
    });
    if (info && faults.hit('half-body', info)) {
      const half = Buffer.concat(pieces).subarray(0, Math.floor(length / 2));
      // Waits until the half is sent, because otherwise nothing would arrive.
      await new Promise<void>((resolve) => response.write(half, () => resolve()));
      throw new NoAnswer('close');
    }
    for (const piece of pieces) response.write(piece);
    response.end();
  }

  /** Waits this long, or until faults are deleted. */
  private async pause(ms: number): Promise<void> {
    const over = new AbortController();
    const later = delay(ms, undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.race([later, this.options.faults.cleared]);
    over.abort();
  }

  /** Waits until the client disconnects, or faults are deleted. */
  private async untilGone(response: ServerResponse): Promise<void> {
    const left = new Promise<void>((resolve) => response.once('close', () => resolve()));
    if (!response.destroyed) await Promise.race([left, this.options.faults.cleared]);
  }
}

type Reading = { readonly user: string; readonly info: RequestInfo } & (
  | { readonly what: 'list'; readonly list: ListName; readonly query: URLSearchParams }
  | { readonly what: 'grid'; readonly body: unknown }
  | { readonly what: 'screen'; readonly screen: ScreenRequest }
);

class TooMany extends Alert {
  private readonly seconds: number;

  constructor(seconds: number) {
    super('HTTP_429', 'Too many requests', 429);
    this.seconds = seconds;
  }

  override answer(): Answer {
    return statusAnswer(429, Math.max(1, Math.ceil(this.seconds)));
  }
}

function statusAnswer(status: number, retryAfter?: number): Answer {
  const message = status === 429 ? 'Too many requests' : 'The service is not available';
  return {
    status,
    body: [alertBody(`HTTP_${status}`, message)],
    ...(retryAfter === undefined ? {} : { headers: { 'retry-after': String(retryAfter) } }),
  };
}

function unanswered(how: 'close' | 'hang' | 'status'): Answer {
  if (how === 'status') return statusAnswer(504);
  throw new NoAnswer(how);
}

async function readLimited(request: IncomingMessage): Promise<Buffer> {
  try {
    return await readBody(request);
  } catch (error) {
    throw new Alert('INVALID_REQUEST', (error as Error).message, 413);
  }
}
