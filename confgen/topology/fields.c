/*
 * The topology language, key by key. To add a key: a member in model.h, a row here, and what it
 * means in verify.c and derive/.
 */
#include "confgen/topology/providers.h"
#include "confgen/topology/schema.h"
#include "confgen/topology/syntax.h"

const char *const node_kind_words[] = {"postfix", "dms", "smarthost", "proxy", NULL};
const char *const map_type_words[] = {"texthash", "lmdb", "hash", "inline", NULL};
const char *const tls_level_words[] = {"none",	      "may",	"dane",	  "encrypt", "dane-only",
				       "fingerprint", "verify", "secure", NULL};
const char *const trust_words[] = {"address", "network", "sasl", NULL};
const char *const tls_mode_words[] = {"starttls", "wrapper", NULL};
const char *const docker_network_words[] = {"host", "bridge", NULL};
const char *const software_words[] = {"haproxy", "nginx", "traefik", "caddy", NULL};
const char *const proxy_protocol_words[] = {"v1", "v2", NULL};
const char *const dovecot_version_words[] = {"2.3", "2.4", NULL};
const char *const through_words[] = {"same_port", "second_port", "gate", NULL};
const char *const service_words[] = {"smtp", "submission", "submissions", "imap", "imaps",
				     "pop3", "pop3s",	   "sieve",	  NULL};
const char *const outcome_words[] = {"delivered", "relayed",	 "rejected", "deferred", "bounced",
				     "loops",	  "unreachable", "any",	     NULL};
const char *const mailbox_words[] = {"present", "absent", NULL};
const char *const yes_words[] = {"no", "yes", NULL};
static const char *const verify_words[] = {"none", "dkim", NULL};
const char *const deployment_words[] = {"host", "container", NULL};
const char *const lookup_words[] = {"address", "mx", NULL};
const char *const dkim_type_words[] = {"rsa-2048", "rsa-3072", "rsa-4096", "ed25519", NULL};
const char *const spf_words[] = {"softfail", "fail", "neutral", NULL};
const char *const dmarc_words[] = {"none", "quarantine", "reject", NULL};
const char *const mta_sts_words[] = {"off", "testing", "enforce", NULL};

static const struct schema_row secret_rows[] = {
	ROW(struct secret, file, "file", .secret = true, .check = check_file,
	    .doc = "File with the secret on its first line, relative to the topology's folder."),
	ROW(struct secret, env, "env", .secret = true, .check = check_variable,
	    .doc = "Environment variable that holds the secret when the tool runs."),
};
static const struct schema secret_schema =
	SCHEMA(struct secret, "a secret", secret_rows, .secret = true);

static const struct schema_row credentials_rows[] = {
	ROW(struct credentials, username, "username", .required = true, .secret = true,
	    .check = check_username, .doc = "Login name."),
	ROW(struct credentials, password, "password", .required = true, .secret = true,
	    .of = &secret_schema, .doc = "Where to find the password; never the password itself."),
};
static const struct schema credentials_schema =
	SCHEMA(struct credentials, "a login", credentials_rows, .secret = true);

static const struct schema_row account_rows[] = {
	ROW(struct credentials, username, "username", .required = true, .secret = true,
	    .check = check_account,
	    .doc = "Login name; a mail address if docker-mailserver accepts it."),
	ROW(struct credentials, password, "password", .required = true, .secret = true,
	    .of = &secret_schema, .doc = "Where to find the password; never the password itself."),
};
static const struct schema account_schema =
	SCHEMA(struct credentials, "a login", account_rows, .secret = true);

#define DATE_HINT "write \"2026-12-01\" or \"2026-12-01T06:00:00Z\"."

static const struct schema_row dkim_key_rows[] = {
	ROW(struct dkim_key, selector, "selector", .required = true, .check = check_selector,
	    .doc = "Its selector."),
	ROW(struct dkim_key, key, "key", .check = check_path,
	    .doc = "Private key on the signing host; default as with one key."),
	ROW(struct dkim_key, type, "type", .choices = dkim_type_words, .preset = DKIM_RSA_2048,
	    .doc = "What kind of key it is. Without it a key that is there may be of any kind, and "
		   "one that is made is of the default's."),
	ROW(struct dkim_key, active_from, "active_from", .check = check_date, .hint = DATE_HINT,
	    .doc = "When it begins to sign: a date, or a date with time (RFC 3339), in "
		   "quotes; in UTC without an offset. Publish it days before."),
	ROW(struct dkim_key, retire_after, "retire_after", .check = check_date, .hint = DATE_HINT,
	    .doc = "When it ends to sign. Leave it published a week longer, while mail waits in "
		   "queues."),
};
static const struct schema dkim_key_schema =
	SCHEMA(struct dkim_key, "a DKIM key", dkim_key_rows, .shorthand = NULL);

