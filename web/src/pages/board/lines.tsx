import type { colours } from '../../app/theme.ts';
import type { Decimal } from '../../format/numbers.ts';
import classes from './BoardPage.module.css';
import type { Amounts, Row } from './costs.ts';

interface Line {
  label: string;
  of: (row: Row<Amounts>) => Decimal;
  colour: keyof (typeof colours)['light'];
  width: number;
  /** Lengths of strokes and gaps; they distinguish the lines without colour. */
  dash?: number[];
  hasMarks?: true;
}

/** Style of each line of the chart. */
export const lines = {
  plan: {
    label: 'Plan',
    of: ({ seen }) => seen.planCost,
    colour: '--mantine-color-dimmed',
    width: 1.6,
    dash: [7, 4],
  },
  forecast: {
    label: 'Forecast',
    of: ({ seen }) => seen.forecastCost,
    colour: '--v-accent',
    width: 2.4,
  },
  actual: {
    label: 'Actual',
    of: ({ seen }) => seen.actualCost,
    colour: '--v-warning',
    width: 1.6,
    hasMarks: true,
  },
  pems: {
    label: 'Forecast in PEMS',
    of: ({ mirror }) => mirror.forecastCost,
    colour: '--v-accent',
    width: 1.6,
    dash: [1.5, 3],
  },
} as const satisfies Record<string, Line>;

export type LineName = keyof typeof lines;
export const lineNames = Object.keys(lines) as LineName[];
export const lineOf = (name: LineName): Line => lines[name];

export function LineSample({ name }: { name: LineName }) {
  const { colour, width, dash, hasMarks } = lineOf(name);
  return (
    <svg className={classes.sample} width={30} height={10} aria-hidden focusable={false}>
      <path
        d="M1 5h28"
        fill="none"
        stroke={`var(${colour})`}
        strokeWidth={width}
        strokeDasharray={dash?.join(' ')}
      />
      {hasMarks && <circle cx={15} cy={5} r={3} fill={`var(${colour})`} />}
    </svg>
  );
}
