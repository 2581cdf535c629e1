import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { run, spawned } from './vanguard.ts';

/** Commands that users can type, and the names that the help must contain. */
const commands: Record<string, readonly string[]> = {
  start: [],
  server: [],
  worker: [],
  simulator: ['--organization <code=n>', '--seed <n>', '--latency <ms>'],
  bootstrap: ['ROOT_DATABASE_URL'],
  migrate: [],
  seed: [],
  prepare: ['ROOT_DATABASE_URL'],
  'user create': ['<name>', '--password <password>', '--password-stdin', '--role <role>', '"viewer"'],
  'user password': ['<name>', '--password <password>', '--password-stdin'],
  'user disable': ['<name>'],
  'user enable': ['<name>'],
  'user unlock': ['<name>'],
  'membership add': ['<user>', '<organization>', '--role <role>', '"owner", "admin", "member", "viewer"'],
  'membership remove': ['<user>', '<organization>'],
  'connection create': [
    '--url <url>',
    '--tenant <tenant>',
    '--username <name>',
    '--password-stdin',
    '--organization <code>',
  ],
  'connection test': ['<organization>', '--rows <n>', '--json'],
  'connection record': ['<folder>', '<organization>', '--rows <n>'],
  'sync trigger': ['<organization>', '--full'],
  'sync schedule': ['<organization>', '--every', '--cron', '--time-zone', '--quiet', '--full-every'],
  'sync pause': ['<organization>'],
  'sync resume': ['<organization>'],
  'sync status': ['--json'],
  'lists read': ['<organization>'],
  'lists status': ['[organization]', '--json'],
  'lists settings': ['<connection>', '--check <mode>', '--every', '--path', '--field', '"refuse"'],
  'lists accept-removals': ['<organization>', '<list>'],
  'organization proposals': ['--all', '--json'],
  'organization accept': ['<code>'],
  'organization dismiss': ['<code>'],
  'legacy analyze': ['<source>', 'postgresql://', '--copy', '--json'],
  'legacy export': ['<source>', 'postgresql://', '--out <folder>', '--copy', '--json'],
  'legacy verify': ['<folder>', '--json'],
  'legacy import': ['<folder>', '--quarantine', '--key-file <file>', '--json'],
  'legacy check': ['<folder>', '--json'],
  'legacy rollback': ['--json'],
  'sync drift': ['<organization>', '--sample', '--all', '--json'],
  'sync accept-removals': ['<organization>', '--list'],
  'push status': ['[organization]', '--json'],
  'push pause': ['<organization>'],
  'push resume': ['<organization>'],
  'push pause-connection': ['<connection>'],
  'push resume-connection': ['<connection>'],
  'push explain': ['<organization>', '<record>', '--json'],
  'keys rotate': ['VANGUARD_ENCRYPTION_KEYS'],
};

const program = createProgram();

function find(name: string): Command {
  return name.split(' ').reduce<Command>((parent, word) => {
    const found = parent.commands.find((command) => command.name() === word);
    if (!found) throw new Error(`There is no command ${name}.`);
    return found;
  }, program);
}

test.each(Object.entries(commands))('%s has help', (name, named) => {
  const command = find(name);
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  expect(help).toContain(`Usage: vanguard ${name}`);
  expect(command.description()).toMatch(/\w{3}/);
  for (const word of named) expect(help.replace(/\s+/g, ' ')).toContain(word);
});

test('the program lists its commands, and explains how to handle an unknown one', async () => {
  const [help, unknown] = await Promise.all([run({}, ['--help']), spawned({}, ['synchronize'])]);
  expect(help).toMatchObject({ code: 0, complained: '' });
  for (const name of Object.keys(commands))
    expect(help.said).toMatch(new RegExp(`^ +${name.split(' ')[0]}\\b`, 'm'));
  expect(unknown.code).toBe(1);
  expect(unknown.complained).toMatch(/unknown command 'synchronize'[^]*--help/);
});

test('an invalid configuration is refused in one message with every problem', async () => {
  const { code, said, complained } = await spawned(
    {
      PORT: '80000',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://localhost/x',
      VANGUARD_SECRET: 'short',
      VANGUARD_ENCRYPTION_KEYS: 'key',
      PEMS_URL: 'https://pems.example/axis/restservices',
      NODE_ENV: 'production',
    },
    ['start'],
  );
  expect(code).toBe(1);
  expect(said).toBe('');
  expect(complained).toMatch(/^CONFIGURATION_INVALID: The configuration has 6 problems:\n/);
  for (const name of [
    'PORT',
    'LOG_LEVEL',
    'DATABASE_URL',
    'VANGUARD_SECRET',
    'VANGUARD_ENCRYPTION_KEYS',
    'PEMS_TENANT',
  ])
    expect(complained).toMatch(new RegExp(`^ {2}- ${name}\\b.* must `, 'm'));
  expect(complained).toContain('.env.example');
  expect(complained).not.toMatch(/^ +at /m);
});
