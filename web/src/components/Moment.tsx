import { Tooltip } from '@mantine/core';
import { formatAgo, formatMoment } from '../format/times.ts';
import { useNow } from './useNow.ts';

/** A relative time, with the exact time in a tooltip. */
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
