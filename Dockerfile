# One image for server and worker: `docker run IMAGE server`, `docker run IMAGE worker`, `docker run IMAGE migrate`, ...

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Leaves out development, the embedded PostgreSQL (optional), and the Node.js that an install script would put beside
# the image's own. No other package here has an install script.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24-slim AS web
WORKDIR /app
COPY package.json package-lock.json ./
# The tools that build the web app stay behind in this stage.
RUN npm ci --ignore-scripts
# web/tsconfig.json extends the project's, and Vite reads both.
COPY tsconfig.json ./
COPY web web
COPY tools/web.ts tools/web.ts
RUN node tools/web.ts build

FROM node:24-slim AS product
# Monitoring listens on the container's own loopback, where the health check asks. Server and worker read the same
# configuration, which refuses one port for both.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3001 ADMIN_PORT=9464 WORKER_ADMIN_PORT=9465
WORKDIR /app
# `docker compose exec server vanguard COMMAND`.
RUN ln -s /app/bin/vanguard.js /usr/local/bin/vanguard
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY bin bin
COPY migrations/committed migrations/committed
COPY sql sql
COPY src src
COPY worker worker
COPY --from=web /app/web/dist web/dist
# `vanguard start` names the simulated PEMS; in production it refuses to run.
COPY simulator simulator

# Compiles everything once, or each command and each start would take twice as long. A cache is for one user, and for one set of
# options of V8: the second one is the worker's.
FROM product AS compiled
USER node
ENV NODE_COMPILE_CACHE=/tmp/compiled
RUN for options in "" "--max-semi-space-size=16 --heap-growing-percent=60"; do \
  node $options --input-type=module --eval "for (const name of ['./src/cli/program.ts', './src/server.ts', './src/database/migrate.ts', './src/auth/password-rules.ts', './worker/index.ts', '@zxcvbn-ts/language-common', '@zxcvbn-ts/language-en']) await import(name)" > /dev/null; \
  done

FROM product
COPY --from=compiled --chown=root:root /tmp/compiled /app/.compiled
ENV NODE_COMPILE_CACHE=/app/.compiled
# Everything belongs to root, and whoever runs it only reads.
USER node
EXPOSE 3001
ENTRYPOINT ["node", "bin/vanguard.js"]
CMD ["server"]
# A container runs either the server or a worker, so one of the two ports answers.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "Promise.any([9464, 9465].map(async (port) => (await fetch(`http://127.0.0.1:${port}/api/ready`)).ok || Promise.reject())).then(() => process.exit(0), () => process.exit(1))"]
