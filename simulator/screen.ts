/**
 * `POST /userdefinedscreenservices`: reads or writes one record on the screen CUPFA2.
 *
 * Rules of this tenant (each refusal is a 200 with ErrorAlert; its Name is in parentheses):
 * - PFS_ID and PFS_A_ORG identify a record; it must exist (RECORD_NOT_FOUND), except for an ADD (RECORD_EXISTS).
 * - Only fields of the screen (UNKNOWN_FIELD), each once; only ADD sets protected fields (PROTECTED_FIELD).
 * - If the tenant checks `recordid` (sent beside USERDEFINEDSCREENNAME), UPDATE and DELETE refuse a stale one
 *   (RECORD_MODIFIED, "modified by another user"). A request without a `recordid`, or with 0, overwrites. A strict
 *   tenant refuses such a request.
 * - A strict tenant asks for confirmation before it discontinues a record (CONFIRMATION), and writes nothing.
 * - No end before its start, source Rental or Purchase, DOR BEO or PROJECT, no negative money, an actual end only for
 *   actualized records (INVALID_VALUE). Dates are checked if the write touches one of the pair.
 * - Every write, even of equal values, changes recordid, DATEUPDATED and UPDATEDBY.
 * - GET, ADD and UPDATE return every current field of the record, DELETE only the identity.
 */
import { z } from 'zod';
import { Alert, alerts, json, listOf, Question, type Answer } from './answer.ts';
import type { Dialect } from './dialects.ts';
import { at, fieldOf, fields, type Field, type Row, type Value } from './fields.ts';
import { emptyRow, type OrganizationStore, type Store, type StoredRecord } from './store.ts';
import { dateTimeData, fromScreenValue, toScreenValue, type ScreenLook, type ScreenValue } from './values.ts';

const screenName = 'CUPFA2';

const requestSchema = z.object({
  USERDEFINEDSCREENNAME: z.string(),
  USERDEFINEDSERVICEACTION: z.enum(['GET', 'ADD', 'UPDATE', 'DELETE']),
  USERDEFINEDSCREENFIELDVALUELIST: z.object({ USERDEFINEDSCREENFIELDVALUEPAIR: z.unknown().optional() }),
  recordid: z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]).nullish(),
});
const pairSchema = z.object({
  USERDEFINEDSCREENFIELDNAME: z.string(),
  USERDEFINEDSCREENFIELDVALUE: z.record(z.string(), z.unknown()),
});
/** Members of a request that a strict tenant accepts; it refuses all others. */
const strictSchema = z.strictObject({
  ...requestSchema.shape,
  USERDEFINEDSCREENFIELDVALUELIST: z.strictObject({
    USERDEFINEDSCREENFIELDVALUEPAIR: z.array(z.strictObject(pairSchema.shape)),
  }),
});

export type ScreenAction = 'GET' | 'ADD' | 'UPDATE' | 'DELETE';

export interface ScreenRequest {
  readonly action: ScreenAction;
  readonly organization: string;
  readonly id: string;
  readonly recordid: number | undefined;
  /** The sent values besides the identity. */
  readonly values: ReadonlyMap<number, Value>;
}

/** Effect of a fault on a write: see the table of faults. */
export type Interference =
  | { readonly kind: 'drop-write' }
  | { readonly kind: 'alter-write'; readonly field?: Field; readonly value?: Value };

export type ScreenOptions = ScreenLook & Pick<Dialect, 'userObjects' | 'namelessAlerts' | 'checksRecordId'>;

/** Reads the body of a request; throws an Alert if the screen cannot interpret it. */
export function readScreenRequest(body: unknown, look: ScreenLook): ScreenRequest {
  const strict = look.isStrict ? strictSchema.safeParse(body) : undefined;
  const result = strict?.success === false ? strict : requestSchema.safeParse(body);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new Alert('INVALID_REQUEST', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
  }
  const request = result.data;
  if (request.USERDEFINEDSCREENNAME !== screenName) {
    throw new Alert('UNKNOWN_SCREEN', `Screen ${request.USERDEFINEDSCREENNAME} does not exist`);
  }
  const values = new Map<number, Value>();
  for (const one of listOf(request.USERDEFINEDSCREENFIELDVALUELIST.USERDEFINEDSCREENFIELDVALUEPAIR)) {
    const pair = pairSchema.safeParse(one);
    if (!pair.success) throw new Alert('INVALID_REQUEST', 'USERDEFINEDSCREENFIELDVALUEPAIR is not valid');
    const name = pair.data.USERDEFINEDSCREENFIELDNAME;
    const field = fieldOf(name);
    if (field?.screen !== name)
      throw new Alert('UNKNOWN_FIELD', `Field ${name} is not on screen ${screenName}`);
    if (values.has(field.index)) throw new Alert('INVALID_REQUEST', `Field ${name} is sent twice`);
    try {
      const sent: ScreenValue = pair.data.USERDEFINEDSCREENFIELDVALUE;
      values.set(field.index, fromScreenValue(field, sent, look));
    } catch (error) {
      throw new Alert('INVALID_VALUE', (error as Error).message);
    }
  }
  const id = values.get(at.pfs_id);
  const organization = values.get(at.pfs_a_org);
  if (typeof id !== 'string' || typeof organization !== 'string') {
    throw new Alert('INVALID_REQUEST', 'PFS_ID and PFS_A_ORG are required');
  }
  values.delete(at.pfs_id);
  values.delete(at.pfs_a_org);
  return {
    action: request.USERDEFINEDSERVICEACTION,
    organization,
    id,
    recordid: request.recordid ?? undefined,
    values,
  };
}