static const struct schema_row dkim_rows[] = {
	ROW(struct dkim, sign_at, "sign_at", .required = true, .check = check_name,
	    .doc = "Node whose milter signs the domain's mail."),
	ROW(struct dkim, selector, "selector", .check = check_selector,
	    .doc = "Selector: the key is published at SELECTOR._domainkey.DOMAIN. Required "
		   "without 'keys'."),
	ROW(struct dkim, key, "key", .check = check_path,
	    .doc = "Private key on the signing host; default "
		   "/etc/postern/keys/DOMAIN/SELECTOR.private."),
	ROW(struct dkim, type, "type", .choices = dkim_type_words, .preset = DKIM_RSA_2048,
	    .doc = "What kind of key it is. Without it a key that is there may be of any kind, and "
		   "one that is made is of the default's."),
	ROW(struct dkim, subdomains, "subdomains", .check = check_domain,
	    .doc = "Sub-domains whose mail the same key signs. Host names of the topology are "
		   "added."),
	ROW(struct dkim, keys, "keys", .of = &dkim_key_schema,
	    .doc = "Several keys, in place of 'selector' and 'key'. Each that is active makes a "
		   "signature of its own."),
};
static const struct schema dkim_schema =
	SCHEMA(struct dkim, "a DKIM setting", dkim_rows, .shorthand = NULL);

static const struct schema_row domain_dns_rows[] = {
	ROW(struct domain_dns, spf, "spf", .choices = spf_words, .preset = SPF_SOFTFAIL,
	    .doc = "What its SPF record says of hosts that it does not list: ~all, -all or ?all."),
	ROW(struct domain_dns, spf_include, "spf_include", .check = check_domain,
	    .doc = "Domains whose hosts send mail of this one as well, such as a newsletter's: "
		   "included in its SPF record."),
	ROW(struct domain_dns, dmarc, "dmarc", .choices = dmarc_words, .preset = DMARC_NONE,
	    .doc = "What its DMARC record asks receivers to do with mail that fails."),
	ROW(struct domain_dns, dmarc_rua, "dmarc_rua", .check = check_mailbox,
	    .doc = "Addresses that get DMARC's daily reports."),
	ROW(struct domain_dns, mta_sts, "mta_sts", .choices = mta_sts_words, .preset = MTA_STS_OFF,
	    .doc = "Mode of its MTA-STS policy, which a web server at mta-sts.DOMAIN has to give."),
	ROW(struct domain_dns, mta_sts_host, "mta_sts_host", .check = check_hostname,
	    .doc = "Name of that web server, to which mta-sts.DOMAIN becomes an alias."),
	ROW(struct domain_dns, tls_rpt, "tls_rpt", .check = check_mailbox,
	    .doc = "Addresses that get daily reports on TLS failures (TLS-RPT)."),
};
static const struct schema domain_dns_schema =
	SCHEMA(struct domain_dns, "what DNS says of a domain", domain_dns_rows, .shorthand = NULL);

static const struct schema_row zone_rows[] = {
	ROW(struct zone_settings, nameservers, "nameservers", .check = check_hostname,
	    .doc = "Name servers of the zones; default ns.invalid, to be replaced."),
	ROW(struct zone_settings, hostmaster, "hostmaster", .check = check_mailbox,
	    .doc = "Who answers for the zones (SOA); default hostmaster at each."),
	ROW(struct zone_settings, ttl, "ttl", .least = 60, .most = 604800, .preset = 3600,
	    .doc = "Seconds for which records may be cached."),
};
static const struct schema zone_schema =
	SCHEMA(struct zone_settings, "what all zones have", zone_rows, .shorthand = NULL);

