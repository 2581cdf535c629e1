import type { Sentence, SentenceKind } from './sentences.ts';

/** A pattern of prose that is hard to read. */
export interface Rule {
  name: string;
  /** The recommended wording. */
  advice: string;
  /** Kinds of text without this rule. */
  except?: readonly SentenceKind[];
  finds: (text: string) => boolean;
}

const matches =
  (pattern: RegExp) =>
  (text: string): boolean =>
    pattern.test(text);

/** Creates a rule for a phrase, in any case. */
const phrase = (name: string, pattern: string, advice: string, except?: readonly SentenceKind[]): Rule => ({
  name,
  advice,
  ...(except && { except }),
  finds: matches(new RegExp(`\\b(?:${pattern})\\b`, 'i')),
});

const longest = 32;

/** The rules of CONTRIBUTING.md that a program can check. */
const rules: readonly Rule[] = [
  {
    name: 'stand-in for a noun',
    advice: 'Begin with the subject: a noun, not Who, Whoever, What, Whatever or Of.',
    finds: (text) =>
      /^(?:Whoever|Whatever|Whose|Who|Of (?:a|an|the|all|many|two|several|these|each|which|what|whom)|What)\b/.test(
        text,
      ) &&
      !/\?/.test(text) &&
      !/^(?:What (?:it|its|is|are)|Who)$/.test(text),
  },
  {
    name: 'long sentence',
    advice: `Split the sentence: it has more than ${longest} words.`,
    except: ['test title'],
    finds: (text) => text.replace(/`[^`]*`/g, 'x').split(/\s+/).length > longest,
  },
  {
    name: 'nested parentheses',
    advice: 'Use no parentheses inside parentheses.',
    finds: (text) => /\([^()]*\([^()]*[a-z]{3,} [^()]*\)/.test(text.replace(/`[^`]*`/g, '')),
  },
  {
    name: 'file outside of the repository',
    advice: 'Refer to a file that readers have.',
    finds: matches(/(?<!explanation\/)\b(?:domain|design|writing|reports)\.md\b/),
  },
  phrase(
    'person',
    'persons?|people|somebody|someone|whoever|whomever',
    'Write user, account, author or reader.',
  ),
  phrase(
    'hidden subject',
    '(?:for|by|to|of|from|with) whom|(?:for|by|to|of|from|with) who',
    'Name the user or the program.',
  ),
  phrase(
    'switch off',
    'switch(?:es|ed|ing)? (?:him|her|it|them|users?|accounts?|people)? ?(?:off|on)',
    'Write disable and enable.',
  ),
  phrase(
    'take back',
    '(?:take|takes|took|taken|taking) (?:it |them |this |that )?back',
    'Write discard, revert, withdraw or roll back.',
  ),
  phrase('put back', '(?:put|puts|putting) (?:it |them |the \\w+ )?back', 'Write reset or restore.'),
  phrase(
    'throw away',
    '(?:throw|throws|threw|thrown|throwing) (?:it |them )?away',
    'Write discard or delete.',
  ),
  phrase(
    'leave as it was',
    'leaves? (?:it|them|this|that|all) as (?:it|they) (?:was|were|is|are)',
    'Write discard or keep.',
  ),
  phrase('on their way', 'on (?:its|their|the) way', 'Write pending or sending.', ['test title']),
  phrase('patience', 'patience|farewell', 'Write timeout, deadline, debounce or grace period.'),
  phrase('alarm', 'alarms?|alarmed', 'Write alert.'),
  phrase(
    'is none',
    '(?<!\\bthere )(?:is|are) none(?=[.;,:]|$)',
    'Say that the value is invalid, or that none exists.',
  ),
  phrase('of ours', 'of (?:ours|theirs)', 'Name the owner: of the product, of PEMS, of the user.'),
  phrase('answers to', '(?:is|are) told (?:of|about)', 'Write receives, learns or shows.', ['test title']),
  phrase(
    'one has',
    'what one|that one (?:has|may|can|sees)|as one(?! [a-z])',
    'Address the reader as you, or name the user.',
  ),
  phrase(
    'come of',
    '(?:comes?|came|become|becomes|became) of (?:it|them|this|a|the|each)',
    'Name the outcome.',
  ),
  phrase('wherever', 'where there (?:is|are) (?:one|none)|be it|be they', 'Write if.'),
  phrase('in its turn', 'in (?:its|their) turn|whose turn', 'Write waits, queues or acquires.'),
  phrase('spared removals', 'spared removals?|moving in', 'Write withheld removals, or legacy import.'),
];

export interface Finding extends Sentence {
  rule: Rule;
}

/** Returns the findings of the rules in these sentences. The rules ignore code in backquotes. */
export function judge(sentences: readonly Sentence[]): Finding[] {
  return sentences.flatMap((sentence) => {
    const text = sentence.text.replace(/`[^`]*`/g, (code) => code.replace(/\S+/g, 'x'));
    return rules
      .filter(({ except = [], finds }) => !except.includes(sentence.kind) && finds(text))
      .map((rule) => ({ ...sentence, rule }));
  });
}
