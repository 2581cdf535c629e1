/** Reads and writes PEMS: the only place that knows its wire format. */
export { createPemsClient } from './client.ts';
export type {
  PemsClient,
  PemsClientOptions,
  PemsPage,
  PemsRecord,
  PemsRecordsPage,
  PemsAction,
  PemsRequestEvent,
  ReadGridOptions,
  ReadRecordsOptions,
  Transport,
  UpdateRecordOptions,
} from './client.ts';
export { checkConnection, secretsOf } from './connection.ts';
export type { PemsAuthorization, PemsConnection } from './connection.ts';
export type { GridRow } from './grid.ts';
export { firstId, inspect } from './inspection.ts';
export type { Finding, InspectedField, Inspection } from './inspection.ts';
export type { Choice } from './choices.ts';
export type { ListRow } from './lists.ts';
export { createRecordMapper } from './mapping.ts';
export type { FieldKind, MappedRecord, RecordField, RecordMapper } from './mapping.ts';
export type { ScreenRecord, ScreenValue, WritableValue } from './screen.ts';
export { createScreenMapper } from './screen-mapping.ts';
export type { ScreenField, ScreenMapper } from './screen-mapping.ts';
export { createMasker } from './masking.ts';
export { createRecorder } from './recording.ts';
export type { Exchange } from './recording.ts';
export { monthNames } from './month-names.ts';
export { wait as waitFor } from './pacing.ts';
export { makeStorable } from './values.ts';
export type { DateFormat } from './values.ts';
export { WriteFailure } from './write-failure.ts';
