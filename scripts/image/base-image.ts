import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What an image's configuration says of the process. */
export interface ImageConfig {
  user: string;
  workdir: string;
  entrypoint: string[];
  env: Record<string, string>;
  labels: Record<string, string>;
}

const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/**
 * Stands in for an image that no engine is there to pull: lays its files into `root`, of this machine's own.
 * @returns its configuration
 * @throws Error for an image that nothing stands in for
 */
export function layBaseImage(image: string, root: string): ImageConfig {
  const config = { user: '0:0', workdir: '/', entrypoint: [], env: {}, labels: {} };
  // Debian and Node 24, on which the steps run: they are this machine's.
  if (image.startsWith('node:24-')) return config;
  if (!image.startsWith('gcr.io/distroless/nodejs24-')) throw new Error(`nothing stands in for ${image}`);
  // Node with the libraries that it is linked with, certificates, users; no shell. `/var/run` is a link, as in Debian.
  put(root, process.execPath, '/nodejs/bin/node');
  for (const library of librariesOf(process.execPath)) put(root, library, library);
  for (const folder of ['/dev', '/proc', '/sys', '/run', '/tmp', '/etc', '/var', '/home/nonroot'])
    mkdirSync(join(root, folder), { recursive: true });
  symlinkSync('/run', join(root, 'var/run'));
  writeFileSync(join(root, 'etc/passwd'), 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n');
  if (existsSync(CERTIFICATES)) put(root, CERTIFICATES, CERTIFICATES);
  return {
    ...config,
    user: '65532',
    workdir: '/home/nonroot',
    env: {
      // Which runc itself reads from etc/passwd.
      HOME: '/home/nonroot',
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      SSL_CERT_FILE: CERTIFICATES,
    },
  };
}

function put(root: string, from: string, to: string): void {
  mkdirSync(dirname(join(root, to)), { recursive: true });
  copyFileSync(from, join(root, to));
}

/** Of a program that is linked dynamically, with its loader. */
function librariesOf(program: string): string[] {
  const listed = execFileSync('ldd', [program], { encoding: 'utf8' });
  return [...listed.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = '']) => path);
}
