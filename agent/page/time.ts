import { html, type Html } from './html.ts';

/** A moment (RFC 3339), in a form that machines read as well. */
export function time(at: string): Html {
  const [date = '', rest = ''] = at.split('T');
  return html`<time datetime="${at}"
    ><span>${date}</span> <span>${rest.replace(/(\.\d+)?Z$/, ' UTC')}</span></time
  >`;
}
