import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { environmentSchema, projectFolder, readConfiguration } from '../../src/configuration.ts';
import { explanations } from '../../src/codes.ts';
import { sqlstates, statuses } from '../../src/sqlstates.ts';
import { anchor, commandTree, namedCommands } from '../../tools/docs.ts';
import { run } from '../cli/vanguard.ts';

// The docs match the product: variables, codes, commands.

const read = (file: string) => readFileSync(join(projectFolder, file), 'utf8');
const filesIn = (folders: string[], extension: string) =>
  folders.flatMap((folder) =>
    readdirSync(join(projectFolder, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith(extension) && !name.endsWith('.queries.ts'))
      .map((name) => join(folder, name)),
  );
const pages = filesIn(['docs'], '.md');
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'migrations/README.md',
  ...pages,
];

describe('configuration', () => {
  const variables = Object.keys(environmentSchema.shape).sort();
  const table = [
    ...read('docs/reference/configuration.md').matchAll(/^\| `([A-Z_]+)` \| (?:`([^`]+)`|-) \|/gm),
  ];

  test('docs/reference/configuration.md has each variable that is read, and no other', () => {
    expect(table.map(([, name]) => name).sort()).toEqual(variables);
  });

  test('.env.example has each variable that is read, and no other', () => {
    const given = [...read('.env.example').matchAll(/^# ([A-Z_]+)=/gm)].map(([, name]) => name);
    expect([...new Set(given)].sort()).toEqual([...variables, 'TEST_DATABASE_URL', 'TEST_DOCKER'].sort());
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

  test('production refuses every secret that appears in the repository', () => {
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
    const texts = ['.env.example', 'docker-compose.yml', ...documents].map(read).join('\n');
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

  /**
   * Quoted words in capitals that are no codes of the product: errors of Node and undici, file names, fields of PEMS.
   */
  const others =
    /^((UND_)?ERR_\w+|E[A-Z]+(_AGAIN)?|PG_VERSION|SQL_ASCII|PFS_\w+|PEMS_(PFA_READ|PFA_WRITE|ASSETS|CLASSES|ORGANIZATIONS))$/;
  const quoted = [...text.matchAll(/'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g)].map(([, name = '']) => name);
  const variables = Object.keys(environmentSchema.shape);
  const used = new Set([
    ...quoted.filter((name) => !others.test(name) && !variables.includes(name)),
    ...[...text.matchAll(/(?:VanguardError\(\s*|\bcode(?: =|:) )'([A-Z]+)'/g)].map(([, name = '']) => name),
    ...Object.keys(statuses),
    ...Object.values(sqlstates).map(({ code }) => code),
    ...[...migrations.matchAll(/error_code :?= '(\w+)'|'(SYNC_\w+)'/g)].map(
      ([, name, code]) => name ?? code ?? '',
    ),
  ]);

  test('each code in use is explained, and no other', () => {
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

  test('each code of a request is on the page with its status', () => {
    const page = read('docs/reference/errors.md');
    for (const [code, status] of [
      ...Object.entries(statuses),
      ...Object.values(sqlstates).map((entry) => [entry.code, entry.status] as const),
    ]) {
      expect(page).toContain(`| [\`${code}\`](#api-errors) | ${status} |`);
    }
  });
});

