import { expect, test } from 'vitest';
import { print, printable, withTerminal } from '../../src/cli/terminal.ts';

// PEMS and files may contain any text: a terminal must show it and not interpret it.

test.each([
  ['plain text, with a\ttab\nand a line', 'plain text, with a\ttab\nand a line'],
  ['\u001b[2Jgone', '\\u001b[2Jgone'],
  ['\u001b]0;title\u0007', '\\u001b]0;title\\u0007'],
  ['over\rwritten', 'over\\u000dwritten'],
  ['\u009b31mred', '\\u009b31mred'],
  ['a\u202Eb', 'a\\u202eb'],
  ['Ä é 日本', 'Ä é 日本'],
])('%j is shown as %j', (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('the output of a command is escaped', async () => {
  let said = '';
  const terminal = {
    ...{ input: process.stdin, complain: () => undefined, showsProgress: false, exitCode: 0 },
    write: (text: string) => void (said += text),
  };
  await withTerminal(terminal, () => Promise.resolve(print('a\u001b[31mb')));
  expect(said).toBe('a\\u001b[31mb\n');
});
