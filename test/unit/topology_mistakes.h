/*
 * A sound topology, and what mistakes make of it: tables for topology_errors.c alone.
 *
 * Each case edits the sound one. In the new text a '^' stands before every place where something
 * must be reported, two where two things must; the case names the rules in the order of the places.
 */
#ifndef POSTERN_TOPOLOGY_MISTAKES_H
#define POSTERN_TOPOLOGY_MISTAKES_H

static const char sound[] =
	"postern: 1\n"
	"domains:\n"
	"  example.com: {mailboxes: private}\n"
	"networks: {vpn: 10.0.0.0/24}\n"
	"nodes:\n"
	"  public:\n"
	"    kind: postfix\n"
	"    hostname: mail.example.com\n"
	"    addresses: {internet: 11.22.33.44, vpn: 10.0.0.2}\n"
	"    tls: {certificate: /etc/cert.pem, key: /etc/key.pem}\n"
	"  private:\n"
	"    kind: dms\n"
	"    hostname: home.example.com\n"
	"    addresses: {vpn: 10.0.0.3}\n"
	"links:\n"
	"  - {between: [public, private], over: vpn}\n"
	"routes:\n"
	"  - {name: in, to: [example.com], path: [internet, public, private]}\n"
	"  - {name: out, from: [example.com], path: [private, public, internet]}\n";

struct edit {
	const char *from, *to; /* applied to what the edit before gave */
};

struct mistake {
	const char *rules; /* separated by spaces */
	struct edit edits[8];
};

/* clang-format off */
#define DOMAIN(keys)  {"{mailboxes: private}", "{mailboxes: private, " keys "}"}
#define NETWORKS(map) {"{vpn: 10.0.0.0/24}", map}
#define PUBLIC(key)   {"    tls:", "    " key "\n    tls:"}
#define PRIVATE(key)  {"kind: dms", "kind: dms\n    " key}
#define NODE(text)    {"links:\n", "  " text "\nlinks:\n"}
#define LINK(keys)    {"over: vpn}", "over: vpn, " keys "}"}
#define LINKS(item)   {"routes:\n", "  - " item "\nroutes:\n"}
#define ROUTE(item)   {"  - {name: out,", "  - " item "\n  - {name: out,"}
#define LAST(text)    {"public, internet]}\n", "public, internet]}\n" text}
#define TEST(item)    LAST("tests:\n  - " item "\n")
#define BARE(keys)    {"{name: in, to: [example.com], path: [internet, public, private]}", keys}

/* Further nodes, with what makes them fit in. */
#define MX2 "mx2: {kind: postfix, hostname: mx2.example.net, " \
	    "addresses: {internet: 11.22.33.55, vpn: 10.0.0.4}}"
#define OFFICE "office: {kind: dms, hostname: office.example.org, addresses: {vpn: 10.0.0.5}}"
#define MX2_LINK "{between: [mx2, private], over: vpn}"
#define OFFICE_LINK "{between: [public, office], over: vpn}"
#define HUB_LINK "{between: [public, mx2], over: vpn}"
#define SMARTHOST(keys) NODE("provider: {kind: smarthost, " keys "}")
#define BY_SMARTHOST {"public, internet]}", "public, provider]}"}
#define SECOND_DOMAIN {"  example.com: {mailboxes: private}\n", \
		       "  example.com: {mailboxes: private}\n  example.org: {mailboxes: private}\n"}, \
		      {"to: [example.com]", "to: [example.com, example.org]"}
#define SHA256 "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"
#define LOGIN "{username: u, password: {file: closed}}"
#define BOX_LOGIN "{username: u@example.com, password: {file: closed}}"

static const struct mistake keys[] = {
	/* unknown-key: at every level */
	{"unknown-key", {{"domains:\n", "^domian: {}\ndomains:\n"}}},
	{"unknown-key", {DOMAIN("^mailbox: x")}},
	{"unknown-key", {DOMAIN("dkim: {sign_at: private, selector: a, ^keyfile: /k}")}},
	{"unknown-key", {NETWORKS("{vpn: {cidrs: 10.0.0.0/24, ^mtu: 1400}}")}},
	{"unknown-key", {PRIVATE("^kinds: dms")}},
	{"unknown-key", {{"vpn: 10.0.0.3", "vpn: {addresses: 10.0.0.3, ^mac: x}"}}},
	{"unknown-key", {{"/etc/key.pem", "/etc/key.pem, ^ca: /etc/ca.pem"}}},
	{"unknown-key", {PRIVATE("postfix: {version: \"3.7\", ^release: 1}")}},
	{"unknown-key", {SMARTHOST("host: a.example, credentials: {username: u, ^user: v, "
				   "password: {file: closed}}"), BY_SMARTHOST}},
	{"unknown-key", {SMARTHOST("host: a.example, credentials: {username: u, "
				   "password: {file: closed, ^path: x}}"), BY_SMARTHOST}},
	{"unknown-key", {LINK("^network: vpn")}},
	{"unknown-key", {LINK("trust: sasl, credentials: {public: " LOGIN ", "
			      "private: {username: v@example.com, ^pass: x, password: {file: closed}}}")}},
	{"unknown-key", {{"{name: in,", "{name: in, ^names: x,"}}},
	{"unknown-key", {TEST("{name: t, at: public, client: 1.2.3.4, to: a@b.c, ^x: 1, "
			      "expect: relayed}")}},
	{"unknown-key", {TEST("{name: t, at: public, client: 1.2.3.4, to: a@b.c, "
			      "expect: {^delivered: private}}")}},

	/* missing-key */
	{"missing-key", {{"postern: 1\ndomains", "^domains"}}},
	{"missing-key", {{"{mailboxes: private}", "^{}"}}},
	{"missing-key missing-key", {DOMAIN("dkim: ^^{key: /k}")}},
	{"missing-key", {DOMAIN("dkim: ^{sign_at: private, keys: []}")}},
	{"missing-key", {DOMAIN("dkim: {sign_at: private, keys: [^{key: /k}]}")}},
	{"unknown-key", {DOMAIN("dkim: {sign_at: private, keys: [{selector: a, ^path: /k}]}")}},
	{"missing-key wrong-type", {DOMAIN("dkim: ^{sign_at: private, keys: ^a}")}},
	{"missing-key", {NETWORKS("{vpn: 10.0.0.0/24, lan: ^{}}")}},
	{"missing-key", {{"kind: dms\n    hostname", "^hostname"}}},
	{"missing-key", {{"kind: postfix\n    hostname: mail.example.com", "^kind: postfix"}}},
	{"missing-key",
	 {{"kind: dms", "^kind: dms"}, {"    addresses: {vpn: 10.0.0.3}\n", ""}}},
	{"missing-key", {SMARTHOST("port: 25"), BY_SMARTHOST, {": {kind: sm", ": ^{kind: sm"}}},
	{"missing-key missing-key",
	 {SMARTHOST("host: a.example, credentials: ^^{}"), BY_SMARTHOST}},
	{"missing-key", {{"{certificate: /etc/cert.pem, ", "^{"}}},
	{"missing-key", {{"{between: [public, private], over: vpn}", "^{between: [public, private]}"}}},
	{"missing-key no-link no-link",
	 {{"{between: [public, private], over: vpn}", "^{over: vpn}"},
	  {"[internet, public, private]", "[internet, public, ^private]"},
	  {"[private, public, internet]", "[private, ^public, internet]"}}},
	{"missing-key", {{"{name: in, to", "^{to"}}},
	{"missing-key", {BARE("^{name: in, to: [example.com]}")}},
	{"missing-key missing-key missing-key missing-key",
	 {TEST("^^^^{at: public}")}},

	/* misplaced-key */
	{"misplaced-key", {PRIVATE("host: ^a.example")}},
	{"misplaced-key", {PRIVATE("verify: ^dkim")}},
	{"unused unused",
	 {NODE("^other: {kind: postfix, hostname: b.example, addresses: {vpn: 10.0.0.9}, verify: "
	       "^dkim}")}},
	{"misplaced-key", {PRIVATE("map_type: ^lmdb")}},
	{"misplaced-key", {PRIVATE("tls: ^{certificate: /c, key: /k}")}},
	{"misplaced-key", {PRIVATE("postmaster: ^a@example.com")}},
	{"misplaced-key", {PUBLIC("port: ^26")}},
	{"misplaced-key", {PUBLIC("tls_level: ^may")}},
	{"misplaced-key", {PUBLIC("credentials: ^" LOGIN)}},
	{"misplaced-key", {SMARTHOST("host: a.example, hostname: ^b.example"), BY_SMARTHOST}},
	{"misplaced-key", {SMARTHOST("host: a.example, message_size_limit: ^2048"), BY_SMARTHOST}},
	{"misplaced-key", {SMARTHOST("host: a.example, postfix: ^{version: \"3.7\"}"),
			   BY_SMARTHOST}},
	{"misplaced-key", {DOMAIN("dkim: {sign_at: ^internet, selector: a}")}},
	{"misplaced-key", {DOMAIN("dkim: {sign_at: private, selector: ^a, keys: [{selector: b}]}")}},
	{"misplaced-key", {DOMAIN("dkim: {sign_at: private, key: ^/k, keys: [{selector: b}]}")}},
};

