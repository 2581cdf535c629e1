/** docs/errors.md, out of the one table of codes. Written by `npm run codegen`. */
import { explanations, type Explanation } from '../src/codes.ts';
import { refusal, sqlstates, statuses } from '../src/sqlstates.ts';

/** The HTTP status of each code that a request can meet. */
export function statusesByCode(): ReadonlyMap<string, number> {
  return new Map([
    ...Object.entries(statuses),
    ...Object.values(sqlstates).map(({ code, status }) => [code, status] as const),
    [refusal(undefined).code, refusal(undefined).status],
  ]);
}

/** The states of PostgreSQL that become a code; two characters are a class. */
const statesOf = (code: string) =>
  Object.entries(sqlstates)
    .filter(([, entry]) => entry.code === code)
    .map(([state]) => (state.length === 2 ? `${state}\\*\\*\\*` : state))
    .join(', ');

const paragraph = ([code, { means, act }]: [string, Explanation]) =>
  `**\`${code}\`** — ${means}\n*What to do:* ${act}\n`;

/** The page, as it has to be. */
export function errorsPage(): string {
  const status = statusesByCode();
  const [ofApi = '', ...others] = Object.keys(explanations);
  const codes = Object.keys(explanations[ofApi] ?? {});
  const section = (name: string) =>
    [`## ${name}`, '', ...Object.entries(explanations[name] ?? {}).map(paragraph)].join('\n');
  return `<!-- Written by \`npm run codegen\` from src/sqlstates.ts and src/codes.ts. -->

# Errors

Every refusal has a stable code. In REST the body is \`{"error": {"code", "message", "details"?}}\` with the status below; in GraphQL
the code is \`errors[].extensions.code\`. Every answer has a header \`X-Request-Id\` (yours, if you sent one of letters, digits,
\`.\`, \`_\` and \`-\`), and the log has what happened under it. Messages may change, codes do not.

| Code | HTTP status | From SQLSTATE |
| --- | --- | --- |
${codes.map((code) => `| [\`${code}\`](#answers-of-the-api) | ${status.get(code) ?? ''} | ${statesOf(code)} |`).join('\n')}

${section(ofApi)}
${others.map(section).join('\n')}`;
}
