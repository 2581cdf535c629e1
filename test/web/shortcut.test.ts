import { expect, test } from 'vitest';
import { shortcutLetter } from '../../web/src/app/shortcut.ts';

test.each([
  ['z', 'KeyZ', 'z'],
  ['Z', 'KeyZ', 'z'],
  ['A', 'KeyA', 'a'],
  // AZERTY: the written letter decides.
  ['a', 'KeyQ', 'a'],
  ['z', 'KeyW', 'z'],
  // QWERTZ and Dvorak.
  ['y', 'KeyZ', 'y'],
  ['z', 'KeyY', 'z'],
  ['z', 'Slash', 'z'],
  // Cyrillic, Greek, Hebrew and Arabic: the position of the key decides.
  ['я', 'KeyZ', 'z'],
  ['Я', 'KeyZ', 'z'],
  ['ф', 'KeyA', 'a'],
  ['ζ', 'KeyZ', 'z'],
  ['ז', 'KeyZ', 'z'],
  ['ش', 'KeyA', 'a'],
  ['Enter', 'Enter', undefined],
  ['1', 'Digit1', undefined],
  ['Process', 'KeyA', undefined],
])('key %s at %s is the letter %s', (key, code, letter) => {
  expect(shortcutLetter({ key, code })).toBe(letter);
});
