import { given, pageNumber, type Search } from '../../filter/address.ts';

/** The view of the problems page, as the address holds it. */
export interface ProblemsView {
  /** From 1. */
  page?: number;
}

export const validateProblemsView = ({ page }: Search): ProblemsView =>
  given<ProblemsView>({ page: pageNumber(page) });
