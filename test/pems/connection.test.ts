import { expect, test } from 'vitest';
import { openPemsConnection, saveConnection, type NewConnection } from '../../src/connections.ts';
import { createVault, newEncryptionKey } from '../../src/encryption.ts';
import { withoutSecrets } from '../../src/logger.ts';
import { testDatabase } from '../support/database.ts';
import { makeOrganization } from '../support/make.ts';

const db = await testDatabase();

test('a connection has the screen and the YEAR format of its tenant', async () => {
  const vault = createVault(newEncryptionKey('a'));
  const organization = await makeOrganization(db, 'RIO');
  const client = await db.owner.connect();
  try {
    await saveConnection(client, vault, {
      id: 'rio',
      name: 'RIO',
      url: 'https://pems.example/axis/restservices',
      tenant: 'ACME_PRD',
      username: 'u',
      password: 'secret',
      dateOrder: 'MDY',
      requestType: 'LIST.DATA_ONLY.STORED',
      organization: 'RIO',
      isSimulated: false,
    });
  } finally {
    client.release();
  }
  const { connection } = await openPemsConnection(db.owner, vault, organization.id);
  expect(connection).toMatchObject({ screen: { name: 'CUPFA2' }, yearFormat: 'milliseconds' });
  await db.owner.query(
    "update app_public.pems_settings set screen_name = 'CUPFA9', year_format = 'plain' where api_configuration_id = 'rio'",
  );
  const other = await openPemsConnection(db.owner, vault, organization.id);
  expect(other.connection).toMatchObject({ screen: { name: 'CUPFA9' }, yearFormat: 'plain' });
});

test('missing settings keep their value, and an empty one resets to the default', async () => {
  const vault = createVault(newEncryptionKey('a'));
  const organization = await makeOrganization(db);
  const save = async (more: Partial<NewConnection>) => {
    const client = await db.owner.connect();
    try {
      await saveConnection(client, vault, {
        id: 'own',
        name: 'Own',
        url: 'https://pems.example/axis/restservices',
        tenant: 'T',
        username: 'u',
        password: 'p',
        dateOrder: 'MDY',
        requestType: 'LIST.DATA_ONLY.STORED',
        organization: organization.code,
        isSimulated: false,
        ...more,
      });
    } finally {
      client.release();
    }
    const { loginOrganization, gridPath, headerPath, screenPath, monthLanguage } = (
      await openPemsConnection(db.owner, vault, organization.id)
    ).connection;
    return [loginOrganization, gridPath, headerPath, screenPath, monthLanguage];
  };
  expect(await save({})).toEqual([null, 'griddata', null, 'userdefinedscreenservices', 'en']);
  const own = {
    loginOrganization: '*',
    gridPath: 'g',
    headerPath: 'h',
    screenPath: 's',
    monthLanguage: 'fr',
  };
  expect(await save(own)).toEqual(Object.values(own));
  expect(await save({})).toEqual(Object.values(own));
  expect(await save({ loginOrganization: '', headerPath: '' })).toEqual([null, 'g', null, 's', 'fr']);
  for (const [setting, value] of [
    ['monthLanguage', 'klingon'],
    ['gridPath', '../x'],
    ['loginOrganization', 'Ü'],
  ])
    await expect(save({ [setting!]: value })).rejects.toMatchObject({ code: 'PEMS_CONNECTION_INVALID' });
});

test.each([
  'https://user:word@pems.example/axis',
  'HTTPS://user@pems.example',
  'http://user:w@rd@pems.example',
  'https://:word@pems.example?x=1',
])('an address with credentials is refused: %s', async (url) => {
  for (const statement of [
    "insert into app_public.api_configurations (name, usage, url) values ('N', 'PEMS_PFA_READ', $1)",
    "insert into app_public.ai_providers (type, name, api_endpoint) values ('gemini', 'N', $1)",
  ])
    await expect(db.owner.query(statement, [url])).rejects.toMatchObject({ code: '23514' });
});

test('an at sign after the host of an address does not mark credentials', async () => {
  await db.owner.query(
    "insert into app_public.api_configurations (name, usage, url) values ('N', 'PEMS_PFA_READ', 'https://pems.example/a@b?c=d@e')",
  );
});

const base64 = (text: string) => Buffer.from(text).toString('base64');
/** An entered secret, and the texts that no log may contain from then on. */
const entered: [
  string,
  { key: string; value: (secret: string) => string }[],
  (secret: string) => string[],
][] = [
  ['basic', [], (secret) => [secret, base64(`somebody:${secret}`)]],
  ['apiKey', [], (secret) => [secret]],
  ['bearer', [], (secret) => [secret]],
  [
    'none',
    [{ key: 'X-Session', value: (secret) => `Token id=${secret}` }],
    (secret) => [secret, `id=${secret}`],
  ],
  // The first of two words, which is not a known scheme.
  [
    'none',
    [{ key: 'X-Key', value: (secret) => `${secret.replaceAll(' ', '-')} v2` }],
    (secret) => [secret.replaceAll(' ', '-')],
  ],
  ['none', [{ key: 'Cookie', value: (secret) => `lang=en; session="${secret}"` }], (secret) => [secret]],
];

test.each(entered)(
  'the secret of a connection (%s, %j) is in no log from then on',
  async (authType, headers, secretsOf) => {
    const vault = createVault(newEncryptionKey('a'));
    const organization = await makeOrganization(db);
    const [id, secret] = [
      `secret-${organization.id}`,
      `open-${organization.code} "sesame-${organization.code}"`,
    ];
    const client = await db.owner.connect();
    try {
      await saveConnection(client, vault, {
        ...{
          id,
          name: id,
          url: 'https://pems.example/axis/restservices',
          tenant: 'ACME_PRD',
          username: 'somebody',
        },
        ...{
          password: authType === 'none' ? 'x' : secret,
          dateOrder: 'MDY',
          requestType: 'LIST.DATA_ONLY.STORED',
        },
        ...{ organization: organization.code, isSimulated: false },
      });
    } finally {
      client.release();
    }
    const own = headers.map(({ key, value }) => ({ key, value: value(secret) }));
    await db.owner.query(
      'update app_public.api_configurations set auth_type = $2, custom_headers = $3 where id = $1',
      [id, authType, JSON.stringify([...own, { key: 'tenant', value: 'never-sent' }])],
    );
    const secrets = secretsOf(secret);
    const line = JSON.stringify([...secrets, 'never-sent']);
    expect(withoutSecrets(line)).toBe(line);
    await openPemsConnection(db.owner, vault, organization.id);
    for (const text of [line, encodeURIComponent(line)]) {
      const shown = withoutSecrets(text);
      expect(shown).toContain('never-sent');
      for (const part of [organization.code, ...secrets]) expect(shown).not.toContain(part);
    }
    // The scheme is not secret: it shows that a secret follows.
    expect(withoutSecrets('Authorization: Bearer of-somebody-else')).not.toContain('else');
  },
);
