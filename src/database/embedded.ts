import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { VanguardError } from '../errors.ts';
import { flushFolder, makeFolder } from '../files.ts';
import {
  embeddedBinaries,
  program,
  run,
  runnableBinaries,
  type Account,
  type PostgresBinaries,
} from './binaries.ts';

export { embeddedBinaries, systemBinaries, type PostgresBinaries } from './binaries.ts';

/** A running embedded PostgreSQL. */
export interface EmbeddedDatabase {
  superuserUrl: string;
  host: string;
  port: number;
  /** The folder of the data, which may differ from the requested one; see `notes`. */
  folder: string;
  /** The user of the server, if it is not the user of this process. */
  runsAs: string | undefined;
  /** True if the server was already running, started by a process that may still exist. */
  adopted: boolean;
  /** Messages for the user, e.g. why the data is in another folder. */
  notes: string[];
  /** Stops the server, even an adopted one. Close the pools first. Idempotent. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Folder of all files; created if missing. */
  folder: string;
  /** Default: the binaries of the npm package. */
  binaries?: PostgresBinaries;
  /** Default: the port of the last start if it is free, else any free port. */
  port?: number;
  /** PostgreSQL settings that override the defaults; an adopted server keeps its settings. */
  settings?: Record<string, string>;
}

// Content of the folder:
//   data/               the PostgreSQL data directory, with server.log in it
//   superuser-password  written before the data, so that data never exists without it
//   vanguard.conf       settings, rewritten at each start
//   starting.lock       the process that is starting or stopping the server
//   binaries-*/         a copy of the programs, if the originals cannot run
//   initialising-*/, copying-*/   unfinished work; the next start deletes a leftover
interface Place {
  folder: string;
  data: string;
  account: Account | undefined;
  notes: string[];
}

const host = '127.0.0.1';
const startSeconds = 120; // crash recovery of max_wal_size on a slow disk
const stopSeconds = 60;
const diskFull = /No space left on device|Check free disk space/;

/**
 * PostgreSQL settings of all measurements of queries. Test containers use them too, and a test compares
 * docker-compose.yml with them.
 */
export const defaultSettings = {
  shared_buffers: '256MB',
  work_mem: '16MB',
  maintenance_work_mem: '128MB',
  effective_cache_size: '1GB',
  max_connections: '100',
  random_page_cost: '1.1', // solid state
  max_wal_size: '2GB',
  // Undo and redo of many drafts leave dead rows, which autovacuum must remove early.
  autovacuum_naptime: '10s',
  // JIT compilation costs hundreds of milliseconds whenever the estimated cost is high, but our queries are short.
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] %q%u@%d ',
};

/**
 * Returns alternative arguments of initdb for the content of a cluster; the first one with a known locale counts. Text
 * sorts by code point on every machine and version, and upper and lower know all of Unicode. PostgreSQL brings this
 * locale from version 17 on; before, the system defines the classes of characters. `createDatabase` in bootstrap.ts
 * chooses the same for one database.
 */
export function initialOptions(version: number): [string[], ...string[][]] {
  // initdb derives the encoding from the locale, and would derive SQL_ASCII from no locale.
  const common = ['--encoding=UTF8', '--no-locale', '--text-search-config=english', '--data-checksums'];
  return version >= 17
    ? [[...common, '--locale-provider=builtin', '--builtin-locale=C.UTF-8']]
    : [
        [...common, '--lc-ctype=C.UTF-8'],
        [...common, '--lc-ctype=en_US.UTF-8'],
      ];
}

/**
 * Starts the PostgreSQL in `folder`, after initialising it if necessary, or adopts a running one. A server outlives its
 * parent, because it has a session of its own.
 */
export async function startEmbeddedDatabase(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const folder = resolve(options.folder);
  try {
    const place = await findPlace(folder);
    return await locked(place.folder, () => startAt(place, options));
  } catch (error) {
    throw explained(error, folder);
  }
}

/** Returns whether an earlier start left a database for this folder, in it or where a start as root put it. */
export function hasDatabase(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const real = realpathSync(folder);
  return [real, elsewhereOf(real)].some((place) => existsSync(join(place, 'data', 'PG_VERSION')));
}

