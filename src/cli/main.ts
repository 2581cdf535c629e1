import { stopWithLauncher } from './process.ts';
import { runCommand } from './program.ts';

stopWithLauncher();
const exitCode = await runCommand(process.argv.slice(2));
// A long-lived part may have set its own exit code.
if (exitCode !== 0) process.exitCode = exitCode;