static const struct mistake types[] = {
	/* texts */
	{"wrong-type", {{"hostname: home.example.com", "hostname: ^[home.example.com]"}}},
	{"wrong-type", {{"hostname: home.example.com", "hostname: ^{a: b}"}}},
	{"wrong-type", {{"hostname: home.example.com", "hostname:^"}}},
	{"wrong-type", {{"hostname: home.example.com", "hostname: ^''"}}},
	{"wrong-type", {{"hostname: home.example.com", "hostname: ^~"}}},
	/* numbers */
	{"wrong-type", {PUBLIC("message_size_limit: ^big")}},
	{"wrong-type", {PUBLIC("message_size_limit: ^\"2048\"")}},
	{"wrong-type", {PUBLIC("message_size_limit: ^-1")}},
	{"wrong-type", {PUBLIC("message_size_limit: ^0x1000")}},
	{"wrong-type", {PUBLIC("message_size_limit: ^02048")}},
	{"wrong-type", {PUBLIC("message_size_limit: ^2048.0")}},
	{"wrong-type", {PUBLIC("message_size_limit: ^99999999999999999999999")}},
	{"wrong-type", {PUBLIC("message_size_limit: ^[2048]")}},
	{"bad-value", {PUBLIC("message_size_limit: ^1023")}},
	{"bad-value", {PUBLIC("message_size_limit: ^2147483648")}},
	{"bad-value", {SMARTHOST("host: a.example, port: ^0"), BY_SMARTHOST}},
	{"bad-value", {SMARTHOST("host: a.example, port: ^65536"), BY_SMARTHOST}},
	/* words */
	{"wrong-type", {PUBLIC("map_type: ^[hash]")}},
	{"bad-value", {PUBLIC("map_type: ^HASH")}},
	{"bad-value", {LINK("trust: ^adress")}},
	{"bad-value", {LINK("tls: ^starttls")}},
	/* lists of texts; one text is a list of one */
	{"", {{"to: [example.com]", "to: example.com"}}},
	{"route-shape wrong-type", {{"{name: in, to: [example.com]", "^{name: in, to: ^{a: b}"}}},
	{"wrong-type", {DOMAIN("recipients: ^[]")}},
	{"wrong-type", {DOMAIN("recipients: ^~")}},
	{"wrong-type", {DOMAIN("recipients: [^[a@example.com]]")}},
	{"wrong-type", {DOMAIN("recipients: [a@example.com, ^~]")}},
	/* networks */
	{"wrong-type", {NETWORKS("{vpn: 10.0.0.0/24, lan: ^[]}")}},
	{"wrong-type", {NETWORKS("{vpn: [10.0.0.0/24, ^[192.0.2.0/24]]}")}},
	{"bad-value", {NETWORKS("{vpn: [10.0.0.0/24, ^lan]}")}},
	{"bad-value", {NETWORKS("{vpn: [10.0.0.0/24, ^10.1.0.1/24]}")}},
	{"bad-value", {NETWORKS("{vpn: [10.0.0.0/24, ^10.1.0.0/33]}")}},
	{"bad-value", {NETWORKS("{vpn: [10.0.0.0/24, ^\"fd00::1/64\"]}")}},
	/* addresses */
	{"wrong-type", {{"vpn: 10.0.0.3", "vpn: [10.0.0.3, ^{a: b}]"}}},
	{"missing-key", {{"vpn: 10.0.0.3", "vpn: ^{}"}}},
	{"bad-value", {{"vpn: 10.0.0.3", "vpn: [10.0.0.3, ^10.0.0.4/24]"}}},
	{"bad-value", {{"vpn: 10.0.0.3", "vpn: [10.0.0.3, ^127.0.0.1]"}}},
	{"bad-value", {{"vpn: 10.0.0.3", "vpn: [10.0.0.3, ^\"::\"]"}}},
	{"bad-value", {{"vpn: 10.0.0.3", "vpn: [10.0.0.3, ^224.0.0.1]"}}},
	{"bad-value", {{"vpn: 10.0.0.3", "vpn: [10.0.0.3, ^10.0.0.256]"}}},
	/* mappings, maps of names, lists of mappings */
	{"wrong-type", {{"tls: {certificate: /etc/cert.pem, key: /etc/key.pem}", "tls: ^/etc/x"}}},
	{"wrong-type", {DOMAIN("dkim: ^[]")}},
	{"wrong-type unknown-name unknown-name",
	 {{"  example.com: {mailboxes: private}", "  ^[example.com]"},
	  {"to: [example.com]", "to: [^example.com]"},
	  {"from: [example.com]", "from: [^example.com]"}}},
	{"wrong-type", {{"  example.com: {mailboxes: private}", "  example.com: ^private"}}},
	{"wrong-type", {LAST("tests: ^{}\n")}},
	{"wrong-type", {LAST("tests: ^x\n")}},
	{"wrong-type", {LAST("tests: [^x]\n")}},
	{"bad-value", {LAST("tests: [{name: t, at: public, client: 1.2.3.4, to: a@b.c, "
			    "expect: ^delighted}]\n")}},
	{"wrong-type", {{sound, "^[1, 2]\n"}}},
	{"wrong-type", {{sound, "^text\n"}}},
};

