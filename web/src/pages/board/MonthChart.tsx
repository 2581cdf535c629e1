import { LineChart, type LineSeriesOption } from 'echarts/charts';
import {
  GridComponent,
  MarkLineComponent,
  TooltipComponent,
  type GridComponentOption,
  type TooltipComponentOption,
} from 'echarts/components';
import { init, use as register, type ComposeOption, type EChartsType } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { colours, theme } from '../../app/theme.ts';
import { formatMonth, formatShortMonth, type IsoMonth } from '../../format/dates.ts';
import { formatAxisDollars, formatMoney, type Decimal } from '../../format/numbers.ts';
import classes from './BoardPage.module.css';
import { lineOf, type LineName } from './lines.tsx';

// Registers only the parts of the chart library that the chart needs. The chart draws on a canvas, because the
// Content-Security-Policy forbids the inline styles of SVG charts and HTML tooltips.
register([LineChart, GridComponent, MarkLineComponent, TooltipComponent, CanvasRenderer]);

type Option = ComposeOption<LineSeriesOption | GridComponentOption | TooltipComponentOption>;

interface Props {
  title: string;
  months: readonly IsoMonth[];
  /** Undefined after the end of a line. */
  lines: readonly { name: LineName; amounts: readonly (Decimal | undefined)[] }[];
  /** Index of the current month, or -1 if it is not among the months. */
  today: number;
  scheme: 'light' | 'dark';
}

/**
 * A line chart of costs over months. For screen readers it is a slider over the months that announces each month's
 * figures.
 */
export function MonthChart({ title, months, lines, today, scheme }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType>(null);
  const [month, setMonth] = useState(Math.max(today, 0));
  const at = Math.min(month, months.length - 1);

  useEffect(() => {
    if (!element.current) return;
    const made = init(element.current, null, { renderer: 'canvas' });
    chart.current = made;
    const observer = new ResizeObserver(() => made.resize());
    observer.observe(element.current);
    return () => {
      observer.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    chart.current?.setOption(optionOf({ months, lines, today, scheme }), { notMerge: true });
  }, [months, lines, today, scheme]);

  const point = (to: number) =>
    chart.current?.dispatchAction({ type: 'showTip', seriesIndex: 0, dataIndex: to });
  const onKeyDown = (event: KeyboardEvent) => {
    const last = months.length - 1;
    const steps: Record<string, number> = {
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      PageUp: at + 12,
      PageDown: at - 12,
      Home: 0,
      End: last,
    };
    const wanted = steps[event.key];
    if (wanted === undefined) return;
    event.preventDefault();
    const to = Math.min(Math.max(wanted, 0), last);
    setMonth(to);
    point(to);
  };
  return (
    <div
      ref={element}
      className={classes.chart}
      tabIndex={0}
      role="slider"
      aria-label={`${title}, chart`}
      aria-valuemin={0}
      aria-valuemax={months.length - 1}
      aria-valuenow={at}
      aria-valuetext={[
        formatMonth(months[at] ?? ''),
        ...lines.flatMap(({ name, amounts }) => {
          const amount = amounts[at];
          return amount === undefined ? [] : `${lineOf(name).label} ${formatMoney(amount)}`;
        }),
      ].join(', ')}
      onKeyDown={onKeyDown}
      onFocus={(event) => event.currentTarget.matches(':focus-visible') && point(at)}
      onBlur={() => chart.current?.dispatchAction({ type: 'hideTip' })}
    />
  );
}

const fontFamily = theme.fontFamily ?? 'sans-serif';
const sayAmount = (amount: Decimal | undefined) => (amount === undefined ? 'none' : formatMoney(amount));

function optionOf({ months, lines, today, scheme }: Omit<Props, 'title'>): Option {
  const colour = colours[scheme];
  const [text, faint, rule] = [
    colour['--mantine-color-text'],
    colour['--mantine-color-dimmed'],
    colour['--v-line'],
  ];
  return {
    animation: false,
    textStyle: { fontFamily, fontSize: 12 },
    grid: {
      left: 18,
      right: 22,
      top: 26,
      bottom: 10,
      outerBoundsMode: 'same',
      outerBoundsContain: 'axisLabel',
    },
    xAxis: {
      type: 'category',
      data: months.map(formatShortMonth),
      boundaryGap: false,
      axisLine: { lineStyle: { color: rule } },
      axisTick: { show: false },
      axisLabel: { color: faint, hideOverlap: true, margin: 10 },
    },
    yAxis: {
      type: 'value',
      axisLabel: { color: faint, formatter: formatAxisDollars },
      splitLine: { lineStyle: { color: rule } },
    },
    tooltip: {
      trigger: 'axis',
      renderMode: 'richText',
      confine: true,
      transitionDuration: 0,
      backgroundColor: colour['--v-panel'],
      borderColor: rule,
      padding: [10, 12],
      textStyle: { color: text, fontSize: 12, fontFamily },
      axisPointer: { lineStyle: { color: faint, type: 'solid' } },
    },
    series: lines.map(({ name, amounts }, i): LineSeriesOption => {
      const { label, colour: variable, width, dash, hasMarks } = lineOf(name);
      return {
        type: 'line',
        name: label,
        // A float is precise enough for a position on the screen.
        data: amounts.map((amount) => (amount === undefined ? null : Number(amount))),
        color: colour[variable],
        lineStyle: { width, ...(dash ? { type: dash } : {}) },
        symbol: hasMarks ? 'circle' : 'none',
        symbolSize: 6,
        showAllSymbol: 'auto',
        emphasis: { disabled: true },
        // The tooltip shows the exact amount instead of the drawn float.
        tooltip: { valueFormatter: (_value, at) => sayAmount(amounts[at]) },
        ...(i === 0 && today >= 0
          ? {
              markLine: {
                silent: true,
                symbol: 'none',
                data: [{ xAxis: today }],
                lineStyle: { color: faint, type: 'solid', width: 1 },
                label: { formatter: 'This month', color: faint, position: 'end', distance: 4 },
              },
            }
          : {}),
      };
    }),
  };
}
