# One image for server and worker: `docker run IMAGE server`, `docker run IMAGE worker`, `docker run IMAGE migrate`, ...

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Without what only development needs, without the embedded PostgreSQL (optional), and without the node that npm would
# install beside the image's own (an install script does that; nothing else here has one).
# Nor what only GraphiQL's page is made of, which production does not show.
RUN npm ci --omit=dev --omit=optional --ignore-scripts \
  && rm -rf node_modules/monaco-editor node_modules/react-aria node_modules/react-stately node_modules/framer-motion node_modules/motion-dom

FROM node:24-slim AS web
WORKDIR /app
COPY package.json package-lock.json ./
# With what it is built by, which the image itself does without.
RUN npm ci --ignore-scripts
COPY web web
COPY tools/web.ts tools/web.ts
RUN node tools/web.ts build

FROM node:24-slim
# Monitoring listens on the container's own loopback, where the health check asks; the worker has no other port.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3001 ADMIN_PORT=9464 WORKER_ADMIN_PORT=9464
WORKDIR /app
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
# Everything belongs to root, and whoever runs it only reads.
USER node
EXPOSE 3001
ENTRYPOINT ["node", "bin/vanguard.js"]
CMD ["server"]
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/api/ready').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
