# Certificates: a CA of the lab's own, which every node trusts and nothing outside does.
# shellcheck shell=bash disable=SC2154

certificate_authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
		-subj '/CN=Postern lab CA' -keyout "$lab_dir/ca.key" -out "$lab_dir/ca.crt" 2>/dev/null
}

# certificate_trust FOLDER: makes the CA the only one there.
certificate_trust() {
	cp "$lab_dir/ca.crt" "$1/ca-certificates.crt"
	cp "$lab_dir/ca.crt" "$1/$(openssl x509 -in "$lab_dir/ca.crt" -noout -hash).0"
}

# certificate_make HOST CERTIFICATE KEY: a certificate for a host name or an address.
certificate_make() {
	local name=DNS:$1
	[[ ! $1 =~ ^[0-9.]+$ && $1 != *:* ]] || name=IP:$1
	mkdir -p "$(dirname "$2")" "$(dirname "$3")"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
		-CA "$lab_dir/ca.crt" -CAkey "$lab_dir/ca.key" -subj "/CN=${1:0:64}" \
		-addext "subjectAltName=$name" -addext basicConstraints=critical,CA:FALSE \
		-keyout "$3" -out "$2" 2>/dev/null
	chmod 0600 "$3"
}
