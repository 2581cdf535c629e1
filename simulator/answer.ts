/** Responses of the services of this PEMS, and its errors. */
import type { Dialect } from './dialects.ts';

export interface Answer {
  readonly status: number;
  /** Pieces of the body, sent one after the other, because large pages are not joined into one string. */
  readonly body: readonly (string | Buffer)[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error in the words of PEMS: `ErrorAlert: [{ Name, Message }]`. Violations of business rules have status 200. */
export class Alert extends Error {
  readonly status: number;
  readonly alert: string;

  constructor(alert: string, message: string, status = 200) {
    super(message);
    this.alert = alert;
    this.status = status;
  }

  /** Returns the response of a tenant with or without names in its alerts. */
  answer({ namelessAlerts }: Pick<Dialect, 'namelessAlerts'>): Answer {
    if (!namelessAlerts) return { status: this.status, body: [alertBody(this.alert, this.message)] };
    const message = plainWords[this.alert] ?? this.message;
    return json({ Result: null, ...alerts({ error: message }) }, this.status === 200 ? 400 : this.status);
  }
}

/** A question to the user, which stops the request without any effect. Real systems send it with status 200. */
export class Question extends Alert {
  override answer(): Answer {
    return json({ Result: null, ...alerts({ question: this.message, name: this.alert }) });
  }
}

/** Texts that a tenant without names sends instead of a sentence about the record. */
const plainWords: Readonly<Record<string, string>> = { RECORD_NOT_FOUND: 'Record not found.' };

/** Members beside Result that the official API always sends. */
export function alerts({
  error,
  question,
  name = '',
}: { error?: string; question?: string; name?: string } = {}) {
  return {
    ErrorAlert: error === undefined ? [] : [{ Message: error, Name: name }],
    ConfirmationAlert: question === undefined ? null : { Message: question, Name: name },
    InformationAlert: [],
    WarningAlert: [],
  };
}

/** Returns the JSON body of an error. */
export function alertBody(name: string, message: string): string {
  return JSON.stringify({ ErrorAlert: [{ Name: name, Message: message }] });
}

/** Returns a JSON body with one value. */
export function json(value: unknown, status = 200): Answer {
  return { status, body: [JSON.stringify(value)] };
}

/** Reads a list as the real service does, which descends from XML: it may be one object, or absent. */
export function listOf(value: unknown): unknown[] {
  if (value === undefined || value === null || value === '') return [];
  return Array.isArray(value) ? (value as unknown[]) : [value];
}
