/** What a service of this PEMS answers, and its way of saying no. */

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

  answer(): Answer {
    return { status: this.status, body: [alertBody(this.alert, this.message)] };
  }
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
