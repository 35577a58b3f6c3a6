import { chmod, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions, type Metafile } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A package whose code is in the bundle. */
export interface BundledPackage {
  name: string;
  version: string;
  /** SPDX expression of its package.json. */
  license: string;
  /** The text of its license file; some packages have none. */
  text: string | undefined;
  /** In the bundle. */
  bytes: number;
}

export interface Bundle {
  /** Path of the one file that runs. */
  file: string;
  bytes: number;
  /** By name; a package in two versions is there twice. */
  packages: BundledPackage[];
}

/**
 * Bundles the agent into `folder`: agent.js, which runs without node_modules, its source map, and the
 * licenses of all packages in it.
 */
export async function bundle(folder: string, entry = join(ROOT, 'agent/main.ts')): Promise<Bundle> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'agent.js');
  const { bytes, packages } = await bundleFile(entry, file);
  // Says that agent.js is a module; without it Node would parse it twice to find out.
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
  await writeFile(join(folder, 'LICENSES.txt'), licenses(packages));
  return { file, bytes, packages };
}

/** Bundles the kubectl plugin into `folder`: one file that Node runs, wherever it is copied to. */
export async function bundlePlugin(folder: string): Promise<Bundle> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'kubectl-vsecm');
  const bundled = await bundleFile(join(ROOT, 'agent/cli/main.ts'), file, {
    sourcemap: false,
    banner: { js: NODE_24_FIRST + REQUIRE },
  });
  await chmod(file, 0o755);
  return { file, ...bundled };
}

const REQUIRE =
  "import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url);";
/** People run the plugin with the Node that they have; an older one would fail somewhere in the middle. */
const NODE_24_FIRST =
  "if(+process.versions.node.split('.')[0]<24){process.stderr.write('kubectl vsecm needs Node.js 24 or later, and node is '+process.version+'\\n');process.exit(1)}";

async function bundleFile(
  entry: string,
  outfile: string,
  options: Pick<BuildOptions, 'sourcemap' | 'banner'> = {},
): Promise<Omit<Bundle, 'file'>> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    metafile: true,
    logLevel: 'warning',
    // White space goes, since Node holds the source in memory: 13 MiB of every agent's RSS. Names stay and
    // lines are kept short, so that a stack trace says something, and with the map says where.
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 160,
    sourcemap: 'external',
    legalComments: 'none',
    // By this undici leaves its second HTTP/1 parser out, which is an experiment, as in Node itself.
    define: { esbuildDetection: '1' },
    // Dependencies that are CommonJS require Node's own modules.
    banner: { js: REQUIRE },
    ...options,
  });
  const output = Object.values(metafile.outputs).find((one) => one.entryPoint !== undefined);
  if (output === undefined) throw new Error('esbuild wrote no bundle');
  return { bytes: output.bytes, packages: await bundledPackages(output.inputs) };
}

type Inputs = Metafile['outputs'][string]['inputs'];

async function bundledPackages(inputs: Inputs): Promise<BundledPackage[]> {
  const bytes = new Map<string, number>();
  for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
    const folder = /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0];
    if (folder !== undefined && bytesInOutput > 0)
      bytes.set(folder, (bytes.get(folder) ?? 0) + bytesInOutput);
  }
  const packages = await Promise.all(
    [...bytes].map(([folder, size]) => describe(resolve(ROOT, folder), size)),
  );
  return packages.toSorted((a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version));
}

async function describe(folder: string, bytes: number): Promise<BundledPackage> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const found = (await readdir(folder)).find((file) => /^(licen[cs]e|copying)([.-].*)?$/i.test(file));
  const text = found === undefined ? undefined : await readFile(join(folder, found), 'utf8');
  return { name, version, license: license ?? 'unknown', text, bytes };
}

function licenses(packages: readonly BundledPackage[]): string {
  const sections = packages.map(
    ({ name, version, license, text }) =>
      `${name} ${version}: ${license}\n\n${text?.trim() ?? '(no license file in the package)'}\n`,
  );
  return `agent.js contains these packages.\n\n${sections.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const agent = await bundle(join(ROOT, 'dist'));
  const plugin = await bundlePlugin(join(ROOT, 'dist'));
  for (const { file, bytes, packages } of [agent, plugin])
    console.log(`${relative(ROOT, file)}: ${Math.ceil(bytes / 1024)} KiB, ${packages.length} packages in it`);
}
