/**
 * The counterpart of the GraphQL API: the plainest hand-written server for one page of records. It checks the token,
 * looks up the session, sets the visitor role in a transaction, and sends the rows as JSON with the same headers. It
 * ends with the process that started it.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import pg from 'pg';
import { pino } from 'pino';
import { openSigningKeys } from '../src/auth/keys.ts';
import { createTokens } from '../src/auth/tokens.ts';
import { createVault } from '../src/encryption.ts';
import { securityHeaders } from '../src/http/headers.ts';

const pool = new pg.Pool({ connectionString: process.env.AUTHENTICATOR_DATABASE_URL, max: 20 });
const vault = createVault(process.env.VANGUARD_ENCRYPTION_KEYS!);
const tokens = createTokens(await openSigningKeys(pool, vault, pino({ level: 'silent' })));

const claimsOf = {
  name: 'claims',
  text: `select 'vanguard_visitor' as role, $2::text as "jwt.claims.user_id",
    organization_ids::text as "jwt.claims.organization_ids",
    writable_organization_ids::text as "jwt.claims.writable_organization_ids",
    administered_organization_ids::text as "jwt.claims.administered_organization_ids",
    is_administrator::text as "jwt.claims.is_administrator", plan_cache_mode
    from app_private.session_claims($1, $2)`,
};
const settings = {
  name: 'settings',
  text: 'select set_config(key, value, true) from json_each_text($1::json)',
};
const pageOf = {
  name: 'page',
  text: `select pfa_id as "pfaId", revision, has_draft as "hasDraft", is_pending as "isPending",
    area_silo as "areaSilo", category, class, source, dor, contract,
    forecast_start::text as "forecastStart", forecast_end::text as "forecastEnd",
    monthly_rate::text as "monthlyRate", plan_cost::text as "planCost", forecast_cost::text as "forecastCost",
    variance::text as variance
    from app_public.pfa_record
    where organization_id = (select id from app_public.organizations where code = $1) and category = $2 and source = $3
    order by forecast_start, pfa_id limit 101`,
};

const app = express();
app.disable('x-powered-by');
app.set('etag', false);
app.use(securityHeaders({ production: true }), express.json());
app.post('/page', async (request, response) => {
  const [, token = ''] = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '') ?? [];
  const { sessionId, userId } = await tokens.verify(token);
  const claims = await pool.query<Record<string, string>>({ ...claimsOf, values: [sessionId, userId] });
  if (claims.rowCount === 0) return void response.status(401).end();
  const { code, category, source } = request.body as Record<string, string>;
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query({ ...settings, values: [JSON.stringify(claims.rows[0])] });
    const { rows } = await client.query<{ pfaId: string; forecastStart: string | null }>({
      ...{ ...pageOf, values: [code, category, source] },
    });
    await client.query('commit');
    const nodes = rows.slice(0, 100);
    const last = nodes.at(-1);
    response.json({
      nodes,
      pageInfo: {
        hasNextPage: rows.length > 100,
        endCursor:
          last && Buffer.from(JSON.stringify([last.forecastStart, last.pfaId])).toString('base64url'),
      },
    });
  } finally {
    client.release();
  }
});

const server = createServer(app).listen(0, '127.0.0.1', () =>
  process.send!({
    type: 'ready',
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
  }),
);
process.on('disconnect', () => process.exit());
process.on('SIGTERM', () => process.exit());
