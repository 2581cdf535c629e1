import type { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { VanguardError } from '../errors.ts';

/** Minimum length of a password; NIST SP 800-63B requires 8, or 15 if it is the only factor. */
export const shortestPassword = 12;
/**
 * Number of characters of a password that are rated. The work grows with the length, and a strong beginning suffices.
 */
const lookedAt = 40;
/** Lowest accepted score of 0 to 4: from 3 on, guessing takes at least 10^8 attempts. */
const lowestScore = 3;

/** Words that an attacker would try first. */
const productWords = ['vanguard', 'pfa', 'pems', 'pfavanguard', 'hexagon', 'hxgn', 'forecast', 'equipment'];

let estimator: Promise<ZxcvbnFactory> | undefined;

/** The dictionaries take megabytes and a quarter of a second, so they are loaded on first use. */
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
 * Throws INVALID_INPUT for a new password that is short or easy to guess, with the reason and advice.
 *
 * @param known Public facts about the user: user name, e-mail address.
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
    hint: 'Use several unrelated words.',
    details: [{ path, message }],
  });
}
