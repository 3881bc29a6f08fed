/*
 * SPF as RFC 7208 has it. The domains are those of its appendix A, with its answers where it gives
 * some; no name server is asked: what it would answer is known beforehand.
 */
#include "confgen/dns/spf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

/* A record of the made-up world; `data` is a text, an address or a name. */
static const struct {
	const char *name;
	enum dns_type type;
	const char *data;
} world[] = {
	{"example.com", DNS_A, "192.0.2.10"},
	{"example.com", DNS_A, "192.0.2.11"},
	{"example.com", DNS_MX, "mail-a.example.com"},
	{"example.com", DNS_MX, "mail-b.example.com"},
	{"mail-a.example.com", DNS_A, "192.0.2.129"},
	{"mail-b.example.com", DNS_A, "192.0.2.130"},
	{"example.org", DNS_MX, "mail-c.example.org"},
	{"mail-c.example.org", DNS_A, "192.0.2.140"},
	{"mail-c.example.org", DNS_AAAA, "2001:db8::140"},
	{"good.test", DNS_TXT, "v=spf1 ip4:198.51.100.1 -all"},
	{"soft.test", DNS_TXT, "v=spf1 ip4:198.51.100.2 ~all"},
	{"two.test", DNS_TXT, "v=spf1 -all"},
	{"two.test", DNS_TXT, "V=SPF1 +all"},
	{"spf10.test", DNS_TXT, "v=spf10 +all"},
	{"other.test", DNS_TXT, "google-site-verification=x"},
	{"other.test", DNS_TXT, "v=spf1 include:good.test -all"},
};

static const struct {
	const char *record;  /* of example.com */
	const char *address; /* "": one that no term names */
	enum spf_verdict verdict;
	unsigned lookups, voids;
} cases[] = {
	/* appendix A.1 */
	{"v=spf1 +all", "1.2.3.4", SPF_VERDICT_PASS, 0, 0},
	{"v=spf1 a -all", "192.0.2.10", SPF_VERDICT_PASS, 1, 0},
	{"v=spf1 a -all", "192.0.2.11", SPF_VERDICT_PASS, 1, 0},
	{"v=spf1 a:example.org -all", "192.0.2.10", SPF_VERDICT_FAIL, 1, 1},
	{"v=spf1 mx -all", "192.0.2.129", SPF_VERDICT_PASS, 1, 0},
	{"v=spf1 mx -all", "192.0.2.10", SPF_VERDICT_FAIL, 1, 0},
	{"v=spf1 mx:example.org -all", "192.0.2.140", SPF_VERDICT_PASS, 1, 0},
	{"v=spf1 mx:example.org -all", "2001:db8::140", SPF_VERDICT_PASS, 1, 0},
	{"v=spf1 mx mx:example.org -all", "192.0.2.130", SPF_VERDICT_PASS, 1, 0},
	{"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.131", SPF_VERDICT_PASS, 1, 0},
	{"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.143", SPF_VERDICT_PASS, 2, 0},
	{"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.144", SPF_VERDICT_FAIL, 2, 0},
	{"v=spf1 ptr -all", "192.0.2.65", SPF_VERDICT_FAIL, 1, 0},
	{"v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.65", SPF_VERDICT_FAIL, 0, 0},
	{"v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.129", SPF_VERDICT_PASS, 0, 0},
	/* qualifiers, order, and the end */
	{"v=spf1 -ip4:192.0.2.1 +all", "192.0.2.1", SPF_VERDICT_FAIL, 0, 0},
	{"v=spf1 ~ip4:192.0.2.1 +all", "192.0.2.1", SPF_VERDICT_SOFTFAIL, 0, 0},
	{"v=spf1 ?all", "192.0.2.1", SPF_VERDICT_NEUTRAL, 0, 0},
	{"v=spf1", "192.0.2.1", SPF_VERDICT_NEUTRAL, 0, 0},
	{"v=spf1 ip6:2001:db8::/32 ~all", "2001:db8:ffff::1", SPF_VERDICT_PASS, 0, 0},
	{"v=spf1 ip6:2001:db8::/32 ~all", "2001:db9::1", SPF_VERDICT_SOFTFAIL, 0, 0},
	{"v=spf1 MX -ALL", "192.0.2.129", SPF_VERDICT_PASS, 1, 0},
	{"v=spf1 a:mail-c.example.org//64 -all", "2001:db8:0:1::1", SPF_VERDICT_FAIL, 1, 0},
	{"v=spf1 a:mail-c.example.org/24//64 -all", "2001:db8::1", SPF_VERDICT_PASS, 1, 0},
	/* include: only that it passes counts (5.2) */
	{"v=spf1 include:good.test -all", "198.51.100.1", SPF_VERDICT_PASS, 1, 0},
	{"v=spf1 include:good.test ?all", "198.51.100.9", SPF_VERDICT_NEUTRAL, 1, 0},
	{"v=spf1 include:soft.test include:good.test -all", "198.51.100.1", SPF_VERDICT_PASS, 2, 0},
	{"v=spf1 include:other.test -all", "198.51.100.1", SPF_VERDICT_PASS, 2, 0},
	{"v=spf1 include:spf10.test -all", "198.51.100.1", SPF_VERDICT_INVALID, 1, 0},
	{"v=spf1 include:none.test -all", "198.51.100.1", SPF_VERDICT_INVALID, 1, 1},
	{"v=spf1 include:two.test -all", "198.51.100.1", SPF_VERDICT_INVALID, 1, 0},
	/* redirect: last, its verdict is the record's, and "all" makes it idle (6.1) */
	{"v=spf1 redirect=good.test", "198.51.100.9", SPF_VERDICT_FAIL, 1, 0},
	{"v=spf1 redirect=soft.test ip4:1.1.1.1", "1.1.1.1", SPF_VERDICT_PASS, 0, 0},
	{"v=spf1 redirect=good.test ~all", "198.51.100.1", SPF_VERDICT_SOFTFAIL, 0, 0},
	{"v=spf1 redirect=none.test", "198.51.100.1", SPF_VERDICT_INVALID, 1, 1},
	/* what nobody is named by counts all look-ups */
	{"v=spf1 a mx include:good.test exists:x.test ip4:1.2.3.4 ~all", "", SPF_VERDICT_SOFTFAIL,
	 4, 0},
	{"v=spf1 a:x1.test a:x2.test include:good.test ~all", "", SPF_VERDICT_SOFTFAIL, 3, 2},
	{"v=spf1 exists:%{ir}.x.test a:%{d} ~all", "", SPF_VERDICT_SOFTFAIL, 2, 0},
	/* modifiers that nobody knows are left alone (6) */
	{"v=spf1 exp=why.test moo=cow -all", "1.2.3.4", SPF_VERDICT_FAIL, 0, 0},
	/* errors in the text (4.6) */
	{"v=spf1 ip4:1.2.3 -all", "1.2.3.4", SPF_VERDICT_INVALID, 0, 0},
	{"v=spf1 ip4:1.2.3.4/33 -all", "1.2.3.4", SPF_VERDICT_INVALID, 0, 0},
	{"v=spf1 ip4:2001:db8::1 -all", "1.2.3.4", SPF_VERDICT_INVALID, 0, 0},
	{"v=spf1 ip4 -all", "1.2.3.4", SPF_VERDICT_INVALID, 0, 0},
	{"v=spf1 include -all", "1.2.3.4", SPF_VERDICT_INVALID, 0, 0},
	{"v=spf1 include: -all", "1.2.3.4", SPF_VERDICT_INVALID, 0, 0},
	{"v=spf1 all:x.test", "1.2.3.4", SPF_VERDICT_INVALID, 0, 0},
	{"v=spf1 mx/33 -all", "1.2.3.4", SPF_VERDICT_INVALID, 0, 0},
	{"v=spf1 a//129 -all", "1.2.3.4", SPF_VERDICT_INVALID, 0, 0},
	{"v=spf1 redirect=a.test redirect=b.test", "1.2.3.4", SPF_VERDICT_INVALID, 0, 0},
	{"v=spf1 allow -all", "1.2.3.4", SPF_VERDICT_INVALID, 0, 0},
	{"v=spf1 -all\t", "1.2.3.4", SPF_VERDICT_INVALID, 0, 0},
};

