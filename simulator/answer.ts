/** What a service of this PEMS answers, and its way of saying no. */
import type { Dialect } from './dialects.ts';

export interface Answer {
  readonly status: number;
  /** The body's pieces, sent one after the other: large pages are not joined into one string. */
  readonly body: readonly (string | Buffer)[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error as PEMS words it: `ErrorAlert: [{ Name, Message }]`. Broken business rules come with status 200. */
export class Alert extends Error {
  readonly status: number;
  readonly alert: string;

  constructor(alert: string, message: string, status = 200) {
    super(message);
    this.alert = alert;
    this.status = status;
  }

  /** The answer of a tenant whose alerts have a Name, or of one whose alerts have none. */
  answer({ namelessAlerts }: Pick<Dialect, 'namelessAlerts'>): Answer {
    if (!namelessAlerts) return { status: this.status, body: [alertBody(this.alert, this.message)] };
    const message = plainWords[this.alert] ?? this.message;
    return json({ Result: null, ...alerts({ error: message }) }, this.status === 200 ? 400 : this.status);
  }
}

/** A question that nobody answers: nothing was done. Real systems send it with status 200. */
export class Question extends Alert {
  override answer(): Answer {
    return json({ Result: null, ...alerts({ question: this.message, name: this.alert }) });
  }
}

/** What a tenant without names says instead of a sentence about the record. */
const plainWords: Readonly<Record<string, string>> = { RECORD_NOT_FOUND: 'Record not found.' };

/** The members beside Result that the official API always has. */
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

/** The JSON body of an error. */
export function alertBody(name: string, message: string): string {
  return JSON.stringify({ ErrorAlert: [{ Name: name, Message: message }] });
}

/** A JSON body from one value. */
export function json(value: unknown, status = 200): Answer {
  return { status, body: [JSON.stringify(value)] };
}

/** XML habits of the real service: a list that may come as one object, or not at all. */
export function listOf(value: unknown): unknown[] {
  if (value === undefined || value === null || value === '') return [];
  return Array.isArray(value) ? (value as unknown[]) : [value];
}
