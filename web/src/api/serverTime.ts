/** How far the clock of this computer is behind the server's, in milliseconds. */
let behind = 0;

/** The header has whole seconds, and the answer was under way for a while: less than this is no difference. */
const tolerance = 3000;

/** Takes the server's time from the header Date of an answer. */
export function noteServerTime(date: string | null): void {
  const difference = date === null ? Number.NaN : Date.parse(date) - Date.now();
  if (Number.isNaN(difference)) return;
  behind = Math.abs(difference) < tolerance ? 0 : difference;
}

/** The time by the server's clock: "4 minutes ago" is right also where this computer's clock is wrong. */
export const serverNow = (): number => Date.now() + behind;
