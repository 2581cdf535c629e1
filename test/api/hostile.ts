import fc from 'fast-check';
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import type { RestRequest } from './server.ts';

// Malicious requests for fuzz tests.

/** A request to any route. */
export interface HostileRequest extends RestRequest {
  method: string;
  path: string;
}

/** Names that a request may contain: rows of the user's own organization and of another one. */
export interface Names {
  ids: number[];
  texts: string[];
  /** By code and by id. */
  organizations: string[];
  revisions: string[];
}

const injections = [
  "'; drop table app_public.organizations; --",
  "' or '1'='1",
  '" or ""="',
  '$$; select pg_sleep(10); $$',
  "\\'; set role vanguard_owner; --",
  "a') union select password_hash from app_private.user_passwords --",
  "{'a'}",
  '{"$ne": null}',
  '__proto__',
  'constructor',
  '../../etc/passwd',
  '%00',
  '%',
  '${7*7}',
  '2025-02-30',
  '0000-00-00',
  '-infinity',
  'NaN',
  '1e309',
  '1e-400',
  '99999999999999999999',
  '-9223372036854775809',
];

/** Texts that have broken other programs. */
const text = ({ texts }: Names): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...texts) },
    { weight: 4, arbitrary: fc.constantFrom(...injections) },
    { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
    { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('\u0000', '\ud800', '\u202e', '\u001b[2J', '\r\nSet-Cookie: a=b', ''),
    },
    { weight: 1, arbitrary: fc.constantFrom(1_000, 30_000).map((length) => 'ü'.repeat(length)) },
  );

const number = ({ ids }: Names): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...ids) },
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(0, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 1e21, 1e300, 5e-324),
  );

/** Any JSON, small or nested deeply. */
const junk = (names: Names): fc.Arbitrary<unknown> =>
  fc.oneof(
    text(names),
    number(names),
    fc.constantFrom(null, true, false, [], {}, [[[]]], { length: 1 }),
    fc.array(fc.oneof(text(names), number(names)), { maxLength: 4 }),
    fc.dictionary(text(names), fc.oneof(text(names), number(names), fc.constant(null)), { maxKeys: 4 }),
    fc.constantFrom(15, 40, 3000).map((depth) => {
      let nested: unknown = 1;
      for (let i = 0; i < depth; i++) nested = i % 2 ? [nested] : { not: nested };
      return nested;
    }),
  );

const oddly = <T>(sensible: fc.Arbitrary<T>, names: Names): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 7, arbitrary: sensible }, { weight: 1, arbitrary: junk(names) });

const keys = [
  'category',
  'forecastStart',
  'forecastEnd',
  'monthlyRate',
  'isDiscontinued',
  'source',
  'pfaId',
  'areaSilo',
];

/** Bodies of the REST routes, by what they are for; each may be anything instead. */
const bodies = (names: Names): Record<string, fc.Arbitrary<unknown>> => {
  const of = (shape: Record<string, fc.Arbitrary<unknown>>) =>
    oddly(fc.record(shape, { requiredKeys: [] }), names);
  return {
    login: of({ username: oddly(text(names), names), password: oddly(text(names), names) }),
    changePassword: of({ currentPassword: text(names), newPassword: text(names) }),
    logout: of({ everywhere: junk(names) }),
    draft: of({
      recordId: oddly(text(names), names),
      changes: oddly(
        fc.dictionary(fc.oneof(fc.constantFrom(...keys), text(names)), junk(names), { maxKeys: 3 }),
        names,
      ),
      revision: oddly(fc.oneof(fc.constantFrom(...names.revisions), number(names)), names),
    }),
    batch: of({
      items: oddly(
        fc.array(
          of({
            recordId: oddly(text(names), names),
            changes: oddly(fc.dictionary(fc.constantFrom(...keys), junk(names), { maxKeys: 3 }), names),
            revision: oddly(fc.constantFrom(...names.revisions), names),
          }),
          { maxLength: 4 },
        ),
        names,
      ),
    }),
    commit: of({
      recordIds: oddly(fc.array(oddly(text(names), names), { maxLength: 5 }), names),
      filter: oddly(
        fc.dictionary(
          fc.constantFrom('category', 'hasDraft', 'forecastStart', 'and', 'not', ...keys),
          fc.oneof(
            fc.dictionary(fc.constantFrom('equalTo', 'in', 'isNull', 'lessThan'), junk(names), {
              maxKeys: 2,
            }),
            junk(names),
          ),
          { maxKeys: 3 },
        ),
        names,
      ),
      search: oddly(text(names), names),
      comment: oddly(text(names), names),
    }),
    discard: of({
      recordIds: oddly(fc.array(oddly(text(names), names), { maxLength: 5 }), names),
      keys: oddly(fc.array(fc.constantFrom(...keys), { maxLength: 3 }), names),
    }),
    trigger: of({ organization: oddly(fc.oneof(text(names), number(names)), names) }),
  };
};