describe('pages', () => {
  /** The text of a page without examples, to find links, headings and file names. */
  const proseOf = (page: string) => read(page).replace(/^```[^]*?^```$/gm, '');
  const anchorsOf = (page: string) => {
    const seen = new Map<string, number>();
    return [...proseOf(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
      const name = anchor(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1'));
      const times = seen.get(name) ?? 0;
      seen.set(name, times + 1);
      return times === 0 ? name : `${name}-${times}`;
    });
  };

  test.each(documents)('%s links to existing files and headings', (page) => {
    const links = [
      ...proseOf(page)
        .replace(/`[^`\n]*`/g, '')
        .matchAll(/\]\(([^)\s]+)\)|<img src="([^"]+)"/g),
    ].map(([, link, image]) => link ?? image ?? '');
    for (const link of links.filter((one) => !/^(https?|mailto):/.test(one))) {
      const [file = '', heading] = link.split('#');
      const target = file === '' ? page : join(dirname(page), file);
      expect([link, existsSync(join(projectFolder, target))]).toEqual([link, true]);
      if (heading !== undefined) expect(anchorsOf(target)).toContain(heading);
    }
  });

  test('README.md fits on a few screens', () => {
    expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(150);
  });

  test('docs/README.md leads to every page, and docs/decisions/README.md to every decision', () => {
    const linked = (page: string) =>
      [...read(page).matchAll(/\]\(([^)#]+\.md)/g)].map(([, link = '']) => join(dirname(page), link));
    const isDecision = (page: string) => page.startsWith(join('docs', 'decisions'));
    const isDatabase = (page: string) => page.startsWith(join('docs', 'database'));
    for (const [index, below] of [
      ['docs/README.md', pages.filter((page) => !isDecision(page) && !isDatabase(page))],
      ['docs/decisions/README.md', pages.filter(isDecision)],
    ] as const) {
      const others = below.filter((page) => page !== index);
      expect(others.filter((page) => !linked(index).includes(page))).toEqual([]);
    }
  });

  /** Not in a fresh clone, or a name that each page of the web app has. */
  const builtOrChosen = ['web/dist', 'docs/database/', 'view.ts'];

  test.each(['ARCHITECTURE.md', 'CONTRIBUTING.md', 'migrations/README.md', 'SECURITY.md'])(
    '%s names existing files',
    (page) => {
      const named = [...proseOf(page).matchAll(/`([\w.@-]+(?:\/[\w.@-]*)+|[\w-]+\.(?:ts|tsx|sql|md|json))`/g)]
        .map(([, path = '']) => path)
        // In capitals: a name that the reader chooses. Built: not in a fresh clone.
        .filter((path) => !/[A-Z]{2}/.test(path.replace(/(README|ARCHITECTURE|CONTRIBUTING)\.md$/, '')))
        .filter((path) => !path.startsWith('@') && !builtOrChosen.includes(path));
      for (const path of named) {
        const candidates = [path, join(dirname(page), path)];
        expect([path, candidates.some((one) => existsSync(join(projectFolder, one)))]).toEqual([path, true]);
      }
    },
  );

  test('each function of ARCHITECTURE.md is in the file that the sentence names', () => {
    const named = [...read('ARCHITECTURE.md').matchAll(/`(\w+)` in `([\w./-]+\.tsx?)`/g)];
    expect(named.length).toBeGreaterThan(10);
    for (const [, name = '', file = ''] of named)
      expect([file, read(file).includes(name)]).toEqual([file, true]);
  });

  test('each function, table and view of the database that a page names exists', () => {
    const sql = filesIn(['migrations'], '.sql').map(read).join('\n');
    for (const page of documents.filter((one) => one !== join('docs', 'reference', 'plans.md')))
      for (const [, name = ''] of proseOf(page).matchAll(
        /`(app_(?:public|core|private)\.[a-z][a-z_]+)\b(?!\*)/g,
      ))
        expect([page, name, sql.includes(name)]).toEqual([page, name, true]);
  });

  test('each npm script that a page names exists', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const page of documents)
      for (const [, ran, known] of read(page).matchAll(
        /npm (?:run (?:-s )?([a-z][\w:-]*)|(start|test)\b)/g,
      )) {
        const script = (ran ?? known ?? '').replace(/:$/, '');
        expect([page, script, script in scripts]).toEqual([page, script, true]);
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

  test('each command that they name exists, with its subcommand', async () => {
    const program = await commandTree();
    const texts = [...documents, 'docker-compose.yml', '.env.example'].map(read).join('\n');
    const named = [
      ...texts.matchAll(
        /(?:npx vanguard|vanguard\.js|--rm server|npm run -s (?=legacy)|npm run -s legacy --) ([a-z]+)(?: ([a-z][a-z-]*)(?= [A-Z<[-]|`|$| ))?/gm,
      ),
    ].map(([text, first = '', second = '']) =>
      text.startsWith('npm run -s legacy') ? (['legacy', first] as const) : ([first, second] as const),
    );
    expect(new Set(named.map(([command]) => command)).size).toBeGreaterThan(6);
    for (const [first, second] of named) {
      const command = program.commands.find((one) => one.name() === first);
      expect([first, command?.name()]).toEqual([first, first]);
      // `npx vanguard sync` alone names the group.
      if (command!.commands.length > 0 && second !== '')
        expect([first, command!.commands.map((one) => one.name())]).toEqual([
          first,
          expect.arrayContaining([second]),
        ]);
    }
  });

  test('docs/reference/commands.md has each command and option, and README.md names only existing ones', async () => {
    const page = read('docs/reference/commands.md');
    for (const [name, command] of namedCommands(await commandTree())) {
      expect(page).toContain(`### ${name}\n`);
      for (const option of command.options)
        expect(page).toContain(`| \`${option.flags.replaceAll('|', '\\|')}\` |`);
    }
    const { said } = await run({}, ['--help']);
    const commands = [...said.matchAll(/^ {2}(\w+)/gm)].map(([, command = '']) => command);
    expect((await commandTree()).commands.map((command) => command.name()).sort()).toEqual(
      commands.filter((name) => name !== 'help').sort(),
    );
  });
});
