/** True if `Intl` accepts a language tag; some systems set an invalid one, such as `en-US@posix`. */
function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length > 0;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const chosen = { tags: '', locale: 'en-US' };

/** Returns the locale for numbers and dates: the first of the browser's languages that `Intl` accepts. */
export function locale(): string {
  const tags = navigator.languages.join();
  if (chosen.tags !== tags) {
    chosen.tags = tags;
    chosen.locale = navigator.languages.find(isLocale) ?? 'en-US';
  }
  return chosen.locale;
}

/** Creates a formatter once for each locale. */
export function perLocale<T>(make: (locale: string) => T): () => T {
  let made: { locale: string; value: T } | undefined;
  return () => {
    const now = locale();
    if (made?.locale !== now) made = { locale: now, value: make(now) };
    return made.value;
  };
}
