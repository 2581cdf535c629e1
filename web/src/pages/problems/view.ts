import { given, pageNumber, type Search } from '../../filter/address.ts';

/** What the problems page shows, as it is in the address. */
export interface ProblemsView {
  /** From 1. */
  page?: number;
}

export const validateProblemsView = ({ page }: Search): ProblemsView =>
  given<ProblemsView>({ page: pageNumber(page) });
