import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { requireStrongPassword } from '../../src/auth/password-rules.ts';
import { newPassword } from '../../src/auth/passwords.ts';
import { projectFolder } from '../../src/configuration.ts';

const known = ['Ada.Vlxq', 'ada@lovelace.example', null];
const verdict = (password: string, about: (string | null)[] = known) =>
  requireStrongPassword(password, about).then(
    () => 'taken',
    (error: Error) => error.message,
  );

test.each([
  'correct horse battery',
  'lantern orbit cactus',
  'vier grüne Elefanten',
  'Ab3$xk9!pLq2',
  'lantern orbit cactus' + 'x'.repeat(50),
  newPassword(),
])('%o is accepted', async (password) => {
  expect(await verdict(password)).toBe('taken');
});

test.each([
  ['elevenchars', /must have at least 12 characters\.$/],
  ['passwordpassword', /too easy to guess\. Repeated character patterns.*Avoid repeated words/],
  ['password1234', /too easy to guess\. This is similar to a commonly used password/],
  ['qwertyuiop[]', /too easy to guess/],
  ['abcdefghijklmnop', /too easy to guess\. Common character sequences/],
  ['aaaaaaaaaaaaaaaaaaaa', /too easy to guess\. Repeated characters/],
  ['ada.vlxq1234', /too easy to guess/],
  ['vlxqvlxqvlxq', /too easy to guess/],
  ['pfavanguard26', /too easy to guess/],
])('%o is refused with the reason', async (password, reason) => {
  expect(await verdict(password)).toMatch(reason);
  await expect(requireStrongPassword(password, known, 'password')).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    details: [{ path: 'password' }],
    hint: expect.stringContaining('Use several unrelated words') as string,
  });
});

test('data of a user makes a password weak, for that user only', async () => {
  expect(await verdict('vlxqkwzrad26', [])).toBe('taken');
  expect(await verdict('vlxqkwzrad26', ['vlxqkwzrad'])).toMatch(/too easy/);
});

test('only the beginning of a password of a thousand characters is checked', async () => {
  expect(await verdict('a'.repeat(1000))).toMatch(/too easy/);
  expect(await verdict('lantern orbit cactus '.repeat(48).slice(0, 1000))).toBe('taken');
});

test('only a password check loads the dictionaries', async () => {
  const loaded = async (then: string) => {
    const program = `
      import module from 'node:module';
      await Promise.all(['cli/people.ts', 'cli/keys.ts', '../worker/index.ts', 'server.ts'].map((path) => import('${projectFolder}src/' + path)));
      ${then}
      console.log(Object.keys(module._cache).some((path) => path.includes('zxcvbn')));
      process.exit();`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      cwd: projectFolder,
    });
    return stdout.trim().split('\n').at(-1);
  };
  expect(await loaded('')).toBe('false');
  expect(
    await loaded(
      `const { requireStrongPassword } = await import('${projectFolder}src/auth/password-rules.ts');
      await requireStrongPassword('correct horse battery', []);`,
    ),
  ).toBe('true');
});
