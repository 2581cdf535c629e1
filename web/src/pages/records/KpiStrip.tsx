import { Skeleton } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { explain } from '../../components/explain.ts';
import type { PfaSelectionInput } from '../../api/generated/graphql.ts';
import { query } from '../../api/graphql.ts';
import { Variance } from '../../components/Variance.tsx';
import { formatCount, formatDifference, formatDollars, formatMoney } from '../../format/numbers.ts';
import { sumsDocument } from './documents.ts';
import classes from './Records.module.css';

const kinds = [
  ['planCost', 'Plan'],
  ['forecastCost', 'Forecast'],
  ['actualCost', 'Actual'],
] as const;

/** Costs of the listed records, including drafts and in PEMS. */
export function KpiStrip({
  organizationId,
  selection,
}: {
  organizationId: number;
  selection: PfaSelectionInput;
}) {
  const { data, error, isPlaceholderData } = useQuery({
    ...query(sumsDocument, { organizationId, selection }),
    placeholderData: keepPreviousData,
  });
  const seen = data?.organization?.seen.nodes[0];
  const mirror = data?.organization?.mirror.nodes[0];
  if (error && !data)
    return (
      <p className={classes.note} role="alert">
        The costs couldn’t be loaded: {explain(error)}
      </p>
    );
  return (
    <div className={classes.costs}>
      <dl
        className={classes.kpis}
        aria-label="Costs of listed records"
        aria-busy={isPlaceholderData || !seen}
      >
        {kinds.map(([key, label]) => (
          <div key={key} data-kpi={key}>
            <dt>{label}</dt>
            {seen ? (
              <dd className="figures" title={formatMoney(seen[key])}>
                {formatDollars(seen[key])}
                {mirror && seen[key] !== mirror[key] && (
                  <span className={classes.pems}>PEMS {formatDollars(mirror[key])}</span>
                )}
              </dd>
            ) : (
              <dd>
                <Skeleton width={110} height={16} />
              </dd>
            )}
          </div>
        ))}
        <div data-kpi="variance">
          <dt>Variance</dt>
          {seen ? (
            <dd title={formatDifference(seen.variance)}>
              <Variance value={seen.variance} plan={seen.planCost} />
            </dd>
          ) : (
            <dd>
              <Skeleton width={110} height={16} />
            </dd>
          )}
        </div>
        <div data-kpi="recordCount">
          <dt>Counted</dt>
          <dd className="figures">
            {seen ? formatCount(seen.recordCount ?? '0') : <Skeleton width={60} height={16} />}
          </dd>
        </div>
      </dl>
    </div>
  );
}
