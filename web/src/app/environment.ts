/** Settings that the server writes into the page. */
export const isProduction = document.documentElement.dataset.mode === 'production';

/** Nonce for styles that the component library adds, as the Content-Security-Policy requires. */
export const styleNonce = (): string =>
  document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
