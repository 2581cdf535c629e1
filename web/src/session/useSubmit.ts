import { useState, type FormEvent } from 'react';
import { asApiError, type ApiError } from '../api/errors.ts';

/** A form that is sent once at a time, and the refusal of the last time. */
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
