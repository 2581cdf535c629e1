/** Types generated for queries found in "sql/push/push.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type NumberOrString = number | string;

/** 'PushGate' parameters type */
export interface IPushGateParams {
  organizationId: number;
}

/** 'PushGate' return type */
export interface IPushGateResult {
  apiConfigurationId: string | null;
  message: string | null;
  /** Its code in PEMS, e.g. `HOLNG`. Case matters. Not a number, which would be mistaken for an id. */
  organization: string;
  state: string;
}

/** 'PushGate' query type */
export interface IPushGateQuery {
  params: IPushGateParams;
  result: IPushGateResult;
}

const pushGateIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":222,"b":237}]}],"statement":"select o.code as \"organization!\", g.state as \"state!\", g.api_configuration_id as \"apiConfigurationId?\", g.message as \"message?\"\nfrom app_public.organizations o\ncross join lateral app_private.push_gate(o.id) g\nwhere o.id = :organizationId!"};

/**
 * Query generated from SQL:
 * ```
 * select o.code as "organization!", g.state as "state!", g.api_configuration_id as "apiConfigurationId?", g.message as "message?"
 * from app_public.organizations o
 * cross join lateral app_private.push_gate(o.id) g
 * where o.id = :organizationId!
 * ```
 */
export const pushGate = new PreparedQuery<IPushGateParams,IPushGateResult>(pushGateIR);


/** 'LockPushes' parameters type */
export interface ILockPushesParams {
  organizationId: number;
}

/** 'LockPushes' return type */
export interface ILockPushesResult {
  isOurs: boolean;
}

/** 'LockPushes' query type */
export interface ILockPushesQuery {
  params: ILockPushesParams;
  result: ILockPushesResult;
}

const lockPushesIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":60,"b":75}]}],"statement":"select pg_try_advisory_lock(hashtextextended('pfa_push ' || :organizationId!::integer, 0)) as \"isOurs!\""};

/**
 * Query generated from SQL:
 * ```
 * select pg_try_advisory_lock(hashtextextended('pfa_push ' || :organizationId!::integer, 0)) as "isOurs!"
 * ```
 */
export const lockPushes = new PreparedQuery<ILockPushesParams,ILockPushesResult>(lockPushesIR);


/** 'UnlockPushes' parameters type */
export interface IUnlockPushesParams {
  organizationId: number;
}

/** 'UnlockPushes' return type */
export interface IUnlockPushesResult {
  wasOurs: boolean;
}

/** 'UnlockPushes' query type */
export interface IUnlockPushesQuery {
  params: IUnlockPushesParams;
  result: IUnlockPushesResult;
}

const unlockPushesIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":58,"b":73}]}],"statement":"select pg_advisory_unlock(hashtextextended('pfa_push ' || :organizationId!::integer, 0)) as \"wasOurs!\""};

/**
 * Query generated from SQL:
 * ```
 * select pg_advisory_unlock(hashtextextended('pfa_push ' || :organizationId!::integer, 0)) as "wasOurs!"
 * ```
 */
export const unlockPushes = new PreparedQuery<IUnlockPushesParams,IUnlockPushesResult>(unlockPushesIR);


/** 'ResumePushes' parameters type */
export interface IResumePushesParams {
  organizationId: number;
}

/** 'ResumePushes' return type */
export interface IResumePushesResult {
  resumed: number;
}

/** 'ResumePushes' query type */
export interface IResumePushesQuery {
  params: IResumePushesParams;
  result: IResumePushesResult;
}

const resumePushesIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":33,"b":48}]}],"statement":"select app_private.resume_pushes(:organizationId!) as \"resumed!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.resume_pushes(:organizationId!) as "resumed!"
 * ```
 */
export const resumePushes = new PreparedQuery<IResumePushesParams,IResumePushesResult>(resumePushesIR);


/** 'BeginPushes' parameters type */
export interface IBeginPushesParams {
  most: number;
  organizationId: number;
}

/** 'BeginPushes' return type */
export interface IBeginPushesResult {
  attempt: number;
  id: string;
  pfaId: string;
  step: string;
}

/** 'BeginPushes' query type */
export interface IBeginPushesQuery {
  params: IBeginPushesParams;
  result: IBeginPushesResult;
}

const beginPushesIR: any = {"usedParamSet":{"organizationId":true,"most":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":117,"b":132}]},{"name":"most","required":true,"transform":{"type":"scalar"},"locs":[{"a":135,"b":140}]}],"statement":"select b.id as \"id!\", b.attempt as \"attempt!\", b.pfa_id as \"pfaId!\", b.step as \"step!\"\nfrom app_private.begin_pushes(:organizationId!, :most!) b"};

/**
 * Query generated from SQL:
 * ```
 * select b.id as "id!", b.attempt as "attempt!", b.pfa_id as "pfaId!", b.step as "step!"
 * from app_private.begin_pushes(:organizationId!, :most!) b
 * ```
 */
export const beginPushes = new PreparedQuery<IBeginPushesParams,IBeginPushesResult>(beginPushesIR);


/** 'PlanPush' parameters type */
export interface IPlanPushParams {
  attempt: number;
  exchange?: Json | null | void;
  id: NumberOrString;
  organizationId: number;
  read: Json;
}

/** 'PlanPush' return type */
export interface IPlanPushResult {
  decision: string;
  sendBefore: string | null;
  writeTexts: Json | null;
}

/** 'PlanPush' query type */
export interface IPlanPushQuery {
  params: IPlanPushParams;
  result: IPlanPushResult;
}

const planPushIR: any = {"usedParamSet":{"organizationId":true,"id":true,"attempt":true,"read":true,"exchange":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":192,"b":207}]},{"name":"id","required":true,"transform":{"type":"scalar"},"locs":[{"a":210,"b":213}]},{"name":"attempt","required":true,"transform":{"type":"scalar"},"locs":[{"a":216,"b":224}]},{"name":"read","required":true,"transform":{"type":"scalar"},"locs":[{"a":227,"b":232}]},{"name":"exchange","required":false,"transform":{"type":"scalar"},"locs":[{"a":242,"b":250}]}],"statement":"select p.decision as \"decision!\", p.send_before as \"sendBefore?\",\n  (select json_object_agg(w.key, w.value) from jsonb_each_text(p.write_values) w) as \"writeTexts?\"\nfrom app_private.plan_push(:organizationId!, :id!, :attempt!, :read!::jsonb, :exchange::jsonb) p"};

/**
 * Query generated from SQL:
 * ```
 * select p.decision as "decision!", p.send_before as "sendBefore?",
 *   (select json_object_agg(w.key, w.value) from jsonb_each_text(p.write_values) w) as "writeTexts?"
 * from app_private.plan_push(:organizationId!, :id!, :attempt!, :read!::jsonb, :exchange::jsonb) p
 * ```
 */
export const planPush = new PreparedQuery<IPlanPushParams,IPlanPushResult>(planPushIR);


/** 'NotePushAnswer' parameters type */
export interface INotePushAnswerParams {
  answer: Json;
  attempt: number;
  exchange?: Json | null | void;
  id: NumberOrString;
  organizationId: number;
}

/** 'NotePushAnswer' return type */
export interface INotePushAnswerResult {
  isCurrent: boolean;
}

/** 'NotePushAnswer' query type */
export interface INotePushAnswerQuery {
  params: INotePushAnswerParams;
  result: INotePushAnswerResult;
}

const notePushAnswerIR: any = {"usedParamSet":{"organizationId":true,"id":true,"attempt":true,"answer":true,"exchange":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":36,"b":51}]},{"name":"id","required":true,"transform":{"type":"scalar"},"locs":[{"a":54,"b":57}]},{"name":"attempt","required":true,"transform":{"type":"scalar"},"locs":[{"a":60,"b":68}]},{"name":"answer","required":true,"transform":{"type":"scalar"},"locs":[{"a":71,"b":78}]},{"name":"exchange","required":false,"transform":{"type":"scalar"},"locs":[{"a":88,"b":96}]}],"statement":"select app_private.note_push_answer(:organizationId!, :id!, :attempt!, :answer!::jsonb, :exchange::jsonb) as \"isCurrent!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.note_push_answer(:organizationId!, :id!, :attempt!, :answer!::jsonb, :exchange::jsonb) as "isCurrent!"
 * ```
 */
