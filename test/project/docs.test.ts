import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { environmentSchema, projectFolder, readConfiguration } from '../../src/configuration.ts';
import { explanations } from '../../src/codes.ts';
import { sqlstates, statuses } from '../../src/sqlstates.ts';
import { run } from '../cli/vanguard.ts';

// What is documented is what there is: variables, codes, commands.

const read = (file: string) => readFileSync(join(projectFolder, file), 'utf8');
const filesIn = (folders: string[], extension: string) =>
  folders.flatMap((folder) =>
    readdirSync(join(projectFolder, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith(extension) && !name.endsWith('.queries.ts'))
      .map((name) => join(folder, name)),
  );
const pages = filesIn(['docs'], '.md');

describe('configuration', () => {
  const variables = Object.keys(environmentSchema.shape).sort();
  const table = [...read('docs/reference/configuration.md').matchAll(/^\| `([A-Z_]+)` \| (?:`([^`]+)`|-) \|/gm)];

  test('docs/reference/configuration.md has each variable that is read, and no other', () => {
    expect(table.map(([, name]) => name).sort()).toEqual(variables);
  });

  test('.env.example has each variable that is read, and no other', () => {
    const given = [...read('.env.example').matchAll(/^# ([A-Z_]+)=/gm)].map(([, name]) => name);
    expect([...new Set(given)].sort()).toEqual([...variables, 'TEST_DATABASE_URL'].sort());
  });

  test('the defaults are as documented, on both pages', () => {
    const defaults = environmentSchema.parse({}) as unknown as Record<string, string | number>;
    for (const [, name = '', value] of table) {
      expect([name, value]).toEqual([
        name,
        defaults[name] === undefined ? undefined : String(defaults[name]),
      ]);
      if (value === undefined) continue;
      const [, example] = new RegExp(`^# ${name}=(.*)$`, 'm').exec(read('.env.example')) ?? [];
      expect([name, example]).toEqual([name, value]);
    }
  });

  test('no secret that is written down anywhere is taken in production', () => {
    const problems = (more: Record<string, string>): string => {
      try {
        readConfiguration({
          NODE_ENV: 'production',
          DATABASE_URL: 'postgres://vanguard@db/x',
          VANGUARD_SECRET: 'u8Jx0qTz4LwVb2Yh7NcRk5Dg9Ms1Pf3E',
          VANGUARD_ENCRYPTION_KEYS: `k:${Buffer.from('u8Jx0qTz4LwVb2Yh7NcRk5Dg9Ms1Pf3E').toString('base64')}`,
          ...more,
        });
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(problems({})).toBe('');
    const texts = ['.env.example', 'README.md', 'docker-compose.yml', ...pages].map(read).join('\n');
    const urls = texts.match(/postgres:\/\/[\w$:{}?]+@[\w.:]+\/\w+/g) ?? [];
    expect(urls.length).toBeGreaterThan(1);
    for (const url of urls.filter((one) => new URL(one).password && !one.includes('$'))) {
      expect(problems({ DATABASE_URL: url })).toContain('DATABASE_URL has a password that can be guessed');
    }
    for (const VANGUARD_SECRET of [
      'changeme-changeme-changeme-changeme',
      'replace-me-with-something-random-please',
      'my-very-long-password-for-the-vanguard',
      'abababababababababababababababababab',
      'x'.repeat(64),
    ]) {
      expect(problems({ VANGUARD_SECRET })).toContain('VANGUARD_SECRET can be guessed');
      expect(problems({ VANGUARD_SECRET })).not.toContain(VANGUARD_SECRET);
    }
    const keys = ['A', 'B'].map((letter) => `k:${letter.repeat(43)}=`);
    for (const VANGUARD_ENCRYPTION_KEYS of keys) {
      expect(problems({ VANGUARD_ENCRYPTION_KEYS })).toContain('holds a key that can be guessed');
    }
    for (const name of ['AUTHENTICATOR_DATABASE_URL', 'WORKER_DATABASE_URL', 'ROOT_DATABASE_URL']) {
      expect(problems({ [name]: 'postgres://u:postgres@db/x' })).toContain(`${name} has a password`);
    }
  });
});

describe('codes', () => {
  const explained = Object.values(explanations).flatMap((section) => Object.keys(section));
  const sources = filesIn(['src', 'worker'], '.ts').filter((file) => file !== join('src', 'codes.ts'));
  const text = sources.map(read).join('\n');
  const migrations = filesIn(['migrations'], '.sql').map(read).join('\n');

  /** In capitals and in quotes, but none of our codes: errors of node and undici, names of files, fields of PEMS. */
  const others =
    /^(UND_ERR_\w+|E[A-Z]+(_AGAIN)?|PG_VERSION|PFS_\w+|PEMS_(PFA_READ|PFA_WRITE|ASSETS|CLASSES|ORGANIZATIONS))$/;
  const quoted = [...text.matchAll(/'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g)].map(([, name = '']) => name);
  const variables = Object.keys(environmentSchema.shape);
  const used = new Set([
    ...quoted.filter((name) => !others.test(name) && !variables.includes(name)),
    ...[...text.matchAll(/(?:VanguardError\(\s*|\bcode(?: =|:) )'([A-Z]+)'/g)].map(([, name = '']) => name),
    ...Object.keys(statuses),
    ...Object.values(sqlstates).map(({ code }) => code),
    ...[...migrations.matchAll(/error_code = '(\w+)'/g)].map(([, name = '']) => name),
  ]);

  test('each code that is used anywhere is explained, and no other', () => {
    expect(used.size).toBeGreaterThan(50);
    expect([...used].sort()).toEqual([...new Set(explained)].sort());
  });

  test('each is explained once, in sentences', () => {
    expect(explained.length).toBe(new Set(explained).size);
    for (const section of Object.values(explanations)) {
      for (const { means, act } of Object.values(section)) {
        for (const sentence of [means, act]) expect(sentence).toMatch(/^[A-Z`].*\.$/);
      }
    }
  });

  test('each code that a request can meet is on the page with its status', () => {
    const page = read('docs/reference/errors.md');
    for (const [code, status] of [
      ...Object.entries(statuses),
      ...Object.values(sqlstates).map((entry) => [entry.code, entry.status] as const),
    ]) {
      expect(page).toContain(`| [\`${code}\`](#answers-of-the-api) | ${status} |`);
    }
  });
});

describe('pages', () => {
  test.each(pages)('%s links to what there is', (page) => {
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (!target.startsWith('http'))
        expect([target, existsSync(join(projectFolder, page, '..', target))]).toEqual([target, true]);
    }
  });

  test('each GraphQL example fits the schema', () => {
    const schema = buildSchema(read('schema.graphql'));
    const examples = pages.flatMap((page) =>
      [...read(page).matchAll(/^```graphql\n([^]*?)^```/gm)].map(([, example = '']) => example),
    );
    expect(examples.length).toBeGreaterThan(10);
    for (const example of examples)
      expect([example, validate(schema, parse(example)).map(String)]).toEqual([example, []]);
  });

  test('each command that they name exists', async () => {
    const texts = [...pages, 'docker-compose.yml', '.env.example'].map(read).join('\n');
    const named = new Set(
      [
        ...texts.matchAll(
          /(?:npx vanguard|vanguard\.js|--rm server) ([a-z]+)(?: ([a-z]+)(?= [A-Z-]|`|$| ))?/gm,
        ),
      ].map(([, command = '']) => command),
    );
    expect(named.size).toBeGreaterThan(6);
    const { said } = await run({}, ['--help']);
    const commands = [...said.matchAll(/^ {2}(\w+)/gm)].map(([, command = '']) => command);
    for (const command of named) expect(commands).toContain(command);
  });
});