static const struct mistake values[] = {
	{"language-version", {{"postern: 1", "postern: ^2"}}},
	{"bad-value", {{"postern: 1", "postern: ^0"}}},
	{"wrong-type", {{"postern: 1", "postern: ^1.0"}}},

	/* names */
	{"bad-value unused", {NODE("^^\"a b\": {kind: smarthost, host: a.example}")}},
	{"bad-value", {NETWORKS("{vpn: 10.0.0.0/24, ^../lan: 192.168.0.0/24}")}},
	{"bad-value", {NETWORKS("{vpn: 10.0.0.0/24, ^-lan: 192.168.0.0/24}")}},
	{"bad-value", {NETWORKS("{vpn: 10.0.0.0/24, "
				"^a23456789012345678901234567890123: 192.168.0.0/24}")}},
	/* domains and host names */
	{"bad-value", {{"home.example.com", "^home"}}},
	{"bad-value", {{"home.example.com", "^home..example.com"}}},
	{"bad-value", {{"home.example.com", "^home.example.com."}}},
	{"bad-value", {{"home.example.com", "^home-.example.com"}}},
	{"bad-value", {{"home.example.com", "^h\xc3\xb6me.example.com"}}},
	{"bad-value", {{"home.example.com", "^10.0.0.3"}}},
	{"bad-value", {{"home.example.com", "^localhost.localdomain"}}},
	{"bad-value", {{"home.example.com", "^$home.example.com"}}},
	{"bad-value", {SMARTHOST("host: ^\"[a.example]\""), BY_SMARTHOST}},
	{"bad-value", {SMARTHOST("host: a.example, port: 465, tls_mode: ^starttls"), BY_SMARTHOST}},
	{"", {SMARTHOST("host: a.example, port: 465"), BY_SMARTHOST}},
	{"bad-value",
	 {SMARTHOST("host: a.example, tls_mode: wrapper, tls_level: ^may"), BY_SMARTHOST}},
	{"listed-twice", {{"{name: out,", "{name: ^In,"}}},
	/* what DNS is to say */
	{"bad-value", {DOMAIN("dns: {dmarc: ^strict}")}},
	{"bad-value", {DOMAIN("dns: {dmarc_rua: ^nobody}")}},
	{"bad-value", {DOMAIN("dns: {spf_include: [a.example, ^b..example]}")}},
	{"bad-value", {DOMAIN("dns: {spf_include: [a1.b, a2.b, a3.b, a4.b, a5.b, a6.b, a7.b, a8.b, a9.b, ^a10.b]}")}},
	{"misplaced-key", {DOMAIN("dns: {mta_sts_host: ^www.example.com}")}},
	{"", {DOMAIN("dns: {mta_sts_host: www.example.com, mta_sts: testing}")}},
	{"no-certificate", {DOMAIN("dns: {mta_sts: ^enforce}"),
			    {"    tls: {certificate: /etc/cert.pem, key: /etc/key.pem}\n", ""}}},
	{"", {DOMAIN("dns: {mta_sts: enforce, tls_rpt: t@example.com, dmarc: reject}")}},
	{"bad-value", {PUBLIC("tlsa: ^AB:CD")}},
	{"misplaced-key", {PUBLIC("spf_include: ^a.example")}},
	{"misplaced-key", {SMARTHOST("host: a.example, tlsa: ^" SHA256), BY_SMARTHOST}},
	{"bad-value", {DOMAIN("dkim: {sign_at: private, selector: a, type: ^rsa}")}},
	{"bad-value", {{"routes:\n", "dns: {ttl: ^10}\nroutes:\n"}}},
	{"bad-value", {{"routes:\n", "dns: {nameservers: ^ns1}\nroutes:\n"}}},
	/* egress: not the node's, on the wrong thing, without any word */
	{"egress", {PUBLIC("egress: {ipv4: ^11.22.33.45}")}},
	{"egress", {PRIVATE("egress: {ipv4: ^11.22.33.44}")}},
	{"egress", {PUBLIC("egress: {ipv6: '^2001:db8::1'}"), {"'^", "^'"}}},
	{"egress", {{"internet: 11.22.33.44,", "internet: [11.22.33.44, '2001:db8::1'],"},
		    PUBLIC("egress: {ipv4: 11.22.33.44, ipv6: ^'2001:db8::1'}\n"
			   "    extra: {inet_protocols: ipv4}")}},
	/* subdomain-way: where nothing but the way itself keeps a sub-domain off the wrong one */
	{"subdomain-way", {SMARTHOST("host: a.example"), SECOND_DOMAIN,
			   {"  example.org:", "  ^example.org:"},
			   {"path: [private, public, internet]", "path: [private, internet]"}, {"{vpn: 10.0.0.3}", "{vpn: 10.0.0.3, internet: 11.22.33.55}"},
			   ROUTE("{name: o, from: [example.org], path: [private, provider]}")}},
	{"", {SMARTHOST("host: a.example"), SECOND_DOMAIN,
	      ROUTE("{name: o, from: [example.org], path: [private, public, provider]}")}},

	/* egress-not-enforced: a release that sends unbound when it cannot bind */
	{"egress-not-enforced", {PUBLIC("egress: {ipv4: 11.22.33.44}\n"
					"    postfix: {version: ^\"3.5\"}")}},
	{"egress-not-enforced", {{"path: [private, public, internet]",
				  "egress: {ipv4: 11.22.33.44}, path: [private, public, internet]"},
				 PUBLIC("postfix: {version: ^\"3.6\"}")}},
	{"egress-not-enforced", {LINK("egress: {public: {ipv4: 10.0.0.2}}"),
				 PUBLIC("postfix: {version: ^\"3.5\"}")}},
	{"egress-not-enforced", {PRIVATE("egress: {ipv4: 10.0.0.3}\n"
					 "    postfix: {version: ^\"3.5\"}")}},
	{"", {PUBLIC("egress: {helo: out.example.com}\n    postfix: {version: \"3.5\"}")}},
	{"", {PUBLIC("egress: {ipv4: 11.22.33.44}\n    postfix: {version: \"3.7\"}")}},
	{"", {PUBLIC("postfix: {version: \"3.5\"}")}},

	{"egress", {PUBLIC("egress: {ipv4: ^11.22.33.44}\n    extra: {inet_protocols: ipv6}")}},
	{"", {PUBLIC("egress: {ipv4: 11.22.33.44}\n    extra: {inet_protocols: 'ipv6, ipv4'}")}},
	{"", {PUBLIC("egress: {ipv4: 11.22.33.44}\n    extra: {inet_protocols: all}")}},
	{"", {PUBLIC("egress: {ipv4: 11.22.33.44}\n    extra: {inet_protocols: ''}")}},
	{"egress", {PUBLIC("egress: ^{}")}},
	{"bad-value", {PUBLIC("egress: {ipv4: ^2001:db8::1}")}},
	{"egress", {LINK("egress: {^private: {ipv4: 10.0.0.3}}")}},
	{"egress", {LINK("egress: {public: {ipv4: ^10.0.0.3}}")}},
	{"egress", {{"path: [internet, public, private]", "path: [internet, public, private], "
		     "egress: ^{ipv4: 11.22.33.44}"}}},
	{"egress", {{"path: [private, public, internet]", "path: [private, public, internet], "
		     "egress: {ipv4: ^10.0.0.2}"}}},
	{"egress-one-family", {{"internet: 11.22.33.44,", "internet: [11.22.33.44, '2001:db8::1'],"},
			       PUBLIC("egress: ^{ipv4: 11.22.33.44}")}},
	{"", {PUBLIC("egress: {ipv4: 11.22.33.44, helo: out.example.com}")}},
	/* providers */
	{"", {SMARTHOST("provider: ses, region: eu-west-1, credentials: " LOGIN), BY_SMARTHOST}},
	{"missing-key", {SMARTHOST("provider: ^ses, credentials: " LOGIN), BY_SMARTHOST}},
	{"misplaced-key", {SMARTHOST("provider: gmail, region: ^eu, credentials: " LOGIN), BY_SMARTHOST}},
	{"credentials", {SMARTHOST("provider: ^gmail"), BY_SMARTHOST}},
	/* lists in files: not there, empty, with a wrong line (which is in another file) */
	{"list-file", {DOMAIN("recipients_file: ^missing")}},
	{"list-file", {{"networks:", "domain_sets:\n  many: {file: ^missing, mailboxes: private}\nnetworks:"}}},
	{"bad-value", {DOMAIN("dkim: {sign_at: private, selector: ^a b}")}},
	{"bad-value", {DOMAIN("dkim: {sign_at: private, keys: [{selector: ^a b}]}")}},
	{"bad-value", {DOMAIN("dkim: {sign_at: private, keys: [{selector: a, key: ^k}]}")}},
	{"bad-value", {DOMAIN("dkim: {sign_at: private, keys: [{selector: a, "
			      "active_from: ^2026-02-30}]}")}},
	{"bad-value", {DOMAIN("dkim: {sign_at: private, keys: [{selector: a, "
			      "retire_after: ^'2026-12-01T06:00:00Z '}]}")}},
	{"bad-value", {DOMAIN("dkim: {sign_at: private, keys: [{selector: a, "
			      "active_from: 2026-12-01, retire_after: ^2026-12-01}]}")}},
	{"bad-value", {DOMAIN("dkim: {sign_at: private, keys: [{selector: a, active_from: "
			      "2026-12-01, retire_after: ^\"2026-12-01T00:30:00+01:00\"}]}")}},
	/* paths: absolute, and nothing that Postfix or a shell would read more into */
	{"bad-value", {{"/etc/cert.pem", "^etc/cert.pem"}}},
	{"bad-value", {{"/etc/cert.pem", "^/etc/../cert.pem"}}},
	{"bad-value", {{"/etc/cert.pem", "^\"/etc/a b\""}}},
	{"bad-value", {{"/etc/cert.pem", "^/etc/$cert"}}},
	{"bad-value", {DOMAIN("dkim: {sign_at: private, selector: a, key: ^'/k\"x'}")}},
	/* mailboxes */
	{"bad-value", {DOMAIN("recipients: [^nobody]")}},
	{"bad-value", {DOMAIN("recipients: [^a..b@example.com]")}},
	{"bad-value", {DOMAIN("recipients: [^\"'a b'@example.com\"]")}},
	{"bad-value", {DOMAIN("recipients: [^user@example.org]")}},
	{"bad-value", {PUBLIC("postmaster: ^root")}},
	{"bad-value", {PUBLIC("postmaster: ^admin@MAIL.example.com")}},
	/* what would be a comment, a parameter or the end of a table */
	{"bad-value", {DOMAIN("recipients: [^'#a@example.com']")}},
	{"bad-value", {DOMAIN("recipients: [^$mynetworks@example.com]")}},
	{"bad-value", {DOMAIN("recipients: [^a=b@example.com]")}},
	{"bad-value bad-value", {DOMAIN("recipients: [^\"{a@example.com\", ^\"}a@example.com\"]")}},
	{"", {DOMAIN("recipients: [a+b@example.com, o'neil@example.com, \"a/b&c@example.com\"]")}},
	{"bad-value", {DOMAIN("dkim: {sign_at: private, selector: a, subdomains: ^example.org}")}},
	{"bad-value",
	 {DOMAIN("dkim: {sign_at: private, selector: a, subdomains: ^anexample.com}")}},
	/* Postfix releases */
	{"bad-value", {PUBLIC("postfix: {version: ^\"3.4\"}")}},
	{"bad-value", {PUBLIC("postfix: {version: ^3}")}},
	{"bad-value", {PUBLIC("postfix: {version: ^3.7.11}")}},
	{"bad-value", {PUBLIC("postfix: {version: ^\"3.11\"}")}},
	{"bad-value", {PUBLIC("postfix: {version: ^\"3.50\"}")}},
	{"bad-value", {PUBLIC("postfix: {version: ^\"3.07\"}")}},
	{"", {PUBLIC("postfix: {version: \"3.5\"}")}},
	{"", {PUBLIC("postfix: {version: \"3.10\"}")}},
	/* logins */
	{"bad-value", {SMARTHOST("host: a.example, credentials: {username: ^\"a:b\", "
				 "password: {file: closed}}"), BY_SMARTHOST}},
	{"bad-value", {SMARTHOST("host: a.example, credentials: {username: ^\"a b\", "
				 "password: {file: closed}}"), BY_SMARTHOST}},
	{"bad-value", {SMARTHOST("host: a.example, credentials: {username: u, "
				 "password: {env: ^A-B}}"), BY_SMARTHOST}},
	/* tests */
	{"bad-value", {TEST("{name: t, at: public, client: ^here, to: a@b.c, expect: relayed}")}},
	{"bad-value bad-value",
	 {TEST("{name: t, at: public, client: 1.2.3.4, from: ^x, to: ^<>, expect: relayed}")}},

	{"missing-key", {TEST("{name: t, at: public, client: 1.2.3.4, to: a@b.c, expect: ^{}}")}},
	{"", {TEST("{name: t, at: public, client: 1.2.3.4, to: a@b.c, expect: {code: 550}}")}},
	{"", {TEST("{name: t, at: \"public:25\", client: local, to: a@b.c, helo: \"[1.2.3.4]\", "
		   "expect: {relayed_to: internet, signed_by: none}}")}},
	{"bad-value bad-value bad-value",
	 {TEST("{name: t, at: ^\"public:\", client: 1.2.3.4, to: a@b.c, helo: ^\"[x]\", "
	       "expect: {signed_by: ^a b}}")}},
	{"test", {TEST("{name: t, at: ^internet, client: 1.2.3.4, to: a@b.c, expect: any}")}},
	{"test", {TEST("{name: t, at: ^\"public:imap\", client: 1.2.3.4, to: a@b.c, expect: any}")}},
	{"test test", {TEST("{name: t, at: public, client: local, auth: ^u, claims: ^1.2.3.5, "
			    "to: a@b.c, expect: any}")}},
	{"test", {TEST("{name: t, at: public, client: 1.2.3.4, to: a@b.c, "
		       "expect: {delivered_at: ^public}}")}},
	{"test", {TEST("{name: t, at: public, client: 1.2.3.4, to: a@b.c, "
		       "expect: {relayed_to: ^private}}")}},
	{"test", {TEST("{name: t, at: public, client: 1.2.3.4, to: a@b.c, "
		       "expect: {verdict: ^rejected, delivered_at: private}}")}},
	{"test", {TEST("{name: t, at: public, client: 1.2.3.4, to: a@b.c, "
		       "expect: {verdict: ^rejected, code: 450}}")}},
	{"test", {TEST("{name: t, at: public, client: 1.2.3.4, to: a@b.c, "
		       "expect: {code: 550, signed_by: ^example.com}}")}},
	{"test", {TEST("{name: t, at: public, client: 1.2.3.4, to: a@b.c, "
		       "expect: {via: [public, ^internet]}}")}},
	{"listed-twice", {TEST("{name: t, at: public, client: 1.2.3.4, to: a@b.c, expect: any}\n"
			       "  - {name: ^t, at: public, client: 1.2.3.4, to: a@b.c, "
			       "expect: any}")}},

	/* unknown-name */
	{"unknown-name", {{"mailboxes: private", "mailboxes: ^privat"}}},
	{"unknown-name", {DOMAIN("dkim: {sign_at: ^publik, selector: a}")}},
	/* what a set shares is told once, not for each of its domains */
	{"listed-twice", {{"networks:", "domain_sets:\n  many: {file: many.domains, mailboxes: private, "
			   "dkim: {sign_at: private, keys: [{selector: a}, {selector: ^a}]}}\nnetworks:"},
			  {"to: [example.com]", "to: [example.com, many]"},
			  {"from: [example.com]", "from: [example.com, many]"}}},
	{"listed-twice", {DOMAIN("dkim: {sign_at: private, keys: [{selector: a}, {selector: b}, "
				 "{selector: ^A}]}")}},
	{"unknown-name", {LINKS("{between: [public, ^home], over: vpn}")}},
	{"unknown-name no-shared-network no-shared-network", {{"over: vpn", "over: ^^^wan"}}},
	{"unknown-name", {{"{vpn: 10.0.0.3}", "{vpn: 10.0.0.3, ^wan: 10.9.9.9}"}}},
	{"unknown-name", {{"to: [example.com]", "to: [example.com, ^example.org]"}}},
	{"unknown-name", {{"[internet, public, private]", "[internet, ^publik, private]"}}},
	{"unknown-name unknown-name unknown-name",
	 {TEST("{name: t, at: ^mx, client: 1.2.3.4, to: a@b.c, "
	       "expect: {delivered_at: ^home, via: [public, ^mx]}}")}},
	{"unknown-name", {LINK("trust: sasl, credentials: {public: " LOGIN ", private: " BOX_LOGIN
			       ", ^home: " LOGIN "}")}},

	/* reserved-name */
	{"reserved-name", {NETWORKS("{vpn: 10.0.0.0/24, ^internet: 192.168.0.0/24}")}},
	{"reserved-name unused", {NODE("^^Readme: {kind: smarthost, host: a.example}")}},
	{"reserved-name unused", {NODE("^^internet: {kind: smarthost, host: a.example}")}},

	/* listed-twice */
	{"listed-twice domain-undelivered no-way-out",
	 {{"  example.com: {mailboxes: private}\n",
	   "  example.com: {mailboxes: private}\n  ^^^Example.COM: {mailboxes: private}\n"}}},
	{"listed-twice", {DOMAIN("recipients: [a@example.com, b@example.com, ^A@example.com]")}},
	{"listed-twice", {{"to: [example.com]", "to: [example.com, ^Example.com]"}}},
	{"listed-twice", {NETWORKS("{vpn: 10.0.0.0/24, a_b: 192.168.0.0/24, "
				   "^A-b: 192.168.1.0/24}")}},
	{"listed-twice unused", {NODE("^^Public: {kind: smarthost, host: a.example}")}},
};

