/*
 * Which way messages take: a topology for each feature that decides, and what trace says. That real
 * Postfix says the same is test/differential's business; these show which part went wrong.
 */
#include "confgen/render/files.h"
#include "confgen/topology/load.h"
#include "confgen/trace/checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define NODES                                                                              \
	"nodes:\n"                                                                         \
	"  public:\n"                                                                      \
	"    kind: postfix\n"                                                              \
	"    hostname: mail.example.com\n"                                                 \
	"    addresses: {internet: [192.0.2.1, \"2001:db8:1::1\"], vpn: 10.0.0.2}\n"       \
	"    tls: {certificate: /etc/cert.pem, key: /etc/key.pem}\n"                       \
	"    PUBLIC\n"                                                                     \
	"  private: {kind: dms, hostname: home.example.com, addresses: {vpn: 10.0.0.3}}\n" \
	"networks: {vpn: 10.0.0.0/24}\n"                                                   \
	"links:\n"                                                                         \
	"  - {between: [public, private], over: vpn}\n"                                    \
	"routes:\n"                                                                        \
	"  - {name: in, to: [example.com], path: [internet, public, private]}\n"           \
	"  - {name: out, from: [example.com], path: [private, public, internet]}\n"

#define LISTED                                                                 \
	"  example.com: {mailboxes: private, recipients: [user@example.com], " \
	"dkim: {sign_at: private, selector: s}}\n"
#define OPEN "  example.com: {mailboxes: private, dkim: {sign_at: public, selector: s}}\n"

/* A test in the topology, and what trace says to it; `where` is the place of the deciding step. */
struct example {
	const char *domains, *extra, *test, *summary, *signed_by, *where;
};

