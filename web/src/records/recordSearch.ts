import type { RecordsView } from '../pages/records/view.ts';

/** Returns a view of the records page that shows one record, even if it is discontinued. */
export const recordSearch = (pfaId: string): RecordsView => ({ q: pfaId, discontinued: true });
