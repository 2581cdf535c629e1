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

// Where react-remove-scroll, which holds the page still under a dialog, looks for it.
Object.assign(window, { __webpack_nonce__: styleNonce() });

void restore();
// The code of the page that one comes to, while it is still being found out who comes.
void router.load();

const root = document.getElementById('root');
if (!root) throw new Error('The page has no root.');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
