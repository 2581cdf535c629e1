import { given, pageNumber, type Search } from '../../filter/address.ts';

/** What the page of changes shows, as it is in the address. */
export interface ChangesView {
  /** Without it: what is still to be submitted. */
  show?: 'submitted';
  /** Of what is submitted: also that of others. */
  whose?: 'all';
  /** Of what is submitted: only what PEMS has not confirmed. */
  state?: 'open';
  /** From 1. */
  page?: number;
}

/** Takes from an address what is a view. */
export function validateChangesView({ show, whose, state, page }: Search): ChangesView {
  const isSubmitted = show === 'submitted';
  return given<ChangesView>({
    show: isSubmitted ? show : undefined,
    whose: isSubmitted && whose === 'all' ? whose : undefined,
    state: isSubmitted && state === 'open' ? state : undefined,
    page: pageNumber(page),
  });
}
