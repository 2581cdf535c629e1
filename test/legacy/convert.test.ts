import { createCipheriv, type CipherGCM } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { converter, type LegacyColumn } from '../../src/legacy/convert.ts';
import { decryptLegacySecret, parseLegacyKey } from '../../src/legacy/secrets.ts';
import type { CanonicalValue } from '../../src/legacy/values.ts';

const column = (kind: string, more: Partial<LegacyColumn> = {}): LegacyColumn => ({
  ...{ name: 'x', kind, target: 'x', parent: null, isRequired: false, maxLength: null, maxAmount: null },
  ...{ mayBeLeftOut: false, isEditable: false, allowedValues: null, aliases: [] },
  ...more,
});

/** The converted value, or the problem with it. */
function converted(kind: string, value: CanonicalValue, more: Partial<LegacyColumn> = {}): unknown {
  const convert = converter([{ name: 'x' }], [column(kind, more)], () => undefined);
  const { content, problems } = convert([value]);
  return problems[0]?.problem ?? (JSON.parse(content) as { x?: unknown }).x;
}

describe.each<[kind: string, cases: [value: CanonicalValue, becomes: unknown][]]>([
  [
    'text',
    [
      ["O'Neill", "O'Neill"],
      ['', undefined],
      [null, undefined],
      [5, '5'],
      [{ real: '0.1' }, '0.1'],
      [{ integer: '9007199254740993' }, '9007199254740993'],
      ['a\0b', 'is no text that can be kept: bytes, invalid characters or U+0000'],
      [{ blob: 'AA==' }, 'is no text that can be kept: bytes, invalid characters or U+0000'],
      [{ text: 'Yf8=' }, 'is no text that can be kept: bytes, invalid characters or U+0000'],
    ],
  ],
  [
    'flag',
    [
      [1, true],
      [0, false],
      ['true', true],
      ['0', false],
      [{ real: '1' }, true],
      [2, 'is neither true (1) nor false (0)'],
      ['yes', 'is neither true (1) nor false (0)'],
    ],
  ],
  [
    'number',
    [
      [7, 7],
      [{ real: '0.30000000000000004' }, 0.30000000000000004],
      [{ real: '1e-7' }, 1e-7],
      [{ integer: '9007199254740993' }, 9007199254740992],
      [{ real: 'Infinity' }, 'is no finite number'],
      ['7', 'is no finite number'],
    ],
  ],
  [
    'integer',
    [
      [2147483647, 2147483647],
      [2147483648, 'is no whole number of 32 bits'],
      [{ real: '1.5' }, 'is no whole number of 32 bits'],
    ],
  ],
  [
    'time',
    [
      [0, '1970-01-01T00:00:00.000Z'],
      [-1, '1969-12-31T23:59:59.999Z'],
      [{ real: '1500.4' }, '1970-01-01T00:00:01.500Z'],
      [{ real: '1500.6' }, '1970-01-01T00:00:01.501Z'],
      ['2025-01-05 08:30:15', '2025-01-05T08:30:15Z'],
      ['2025-01-05', '2025-01-05T00:00:00Z'],
      ['2025-01-05T08:30:15.123456+02:00', '2025-01-05T06:30:15.123456Z'],
      ['2025-01-05 08:30 -0530', '2025-01-05T14:00:00Z'],
      ['2025-01-05 08:30.5', expect.stringContaining('is no time')],
      ['2025-02-29', expect.stringContaining('is no time')],
      ['2025-13-01', expect.stringContaining('is no time')],
      ['on 2025-01-05', expect.stringContaining('is no time')],
      ['2025-01-05 08:30 +15:00', expect.stringContaining('is no time')],
      ['2025-01-05 24:00:00', expect.stringContaining('is no time')],
      [-62_135_596_800_001, expect.stringContaining('is no time')],
      [-62_135_596_800_000, '0001-01-01T00:00:00.000Z'],
      ['0000-01-01', expect.stringContaining('is no time')],
      ['9999-12-31 23:59 -01:00', expect.stringContaining('is no time')],
      [253_402_300_800_000, expect.stringContaining('is no time')],
      [253_402_300_799_999, '9999-12-31T23:59:59.999Z'],
      [{ integer: '4611686018427387904' }, expect.stringContaining('is no time')],
      ['now', expect.stringContaining('is no time')],
    ],
  ],
  [
    'day',
    [
      [Date.UTC(2026, 3, 2), '2026-04-02'],
      // A day as an instant keeps its day in UTC, whatever the local zone.
      [Date.UTC(2026, 3, 2) - 1, '2026-04-01'],
      // A possible midnight of another zone does not count as a day of UTC.
      ['2026-04-02T23:30:00-02:00', expect.stringContaining('is 01:30 in UTC and not midnight')],
      ['1899-12-31', '1899-12-31'],
    ],
  ],
  ['minute', [[Date.UTC(2026, 3, 2, 10, 20, 59, 999), '2026-04-02T10:20:00Z']]],
  [
    'password',
    [
      // Stored with the secrets, not in the columns.
      [`$2b$10$${'a'.repeat(53)}`, undefined],
      ['admin123', 'is no bcrypt hash'],
      [`x$2b$10$${'a'.repeat(53)}`, 'is no bcrypt hash'],
      [`$2b$10$${'a'.repeat(54)}`, 'is no bcrypt hash'],
      [`$2b$10$${'a'.repeat(52)}`, 'is no bcrypt hash'],
    ],
  ],
])('%s', (kind, cases) => {
  test.each(cases)('%j becomes %j', (value, becomes) => {
    expect(converted(kind, value)).toEqual(becomes);
  });
});

