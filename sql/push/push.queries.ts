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
  /** Code in PEMS, such as `HOLNG`. Case matters. A numeric code takes precedence over an id with the same digits. */
  organization: string;
  state: string;
}

/** 'PushGate' query type */
export interface IPushGateQuery {
  params: IPushGateParams;
  result: IPushGateResult;
}

const pushGateIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":224,"b":239}]}],"statement":"select o.code as \"organization!\", g.state as \"state!\", g.api_configuration_id as \"apiConfigurationId?\",\n  g.message as \"message?\"\nfrom app_public.organizations o\ncross join lateral app_private.push_gate(o.id) g\nwhere o.id = :organizationId!"};

/**
 * Query generated from SQL:
 * ```
 * select o.code as "organization!", g.state as "state!", g.api_configuration_id as "apiConfigurationId?",
 *   g.message as "message?"
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

const notePushAnswerIR: any = {"usedParamSet":{"organizationId":true,"id":true,"attempt":true,"answer":true,"exchange":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":36,"b":51}]},{"name":"id","required":true,"transform":{"type":"scalar"},"locs":[{"a":54,"b":57}]},{"name":"attempt","required":true,"transform":{"type":"scalar"},"locs":[{"a":60,"b":68}]},{"name":"answer","required":true,"transform":{"type":"scalar"},"locs":[{"a":71,"b":78}]},{"name":"exchange","required":false,"transform":{"type":"scalar"},"locs":[{"a":90,"b":98}]}],"statement":"select app_private.note_push_answer(:organizationId!, :id!, :attempt!, :answer!::jsonb,\n  :exchange::jsonb) as \"isCurrent!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.note_push_answer(:organizationId!, :id!, :attempt!, :answer!::jsonb,
 *   :exchange::jsonb) as "isCurrent!"
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

const failPushIR: any = {"usedParamSet":{"organizationId":true,"id":true,"attempt":true,"verdict":true,"message":true,"waitMs":true,"readAt":true,"exchange":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":29,"b":44}]},{"name":"id","required":true,"transform":{"type":"scalar"},"locs":[{"a":47,"b":50}]},{"name":"attempt","required":true,"transform":{"type":"scalar"},"locs":[{"a":53,"b":61}]},{"name":"verdict","required":true,"transform":{"type":"scalar"},"locs":[{"a":64,"b":72}]},{"name":"message","required":true,"transform":{"type":"scalar"},"locs":[{"a":75,"b":83}]},{"name":"waitMs","required":false,"transform":{"type":"scalar"},"locs":[{"a":86,"b":92}]},{"name":"readAt","required":false,"transform":{"type":"scalar"},"locs":[{"a":95,"b":101}]},{"name":"exchange","required":false,"transform":{"type":"scalar"},"locs":[{"a":106,"b":114}]}],"statement":"select app_private.fail_push(:organizationId!, :id!, :attempt!, :verdict!, :message!, :waitMs, :readAt,\n  :exchange::jsonb) as \"outcome!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.fail_push(:organizationId!, :id!, :attempt!, :verdict!, :message!, :waitMs, :readAt,
 *   :exchange::jsonb) as "outcome!"
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


/** 'PushStatus' parameters type */
export interface IPushStatusParams {
  organization?: string | null | void;
}

/** 'PushStatus' return type */
export interface IPushStatusResult {
  breakerCode: string | null;
  breakerMessage: string | null;
  breakerOpenedAt: Date | null;
  connection: string | null;
  nextProbeAt: Date | null;
  oldestCommittedAt: Date | null;
  /** Code in PEMS, such as `HOLNG`. Case matters. A numeric code takes precedence over an id with the same digits. */
  organization: string;
  pausedAt: Date | null;
  pausedBy: string | null;
  state: string;
  uncertain: number;
  waiting: number;
  writing: number;
}

/** 'PushStatus' query type */
export interface IPushStatusQuery {
  params: IPushStatusParams;
  result: IPushStatusResult;
}

const pushStatusIR: any = {"usedParamSet":{"organization":true},"params":[{"name":"organization","required":false,"transform":{"type":"scalar"},"locs":[{"a":578,"b":590},{"a":618,"b":630}]}],"statement":"select o.code as \"organization!\", s.state as \"state!\", s.waiting_count as \"waiting!\", s.writing_count as \"writing!\",\n  s.uncertain_count as \"uncertain!\", s.oldest_committed_at as \"oldestCommittedAt?\", s.paused_at as \"pausedAt?\",\n  s.paused_by as \"pausedBy?\", s.breaker_opened_at as \"breakerOpenedAt?\", s.breaker_code as \"breakerCode?\",\n  s.breaker_message as \"breakerMessage?\", s.next_probe_at as \"nextProbeAt?\",\n  app_private.push_connection(o.id) as \"connection?\"\nfrom app_public.organizations o\ncross join lateral app_private.push_status(o.id, true) s\nwhere o.is_active and (:organization::text is null or o.code = :organization)\norder by o.code"};

