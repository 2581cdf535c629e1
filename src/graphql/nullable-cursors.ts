/**
 * A fault of @dataplan/pg 1.1.2, mended while it is loaded: in an order by a column that may be null, the page after a
 * cursor left out all records without a value (ascending), or had them again and again (descending). Where it asks which
 * side of the comparison is null it has the sides the wrong way round. To be imported before anything of PostGraphile;
 * test/api/paging.test.ts walks through lists with and without values.
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
        `${url} is another than the one that is known to be wrong about cursors of null. If it is right now, delete src/graphql/nullable-cursors.ts.`,
      );
    return { ...loaded, source: source.replace(wrong, right) };
  },
});
