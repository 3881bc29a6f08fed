# An image that holds postern-milter, for containers that are built on top of it:
#   docker build --tag postern-milter --file packaging/milter.Dockerfile .
ARG BASE=debian:bookworm-slim
FROM ${BASE} AS build
RUN apt-get update \
	&& DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
		build-essential cmake ninja-build pkg-config libyaml-dev libjansson-dev libssl-dev \
		libconfuse-dev libopendkim-dev libmilter-dev libcrypt-dev libidn2-dev libldns-dev \
		libmicrohttpd-dev
COPY . /source
RUN cmake -S /source -B /build -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPOSTERN_TESTS=OFF \
		-DPOSTERN_WERROR=OFF \
	&& ninja -C /build postern-milter

FROM scratch
COPY --from=build /build/milter/postern-milter /usr/sbin/
