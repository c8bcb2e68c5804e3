# TEG as a scheduler of a cluster: `docker build -t teg:0.2.0 .`
#
# Nothing is compiled: Node.js runs the sources. The image needs no shell, no root and no writable file system; a smaller
# base that has `node` 24 or later on its PATH works too: --build-arg RUNTIME=…
ARG RUNTIME=node:26-slim

FROM node:26-slim AS dependencies
WORKDIR /teg
COPY package.json package-lock.json ./
# The optional dependency is a Node.js of its own, for machines that have an old one.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM ${RUNTIME}
LABEL org.opencontainers.image.title="TEG" \
      org.opencontainers.image.description="TEG, the Thermo-Economic Governor, as a scheduler of a Kubernetes cluster" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
WORKDIR /teg
COPY --from=dependencies /teg/node_modules ./node_modules
COPY package.json LICENSE ./
COPY src ./src
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 10259
ENTRYPOINT ["node", "src/cli/main.ts"]
CMD ["--help"]
