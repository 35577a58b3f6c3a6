# docker build -t REGISTRY/vsecm-agent:0.1.0 .
# The same image twice: give the digests of both base images as well (--build-arg NODE_DIGEST=sha256:...).
# For several platforms: docker buildx build --platform linux/amd64,linux/arm64. The program has nothing native in
# it, so it is built once, on the platform that builds.
ARG NODE_DIGEST=""
ARG DISTROLESS_DIGEST=""

FROM --platform=$BUILDPLATFORM node:24-bookworm-slim${NODE_DIGEST:+@$NODE_DIGEST} AS build
WORKDIR /src
# Dependencies by themselves, so that a change of the source does not install them again.
COPY package.json package-lock.json ./
COPY scripts/install.mjs scripts/
RUN node scripts/install.mjs
COPY tsconfig.json ./
COPY scripts/build.ts scripts/
COPY agent agent
# The source map stays here: Node does not read it, and it is twice the program.
RUN npm run build && rm dist/agent.js.map
# What may be in the program, by the lockfile; LICENSES.txt beside it has what is.
RUN npm sbom --omit dev --package-lock-only --sbom-format spdx > dist/sbom.spdx.json

# Node and CA certificates, no shell, no package manager.
FROM gcr.io/distroless/nodejs24-debian12:nonroot${DISTROLESS_DIGEST:+@$DISTROLESS_DIGEST}
ARG REVISION=""
LABEL org.opencontainers.image.title="vsecm-agent" org.opencontainers.image.version="0.1.0" org.opencontainers.image.revision="$REVISION" org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=build /src/dist /app/dist
# By number, since runAsNonRoot cannot judge a name.
USER 65532:65532
# Run by hand it wants `docker run --init`: as PID 1 it hears no signal in its first tenth of a second.
# Keep in step with daemonset/60-daemonset.yaml, which says what the flags are for.
ENTRYPOINT ["/nodejs/bin/node", "--disable-sigusr1", "--disable-proto=delete", "--max-semi-space-size=4", "--permission", "--allow-fs-read=/app", "--allow-fs-read=/var/run/secrets", "--allow-fs-read=/etc/hosts", "--allow-fs-read=/etc/resolv.conf", "--allow-fs-read=/spire-agent-socket", "/app/dist/agent.js"]
