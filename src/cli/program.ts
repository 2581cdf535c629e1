import '../graphql/environment.ts';
import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { VanguardError } from '../errors.ts';
import { addConnectionCommands } from './connection.ts';
import { addDatabaseCommands } from './database.ts';
import { addKeyCommands } from './keys.ts';
import { addLegacyCommands } from './legacy.ts';
import { addListCommands } from './lists.ts';
import { addPeopleCommands } from './people.ts';
import { addProcessCommands } from './processes.ts';
import { addPushCommands } from './push.ts';
import { addSyncCommands } from './sync.ts';
import { printable, terminal, warn } from './terminal.ts';

/** The command line, which throws where commander would end the process. */
export function createProgram(): Command {
  const program = new Command('vanguard')
    .description(
      'PFA Vanguard: mirrors PEMS into PostgreSQL, lets users edit on top of it, and writes committed changes back.',
    )
    .version('0.1.0')
    .showHelpAfterError('(add --help for what is allowed)')
    .configureHelp({ showGlobalOptions: false })
    // Set before the commands, because each inherits it when it is added.
    .configureOutput({
      writeOut: (text) => terminal().write(text),
      writeErr: (text) => terminal().complain(printable(text)),
    })
    .exitOverride();
  for (const add of [
    addProcessCommands,
    addDatabaseCommands,
    addPeopleCommands,
    addConnectionCommands,
    addKeyCommands,
    addSyncCommands,
    addListCommands,
    addPushCommands,
    addLegacyCommands,
  ])
    add(program);
  return program;
}

/** Runs one command, prints an error to standard error, and returns the exit code. */
export async function runCommand(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(args, { from: 'user' });
    return terminal().exitCode;
  } catch (error) {
    // Commander has already printed the help or the error.
    if (error instanceof CommanderError) return error.exitCode;
    const { LOG_LEVEL } = terminal().environment ?? process.env;
    if (LOG_LEVEL === 'debug' || LOG_LEVEL === 'trace') warn(inspect(error));
    const { code, message, hint } = explained(error);
    // Plain text for the user, even if this process logs JSON.
    warn(`${code}: ${message}${hint ? `\n${hint}` : ''}`);
    return 1;
  }
}

/** Returns any error as one with a code and a hint. */
function explained(error: unknown): VanguardError {
  if (error instanceof VanguardError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const cause = { cause: error };
  if (['ENOENT', 'EACCES', 'EPERM', 'EROFS', 'EISDIR', 'ENOTDIR', 'EEXIST'].includes(code ?? ''))
    return new VanguardError('FILE_UNREADABLE', `${message}.`, {
      hint: 'Correct the path, or the permissions of the file.',
      ...cause,
    });
  if (code === 'ENOSPC' || code === '53100')
    return new VanguardError('DISK_FULL', `${message}.`, { hint: 'Make room on that disk.', ...cause });
  if (code === '25006')
    return new VanguardError('DATABASE_READ_ONLY', 'The database can only be read.', {
      hint: 'Set DATABASE_URL to the primary, or default_transaction_read_only to off.',
      ...cause,
    });
  return new VanguardError('INTERNAL', `Something went wrong: ${message || inspect(error)}.`, {
    hint: 'Run the command again with LOG_LEVEL=debug to see where.',
    ...cause,
  });
}
