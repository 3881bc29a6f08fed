# postern-gate for containers: a program that needs the C library alone, Debian 12's or a later one.
#   docker build --tag postern-gate --file packaging/gate.Dockerfile .
#   docker build --output FOLDER --file packaging/gate.Dockerfile .     # the program, in a folder
ARG BASE=debian:bookworm-slim
FROM ${BASE} AS build
RUN apt-get update \
	&& DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
		build-essential cmake ninja-build pkg-config libyaml-dev libjansson-dev libssl-dev \
		libconfuse-dev libopendkim-dev libmilter-dev libcrypt-dev libidn2-dev libldns-dev \
		libmicrohttpd-dev
COPY . /source
RUN cmake -S /source -B /build -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPOSTERN_TESTS=OFF \
		-DPOSTERN_WERROR=OFF -DPOSTERN_GATE_ALONE=ON \
	&& ninja -C /build postern-gate

FROM scratch
COPY --from=build /build/gate/postern-gate /postern-gate