static struct asked *answer_of(struct asker *asker, const char *name, enum dns_type type)
{
	const char *key = arena_printf(asker->arena, "%d %s", (int)type, name);
	struct asked *asked = name_map_find(asker->known, key);

	if (asked)
		return asked;
	asked = arena_alloc(asker->arena, sizeof(*asked));
	asked->answer.items = arena_array(asker->arena, 8, sizeof(*asked->answer.items));
	name_map_add(asker->known, key, asked);
	return asked;
}

static void learn(struct asker *asker, const char *name, enum dns_type type, const char *data)
{
	struct dns_answer *answer = &answer_of(asker, name, type)->answer;
	struct dns_found *found = &answer->items[answer->count++];

	*found = (struct dns_found){.type = type, .data = data};
	if (type == DNS_TXT)
		found->text = (struct dns_text){data, strlen(data)};
	else if (type == DNS_MX)
		found->target = data;
	else
		assert_int_equal(ip_parse(data, &found->address), IP_OK);
}

/* Names that are not there have an empty answer of each type. */
static void learn_world(struct asker *asker)
{
	static const char *const empty[] = {"example.org", "none.test", "x1.test",
					    "x2.test",	   "x.test",	"example.com"};
	static const enum dns_type types[] = {DNS_A, DNS_AAAA, DNS_MX, DNS_TXT};

	for (size_t i = 0; i < sizeof(world) / sizeof(world[0]); i++)
		learn(asker, world[i].name, world[i].type, world[i].data);
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
		for (size_t j = 0; j < sizeof(types) / sizeof(types[0]); j++)
			answer_of(asker, empty[i], types[j]);
	asker->dead = true;
}

static void test_verdicts(void **state)
{
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_address address = {.family = IP_NONE};
		struct arena *arena = arena_new(0);
		struct spf_result result;
		struct asker asker;

		asker_init(&asker, arena, NULL, 0);
		learn_world(&asker);
		learn(&asker, "example.com", DNS_TXT, cases[i].record);
		if (*cases[i].address)
			assert_int_equal(ip_parse(cases[i].address, &address), IP_OK);
		result = spf_check(&asker, "example.com", &address);
		if (result.verdict != cases[i].verdict || result.lookups != cases[i].lookups ||
		    result.voids != cases[i].voids) {
			print_error("%s %s: %s, %u look-ups, %u void (%s)\n", cases[i].record,
				    cases[i].address, spf_verdict_name(result.verdict),
				    result.lookups, result.voids,
				    result.error ? result.error : "no error");
			failed++;
		}
		arena_free(arena);
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_verdicts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
