/** Every variable that the product reads. */
const names = [
  ...['NODE_ENV', 'LOG_LEVEL', 'HOST', 'PORT', 'VANGUARD_DATA_DIR', 'WORKER_CONCURRENCY'],
  ...['DATABASE_URL', 'AUTHENTICATOR_DATABASE_URL', 'WORKER_DATABASE_URL', 'ROOT_DATABASE_URL'],
  ...['VANGUARD_SECRET', 'VANGUARD_ENCRYPTION_KEYS', 'SIMULATOR_PORT', 'SIMULATOR_CONTROL_PORT'],
  ...['ADMIN_HOST', 'WORKER_ADMIN_PORT', 'CORS_ORIGINS', 'RETENTION_SYNC_LOG_DAYS', 'RETENTION_REJECTS_DAYS'],
  ...['RETENTION_SESSIONS_DAYS', 'RETENTION_FAILED_JOBS_DAYS'],
  ...['PEMS_URL', 'PEMS_TENANT', 'PEMS_USERNAME', 'PEMS_PASSWORD'],
];

/** An environment for a process of the product: what is not given is unset, whatever ours or a .env says. */
export function environmentOf(given: Record<string, string>): Record<string, string | undefined> {
  const unset = Object.fromEntries(names.map((name) => [name, '']));
  // Tests run beside each other: only those that watch take a port for it.
  return { PATH: process.env.PATH, HOME: process.env.HOME, ...unset, ADMIN_PORT: 'off', ...given };
}
