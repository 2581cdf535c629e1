import { useEffect, useState } from 'react';
import { serverNow } from '../api/serverTime.ts';

/** The time, by the server's clock, again and again: for what grows old by itself. */
export function useNow(interval = 10_000): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), interval);
    return () => clearInterval(timer);
  }, [interval]);
  return now;
}
