/** Every variable that the product reads. */
const names = [
  ...['NODE_ENV', 'LOG_LEVEL', 'HOST', 'PORT', 'VANGUARD_DATA_DIR', 'WORKER_CONCURRENCY'],
  ...['DATABASE_URL', 'AUTHENTICATOR_DATABASE_URL', 'WORKER_DATABASE_URL', 'ROOT_DATABASE_URL'],
  ...['VANGUARD_SECRET', 'VANGUARD_ENCRYPTION_KEYS', 'SIMULATOR_PORT', 'SIMULATOR_CONTROL_PORT'],
  ...['PEMS_URL', 'PEMS_TENANT', 'PEMS_USERNAME', 'PEMS_PASSWORD'],
];

/** An environment for a process of the product: what is not given is unset, whatever ours or a .env says. */
export function environmentOf(given: Record<string, string>): Record<string, string | undefined> {
  const unset = Object.fromEntries(names.map((name) => [name, '']));
  return { PATH: process.env.PATH, HOME: process.env.HOME, ...unset, ...given };
}