static const struct schema_row domain_rows[] = {
	ROW(struct domain, mailboxes, "mailboxes", .check = check_name,
	    .doc = "Node that holds the domain's mailboxes. A domain that is only sent from needs "
		   "none."),
	ROW(struct domain, recipients, "recipients", .check = check_recipient,
	    .doc = "Addresses that exist; @DOMAIN for all. Without it the relay asks the mailbox "
		   "host (address verification)."),
	ROW(struct domain, recipients_file, "recipients_file", .check = check_file,
	    .doc = "File with more of them, one a line, relative to the topology's folder."),
	ROW(struct domain, dkim, "dkim", .of = &dkim_schema,
	    .doc = "How the domain's mail is signed. Without it Postern does not sign it."),
	ROW(struct domain, dns, "dns", .of = &domain_dns_schema,
	    .doc = "What DNS says of it, where that does not follow from the routes."),
};
static const struct schema domain_schema =
	SCHEMA(struct domain, "a domain", domain_rows, .shorthand = NULL);

static const struct schema_row domain_set_rows[] = {
	ROW(struct domain_set, file, "file", .required = true, .check = check_file,
	    .doc = "File with the domains, one a line, relative to the topology's folder."),
	ROW(struct domain_set, mailboxes, "mailboxes", .required = true, .check = check_name,
	    .doc = "Node that holds their mailboxes."),
	ROW(struct domain_set, dkim, "dkim", .of = &dkim_schema,
	    .doc = "How their mail is signed, each with a key of its own."),
	ROW(struct domain_set, dns, "dns", .of = &domain_dns_schema,
	    .doc = "What DNS says of them, where that does not follow from the routes."),
};
static const struct schema domain_set_schema =
	SCHEMA(struct domain_set, "a set of domains", domain_set_rows, .shorthand = NULL);

static const struct schema_row network_rows[] = {
	ROW(struct network, cidrs, "cidrs", .required = true,
	    .doc = "The network in CIDR notation; several for IPv4 and IPv6."),
};
static const struct schema network_schema =
	SCHEMA(struct network, "a network", network_rows, .shorthand = "cidrs");

static const struct schema_row attachment_rows[] = {
	ROW(struct attachment, addresses, "addresses", .required = true,
	    .doc = "The node's addresses in that network."),
};
static const struct schema attachment_schema =
	SCHEMA(struct attachment, "a node's addresses in a network", attachment_rows,
	       .shorthand = "addresses");

static const struct schema_row tls_rows[] = {
	ROW(struct tls_files, certificate, "certificate", .required = true, .check = check_path,
	    .doc = "Certificate chain (PEM) on the node, leaf first."),
	ROW(struct tls_files, key, "key", .required = true, .check = check_path,
	    .doc = "Its private key (PEM) on the node."),
};
static const struct schema tls_schema =
	SCHEMA(struct tls_files, "TLS files", tls_rows, .shorthand = NULL);

static const struct schema_row postfix_rows[] = {
	ROW(struct postfix_target, version, "version", .required = true,
	    .check = check_postfix_version,
	    .hint = "write \"3.5\" to \"3.10\"; later releases take the files for \"3.10\".",
	    .doc = "Oldest Postfix release that must accept the files, \"3.5\" to \"3.10\", in "
		   "quotes; default \"3.7\"."),
};
static const struct schema postfix_schema =
	SCHEMA(struct postfix_target, "a Postfix target", postfix_rows, .shorthand = NULL);

static const struct schema_row egress_rows[] = {
	ROW(struct egress, ipv4, "ipv4", .check = check_ipv4,
	    .doc = "Source address of outgoing IPv4 connections."),
	ROW(struct egress, ipv6, "ipv6", .check = check_ipv6,
	    .doc = "Source address of outgoing IPv6 connections."),
	ROW(struct egress, helo, "helo", .check = check_hostname,
	    .doc = "Name to greet with from there; its PTR record should say the same."),
};
static const struct schema egress_schema =
	SCHEMA(struct egress, "an egress", egress_rows, .shorthand = NULL);
static const struct schema_row dovecot_rows[] = {
	ROW(struct dovecot_target, version, "version", .required = true,
	    .choices = dovecot_version_words, .preset = DOVECOT_2_3,
	    .doc = "Release series that the files are for, in quotes."),
};
static const struct schema dovecot_schema =
	SCHEMA(struct dovecot_target, "a Dovecot target", dovecot_rows, .shorthand = NULL);