/* clang-format off */
static const struct example examples[] = {
	{LISTED, "", "at: public, client: 203.0.113.9, to: user@example.com",
	 "delivered at private", "", NULL},
	{LISTED, "", "at: public, client: 203.0.113.9, to: user+tag@example.com",
	 "delivered at private", "", NULL},
	{LISTED, "", "at: public, client: 203.0.113.9, to: Postmaster@example.com",
	 "delivered at private", "", NULL},
	{LISTED, "", "at: public, client: 203.0.113.9, to: other@example.com",
	 "rejected at public: 550 5.1.1 <other@example.com>: Recipient address rejected: "
	 "User unknown in relay recipient table", "", "public/main.cf"},
	{OPEN, "", "at: public, client: 203.0.113.9, to: other@example.com, mailbox: absent",
	 "rejected at public: 550 5.1.1 <other@example.com>: Recipient address rejected: "
	 "Address not known to the mailbox host", "", "public/verify_recipients:3"},
	{OPEN, "", "at: public, client: 203.0.113.9, to: x@elsewhere.test",
	 "rejected at public: 554 5.7.1 <x@elsewhere.test>: Relay access denied", "",
	 "public/main.cf"},
	{OPEN, "", "at: public, client: \"2001:db8::9\", to: x@elsewhere.test",
	 "rejected at public: 554 5.7.1 <x@elsewhere.test>: Relay access denied", "", NULL},
	{OPEN, "", "at: public, client: 203.0.113.9, to: x@sub.example.com",
	 "rejected at public: 554 5.7.1 <x@sub.example.com>: Relay access denied", "", NULL},
	{OPEN, "", "at: public, client: 203.0.113.9, to: postmaster@mail.example.com",
	 "delivered at private", "", NULL},
	/* what the peer may do, and who is not the peer */
	{OPEN, "", "at: public, client: 10.0.0.3, from: user@example.com, to: x@elsewhere.test",
	 "relayed to internet", "example.com", NULL},
	{OPEN, "", "at: public, client: 10.0.0.3, from: user@elsewhere.test, to: x@elsewhere.test",
	 "rejected at public: 550 5.7.1 Sender domain elsewhere.test is not allowed for this client",
	 "", "public/postern-milter.conf"},
	{LISTED, "", "at: public, client: 10.0.0.3, from: user@elsewhere.test, to: x@elsewhere.test",
	 "rejected at public: 550 5.7.1 <user@elsewhere.test>: Sender address rejected: "
	 "private may not send for this domain", "", "public/main.cf"},
	{OPEN, "", "at: public, client: 10.0.0.3, from: user@example.com, author: a@elsewhere.test, "
	 "to: x@elsewhere.test", "relayed to internet", "", NULL},
	{OPEN, "", "at: public, client: 10.0.0.4, from: user@example.com, to: x@elsewhere.test",
	 "rejected at public: 554 5.7.1 <x@elsewhere.test>: Relay access denied", "", NULL},
	{OPEN, "", "at: public, client: 203.0.113.9, from: user@example.com, to: user@example.com",
	 "delivered at private", "", NULL},
	/* users */
	{LISTED, "", "at: private, client: 10.0.0.9, auth: user@example.com, to: x@elsewhere.test",
	 "relayed to internet", "example.com", NULL},
	{LISTED, "", "at: private, client: 10.0.0.9, auth: other@example.com, to: x@elsewhere.test",
	 "rejected at private: 535 5.7.8 Error: authentication failed: no user other@example.com "
	 "here", "", NULL},
	{LISTED, "", "at: private, client: 10.0.0.9, auth: user@example.com, tls: no, "
	 "to: x@elsewhere.test", "rejected at private: 530 5.7.0 Must issue a STARTTLS command first",
	 "", NULL},
	{LISTED, "", "at: \"private:25\", client: 10.0.0.9, auth: user@example.com, "
	 "to: x@elsewhere.test", "rejected at private: 503 5.5.1 Error: authentication not enabled",
	 "", NULL},
	{LISTED, "", "at: \"private:465\", client: 10.0.0.9, to: user@example.com",
	 "rejected at private: 554 5.7.1 <unknown[10.0.0.9]>: Client host rejected: Access denied",
	 "", NULL},
	{LISTED, "", "at: private, client: local, from: user@example.com, to: user@example.com",
	 "delivered at private", "example.com", NULL},
	/* no connection */
	{LISTED, "", "at: private, client: 203.0.113.9, to: user@example.com",
	 "unreachable: 4.4.1 private has no IPv4 address in the network of 203.0.113.9 (internet)",
	 "", NULL},
	{LISTED, "", "at: \"public:587\", client: 203.0.113.9, to: user@example.com",
	 "unreachable: 4.4.1 nothing listens at port 587 of public", "", NULL},
	/* parameters of the topology's own */
	{LISTED, "extra: {smtpd_client_restrictions: \"permit_mynetworks, reject\"}",
	 "at: public, client: 203.0.113.9, to: user@example.com",
	 "rejected at public: 554 5.7.1 <unknown[203.0.113.9]>: Client host rejected: Access denied",
	 "", NULL},
	{LISTED, "extra: {smtpd_helo_restrictions: reject_non_fqdn_helo_hostname}",
	 "at: public, client: 203.0.113.9, helo: host, to: user@example.com",
	 "rejected at public: 504 5.5.2 <host>: Helo command rejected: need fully-qualified "
	 "hostname", "", NULL},
	{LISTED, "message_size_limit: 60000",
	 "at: public, client: 203.0.113.9, size: 70000, to: user@example.com",
	 "rejected at public: 552 5.3.4 Message size exceeds fixed limit", "", "public/main.cf"},
	{LISTED, "extra: {relayhost: \"[10.0.0.2]\", smtpd_relay_restrictions: permit, "
	 "smtpd_recipient_restrictions: permit}",
	 "at: public, client: 203.0.113.9, to: x@elsewhere.test", "loops at public", "", NULL},
	{LISTED, "extra: {smtp_tls_security_level: none, transport_maps: \"inline:{example.com=retry:}\"}",
	 "at: public, client: 203.0.113.9, to: user@example.com",
	 "deferred at public: 450 4.1.1 <user@example.com>: Recipient address rejected: "
	 "Address is undeliverable", "", NULL},
	{LISTED, "extra: {relayhost: \"[mx.nowhere.example.com]\", smtp_fallback_relay: \"[192.0.2.77]\"}",
	 "at: public, client: local, from: user@example.com, to: x@elsewhere.test",
	 "relayed to internet", "", NULL},
	{LISTED, "extra: {relayhost: \"[mx.nowhere.example.com]\"}",
	 "at: public, client: local, from: user@example.com, to: x@elsewhere.test",
	 "bounced at public: 550 5.4.4 there is no mail host for [mx.nowhere.example.com]", "", NULL},
	/* what Postfix cannot understand */
	{LISTED, "extra: {smtpd_client_restrictions: \"permit_mynetworks, rejekt\"}",
	 "at: public, client: 203.0.113.9, to: user@example.com",
	 "deferred at public: 451 4.3.5 Server configuration error", "", NULL},
	/* classes that call each other end */
	{LISTED, "extra: {smtpd_restriction_classes: \"one, two\", one: two, two: one, "
	 "smtpd_client_restrictions: one}",
	 "at: public, client: 203.0.113.9, to: user@example.com", "delivered at private", "", NULL},
	{LISTED, "extra: {virtual_alias_maps: \"inline:{user@example.com=user@example.com}\"}",
	 "at: public, client: 203.0.113.9, to: user@example.com", "delivered at private", "", NULL},
};
/* clang-format on */

