import { given, pageNumber, type Search } from '../../filter/address.ts';

/** The view of the changes page, as the address holds it. */
export interface ChangesView {
  /** Absent: drafts to submit. */
  show?: 'submitted';
  /** Of submitted changes: also those of other users. */
  whose?: 'all';
  /** Of submitted changes: only those that PEMS has not confirmed. */
  state?: 'open';
  /** From 1. */
  page?: number;
}

/** Reads the view from an address. */
export function validateChangesView({ show, whose, state, page }: Search): ChangesView {
  const isSubmitted = show === 'submitted';
  return given<ChangesView>({
    show: isSubmitted ? show : undefined,
    whose: isSubmitted && whose === 'all' ? whose : undefined,
    state: isSubmitted && state === 'open' ? state : undefined,
    page: pageNumber(page),
  });
}