test('values that are missing, too long or no amounts are reported', () => {
  expect(converted('text', null, { isRequired: true })).toBe('is missing');
  expect(converted('text', '', { isRequired: true })).toBe('is missing');
  expect(converted('text', '👷👷👷', { maxLength: 3 })).toBe('👷👷👷');
  expect(converted('text', '👷👷👷👷', { maxLength: 3 })).toBe('is longer than 3 characters');
  expect(converted('number', -1, { maxAmount: 100 })).toBe('is negative, or too large for an amount');
  expect(converted('number', 100, { maxAmount: 100 })).toBe('is negative, or too large for an amount');
  expect(converted('number', { real: '99.99' }, { maxAmount: 100 })).toBe(99.99);
});

test('any instant of Date in the years 1 to 9999 is converted exactly', () => {
  fc.assert(
    fc.property(
      fc.date({
        min: new Date('0001-01-01T00:00:00Z'),
        max: new Date('9999-12-31T23:59:59.999Z'),
        noInvalidDate: true,
      }),
      (date) => {
        // Near 1970 the number has other valid readings.
        fc.pre(Math.abs(date.getTime()) >= 10_000_000_000);
        for (const value of [date.getTime(), date.toISOString(), date.toISOString().replace('T', ' ')])
          expect(new Date(converted('time', value) as string).getTime()).toBe(date.getTime());
        const isQuarter = date.getTime() % 900_000 === 0 && date.getTime() % 86_400_000 !== 0;
        if (!isQuarter) expect(converted('day', date.getTime())).toBe(date.toISOString().slice(0, 10));
      },
    ),
  );
});

test('any finite number of SQLite is converted exactly', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(converted('number', { real: String(value) })).toBe(Object.is(value, -0) ? 0 : value);
    }),
  );
});

test('references point to existing rows, and missing ones are reported', () => {
  const columns = [
    column('reference', { name: 'organizationId', target: 'organization_id', parent: 'organizations' }),
  ];
  const convert = converter([{ name: 'organizationId' }], columns, (_, id) =>
    id === 'here' ? { key: 7, legacyId: 'x' } : id === 'bad' ? 'cannot be migrated' : undefined,
  );
  expect(convert(['here'])).toMatchObject({
    content: '{"organization_id":7}',
    refs: '{"organization_id":"x"}',
    problems: [],
  });
  expect(convert(['bad']).problems).toMatchObject([
    { problem: 'points at a row of organizations that cannot be migrated' },
  ]);
  expect(convert(['nowhere']).problems).toMatchObject([{ problem: 'points at no row of organizations' }]);
});

