import { useState, type FormEvent } from 'react';
import { asApiError, type ApiError } from '../api/errors.ts';

/** Returns a function that sends a form, one request at a time, and the error of the last one. */
export function useSubmit(send: () => Promise<void>) {
  const [error, setError] = useState<ApiError>();
  const [isSending, setIsSending] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isSending) return;
    setIsSending(true);
    setError(undefined);
    send().then(
      () => setIsSending(false),
      (refusal: unknown) => {
        setIsSending(false);
        setError(asApiError(refusal));
      },
    );
  };
  return { submit, isSending, error };
}