static const struct schema_row parameter_rows[] = {
	ROW(struct setting, value, "value", .blank = true, .check = check_setting,
	    .doc = "Its value, which may be empty."),
};
static const struct schema parameter_schema =
	SCHEMA(struct setting, "a parameter", parameter_rows, .shorthand = "value");

static const struct schema_row listener_rows[] = {
	ROW(struct listener, service, "service", .required = true, .choices = service_words,
	    .doc = "What is spoken there; on a node of kind postfix smtp or submission(s)."),
	ROW(struct listener, port, "port", .least = 1, .most = 65535,
	    .doc = "Port that clients connect to, at the proxy and, plainly, at the node; default "
		   "that of the service."),
	ROW(struct listener, proxied_by, "proxied_by", .required = true, .check = check_name,
	    .doc = "The proxy that passes connections on to it."),
	ROW(struct listener, through, "through", .choices = through_words,
	    .preset = THROUGH_SECOND_PORT,
	    .doc = "Where the node expects the PROXY header: at a second port, so that internal "
		   "clients keep the plain one, at the port itself, or there by postern-gate(8), "
		   "which serves direct clients as well."),
	ROW(struct listener, proxy_port, "proxy_port", .least = 1, .most = 65535,
	    .doc = "The second port; default port + 10000, but 12525 for 25 on a node of kind "
		   "dms."),
	ROW(struct listener, extra, "extra", .of = &parameter_schema, .name_check = check_parameter,
	    .doc = "Parameters of Postfix for the port where PROXY is spoken, after all others in "
		   "this "
		   "order."),
	ROW(struct listener, egress, "egress", .of = &egress_schema,
	    .doc = "Cannot be had from Postfix, which binds mail by its sender: give the egress to "
		   "a "
		   "route."),
};
static const struct schema listener_schema =
	SCHEMA(struct listener, "a listener", listener_rows, .shorthand = NULL);
static const struct schema_row volumes_rows[] = {
	ROW(struct volumes, queue, "queue", .check = check_name,
	    .doc = "Holds the mail queue; default NODE-queue."),
	ROW(struct volumes, data, "data", .check = check_name,
	    .doc = "Holds Postfix's caches; default NODE-data."),
};
static const struct schema volumes_schema =
	SCHEMA(struct volumes, "the volumes of a container", volumes_rows, .shorthand = NULL);

static const struct schema_row deployment_rows[] = {
	ROW(struct deployment, as, "as", .choices = deployment_words, .preset = DEPLOY_HOST,
	    .doc = "Where Postfix runs; container when other keys of the mapping are given."),
	ROW(struct deployment, base, "base", .check = check_image,
	    .doc = "Image that the container's is built on; default debian:bookworm-slim."),
	ROW(struct deployment, image, "image", .check = check_image,
	    .doc = "What the built image is called; default postern-NODE."),
	ROW(struct deployment, networks, "networks", .check = check_name,
	    .doc = "Networks that the container joins; default those of its clients and "
		   "addresses."),
	ROW(struct deployment, volumes, "volumes", .of = &volumes_schema,
	    .doc = "Names of its volumes."),
};
static const struct schema deployment_schema =
	SCHEMA(struct deployment, "a deployment", deployment_rows, .shorthand = "as");

static const struct schema_row setting_rows[] = {
	ROW(struct setting, value, "value", .blank = true, .check = check_setting,
	    .doc = "Its value; an empty text leaves it at Postfix's own default."),
};
static const struct schema setting_schema =
	SCHEMA(struct setting, "a parameter", setting_rows, .shorthand = "value");

