/**
 * Fixes a bug of @dataplan/pg 1.1.2 while the module loads. With an order by a nullable column, the page after a cursor
 * left out all records without a value (ascending) or repeated them (descending). The library swaps the two sides where
 * it tests which one is null. Import this file before PostGraphile; test/api/paging.test.ts pages through lists with
 * and without values.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const file = '/@dataplan/pg/dist/steps/pgSelect.js';
const wrong = `(nullsFirst && beforeOrAfter === "after") ||
                (!nullsFirst && beforeOrAfter === "before")`;
const right = `(!nullsFirst && beforeOrAfter === "after") ||
                (nullsFirst && beforeOrAfter === "before")`;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(file)) return loaded;
    const source = readFileSync(fileURLToPath(url), 'utf8');
    if (source.split(wrong).length !== 2)
      throw new Error(
        `${url} is not the known faulty version of nullable cursors. If its cursors are right now, delete src/graphql/nullable-cursors.ts.`,
      );
    return { ...loaded, source: source.replace(wrong, right) };
  },
});