static const struct mistake nodes[] = {
	{"outside-network", {{"vpn: 10.0.0.3", "vpn: ^10.0.1.3"}}},
	{"outside-network", {{"vpn: 10.0.0.3", "vpn: [10.0.0.3, ^\"fd00::3\"]"}}},
	{"address-twice", {{"vpn: 10.0.0.3", "vpn: ^10.0.0.2"}}},
	{"address-twice", {{"vpn: 10.0.0.3", "vpn: [10.0.0.3, ^\"::ffff:10.0.0.2\"]"}}},
	{"networks-overlap", {NETWORKS("{vpn: 10.0.0.0/24, lan: ^10.0.0.128/25}")}},
	{"networks-overlap", {NETWORKS("{vpn: 10.0.0.0/24, lan: [192.168.0.0/24, ^10.0.0.0/8]}")}},
	{"hostname-twice", {{"home.example.com", "^MAIL.example.com"}}},
	{"hostname-is-domain", {{"hostname: mail.example.com", "hostname: ^Example.com"}}},
	{"", {{"hostname: home.example.com", "hostname: example.com"}}}, /* there mailboxes are */
	{"no-way-out misplaced-key domain-undelivered",
	 {{"example.com: {mailboxes: private", "^example.com: {mailboxes: ^public"},
	  {"to: [example.com]", "to: [^example.com]"}}},
	{"unused", {NODE("^" MX2)}},
};

