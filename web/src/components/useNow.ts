import { useEffect, useState } from 'react';
import { serverNow } from '../api/serverTime.ts';

/** Returns the time by the server's clock and updates it at an interval, for relative times. */
export function useNow(interval = 10_000): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), interval);
    return () => clearInterval(timer);
  }, [interval]);
  return now;
}
