import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectFolder } from '../../src/configuration.ts';

/** The used part of testcontainers' builder; the package's own types exist only after its installation. */
interface ContainerBuilder {
  withUsername(name: string): this;
  withDatabase(name: string): this;
  withEnvironment(environment: Record<string, string>): this;
  withCommand(command: string[]): this;
  start(): Promise<{ getConnectionUri(): string; stop(): Promise<unknown> }>;
}

interface Testcontainers {
  PostgreSqlContainer: new (image: string) => ContainerBuilder;
}

/**
 * Loads testcontainers from test/docker, which has its own package.json: only tests in containers need its 170
 * packages.
 */
export async function loadTestcontainers(): Promise<Testcontainers> {
  const folder = join(projectFolder, 'test', 'docker');
  let file: string;
  try {
    file = createRequire(join(folder, 'package.json')).resolve('@testcontainers/postgresql');
  } catch (cause) {
    throw new Error('testcontainers is not installed. Run `npm ci --prefix test/docker`.', { cause });
  }
  return (await import(pathToFileURL(file).href)) as Testcontainers;
}