export const notePushAnswer = new PreparedQuery<INotePushAnswerParams,INotePushAnswerResult>(notePushAnswerIR);


/** 'SettlePushes' parameters type */
export interface ISettlePushesParams {
  organizationId: number;
  reads: Json;
}

/** 'SettlePushes' return type */
export interface ISettlePushesResult {
  id: string;
  outcome: string;
}

/** 'SettlePushes' query type */
export interface ISettlePushesQuery {
  params: ISettlePushesParams;
  result: ISettlePushesResult;
}

const settlePushesIR: any = {"usedParamSet":{"organizationId":true,"reads":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":77,"b":92}]},{"name":"reads","required":true,"transform":{"type":"scalar"},"locs":[{"a":95,"b":101}]}],"statement":"select s.id as \"id!\", s.outcome as \"outcome!\" from app_private.settle_pushes(:organizationId!, :reads!::jsonb) s"};

/**
 * Query generated from SQL:
 * ```
 * select s.id as "id!", s.outcome as "outcome!" from app_private.settle_pushes(:organizationId!, :reads!::jsonb) s
 * ```
 */
export const settlePushes = new PreparedQuery<ISettlePushesParams,ISettlePushesResult>(settlePushesIR);


/** 'FailPush' parameters type */
export interface IFailPushParams {
  attempt: number;
  exchange?: Json | null | void;
  id: NumberOrString;
  message: string;
  organizationId: number;
  readAt?: string | null | void;
  verdict: string;
  waitMs?: number | null | void;
}

/** 'FailPush' return type */
export interface IFailPushResult {
  outcome: string;
}

/** 'FailPush' query type */
export interface IFailPushQuery {
  params: IFailPushParams;
  result: IFailPushResult;
}

const failPushIR: any = {"usedParamSet":{"organizationId":true,"id":true,"attempt":true,"verdict":true,"message":true,"waitMs":true,"readAt":true,"exchange":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":29,"b":44}]},{"name":"id","required":true,"transform":{"type":"scalar"},"locs":[{"a":47,"b":50}]},{"name":"attempt","required":true,"transform":{"type":"scalar"},"locs":[{"a":53,"b":61}]},{"name":"verdict","required":true,"transform":{"type":"scalar"},"locs":[{"a":64,"b":72}]},{"name":"message","required":true,"transform":{"type":"scalar"},"locs":[{"a":75,"b":83}]},{"name":"waitMs","required":false,"transform":{"type":"scalar"},"locs":[{"a":86,"b":92}]},{"name":"readAt","required":false,"transform":{"type":"scalar"},"locs":[{"a":95,"b":101}]},{"name":"exchange","required":false,"transform":{"type":"scalar"},"locs":[{"a":104,"b":112}]}],"statement":"select app_private.fail_push(:organizationId!, :id!, :attempt!, :verdict!, :message!, :waitMs, :readAt, :exchange::jsonb) as \"outcome!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.fail_push(:organizationId!, :id!, :attempt!, :verdict!, :message!, :waitMs, :readAt, :exchange::jsonb) as "outcome!"
 * ```
 */
export const failPush = new PreparedQuery<IFailPushParams,IFailPushResult>(failPushIR);


/** 'QueueNextPush' parameters type */
export interface IQueueNextPushParams {
  organizationId: number;
}

/** 'QueueNextPush' return type */
export interface IQueueNextPushResult {
  due: Date | null;
}

/** 'QueueNextPush' query type */
export interface IQueueNextPushQuery {
  params: IQueueNextPushParams;
  result: IQueueNextPushResult;
}

const queueNextPushIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":35,"b":50}]}],"statement":"select app_private.queue_next_push(:organizationId!) as \"due?\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.queue_next_push(:organizationId!) as "due?"
 * ```
 */
export const queueNextPush = new PreparedQuery<IQueueNextPushParams,IQueueNextPushResult>(queueNextPushIR);


/** 'QueuePush' parameters type */
export interface IQueuePushParams {
  organizationId: number;
  waitMs: number;
}

/** 'QueuePush' return type */
export interface IQueuePushResult {
  queue_push: undefined | null;
}

/** 'QueuePush' query type */
export interface IQueuePushQuery {
  params: IQueuePushParams;
  result: IQueuePushResult;
}

const queuePushIR: any = {"usedParamSet":{"organizationId":true,"waitMs":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":30,"b":45}]},{"name":"waitMs","required":true,"transform":{"type":"scalar"},"locs":[{"a":68,"b":75}]}],"statement":"select app_private.queue_push(:organizationId!, clock_timestamp() + :waitMs!::integer * interval '1 millisecond')"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.queue_push(:organizationId!, clock_timestamp() + :waitMs!::integer * interval '1 millisecond')
 * ```
 */
export const queuePush = new PreparedQuery<IQueuePushParams,IQueuePushResult>(queuePushIR);


/** 'DispatchPushes' parameters type */
export type IDispatchPushesParams = void;

/** 'DispatchPushes' return type */
export interface IDispatchPushesResult {
  queued: number;
}

/** 'DispatchPushes' query type */
export interface IDispatchPushesQuery {
  params: IDispatchPushesParams;
  result: IDispatchPushesResult;
}

const dispatchPushesIR: any = {"usedParamSet":{},"params":[],"statement":"select app_private.dispatch_pushes() as \"queued!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.dispatch_pushes() as "queued!"
 * ```
 */
export const dispatchPushes = new PreparedQuery<IDispatchPushesParams,IDispatchPushesResult>(dispatchPushesIR);


/** 'TakeTurns' parameters type */
export interface ITakeTurnsParams {
  apiConfigurationId: string;
  turns: number;
}

/** 'TakeTurns' return type */
export interface ITakeTurnsResult {
  waitMs: number;
}

/** 'TakeTurns' query type */
export interface ITakeTurnsQuery {
  params: ITakeTurnsParams;
  result: ITakeTurnsResult;
}

const takeTurnsIR: any = {"usedParamSet":{"apiConfigurationId":true,"turns":true},"params":[{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":30,"b":49}]},{"name":"turns","required":true,"transform":{"type":"scalar"},"locs":[{"a":52,"b":58}]}],"statement":"select app_private.take_turns(:apiConfigurationId!, :turns!) as \"waitMs!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.take_turns(:apiConfigurationId!, :turns!) as "waitMs!"
 * ```
 */
export const takeTurns = new PreparedQuery<ITakeTurnsParams,ITakeTurnsResult>(takeTurnsIR);


/** 'HoldRequests' parameters type */
export interface IHoldRequestsParams {
  apiConfigurationId: string;
  seconds: number;
}

/** 'HoldRequests' return type */
export interface IHoldRequestsResult {
  hold_requests: undefined | null;
}

/** 'HoldRequests' query type */
export interface IHoldRequestsQuery {
  params: IHoldRequestsParams;
  result: IHoldRequestsResult;
}

const holdRequestsIR: any = {"usedParamSet":{"apiConfigurationId":true,"seconds":true},"params":[{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":33,"b":52}]},{"name":"seconds","required":true,"transform":{"type":"scalar"},"locs":[{"a":55,"b":63}]}],"statement":"select app_private.hold_requests(:apiConfigurationId!, :seconds!)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.hold_requests(:apiConfigurationId!, :seconds!)
 * ```
 */
export const holdRequests = new PreparedQuery<IHoldRequestsParams,IHoldRequestsResult>(holdRequestsIR);


/** 'NotePemsSuccess' parameters type */
export interface INotePemsSuccessParams {
  apiConfigurationId: string;
}

/** 'NotePemsSuccess' return type */
export interface INotePemsSuccessResult {
  note_pems_success: undefined | null;
}

/** 'NotePemsSuccess' query type */
export interface INotePemsSuccessQuery {
  params: INotePemsSuccessParams;
  result: INotePemsSuccessResult;
}

const notePemsSuccessIR: any = {"usedParamSet":{"apiConfigurationId":true},"params":[{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":37,"b":56}]}],"statement":"select app_private.note_pems_success(:apiConfigurationId!)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.note_pems_success(:apiConfigurationId!)
 * ```
 */
export const notePemsSuccess = new PreparedQuery<INotePemsSuccessParams,INotePemsSuccessResult>(notePemsSuccessIR);


/** 'NotePemsFailure' parameters type */
export interface INotePemsFailureParams {
  apiConfigurationId: string;
  errorCode: string;
  errorMessage: string;
  isFinal: boolean;
}

/** 'NotePemsFailure' return type */
export interface INotePemsFailureResult {
  isOpen: boolean;
}

/** 'NotePemsFailure' query type */
export interface INotePemsFailureQuery {
  params: INotePemsFailureParams;
  result: INotePemsFailureResult;
}

const notePemsFailureIR: any = {"usedParamSet":{"apiConfigurationId":true,"errorCode":true,"errorMessage":true,"isFinal":true},"params":[{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":37,"b":56}]},{"name":"errorCode","required":true,"transform":{"type":"scalar"},"locs":[{"a":59,"b":69}]},{"name":"errorMessage","required":true,"transform":{"type":"scalar"},"locs":[{"a":72,"b":85}]},{"name":"isFinal","required":true,"transform":{"type":"scalar"},"locs":[{"a":88,"b":96}]}],"statement":"select app_private.note_pems_failure(:apiConfigurationId!, :errorCode!, :errorMessage!, :isFinal!) as \"isOpen!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.note_pems_failure(:apiConfigurationId!, :errorCode!, :errorMessage!, :isFinal!) as "isOpen!"
 * ```
 */
export const notePemsFailure = new PreparedQuery<INotePemsFailureParams,INotePemsFailureResult>(notePemsFailureIR);


/** 'BeginProbe' parameters type */
export interface IBeginProbeParams {
  apiConfigurationId: string;
}

/** 'BeginProbe' return type */
export interface IBeginProbeResult {
  isOurs: boolean;
}

/** 'BeginProbe' query type */
export interface IBeginProbeQuery {
  params: IBeginProbeParams;
  result: IBeginProbeResult;
}

const beginProbeIR: any = {"usedParamSet":{"apiConfigurationId":true},"params":[{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":31,"b":50}]}],"statement":"select app_private.begin_probe(:apiConfigurationId!) as \"isOurs!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.begin_probe(:apiConfigurationId!) as "isOurs!"
 * ```
 */
export const beginProbe = new PreparedQuery<IBeginProbeParams,IBeginProbeResult>(beginProbeIR);


/** 'NoteExchange' parameters type */
export interface INoteExchangeParams {
  attempt: number;
  exchange: Json;
  id: NumberOrString;
  organizationId: number;
  pfaId: string;
}

/** 'NoteExchange' return type */
export interface INoteExchangeResult {
  note_exchange: undefined | null;
}

/** 'NoteExchange' query type */
export interface INoteExchangeQuery {
  params: INoteExchangeParams;
  result: INoteExchangeResult;
}

const noteExchangeIR: any = {"usedParamSet":{"organizationId":true,"pfaId":true,"id":true,"attempt":true,"exchange":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":33,"b":48}]},{"name":"pfaId","required":true,"transform":{"type":"scalar"},"locs":[{"a":51,"b":57}]},{"name":"id","required":true,"transform":{"type":"scalar"},"locs":[{"a":60,"b":63}]},{"name":"attempt","required":true,"transform":{"type":"scalar"},"locs":[{"a":66,"b":74}]},{"name":"exchange","required":true,"transform":{"type":"scalar"},"locs":[{"a":77,"b":86}]}],"statement":"select app_private.note_exchange(:organizationId!, :pfaId!, :id!, :attempt!, :exchange!::jsonb)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.note_exchange(:organizationId!, :pfaId!, :id!, :attempt!, :exchange!::jsonb)
 * ```
 */
export const noteExchange = new PreparedQuery<INoteExchangeParams,INoteExchangeResult>(noteExchangeIR);


