import { html, type Html } from './html.ts';

/** A moment (RFC 3339), in a form that machines read as well. */
export const time = (at: string): Html =>
  html`<time datetime="${at}">${at.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')}</time>`;
