import { Option, type Command } from 'commander';
import { text } from 'node:stream/consumers';
import type pg from 'pg';
import {
  addMembership,
  createUser,
  findUser,
  listOrganizationCodes,
  removeMembership,
  setUserActive,
} from '../../sql/people/people.queries.ts';
import { clearSignInAttempts, endAllSessions, setPassword } from '../../sql/auth/auth.queries.ts';
import { requireStrongPassword } from '../auth/password-rules.ts';
import { hashPassword, newPassword } from '../auth/passwords.ts';
import { VanguardError } from '../errors.ts';
import { withDatabase } from './context.ts';
import { print, terminal } from './terminal.ts';

interface PasswordOptions {
  password?: string;
  passwordStdin?: boolean;
}

/**
 * Adds `user create`, `user password`, `user disable`, `user enable` and `user unlock`; `membership add` and
 * `membership remove`.
 */
export function addPeopleCommands(program: Command): void {
  const user = program.command('user').description('manage users');
  const withPasswordOptions = (command: Command) =>
    command
      .addOption(
        new Option(
          '--password <password>',
          'the password (visible to others on this machine: prefer --password-stdin)',
        ).conflicts('passwordStdin'),
      )
      .option('--password-stdin', 'read the password from standard input');

  withPasswordOptions(
    user
      .command('create <name>')
      .description('create a user; without a password, one is generated and printed'),
  )
    .addOption(
      new Option('--role <role>', 'role in every organization')
        .choices(['admin', 'user', 'viewer'])
        .default('user'),
    )
    .action((name: string, options: PasswordOptions & { role: string }) =>
      withDatabase(async (client) => {
        const given = await givenPassword(options);
        const password = given ?? newPassword();
        if ((await findUser.run({ username: name }, client)).length > 0) {
          throw new VanguardError('USER_EXISTS', `User ${name} already exists.`, {
            hint: `Choose another name, or set a password with \`npx vanguard user password ${name}\`.`,
          });
        }
        if (given !== undefined) await requireStrongPassword(given, [name], 'password');
        const passwordHash = await hashPassword(password);
        await client.query('begin');
        const [created] = await createUser.run({ username: name, role: options.role }, client);
        await setPassword.run({ userId: created!.id, passwordHash, mustChange: given === undefined }, client);
        await client.query('commit');
        print(
          `User ${name} (${options.role}) was created.${given === undefined ? ` Password, to be changed at the first sign-in: ${password}` : ''}`,
        );
        if (options.role !== 'admin')
          print(`Next: npx vanguard membership add ${name} ORGANIZATION --role member`);
      }),
    );

  withPasswordOptions(
    user
      .command('password <name>')
      .description('set a password; without one, one is made up and printed. Signs the user out everywhere'),
  ).action((name: string, options: PasswordOptions) =>
    withDatabase(async (client) => {
      const given = await givenPassword(options);
      const password = given ?? newPassword();
      const { id, username, email } = await requireUser(client, name);
      if (given !== undefined) await requireStrongPassword(given, [username, email], 'password');
      const passwordHash = await hashPassword(password);
      await client.query('begin');
      await setPassword.run({ userId: id, passwordHash, mustChange: given === undefined }, client);
      await endAllSessions.run({ userId: id }, client);
      await client.query('commit');
      print(
        `The password of ${name} was set.${given === undefined ? ` To be changed at the next sign-in: ${password}` : ''}`,
      );
    }),
  );

  for (const [verb, isActive] of [
    ['disable', false],
    ['enable', true],
  ] as const) {
    user
      .command(`${verb} <name>`)
      .description(isActive ? 'enable a user' : 'disable a user: no access from the next request on')
      .action((name: string) =>
        withDatabase(async (client) => {
          const { id } = await requireUser(client, name);
          await setUserActive.run({ userId: id, isActive }, client);
          if (!isActive) await endAllSessions.run({ userId: id }, client);
          print(`User ${name} was ${isActive ? 'enabled' : 'disabled'}.`);
        }),
      );
  }

  user
    .command('unlock <name>')
    .description('clear the failed sign-in attempts of a user')
    .action((name: string) =>
      withDatabase(async (client) => {
        const { username } = await requireUser(client, name);
        const [result] = await clearSignInAttempts.run({ username }, client);
        print(
          result!.cleared > 0
            ? `${username} can sign in now.`
            : `${username} has no failed sign-in attempts.`,
        );
      }),
    );

  const membership = program.command('membership').description('manage members of organizations');
  membership
    .command('add <user> <organization>')
    .description('add a user to an organization (by its code), or change the role in it')
    .addOption(
      new Option('--role <role>', 'role in the organization')
        .choices(['owner', 'admin', 'member', 'viewer'])
        .default('member'),
    )
    .action((name: string, organization: string, { role }: { role: string }) =>
      withDatabase(async (client) => {
        const { id } = await requireUser(client, name);
        if ((await addMembership.run({ userId: id, organization, role }, client)).length === 0)
          await refuseOrganization(client, organization);
        print(`${name} is ${role} of ${organization}.`);
      }),
    );
  membership
    .command('remove <user> <organization>')
    .description('remove a user from an organization: no access from the next request on')
    .action((name: string, organization: string) =>
      withDatabase(async (client) => {
        const { id } = await requireUser(client, name);
        if ((await removeMembership.run({ userId: id, organization }, client)).length === 0) {
          throw new VanguardError('NOT_FOUND', `${name} is not a member of ${organization}.`, {
            hint: 'Check the user and the code of the organization. The code is case-sensitive.',
          });
        }
        print(`${name} was removed from ${organization}.`);
      }),
    );
}

async function givenPassword({ password, passwordStdin }: PasswordOptions): Promise<string | undefined> {
  const given = passwordStdin ? (await text(terminal().input)).replace(/\r?\n$/, '') : password;
  if (given === '')
    throw new VanguardError('INVALID_INPUT', 'The password is empty.', {
      hint: 'Enter a password, or omit the option to have one generated.',
    });
  return given;
}

async function requireUser(
  client: pg.ClientBase,
  username: string,
): Promise<{ id: number; username: string; email: string | null }> {
  const [user] = await findUser.run({ username }, client);
  if (!user)
    throw new VanguardError('NOT_FOUND', `There is no user ${username}.`, {
      hint: `Create the user with \`npx vanguard user create ${username}\`.`,
    });
  return user;
}

async function refuseOrganization(client: pg.ClientBase, organization: string): Promise<never> {
  const codes = (await listOrganizationCodes.run(undefined, client)).map(({ code }) => code);
  throw new VanguardError('NOT_FOUND', `There is no organization ${organization}.`, {
    hint: `There are: ${codes.join(', ') || 'none yet'}.`,
  });
}
