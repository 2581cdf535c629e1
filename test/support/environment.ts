import { join } from 'node:path';
import { environmentSchema, projectFolder } from '../../src/configuration.ts';

/**
 * An environment for a process of the product: other variables are unset, whatever the test process or .env contain.
 */
export function environmentOf(given: Record<string, string>): Record<string, string | undefined> {
  const unset = Object.fromEntries(Object.keys(environmentSchema.shape).map((name) => [name, '']));
  // Tests run in parallel: only those of monitoring use a port for it.
  return {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    // Hundreds of processes start in a run: they share compiled code.
    NODE_COMPILE_CACHE: join(projectFolder, 'node_modules', '.cache', 'compiled'),
    ...unset,
    ADMIN_PORT: 'off',
    ...given,
  };
}
