// The size of random tests. TEST_SCALE=full, as `npm run test:all` sets it, selects the large numbers. A variable for
// one test overrides both.

const isFull = process.env.TEST_SCALE === 'full';

const count = (variable: string, { small, full }: { small: number; full: number }): number =>
  Number(process.env[variable] || (isFull ? full : small));

/** Whether a variable sets the number. Such runs use a new seed each time. */
export const isAsked = (variable: string): boolean => Boolean(process.env[variable]);

/** Rounds of kills and faults over the whole product. */
export const faultRounds = count('FAULT_ROUNDS', { small: 2, full: 16 });
/** Walks of the model beside the database. */
export const modelWalks = count('MODEL_RUNS', { small: 8, full: 40 });
/** Malicious requests to the API. */
export const fuzzRequests = count('FUZZ_REQUESTS', { small: 60, full: 300 });
/** Histories of edits in the web app. */
export const editHistories = count('EDIT_RUNS', { small: 500, full: 5000 });
/** Difficult databases of the prototype. */
export const legacyDatabases = count('LEGACY_RUNS', { small: 2, full: 12 });
/** Commands that run first on a new data folder; a third of them also as an ordinary user, if the tests run as root. */
export const newFolderCommands = count('COMMAND_RUNS', { small: 5, full: 8 });