static const char *replace(struct arena *arena, const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static struct topology *load(struct arena *arena, const struct example *example,
			     struct rendered_files *files)
{
	const struct render_options options = {0};
	struct diagnostics *list = diagnostics_new(arena);
	struct source *source = arena_alloc(arena, sizeof(*source));
	struct topology *topology;

	source->name = "topology.yaml";
	source->text = arena_printf(arena,
				    "postern: 1\ndomains:\n%s%stests:\n  - {name: t, %s, "
				    "expect: any}\n",
				    example->domains,
				    replace(arena, NODES, "PUBLIC", example->extra), example->test);
	source->length = strlen(source->text);
	topology = topology_parse(arena, source, ".", SECRETS_LOOK, list);
	if (diagnostics_count(list, SEVERITY_ERROR))
		diagnostics_print(list, stderr, false);
	assert_int_equal(diagnostics_count(list, SEVERITY_ERROR), 0);
	assert_int_equal(files_render(arena, topology, &options, files, list), 0);
	return topology;
}

static struct trace *make(struct arena *arena, const struct topology *topology,
			  const struct rendered_files *files)
{
	struct source *sources = arena_array(arena, files->count, sizeof(*sources));

	for (size_t i = 0; i < files->count; i++)
		sources[i] = (struct source){files->items[i].path, files->items[i].text,
					     files->items[i].length};
	return trace_new(arena, topology, sources, files->count);
}

/* The place of the step that refused, "public/main.cf:44"; "" without. */
static const char *refused_at(struct arena *arena, const struct trace_result *result)
{
	for (size_t i = 0; i < result->steps.count; i++) {
		const struct step *step = &result->steps.items[i];

		if (step->kind == STEP_REFUSE && step->rendered.source)
			return arena_printf(arena, "%s:%u", step->rendered.source->name,
					    step->rendered.line);
	}
	return "";
}

static void messages_end_where_they_must(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		const struct example *example = &examples[i];
		struct arena *arena = arena_new(0);
		struct rendered_files files = {0};
		struct topology *topology = load(arena, example, &files);
		struct trace *trace = make(arena, topology, &files);
		const struct request request = request_of_test(arena, &topology->tests.items[0]);
		struct trace_result result;

		trace_message(trace, &request, &result);
		if (strcmp(trace_summary(arena, &result), example->summary))
			print_error("--- %s\n", example->test);
		assert_string_equal(trace_summary(arena, &result), example->summary);
		assert_string_equal(result.signed_by.count ? result.signed_by.items[0] : "",
				    example->signed_by);
		if (example->where)
			assert_int_equal(strncmp(refused_at(arena, &result), example->where,
						 strlen(example->where)),
					 0);
		trace_done(trace);
		arena_free(arena);
	}
}