/** Checks the rules of a record; `touched` are the fields of this write. */
function checkRules(row: Row, touched: ReadonlyMap<number, Value>): void {
  const refuse = (message: string): never => {
    throw new Alert('INVALID_VALUE', message);
  };
  for (const [index, value] of touched) {
    const field = fields[index];
    if (field?.kind === 'number' && typeof value === 'number' && value < 0)
      refuse(`${field.label} cannot be negative`);
  }
  if (touched.get(at.pfs_ac_enddate) && row[at.pfa_act] !== true) {
    refuse('Actual End can be set for an actualized record only');
  }
  const pairs: readonly (readonly [start: number, end: number, label: string])[] = [
    [at.pfs_a_startdate, at.pfs_a_enddate, 'Original End cannot be before Original Start'],
    [at.pfs_f_startdate, at.pfs_f_enddate, 'Forecast End cannot be before Forecast Start'],
    [at.pfs_ac_startdate, at.pfs_ac_enddate, 'Actual End cannot be before Actual Start'],
  ];
  for (const [start, end, message] of pairs) {
    const from = row[start];
    const to = row[end];
    const moved = touched.has(start) || touched.has(end);
    if (moved && typeof from === 'number' && typeof to === 'number' && to < from) refuse(message);
  }
}

function checkAccess(request: ScreenRequest): void {
  for (const index of request.values.keys()) {
    const field = fields[index];
    const settable =
      field?.access === 'editable' || (field?.access === 'protected' && request.action === 'ADD');
    if (!settable)
      throw new Alert('PROTECTED_FIELD', `Field ${field?.screen ?? ''} is protected and cannot be changed`);
  }
}

/** Returns the change of `alter-write`: another valid value for the named field, or for the first sent field. */
function altered(
  request: ScreenRequest,
  fault: Extract<Interference, { kind: 'alter-write' }>,
): Map<number, Value> {
  const keep = new Map(request.values);
  const index = fault.field?.index ?? [...keep.keys()][0];
  if (index === undefined) return keep;
  const swap: Record<string, string> = {
    Rental: 'Purchase',
    Purchase: 'Rental',
    BEO: 'PROJECT',
    PROJECT: 'BEO',
  };
  const sent = keep.get(index) ?? null;
  const kind = fields[index]?.kind;
  let other: Value;
  if (typeof sent === 'boolean') other = !sent;
  else if (typeof sent === 'number') other = sent + (kind === 'number' ? 1 : 86_400_000);
  else if (typeof sent === 'string') other = swap[sent] ?? `${sent}*`;
  else other = kind === 'text' ? '*' : kind === 'number' ? 1 : null;
  keep.set(index, fault.value === undefined ? other : fault.value);
  return keep;
}

