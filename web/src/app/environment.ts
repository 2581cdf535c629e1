/** What the server says about itself in the page. */
export const isProduction = document.documentElement.dataset.mode === 'production';

/** Styles that the Content-Security-Policy lets the components library put into the page. */
export const styleNonce = (): string =>
  document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