/* An expectation, and what is wrong with it for mail that goes from private by public. */
static const struct {
	const char *expect, *why; /* "": nothing */
} wishes[] = {
	{"relayed", ""},
	{"{relayed_to: internet, via: [private, public], signed_by: example.com}", ""},
	{"{source_address: [192.0.2.1, \"2001:db8:1::1\"]}", ""},
	{"{rewritten_from: user@example.com}", ""},
	{"rejected", "outcome: expected rejected, but it is relayed to internet"},
	{"{delivered_at: private}", "outcome: expected delivered, but it is relayed to internet"},
	{"{via: [public]}", "via: expected public, but it is private, public"},
	{"{signed_by: none}", "signed_by: expected none, but it is example.com"},
	{"{source_address: 192.0.2.1}",
	 "source_address: expected 192.0.2.1, but it is 192.0.2.1 or 2001:db8:1::1"},
	{"{rewritten_from: x@example.com}",
	 "rewritten_from: expected x@example.com, but it is user@example.com"},
};

static void expectations_are_met_or_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		struct arena *arena = arena_new(0);
		const struct example example = {
			.domains = LISTED,
			.extra = "",
			.test = arena_printf(arena,
					     "at: private, client: local, "
					     "from: user@example.com, to: x@elsewhere.test, "
					     "expect: %s}\n  - {name: u, at: public, "
					     "client: local, to: x@elsewhere.test",
					     wishes[i].expect)};
		struct rendered_files files = {0};
		struct topology *topology = load(arena, &example, &files);
		struct trace *trace = make(arena, topology, &files);
		struct checks checks = {0};
		struct trace_result result;
		const char *why = "";

		checks_of_tests(arena, topology, &checks);
		trace_message(trace, &checks.items[0].requests.items[0], &result);
		assert_int_equal(check_met(arena, &checks.items[0], &result, &why),
				 !*wishes[i].why);
		assert_string_equal(why, wishes[i].why);
		trace_done(trace);
		arena_free(arena);
	}
}

/* What nobody has to write finds what is wrong: a way to relay, and mail that leaves unsigned. */
static void implied_checks_find_faults(void **state)
{
	static const struct {
		const char *extra, *failing;
	} cases[] = {
		{"", NULL},
		{"extra: {smtpd_relay_restrictions: permit, smtpd_recipient_restrictions: permit}",
		 "public relays nothing for strangers (port 25, IPv4)"},
		{"extra: {mynetworks: \"[2000::]/3\"}",
		 "public relays nothing for strangers (port 25, IPv6)"},
		{"extra: {transport_maps: \"\"}", "mail from the Internet takes the route in"},
		{"extra: {smtpd_milters: \"\"}", "nothing of example.com leaves unsigned"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_new(0);
		const struct example example = {
			.domains = OPEN,
			.extra = cases[i].extra,
			.test = "at: public, client: local, to: x@elsewhere.test"};
		struct rendered_files files = {0};
		struct topology *topology = load(arena, &example, &files);
		struct trace *trace = make(arena, topology, &files);
		struct checks checks = {0};
		const char *failing = NULL, *why;

		checks_implied(trace, 10, &checks);
		for (size_t j = 0; j < checks.count; j++)
			for (size_t k = 0; k < checks.items[j].requests.count; k++) {
				struct trace_result result;

				trace_message(trace, &checks.items[j].requests.items[k], &result);
				if (!check_met(arena, &checks.items[j], &result, &why) && !failing)
					failing = checks.items[j].name;
			}
		if (cases[i].failing)
			assert_string_equal(failing ? failing : "none", cases[i].failing);
		else
			assert_null(failing);
		trace_done(trace);
		arena_free(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_end_where_they_must),
		cmocka_unit_test(expectations_are_met_or_not),
		cmocka_unit_test(implied_checks_find_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
