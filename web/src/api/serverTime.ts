/** Milliseconds by which this computer's clock is behind the server's. */
let behind = 0;

/** The header has whole seconds and arrives late; smaller differences mean nothing. */
const tolerance = 3000;

/** Reads the server's time from the Date header of a response. */
export function noteServerTime(date: string | null): void {
  const difference = date === null ? Number.NaN : Date.parse(date) - Date.now();
  if (Number.isNaN(difference)) return;
  behind = Math.abs(difference) < tolerance ? 0 : difference;
}

/** Current time by the server's clock, so that "4 minutes ago" is right even if this computer's clock is wrong. */
export const serverNow = (): number => Date.now() + behind;
