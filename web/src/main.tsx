import '@fontsource-variable/inter/wght.css';
import '@mantine/core/styles.layer.css';
import '@mantine/notifications/styles.layer.css';
import './app/styles.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/App.tsx';
import { styleNonce } from './app/environment.ts';
import { router } from './app/router.tsx';
import { restore } from './session/session.ts';

// react-remove-scroll, which stops the page from scrolling under a dialog, reads the nonce here.
Object.assign(window, { __webpack_nonce__: styleNonce() });

void restore();
// Loads the code of the first page while the session check runs.
void router.load();

const root = document.getElementById('root');
if (!root) throw new Error('The page has no root element.');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
