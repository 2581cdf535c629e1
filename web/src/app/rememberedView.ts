import { useNavigate } from '@tanstack/react-router';
import { useCallback, useEffect } from 'react';
import { read, write } from '../browserStorage.ts';
import type { Search } from '../filter/address.ts';
import { sessionState } from '../session/session.ts';

/**
 * Remembers each user's view of an organization: filters, sort and columns of each page. The address is the source of
 * truth and can be shared, so the app uses it unchanged, even if it is empty. Remembered views only apply to links of
 * the app itself: the navigation, the switcher and the first page.
 */

const personId = () => {
  const session = sessionState();
  return session.status === 'signed-in' ? session.person.id : 0;
};

const keyOf = (code: string, page: string) => `vanguard.view.${personId()}.${code}.${page}`;
const lastKey = () => `vanguard.organization.${personId()}`;

/**
 * Returns the remembered search parameters of a page, for a link. The page ignores parameters that are no longer valid.
 */
export function rememberedSearch(code: string, page: string): Search {
  const value = read(keyOf(code, page));
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Search) : {};
}

/** The organization visited last. */
export function lastOrganization(): string | undefined {
  const code = read(lastKey());
  return typeof code === 'string' ? code : undefined;
}

export const rememberOrganization = (code: string): void => void write(lastKey(), code);

/**
 * Remembers the view of an organization's page, which `useView` reads from the address, and returns a function that
 * changes it. An undefined value removes its parameter. By default, the change replaces the entry in the browser's
 * history.
 */
export function useRememberedView<View extends object>(
  { code, page, view }: { code: string; page: string; view: View },
  validate: (search: Search) => View,
) {
  const navigate = useNavigate();
  const text = JSON.stringify(view);
  useEffect(() => void write(keyOf(code, page), JSON.parse(text)), [code, page, text]);
  return useCallback(
    (changes: Partial<View>, { push = false } = {}) =>
      void navigate({
        to: '.',
        // Only the page knows the type of its search parameters.
        search: ((before: Search) => ({ ...validate(before), ...changes })) as never,
        replace: !push,
        resetScroll: false,
      }),
    [navigate, validate],
  );
}

const submittedKey = (code: string) => `vanguard.submitted.${personId()}.${code}`;

/** Returns the id of the last commit before those whose progress is shown; kept to find them again after a reload. */
export function submittedSince(code: string): string | undefined {
  const id = read(submittedKey(code));
  return typeof id === 'string' && /^\d+$/.test(id) ? id : undefined;
}

export const rememberSubmittedSince = (code: string, id: string): void => void write(submittedKey(code), id);
