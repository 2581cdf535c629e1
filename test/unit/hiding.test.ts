import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hiderOf } from '../../src/hiding.ts';

// Secrets in texts of other systems, in any encoding.

const json = (text: string) => JSON.stringify(text).slice(1, -1);
const hex = (code: number, digits: number) => code.toString(16).padStart(digits, '0');
const each = (text: string, write: (character: string) => string) => [...text].map(write).join('');
const units = (text: string, write: (unit: number) => string) =>
  Array.from({ length: text.length }, (_, at) => write(text.charCodeAt(at))).join('');
const names: Record<string, string> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
  é: 'eacute',
};

/** Encodings that a system may use for a nested text. */
const forms: Record<string, (text: string) => string> = {
  'as it is': (text) => text,
  'in JSON': json,
  'in JSON that escapes slashes': (text) => json(text).replaceAll('/', '\\/'),
  'in JSON of ASCII': (text) =>
    units(json(text), (u) => (u > 0x7e ? `\\u${hex(u, 4)}` : String.fromCharCode(u))),
  'in JSON of nothing but escapes': (text) => units(text, (u) => `\\u${hex(u, 4).toUpperCase()}`),
  'in an address': encodeURIComponent,
  'in a form': (text) => new URLSearchParams({ a: text }).toString().slice(2),
  'in an address, in small letters': (text) =>
    encodeURIComponent(text).replace(/%../g, (byte) => byte.toLowerCase()),
  'in HTML': (text) => each(text, (c) => (names[c] ? `&${names[c]};` : c)),
  'in HTML, by numbers': (text) => each(text, (c) => (/\w/.test(c) ? c : `&#${c.codePointAt(0)};`)),
  'in HTML, by hexadecimal numbers': (text) =>
    each(text, (c) => (/\w/.test(c) ? c : `&#x0${hex(c.codePointAt(0) ?? 0, 2)};`)),
  'read as Latin-1': (text) => Buffer.from(text, 'utf8').toString('latin1'),
};
const kinds = Object.keys(forms);

const character = fc.constantFrom(...`abcnru019 "\\/&'<>%+=;:#§éß€🏗`);
const secret = fc
  .array(character, { minLength: 5, maxLength: 12 })
  .map((characters) => `Q${characters.join('')}Z`);

test.each(kinds)('a secret is redacted %s, alone or nested in any other encoding', (inner) => {
  fc.assert(
    fc.property(secret, fc.constantFrom(...kinds), (word, outer) => {
      const written = forms[outer]!(forms[inner]!(word));
      expect(hiderOf([word], '***')(`. ${written} .`)).toBe('. *** .');
    }),
    { numRuns: 300 },
  );
});

test('the remaining JSON stays valid, whatever surrounds the secret', () => {
  const text = fc.array(character, { maxLength: 4 }).map((characters) => characters.join(''));
  fc.assert(
    fc.property(text, text, text, text, (begin, end, before, after) => {
      // Without the syntax of JSON itself.
      const word = `${begin}Q${end}`;
      const said = `${before}\n${word}\n${after}`;
      const line = hiderOf([word], '(left out)')(JSON.stringify([said, JSON.stringify([said])]));
      expect(() => JSON.parse(line) as unknown).not.toThrow();
      expect(line).not.toContain('Q');
    }),
    { numRuns: 2000 },
  );
});

test('the longest of several secrets counts, and each occurrence is found', () => {
  expect(hiderOf(['token', 'my-token-1', ''], '***')('my-token-1 my-token-1, token')).toBe('*** ***, ***');
});

test('a secret cut off at the end of a text is redacted too, a beginning of a word is not', () => {
  const hide = hiderOf(['pass"wörd/1'], '***');
  for (const form of Object.values(forms)) {
    const whole = form('pass"wörd/1');
    const four = form('pass').length;
    for (let length = four; length < whole.length; length += 1)
      expect(hide(`<p>${whole.slice(0, length)}`, true)).toBe('<p>***');
  }
  expect(hide('<p>pas', true)).toBe('<p>pas');
  expect(hide('the pass"', false)).toBe('the pass"');
  expect(hide('the passage', true)).toBe('the passage');
});

test('text without secrets does not change', () => {
  const hide = hiderOf(['geheim & mehr'], '***');
  for (const text of ['geheim', 'geheim und mehr', '{"a":"\\u0067","b":"50 %"}', ''])
    expect(hide(text)).toBe(text);
});

test('a token of thousands of characters costs no more than a short one', () => {
  const token = Array.from({ length: 6000 }, (_, n) => 'aZ9-_.'[(n * 7 + (n >> 3)) % 6]).join('');
  const hide = hiderOf([token], '***');
  expect(hide(`{"a":"${token}"}`)).toBe('{"a":"***"}');
  expect(hide(`<p>${encodeURIComponent(token).slice(0, 5000)}`, true)).toBe('<p>***');
});
