/** Types generated for queries found in "sql/realtime/realtime.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type NumberOrString = number | string;

export type NumberOrStringArray = (NumberOrString)[];

export type numberArray = (number)[];

export type stringArray = (string)[];

/** 'ListenToEvents' parameters type */
export type IListenToEventsParams = void;

/** 'ListenToEvents' return type */
export type IListenToEventsResult = void;

/** 'ListenToEvents' query type */
export interface IListenToEventsQuery {
  params: IListenToEventsParams;
  result: IListenToEventsResult;
}

const listenToEventsIR: any = {"usedParamSet":{},"params":[],"statement":"listen vanguard_realtime"};

/**
 * Query generated from SQL:
 * ```
 * listen vanguard_realtime
 * ```
 */
export const listenToEvents = new PreparedQuery<IListenToEventsParams,IListenToEventsResult>(listenToEventsIR);


/** 'ReadEvents' parameters type */
export interface IReadEventsParams {
  eventIds: NumberOrStringArray;
  organizationId: number;
}

/** 'ReadEvents' return type */
export interface IReadEventsResult {
  id: string;
  kind: string;
  modificationIds: stringArray | null;
  recordIds: stringArray | null;
  revisions: stringArray | null;
  states: stringArray | null;
  viewerId: number;
}

/** 'ReadEvents' query type */
export interface IReadEventsQuery {
  params: IReadEventsParams;
  result: IReadEventsResult;
}

const readEventsIR: any = {"usedParamSet":{"organizationId":true,"eventIds":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":209,"b":224}]},{"name":"eventIds","required":true,"transform":{"type":"scalar"},"locs":[{"a":227,"b":236}]}],"statement":"select id as \"id!\", kind as \"kind!\", viewer_id as \"viewerId!\", record_ids as \"recordIds?\", revisions as \"revisions?\",\n  modification_ids as \"modificationIds?\", states as \"states?\"\nfrom app_private.read_events(:organizationId!, :eventIds!)"};

/**
 * Query generated from SQL:
 * ```
 * select id as "id!", kind as "kind!", viewer_id as "viewerId!", record_ids as "recordIds?", revisions as "revisions?",
 *   modification_ids as "modificationIds?", states as "states?"
 * from app_private.read_events(:organizationId!, :eventIds!)
 * ```
 */
export const readEvents = new PreparedQuery<IReadEventsParams,IReadEventsResult>(readEventsIR);


/** 'SubscriberRights' parameters type */
export interface ISubscriberRightsParams {
  organizationIds: numberArray;
  sessionIds: stringArray;
}

/** 'SubscriberRights' return type */
export interface ISubscriberRightsResult {
  isSignedIn: boolean;
  mayRead: boolean;
  mustChangePassword: boolean;
  organizationId: number;
  sessionId: string;
}

/** 'SubscriberRights' query type */
export interface ISubscriberRightsQuery {
  params: ISubscriberRightsParams;
  result: ISubscriberRightsResult;
}

const subscriberRightsIR: any = {"usedParamSet":{"sessionIds":true,"organizationIds":true},"params":[{"name":"sessionIds","required":true,"transform":{"type":"scalar"},"locs":[{"a":211,"b":222}]},{"name":"organizationIds","required":true,"transform":{"type":"scalar"},"locs":[{"a":225,"b":241}]}],"statement":"select session_id as \"sessionId!\", organization_id as \"organizationId!\", is_signed_in as \"isSignedIn!\",\n  must_change_password as \"mustChangePassword!\", may_read as \"mayRead!\"\nfrom app_private.subscriber_rights(:sessionIds!, :organizationIds!)"};

/**
 * Query generated from SQL:
 * ```
 * select session_id as "sessionId!", organization_id as "organizationId!", is_signed_in as "isSignedIn!",
 *   must_change_password as "mustChangePassword!", may_read as "mayRead!"
 * from app_private.subscriber_rights(:sessionIds!, :organizationIds!)
 * ```
 */
export const subscriberRights = new PreparedQuery<ISubscriberRightsParams,ISubscriberRightsResult>(subscriberRightsIR);


/** 'SubscriberRevision' parameters type */
export interface ISubscriberRevisionParams {
  organizationId: number;
  userId: number;
}

/** 'SubscriberRevision' return type */
export interface ISubscriberRevisionResult {
  revision: string;
}

/** 'SubscriberRevision' query type */
export interface ISubscriberRevisionQuery {
  params: ISubscriberRevisionParams;
  result: ISubscriberRevisionResult;
}

const subscriberRevisionIR: any = {"usedParamSet":{"organizationId":true,"userId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":39,"b":54}]},{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":57,"b":64}]}],"statement":"select app_private.subscriber_revision(:organizationId!, :userId!) as \"revision!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.subscriber_revision(:organizationId!, :userId!) as "revision!"
 * ```
 */
export const subscriberRevision = new PreparedQuery<ISubscriberRevisionParams,ISubscriberRevisionResult>(subscriberRevisionIR);