static const struct schema_row node_rows[] = {
	ROW(struct node, kind, "kind", .required = true, .choices = node_kind_words,
	    .doc = "postfix: stock Postfix; dms: docker-mailserver; smarthost: someone else's "
		   "relay; proxy: passes connections on, with the client's address in a PROXY "
		   "header."),
	ROW(struct node, hostname, "hostname", .check = check_hostname,
	    .doc = "Fully qualified name that the node greets with."),
	ROW(struct node, addresses, "addresses", .of = &attachment_schema, .name_check = check_name,
	    .doc = "Its addresses by network; 'internet' is always there."),
	ROW(struct node, tls, "tls", .of = &tls_schema, .doc = "Certificate for incoming TLS."),
	ROW(struct node, map_type, "map_type", .choices = map_type_words, .preset = MAP_TEXTHASH,
	    .doc = "Type of the lookup tables; lmdb and hash need postmap, inline needs no files."),
	ROW(struct node, postfix, "postfix", .of = &postfix_schema,
	    .doc = "What is known of the Postfix installed there."),
	ROW(struct node, postmaster, "postmaster", .check = check_recipient,
	    .doc = "Who gets mail for postmaster, abuse and root at the host name of a relay; "
		   "default "
		   "postmaster of the first domain it relays."),
	ROW(struct node, message_size_limit, "message_size_limit", .most = 2147483647UL,
	    .preset = 10240000,
	    .doc = "Largest message in octets; 0 on a node of kind postfix: no limit."),
	ROW(struct node, deployment, "deployment", .of = &deployment_schema,
	    .doc = "Whether Postfix runs on a host or in a container."),
	ROW(struct node, clients, "clients", .check = check_name,
	    .doc = "Private networks whose hosts may submit mail on port 587 without a login."),
	ROW(struct node, allowed_sender_domains, "allowed_sender_domains", .check = check_domain,
	    .doc = "Sender domains, with their sub-domains, that the clients may use; default "
		   "those "
		   "of the routes that begin here."),
	ROW(struct node, masquerade, "masquerade", .check = check_masquerade,
	    .doc = "Domains whose sub-domains are cut from addresses; !NAME keeps one."),
	ROW(struct node, extra, "extra", .of = &setting_schema, .name_check = check_parameter,
	    .doc = "Parameters of main.cf, set after all others in this order."),
	ROW(struct node, egress, "egress", .of = &egress_schema,
	    .doc = "Addresses that its outgoing mail is bound to, where no route or link says "
		   "otherwise."),
	ROW(struct node, docker_network, "docker_network", .choices = docker_network_words,
	    .preset = DOCKER_HOST,
	    .doc = "dms: the container shares the host's network, or has a bridge whose outgoing "
		   "connections Docker binds."),
	ROW(struct node, outbound_tls, "outbound_tls", .choices = tls_level_words,
	    .preset = TLS_MAY,
	    .doc = "TLS security level towards hosts of the Internet: none, may, dane, dane-only "
		   "or "
		   "encrypt."),
	ROW(struct node, provider, "provider", .choices = provider_words, .preset = PROVIDER_OTHER,
	    .doc = "Smarthost: a provider whose host, port, TLS and size limit are known."),
	ROW(struct node, region, "region", .check = check_region,
	    .doc = "Smarthost: the provider's region, where its host name depends on one (ses, "
		   "mailgun)."),
	ROW(struct node, listeners, "listeners", .of = &listener_schema, .name_check = check_name,
	    .doc = "Services behind a proxy. The name is what the milter knows the listener by."),
	ROW(struct node, dovecot, "dovecot", .of = &dovecot_schema,
	    .doc = "What is known of the Dovecot installed there; default version 2.3."),
	ROW(struct node, tlsa, "tlsa", .check = check_fingerprint,
	    .hint = "openssl x509 -in CERTIFICATE -noout -pubkey | openssl pkey -pubin -outform "
		    "DER | openssl dgst -sha256 -c",
	    .doc = "SHA-256 of the public keys of its certificates, the next one's too: DANE (TLSA "
		   "3 1 1) for mail that comes in."),
	ROW(struct node, verify, "verify", .choices = verify_words,
	    .doc = "dkim: its milter verifies the signatures of strangers' mail, and tells the "
		   "next "
		   "hosts in Authentication-Results."),
	ROW(struct node, software, "software", .choices = software_words,
	    .doc = "Proxy: the program."),
	ROW(struct node, proxy_protocol, "proxy_protocol", .choices = proxy_protocol_words,
	    .preset = PROXY_V2,
	    .doc = "Proxy: version of the PROXY header; nginx sends v1 only, its default."),
	ROW(struct node, host, "host", .check = check_host,
	    .doc = "Smarthost: its host name or address."),
	ROW(struct node, lookup, "lookup", .choices = lookup_words, .preset = LOOKUP_ADDRESS,
	    .doc = "Smarthost: whether its host name is looked up for addresses or for MX hosts."),
	ROW(struct node, spf_include, "spf_include", .check = check_domain,
	    .doc = "Smarthost: domains whose SPF records list the hosts that it sends from; "
		   "default the provider's."),
	ROW(struct node, port, "port", .least = 1, .most = 65535, .preset = 587,
	    .doc = "Smarthost: its port."),
	ROW(struct node, tls_level, "tls_level", .choices = tls_level_words, .preset = TLS_ENCRYPT,
	    .doc = "Smarthost: TLS security level (postconf(5), smtp_tls_security_level)."),
	ROW(struct node, fingerprints, "fingerprints", .check = check_fingerprint,
	    .doc = "Smarthost, tls_level: fingerprint: SHA-256 of the certificates or keys it may "
		   "have."),
	ROW(struct node, tls_mode, "tls_mode", .choices = tls_mode_words, .preset = TLS_STARTTLS,
	    .doc = "Smarthost: STARTTLS, or TLS from the first octet; port 465 implies wrapper."),
	ROW(struct node, credentials, "credentials", .of = &credentials_schema,
	    .doc = "Smarthost: how to log in."),
	ROW(struct node, sender_credentials, "sender_credentials", .of = &credentials_schema,
	    .name_check = check_domain_or_mailbox,
	    .doc = "Smarthost: logins of their own for some sender domains or addresses."),
};
static const struct schema node_schema =
	SCHEMA(struct node, "a node", node_rows, .shorthand = NULL);

