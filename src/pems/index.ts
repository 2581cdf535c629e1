/** Reading PEMS: the only place that knows its wire format. */
export { createPemsClient } from './client.ts';
export type {
  ConnectionTest,
  PemsClient,
  PemsPage,
  PemsRequestEvent,
  ReadGridOptions,
  TestConnectionOptions,
} from './client.ts';
export type { PemsAuthorization, PemsConnection, PemsGrid } from './connection.ts';
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
export { makeStorable } from './values.ts';
export type { DateFormat, DateOrder } from './values.ts';
