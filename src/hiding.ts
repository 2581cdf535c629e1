/**
 * Returns a text without secrets. With `isCut`, the text may end within a secret, whose beginning is then redacted as
 * well.
 */
export type Hide = (text: string, isCut?: boolean) => string;

/** Number of characters that distinguish the beginning of a secret from a word. */
const leastBeginning = 4;

/**
 * Returns a function that redacts secrets in texts of other systems, in every notation: JSON, URL, form or HTML
 * escapes, UTF-8 read as Latin-1, and combinations of these. Redacted JSON stays valid.
 */
export function hiderOf(secrets: Iterable<string>, replacement: string): Hide {
  const wanted = [...new Set(secrets)].filter((secret) => secret !== '');
  const longest = Math.max(0, ...wanted.map(({ length }) => length));
  return (text, isCut = false) => {
    if (wanted.length === 0) return text;
    const spans = [...readingsOf(text)].flatMap((reading) => found(reading, wanted));
    if (isCut) spans.push(...beginningAtEnd(text, wanted, longest));
    return replaceSpans(text, spans, replacement);
  };
}

interface Span {
  start: number;
  end: number;
}

/** A text with its escapes decoded, and the place in the original where each character begins, including the end. */
interface Reading {
  said: string;
  starts: readonly number[] | undefined;
}

/** A notation of escapes; each escape stands for one character. */
interface Escapes {
  pattern: RegExp;
  read: (escape: RegExpMatchArray) => string;
}

const utf8 = (bytes: Iterable<number>) => Buffer.from([...bytes]).toString('utf8');
const follows = '%[89abAB][0-9a-fA-F]';
const percent = `%[c-dC-D][0-9a-fA-F]${follows}|%[eE][0-9a-fA-F](?:${follows}){2}|%[fF][0-7](?:${follows}){3}|%[0-9a-fA-F]{2}`;

function percentRead([escape]: RegExpMatchArray): string {
  if (escape === '+') return ' ';
  const bytes = escape
    .split('%')
    .slice(1)
    .map((digits) => Number.parseInt(digits, 16));
  return bytes.length > 1 ? utf8(bytes) : String.fromCharCode(bytes[0] ?? 0);
}

/** Names of the characters from U+00A0 on. */
const latin1Names =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml'.split(
    ' ',
  );
const entities = new Map([
  ...Object.entries({ amp: '&', quot: '"', apos: "'", lt: '<', gt: '>', euro: '€' }),
  ...latin1Names.map((name, at): [string, string] => [name, String.fromCharCode(0xa0 + at)]),
]);

const shortEscapes: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

const ways: readonly Escapes[] = [
  {
    pattern: /\\(?:u([0-9a-fA-F]{4})|(["'\\/bfnrt]))/g,
    read: ([, code, short = '']) =>
      code === undefined ? (shortEscapes[short] ?? short) : String.fromCharCode(Number.parseInt(code, 16)),
  },
  { pattern: new RegExp(percent, 'g'), read: percentRead },
  { pattern: new RegExp(String.raw`${percent}|\+`, 'g'), read: percentRead },
  {
    pattern: /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(\w{2,8}));/g,
    read: ([escape, decimal, hexadecimal, name = '']) => {
      const code = decimal ? Number(decimal) : hexadecimal ? Number.parseInt(hexadecimal, 16) : undefined;
      if (code === undefined) return entities.get(name) ?? escape;
      return code <= 0x10ffff ? String.fromCodePoint(code) : escape;
    },
  },
  {
    pattern: /[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}/g,
    read: ([bytes]) => Buffer.from(bytes, 'latin1').toString('utf8'),
  },
];

/** Yields a text as it is and decoded in each notation, repeatedly. */
function* readingsOf(text: string): Generator<Reading> {
  const asItIs = { said: text, starts: undefined };
  yield asItIs;
  for (const way of ways) {
    const once = readingOf(asItIs, way);
    if (once === undefined) continue;
    yield once;
    for (const again of ways) {
      const twice = readingOf(once, again);
      if (twice !== undefined) yield twice;
    }
  }
}

/** Returns undefined if the text has no escape of this notation. */
function readingOf({ said, starts }: Reading, { pattern, read }: Escapes): Reading | undefined {
  const placeOf = (at: number) => starts?.[at] ?? at;
  const places: number[] = [];
  let result = '';
  let from = 0;
  const takeUntil = (end: number) => {
    for (let at = from; at < end; at += 1) places.push(placeOf(at));
    result += said.slice(from, end);
  };
  for (const escape of said.matchAll(pattern)) {
    takeUntil(escape.index);
    const character = read(escape);
    for (let unit = 0; unit < character.length; unit += 1) places.push(placeOf(escape.index));
    result += character;
    from = escape.index + escape[0].length;
  }
  if (from === 0) return undefined;
  takeUntil(said.length);
  places.push(placeOf(said.length));
  return { said: result, starts: places };
}

function found({ said, starts }: Reading, secrets: readonly string[]): Span[] {
  const spans: Span[] = [];
  for (const secret of secrets)
    for (let at = said.indexOf(secret); at >= 0; at = said.indexOf(secret, at + secret.length)) {
      const end = at + secret.length;
      spans.push({ start: starts?.[at] ?? at, end: starts?.[end] ?? end });
    }
  return spans;
}

/** Maximum length of the escape of one character. */
const longestEscape = 36;

/** Finds where a truncated secret begins at the end of the text; its visible part may end with half an escape. */
function beginningAtEnd(text: string, secrets: readonly string[], longest: number): Span[] {
  const tailStart = Math.max(0, text.length - (longest + 1) * longestEscape);
  const tail = text.slice(tailStart);
  const ends = [...tail.matchAll(/[\\%&](?=[\w\\%&#;]{0,35}$)|[\xc2-\xf4](?=[\x80-\xbf]{0,2}$)/g)].map(
    ({ index }) => index,
  );
  for (const end of [tail.length, ...ends]) {
    for (const { said, starts } of readingsOf(tail.slice(0, end))) {
      for (const secret of secrets) {
        for (let length = secret.length - 1; length >= leastBeginning; length -= 1) {
          if (!said.endsWith(secret.slice(0, length))) continue;
          const at = said.length - length;
          return [{ start: tailStart + (starts?.[at] ?? at), end: text.length }];
        }
      }
    }
  }
  return [];
}

function replaceSpans(text: string, spans: Span[], replacement: string): string {
  let result = '';
  let done = 0;
  let last: Span | undefined;
  const take = ({ start, end }: Span) => {
    // An escaped character is replaced together with its backslash.
    const from = isEscaped(text, start) ? start - 1 : start;
    result += text.slice(done, Math.max(done, from)) + replacement;
    done = isEscaped(text, end) ? end + 1 : end;
  };
  for (const span of spans.sort((a, b) => a.start - b.start)) {
    if (last !== undefined && span.start < last.end) last.end = Math.max(last.end, span.end);
    else {
      if (last !== undefined) take(last);
      last = { ...span };
    }
  }
  if (last !== undefined) take(last);
  return result + text.slice(done);
}

/** Returns whether a backslash escapes the character there, as in JSON. */
function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes += 1;
  return at < text.length && backslashes % 2 === 1;
}
