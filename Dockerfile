# syntax=docker/dockerfile:1
# The same build as in the packages, made where npm is; only what runs the broker goes into the image.
FROM node:24-bookworm-slim AS built
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force
COPY openapi.yaml LICENSE README.md CHANGELOG.md ./
COPY config/broker.yaml ./config/broker.yaml
COPY locales ./locales
COPY deploy ./deploy
COPY src ./src
RUN npm run build

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libstdc++6 \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 ocbroker \
 && useradd --system --uid 10001 --gid ocbroker --home-dir /var/lib/ocbroker --shell /usr/sbin/nologin ocbroker \
 && install -d -m 0700 -o ocbroker -g ocbroker /var/lib/ocbroker
WORKDIR /app
# The broker brings its own Node among the packages; the image has no other.
COPY --from=built /build/node_modules ./node_modules
COPY --from=built /build/dist ./
# Where the configuration that comes with the broker keeps its records.
RUN ln -s /var/lib/ocbroker data
ENV PATH=/app/bin:/app/node_modules/.bin:$PATH \
    NODE_ENV=production \
    OCBROKER_CONFIG=/app/config/broker.yaml
USER 10001:10001
VOLUME /var/lib/ocbroker
EXPOSE 1812/udp 1813/udp 8080/tcp
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["ocbroker"]
CMD ["serve"]