/** Serves one request; a write is durable before the response. */
export async function serveScreen(
  store: Store,
  request: ScreenRequest,
  user: string,
  options: ScreenOptions,
  fault?: Interference,
): Promise<Answer> {
  const organization = store.organizations.get(request.organization);
  if (!organization)
    throw new Alert('UNKNOWN_ORGANIZATION', `Organization ${request.organization} does not exist`);
  const { action, id } = request;
  const current = organization.get(id);
  if (action === 'ADD' && current) throw new Alert('RECORD_EXISTS', `Record ${id} already exists`);
  if (action !== 'ADD' && !current) throw new Alert('RECORD_NOT_FOUND', `Record ${id} does not exist`);
  if (action === 'GET' && current) return recordAnswer(current, options);

  if (action !== 'ADD' && options.checksRecordId) {
    if (request.recordid === undefined || request.recordid === 0) {
      if (options.isStrict) throw new Alert('RECORDID_REQUIRED', 'The recordid of the record is required');
    } else if (request.recordid !== current?.recordid) {
      throw new Alert('RECORD_MODIFIED', `Record ${id} has been modified by another user since it was read`);
    }
  }
  if (action !== 'DELETE') {
    checkAccess(request);
    if (action === 'UPDATE' && request.values.size === 0)
      throw new Alert('INVALID_REQUEST', 'No field to change');
    // eslint-disable-next-line no-control-regex -- control characters are what an id must not hold
    if (action === 'ADD' && /[\u0000-\u001f]/.test(id))
      throw new Alert('INVALID_VALUE', 'PFS_ID is not valid');
    checkRules(mergedRow(organization, id, current, request.values), request.values);
    if (options.isStrict && current?.row[at.pfa_dis] === false && request.values.get(at.pfa_dis) === true)
      throw new Question('CONFIRMATION', 'The requirement will be discontinued. Do you want to continue?');
  }
  const keep = fault?.kind === 'alter-write' && action !== 'DELETE' ? altered(request, fault) : undefined;
  const entry = store.write({
    action: action === 'ADD' ? 'add' : action === 'UPDATE' ? 'update' : 'delete',
    via: 'screen',
    by: user,
    organization,
    id,
    came: action === 'DELETE' ? new Map() : request.values,
    ...(keep ? { keep } : {}),
    ...(fault ? { fault: fault.kind } : {}),
    ...(request.recordid === undefined ? {} : { recordidSent: request.recordid }),
  });
  await store.flush();
  if (action === 'DELETE')
    return json({ Result: { ResultData: { UserDefinedScreenService: identity(organization, id) } } });
  if (fault?.kind === 'drop-write') {
    // The fault: a response as if the write had been kept.
    const row = mergedRow(organization, id, current, request.values);
    row[at.pfs_f_intlastupdated] = store.now();
    row[at.pfs_f_last_change_by] = user;
    return recordAnswer({ row, recordid: entry.recordid }, options);
  }
  const written = organization.get(id);
  if (!written) throw new Alert('RECORD_NOT_FOUND', `Record ${id} does not exist`);
  return recordAnswer(written, options);
}

function mergedRow(
  organization: OrganizationStore,
  id: string,
  current: StoredRecord | undefined,
  values: ReadonlyMap<number, Value>,
): Row {
  const row = current ? [...current.row] : emptyRow(organization.code, id);
  for (const [index, value] of values) row[index] = value;
  return row;
}

function identity(organization: OrganizationStore, id: string): Record<string, unknown> {
  return {
    USERDEFINEDSCREENNAME: screenName,
    USERDEFINEDSCREENFIELDVALUELIST: {
      USERDEFINEDSCREENFIELDVALUEPAIR: [
        { USERDEFINEDSCREENFIELDNAME: 'PFS_ID', USERDEFINEDSCREENFIELDVALUE: { TEXTDATA: id } },
        {
          USERDEFINEDSCREENFIELDNAME: 'PFS_A_ORG',
          USERDEFINEDSCREENFIELDVALUE: { TEXTDATA: organization.code },
        },
      ],
    },
  };
}

/** Returns a user in the form of the screen. */
const userOf = (code: Value | undefined, { userObjects }: ScreenOptions): unknown =>
  userObjects ? { USERCODE: code, DESCRIPTION: `User ${String(code)}` } : code;

function recordAnswer({ row, recordid }: StoredRecord, options: ScreenOptions): Answer {
  const updatedBy = userOf(row[at.pfs_f_last_change_by], options);
  const updated = dateTimeData(Number(row[at.pfs_f_intlastupdated]), options);
  return json({
    Result: {
      ResultData: {
        UserDefinedScreenService: {
          USERDEFINEDSCREENNAME: screenName,
          recordid,
          DATEUPDATED: updated,
          UPDATEDBY: updatedBy,
          ...(options.userObjects && { DATECREATED: updated, CREATEDBY: userOf('MIGRATION', options) }),
          USERDEFINEDSCREENFIELDVALUELIST: {
            USERDEFINEDSCREENFIELDVALUEPAIR: fields.map((field) => ({
              USERDEFINEDSCREENFIELDNAME: field.screen,
              USERDEFINEDSCREENFIELDVALUE: toScreenValue(field, row[field.index] ?? null, options),
            })),
          },
        },
      },
    },
    ...(options.namelessAlerts && alerts()),
  });
}
