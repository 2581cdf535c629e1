/** Generates the pages of docs/reference/ from the code; `npm run codegen` runs it. */
import type { Command, Option } from 'commander';
import { explanations, type Explanation } from '../src/codes.ts';
import { refusal, sqlstates, statuses } from '../src/sqlstates.ts';

/** HTTP status of each code that a request can cause. */
function statusesByCode(): ReadonlyMap<string, number> {
  return new Map([
    ...Object.entries(statuses),
    ...Object.values(sqlstates).map(({ code, status }) => [code, status] as const),
    [refusal(undefined).code, refusal(undefined).status],
  ]);
}

/** PostgreSQL states that become a code; two characters name a class of states. */
const statesOf = (code: string) =>
  Object.entries(sqlstates)
    .filter(([, entry]) => entry.code === code)
    .map(([state]) => (state.length === 2 ? `${state}\\*\\*\\*` : state))
    .join(', ');

const paragraph = ([code, { means, act }]: [string, Explanation]) =>
  `**\`${code}\`** — ${means}\n*What to do:* ${act}\n`;

/** Returns the expected page. */
function errorsPage(): string {
  const status = statusesByCode();
  const [ofApi = '', ...others] = Object.keys(explanations);
  const codes = Object.keys(explanations[ofApi] ?? {});
  const section = (name: string) =>
    [`## ${name}`, '', ...Object.entries(explanations[name] ?? {}).map(paragraph)].join('\n');
  return `<!-- Written by \`npm run codegen\` from src/sqlstates.ts and src/codes.ts. -->

# Errors

Every error has a stable code. In REST the body is \`{"error": {"code", "message", "details"?}}\` with the status below; in GraphQL
the code is \`errors[].extensions.code\`. Every response has the header \`X-Request-Id\`; the log has
the cause under this id. You may send an id of letters, digits, \`.\`, \`_\` and \`-\` yourself. Messages may change, but codes do not.

| Code | HTTP status | From SQLSTATE |
| --- | --- | --- |
${codes.map((code) => `| [\`${code}\`](#api-errors) | ${status.get(code) ?? ''} | ${statesOf(code)} |`).join('\n')}

${section(ofApi)}
${others.map(section).join('\n')}`;
}

/** Builds the tree of commands. Imports late, because commands need the generated queries. */
export const commandTree = async (): Promise<Command> =>
  (await import('../src/cli/program.ts')).createProgram();

/** Returns the runnable commands by their full name: "sync trigger", not "sync". */
export function namedCommands(parent: Command, prefix = ''): (readonly [string, Command])[] {
  return parent.commands.flatMap((command) => {
    const name = `${prefix}${command.name()}`;
    return command.commands.length > 0 ? namedCommands(command, `${name} `) : [[name, command] as const];
  });
}

/** Returns GitHub's anchor of a heading. */
export const anchor = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

const cell = (text: string) => text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
/** Markdown would treat placeholders such as <code> as HTML. */
const escaped = (text: string) => cell(text).replaceAll('<', '&lt;');
const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function optionRow(option: Option): string {
  const { description, argChoices: choices } = option;
  const byDefault = option.defaultValue as string | number | undefined;
  const facts = [
    option.mandatory ? 'required' : '',
    choices ? `one of ${choices.map((choice) => `\`${choice}\``).join(', ')}` : '',
    byDefault === undefined || byDefault === '' ? '' : `default: \`${byDefault}\``,
  ].filter(Boolean);
  return `| \`${cell(option.flags)}\` | ${escaped(description)}${facts.length > 0 ? ` (${facts.join('; ')})` : ''} |`;
}

function commandSection([name, command]: readonly [string, Command]): string {
  const options = command.options.filter((option) => !option.hidden);
  return [
    `### ${name}`,
    '',
    `    npx vanguard ${name} ${options.length > 0 ? command.usage() : command.usage().replace('[options]', '').trim()}`.trimEnd(),
    '',
    escaped(sentence(command.description())),
    '',
    ...(options.length > 0 ? ['| Option | |', '| --- | --- |', ...options.map(optionRow), ''] : []),
  ].join('\n');
}

/** Returns docs/reference/commands.md. */
function commandsPage(program: Command): string {
  const all = namedCommands(program);
  const groups = Map.groupBy(all, ([name]) => (name.includes(' ') ? name.split(' ')[0]! : ''));
  const title = (group: string) => (group === '' ? 'Processes and database' : sentence(group).slice(0, -1));
  return `<!-- Written by \`npm run codegen\` from src/cli/. -->

# Commands

\`npx vanguard COMMAND --help\` prints the same text. A failed command prints a code, a message and a hint, and exits with 1.
[Errors](errors.md) lists the codes. Commands read the settings of [Configuration](configuration.md).

| Command | Effect |
| --- | --- |
${all.map(([name, command]) => `| [\`${name}\`](#${anchor(name)}) | ${escaped(command.description())} |`).join('\n')}

${[...groups].map(([group, commands]) => [`## ${title(group)}`, '', ...commands.map(commandSection)].join('\n')).join('\n')}`;
}

/** Returns the generated pages, by path relative to the project. */
export async function generatedPages(): Promise<Map<string, string>> {
  return new Map([
    ['docs/reference/errors.md', errorsPage()],
    ['docs/reference/commands.md', commandsPage(await commandTree())],
  ]);
}
