import { useNavigate } from '@tanstack/react-router';
import { useCallback, useEffect } from 'react';
import { read, write } from '../browserStorage.ts';
import type { Search } from '../filter/address.ts';
import { sessionState } from '../session/session.ts';

/**
 * What each organization looks like to a person: filters, sort and columns of each page, as they were left. The address
 * is the source of truth, and is what is sent to a colleague: an address is taken as it is, also an empty one. What is
 * remembered is only where links of the app itself lead to: the navigation, the switcher, the first page.
 */

const personId = () => {
  const session = sessionState();
  return session.status === 'signed-in' ? session.person.id : 0;
};

const keyOf = (code: string, page: string) => `vanguard.view.${personId()}.${code}.${page}`;
const lastKey = () => `vanguard.organization.${personId()}`;

/** The search of a page as it was left; for a link. The page leaves out what is no longer valid. */
export function rememberedSearch(code: string, page: string): Search {
  const value = read(keyOf(code, page));
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Search) : {};
}

/** The organization that one was in last. */
export function lastOrganization(): string | undefined {
  const code = read(lastKey());
  return typeof code === 'string' ? code : undefined;
}

export const rememberOrganization = (code: string): void => void write(lastKey(), code);

/**
 * Remembers the view of a page of an organization, which is what its address says (`useView`), and answers how
 * to change it: what becomes undefined goes out of the address. By default the entry in the history is replaced.
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
        // Whose search it is, only the page knows.
        search: ((before: Search) => ({ ...validate(before), ...changes })) as never,
        replace: !push,
        resetScroll: false,
      }),
    [navigate, validate],
  );
}

const submittedKey = (code: string) => `vanguard.submitted.${personId()}.${code}`;

/** The commit before those whose progress is shown, so that it is found again after a reload. */
export function submittedSince(code: string): string | undefined {
  const id = read(submittedKey(code));
  return typeof id === 'string' && /^\d+$/.test(id) ? id : undefined;
}

export const rememberSubmittedSince = (code: string, id: string): void => void write(submittedKey(code), id);
