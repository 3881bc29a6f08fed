# Dockerfile of {{node}}, made by postern-confgen from {{topology}}.
# Caddy passes TCP on with its module layer4, which no official image has.
FROM docker.io/library/caddy:2-builder AS builder
RUN xcaddy build --with github.com/mholt/caddy-l4

FROM docker.io/library/caddy:2
COPY --from=builder /usr/bin/caddy /usr/bin/caddy
CMD ["caddy", "run", "--config", "/etc/caddy/caddy.json"]
