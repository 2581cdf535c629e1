/** Whether `Intl` knows a tag of a language: some systems give the browser one that is none, such as `en-US@posix`. */
function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length > 0;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const chosen = { tags: '', locale: 'en-US' };

/** The language and region that numbers and dates are written in: the first of the browser's that `Intl` knows. */
export function locale(): string {
  const tags = navigator.languages.join();
  if (chosen.tags !== tags) {
    chosen.tags = tags;
    chosen.locale = navigator.languages.find(isLocale) ?? 'en-US';
  }
  return chosen.locale;
}

/** Makes a formatter once for each locale. */
export function perLocale<T>(make: (locale: string) => T): () => T {
  let made: { locale: string; value: T } | undefined;
  return () => {
    const now = locale();
    if (made?.locale !== now) made = { locale: now, value: make(now) };
    return made.value;
  };
}
