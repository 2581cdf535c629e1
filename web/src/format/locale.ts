/** The language and region that numbers and dates are written in: the browser's. */
export const locale = (): string => navigator.languages[0] ?? navigator.language;

/** Makes a formatter once for each locale. */
export function perLocale<T>(make: (locale: string) => T): () => T {
  let made: { locale: string; value: T } | undefined;
  return () => {
    const now = locale();
    if (made?.locale !== now) made = { locale: now, value: make(now) };
    return made.value;
  };
}
