# Lagkeeper as an image. Works with a read-only root: only /data is written.
#
#   docker build -t lagkeeper .
#   docker run --read-only --cap-drop=ALL --security-opt=no-new-privileges \
#     -v lagkeeper-data:/data -p 10390:10390 lagkeeper --kafka.bootstrap=broker1:9092
#
# No container engine was at hand where this was written: its steps were followed one by one in an empty directory, with
# Node 24 and as user 65532; the image itself has not been built.

FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
COPY --from=build /build/package.json /app/
COPY --from=build /build/node_modules /app/node_modules
COPY --from=build /build/dist /app/dist
COPY config /app/config
# The default of storage.path is ./data, which from here is /data.
WORKDIR /
RUN install --directory --owner=65532 --group=65532 --mode=0700 /data
VOLUME /data
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 10390
# Adapt the port when web.listen_address is another one.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:10390/-/healthy').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/main.js"]