static const struct mistake links[] = {
	{"link-ends", {LINKS("^{between: [private], over: vpn}")}},
	{"link-ends", {NODE(MX2), LINKS("^{between: [private, public, mx2], over: vpn}"),
		       LINKS(MX2_LINK), ROUTE("{name: in2, to: example.com, path: "
					      "[internet, mx2, private]}")}},
	{"link-ends", {LINKS("^{between: [private, private], over: vpn}")}},
	{"link-ends", {LINKS("{between: [public, ^internet], over: vpn}")}},
	{"link-ends", {SMARTHOST("host: a.example"), BY_SMARTHOST,
		       LINKS("{between: [^provider, public], over: vpn}")}},
	{"link-twice", {LINKS("^{between: [private, public], over: vpn}")}},
	{"no-link", {NODE(MX2), ROUTE("{name: in2, to: example.com, path: "
				      "[internet, mx2, ^private]}")}},
	{"no-shared-network",
	 {NODE("mx2: {kind: postfix, hostname: mx2.example.net, addresses: {internet: 11.22.33.55}}"),
	  ROUTE("{name: in2, to: example.com, path: [internet, mx2, ^private]}")}},
	{"no-shared-network no-shared-network", {{"over: vpn}", "over: ^^lan}"},
		NETWORKS("{vpn: 10.0.0.0/24, lan: 192.168.0.0/24}")}},
	{"no-shared-network",
	 {NETWORKS("{vpn: [10.0.0.0/24, \"fd00::/64\"]}"),
	  {"vpn: 10.0.0.3", "vpn: \"fd00::3\""}, {"over: vpn", "over: ^vpn"}}},
	{"no-shared-network no-shared-network",
	 {{"internet: 11.22.33.44, ", ""}, {"[internet, public, private]",
					    "[internet, ^public, private]"},
	  {"public, internet]", "public, ^internet]"}}},
	{"unused unused", {NODE("^" OFFICE), LINKS("^" OFFICE_LINK)}},

	/* trust */
	{"open-relay", {LINK("trust: ^network"), NETWORKS("{vpn: [10.0.0.0/24, 203.0.113.0/24]}")}},
	{"open-relay", {{"over: vpn}", "over: internet, trust: ^network}"},
			{"{vpn: 10.0.0.3}", "{internet: 11.22.33.45}"}}},
	{"overlapping-trust",
	 {NODE(MX2), LINK("trust: ^network"), LINKS(MX2_LINK),
	  ROUTE("{name: in2, to: example.com, path: [internet, mx2, private]}")}},

	/* logins */
	{"credentials credentials", {LINK("trust: sasl"), {"  - {between", "  - ^^{between"}}},
	{"credentials", {LINK("trust: sasl, credentials: {public: " LOGIN "}"),
			 {"  - {between", "  - ^{between"}}},
	{"credentials", {LINK("credentials: {^public: " LOGIN "}")}},
	{"credentials",
	 {LINK("trust: sasl, credentials: {public: " LOGIN ", private: " BOX_LOGIN ", ^mx2: " LOGIN "}"),
	  NODE(MX2), LINKS(MX2_LINK),
	  ROUTE("{name: in2, to: example.com, path: [internet, mx2, private]}")}},
	{"unused credentials",
	 {SMARTHOST("host: a.example, credentials: " LOGIN), BY_SMARTHOST,
	  NODE("^other: {kind: smarthost, host: A.example, credentials: ^" LOGIN "}")}},
	{"credentials",
	 {LINK("trust: sasl, credentials: {public: " LOGIN ", private: " BOX_LOGIN "}"), NODE(OFFICE),
	  LINKS("{between: [public, office], over: vpn, trust: sasl, credentials: {public: "
		"{username: ^U, password: {file: closed}}}}"),
	  ROUTE("{name: x, from: example.com, path: [office, public, internet]}")}},
	{"bad-value bad-value",
	 {LINK("trust: sasl, credentials: {public: {username: ^\"#u\", password: {file: closed}}, "
	       "private: {username: ^'u\"};x{@example.com', password: {file: closed}}}")}},
	{"credentials", {LINK("trust: sasl, credentials: {public: " LOGIN ", private: "
			      "{username: ^u, password: {file: closed}}}")}},
	{"bad-value", {LINK("trust: sasl, port: ^25, credentials: {public: " LOGIN
			    ", private: " BOX_LOGIN "}")}},
	{"bad-value", {LINK("trust: sasl, port: ^465, credentials: {public: " LOGIN
			    ", private: " BOX_LOGIN "}")}},
	{"bad-value",
	 {LINK("trust: sasl, credentials: {public: " LOGIN ", private: " BOX_LOGIN "}"),
	  NODE(OFFICE),
	  LINKS("{between: [public, office], over: vpn, trust: sasl, port: ^588, credentials: "
		"{public: {username: v, password: {file: closed}}}}"),
	  ROUTE("{name: x, from: example.com, path: [office, public, internet]}")}},
	{"bad-value", {SMARTHOST("host: 192.0.2.1, tls_level: ^verify"), BY_SMARTHOST}},
	{"", {SMARTHOST("host: 192.0.2.1, tls_level: encrypt"), BY_SMARTHOST}},
	{"", {SMARTHOST("host: a.example, credentials: {username: 'DOMAIN\\\\user', "
			"password: {file: closed}}"), BY_SMARTHOST}},
	{"credentials", {SMARTHOST("host: a.example, credentials: "
				   "{username: u, password: ^{}}"), BY_SMARTHOST}},
	{"credentials", {SMARTHOST("host: a.example, credentials: "
				   "{username: u, password: ^{file: closed, env: X}}"),
			 BY_SMARTHOST}},
	{"credentials", {SMARTHOST("host: a.example, credentials: "
				   "{username: u, password: {file: ^absent}}"), BY_SMARTHOST}},
	{"", {SMARTHOST("host: a.example, credentials: "
			"{username: u, password: {env: POSTERN_NOT_SET}}"), BY_SMARTHOST}},
	{"wrong-type",
	 {SMARTHOST("host: a.example, credentials: {username: u, password: ^x}"), BY_SMARTHOST}},
	{"secret-readable", {SMARTHOST("host: a.example, credentials: "
				       "{username: u, password: {file: ^open}}"), BY_SMARTHOST}},
	{"credentials-in-clear", {LINK("trust: sasl, tls: ^may, credentials: {public: " LOGIN
				       ", private: " BOX_LOGIN "}")}},
	{"credentials-in-clear", {SMARTHOST("host: a.example, tls_level: ^none, credentials: "
					    LOGIN), BY_SMARTHOST}},
	{"no-certificate", {LINK("tls: ^encrypt"),
			    {"    tls: {certificate: /etc/cert.pem, key: /etc/key.pem}\n", ""}}},
	{"no-certificate", {LINK("trust: sasl, credentials: {public: " LOGIN ", private: " BOX_LOGIN
				 "}"), {"  - {between", "  - ^{between"},
			    {"    tls: {certificate: /etc/cert.pem, key: /etc/key.pem}\n", ""}}},
};

