#!/usr/bin/env bash
# build.sh [VERSION]: builds kube-apiserver, kube-controller-manager, kubectl and etcd from their Go modules
# into a cache folder and prints that folder. The module files beside this script pin every version, so a
# second run only prints, even where Go is gone. Another VERSION of Kubernetes, such as v1.34.4, gets module
# files of its own in the cache. Progress goes to stderr, since a first build takes several minutes on two
# cores. Ends with 3 when there is something to build and no Go to build it.
set -euo pipefail
cd "$(dirname "$0")"

pinned_version=v1.37.2
kubernetes_version=${1:-$pinned_version}
cache="${XDG_CACHE_HOME:-$HOME/.cache}/vsecm-agent/control-plane"
modules=kubernetes
# kubectl parses the server's version, which a plain module build leaves at v0.0.0-master.
version_flags="-X k8s.io/component-base/version.gitVersion=$kubernetes_version"

# Kubernetes requires its own staging modules at v0.0.0; each is published as v0.MINOR.PATCH.
pin() {
  local staged=v0.${kubernetes_version#v1.} needed module
  mkdir -p "$modules"
  cd "$modules"
  [ -f go.mod ] || go mod init vsecm.com/agent/control-plane/kubernetes >&2
  needed=$(go mod download -json "k8s.io/kubernetes@$kubernetes_version" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
  for module in $(sed -n 's/^[[:space:]]*\(k8s\.io\/[a-z-]*\) v0\.0\.0$/\1/p' "$needed"); do
    go mod edit -replace "$module=$module@$staged"
  done
  go get -tool "k8s.io/kubernetes/cmd/kube-apiserver@$kubernetes_version" \
    "k8s.io/kubernetes/cmd/kube-controller-manager@$kubernetes_version" \
    "k8s.io/kubernetes/cmd/kubectl@$kubernetes_version" >&2
  touch pinned
  cd - >/dev/null
}
if [ "$kubernetes_version" != "$pinned_version" ]; then
  modules="$cache/modules-$kubernetes_version"
  [ -f "$modules/pinned" ] || { command -v go >/dev/null || exit 3; pin; }
fi

key=$({ cat "$modules/go.mod" "$modules/go.sum" etcd/go.mod etcd/go.sum; echo "$version_flags"; } | cksum | cut -d' ' -f1)
out="$cache/$kubernetes_version-$key"
mkdir -p "$out"

build() { # build MODULE_FOLDER PACKAGE BINARY [LDFLAGS]
  [ -x "$out/$3" ] && return
  command -v go >/dev/null || { echo "control plane: $3 is not built yet, and there is no Go to build it" >&2; exit 3; }
  local start=$SECONDS
  echo "control plane: building $3 ..." >&2
  (cd "$1" && CGO_ENABLED=0 go build -trimpath -buildvcs=false \
    -ldflags "-s -w ${4:-}" -o "$out/$3.part" "$2") 9>&- >&2 &
  local pid=$!
  trap 'kill "$pid" 2>/dev/null || true' EXIT
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1
    if (( (SECONDS - start) % 30 == 0 )); then echo "control plane: building $3, $((SECONDS - start)) s" >&2; fi
  done
  wait "$pid"
  trap - EXIT
  mv "$out/$3.part" "$out/$3"
  echo "control plane: $3 ready after $((SECONDS - start)) s" >&2
}

# One builder at a time: test files run side by side, and a half-written binary must never be started.
if command -v flock >/dev/null; then
  exec 9>"$out/.lock"
  flock 9
fi

build etcd go.etcd.io/etcd/server/v3 etcd
build "$modules" k8s.io/kubernetes/cmd/kubectl kubectl "$version_flags"
build "$modules" k8s.io/kubernetes/cmd/kube-apiserver kube-apiserver "$version_flags"
build "$modules" k8s.io/kubernetes/cmd/kube-controller-manager kube-controller-manager "$version_flags"
echo "$out"
