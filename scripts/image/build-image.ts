import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { layBaseImage, type ImageConfig } from './base-image.ts';
import { parseDockerfile, type BuildStage } from './dockerfile.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const REGISTRY = /^(HOME|NODE_EXTRA_CA_CERTS|(https?|no)_proxy|npm_config_(registry|cache|userconfig))$/i;

export interface Image extends ImageConfig {
  /** The folder with its files. */
  root: string;
}

/** Follows the steps of the Dockerfile without an engine, each stage in a folder of its own below `folder`. */
export function buildImage(
  folder: string,
  { args = {}, say }: { args?: Record<string, string>; say: (step: string) => void },
): Image {
  const context = allowed(readFileSync(join(ROOT, '.dockerignore'), 'utf8'));
  const stages = new Map<string, string>();
  let image: Image | undefined;
  for (const stage of parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'), args)) {
    const root = join(folder, `stage-${stages.size}`);
    mkdirSync(root, { recursive: true });
    say(`FROM ${stage.from}`);
    image = { root, ...layBaseImage(stage.from, root) };
    follow(stage, image, { context, stages, say });
    stages.set(stage.name ?? String(stages.size), root);
  }
  if (image === undefined) throw new Error('the Dockerfile has no stage');
  return image;
}

interface Surroundings {
  /** What .dockerignore lets through. */
  context: readonly string[];
  /** Roots of the stages so far. */
  stages: ReadonlyMap<string, string>;
  say: (step: string) => void;
}

function follow(stage: BuildStage, image: Image, { context, stages, say }: Surroundings): void {
  for (const { name, rest } of stage.instructions) {
    say(`${name} ${rest}`);
    if (name === 'WORKDIR') {
      image.workdir = rest;
      mkdirSync(join(image.root, rest), { recursive: true });
    } else if (name === 'COPY') copy(rest, image, context, stages);
    else if (name === 'RUN') {
      // With this Node, the machine's npm, and its way to the registry; nothing else of the environment.
      const env = { ...registryWay(), PATH: `${dirname(process.execPath)}:${process.env['PATH']}` };
      const cwd = join(image.root, image.workdir);
      execFileSync('sh', ['-c', rest], { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] });
    } else if (name === 'USER') image.user = rest;
    else if (name === 'ENTRYPOINT') image.entrypoint = JSON.parse(rest);
    else if (name === 'LABEL') Object.assign(image.labels, labels(rest));
    else throw new Error(`a step that is not followed: ${name}`);
  }
}

function copy(
  rest: string,
  image: Image,
  context: readonly string[],
  stages: ReadonlyMap<string, string>,
): void {
  const [, from, paths = rest] = /^--from=(\S+) (.*)$/.exec(rest) ?? [];
  const [to = '', ...sources] = paths.split(' ').toReversed();
  const base = from === undefined ? ROOT : stages.get(from);
  if (base === undefined) throw new Error(`no stage ${from}`);
  const target = join(image.root, posix.resolve(image.workdir, to));
  for (const source of sources) {
    if (from === undefined && !context.some((one) => source === one || source.startsWith(`${one}/`)))
      throw new Error(`.dockerignore keeps ${source} out`);
    // Of a folder Docker copies what is in it; a file goes into what ends with a slash.
    const folder = statSync(join(base, source)).isDirectory();
    const into = !folder && (to.endsWith('/') || sources.length > 1);
    cpSync(join(base, source), into ? join(target, basename(source)) : target, { recursive: true });
  }
}

const registryWay = (): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => REGISTRY.test(name)));

const allowed = (dockerignore: string): string[] =>
  dockerignore
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));

const labels = (rest: string): Record<string, string> =>
  Object.fromEntries([...rest.matchAll(/(\S+?)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]));