static const struct mistake routes[] = {
	{"route-shape", {ROUTE("^{name: x, path: [internet, public, private]}")}},
	{"route-shape", {ROUTE("^{name: x, to: example.com, from: example.com, "
			       "path: [internet, public, private]}")}},
	{"route-shape", {ROUTE("^{name: x, to: example.com, path: [private]}")}},
	{"route-shape", {ROUTE("{name: x, to: example.com, path: [^public, private]}")}},
	{"domain-delivered-twice route-shape",
	 {ROUTE("^{name: x, to: example.com, path: [internet, ^public]}")}},
	{"route-shape", {ROUTE("{name: x, from: example.com, path: [private, ^public]}")}},
	{"route-shape",
	 {SMARTHOST("host: a.example"), BY_SMARTHOST,
	  ROUTE("{name: x, from: example.com, path: [^internet, public, provider]}")}},
	{"route-shape", {SMARTHOST("host: a.example"), BY_SMARTHOST,
			 ROUTE("{name: x, from: example.com, "
			       "path: [private, public, ^provider, internet]}")}},
	{"route-conflict route-shape",
	 {NODE(OFFICE), LINKS(OFFICE_LINK), LINKS("{between: [private, office], over: vpn}"),
	  ROUTE("{name: x, to: example.com, path: [internet, ^public, ^office, private]}")}},
	{"route-loop", {NODE(MX2), LINKS(HUB_LINK),
			{"[private, public, internet]", "[private, public, mx2, ^public, internet]"}}},
	/* route-conflict */
	{"route-conflict",
	 {NODE(MX2), LINKS(HUB_LINK), LINKS(MX2_LINK),
	  ROUTE("{name: x, to: example.com, path: [internet, ^public, mx2, private]}")}},
	/* falling back: on a relay, whatever comes first, and for one domain only */
	{"", {SMARTHOST("host: a.example"),
	      LAST("  - {name: x, from: example.com, path: [private, public, provider]}\n")}},
	{"", {SMARTHOST("host: a.example"), SECOND_DOMAIN,
	      LAST("  - {name: x, from: example.org, path: [private, public, internet]}\n"
		   "  - {name: y, from: example.org, path: [private, public, provider]}\n")}},
	/* but not on the internet, */
	{"route-conflict", {SMARTHOST("host: a.example"),
			    ROUTE("{name: x, from: example.com, path: [private, public, provider]}"),
			    {"  - {name: out,", "  - ^{name: out,"}}},
	{"route-conflict", {SMARTHOST("host: a.example"),
			    LAST("  - {name: x, from: a@example.com, path: [private, public, provider]}\n"
				 "  - ^{name: y, from: a@example.com, path: [private, public, internet]}\n")}},
	/* in another TLS mode, from another address, or with the login of another relay, */
	{"route-conflict", {SMARTHOST("host: a.example"), NODE("wrapped: {kind: smarthost, host: b.example, "
							       "port: 465}"),
			    LAST("  - ^{name: x, from: example.com, path: [private, public, wrapped]}\n"),
			    BY_SMARTHOST}},
	{"route-conflict", {SMARTHOST("host: a.example"),
			    LAST("  - ^{name: x, from: example.com, path: [private, public, provider], "
				 "egress: {ipv4: 11.22.33.44}}\n")}},
	{"route-conflict",
	 {NODE(MX2), LINKS(HUB_LINK), PUBLIC("egress: {ipv4: 11.22.33.44}"),
	  LAST("  - ^{name: x, from: example.com, path: [private, public, mx2, internet]}\n")}},
	{"credentials", {SMARTHOST("host: a.example, sender_credentials: {example.com: " LOGIN "}"),
			 LAST("  - ^{name: x, from: example.com, path: [private, public, provider]}\n")}},
	/* and not for one domain alone where there is one list for the host */
	{"route-conflict", {NODE(MX2), LINKS(MX2_LINK), SECOND_DOMAIN,
			    LAST("  - {name: y, from: example.com, path: [private, mx2, internet]}\n"
				 "  - ^{name: x, from: example.org, path: [private, public, internet]}\n")}},
	/* domains without a way in, with two, with one to the wrong place, without a way out */
	{"domain-undelivered", {BARE("{name: out2, from: example.com, "
				     "path: [private, public, internet]}"),
				{"  example.com: {", "  ^example.com: {"}}},
	{"domain-delivered-twice domain-undelivered route-conflict",
	 {NODE(OFFICE), LINKS(OFFICE_LINK),
	  ROUTE("^{name: x, to: ^example.com, path: [internet, ^public, office]}")}},
	{"domain-undelivered",
	 {NODE(OFFICE), LINKS(OFFICE_LINK),
	  BARE("{name: in, to: ^example.com, path: [internet, public, office]}")}},
	{"no-way-out", {{"  - {name: out, from: [example.com], path: [private, public, internet]}\n",
			 ""}, {"  example.com: {", "  ^example.com: {"}}},
	{"unsigned-path", {DOMAIN("dkim: {sign_at: public, selector: a}"), NODE(MX2),
			   LINKS(MX2_LINK), ROUTE("{name: x, from: example.com, "
						  "path: [^private, mx2, internet]}")}},
	/* where nothing is listed, nothing can be wrong with it */
	{"missing-key missing-key missing-key",
	 {{sound, "postern: 1\ndomains: ^{}\nnodes: ^{}\nroutes: ^[]\n"}}},
	{"", {LAST("tests: []\n")}},
};

/* A proxy, a listener of public behind it, and the path through it. */
#define EDGE(software) NODE("edge: {kind: proxy, software: " software ", " \
			    "addresses: {internet: 11.22.33.66, vpn: 10.0.0.9}}")
#define BEHIND(keys) PUBLIC("listeners: {smtp: {" keys "}}")
#define HOME(listeners) PRIVATE("listeners: {" listeners "}")
#define THROUGH {"[internet, public, private]", "[internet, edge, public, private]"}