/** Not in /tmp or /var/tmp: any user could have created the name there, and a root process must not trust it. */
function elsewhereOf(folder: string): string {
  return `/var/lib/vanguard-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`;
}

async function startAt(place: Place, options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const { folder, data, account, notes } = place;
  const wanted = options.binaries ?? embeddedBinaries();
  checkVersion(data, wanted.version);
  const password = superuserPassword(place);
  const binaries = await runnableBinaries(wanted, account, folder, notes);

  const opened = (port: number, adopted: boolean): EmbeddedDatabase => {
    const pid = readPidFile(data)?.pid;
    let stopped: Promise<void> | undefined;
    return {
      superuserUrl: urlOf(port, password),
      ...{ host, port, folder, runsAs: account?.name, adopted, notes },
      stop: () =>
        (stopped ??= locked(folder, () => stopServer(place, binaries, 'fast', pid)).catch(
          (error: unknown) => {
            stopped = undefined;
            throw explained(error, folder);
          },
        )),
    };
  };

  const running = await adopt(data, password);
  if (running !== undefined) {
    if (options.port !== undefined && options.port !== running)
      notes.push(
        `The database was running already on port ${running}, so it is not on port ${options.port}.`,
      );
    return opened(running, true);
  }
  await deleteLeftovers(folder);
  if (!existsSync(data)) await initialise(place, binaries, password, options.settings);
  const started = opened(await launch(place, binaries, password, options), false);
  await checkPassword(data, started.port, password).catch(async (error: unknown) => {
    await stopServer(place, binaries, 'fast');
    throw error;
  });
  return started;
}

// ---- Folder and user

/** PostgreSQL refuses to run as root, so root needs another user and a folder that this user can reach. */
async function findPlace(asked: string): Promise<Place> {
  const root = process.getuid?.() === 0;
  const created = makeFolder(asked, root ? 0o711 : 0o700);
  const folder = realpathSync(asked); // one name per folder, even through links
  const elsewhere = elsewhereOf(folder);
  const has = (folder: string) => existsSync(join(folder, 'data'));
  const place = (folder: string, account?: Account, ...notes: string[]): Place => {
    return { folder, data: join(folder, 'data'), account, notes };
  };

  if (!root) {
    if (has(folder) && process.getuid && statSync(join(folder, 'data')).uid !== process.getuid())
      throw refused(
        'DATA_FOLDER_NOT_OURS',
        `The database in ${folder} belongs to another user.`,
        'Start it as the user who did so the first time, or choose another folder with VANGUARD_DATA_DIR.',
      );
    if (!has(folder) && existsSync(elsewhere))
      throw refused(
        'DATA_FOLDER_ELSEWHERE',
        `An earlier start as root put the database of ${folder} into ${elsewhere}.`,
        `Start it as root again, or delete ${elsewhere} as root to begin with an empty database.`,
      );
    return place(folder);
  }

  const account = unprivilegedUser(folder, elsewhere);
  if (!account)
    throw refused(
      'DATABASE_REFUSES_ROOT',
      'PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as.',
      'Run as an ordinary user, or set DATABASE_URL to a PostgreSQL 15 to 18.',
    );
  const note = `PostgreSQL refuses to run as root, so it runs as the user ${account.name}.`;
  // Gives that user access to the folders that this process created, whatever the umask. Changes no other folder.
  for (let path = asked; created !== undefined && path.length >= created.length; path = dirname(path))
    chmodSync(path, 0o711);
  const reached = await run('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], account);
  if (reached.ok && (has(folder) || !has(elsewhere))) return place(folder, account, note);
  if (has(folder))
    throw refused(
      'DATA_FOLDER_UNREACHABLE',
      `There is a database in ${folder}, but the user ${account.name} cannot enter that folder: ${reached.output}`,
      'Give that user execute permission on each folder of the path, or start as the owner of the folder.',
    );
  makeFolder(elsewhere);
  chmodSync(elsewhere, 0o711);
  writeFileSync(join(elsewhere, 'belongs-to'), `${folder}\n`);
  if (!(await run('/bin/sh', ['-c', 'cd "$1"', 'sh', elsewhere], account)).ok)
    throw refused(
      'DATA_FOLDER_UNREACHABLE',
      `The user ${account.name}, whom PostgreSQL has to run as, can enter neither ${folder} nor ${elsewhere}.`,
      'Run as an ordinary user, or set DATABASE_URL to a PostgreSQL 15 to 18.',
    );
  const moved = `The database is in ${elsewhere}, because that user ${reached.ok ? 'could not' : 'cannot'} enter ${folder}.`;
  return place(elsewhere, account, note, moved);
}

/** Returns the owner of existing data, else one of the usual unprivileged users of a system. */
function unprivilegedUser(...folders: string[]): Account | undefined {
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid, gid }) => uid > 0 && gid > 0);
  const data = folders.map((folder) => join(folder, 'data')).find((data) => existsSync(data));
  const owner = data === undefined ? undefined : statSync(data).uid;
  return (
    accounts.find(({ uid }) => uid === owner) ??
    ['postgres', 'nobody', 'daemon']
      .map((wanted) => accounts.find(({ name }) => name === wanted))
      .find(Boolean)
  );
}

