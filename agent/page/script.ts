/**
 * Keeps the page up to date without a second way to draw it: takes the main part of the page anew and puts it in
 * place of the old one, unless nothing changed or somebody is marking text in it.
 */
export const SCRIPT = `
const live = document.getElementById('live');
async function refresh() {
  try {
    if (!document.hidden) {
      const response = await fetch('/', { cache: 'no-store', signal: AbortSignal.timeout(10000) });
      if (!response.ok) throw new Error();
      const text = await response.text();
      const part = text.slice(text.indexOf('<main>'), text.indexOf('</main>'));
      const next = new DOMParser().parseFromString(part, 'text/html').querySelector('main');
      const main = document.querySelector('main');
      if (next && next.innerHTML !== main.innerHTML && document.getSelection().isCollapsed) main.replaceWith(next);
      live.textContent = '';
    }
  } catch {
    live.textContent = 'The agent does not answer: this is how things stood before. Is the port still forwarded?';
  }
  setTimeout(refresh, 2000);
}
setTimeout(refresh, 2000);
`;
