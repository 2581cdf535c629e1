import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

/** The only accent colour. Budgets, errors and stale data have their own colours, always together with words. */
const petrol: MantineColorsTuple = [
  '#e8f5f6',
  '#cfe8ea',
  '#a3d4d9',
  '#74bfc7',
  '#56b3bd',
  '#2f97a3',
  '#16808c',
  '#0b6b76',
  '#085660',
  '#05434b',
];

/** Neutral greys with a trace of blue; the library's greys are pure. */
const dark: MantineColorsTuple = [
  '#dde2e6',
  '#b9c1c8',
  '#98a3ac',
  '#78838c',
  '#465059',
  '#363f47',
  '#262d34',
  '#171c21',
  '#12171b',
  '#0b0f12',
];

export const theme = createTheme({
  colors: { petrol, dark },
  primaryColor: 'petrol',
  // White text on it is readable in both colour schemes.
  primaryShade: 7,
  autoContrast: true,
  fontFamily: "'Inter Variable', system-ui, -apple-system, 'Segoe UI', sans-serif",
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '19px' },
  lineHeights: { xs: '1.4', sm: '1.45', md: '1.5', lg: '1.5', xl: '1.4' },
  headings: {
    fontWeight: '620',
    sizes: { h1: { fontSize: '20px', lineHeight: '1.3' }, h2: { fontSize: '15px', lineHeight: '1.4' } },
  },
  radius: { xs: '3px', sm: '4px', md: '6px', lg: '8px', xl: '12px' },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  focusRing: 'auto',
  components: {
    Tooltip: {
      defaultProps: { openDelay: 250, withArrow: true, events: { hover: true, focus: true, touch: true } },
    },
    InputWrapper: { styles: { label: { marginBottom: 4 }, description: { marginBottom: 6, fontSize: 12 } } },
    // The placeholder would be an invalid child of role=menu.
    Menu: { defaultProps: { shadow: 'md', width: 220, withInitialFocusPlaceholder: false } },
    Button: { defaultProps: { size: 'sm' } },
    // Makes tables scrollable by keyboard.
    TableScrollContainer: { defaultProps: { scrollAreaProps: { viewportProps: { tabIndex: 0 } } } },
    Modal: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    // A dialog's <header> would count as a second banner of the page.
    ModalHeader: { defaultProps: { role: 'presentation' } },
    DrawerHeader: { defaultProps: { role: 'presentation' } },
  },
});

/** Colours of the app, and replacements for library colours with too little contrast (WCAG AA). */
export const colours = {
  light: {
    '--mantine-color-dimmed': '#58636c',
    '--mantine-color-placeholder': '#68727b',
    '--mantine-color-error': '#b3261e',
    '--mantine-color-text': '#1a2026',
    '--v-ground': '#f4f6f7',
    '--v-panel': '#ffffff',
    '--v-line': '#dbe1e5',
    '--v-accent': '#0b6b76',
    '--v-accent-ground': '#e8f5f6',
    '--v-over': '#b3261e',
    '--v-over-ground': '#fdecea',
    '--v-under': '#1d6b3a',
    '--v-under-ground': '#e7f4ec',
    '--v-warning': '#875000',
    '--v-warning-ground': '#fff3dc',
  },
  dark: {
    '--mantine-color-dimmed': '#a3adb6',
    '--mantine-color-placeholder': '#98a3ac',
    '--mantine-color-error': '#ff9b93',
    '--mantine-color-text': '#dde2e6',
    '--v-ground': '#12171b',
    '--v-panel': '#1a2026',
    '--v-line': '#303941',
    '--v-accent': '#6cc4ce',
    '--v-accent-ground': '#12343a',
    '--v-over': '#ff9b93',
    '--v-over-ground': '#43211f',
    '--v-under': '#7fd3a0',
    '--v-under-ground': '#173626',
    '--v-warning': '#f2c06b',
    '--v-warning-ground': '#3b2d12',
  },
};

export const cssVariablesResolver: CSSVariablesResolver = () => ({ variables: {}, ...colours });
