/*
 * view_milter_bindings(): who is bound to which domains, for two relays that share the hosts behind
 * them, against expectations written from the YAML by hand.
 */
#include "confgen/derive/view_private.h"
#include "common/strbuf.h"
#include "confgen/topology/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define KEYS POSTERN_SOURCE "/test/golden/topologies/keys.yaml"

/* An edge brings strangers' mail from within the network whose hosts submit mail; another host
 * there is trusted as all of it. */
#define INWARD                                                                        \
	"postern: 1\n"                                                                \
	"domains:\n"                                                                  \
	"  a.test: {mailboxes: box, dkim: {sign_at: mail, selector: s}}\n"            \
	"networks: {lan: 10.1.0.0/24, out: 10.2.0.0/24, app: 10.3.0.0/24}\n"          \
	"nodes:\n"                                                                    \
	"  edge: {kind: postfix, hostname: edge.test, addresses: {internet: 1.2.3.4," \
	" lan: 10.1.0.1}}\n"                                                          \
	"  mail: {kind: postfix, hostname: mail.test, clients: [lan, app],"           \
	" addresses: {internet: 1.2.3.5, lan: 10.1.0.2, out: 10.2.0.2}}\n"            \
	"  box: {kind: dms, hostname: box.test, addresses: {out: 10.2.0.3}}\n"        \
	"links:\n"                                                                    \
	"  - {between: [edge, mail], over: lan}\n"                                    \
	"  - {between: [mail, box], over: out, trust: network}\n"                     \
	"routes:\n"                                                                   \
	"  - {name: in, to: [a.test], path: [internet, edge, mail, box]}\n"           \
	"  - {name: out, from: [a.test], path: [box, mail, internet]}\n"

static const struct {
	const char *path, *text; /* one of them */
	const char *node, *bindings;
} cases[] = {
	/* second brings what strangers write to example.com: it is not bound */
	{KEYS, NULL, "first",
	 "home by 10.8.0.11/32: example.com *.example.com home.example.com *.home.example.com"
	 " !lists.example.com !*.lists.example.com, forwards, bounces\n"
	 "office by 10.8.0.12/32: lists.example.com *.lists.example.com office.example.org"
	 " *.office.example.org, forwards, bounces\n"
	 "cloud by cloud: example.net *.example.net cloud.example.net *.cloud.example.net,"
	 " forwards, bounces\n"},
	{KEYS, NULL, "second",
	 "home by 10.8.0.11/32: example.org *.example.org home.example.com *.home.example.com,"
	 " forwards, bounces\n"
	 "office by 10.8.0.12/32: many1.example *.many1.example many2.example *.many2.example"
	 " office.example.org *.office.example.org, forwards, bounces\n"
	 "lan by 192.168.7.0/24: example.org *.example.org\n"},
	/* the edge stands in lan; hosts that a link trusts by their network may forward */
	{NULL, INWARD, "mail",
	 "out by 10.2.0.0/24: a.test *.a.test box.test *.box.test, forwards, bounces\n"
	 "app by 10.3.0.0/24: a.test *.a.test\n"},
};

static void tell_words(struct strbuf *out, const json_t *binding, const char *key)
{
	const json_t *words = json_object_get(binding, key);

	for (size_t i = 0; i < json_array_size(words); i++)
		strbuf_addf(out, " %s",
			    json_string_value(json_object_get(json_array_get(words, i), "value")));
}

static void tell(struct strbuf *out, const json_t *bindings)
{
	for (size_t i = 0; i < json_array_size(bindings); i++) {
		const json_t *binding = json_array_get(bindings, i);

		strbuf_addf(out, "%s by", json_string_value(json_object_get(binding, "peer")));
		tell_words(out, binding, "networks");
		tell_words(out, binding, "users");
		strbuf_adds(out, ":");
		tell_words(out, binding, "domains");
		if (json_is_true(json_object_get(binding, "forwards")))
			strbuf_adds(out, ", forwards");
		if (json_is_true(json_object_get(binding, "null_sender")))
			strbuf_adds(out, ", bounces");
		strbuf_adds(out, "\n");
	}
}

static const struct topology *load(struct arena *arena, const char *path, const char *text)
{
	struct diagnostics *list = diagnostics_new(arena);
	struct topology *topology = NULL;

	if (path) {
		assert_int_equal(topology_load(arena, path, SECRETS_LOOK, list, &topology), 0);
	} else {
		struct source *source = arena_alloc(arena, sizeof(*source));

		*source = (struct source){.name = "t", .text = text, .length = strlen(text)};
		topology = topology_parse(arena, source, ".", SECRETS_LOOK, list);
	}
	if (diagnostics_count(list, SEVERITY_ERROR))
		diagnostics_print(list, stderr, false);
	assert_int_equal(diagnostics_count(list, SEVERITY_ERROR), 0);
	return topology;
}

static const struct node *find(const struct topology *topology, const char *name)
{
	for (size_t i = 0; i < topology->nodes.count; i++)
		if (strcmp(topology->nodes.items[i].head.name.value, name) == 0)
			return &topology->nodes.items[i];
	return NULL;
}

static void peers_are_bound_to_their_domains(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_new(0);
		const struct topology *topology = load(arena, cases[i].path, cases[i].text);
		const struct node *node = find(topology, cases[i].node);
		struct strbuf told = STRBUF_INIT;
		json_t *bindings;

		assert_non_null(node);
		bindings = view_milter_bindings(arena, facts_derive(arena, topology, node));
		tell(&told, bindings);
		assert_string_equal(strbuf_text(&told), cases[i].bindings);
		json_decref(bindings);
		strbuf_done(&told);
		arena_free(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_are_bound_to_their_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