// ---- The data directory

function checkVersion(data: string, version: number): void {
  if (!existsSync(data)) return;
  if (!existsSync(join(data, 'PG_VERSION'))) {
    if (readdirSync(data).length === 0) return rmSync(data, { recursive: true });
    throw refused(
      'DATA_FOLDER_FOREIGN',
      `${data} holds files, but no PostgreSQL database.`,
      'Move that folder away, or choose another one with VANGUARD_DATA_DIR.',
    );
  }
  const found = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  if (found !== String(version))
    throw refused(
      'DATA_FOLDER_OTHER_VERSION',
      `The database in ${data} was made by PostgreSQL ${found}, and this is PostgreSQL ${version}.`,
      `Dump it with PostgreSQL ${found} and restore it here, or choose another folder with VANGUARD_DATA_DIR.`,
    );
  if (!existsSync(join(data, 'global', 'pg_control')))
    throw refused(
      'DATA_FOLDER_DAMAGED',
      `The database in ${data} is not whole: files such as global/pg_control are missing.`,
      `Restore all of it from a backup. To begin with an empty database, move ${dirname(data)} away.`,
    );
}

function superuserPassword({ folder, data }: Place): string {
  const file = join(folder, 'superuser-password');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  if (existsSync(data))
    throw refused(
      'DATABASE_PASSWORD_MISSING',
      `${file} is gone, so nobody can sign in to the database.`,
      `Restore that file from a backup. To begin with an empty database, move ${folder} away.`,
    );
  const password = randomBytes(24).toString('base64url');
  writeWhole(file, `${password}\n`, 0o600);
  return password;
}

/** Initialises under another name and renames at the end, so that an incomplete database never looks complete. */
async function initialise(
  { folder, data, account }: Place,
  binaries: PostgresBinaries,
  password: string,
  settings: Record<string, string> = {},
): Promise<void> {
  const temporary = await mkdtemp(join(folder, 'initialising-'));
  const fresh = join(temporary, 'data');
  const pwfile = join(temporary, 'password');
  try {
    writeFileSync(pwfile, password, { mode: 0o600 });
    if (account) for (const path of [temporary, pwfile]) chownSync(path, account.uid, account.gid);
    const args = ['-D', fresh, '-U', 'postgres', `--pwfile=${pwfile}`, '--auth=scram-sha-256'];
    if (settings.fsync === 'off') args.push('--no-sync');
    let result = { ok: false, output: '' };
    for (const options of initialOptions(binaries.version)) {
      result = await run(program(binaries, 'initdb'), [...args, ...options], account);
      if (!result.output.includes('invalid locale name')) break;
    }
    if (!result.ok)
      throw diskFull.test(result.output)
        ? fullDisk(folder, result.output)
        : refused(
            'DATABASE_INIT_FAILED',
            `The database could not be initialised in ${folder}: ${lastLines(result.output, 5)}`,
            'Correct what it names, choose another folder with VANGUARD_DATA_DIR, or set DATABASE_URL.',
          );
    appendFileSync(join(fresh, 'postgresql.conf'), `\ninclude_if_exists '../vanguard.conf'\n`);
    renameSync(fresh, data);
    flushFolder(folder);
  } finally {
    await rm(temporary, { recursive: true, force: true, maxRetries: 5 });
  }
}

