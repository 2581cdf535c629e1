/**
 * Applies the faults `duplicate`, `foreign-row`, `vanish`, `page-count`, `reshape` and `malformed: value` to a page of
 * the grid.
 */
import { malformedForms, type Fault, type Faults, type RequestInfo } from './faults.ts';
import { at, fieldOf, fields } from './fields.ts';
import { generateRow } from './generate.ts';
import { type Page, type PageRow, type Reshaped } from './griddata.ts';
import type { Store } from './store.ts';
import { Display } from './values.ts';

/** Reshapes a response with the columns alone in the same way as pages. */
export function spoilHeader(page: Page, faults: Faults, info: RequestInfo, usual: Display): void {
  const fault = faults.reshapedHeader(info);
  if (fault) page.reshaped = reshapedBy(fault, usual);
}

type Reshape = Extract<Fault, { kind: 'reshape' }>;

function reshapedBy({ lost, renamed, blank, dates, ids, comma }: Reshape, usual: Display): Reshaped {
  const display = dates === undefined ? usual : new Display(dates, usual.look);
  return {
    name: ({ alias }) => (lost.includes(alias) ? undefined : (renamed[alias] ?? alias)),
    text: (field, value) => {
      if (blank.includes(field.alias)) return '';
      const text = display.text(field, value);
      if (field.alias === 'pfs_id' && ids !== undefined)
        return ids === 'lower' ? text.toLowerCase() : `${text} `;
      if (comma && field.kind === 'number')
        return text.replaceAll(/[.,]/g, (sign) => (sign === '.' ? ',' : '.'));
      return text;
    },
  };
}

/**
 * Applies the faults that hit to the page, in place. Inserts rows within the page, so that paging continues correctly.
 */
export function spoilPage(page: Page, faults: Faults, info: RequestInfo, store: Store, usual: Display): void {
  const pick = (from: number): number => Math.floor(faults.random() * from);
  const some = (): number => pick(page.rows.length);
  const place = (id: string | undefined): number =>
    id === undefined ? some() : page.rows.findIndex(({ record }) => record.row[at.pfs_id] === id);
  const holds = (id: string | undefined): boolean => page.rows.length > 0 && place(id) >= 0;

  const duplicate = faults.hit('duplicate', info, ({ id }) => holds(id));
  if (duplicate) {
    const index = place(duplicate.id);
    page.rows.splice(index, 0, page.rows[index] as PageRow);
    page.records++;
  }
  const foreign = faults.hit('foreign-row', info, () => page.rows.length > 0);
  if (foreign) {
    const index = some();
    const neighbour = page.rows[index] as PageRow;
    const own = neighbour.record.row[at.pfs_a_org];
    const code = foreign.organization ?? [...store.organizations.keys()].find((other) => other !== own);
    const organization = code === undefined ? undefined : store.organizations.get(code);
    if (organization) {
      const row = generateRow(organization.profile, 0);
      if (foreign.sameId) row[at.pfs_id] = neighbour.record.row[at.pfs_id] ?? null;
      page.rows.splice(index, 0, { record: { row, recordid: 1 } });
      page.records++;
    }
  }
  const vanish = faults.hit('vanish', info, ({ id }) => holds(id));
  if (vanish) {
    for (let n = 0; n < (vanish.id === undefined ? vanish.rows : 1) && page.rows.length > 0; n++) {
      // Keeps the last row in place if possible, because the next page begins after it.
      const index =
        vanish.id === undefined
          ? Math.floor(faults.random() * Math.max(1, page.rows.length - 1))
          : place(vanish.id);
      page.rows.splice(index, 1);
      page.records--;
    }
  }
  const count = faults.hit('page-count', info);
  if (count?.says === 'end') page.more = false;
  if (count?.says === 'more') page.more = true;
  if (count?.says === 'records') page.records++;

  const reshape = faults.hit('reshape', info);
  if (reshape) page.reshaped = reshapedBy(reshape, usual);

  const malformed = faults.hit('malformed', info, ({ what, id }) => what === 'value' && holds(id));
  if (malformed) {
    const index = place(malformed.id);
    const forms = malformedForms[malformed.of];
    // Only in fields where users can enter such values.
    const suitable = fields.filter(({ kind, access }) => kind === malformed.of && access === 'editable');
    const field = malformed.field === undefined ? suitable[pick(suitable.length)] : fieldOf(malformed.field);
    const text = malformed.text ?? forms[pick(forms.length)] ?? '';
    page.rows[index] = { ...(page.rows[index] as PageRow), garbled: { index: field?.index ?? 0, text } };
  }
}
