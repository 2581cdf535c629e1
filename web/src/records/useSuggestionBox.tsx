import { useId, useState, type KeyboardEvent, type ReactNode, type RefObject } from 'react';
import { SuggestionList } from './SuggestionList.tsx';
import { useReferenceList, useSuggestions, type Suggestion, type SuggestionContext } from './suggestions.ts';

interface Options {
  /** The field of the record. */
  field: string;
  label: string;
  /** Current text of the input. */
  text: string;
  /** Text of the input before the user typed. */
  begun: string;
  context: SuggestionContext;
  input: RefObject<HTMLInputElement | null>;
  /** False hides the list, for example without focus. */
  isActive?: boolean;
  /** Called when the user chooses an entry with the pointer. */
  onPick: (code: string) => void;
}

interface SuggestionBox {
  /** Props that make the input a combobox. Empty if the field has no list. */
  props: Record<string, string | boolean | undefined>;
  isOpen: boolean;
  open: () => void;
  close: () => void;
  /** Moves through the list; returns true if it handled the key. */
  onArrow: (event: KeyboardEvent) => boolean;
  /** The entry that the arrow keys reached. */
  chosen: string | undefined;
  /** Returns a text in the spelling of the list, if only the case differs. */
  asListed: (text: string) => string;
  list: ReactNode;
}

/** Suggestions of PEMS for an input: a combobox that also accepts other values. */
export function useSuggestionBox(options: Options): SuggestionBox {
  const { field, label, text, begun, context, input, isActive = true, onPick } = options;
  const id = useId();
  const known = useReferenceList(field);
  const [isOpen, setIsOpen] = useState(true);
  /**
   * The entry that the arrow keys reached, with the text of that moment. An entry instead of an index, because the list
   * may change meanwhile.
   */
  const [reached, setReached] = useState<{ text: string; entry: Suggestion | undefined }>();
  const isShown = known !== undefined && isOpen && isActive;
  // Shows the whole list until the user types, not only entries similar to the value.
  const search = text === begun ? '' : text.trim();
  const { entries, isError, isPending, isSettled } = useSuggestions(field, search, context, isShown);
  const isReached = ({ code, parent }: Suggestion) =>
    reached?.text === text && reached.entry?.code === code && reached.entry.parent === parent;
  const active = entries.findIndex(isReached);

  return {
    props: known
      ? {
          role: 'combobox',
          'aria-autocomplete': 'list',
          'aria-expanded': isShown,
          'aria-controls': isShown ? id : undefined,
          'aria-activedescendant': isShown && active >= 0 ? `${id}-${active}` : undefined,
        }
      : {},
    isOpen: isShown,
    open: () => setIsOpen(true),
    close: () => setIsOpen(false),
    onArrow: ({ key, altKey, ctrlKey, metaKey }) => {
      if (!known || ctrlKey || metaKey || (key !== 'ArrowDown' && key !== 'ArrowUp')) return false;
      if (!isOpen || altKey) setIsOpen(key === 'ArrowDown');
      else {
        const next = key === 'ArrowDown' ? Math.min(active + 1, entries.length - 1) : active - 1;
        setReached({ text, entry: entries[next] });
      }
      return true;
    },
    chosen: isShown ? entries[active]?.code : undefined,
    asListed: (written) => {
      const wanted = written.trim().toLowerCase();
      return entries.find(({ code }) => code.toLowerCase() === wanted)?.code ?? written;
    },
    list: isShown && (
      <SuggestionList
        id={id}
        label={`${label} in PEMS`}
        anchor={input}
        entries={entries}
        active={active}
        current={begun}
        state={
          entries.length > 0 ? 'ready' : isError ? 'failed' : isPending || !isSettled ? 'loading' : 'ready'
        }
        isFree={known.checkMode !== 'refuse'}
        onPick={({ code }: Suggestion) => onPick(code)}
      />
    ),
  };
}