// ---- Starting and stopping

async function launch(
  place: Place,
  binaries: PostgresBinaries,
  password: string,
  options: EmbeddedOptions,
): Promise<number> {
  const { folder, data, account } = place;
  const log = join(data, 'server.log');
  const conf = join(folder, 'vanguard.conf');
  const last = existsSync(conf) ? Number(/^port = '(\d+)'$/m.exec(readFileSync(conf, 'utf8'))?.[1]) : NaN;
  let candidate = options.port ?? (last > 0 && (await isFree(last)) ? last : undefined);
  const inUse = () =>
    refused(
      'PORT_IN_USE',
      `Port ${options.port} of ${host} is in use by another program.`,
      'End that program, or choose another port for the database.',
    );
  if (options.port !== undefined && !(await isFree(options.port))) throw inUse();
  if (existsSync(log) && statSync(log).size > 10_000_000) renameSync(log, `${log}.1`);

  const deadline = Date.now() + startSeconds * 1000;
  for (;;) {
    const port = candidate ?? (await freePort());
    writeWhole(conf, settingsFile({ ...defaultSettings, ...options.settings }, port), 0o644);
    const logged = existsSync(log) ? statSync(log).size : 0;
    const args = ['start', '-D', data, '-w', '-t', String(startSeconds), '-s', '-l', log];
    const started = await run(program(binaries, 'pg_ctl'), args, account);
    if (started.ok) return port;

    const said = existsSync(log) ? readFileSync(log).subarray(logged).toString() : '';
    const retry = Date.now() < deadline;
    // The pg_ctl of a killed start continues and may have been faster.
    if (said.includes('lock file "postmaster.pid" already exists') && retry) {
      const running = await adopt(data, password);
      if (running !== undefined) return running;
      continue;
    }
    await stopServer(place, binaries, 'immediate'); // another start that still tries
    if (said.includes('Address already in use')) {
      if (options.port !== undefined) throw inUse();
      candidate = undefined;
      if (retry) continue;
    }
    // The processes of a killed postmaster end with a delay; PostgreSQL waits for their memory.
    if (said.includes('pre-existing shared memory block') && retry) {
      await sleep(50);
      continue;
    }
    if (diskFull.test(said)) throw fullDisk(folder, said);
    throw refused(
      'DATABASE_START_FAILED',
      `PostgreSQL did not start: ${lastLines(said || started.output, 10)}`,
      `Correct what it names; ${log} may say more.`,
    );
  }
}

async function stopServer(
  { data, account }: Place,
  binaries: PostgresBinaries,
  mode: 'fast' | 'immediate',
  pid = readPidFile(data)?.pid,
): Promise<void> {
  // pg_ctl signals any process that the file names, so it must be the expected process and belong to us. If the system
  // cannot tell, a server that answered earlier counts as ours.
  if (pid === undefined || readPidFile(data)?.pid !== pid) return;
  const who = identify(pid, data);
  if (who !== 'ours' && !(who === 'unknown' && mode === 'fast')) return;
  const args = ['stop', '-D', data, '-m', mode, '-w', '-t', String(stopSeconds), '-s'];
  const stopped = await run(program(binaries, 'pg_ctl'), args, account);
  if (!stopped.ok && readPidFile(data)?.pid === pid && identify(pid, data) !== 'dead')
    throw refused(
      'DATABASE_STOP_FAILED',
      `PostgreSQL did not stop: ${stopped.output}`,
      `It is process ${pid}; look into ${join(data, 'server.log')}.`,
    );
}

/** Refuses with DATABASE_PASSWORD_WRONG, e.g. if the password file was edited or restored from elsewhere. */
async function checkPassword(data: string, port: number, password: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(port, password), connectionTimeoutMillis: 5000 });
  client.on('error', () => {}); // the next connection reports an end of the server
  try {
    await client.connect();
  } catch (error) {
    if ((error as { code?: string }).code === '28P01') throw wrongPassword(data);
  } finally {
    await client.end().catch(() => {});
  }
}

function wrongPassword(data: string): VanguardError {
  return refused(
    'DATABASE_PASSWORD_WRONG',
    `The database in ${data} refuses the password in ${join(dirname(data), 'superuser-password')}.`,
    'Restore that file from a backup, or set the password of the role postgres to what it holds.',
  );
}