/** Every REST route: method, path (`:org` is filled in), and which body it takes. */
const restRoutes: readonly (readonly [method: string, path: string, body?: string])[] = [
  ['POST', '/api/auth/login', 'login'],
  ['POST', '/api/auth/refresh', 'logout'],
  ['POST', '/api/auth/logout', 'logout'],
  ['POST', '/api/auth/change-password', 'changePassword'],
  ['GET', '/.well-known/jwks.json'],
  ['GET', '/api/health'],
  ['GET', '/api/ready'],
  ['GET', '/api/pfa/:org'],
  ['POST', '/api/pfa/:org/draft', 'draft'],
  ['POST', '/api/pfa/:org/draft/batch', 'batch'],
  ['POST', '/api/pfa/:org/commit', 'commit'],
  ['POST', '/api/pfa/:org/discard', 'discard'],
  ['GET', '/api/pfa/:org/kpis'],
  ['GET', '/api/pfa/:org/bounds'],
  ['POST', '/api/sync/trigger', 'trigger'],
  ['GET', '/api/sync/status'],
];

/** Encodes valid text. Leaves half a surrogate pair, and text for the server to read literally, as is. */
function segment(value: string): string {
  return value.isWellFormed() ? encodeURIComponent(value) : encodeURIComponent(value.toWellFormed());
}

const headers = (names: Names): fc.Arbitrary<Record<string, string>> =>
  fc
    .dictionary(
      fc.constantFrom(
        'content-type',
        'cookie',
        'x-forwarded-for',
        'x-request-id',
        'accept',
        'origin',
        'accept-encoding',
      ),
      fc.oneof(
        fc.constantFrom(
          'application/json',
          'text/plain',
          'application/json; charset=utf-7',
          'application/x-www-form-urlencoded',
          'vanguard_refresh=x; vanguard_refresh=y',
          '*/*;q=banana',
        ),
        text(names),
      ),
      { maxKeys: 2 },
    )
    // What no client can send at all is left out.
    .map((given) =>
      Object.fromEntries(
        Object.entries(given)
          .map(([name, value]) => [name, value.replace(/[^\t\x20-\x7e]/g, '').slice(0, 2000)] as const)
          .filter(([, value]) => value.trim() !== ''),
      ),
    );

/** Requests to the REST routes, and to routes that do not exist. */
export function restRequest(names: Names): fc.Arbitrary<HostileRequest> {
  const bodyOf = bodies(names);
  const path = (template: string) =>
    fc
      .record({
        org: fc.oneof(
          { weight: 4, arbitrary: fc.constantFrom<unknown>(...names.organizations) },
          junk(names),
        ),
        query: fc.dictionary(fc.constantFrom('limit', 'after', 'org', 'limit[]', '__proto__'), text(names), {
          maxKeys: 2,
        }),
        tail: fc.oneof(
          { weight: 8, arbitrary: fc.constant('') },
          fc.constantFrom('/', '/x', '/%', '//', '?%'),
        ),
      })
      .map(({ org, query, tail }) => {
        const search = Object.entries(query).map(([name, value]) => `${segment(name)}=${segment(value)}`);
        const named = template.replace(':org', () =>
          segment(typeof org === 'string' ? org : JSON.stringify(org)).slice(0, 5000),
        );
        return `${named}${tail}${search.length > 0 && !tail.includes('?') ? `?${search.join('&').slice(0, 5000)}` : ''}`;
      });
  return fc.constantFrom(...restRoutes).chain(([usual, template, kind]) =>
    fc
      .record({
        method: fc.oneof(
          { weight: 6, arbitrary: fc.constant(usual) },
          fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'),
        ),
        path: path(template),
        body: kind ? bodyOf[kind]! : junk(names),
        broken: fc.oneof(
          { weight: 9, arbitrary: fc.constant(undefined) },
          fc.constantFrom('{', '[1,', '"', '\u0000', '{"a":1e400}', 'null', ''),
        ),
        headers: headers(names),
      })
      .map(({ method, path, body, broken, headers }) => ({
        method,
        path,
        headers,
        ...(method === 'GET' ? {} : broken === undefined ? { body } : { text: broken }),
      })),
  );
}

