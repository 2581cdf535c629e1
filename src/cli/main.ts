import '../graphql/environment.ts';
import { Command } from 'commander';
import { VanguardError } from '../errors.ts';
import { addConnectionCommands } from './connection.ts';
import { addDatabaseCommands } from './database.ts';
import { addKeyCommands } from './keys.ts';
import { addLegacyCommands } from './legacy.ts';
import { addPeopleCommands } from './people.ts';
import { addProcessCommands } from './processes.ts';
import { addPushCommands } from './push.ts';
import { addSyncCommands } from './sync.ts';

const program = new Command('vanguard')
  .description(
    'PFA Vanguard: mirrors PEMS into PostgreSQL, lets people edit on top of it, and writes committed changes back.',
  )
  .version('0.1.0')
  .showHelpAfterError('(add --help for what is allowed)')
  .configureHelp({ showGlobalOptions: false });

addProcessCommands(program);
addDatabaseCommands(program);
addPeopleCommands(program);
addConnectionCommands(program);
addKeyCommands(program);
addSyncCommands(program);
addPushCommands(program);
addLegacyCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof VanguardError) {
    // For a person, also from a process whose console is its log.
    process.stderr.write(`${error.code}: ${error.message}${error.hint ? `\n${error.hint}` : ''}\n`);
  } else {
    console.error(error);
  }
  process.exitCode = 1;
}
