import { describe, expect, test } from 'vitest';
import { refusalCode } from '../../src/pems/refusals.ts';

// Complaints of PEMS, classified by the name of the alert or else by its text.

const code = (...alerts: [name: string, message?: string][]) =>
  refusalCode(alerts.map(([name, message = '']) => ({ name, message })));

describe('one alert', () => {
  test.each([
    ['RECORD_NOT_FOUND', 'x', 'PEMS_RECORD_NOT_FOUND'],
    ['', 'Record not found.', 'PEMS_RECORD_NOT_FOUND'],
    ['', 'Record not found', 'PEMS_RECORD_NOT_FOUND'],
    ['', 'The record could not be found.', 'PEMS_RECORD_NOT_FOUND'],
    ['17', 'The record does not exist.', 'PEMS_RECORD_NOT_FOUND'],
    ['', 'Class not found for record not found here', 'PEMS_ERROR_ALERT'],
    ['', 'Equipment not found.', 'PEMS_ERROR_ALERT'],
    ['RECORD_MODIFIED', 'x', 'PEMS_RECORD_MODIFIED'],
    ['', 'It was modified by another user.', 'PEMS_RECORD_MODIFIED'],
    ['', 'This record has been updated by another session', 'PEMS_RECORD_MODIFIED'],
    ['RECORD_LOCKED', '', 'PEMS_RECORD_LOCKED'],
    ['', 'The record is currently locked.', 'PEMS_RECORD_LOCKED'],
    ['', 'Authorization failed', 'PEMS_UNAUTHORIZED'],
    ['', 'Authorisation failed for user X', 'PEMS_UNAUTHORIZED'],
    ['401', 'Invalid credentials', 'PEMS_UNAUTHORIZED'],
    ['', 'Your session has expired.', 'PEMS_UNAUTHORIZED'],
    ['NOT_AUTHORIZED', '', 'PEMS_UNAUTHORIZED'],
    // About this record only: the connection stays usable.
    ['', 'You are not authorized to change the status of this record.', 'PEMS_ERROR_ALERT'],
    ['', 'The end date lies before the start date.', 'PEMS_ERROR_ALERT'],
    ['UNKNOWN_ORGANIZATION', '', 'PEMS_ERROR_ALERT'],
    ['', '', 'PEMS_ERROR_ALERT'],
  ])('%j with the text %j means %s', (name, message, expected) => {
    expect(code([name, message])).toBe(expected);
  });

  test('is classified by a known name, whatever its text', () => {
    expect(code(['RECORD_LOCKED', 'Record not found.'])).toBe('PEMS_RECORD_LOCKED');
  });
});

describe('several alerts', () => {
  test('never mean that a record is gone: the text may be about another object', () => {
    expect(code(['RECORD_NOT_FOUND'], ['DATABASE_DOWN'])).toBe('PEMS_ERROR_ALERT');
    expect(code(['', 'Record not found.'], ['', 'Retry.'])).toBe('PEMS_ERROR_ALERT');
  });

  test('mean an error of the connection if one of them does', () => {
    expect(code(['', 'The date is wrong.'], ['', 'Authorization failed'])).toBe('PEMS_UNAUTHORIZED');
  });
});