/** Returns the port of a server that already runs on this data; undefined if a new one can start. */
async function adopt(data: string, password: string): Promise<number | undefined> {
  const deadline = Date.now() + startSeconds * 1000;
  for (;;) {
    const file = readPidFile(data);
    if (file === undefined) return undefined;
    const who = identify(file.pid, data);
    // PostgreSQL itself handles the file of a dead server: it uses the file to find processes that outlived their
    // postmaster.
    if (who === 'dead') return undefined;
    if (who === 'other') {
      // PostgreSQL would refuse to start as long as that process lives. PostgreSQL regards a file with the pid of its
      // grandparent (this process) as stale. It still makes the check that deleting the file would prevent.
      writeFileSync(file.path, file.text.replace(/^\d+/, String(process.pid)));
      return undefined;
    }
    const client = new pg.Client({
      connectionString: urlOf(file.port, password),
      connectionTimeoutMillis: 5000,
    });
    client.on('error', () => {}); // the query reports an end of the server
    try {
      await client.connect();
      const { rows } = await client.query<{ folder: string }>(
        "select current_setting('data_directory') folder",
      );
      if (who === 'ours' || realpathSync(rows[0]?.folder ?? '') === data) return file.port;
    } catch (error) {
      if ((error as { code?: string }).code === '28P01') throw wrongPassword(data);
    } finally {
      await client.end().catch(() => {});
    }
    if (Date.now() > deadline)
      throw refused(
        'DATABASE_NOT_ANSWERING',
        `PostgreSQL runs on ${data} as process ${file.pid}, but does not answer on port ${file.port}.`,
        `Look into ${join(data, 'server.log')}, and end that process if it hangs.`,
      );
    await sleep(50); // the server is starting, recovering or stopping
  }
}

