import '@fontsource-variable/inter/wght.css';
import '@mantine/core/styles.layer.css';
import '@mantine/notifications/styles.layer.css';
import './app/styles.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/App.tsx';
import { styleNonce } from './app/environment.ts';
import { restore } from './session/session.ts';

// Where react-remove-scroll, which holds the page still under a dialog, looks for it.
Object.assign(window, { __webpack_nonce__: styleNonce() });

void restore();

const root = document.getElementById('root');
if (!root) throw new Error('The page has no root.');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
