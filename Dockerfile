# One target a service: producer-emulator, crawler, data-loader, model-prepare, model-application.
#
#   docker build --target data-loader -t hedonic-data-loader:local .
#
# Works with BuildKit and with the builder before it. docs/docker.md has sizes and times.

# By tag here; pin them to digests with --build-arg (docs/docker.md).
ARG RUST_IMAGE=rust:1.95-slim-bookworm
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${RUST_IMAGE} AS toolchain
# librdkafka is compiled from source (make, g++) against OpenSSL (libssl-dev, pkg-config).
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ libssl-dev make pkg-config \
 && rm -rf /var/lib/apt/lists/*
# What is compiled, said once for two stages. `kafka-tls`: Kafka over TLS and SASL. `s3`: model versions in a
# bucket.
ENV BUILD="cargo build --profile dist --locked \
  -p producer-emulator -p crawler -p data-loader -p model-prepare -p model-application \
  --features producer-emulator/kafka-tls,crawler/kafka-tls,data-loader/kafka-tls,model-application/kafka-tls,model-application/s3,model-prepare/s3"
WORKDIR /src

# The workspace with every source emptied: the same whenever manifests and lock file are the same,
# however the code changes. A new crate needs no line here.
FROM toolchain AS manifests
COPY . .
RUN find . -type f \
      ! -name Cargo.toml ! -name Cargo.lock ! -path './.cargo/*' \
      ! -path '*/src/lib.rs' ! -path '*/src/main.rs' ! -path '*/src/bin/*.rs' ! -name build.rs \
      ! -path '*/benches/*.rs' ! -path '*/examples/*.rs' \
      -delete \
 && find . -name '*.rs' | while read -r file; do echo 'fn main() {}' >"$file"; done \
 && find . -type d -empty -delete

# The dependencies, in a layer of their own.
FROM toolchain AS dependencies
COPY --from=manifests /src .
RUN $BUILD

# The services. Files keep their times when copied: without `touch`, cargo would take the emptied
# sources above, which are newer, for the current ones.
FROM dependencies AS builder
COPY . .
# What `--version` prints; git's files are not copied.
ARG HEDONIC_COMMIT=
RUN find . -name '*.rs' -not -path './target/*' -exec touch {} + \
 && $BUILD \
 && mkdir /programs \
 && find target/dist -maxdepth 1 -type f -executable -exec cp {} /programs/ \;

# What the services stand on: no compiler, no shell tools beyond the base, not root.
FROM ${BASE_IMAGE} AS service
ARG VERSION=local
ARG REVISION=unknown
LABEL org.opencontainers.image.title=hedonic \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION}
# libssl3: Kafka over TLS; ca-certificates: whom it trusts unless told otherwise.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libssl3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/lib/dpkg/*-old \
 && groupadd --gid 10001 hedonic \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
      --shell /usr/sbin/nologin hedonic \
 # A new volume takes over the owner of the directory it is mounted on.
 && install -d -o hedonic -g hedonic /var/lib/hedonic/models
# Other containers reach the HTTP interfaces only where these do not listen on loopback alone.
ENV HEDONIC__REGISTRY__PATH=/var/lib/hedonic/models \
    HEDONIC__EMULATOR__HTTP=0.0.0.0:8081 \
    HEDONIC__LOADER__HTTP=0.0.0.0:8082 \
    HEDONIC__APPLIER__HTTP=0.0.0.0:8083 \
    HEDONIC__PREPARE__HTTP=0.0.0.0:8084 \
    HEDONIC__CRAWLER__HTTP=0.0.0.0:8086
USER 10001:10001
STOPSIGNAL SIGTERM

FROM service AS producer-emulator
COPY --from=builder /programs/producer-emulator /usr/local/bin/
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["/usr/local/bin/producer-emulator", "--healthcheck"]
ENTRYPOINT ["/usr/local/bin/producer-emulator"]

FROM service AS crawler
COPY --from=builder /programs/crawler /usr/local/bin/
EXPOSE 8086
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["/usr/local/bin/crawler", "--healthcheck"]
ENTRYPOINT ["/usr/local/bin/crawler"]

FROM service AS data-loader
COPY --from=builder /programs/data-loader /usr/local/bin/
EXPOSE 8082
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["/usr/local/bin/data-loader", "--healthcheck"]
ENTRYPOINT ["/usr/local/bin/data-loader"]

# Fits a model and leaves; with watch, --cron or --http it stays and serves on 8084.
FROM service AS model-prepare
COPY --from=builder /programs/model-prepare /usr/local/bin/
EXPOSE 8084
ENTRYPOINT ["/usr/local/bin/model-prepare"]

FROM service AS model-application
COPY --from=builder /programs/model-application /usr/local/bin/
EXPOSE 8083
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["/usr/local/bin/model-application", "--healthcheck"]
ENTRYPOINT ["/usr/local/bin/model-application"]
