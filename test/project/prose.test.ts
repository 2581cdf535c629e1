import { expect, test } from 'vitest';
import { judge } from '../../tools/prose/rules.ts';
import { sentencesOf } from '../../tools/prose/sentences.ts';

const found = (file: string, text: string) =>
  judge(sentencesOf(file, text)).map(({ rule, kind }) => [kind, rule.name]);

test.each([
  ['Whoever waits for it hears of it.', 'stand-in for a noun'],
  ['What PEMS answers to a write is not believed.', 'stand-in for a noun'],
  ['Of an answer so many characters are kept.', 'stand-in for a noun'],
  ['A date or time of the request is none.', 'is none'],
  ['A fault of ours.', 'of ours'],
  ['The account was switched off.', 'switch off'],
  ['Changes on their way to PEMS.', 'on their way'],
  ['It was changed by somebody else.', 'person'],
  ['As domain.md says, the plan never changes.', 'file outside of the repository'],
  [`The worker ${'reads a page and '.repeat(8)}stops.`, 'long sentence'],
])('the linter finds %j in a comment', (sentence, rule) => {
  expect(found('src/a.ts', `// ${sentence}\n`).map(([, name]) => name)).toContain(rule);
});

test('the linter reads comments, messages, interface texts, titles, SQL and documentation', () => {
  const sentence = 'Nothing was told to people here.';
  expect(found('src/a.ts', `/** ${sentence} */`)).toEqual([['comment', 'person']]);
  expect(found('src/a.ts', `throw new Error('${sentence}');`)).toEqual([['message', 'person']]);
  expect(found('web/src/a.tsx', `const a = <p>${sentence}</p>;`)).toEqual([['interface', 'person']]);
  expect(found('test/a.test.ts', `test('${sentence}', () => {});`)).toEqual([['test title', 'person']]);
  expect(found('a.sql', `-- ${sentence}\n`)).toEqual([['SQL comment', 'person']]);
  expect(found('a.sql', `comment on table a is\n  'Nothing was told '\n  'to people here.';`)).toEqual([
    ['SQL comment', 'person'],
  ]);
  expect(found('a.md', `- ${sentence}\n`)).toEqual([['documentation', 'person']]);
});

test('the linter leaves code, names and plain English alone', () => {
  expect(found('a.md', '    whoever calls people\n\n`whoever` is a name of a column.\n')).toEqual([]);
  expect(found('src/a.ts', `// The worker retries the page.\nconst whoever = 'people';\n`)).toEqual([]);
  expect(found('src/a.ts', `await query('select people from whoever where it = 1');`)).toEqual([]);
});
