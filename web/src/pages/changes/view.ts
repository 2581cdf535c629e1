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

/** Takes from an address what is a view; whatever else is in it is left out. */
export function validateChangesView({ show, whose, state, page }: Record<string, unknown>): ChangesView {
  return {
    ...(show === 'submitted' ? { show } : {}),
    ...(show === 'submitted' && whose === 'all' ? { whose } : {}),
    ...(show === 'submitted' && state === 'open' ? { state } : {}),
    ...(typeof page === 'number' && Number.isInteger(page) && page > 1 ? { page } : {}),
  };
}
