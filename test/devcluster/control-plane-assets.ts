import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BUILD = fileURLToPath(new URL('../../scripts/control-plane/build.sh', import.meta.url));

export type ControlPlaneAssets =
  /** `controllers`: kube-controller-manager is there too (it is not in the released envtest archives). */
  { folder: string; controllers: boolean } | { missing: string };

/**
 * Where the binaries of the real control plane are: KUBEBUILDER_ASSETS, else the cache of
 * scripts/control-plane/build.sh, which builds them where Go is there (minutes, with progress on stderr).
 * `missing` says why there are none, for the line that tells which suites did not run.
 */
export async function controlPlaneAssets(): Promise<ControlPlaneAssets> {
  const named = process.env.KUBEBUILDER_ASSETS;
  if (named !== undefined && named !== '') {
    const absent = ['kube-apiserver', 'etcd', 'kubectl'].filter((name) => !executable(join(named, name)));
    if (absent.length > 0) return { missing: `KUBEBUILDER_ASSETS (${named}) has no ${absent.join(', ')}` };
    return { folder: named, controllers: executable(join(named, 'kube-controller-manager')) };
  }
  const built = await build();
  if (built.exitCode === 0) return { folder: built.stdout.trim(), controllers: true };
  if (built.exitCode === 3)
    return { missing: 'KUBEBUILDER_ASSETS is not set and there is no Go to build the binaries' };
  return {
    missing: `KUBEBUILDER_ASSETS is not set and scripts/control-plane/build.sh ended with ${built.exitCode}`,
  };
}

async function build(): Promise<{ exitCode: number; stdout: string }> {
  const child = spawn('bash', [BUILD], { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  return new Promise((resolve) => {
    child.on('error', () => resolve({ exitCode: 127, stdout }));
    child.on('close', (code) => resolve({ exitCode: code ?? 1, stdout }));
  });
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
