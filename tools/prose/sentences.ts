/**
 * Finds the prose of the sources: comments, SQL comments, documentation, messages, interface texts and test titles.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { projectFolder } from '../../src/configuration.ts';

export const sentenceKinds = [
  'comment',
  'SQL comment',
  'documentation',
  'message',
  'interface',
  'test title',
] as const;
export type SentenceKind = (typeof sentenceKinds)[number];

/** A sentence, or a separate phrase such as a label. It keeps code in backquotes. */
export interface Sentence {
  file: string;
  /** First line of its paragraph, counted from 1. */
  line: number;
  kind: SentenceKind;
  text: string;
}

type Paragraph = Omit<Sentence, 'file'>;

/** Files without prose of the product, or with prose that cannot change. */
const ignored =
  /^(migrations\/committed|tools\/prose\/rules\.ts|docs\/database|docs\/reference\/(?:commands|errors|plans)\.md|web\/src\/api\/generated|schema\.graphql|CHANGELOG\.md)|\.queries\.ts$/;

/** Returns every file of the project that may contain prose. */
export function proseFiles(): string[] {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: projectFolder,
    encoding: 'utf8',
  });
  return files.split('\n').filter((file) => /\.(tsx?|sql|md)$/.test(file) && !ignored.test(file));
}

export const readSentences = (file: string): Sentence[] =>
  sentencesOf(file, readFileSync(join(projectFolder, file), 'utf8'));

/** Returns the sentences of a file, depending on its extension. */
export function sentencesOf(file: string, text: string): Sentence[] {
  const paragraphs = file.endsWith('.md')
    ? documentParagraphs(text)
    : file.endsWith('.sql')
      ? sqlParagraphs(text)
      : scriptParagraphs(file, text);
  return paragraphs.flatMap(({ text: paragraph, ...rest }) =>
    split(paragraph).map((sentence) => ({ file, ...rest, text: sentence })),
  );
}