static const struct mistake proxies[] = {
	/* what is sound */
	{"", {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge"), THROUGH}},
	{"", {EDGE("nginx"), BEHIND("service: smtp, proxied_by: edge, proxy_port: 2525"), THROUGH}},
	{"", {EDGE("caddy"), HOME("i: {service: imaps, proxied_by: edge, through: same_port}")}},
	{"", {EDGE("traefik"), HOME("i: {service: imaps, proxied_by: edge}")}},
	/* a node behind a proxy may leave by its address */
	{"", {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge"), THROUGH,
	      {"internet: 11.22.33.44, ", ""}}},
	{"no-shared-network no-shared-network",
	 {EDGE("haproxy"), HOME("i: {service: imaps, proxied_by: edge}"),
			       {"internet: 11.22.33.44, ", ""},
			       {"path: [internet, public", "path: [internet, ^public"},
			       {"private, public, internet]", "private, public, ^internet]"}}},
	/* the node's own keys */
	{"missing-key", {NODE("edge: ^{kind: proxy, addresses: {vpn: 10.0.0.9}}"),
			 HOME("i: {service: imaps, proxied_by: edge}")}},
	{"misplaced-key", {NODE("edge: {kind: proxy, software: haproxy, hostname: ^a.example, "
				"addresses: {vpn: 10.0.0.9}}"),
			   HOME("i: {service: imaps, proxied_by: edge}")}},
	{"misplaced-key", {PUBLIC("software: ^haproxy")}},
	{"misplaced-key", {PUBLIC("dovecot: ^{version: 2.4}")}},
	{"bad-value", {NODE("edge: {kind: proxy, software: nginx, proxy_protocol: ^v2, "
			    "addresses: {vpn: 10.0.0.9}}"),
		       HOME("i: {service: imaps, proxied_by: edge}")}},
	{"unused", {{"links:\n", "  ^edge: {kind: proxy, software: haproxy, "
				 "addresses: {vpn: 10.0.0.9}}\nlinks:\n"}}},
	{"bad-value", {EDGE("haproxy"), HOME("i: {service: imaps, proxied_by: edge, through: ^gates}")}},
	/* the trust of others */
	{"overlapping-trust", {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge"), THROUGH,
			       LINK("trust: ^network")}},
	{"unused link-ends",
	 {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge"), THROUGH,
		       LINKS("^{between: [^edge, private], over: vpn}")}},
	/* listener */
	{"listener", {BEHIND("service: smtp, proxied_by: ^private")}},
	{"listener", {BEHIND("service: smtp, proxied_by: ^internet")}},
	{"unknown-name unused", {{"links:\n", "  ^edge: {kind: proxy, software: haproxy, addresses: "
				  "{vpn: 10.0.0.9}}\nlinks:\n"},
				 BEHIND("service: smtp, proxied_by: ^egde")}},
	{"listener", {EDGE("haproxy"), BEHIND("service: ^imaps, proxied_by: edge")}},
	{"listener", {EDGE("haproxy"), BEHIND("service: ^submission, proxied_by: edge")}},
	{"listener", {EDGE("haproxy"), HOME("i: {service: imaps, port: ^994, proxied_by: edge}")}},
	{"no-shared-network", {NODE("edge: {kind: proxy, software: haproxy, addresses: "
				    "{internet: 11.22.33.66}}"),
			       HOME("i: {service: imaps, proxied_by: ^edge}")}},
	/* port-twice */
	{"port-twice", {EDGE("haproxy"),
			BEHIND("service: smtp, proxied_by: edge, proxy_port: ^25")}},
	{"port-twice", {EDGE("haproxy"),
			BEHIND("service: smtp, port: 2525, proxied_by: edge, proxy_port: ^25")}},
	{"port-twice", {EDGE("haproxy"), HOME("s: {service: smtp, proxied_by: edge, "
					      "proxy_port: ^10025}")}},
	{"port-twice", {EDGE("haproxy"), HOME("i: {service: imap, proxied_by: edge}, "
					      "s: {service: imaps, proxied_by: edge, "
					      "proxy_port: ^10143}")}},
	{"port-twice", {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge"),
			HOME("s: ^{service: smtp, proxied_by: edge}")}},
	{"bad-value", {EDGE("haproxy"), BEHIND("service: smtp, port: ^60000, proxied_by: edge")}},
	{"misplaced-key", {EDGE("haproxy"), HOME("i: {service: imaps, proxied_by: edge, "
						 "through: same_port, proxy_port: ^994}")}},
	{"listed-twice port-twice",
	 {EDGE("haproxy"), PUBLIC("listeners: {a-b: {service: smtp, proxied_by: edge}}"),
	  NODE("public-a: {kind: postfix, hostname: mx3.example.net, addresses: {vpn: 10.0.0.7}, "
	       "listeners: {^b: ^{service: smtp, proxied_by: edge}}}"),
	  LINKS("{between: [public-a, private], over: vpn}"),
	  ROUTE("{name: x, from: example.com, path: [private, public-a, internet]}")}},
	/* direct clients of a port that expects PROXY */
	{"proxy-port-direct-client proxy-port-direct-client",
	 {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge, through: ^^same_port")}},
	{"proxy-port-direct-client",
	 {EDGE("haproxy"), HOME("s: {service: smtp, proxied_by: edge, through: ^same_port}")}},
	/* through the gate, direct clients are welcome; it cannot reach Dovecot */
	{"", {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge, through: gate"), THROUGH}},
	{"", {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge, through: gate, extra: {a: b}")}},
	{"misplaced-key", {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge, through: gate, "
						   "proxy_port: ^10025")}},
	{"port-twice port-twice",
	 {EDGE("haproxy"), PUBLIC("listeners: {a: {service: smtp, proxied_by: edge}, "
				  "b: ^^{service: smtp, proxied_by: edge, through: gate}}")}},
	{"listed-twice",
	 {EDGE("haproxy"), PUBLIC("listeners: {a: {service: smtp, proxied_by: edge, through: gate}, "
				  "^a-direct: {service: smtp, port: 26, proxied_by: edge}}")}},
	{"listener", {EDGE("haproxy"), HOME("i: {service: imaps, proxied_by: edge, through: ^gate}")}},
	{"", {EDGE("haproxy"), HOME("s: {service: smtp, proxied_by: edge, through: gate}")}},
	{"listener", {EDGE("haproxy"), BEHIND("service: ^submission, proxied_by: edge, through: gate")}},
	/* in a container, no firewall guards another port */
	{"", {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge, through: gate"),
	      PUBLIC("deployment: container"), THROUGH}},
	{"listener", {EDGE("haproxy"), PUBLIC("deployment: container"),
		      PUBLIC("listeners: {s: ^{service: smtp, proxied_by: edge}}")}},
	{"listener proxy-port-direct-client",
	 {EDGE("haproxy"), PUBLIC("deployment: container"), THROUGH,
	  PUBLIC("listeners: {s: {service: smtp, proxied_by: edge, through: ^^same_port}}")}},
	{"port-twice", {EDGE("haproxy"),
			PUBLIC("clients: vpn\n    allowed_sender_domains: example.com"),
			BEHIND("service: smtp, port: ^587, proxied_by: edge, through: gate")}},
	{"port-twice", {EDGE("haproxy"),
			PUBLIC("clients: vpn\n    allowed_sender_domains: example.com"),
			BEHIND("service: smtp, proxied_by: edge, proxy_port: ^587")}},
	/* parameters of their own */
	{"", {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge, extra: {a: '', b: '{ x }'}")}},
	{"misplaced-key", {EDGE("haproxy"), HOME("i: {service: imaps, proxied_by: edge, extra: {^a: b}}")}},
	{"bad-value", {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge, extra: {a: ^'} b'}")}},
	{"bad-value", {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge, extra: {^'a b': c}")}},
	{"bad-value", {PUBLIC("extra: {^daemon_directory: /tmp/x}")}},
	{"bad-value", {PUBLIC("extra: {^import_environment: 'LD_PRELOAD=/tmp/x.so'}")}},
	{"bad-value", {EDGE("haproxy"), HOME("s: {service: submission, proxied_by: edge, "
					     "extra: {a: ^'b c'}}")}},
	{"credentials", {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge, extra: "
						 "{^smtp_sasl_password_maps: 'static:u:p'}")}},
	{"egress", {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge, "
					    "egress: ^{ipv4: 11.22.33.44}")}},
	/* proxies on paths */
	{"proxy-path", {EDGE("haproxy"), {"[internet, public", "[internet, ^edge, public"}}},
	{"proxy-path", {EDGE("haproxy"), HOME("i: {service: imaps, proxied_by: edge}"),
			{"[internet, public, private]", "[internet, public, ^edge, private]"}}},
	{"proxy-path", {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge"), THROUGH,
			{"private, public, internet]", "private, public, ^edge, internet]"}}},
	{"proxy-path", {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge"),
			{"[internet, public", "[internet, edge, ^edge, public"}}},
	{"proxy-path", {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge"),
			ROUTE("{name: x, to: example.com, path: [^edge]}")}},
	{"proxy-path", {EDGE("haproxy"), BEHIND("service: smtp, port: 26, proxied_by: edge"),
			{"[internet, public", "[internet, ^edge, public"}}},
	{"no-shared-network", {NODE("edge: {kind: proxy, software: haproxy, "
				    "addresses: {vpn: 10.0.0.9}}"),
			       BEHIND("service: smtp, proxied_by: edge"),
			       {"[internet, public", "[internet, ^edge, public"}}},
};
/* clang-format on */

/* A container that takes mail of example.org, a domain without mailboxes, from the network `app`.
 */
#define CONTAINER(keys)                                                         \
	{"  example.com: {mailboxes: private}\n",                               \
	 "  example.com: {mailboxes: private}\n  example.org: {}\n"},           \
		NETWORKS("{vpn: 10.0.0.0/24, app: 10.1.0.0/24}"),               \
		NODE("relay: {kind: postfix, deployment: container, hostname: " \
		     "relay.example.org, " keys "}"),                           \
		LAST("  - {name: app, from: [example.org], path: [relay, internet]}\n")

static const struct mistake clients[] = {
	{"", {CONTAINER("clients: app")}},
	{"",
	 {CONTAINER("clients: [app, vpn], allowed_sender_domains: [example.org, "
		    "web.example.org], masquerade: ['!keep.example.org', example.org], "
		    "message_size_limit: 0, extra: {a_b: '', c: 'x = y', 2bounce: no}")}},
	{"", {CONTAINER("clients: app, addresses: {app: 10.1.0.9, internet: 11.22.33.45}")}},
	/* who may submit */
	{"unknown-name", {CONTAINER("clients: ^ap")}},
	{"open-relay", {CONTAINER("clients: ^internet")}},
	{"open-relay",
	 {CONTAINER("clients: [app, ^world]"),
	  {"app: 10.1.0.0/24", "app: 10.1.0.0/24, world: 11.0.0.0/8"}}},
	{"open-relay", {CONTAINER("clients: ^app"), {"app: 10.1.0.0/24", "app: 11.0.0.0/8"}}},
	{"listed-twice", {CONTAINER("clients: [app, ^app]")}},
	{"misplaced-key", {PRIVATE("clients: ^vpn")}},
	{"port-twice",
	 {PUBLIC("clients: ^vpn"),
	  LINK("trust: sasl, credentials: {public: " LOGIN ", private: " BOX_LOGIN "}")}},
	{"",
	 {PUBLIC("clients: vpn"), LINK("port: 588, trust: sasl, credentials: {public: " LOGIN
				       ", private: " BOX_LOGIN "}")}},
	/* what they may send */
	{"listed-twice",
	 {CONTAINER("clients: app, allowed_sender_domains: [example.org, "
		    "^Example.org]")}},
	{"sender-unrouted",
	 {CONTAINER("clients: app, allowed_sender_domains: [example.org, ^example.com]")}},
	{"sender-unrouted", {CONTAINER("clients: app, allowed_sender_domains: [^xexample.org]")}},
	{"unused sender-unrouted",
	 {NODE("^relay: {kind: postfix, deployment: container, hostname: relay.example.org, "
	       "clients: ^vpn}")}},
	{"misplaced-key", {PUBLIC("allowed_sender_domains: ^example.com")}},
	{"misplaced-key", {PRIVATE("allowed_sender_domains: ^example.com")}},
	{"bad-value", {CONTAINER("clients: app, masquerade: [^'!', example.org]")}},
	/* a domain without mailboxes is one that nothing comes to, and something leaves from */
	{"missing-key",
	 {{"  example.com: {mailboxes: private}\n",
	   "  example.com: {mailboxes: private}\n  example.org: ^{}\n"}}},
	{"missing-key", {{"{mailboxes: private}", "^{}"}}},
	/* where it runs */
	{"misplaced-key", {PRIVATE("deployment: ^container")}},
	{"bad-value", {CONTAINER("clients: app"), {"deployment: container", "deployment: ^pod"}}},
	{"bad-value",
	 {CONTAINER("clients: app"), {"deployment: container", "deployment: {base: ^-debian}"}}},
	{"unknown-name",
	 {CONTAINER("clients: app"), {"deployment: container", "deployment: {networks: ^web}"}}},
	{"missing-key",
	 {CONTAINER("clients: app"), {"container", "host"}, {"relay: {", "relay: ^{"}}},
	{"credentials",
	 {PUBLIC("deployment: container"),
	  LINK("trust: sasl, credentials: {^public: " LOGIN ", private: " BOX_LOGIN "}")}},
	/* sizes */
	{"bad-value", {PUBLIC("message_size_limit: ^1023")}},
	{"size-limit-falls", {PUBLIC("message_size_limit: ^0")}},
	{"bad-value", {PRIVATE("message_size_limit: ^0")}},
	/* which may not fall on the way: in, out, at a provider */
	{"size-limit-falls", {PUBLIC("message_size_limit: ^20480000")}},
	{"size-limit-falls", {PRIVATE("message_size_limit: ^20480000")}},
	{"", {PUBLIC("message_size_limit: 20480000"), PRIVATE("message_size_limit: 20480000")}},
	{"size-limit-falls",
	 {PUBLIC("message_size_limit: ^20480000"), PRIVATE("message_size_limit: 20480000"),
	  SMARTHOST("provider: mailjet, credentials: " LOGIN), BY_SMARTHOST}},
	{"", {SMARTHOST("provider: postmark, credentials: " LOGIN), BY_SMARTHOST}},
	{"size-limit-falls",
	 {CONTAINER("clients: app, message_size_limit: ^0"),
	  NODE("mail: {kind: smarthost, provider: gmail, credentials: " LOGIN "}"),
	  {"[relay, internet]", "[relay, mail]"}}},
	/* parameters of the user's own */
	{"bad-value", {PUBLIC("extra: {^'a b': c}")}},
	{"bad-value", {PUBLIC("extra: {a: ^\"b\\nc\"}")}},
	{"bad-value", {PUBLIC("extra: {a: ^' b'}")}},
	{"wrong-type", {PUBLIC("extra: {a: ^[b]}")}},
	{"wrong-type", {PUBLIC("extra: {a: ^~}")}},
	{"credentials", {PUBLIC("extra: {^smtp_sasl_password_maps: 'static:user:secret'}")}},
	{"", {PUBLIC("extra: {smtp_sasl_password_maps: 'lmdb:/etc/postfix/own'}")}},
};

/* Conflicts between things that are sound by themselves: the hint says which of them to change. */
static const struct conflict {
	struct mistake mistake;
	const char *hint;
} conflicts[] = {
	{{"proxy-port-direct-client",
	  {EDGE("haproxy"), HOME("s: {service: smtp, proxied_by: edge, through: ^same_port}")}},
	 "hint: through: gate serves both at port 25; through: second_port keeps it plain"},
	{{"listener",
	  {EDGE("haproxy"), PUBLIC("deployment: container"),
	   PUBLIC("listeners: {s: ^{service: smtp, proxied_by: edge}}")}},
	 "hint: use through: gate, which believes the proxy alone"},
	{{"proxy-port-direct-client proxy-port-direct-client",
	  {EDGE("haproxy"), BEHIND("service: smtp, proxied_by: edge, through: ^^same_port")}},
	 "hint: through: gate serves both at port 25; through: second_port keeps it plain"},
	{{"egress", {PUBLIC("egress: {ipv4: ^11.22.33.45}")}},
	 "hint: mail cannot leave from an address that the node does not have: list it under the "
	 "node's addresses, or choose one that is there"},
	{{"egress",
	  {{"internet: 11.22.33.44,", "internet: [11.22.33.44, '2001:db8::1'],"},
	   PUBLIC("egress: {ipv4: 11.22.33.44, ipv6: ^'2001:db8::1'}\n"
		  "    extra: {inet_protocols: ipv4}")}},
	 "hint: drop inet_protocols from the node's extra"},
	{{"egress", {PUBLIC("egress: {ipv6: ^'2001:db8::1'}")}},
	 "hint: mail cannot leave from an address that the node does not have"},
	{{"credentials-in-clear",
	  {SMARTHOST("host: a.example, tls_level: ^none, credentials: " LOGIN), BY_SMARTHOST}},
	 "hint: tls_level: encrypt"},
	{{"credentials-in-clear",
	  {SMARTHOST("host: a.example, tls_level: ^may, sender_credentials: {example.com: " LOGIN
		     "}"),
	   BY_SMARTHOST}},
	 "hint: tls_level: encrypt"},
	{{"sender-unrouted",
	  {CONTAINER("clients: app, allowed_sender_domains: [example.org, ^example.com]")}},
	 "hint: name it in 'from' of a route through 'relay'"},
};

#endif