static const struct schema_row link_rows[] = {
	ROW(struct link, between, "between", .required = true, .check = check_name,
	    .doc = "The two nodes."),
	ROW(struct link, over, "over", .required = true, .check = check_name,
	    .doc = "The network that their connections take."),
	ROW(struct link, trust, "trust", .choices = trust_words, .preset = TRUST_ADDRESS,
	    .doc = "How the receiver knows the sender: its address, any address of the network, or "
		   "a login."),
	ROW(struct link, tls, "tls", .choices = tls_level_words, .preset = TLS_MAY,
	    .doc = "TLS security level of the sender; default may, and encrypt with trust: sasl."),
	ROW(struct link, fingerprints, "fingerprints", .check = check_fingerprint,
	    .doc = "tls: fingerprint: SHA-256 of the certificates or keys that the receiver may "
		   "have."),
	ROW(struct link, port, "port", .least = 1, .most = 65535, .preset = 25,
	    .doc = "Port of the receiver; default 25, and 587 with trust: sasl."),
	ROW(struct link, credentials, "credentials", .of = &account_schema,
	    .name_check = check_name,
	    .doc = "trust: sasl: the login that each receiving node accepts from the other."),
	ROW(struct link, egress, "egress", .of = &egress_schema, .name_check = check_name,
	    .doc = "Address that a node's mail to the other end is bound to, by sending node."),
};
static const struct schema link_schema =
	SCHEMA(struct link, "a link", link_rows, .shorthand = NULL);

static const struct schema_row route_rows[] = {
	ROW(struct route, label, "name", .required = true, .check = check_name, .doc = "Its name."),
	ROW(struct route, to, "to", .check = check_domain,
	    .doc = "Recipient domains, or sets of them, whose mail takes the path."),
	ROW(struct route, from, "from", .check = check_domain_or_mailbox,
	    .doc = "Sender domains, sets of them, or single addresses, whose mail takes the path."),
	ROW(struct route, path, "path", .required = true, .check = check_name,
	    .doc = "The nodes in the order in which mail passes them."),
	ROW(struct route, egress, "egress", .of = &egress_schema,
	    .doc = "Address that the last node of yours binds the route's mail to."),
};
static const struct schema route_schema =
	SCHEMA(struct route, "a route", route_rows, .shorthand = NULL);

