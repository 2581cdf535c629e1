import type { RecordsView } from '../pages/records/view.ts';

/** The view of the records page that shows one record, also one that is discontinued. */
export const recordSearch = (pfaId: string): RecordsView => ({ q: pfaId, discontinued: true });
