# docker build -t REGISTRY/vsecm-agent:0.1.0 .
# Distroless has no tags for versions: whoever needs the same image twice appends digests to both FROM lines.

FROM node:24-bookworm-slim AS build
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

# Node and CA certificates, no shell, no package manager.
FROM gcr.io/distroless/nodejs24-debian12:nonroot
WORKDIR /app
COPY --from=build /src/dist /app/dist
# By number, since runAsNonRoot cannot judge a name.
USER 65532:65532
# Run by hand it wants `docker run --init`: as PID 1 it hears no signal in its first tenth of a second.
# Keep in step with daemonset/60-daemonset.yaml, which says what the flags are for.
ENTRYPOINT ["/nodejs/bin/node", "--disable-sigusr1", "--disable-proto=delete", "--max-semi-space-size=4", "--permission", "--allow-fs-read=/app", "--allow-fs-read=/var/run/secrets", "--allow-fs-read=/etc/hosts", "--allow-fs-read=/etc/resolv.conf", "--allow-fs-read=/spire-agent-socket", "/app/dist/agent.js"]
