import { existsSync } from 'node:fs';

/** Usual paths of Chromium. */
const usual = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

export function findChromium(): string {
  const given = process.env.CHROMIUM_PATH;
  const found = given ? [given].find(existsSync) : usual.find(existsSync);
  if (found) return found;
  throw new Error(
    `There is no Chromium ${given ? `at CHROMIUM_PATH (${given})` : 'on this machine'}, and the web app is looked at in one. Install it (Debian: apt-get install chromium), or set CHROMIUM_PATH.`,
  );
}
