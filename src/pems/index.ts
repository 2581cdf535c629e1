/** Reading and writing PEMS: the only place that knows its wire format. */
export { createPemsClient } from './client.ts';
export type {
  ConnectionTest,
  PemsClient,
  PemsClientOptions,
  PemsExchange,
  PemsPage,
  PemsRecord,
  PemsRecordsPage,
  PemsAction,
  PemsRequestEvent,
  ReadGridOptions,
  ReadRecordOptions,
  ReadRecordsOptions,
  TestConnectionOptions,
  UpdateRecordOptions,
} from './client.ts';
export { secretsOf } from './connection.ts';
export type { PemsAuthorization, PemsConnection, PemsGrid, PemsScreen } from './connection.ts';
export type { GridPage, GridRow } from './grid.ts';
export { createRecordMapper } from './mapping.ts';
export type {
  FieldKind,
  FieldProblem,
  GridMapping,
  MappedRecord,
  RecordField,
  RecordMapper,
  RecordMapperOptions,
} from './mapping.ts';
export type {
  RecordChange,
  RecordId,
  ScreenRecord,
  ScreenValue,
  WritableValue,
  YearFormat,
} from './screen.ts';
export { createScreenMapper } from './screen-mapping.ts';
export type { ScreenField, ScreenMapper } from './screen-mapping.ts';
export { wait as waitFor } from './pacing.ts';
export { makeStorable } from './values.ts';
export type { DateFormat, DateOrder } from './values.ts';
export { WriteFailure } from './write-failure.ts';