function readPidFile(data: string) {
  const path = join(data, 'postmaster.pid');
  try {
    const text = readFileSync(path, 'utf8');
    const [pid, , , port] = text.split('\n').map(Number);
    return pid && pid > 0 && port ? { path, text, pid, port } : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Returns whether this process is the postmaster of this data directory: another program may have the pid by now. */
function identify(pid: number, data: string): 'ours' | 'other' | 'dead' | 'unknown' {
  if (!isAlive(pid)) return 'dead';
  try {
    let command: string;
    if (process.platform === 'linux') {
      command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', '\n');
      if (!/^postgres(\.exe)?$|^postmaster$/.test(basename(command.split('\n')[0] ?? ''))) return 'other';
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === data ? 'ours' : 'other';
      } catch {
        return command.split('\n').includes(data) ? 'ours' : 'other'; // root without CAP_SYS_PTRACE
      }
    }
    if (process.platform === 'win32') return 'unknown';
    command = execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return command.includes('postgres') && command.includes(data) ? 'ours' : 'other';
  } catch {
    return isAlive(pid) ? 'unknown' : 'dead';
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

// ---- One start or stop at a time

/** Runs `work` while no other process or call starts or stops the server of this folder. */
async function locked<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const lock = join(folder, 'starting.lock');
  const mine = `${process.pid}\n${birth(process.pid)}\n${randomBytes(8).toString('hex')}\n`;
  const own = unfinished(lock);
  const deadline = Date.now() + (startSeconds + stopSeconds) * 1000;
  try {
    writeFileSync(own, mine);
    // A link appears together with its content, while a process that dies while it writes a lock would leave an empty
    // one.
    while (!attempt(() => linkSync(own, lock), 'EEXIST')) {
      const held = readIfThere(lock);
      const [pid = '', born] = held?.split('\n') ?? [];
      if (held !== undefined && !(isAlive(Number(pid)) && birth(Number(pid)) === born)) {
        // The process that renames a stale lock breaks it; a new lock of another process, renamed by mistake, is
        // restored.
        const aside = unfinished(lock);
        if (attempt(() => renameSync(lock, aside), 'ENOENT') && readFileSync(aside, 'utf8') !== held)
          attempt(() => linkSync(aside, lock), 'EEXIST');
        rmSync(aside, { force: true });
        continue;
      }
      if (Date.now() > deadline)
        throw refused(
          'DATABASE_BUSY',
          `Process ${pid} is still starting or stopping the database in ${folder}.`,
          'Wait for it, or end that process.',
        );
      await sleep(25);
    }
    return await work();
  } finally {
    if (readIfThere(lock) === mine) rmSync(lock, { force: true });
    rmSync(own, { force: true });
  }
}

/** Returns a value that distinguishes a process from a later one with the same pid. */
function birth(pid: number): string {
  try {
    if (process.platform === 'linux')
      return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop()?.split(' ')[19] ?? '';
    if (process.platform === 'win32') return '';
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

// ---- Helpers

function refused(code: string, message: string, hint: string, cause?: unknown): VanguardError {
  return new VanguardError(code, message, { hint, cause });
}

/** Returns a name for an unfinished file, from which a later start sees its process. */
function unfinished(file: string): string {
  return `${file}.${process.pid}-${randomBytes(6).toString('hex')}.unfinished`;
}

async function deleteLeftovers(folder: string): Promise<void> {
  for (const name of readdirSync(folder)) {
    const maker = Number(/\.(\d+)-\w+\.unfinished$/.exec(name)?.[1]);
    if (/^(initialising|copying)-/.test(name) || (maker > 0 && !isAlive(maker)))
      await rm(join(folder, name), { recursive: true, force: true, maxRetries: 5 });
  }
}

function urlOf(port: number, password: string): string {
  return `postgres://postgres:${password}@${host}:${port}/postgres`;
}

function settingsFile(settings: Record<string, string>, port: number): string {
  const all = { ...settings, listen_addresses: host, port: String(port), unix_socket_directories: '' };
  const lines = Object.entries(all).map(([name, value]) => {
    if (!/^[a-z_][a-z0-9_.]*$/i.test(name) || value.includes('\n'))
      throw refused(
        'DATABASE_SETTING_INVALID',
        `"${name}" = "${value}" cannot be a PostgreSQL setting.`,
        'Correct it; names have letters, digits, underscores and dots only.',
      );
    return `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
  });
  return `# Written anew at each start; put settings of your own after the include in data/postgresql.conf.\n${lines.join('\n')}\n`;
}

function listen(port: number): Promise<number | undefined> {
  return new Promise((done) => {
    const server = createServer();
    server.on('error', () => done(undefined));
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' ? address?.port : undefined));
    });
  });
}

async function isFree(port: number): Promise<boolean> {
  return (await listen(port)) !== undefined;
}

async function freePort(): Promise<number> {
  const port = await listen(0);
  if (port !== undefined) return port;
  throw refused('PORT_IN_USE', `There is no free port on ${host}.`, 'End some other programs.');
}

/** Writes a file atomically: a crash leaves the old or the new content. */
function writeWhole(file: string, text: string, mode: number): void {
  const temporary = unfinished(file);
  writeFileSync(temporary, text, { flag: 'wx', flush: true, mode });
  chmodSync(temporary, mode); // regardless of the umask
  renameSync(temporary, file);
}

/** Returns false if `action` fails with this code. */
function attempt(action: () => void, code: string): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return false;
    throw error;
  }
}

function readIfThere(file: string): string | undefined {
  let text: string | undefined;
  attempt(() => (text = readFileSync(file, 'utf8')), 'ENOENT');
  return text;
}

function lastLines(text: string, count: number): string {
  return text.trim().split('\n').slice(-count).join('\n');
}

function fullDisk(folder: string, cause: unknown): VanguardError {
  const hint = 'Free some space and start again; a new database needs 200 MB.';
  return refused('DISK_FULL', `The disk that holds ${folder} is full.`, hint, cause);
}

/** Returns the reason of a file system error, in words. */
function explained(error: unknown, folder: string): unknown {
  const { code, path, message } = error as NodeJS.ErrnoException;
  if (error instanceof VanguardError || code === undefined) return error;
  if (['ENOSPC', 'EDQUOT'].includes(code)) return fullDisk(folder, error);
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOENT'].includes(code))
    return refused(
      'DATA_FOLDER_NOT_WRITABLE',
      `The data folder ${folder} cannot be used: ${message}`,
      `Make ${path ?? folder} writable for this user, or choose another folder with VANGUARD_DATA_DIR.`,
      error,
    );
  return error;
}
