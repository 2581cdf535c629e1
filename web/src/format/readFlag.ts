import { asPlainText, type Reading } from './reading.ts';

// Excel writes TRUE and FALSE in its own language, so a flag copied through Excel returns in that language.
const yes =
  'true yes y + 1 -1 wahr ja vrai oui verdadero sí si vero verdadeiro sim waar sant sand sann tosi prawda tak pravda ano igaz истина да doğru evet'.split(
    ' ',
  );
const no =
  'false no n - 0 falsch nein faux non falso não nao onwaar nee falskt nej falsk usann nei epätosi fałsz nie nepravda ne hamis ложь нет yanlış hayır'.split(
    ' ',
  );

/** Reads a flag as this app, PEMS, or Excel in its larger languages write it. */
export function readFlag(text: string): Reading<boolean> {
  const written = asPlainText(text).normalize('NFC').toLowerCase();
  if (yes.includes(written)) return { value: true };
  if (no.includes(written)) return { value: false };
  return { problem: 'Enter Yes or No.' };
}
