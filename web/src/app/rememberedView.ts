import { useNavigate } from '@tanstack/react-router';
import { useCallback, useEffect } from 'react';
import { sessionState } from '../session/session.ts';

/**
 * What each organization looks like to a person: filters, sort and columns of each page, as they were left. The address
 * is the source of truth, and is what is sent to a colleague: an address is taken as it is, also an empty one. What is
 * remembered is only where links of the app itself lead to: the navigation, the switcher, the first page.
 */

type Search = Record<string, unknown>;

const personId = () => {
  const session = sessionState();
  return session.status === 'signed-in' ? session.person.id : 0;
};

const keyOf = (code: string, page: string) => `vanguard.view.${personId()}.${code}.${page}`;
const lastKey = () => `vanguard.organization.${personId()}`;

function read(key: string): unknown {
  try {
    const text = localStorage.getItem(key);
    return text === null ? undefined : JSON.parse(text);
  } catch {
    // A browser that keeps nothing, or what somebody else has put there: nothing is remembered.
    return undefined;
  }
}

function write(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // The browser keeps nothing, or no more: the view is in the address all the same.
  }
}

/** The search of a page as it was left; for a link. What is no longer valid, the page's `validateSearch` leaves out. */
export function rememberedSearch(code: string, page: string): Search {
  const value = read(keyOf(code, page));
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Search) : {};
}

/** The organization that one was in last. */
export function lastOrganization(): string | undefined {
  const code = read(lastKey());
  return typeof code === 'string' ? code : undefined;
}

export const rememberOrganization = (code: string): void => write(lastKey(), code);

/**
 * Remembers the view of a page of an organization, which is what its address says (`route.useSearch()`), and answers how
 * to change it: what becomes undefined goes out of the address. By default the entry in the history is replaced.
 */
export function useRememberedView<View extends object>(code: string, page: string, view: View) {
  const navigate = useNavigate();
  const text = JSON.stringify(view);
  useEffect(() => write(keyOf(code, page), JSON.parse(text)), [code, page, text]);
  return useCallback(
    (changes: Partial<View>, { push = false } = {}) =>
      void navigate({
        to: '.',
        // Whose search it is, only the page knows.
        search: ((before: View) => ({ ...before, ...changes })) as never,
        replace: !push,
      }),
    [navigate],
  );
}

const submittedKey = (code: string) => `vanguard.submitted.${personId()}.${code}`;

/** The commit before those whose progress is shown, so that it is found again after a reload. */
export function submittedSince(code: string): string | undefined {
  const id = read(submittedKey(code));
  return typeof id === 'string' && /^\d+$/.test(id) ? id : undefined;
}

export const rememberSubmittedSince = (code: string, id: string): void => write(submittedKey(code), id);
