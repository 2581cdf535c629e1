import type { ReactNode, SVGProps } from 'react';

// Icons on a grid of 20 pixels, in the colour of the surrounding text. They are hidden from screen readers, because
// words beside them carry the meaning.

function icon(name: string, drawing: ReactNode) {
  const Icon = ({ size = 18, ...props }: { size?: number } & SVGProps<SVGSVGElement>) => (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.6}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
      focusable={false}
      {...props}
    >
      {drawing}
    </svg>
  );
  Icon.displayName = name;
  return Icon;
}

export type Icon = ReturnType<typeof icon>;

export const BoardIcon = icon('BoardIcon', <path d="M3.5 16.5V9M8 16.5v-13M12.5 16.5V7M17 16.5v-5" />);
export const RecordsIcon = icon('RecordsIcon', <path d="M3 4.5h14v11H3zM3 8.2h14M3 11.9h14M8 8.2v7.3" />);
export const ReviewIcon = icon(
  'ReviewIcon',
  <path d="M7 3.5h6v2.6H7zM7 4.8H4.5v11.7h11V4.8H13M7.2 11.2l2 2 3.6-3.8" />,
);
const triangle = <path d="M10 3.2l7.3 13H2.7zM10 8.2v3.6M10 14.1v.1" />;
export const ProblemsIcon = icon('ProblemsIcon', triangle);
export const HistoryIcon = icon(
  'HistoryIcon',
  <path d="M3.4 10a6.6 6.6 0 1 0 2-4.7L3.4 7.2M3.4 3.6v3.6H7M10 6.4V10l2.6 1.6" />,
);
export const SyncIcon = icon(
  'SyncIcon',
  <path d="M16.3 8.4A6.6 6.6 0 0 0 4.6 6.2L3.4 7.6M3.4 3.9v3.7h3.7M3.7 11.6a6.6 6.6 0 0 0 11.7 2.2l1.2-1.4M16.6 16.1v-3.7h-3.7" />,
);
export const WarningIcon = icon('WarningIcon', triangle);
export const CheckIcon = icon('CheckIcon', <path d="M4 10.6l3.8 3.8L16 6" />);
export const SelectorIcon = icon('SelectorIcon', <path d="M6.5 7.5L10 4l3.5 3.5M6.5 12.5L10 16l3.5-3.5" />);
export const SearchIcon = icon(
  'SearchIcon',
  <path d="M9 3.8a5.2 5.2 0 1 0 0 10.4A5.2 5.2 0 0 0 9 3.8M12.8 12.8l3.7 3.7" />,
);
export const SunIcon = icon(
  'SunIcon',
  <path d="M10 6.7a3.3 3.3 0 1 0 0 6.6 3.3 3.3 0 0 0 0-6.6M10 2v1.6M10 16.4V18M2 10h1.6M16.4 10H18M4.3 4.3l1.2 1.2M14.5 14.5l1.2 1.2M15.7 4.3l-1.2 1.2M5.5 14.5l-1.2 1.2" />,
);
export const MoonIcon = icon(
  'MoonIcon',
  <path d="M16.4 11.9A6.8 6.8 0 0 1 8.1 3.6a6.8 6.8 0 1 0 8.3 8.3z" />,
);
export const SystemIcon = icon('SystemIcon', <path d="M3 4h14v9.5H3zM7 16.5h6M10 13.5v3" />);
export const PersonIcon = icon(
  'PersonIcon',
  <path d="M10 3.4a3.1 3.1 0 1 0 0 6.2 3.1 3.1 0 0 0 0-6.2M3.8 16.6c.6-3 3-4.6 6.2-4.6s5.600 1.600 6.200 4.600" />,
);
export const HelpIcon = icon(
  'HelpIcon',
  <path d="M10 2.900a7.100 7.100 0 1 0 0 14.200 7.100 7.100 0 0 0 0-14.200M7.900 7.900a2.100 2.100 0 1 1 3 2c-.700.300-.900.700-.900 1.400M10 14.100v.1" />,
);
export const SignOutIcon = icon(
  'SignOutIcon',
  <path d="M8 3.500H4v13h4M8.500 10H17M13.800 6.800L17 10l-3.200 3.200" />,
);
export const KeyIcon = icon(
  'KeyIcon',
  <path d="M6.800 9.400a3.700 3.700 0 1 0 0 7.400 3.700 3.700 0 0 0 0-7.400M9.500 10.500L16.500 3.500M13.500 6.500l2.300 2.300" />,
);
export const OverIcon = icon('OverIcon', <path d="M10 16V4.500M5 9.300l5-5 5 5" />);
export const UnderIcon = icon('UnderIcon', <path d="M10 4v11.500M5 10.700l5 5 5-5" />);
export const EvenIcon = icon('EvenIcon', <path d="M4 8h12M4 12h12" />);
export const DraftIcon = icon(
  'DraftIcon',
  <path d="M4 16l.8-3.400 8.400-8.400 2.600 2.600-8.400 8.400zM11.600 5.800l2.600 2.600" />,
);
export const PendingIcon = icon(
  'PendingIcon',
  <path d="M6 3.500h8M6 16.500h8M7 3.500c0 4 6 5 6 13M13 3.500c0 4-6 5-6 13" />,
);
export const UndoIcon = icon(
  'UndoIcon',
  <path d="M7.500 4.500L4 8l3.500 3.500M4.300 8H12a4 4 0 0 1 0 8H8" />,
);
export const RedoIcon = icon(
  'RedoIcon',
  <path d="M12.500 4.500L16 8l-3.500 3.500M15.700 8H8a4 4 0 0 0 0 8h4" />,
);
export const CloseIcon = icon('CloseIcon', <path d="M5.500 5.500l9 9M14.500 5.500l-9 9" />);
export const ChevronIcon = icon('ChevronIcon', <path d="M6 8l4 4 4-4" />);
export const KeyboardIcon = icon(
  'KeyboardIcon',
  <path d="M2.500 5.500h15v9h-15zM5.500 8.500h.1M8.500 8.500h.1M11.500 8.500h.1M14.500 8.500h.1M6.500 11.500h7" />,
);
export const ColumnsIcon = icon('ColumnsIcon', <path d="M3.500 4h13v12h-13zM8 4v12M12.300 4v12" />);