/**
 * Query generated from SQL:
 * ```
 * select o.code as "organization!", s.state as "state!", s.waiting_count as "waiting!", s.writing_count as "writing!",
 *   s.uncertain_count as "uncertain!", s.oldest_committed_at as "oldestCommittedAt?", s.paused_at as "pausedAt?",
 *   s.paused_by as "pausedBy?", s.breaker_opened_at as "breakerOpenedAt?", s.breaker_code as "breakerCode?",
 *   s.breaker_message as "breakerMessage?", s.next_probe_at as "nextProbeAt?",
 *   app_private.push_connection(o.id) as "connection?"
 * from app_public.organizations o
 * cross join lateral app_private.push_status(o.id, true) s
 * where o.is_active and (:organization::text is null or o.code = :organization)
 * order by o.code
 * ```
 */
export const pushStatus = new PreparedQuery<IPushStatusParams,IPushStatusResult>(pushStatusIR);


/** 'SetPushPause' parameters type */
export interface ISetPushPauseParams {
  isPaused: boolean;
  organization: string;
}

/** 'SetPushPause' return type */
export interface ISetPushPauseResult {
  done: undefined | null;
  /** Identifier. An integer, because it leads the key of every tenant table. */
  id: number;
}

/** 'SetPushPause' query type */
export interface ISetPushPauseQuery {
  params: ISetPushPauseParams;
  result: ISetPushPauseResult;
}

