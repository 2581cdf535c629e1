import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react';
import { createPortal } from 'react-dom';
import { formatCount } from '../format/numbers.ts';
import type { Suggestion } from './suggestions.ts';
import classes from './SuggestionList.module.css';

interface Props {
  id: string;
  label: string;
  /** The input that the list belongs to. */
  anchor: RefObject<HTMLElement | null>;
  entries: readonly Suggestion[];
  /** The entry that the arrow keys reached; -1: none. */
  active: number;
  /** The current value of the record. */
  current: string;
  state: 'loading' | 'failed' | 'ready';
  /** Whether the user may enter a value outside of the list. */
  isFree: boolean;
  onPick: (entry: Suggestion) => void;
}

const gap = 3;
const narrowest = 260;
const widest = 420;
const highest = 300;

interface Place {
  left: number;
  width: number;
  maxHeight: number;
  top?: number;
  bottom?: number;
}

/** Origin of `position: fixed`: the window, or an element with a transform, such as a dialog. */
function originIn(layer: Element): DOMRect {
  const probe = document.createElement('div');
  probe.style.position = 'fixed';
  probe.style.inset = '0';
  probe.style.visibility = 'hidden';
  layer.append(probe);
  const origin = probe.getBoundingClientRect();
  probe.remove();
  return origin;
}

/** Returns the place of the list: below the input, or above it if there is more room. */
function placeAt(anchor: HTMLElement, layer: Element): Place {
  const { left, top, bottom, width } = anchor.getBoundingClientRect();
  const origin = originIn(layer);
  // The part of the window that an on-screen keyboard leaves visible, and the part of a dialog within it.
  const view = window.visualViewport;
  const viewTop = Math.max(view?.offsetTop ?? 0, origin.top);
  const viewBottom = Math.min((view?.offsetTop ?? 0) + (view?.height ?? window.innerHeight), origin.bottom);
  const [viewLeft, viewRight] = [Math.max(origin.left, 0) + 8, origin.right - 8];
  const wide = Math.min(Math.max(width, narrowest), widest, viewRight - viewLeft);
  const below = viewBottom - bottom - 2 * gap;
  const above = top - viewTop - 2 * gap;
  const isBelow = below >= Math.min(highest, 180) || below >= above;
  return {
    left: Math.max(viewLeft, Math.min(left, viewRight - wide)) - origin.left,
    width: wide,
    maxHeight: Math.max(88, Math.min(highest, isBelow ? below : above)),
    ...(isBelow ? { top: bottom + gap - origin.top } : { bottom: origin.bottom - top + gap }),
  };
}

/** Matching values of PEMS, shown above the page, so that nothing moves when they appear. */
export function SuggestionList(props: Props) {
  const { id, label, anchor, entries, active, current, state, isFree, onPick } = props;
  const [placed, setPlaced] = useState<{ place: Place; layer: Element }>();
  const list = useRef<HTMLUListElement>(null);

  useLayoutEffect(() => {
    const input = anchor.current;
    if (!input) return;
    // Inside the dialog, which blocks scrolling outside of it, or inside a landmark, as all content of a page must be.
    const layer = input.closest('[role="dialog"], main') ?? document.body;
    const follow = () => setPlaced({ place: placeAt(input, layer), layer });
    follow();
    window.addEventListener('scroll', follow, true);
    window.addEventListener('resize', follow);
    window.visualViewport?.addEventListener('resize', follow);
    return () => {
      window.removeEventListener('scroll', follow, true);
      window.removeEventListener('resize', follow);
      window.visualViewport?.removeEventListener('resize', follow);
    };
  }, [anchor]);

  useEffect(() => {
    list.current?.querySelector('[data-active]')?.scrollIntoView({ block: 'nearest' });
  }, [active]);

  if (!placed) return null;
  const words =
    state === 'loading'
      ? 'Loading the list of PEMS …'
      : state === 'failed'
        ? `The list of PEMS can’t be loaded.${isFree ? ' You can still enter a value.' : ''}`
        : entries.length > 0
          ? undefined
          : `PEMS lists nothing like this.${isFree ? ' You can still enter it.' : ' Another value is refused.'}`;
  // Events of the list must not bubble in React to the cell or dialog that contains it.
  const alone = {
    onClick: (event: { stopPropagation: () => void }) => event.stopPropagation(),
    onPointerDown: (event: { stopPropagation: () => void }) => event.stopPropagation(),
    onPointerMove: (event: { stopPropagation: () => void }) => event.stopPropagation(),
    // The input keeps the focus.
    onMouseDown: (event: { preventDefault: () => void; stopPropagation: () => void }) => {
      event.preventDefault();
      event.stopPropagation();
    },
  };
  return createPortal(
    <div
      className={classes.list}
      style={placed.place}
      // Without entries it only informs, and must not block the buttons below it.
      data-empty={entries.length === 0 || undefined}
      {...alone}
    >
      <div role="status" className={words === undefined ? 'visually-hidden' : classes.words}>
        {words ?? `${formatCount(entries.length)}${entries.length === 50 ? ' or more' : ''} suggestions`}
      </div>
      <ul ref={list} id={id} role="listbox" aria-label={label} className={classes.entries}>
        {entries.map((entry, index) => (
          <li
            key={`${entry.code}\n${entry.parent}`}
            id={`${id}-${index}`}
            role="option"
            aria-selected={entry.code === current}
            data-active={index === active || undefined}
            className={classes.entry}
            onClick={() => onPick(entry)}
          >
            <span className={classes.code}>{entry.code}</span>
            <Description {...entry} />
          </li>
        ))}
      </ul>
    </div>,
    placed.layer,
  );
}

/** The description in PEMS if it says more than the code, else the parent. */
function Description({ code, description, parent }: Suggestion) {
  const text = description.toLowerCase() === code.toLowerCase() ? parent : description || parent;
  return text === '' ? null : <span className={classes.description}>{text}</span>;
}
