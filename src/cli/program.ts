import '../graphql/environment.ts';
import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { VanguardError } from '../errors.ts';
import { addConnectionCommands } from './connection.ts';
import { addDatabaseCommands } from './database.ts';
import { addKeyCommands } from './keys.ts';
import { addLegacyCommands } from './legacy.ts';
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
    // Commands take these over when they are added.
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
    if (!(error instanceof VanguardError)) {
      warn(inspect(error));
    } else {
      // Plain text for the user, even if this process logs JSON.
      warn(`${error.code}: ${error.message}${error.hint ? `\n${error.hint}` : ''}`);
    }
    return 1;
  }
}
