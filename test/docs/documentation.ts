import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** A Markdown file of the project. */
export interface Page {
  /** From the root. */
  path: string;
  text: string;
}

/** README.md, the other pages at the top, and docs/. */
export async function pages(): Promise<Page[]> {
  const docs = (await readdir(join(ROOT, 'docs'))).map((name) => `docs/${name}`);
  const names = [...(await readdir(ROOT)), ...docs].filter((name) => name.endsWith('.md'));
  return Promise.all(
    names.sort().map(async (path) => ({ path, text: await readFile(join(ROOT, path), 'utf8') })),
  );
}

/** The source of the agent, without that of the kubectl plugin. */
export async function agentSources(): Promise<string> {
  const paths = await readdir(join(ROOT, 'agent'), { recursive: true });
  const sources = paths.filter((path) => path.endsWith('.ts') && !path.startsWith('cli/'));
  return (await Promise.all(sources.map((path) => readFile(join(ROOT, 'agent', path), 'utf8')))).join('\n');
}

/** The fenced blocks of one language. */
export function blocks({ text }: Page, language: string): string[] {
  const fences = text.matchAll(/^```(\w*)\n(.*?)^```/gms);
  return [...fences].filter(([, name]) => name === language).map(([, , body = '']) => body);
}

/** Links that lead nowhere: to a file that is not there, or to a heading that its page does not have. */
export async function brokenLinks({ path, text }: Page): Promise<string[]> {
  const broken: string[] = [];
  for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [file = '', anchor] = target.split('#');
    const place = file === '' ? path : join(dirname(path), file);
    if (!existsSync(join(ROOT, place))) broken.push(target);
    else if (anchor !== undefined && !anchors(await readFile(join(ROOT, place), 'utf8')).includes(anchor))
      broken.push(target);
  }
  return broken;
}

/** As GitHub makes them of headings. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** A registration as the `safe` command of VSecM Sentinel takes it. */
export interface SafeCommand {
  name: string;
  namespaces: string[];
  value: string;
}

/** Reads `kubectl exec -n ... -- safe -w NAME -n NAMESPACE -s 'VALUE'` commands out of a shell block; a variable stands for itself. */
export function safeCommands(block: string): SafeCommand[] {
  return block
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((command) => {
      const [, safe] = command.split(' -- safe ');
      if (safe === undefined) return [];
      return {
        name: /-w (\S+)/.exec(safe)?.[1] ?? '',
        namespaces: [...safe.matchAll(/-n (\S+)/g)].map(([, name = '']) => name),
        value: /-s (['"])(.*?)\1/.exec(safe)?.[2] ?? '',
      };
    });
}

/** The commands in the shell blocks of a page, one each, without comments. */
export function commands(page: Page): string[] {
  return blocks(page, 'sh')
    .flatMap((block) => block.replaceAll(/ *\\\n */g, ' ').split('\n'))
    .flatMap((line) => line.replace(/(^|\s+)# .*$/, '').split(' && '))
    .map((command) => command.trim())
    .filter((command) => command !== '' && !command.startsWith('cd '));
}
