import { Tooltip } from '@mantine/core';
import { formatAgo, formatMoment } from '../format/times.ts';
import { useNow } from './useNow.ts';

/** When something happened: how long ago, and exactly on demand. */
export function Moment({ at }: { at: string }) {
  const now = useNow();
  const moment = Date.parse(at);
  const exact = formatMoment(moment);
  return (
    <Tooltip label={exact}>
      <time dateTime={at}>
        {formatAgo(moment, now)}
        <span className="visually-hidden">, {exact}</span>
      </time>
    </Tooltip>
  );
}
