import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../agent/cli/run.ts';
import { openScene, type DocumentedScene } from './scene.ts';

export const PAGE = join(import.meta.dirname, '../../docs/kubectl-vsecm.md');

/** A file that the page's commands name. */
const ORDERS = `apiVersion: vsecm.com/v1alpha1
kind: VSecMSecret
metadata:
  name: orders
spec:
  data:
    - key: password
      ref: orders.password
---
apiVersion: vsecm.com/v1alpha1
kind: VSecMSecret
metadata:
  name: reports
spec:
  refreshInterval: 5s
  target:
    name: orders
  data:
    - key: password
      ref: reports.password
`;

/** The page as it should stand: what follows each `$ kubectl vsecm …` in a console block is what that prints now. */
export async function renderPage(text: string): Promise<string> {
  await using scene = await openScene();
  await writeFile(join(scene.folder, 'orders.yaml'), ORDERS);
  const parts = text.split(/^```console\n([\s\S]*?)^```\n/m);
  for (let index = 1; index < parts.length; index += 2) {
    const commands = (parts[index] ?? '').split('\n').filter((line) => line.startsWith('$ '));
    const shown: string[] = [];
    for (const command of commands) shown.push(`${command}\n${await printed(command, scene)}`);
    parts[index] = `\`\`\`console\n${shown.join('')}\`\`\`\n`;
  }
  return parts.join('');
}

async function printed(command: string, scene: DocumentedScene): Promise<string> {
  const words = command.split(' ').slice(3);
  let printed = '';
  const write = (text: string): void => void (printed += text);
  const argv = words.map((word) => (word.endsWith('.yaml') ? join(scene.folder, word) : word));
  await run([...argv, '--kubeconfig', scene.kubeconfig], {
    terminal: { out: write, say: write, progress: () => {} },
    stdin: async () => '',
    signal: new AbortController().signal,
  });
  return steady(printed);
}

/** What differs from run to run, made equal. */
function steady(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '2026-01-01T12:00:00Z')
    .replaceAll(/looks again now/g, 'looks again 2026-01-01T12:00:00Z (in 5m)')
    .replaceAll(/\((\w+) ago\)/g, '(2m ago)')
    .replaceAll(/\(in (\w+)\)/g, '(in 5m)')
    .replaceAll(/\(in 5m\) {3,}/g, '(in 5m)   ')
    .replaceAll(/EXPIRES {3,}/g, 'EXPIRES'.padEnd('2026-01-01T12:00:00Z (in 5m)   '.length))
    .replaceAll(/serial=[0-9A-F]+/g, 'serial=4F8A')
    .replaceAll(/(port|pagePort)=\d+/g, (_, name: string) => `${name}=${name === 'port' ? 9464 : 9465}`);
}
