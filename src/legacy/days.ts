/** Returns the day of a moment in a time zone, `YYYY-MM-DD`. */
export function dayIn(timeZone: string): (milliseconds: number) => string {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    ...{ calendar: 'iso8601', year: 'numeric', month: '2-digit', day: '2-digit' },
  });
  return (milliseconds) => {
    const parts = Object.fromEntries(
      format.formatToParts(milliseconds).map(({ type, value }) => [type, value]),
    );
    return `${parts.year!.padStart(4, '0')}-${parts.month!}-${parts.day!}`;
  };
}

/** Returns whether `Intl` knows a time zone. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const dayLength = 86_400_000;
const quarter = 900_000;

/** Returns whether a moment can be midnight in a zone other than UTC: offsets are multiples of a quarter of an hour. */
export const isElsewhereMidnight = (milliseconds: number): boolean =>
  milliseconds % dayLength !== 0 && milliseconds % quarter === 0;

/** Zone in which the days of a database begin. */
export interface ForeignDays {
  /** Number of day values. */
  values: number;
  /** Offsets of local time from UTC, in minutes; two in a zone with daylight saving time. */
  offsets: number[];
  /** Zones in which all the days begin at midnight. */
  timeZones: string[];
}

/** Collects the moments stored as days, to find the zone in which all of them are midnight. */
export class DayCollector {
  #values = 0;
  #hasForeign = false;
  /** Even many records have few distinct days. */
  readonly #moments = new Set<number>();

  add(milliseconds: number): void {
    this.#values += 1;
    this.#hasForeign ||= isElsewhereMidnight(milliseconds);
    if (this.#moments.size < 100_000) this.#moments.add(milliseconds);
  }

  /** Undefined if all days begin at midnight in UTC, or if no single zone explains them. */
  found(): ForeignDays | undefined {
    if (!this.#hasForeign) return undefined;
    const moments = [...this.#moments];
    const timeZones = Intl.supportedValuesOf('timeZone').filter((timeZone) => {
      const dayOf = dayIn(timeZone);
      // Midnight is the first moment of its day.
      return moments.every((moment) => dayOf(moment - 1) !== dayOf(moment));
    });
    if (timeZones.length === 0) return undefined;
    const offsets = new Set(
      moments.map((moment) => {
        const minutes = (dayLength - (((moment % dayLength) + dayLength) % dayLength)) / 60_000;
        return minutes > 14 * 60 ? minutes - 24 * 60 : minutes;
      }),
    );
    return { values: this.#values, offsets: [...offsets].sort((a, b) => a - b), timeZones };
  }
}

/** Returns the findings about the days, in a sentence. */
export function daysInWords({ values, offsets, timeZones }: ForeignDays): string {
  const shown = offsets.map((minutes) => {
    const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
    return `UTC${minutes < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`;
  });
  // Inhabited zones come first.
  const examples = timeZones
    .toSorted((a, b) => Number(a.startsWith('Antarctica')) - Number(b.startsWith('Antarctica')))
    .slice(0, 4);
  return `All ${values.toLocaleString('en')} days of records are local midnight of another zone, ${shown.join(' and ')}, as in ${examples.join(', ')}`;
}