static const struct schema_row expectation_rows[] = {
	ROW(struct expectation, verdict, "verdict", .choices = outcome_words, .preset = OUTCOME_ANY,
	    .doc = "What becomes of the message; any: only compared with the lab."),
	ROW(struct expectation, delivered_at, "delivered_at", .check = check_name,
	    .doc = "The node whose mailbox gets it."),
	ROW(struct expectation, relayed_to, "relayed_to", .check = check_name,
	    .doc = "The smarthost that takes it, or internet."),
	ROW(struct expectation, via, "via", .check = check_name,
	    .doc = "The nodes that handle it, in order, from the first to the last."),
	ROW(struct expectation, code, "code", .least = 400, .most = 599,
	    .doc = "SMTP reply code of the refusal."),
	ROW(struct expectation, signed_by, "signed_by", .check = check_signer,
	    .doc = "Domain (d=) of its signature; none: it has none of ours."),
	ROW(struct expectation, source_address, "source_address", .check = check_ip,
	    .doc = "Address that the last connection comes from; of several, any one."),
	ROW(struct expectation, rewritten_from, "rewritten_from", .check = check_sender,
	    .doc = "Envelope sender with which it arrives."),
};
static const struct schema expectation_schema =
	SCHEMA(struct expectation, "an expectation", expectation_rows, .shorthand = "verdict",
	       .filled = true);

static const struct schema_row test_rows[] = {
	ROW(struct test_case, label, "name", .required = true, .check = check_label,
	    .doc = "What the test shows."),
	ROW(struct test_case, at, "at", .required = true, .check = check_place,
	    .hint = "write NODE, or NODE:LISTENER with a listener's name, a service or a port",
	    .doc = "Node that the client connects to, and, after a colon, a listener, service or "
		   "port of it."),
	ROW(struct test_case, client, "client", .required = true, .check = check_client,
	    .doc = "Address of the client; local: the node's own sendmail(1)."),
	ROW(struct test_case, claims, "claims", .check = check_ip,
	    .doc = "Address in a PROXY header that the client sends of its own accord."),
	ROW(struct test_case, auth, "auth", .check = check_username,
	    .doc = "User that it logs in as."),
	ROW(struct test_case, tls, "tls", .choices = yes_words,
	    .doc = "Whether it speaks TLS; default with a login, and where TLS comes first."),
	ROW(struct test_case, helo, "helo", .check = check_helo,
	    .doc = "Name that it greets with; default client.elsewhere.test."),
	ROW(struct test_case, from, "from", .check = check_sender,
	    .doc = "Envelope sender; default the login, or a stranger."),
	ROW(struct test_case, author, "author", .check = check_mailbox,
	    .doc = "Address of the From field; default the envelope sender."),
	ROW(struct test_case, to, "to", .required = true, .check = check_mailbox,
	    .doc = "Envelope recipient."),
	ROW(struct test_case, mailbox, "mailbox", .choices = mailbox_words,
	    .preset = MAILBOX_PRESENT,
	    .doc = "Whether the recipient has a mailbox, where its domain lists no recipients."),
	ROW(struct test_case, size, "size", .least = 1, .most = 2147483647UL, .preset = 1000,
	    .doc = "Size of the message in octets."),
	ROW(struct test_case, expect, "expect", .required = true, .of = &expectation_schema,
	    .doc = "What must happen."),
};
static const struct schema test_schema =
	SCHEMA(struct test_case, "a test", test_rows, .shorthand = NULL);

static const struct schema_row topology_rows[] = {
	ROW(struct topology, version, "postern", .required = true, .least = 1, .most = 999,
	    .doc = "Version of the language: 1."),
	ROW(struct topology, domains, "domains", .required = true, .of = &domain_schema,
	    .name_check = check_domain, .doc = "Mail domains, by name."),
	ROW(struct topology, domain_sets, "domain_sets", .of = &domain_set_schema,
	    .name_check = check_name,
	    .doc = "Long lists of domains that are alike, by a name that routes can use."),
	ROW(struct topology, networks, "networks", .of = &network_schema, .name_check = check_name,
	    .doc = "Networks that nodes share, by name."),
	ROW(struct topology, nodes, "nodes", .required = true, .of = &node_schema,
	    .name_check = check_name, .doc = "Hosts and services that mail passes, by name."),
	ROW(struct topology, links, "links", .of = &link_schema,
	    .doc = "What holds between two nodes."),
	ROW(struct topology, routes, "routes", .required = true, .of = &route_schema,
	    .doc = "The ways that mail takes."),
	ROW(struct topology, dns, "dns", .of = &zone_schema, .doc = "What all DNS zones have."),
	ROW(struct topology, tests, "tests", .of = &test_schema, .doc = "What must be true of it."),
};
const struct schema topology_schema =
	SCHEMA(struct topology, "a topology", topology_rows, .shorthand = NULL);
