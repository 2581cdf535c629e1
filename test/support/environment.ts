import { join } from 'node:path';
import { environmentSchema, projectFolder } from '../../src/configuration.ts';

/** An environment for a process of the product: what is not given is unset, whatever ours or a .env says. */
export function environmentOf(given: Record<string, string>): Record<string, string | undefined> {
  const unset = Object.fromEntries(Object.keys(environmentSchema.shape).map((name) => [name, '']));
  // Tests run beside each other: only those that watch take a port for it.
  return {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    // Hundreds of processes start in a run: each need not compile everything anew.
    NODE_COMPILE_CACHE: join(projectFolder, 'node_modules', '.cache', 'compiled'),
    ...unset,
    ADMIN_PORT: 'off',
    ...given,
  };
}
