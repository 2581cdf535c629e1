/** What the problems page shows, as it is in the address. */
export interface ProblemsView {
  /** From 1. */
  page?: number;
}

export const validateProblemsView = ({ page }: Record<string, unknown>): ProblemsView =>
  typeof page === 'number' && Number.isInteger(page) && page > 1 ? { page } : {};
