import type { Finding, Inspection, PemsConnection } from '../pems/index.ts';

/** Report of `connection test`: the connection, and the findings about it. */
export interface ConnectionReport extends Inspection {
  url: string;
  grid: string;
  screenName: string;
  /** The login that sends requests. PEMS has no request that returns it. */
  signedIn: {
    user: string | null;
    by: 'password' | 'API key' | 'token';
    tenant: string;
    /** The organization of the login; `null` if requests carry the organization of the records. */
    organization: string | null;
  };
  /** Duration of the request for the page. */
  milliseconds: number;
}

/** Returns the settings of a connection for the report. */
export function describeConnection({
  baseUrl,
  tenant,
  loginOrganization,
  authorization,
  grid,
  screen,
}: PemsConnection): Pick<ConnectionReport, 'url' | 'grid' | 'screenName' | 'signedIn'> {
  const by = { basic: 'password', apiKey: 'API key', none: 'token' } as const;
  return {
    url: baseUrl,
    grid: `${grid.name} (${grid.id})`,
    screenName: screen?.name ?? '',
    signedIn: {
      user: authorization.type === 'basic' ? authorization.username : null,
      by: by[authorization.type],
      tenant,
      organization: loginOrganization ?? null,
    },
  };
}

const longestSample = 40;
const shortened = (text: string): string =>
  text.length > longestSample ? `${text.slice(0, longestSample)}…` : text;
const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** Returns the report as text for users. */
export function reportText(report: ConnectionReport): string {
  const { signedIn, columns, rows, organization, otherOrganizations } = report;
  const others = Object.entries(otherOrganizations).map(([code, count]) => `${code} (${count})`);
  const mapped = columns.filter(({ keys }) => keys.length > 0);
  const unmapped = columns.filter(({ keys }) => keys.length === 0);
  return [
    `${report.url} answered in ${Math.round(report.milliseconds)} ms with ${counted(rows, 'row')}.`,
    `Signed in as ${signedIn.user ?? 'the owner'} by ${signedIn.by}, tenant ${signedIn.tenant}, login organization ${signedIn.organization ?? organization}.`,
    `Grid ${report.grid}, organization ${organization}.`,
    ...(others.length > 0 ? [`Rows of other organizations, which are left out: ${others.join(', ')}.`] : []),
    '',
    ...table(`Mapped columns (${mapped.length})`, mapped),
    ...table(`Columns without a mapping (${unmapped.length})`, unmapped),
    ...(report.missing.length > 0
      ? [
          'Keys without a column',
          ...report.missing.map(({ key, aliases }) => `  ${key}: ${aliases.join(', else ')}`),
          '',
        ]
      : []),
    `Dates: ${notations(report.dates)}. ${orderText(report)}`,
    `Numbers: ${notations(report.numbers)}.`,
    `Flags: ${spellings(report.flags)}.`,
    ...report.choices.map(({ key, spellings: found }) => `Choices of ${key}: ${spellings(found)}.`),
    screenText(report),
    '',
    ...findingsText(report.findings),
  ].join('\n');
}

function table(title: string, columns: Inspection['columns']): string[] {
  if (columns.length === 0) return [];
  const width = Math.max(...columns.map(({ alias }) => alias.length));
  const keyWidth = Math.max(...columns.map(({ keys }) => keys.join(', ').length));
  return [
    title,
    ...columns.map(({ alias, keys, kind, filled, samples }) =>
      [
        `  ${alias.padEnd(width)}`,
        keys.join(', ').padEnd(keyWidth),
        kind.padEnd('number'.length),
        String(filled).padStart(4),
        samples.map((sample) => shortened(sample.replaceAll(/\s+/g, ' '))).join(' | '),
      ]
        .join('  ')
        .trimEnd(),
    ),
    '',
  ];
}

const notations = (found: Inspection['dates']): string =>
  found.length === 0
    ? 'none'
    : found
        .map(({ notation, count, example }) => `${notation} (${count}, e.g. ${shortened(example)})`)
        .join('; ');

const spellings = (found: Inspection['dates']): string =>
  found.length === 0
    ? 'none'
    : found.map(({ notation, count }) => `${shortened(notation)} (${count})`).join(', ');

function orderText({ dateOrder: { found, connection } }: Inspection): string {
  switch (found) {
    case 'none':
      return 'No date consists of numbers only.';
    case 'undecided':
      return `The order of day and month is not proved; the connection says ${connection}.`;
    case 'both':
      return 'Day and month come in both orders.';
    case 'MDY':
    case 'DMY':
      return `Order ${found}; the connection says ${connection}.`;
  }
}

function screenText({ screen, screenName }: ConnectionReport): string {
  if (screen === undefined) return `Screen ${screenName}: not asked, because there is no record to ask for.`;
  if (!screen.answers) return `Screen ${screenName}: does not show ${screen.id}.`;
  const by = screen.updatedBy === null ? '' : `, last changed by ${screen.updatedBy}`;
  return `Screen ${screenName}: answers for ${screen.id}${by}. ${counted(screen.equal.length, 'key')} as in the grid, ${screen.different.length} different.`;
}

function findingsText(findings: readonly Finding[]): string[] {
  if (findings.length === 0) return ['Nothing has to be changed.'];
  return findings.flatMap(({ level, code, message, next }) => [
    `${level} ${code}: ${message}`,
    `  Next: ${next}`,
  ]);
}