/** Splits a paragraph into sentences. */
function split(paragraph: string): string[] {
  const text = paragraph.replace(/\s+/g, ' ').trim();
  return text
    .split(/(?<=[.!?]["'`)]?)\s+(?=["'(]?[A-Z]|`|\d)(?<!\b(?:e\.g|i\.e|etc|vs|No)\.\s)/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => /\p{L}{2}.*\s.*\p{L}{2}/u.test(sentence));
}

function documentParagraphs(text: string): Paragraph[] {
  const found: Paragraph[] = [];
  let lines: string[] = [];
  let begin = 0;
  let isCode = false;
  const end = () => {
    if (lines.length > 0) found.push({ line: begin, kind: 'documentation', text: lines.join(' ') });
    lines = [];
  };
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(```|~~~)/.test(line)) isCode = !isCode;
    const isPlain =
      !isCode && !/^\s*(```|~~~)/.test(line) && !/^( {4,}|\t)\S/.test(line) && !/^\s*<!--/.test(line);
    if (!isPlain || line.trim() === '' || /^\s*(#|[-*]\s|\d+\.\s|\|)/.test(line)) end();
    if (!isPlain || line.trim() === '' || /^\s*\|[\s:|-]+\|$/.test(line)) continue;
    const content = line.replace(/^\s*(#+|[-*]|\d+\.)\s+/, '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    if (/^\s*\|/.test(line)) {
      for (const cell of content.split(/(?<!\\)\|/))
        if (cell.trim() !== '') found.push({ line: index + 1, kind: 'documentation', text: cell });
      continue;
    }
    if (lines.length === 0) begin = index + 1;
    lines.push(content);
  }
  end();
  return found;
}

/** True for prose; false for a name, a query or a class. */
const isProse = (text: string): boolean =>
  /\p{L}+[ '’,:]+\p{L}+/u.test(text) &&
  !/^\s*(select|insert|update|delete|with|create|alter|drop|grant|revoke|begin|set|call|query|mutation|subscription|fragment|truncate|analyze|refresh|listen|notify)\b/i.test(
    text,
  ) &&
  !/[{}<>\\=]|::|\(\)|--|\$\d/.test(text);

function sqlParagraphs(text: string): Paragraph[] {
  const found: Paragraph[] = [];
  const lineOf = (at: number) => text.slice(0, at).split('\n').length;
  for (const match of text.matchAll(/(?:^[ \t]*--(?!!)[^\n]*\n?)+|--(?!!)[^\n]*/gm))
    found.push({
      line: lineOf(match.index),
      kind: 'SQL comment',
      text: match[0].replace(/^[ \t]*--[ \t]?/gm, ''),
    });
  const code = text.replace(/--[^\n]*/g, (comment) => ' '.repeat(comment.length));
  for (const match of code.matchAll(/'(?:[^']|'')*'(?:\s*\n\s*'(?:[^']|'')*')*/g)) {
    const content = match[0]
      .replace(/'\s*\n\s*'/g, '')
      .slice(1, -1)
      .replaceAll("''", "'");
    const isComment = /\bcomment on [^;]*?\bis\s*$/.test(
      code.slice(Math.max(0, match.index - 300), match.index),
    );
    if (isComment || isProse(content))
      found.push({ line: lineOf(match.index), kind: isComment ? 'SQL comment' : 'message', text: content });
  }
  return found;
}

function scriptParagraphs(file: string, text: string): Paragraph[] {
  const found: Paragraph[] = [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const lineOf = (at: number) => source.getLineAndCharacterOfPosition(at).line + 1;
  const seen = new Set<number>();
  const comments: ts.CommentRange[] = [];
  const collect = (ranges: ts.CommentRange[] | undefined) => {
    for (const range of ranges ?? [])
      if (!seen.has(range.pos)) {
        seen.add(range.pos);
        comments.push(range);
      }
  };
  const isTest = file.startsWith('test/');
  const literalKind = (node: ts.Node): SentenceKind | undefined => {
    const { parent } = node;
    if (ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent) || ts.isLiteralTypeNode(parent))
      return undefined;
    if (isTest) {
      const call =
        ts.isCallExpression(parent) && parent.arguments[0] === node ? parent.expression.getText(source) : '';
      return /^(test|describe|it)\b/.test(call) || /^(test|describe|it)\./.test(call)
        ? 'test title'
        : undefined;
    }
    return file.startsWith('web/') ? 'interface' : 'message';
  };
  const visit = (node: ts.Node) => {
    collect(ts.getLeadingCommentRanges(text, node.pos));
    collect(ts.getTrailingCommentRanges(text, node.end));
    const content = ts.isJsxText(node)
      ? node.text
      : ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)
        ? node.text
        : ts.isTemplateExpression(node)
          ? node.head.text + node.templateSpans.map((span) => `…${span.literal.text}`).join('')
          : undefined;
    if (content !== undefined) {
      const kind = ts.isJsxText(node) ? 'interface' : literalKind(node);
      if (kind && (kind === 'test title' ? /\s/.test(content) : isProse(content)))
        found.push({ line: lineOf(node.getStart(source)), kind, text: content });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  collect(ts.getLeadingCommentRanges(text, source.endOfFileToken.pos));

  comments.sort((a, b) => a.pos - b.pos);
  let block: { line: number; end: number; lines: string[] } | undefined;
  const endBlock = () => {
    if (block) found.push({ line: block.line, kind: 'comment', text: block.lines.join(' ') });
    block = undefined;
  };
  for (const { pos, end, kind } of comments) {
    const content = text.slice(pos, end);
    if (/^(\/\/|\/\*)\s*(@ts-|eslint-|prettier-|v8 |c8 |istanbul)/.test(content)) continue;
    if (kind === ts.SyntaxKind.SingleLineCommentTrivia) {
      const line = lineOf(pos);
      if (block?.end !== line - 1) endBlock();
      block ??= { line, end: line, lines: [] };
      block.end = line;
      block.lines.push(content.replace(/^\/\/+\s?/, ''));
      continue;
    }
    endBlock();
    const body = content
      .replace(/^\/\*+/, '')
      .replace(/\*\/$/, '')
      .replace(/^\s*\* ?/gm, '');
    for (const part of body.split(/\n\s*\n|\n(?=\s*(?:@|- ))/))
      if (part.trim() !== '')
        found.push({
          line: lineOf(pos),
          kind: 'comment',
          text: part.replace(
            /^\s*@(?:param|returns?|throws|example|template)\s*(?:\{[^}]*\})?\s*(?:\[?[\w.]+\]?)?/,
            '',
          ),
        });
  }
  endBlock();
  return found;
}