/** Returns a value for an argument, usually of its type. */
function valueFor(type: GraphQLInputType, names: Names, depth = 0): fc.Arbitrary<unknown> {
  if (isNonNullType(type)) return valueFor(type.ofType, names, depth);
  if (isListType(type)) return fc.array(valueFor(type.ofType, names, depth), { maxLength: 3 });
  const rarely = (sensible: fc.Arbitrary<unknown>) =>
    fc.oneof({ weight: 12, arbitrary: sensible }, { weight: 1, arbitrary: junk(names) });
  if (isEnumType(type)) return rarely(fc.constantFrom(...type.getValues().map(({ name }) => name)));
  if (isInputObjectType(type)) {
    if (depth > 2) return fc.constant({});
    const fields = Object.values(type.getFields());
    return fc
      .subarray(fields, { minLength: Math.min(1, fields.length), maxLength: Math.min(3, fields.length) })
      .chain((some) =>
        fc.record(
          Object.fromEntries(
            [...new Set([...some, ...fields.filter((field) => isNonNullType(field.type))])].map((field) => [
              field.name,
              valueFor(field.type, names, depth + 1),
            ]),
          ),
        ),
      );
  }
  switch (type.name) {
    case 'Int':
      return rarely(fc.oneof(fc.constantFrom(...names.ids, 0, 1, 10, 1000, 1001, -1), number(names)));
    case 'Boolean':
      return rarely(fc.boolean());
    case 'BigInt':
      return rarely(fc.oneof(number(names).map(String), text(names)));
    case 'JSON':
      return fc.oneof(junk(names), fc.dictionary(fc.constantFrom(...keys), junk(names), { maxKeys: 3 }));
    case 'Cursor':
      return rarely(
        fc.oneof(
          text(names),
          junk(names).map((value) => Buffer.from(JSON.stringify(value)).toString('base64')),
        ),
      );
    default:
      return rarely(text(names));
  }
}

const fieldsOf = (type: GraphQLObjectType) => Object.values(type.getFields());
const isRequired = (arg: GraphQLArgument) => isNonNullType(arg.type) && arg.defaultValue === undefined;

interface Selected {
  text: string;
  variables: Record<string, unknown>;
  declarations: string[];
}

/** Returns a field with some of its arguments as variables, and some of its subfields. */
function selectField(
  field: GraphQLField<unknown, unknown>,
  names: Names,
  depth: number,
  prefix: string,
): fc.Arbitrary<Selected> {
  return fc.subarray([...field.args]).chain((some) => {
    const args = [...new Set([...some, ...field.args.filter(isRequired)])];
    return fc
      .record({
        values: fc.record(Object.fromEntries(args.map((arg) => [arg.name, valueFor(arg.type, names)]))),
        inner: selectionOf(getNamedType(field.type) as GraphQLObjectType, names, depth, prefix),
      })
      .map(({ values, inner }) => ({
        text: `${field.name}${args.length > 0 ? `(${args.map(({ name }) => `${name}: $${prefix}${name}`).join(', ')})` : ''} ${inner.text}`,
        variables: {
          ...Object.fromEntries(args.map(({ name }) => [`${prefix}${name}`, values[name]])),
          ...inner.variables,
        },
        declarations: [
          ...args.map(({ name, type }) => `$${prefix}${name}: ${String(type)}`),
          ...inner.declarations,
        ],
      }));
  });
}

function selectionOf(
  type: GraphQLObjectType,
  names: Names,
  depth: number,
  prefix: string,
): fc.Arbitrary<Selected> {
  if (isLeafType(type)) return fc.constant({ text: '', variables: {}, declarations: [] });
  const fields = fieldsOf(type);
  const leaves = fields.filter(
    (field) => isLeafType(getNamedType(field.type)) && !field.args.some(isRequired),
  );
  const further = depth > 0 ? fields.filter((field) => isObjectType(getNamedType(field.type))) : [];
  const shown = leaves.map(({ name }) => name).join(' ') || '__typename';
  return fc.subarray(further, { maxLength: Math.min(2, further.length) }).chain((some) =>
    fc
      .tuple(
        ...some.map((field, i) =>
          selectField(field, names, depth - 1, `${prefix}${String.fromCharCode(97 + i)}_`),
        ),
      )
      .map((selected) => ({
        text: `{ ${shown} ${selected.map(({ text }) => text).join(' ')} }`,
        variables: Object.assign({}, ...selected.map(({ variables }) => variables)) as Record<
          string,
          unknown
        >,
        declarations: selected.flatMap(({ declarations }) => declarations),
      })),
  );
}

/** GraphQL requests: any field of the root with its subfields, and invalid queries. */
export function graphqlRequest(schema: GraphQLSchema, names: Names): fc.Arbitrary<HostileRequest> {
  const roots = [
    ...fieldsOf(schema.getQueryType()!).map((field) => ['query', field] as const),
    ...fieldsOf(schema.getMutationType()!).flatMap((field) => [
      ['mutation', field] as const,
      ['mutation', field] as const,
    ]),
  ];
  const query = fc.constantFrom(...roots).chain(([kind, field]) =>
    selectField(field, names, 3, 'v_').map(({ text, variables, declarations }) => ({
      query: `${kind}${declarations.length > 0 ? `(${declarations.join(', ')})` : ''} { ${text} }`,
      variables,
    })),
  );
  const broken = fc.oneof(
    fc.record({ query: text(names) }),
    fc.record(
      { query: junk(names), variables: junk(names), operationName: junk(names) },
      { requiredKeys: [] },
    ),
    query.map(({ query, variables }) => ({ query: query.replace(/[({:]/, '}'), variables })),
  );
  return fc
    .oneof({ weight: 12, arbitrary: query }, { weight: 1, arbitrary: broken })
    .map((body) => ({ method: 'POST', path: '/graphql', body }));
}