test('secrets and passwords are in no list of problems', () => {
  const convert = converter([{ name: 'x' }], [column('secret', { target: 'authKey' })], () => undefined);
  expect(
    JSON.stringify(convert([{ blob: Buffer.from('hunter2').toString('base64') }]).problems),
  ).not.toContain('aHVud');
  expect(convert(['iv:tag:text']).secrets).toBe('{"authKey":"iv:tag:text"}');
});

test('a value in the list of problems is shortened and has no U+0000; an id of any type is text', () => {
  const convert = converter([{ name: 'id' }], [column('flag', { name: 'id' })], () => undefined);
  const shown = (value: CanonicalValue) => convert([value]).problems[0]?.value;
  expect(shown('a\0b')).toBe('a\u2400b');
  expect(shown('x'.repeat(200))).toBe('x'.repeat(200));
  expect(shown(`${'x'.repeat(199)}👷`)).toBe(`${'x'.repeat(199)}\ufffd...`);
  expect(shown({ integer: '9007199254740993' })).toEqual({ integer: '9007199254740993' });
  expect(convert([{ integer: '9007199254740993' }]).legacyId).toBe('{"integer":"9007199254740993"}');
  expect(convert([5]).legacyId).toBe('5');
  expect(convert([null]).legacyId).toBeNull();
});

describe('text encrypted by the prototype', () => {
  const key = Buffer.alloc(32, 7);
  const sealed = (algorithm: 'aes-256-gcm' | 'aes-256-cbc', text: string | Buffer) => {
    const iv = Buffer.alloc(16, 1);
    const cipher = createCipheriv(algorithm, key, iv);
    const ciphertext = Buffer.concat([cipher.update(text), cipher.final()]);
    const tag = algorithm === 'aes-256-gcm' ? (cipher as CipherGCM).getAuthTag() : Buffer.alloc(0);
    return [iv, tag, ciphertext].map((part) => part.toString('base64')) as [string, string, string];
  };

  test('is decrypted with a tag, with an empty one and without one; a byte order mark is part of it', () => {
    const [iv, , ciphertext] = sealed('aes-256-cbc', '\ufeffπ');
    expect(decryptLegacySecret(sealed('aes-256-gcm', '\ufeffπ').join(':'), key)).toBe('\ufeffπ');
    expect(decryptLegacySecret(`${iv}::${ciphertext}`, key)).toBe('\ufeffπ');
    expect(decryptLegacySecret(`${iv}:${ciphertext}`, key)).toBe('\ufeffπ');
  });

  test('that was changed, has another format or is not text is refused', () => {
    const [iv, tag, ciphertext] = sealed('aes-256-gcm', 'secret');
    const changed = Buffer.from(ciphertext, 'base64').map((byte) => byte ^ 1);
    for (const secret of [
      `${iv}:${tag}:${Buffer.from(changed).toString('base64')}`,
      `${iv}:${tag}:${ciphertext}:more`,
      ...[ciphertext, '', '::', `${iv}:${tag}`],
      sealed('aes-256-gcm', Buffer.from([0xff])).join(':'),
      sealed('aes-256-cbc', Buffer.from([0xff])).join(':'),
    ])
      expect(decryptLegacySecret(secret, key), secret).toBeUndefined();
  });

  test('a key has 64 hexadecimal digits, base64 or 32 characters, and no other form', () => {
    for (const text of [
      key.toString('hex'),
      `${key.toString('hex').toUpperCase()}\n`,
      key.toString('base64'),
    ])
      expect(parseLegacyKey(text)).toEqual(key);
    expect(parseLegacyKey('this is a key of 32 characters !')).toEqual(
      Buffer.from('this is a key of 32 characters !'),
    );
    for (const text of ['', 'short', key.toString('hex').slice(2)])
      expect(() => parseLegacyKey(text)).toThrow('AES-256 needs 32 bytes');
  });
});
