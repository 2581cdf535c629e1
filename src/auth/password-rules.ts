import type { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { VanguardError } from '../errors.ts';

/** The shortest password that is taken; NIST SP 800-63B asks for at least 8, 15 where it is the only factor. */
export const shortestPassword = 12;
/** How much of a password is looked at: the work grows with it, and what is strong so far stays so. */
const lookedAt = 40;
/** Of 0 to 4; from 3 on, guessing takes 10^8 attempts and more. */
const lowestScore = 3;

/** What anybody would try here. */
const productWords = ['vanguard', 'pfa', 'pems', 'pfavanguard', 'hexagon', 'hxgn', 'forecast', 'equipment'];

let estimator: Promise<ZxcvbnFactory> | undefined;

/** The dictionaries take megabytes and a quarter of a second: they are loaded by who needs them only. */
async function loadEstimator(): Promise<ZxcvbnFactory> {
  const [core, common, english] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ]);
  return new core.ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
    translations: english.translations,
    maxLength: lookedAt,
    l33tMaxSubstitutions: 20,
  });
}

/**
 * Refuses, with INVALID_INPUT, a new password that is short or easy to guess, and says why and what would help.
 *
 * @param known What others know of the person: user name, e-mail address.
 */
export async function requireStrongPassword(
  password: string,
  known: (string | null | undefined)[],
  path = 'newPassword',
): Promise<void> {
  if (password.length < shortestPassword)
    throw weak(path, `must have at least ${shortestPassword} characters`);
  const { score, feedback } = (await (estimator ??= loadEstimator())).check(password, [
    ...productWords,
    ...known.flatMap((text) => (text ? [text, ...text.split(/[^\p{L}\p{N}]+/u)] : [])).filter(Boolean),
  ]);
  if (score >= lowestScore) return;
  const { warning, suggestions } = feedback;
  throw weak(path, ['is too easy to guess.', warning, ...suggestions].filter(Boolean).join(' '));
}

function weak(path: string, message: string): VanguardError {
  return new VanguardError('INVALID_INPUT', `The new password ${message.replace(/\.$/, '')}.`, {
    hint: 'Several words that have nothing to do with each other make a good one.',
    details: [{ path, message }],
  });
}