const setPushPauseIR: any = {"usedParamSet":{"isPaused":true,"organization":true},"params":[{"name":"isPaused","required":true,"transform":{"type":"scalar"},"locs":[{"a":55,"b":64}]},{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":122,"b":135}]}],"statement":"select o.id as \"id!\", app_private.set_push_pause(o.id, :isPaused!) as done\nfrom app_public.organizations o where o.code = :organization! and o.is_active"};

/**
 * Query generated from SQL:
 * ```
 * select o.id as "id!", app_private.set_push_pause(o.id, :isPaused!) as done
 * from app_public.organizations o where o.code = :organization! and o.is_active
 * ```
 */
export const setPushPause = new PreparedQuery<ISetPushPauseParams,ISetPushPauseResult>(setPushPauseIR);


/** 'SetConnectionPause' parameters type */
export interface ISetConnectionPauseParams {
  apiConfigurationId: string;
  isPaused: boolean;
}

/** 'SetConnectionPause' return type */
export interface ISetConnectionPauseResult {
  done: undefined | null;
  /** Identifier: a uuid, or a slug such as `pems-global-pfa-read`. */
  id: string;
}

/** 'SetConnectionPause' query type */
export interface ISetConnectionPauseQuery {
  params: ISetConnectionPauseParams;
  result: ISetConnectionPauseResult;
}

const setConnectionPauseIR: any = {"usedParamSet":{"isPaused":true,"apiConfigurationId":true},"params":[{"name":"isPaused","required":true,"transform":{"type":"scalar"},"locs":[{"a":61,"b":70}]},{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":131,"b":150}]}],"statement":"select c.id as \"id!\", app_private.set_connection_pause(c.id, :isPaused!) as done\nfrom app_public.api_configurations c where c.id = :apiConfigurationId! and c.operation_type in ('write', 'read-write')"};

/**
 * Query generated from SQL:
 * ```
 * select c.id as "id!", app_private.set_connection_pause(c.id, :isPaused!) as done
 * from app_public.api_configurations c where c.id = :apiConfigurationId! and c.operation_type in ('write', 'read-write')
 * ```
 */
export const setConnectionPause = new PreparedQuery<ISetConnectionPauseParams,ISetConnectionPauseResult>(setConnectionPauseIR);


/** 'ExplainModifications' parameters type */
export interface IExplainModificationsParams {
  organization: string;
  pfaId: string;
}

/** 'ExplainModifications' return type */
export interface IExplainModificationsResult {
  /** Number of push attempts. It is a token: a caller with an older number changes nothing. */
  attempts: number;
  /** Values that the author saw under each of these keys when first changing it. */
  base: Json;
  /** Name for signing in; unique in any case. */
  by: string;
  /** Comment of the author on the commit. */
  comment: string | null;
  /** Time of the commit. */
  committedAt: Date | null;
  /** Changed keys with their new values; null empties a key. */
  delta: Json;
  /** Number of failed writes that were caused by the record. */
  failures: number;
  /** Identifier. */
  id: string;
  intents: Json;
  /** Problems by key, drafts only: `{"kind": "conflict", "base", "theirs", "mine"}`. Kinds: conflict, refused, altered, failed, removed. A problem from push has `"by": "push"` and stays until the author acts. */
  problems: Json;
  /** Time before which push does not continue. Null on a syncing change means that a worker is processing it. */
  retryAt: Date | null;
  /** When PEMS confirmed the change. */
  settledAt: Date | null;
  /** `draft`, `committed` (waits for push), `syncing` (being written to PEMS), `synced` (confirmed). */
  state: string;
}

/** 'ExplainModifications' query type */
export interface IExplainModificationsQuery {
  params: IExplainModificationsParams;
  result: IExplainModificationsResult;
}

const explainModificationsIR: any = {"usedParamSet":{"pfaId":true,"organization":true},"params":[{"name":"pfaId","required":true,"transform":{"type":"scalar"},"locs":[{"a":842,"b":848}]},{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":909,"b":922}]}],"statement":"select m.id as \"id!\", u.username as \"by!\", m.state as \"state!\", m.delta as \"delta!\", m.base as \"base!\",\n  m.problems as \"problems!\", m.comment as \"comment?\", m.attempts as \"attempts!\", m.failures as \"failures!\",\n  m.committed_at as \"committedAt?\", m.settled_at as \"settledAt?\", m.retry_at as \"retryAt?\",\n  (\n    select coalesce(json_agg(json_build_object('attempt', i.attempt, 'recordVersion', i.record_version,\n      'readValues', i.read_values, 'writeValues', i.write_values, 'createdAt', i.created_at,\n      'answeredAt', i.answered_at, 'quietAt', i.quiet_at, 'outcome', i.outcome) order by i.id), '[]')\n    from app_core.pfa_push_intent i where i.organization_id = m.organization_id and i.modification_id = m.id\n  ) as \"intents!\"\nfrom app_public.organizations o\njoin app_core.pfa_modification m on m.organization_id = o.id and m.pfa_id = :pfaId!\njoin app_public.users u on u.id = m.user_id\nwhere o.code = :organization!\norder by m.id"};

/**
 * Query generated from SQL:
 * ```
 * select m.id as "id!", u.username as "by!", m.state as "state!", m.delta as "delta!", m.base as "base!",
 *   m.problems as "problems!", m.comment as "comment?", m.attempts as "attempts!", m.failures as "failures!",
 *   m.committed_at as "committedAt?", m.settled_at as "settledAt?", m.retry_at as "retryAt?",
 *   (
 *     select coalesce(json_agg(json_build_object('attempt', i.attempt, 'recordVersion', i.record_version,
 *       'readValues', i.read_values, 'writeValues', i.write_values, 'createdAt', i.created_at,
 *       'answeredAt', i.answered_at, 'quietAt', i.quiet_at, 'outcome', i.outcome) order by i.id), '[]')
 *     from app_core.pfa_push_intent i where i.organization_id = m.organization_id and i.modification_id = m.id
 *   ) as "intents!"
 * from app_public.organizations o
 * join app_core.pfa_modification m on m.organization_id = o.id and m.pfa_id = :pfaId!
 * join app_public.users u on u.id = m.user_id
 * where o.code = :organization!
 * order by m.id
 * ```
 */
export const explainModifications = new PreparedQuery<IExplainModificationsParams,IExplainModificationsResult>(explainModificationsIR);


/** 'ExplainExchanges' parameters type */
export interface IExplainExchangesParams {
  organization: string;
  pfaId: string;
}

/** 'ExplainExchanges' return type */
export interface IExplainExchangesResult {
  /** `read`, `write`, `read_back`. */
  action: string;
  /** Body of the response. Long bodies are truncated. Null if no complete response arrived. */
  answer: string | null;
  /** When the request ended. */
  answeredAt: Date;
  /** Number of the attempt to write the change. */
  attempt: number;
  /** Error code of the failure. */
  errorCode: string | null;
  /** Duration of the request. */
  milliseconds: number;
  /** Change that was being written. It may have been deleted. */
  modificationId: string;
  /** Body of the request. */
  request: string;
  /** HTTP status. Null if no response began. */
  status: number | null;
}

/** 'ExplainExchanges' query type */
export interface IExplainExchangesQuery {
  params: IExplainExchangesParams;
  result: IExplainExchangesResult;
}

const explainExchangesIR: any = {"usedParamSet":{"pfaId":true,"organization":true},"params":[{"name":"pfaId","required":true,"transform":{"type":"scalar"},"locs":[{"a":375,"b":381}]},{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":398,"b":411}]}],"statement":"select e.modification_id as \"modificationId!\", e.attempt as \"attempt!\", e.action as \"action!\", e.request as \"request!\",\n  e.status as \"status?\", e.answer as \"answer?\", e.error_code as \"errorCode?\", e.milliseconds as \"milliseconds!\",\n  e.answered_at as \"answeredAt!\"\nfrom app_public.organizations o\njoin app_core.pfa_push_exchange e on e.organization_id = o.id and e.pfa_id = :pfaId!\nwhere o.code = :organization!\norder by e.id"};

/**
 * Query generated from SQL:
 * ```
 * select e.modification_id as "modificationId!", e.attempt as "attempt!", e.action as "action!", e.request as "request!",
 *   e.status as "status?", e.answer as "answer?", e.error_code as "errorCode?", e.milliseconds as "milliseconds!",
 *   e.answered_at as "answeredAt!"
 * from app_public.organizations o
 * join app_core.pfa_push_exchange e on e.organization_id = o.id and e.pfa_id = :pfaId!
 * where o.code = :organization!
 * order by e.id
 * ```
 */
export const explainExchanges = new PreparedQuery<IExplainExchangesParams,IExplainExchangesResult>(explainExchangesIR);


