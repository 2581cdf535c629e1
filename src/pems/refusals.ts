import type { PemsAlert } from './grid.ts';

/** Meaning of a refusal by PEMS. */
export type RefusalCode =
  /** The record does not exist. */
  | 'PEMS_RECORD_NOT_FOUND'
  /** The record has changed: its `recordid` differs from the one that was read. */
  | 'PEMS_RECORD_MODIFIED'
  /** Another user has the record open; a later write may succeed. */
  | 'PEMS_RECORD_LOCKED'
  /** The user of the connection lacks a right: a failure of the connection, never of a change. */
  | 'PEMS_UNAUTHORIZED'
  /** PEMS asks for confirmation and has done nothing. */
  | 'PEMS_CONFIRMATION_ASKED'
  /** Any other refusal by the rules of PEMS. */
  | 'PEMS_ERROR_ALERT';

interface Rule {
  code: RefusalCode;
  /** `Name` of an alert. Many tenants leave it empty, or send a number. */
  name: RegExp;
  /** Known words of `Message`, tested if the name says nothing. */
  message: RegExp;
  /** Whether it must be the only alert, because a partial match must not make a record look removed. */
  isAlone?: true;
}

/** Rules in order of precedence: the first rule that matches any alert counts. */
const rules: readonly Rule[] = [
  {
    code: 'PEMS_UNAUTHORIZED',
    name: /^(NOT_AUTHORIZED|AUTHORIZATION_FAILED|UNAUTHORIZED|INVALID_(USER|CREDENTIALS|SESSION)|SESSION_EXPIRED)$/i,
    message:
      /\bauthori[sz]ation failed|\bnot authori[sz]ed to (use|access) (this|the) (screen|grid|function|web ?service|tenant)|\bauthentication failed|\binvalid (user( ?name)?|password|credentials|session|tenant)\b|\bsession (has )?(expired|timed out)|\b(user|account) is (locked|disabled)/i,
  },
  {
    code: 'PEMS_RECORD_MODIFIED',
    name: /^RECORD_(MODIFIED|CHANGED|UPDATED)$/i,
    message: /\b(modified|changed|updated) by (another|a different|an other) (user|session|process)\b/i,
  },
  {
    code: 'PEMS_RECORD_LOCKED',
    name: /^RECORD_LOCKED$/i,
    message:
      /\brecord is (currently )?(locked|in use)|\blocked by (another )?(user|session)|\bbeing (used|edited) by\b/i,
  },
  {
    code: 'PEMS_RECORD_NOT_FOUND',
    name: /^(RECORD_)?NOT_FOUND$/i,
    message:
      /^\s*(the )?(requested )?record (was |could )?not (be )?found\.?\s*$|^\s*(the )?record does not exist\.?\s*$/i,
    isAlone: true,
  },
];

/**
 * Classifies alerts of PEMS by name, and by their words only if the name says nothing. HTTP statuses are classified
 * before: 401, 403, 429 and 5xx have their meaning regardless of the body.
 */
export function refusalCode(alerts: readonly PemsAlert[]): RefusalCode {
  for (const { code, name, message, isAlone } of rules) {
    if (isAlone && alerts.length > 1) continue;
    const isMet = (alert: PemsAlert): boolean =>
      name.test(alert.name) || (!isTelling(alert.name) && message.test(alert.message));
    if (alerts.some(isMet)) return code;
  }
  return 'PEMS_ERROR_ALERT';
}

/** A known name decides alone; a number, an empty name and unknown names do not. */
const isTelling = (alertName: string): boolean => rules.some(({ name }) => name.test(alertName));
