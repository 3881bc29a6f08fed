/* postern-milter.conf: what it may say, and every mistake with its place. */
#include "milter/config.h"
#include "common/strbuf.h"

#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

static const struct passwd *user;
static const struct group *my_group;
static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	user = getpwnam("nobody");
	my_group = getgrgid(getegid());
	assert_non_null(user);
	assert_non_null(my_group);
	arena = arena_new(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* The user and group of every configuration here: they must exist, and vary between machines. */
static const char *with_names(const char *text)
{
	return arena_printf(arena, "%s\nuser = '%s'\nsocket_group = '%s'\n", text, user->pw_name,
			    my_group->gr_name);
}

static struct diagnostics *parse(const char *text, struct config *config)
{
	struct diagnostics *list = diagnostics_new(arena);
	struct source *source = arena_alloc(arena, sizeof(*source));

	*source = (struct source){"m.conf", text, strlen(text)};
	config_read(arena, source, list, config);
	return list;
}

/* The first lines of all diagnostics, without excerpts and hints. */
static const char *messages(struct diagnostics *list)
{
	char *printed, *line, *kept = arena_strdup(arena, "");
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	diagnostics_print(list, out, false);
	fclose(out);
	for (line = printed; *line;) {
		size_t length = strcspn(line, "\n");

		if (strncmp(line, "m.conf:", 7) == 0)
			kept = arena_printf(arena, "%s%.*s\n", kept, (int)length, line);
		line += length + 1;
	}
	free(printed);
	return kept;
}

#define DOMAIN "domain 'example.com' { selector = 'mail' key = '/k' }\n"

static void test_defaults(void **state)
{
	struct config config;
	struct diagnostics *list = parse(with_names(DOMAIN), &config);
	struct ip_address address;

	(void)state;
	assert_string_equal(messages(list), "");
	assert_string_equal(config.socket, "unix:/var/spool/postfix/postern/milter.sock");
	assert_string_equal(config.socket_path, "/var/spool/postfix/postern/milter.sock");
	assert_int_equal(config.socket_mode, 0660);
	assert_int_equal(config.log, LOG_TO_SYSLOG);
	assert_int_equal(config.uid, user->pw_uid);
	assert_int_equal(config.socket_group, getegid());
	assert_int_equal(config.internal.count, 2);
	assert_int_equal(ip_parse("127.9.9.9", &address), IP_OK);
	assert_true(ip_network_contains(&config.internal.items[0], &address));
	assert_int_equal(ip_parse("::1", &address), IP_OK);
	assert_true(ip_network_contains(&config.internal.items[1], &address));
}

static void test_everything(void **state)
{
	static const char text[] = "# a comment\n"
				   "socket = \"inet:8894@127.0.0.1\"   // another\n"
				   "log = \"stderr\" /* and\n one of two lines */\n"
				   "internal_networks = {\"10.0.0.0/8\", # in a list\n"
				   "  \"[2001:db8::]/32\"}\n"
				   "domain \"Example.COM\" {\n"
				   "  subdomains = {\"Mail.example.com\", \"a.b.example.com\"}\n"
				   "  selector = \"s1.mail\"\n"
				   "  key = \"/etc/key\"\n"
				   "}\n"
				   "domain example.net { selector = x key = /k }\n";
	struct config config;
	struct diagnostics *list = parse(with_names(text), &config);

	(void)state;
	assert_string_equal(messages(list), "");
	assert_string_equal(config.socket, "inet:8894@127.0.0.1");
	assert_null(config.socket_path);
	assert_int_equal(config.log, LOG_TO_STDERR);
	assert_int_equal(config.internal.count, 2);
	assert_int_equal(config.domain_count, 2);
	assert_string_equal(config.domains[0].name, "example.com");
	assert_string_equal(config.domains[0].keys[0].selector, "s1.mail");
	assert_string_equal(config.domains[0].keys[0].path, "/etc/key");
	assert_int_equal(config.domains[0].keys[0].at.line, 10);
	assert_ptr_equal(config_signer(&config, "mail.example.com"), &config.domains[0]);
	assert_ptr_equal(config_signer(&config, "a.b.example.com"), &config.domains[0]);
	assert_ptr_equal(config_signer(&config, "example.net"), &config.domains[1]);
	assert_null(config_signer(&config, "b.example.com"));
	assert_null(config_signer(&config, "mail.example.net"));
}

static void test_sections(void **state)
{
	static const char text[] =
		"signature_lifetime = '3w' canonicalization = simple\n"
		"key_folder = '/keys' log_format = 'json' http = 'inet:9100@127.0.0.1'\n"
		"dns_servers = {'127.0.0.1', '[::1]:53', '192.0.2.1:5353'}\n"
		"domain 'example.com' { # a comment\n"
		"  key 'one' { file = '/k1'\n"
		"    active_from = '2026-12-01' retire_after = '2027-12-01T10:00:00+02:00' }\n"
		"  subdomains = {'*'} key two { file = \"/k\\2\" }\n"
		"  identity = 'a.b@Mail.Example.com' signature_lifetime = '0'\n"
		"}\n"
		"domain \"*.example.net\" { selector = x key = /k } domain example.org {"
		" selector = x key = /k }\n"
		"domain '*' { canonicalization = 'relaxed/relaxed' }\n"
		"listener 'in' { mode = both proxied = on trusted_proxies = {'10.0.0.1'}\n"
		"  claimed_internal = 'log' reply = 'no' internal_networks = {} }\n"
		"listener '*' { mode = none }\n"
		"sender_binding 'b' { users = {'u'} domains = {'A.test', '*.b.test', "
		"'!*.C.b.test'} null_sender = "
		"true from = ours }\n"
		"sender_binding_default = 'deny'\n";
	struct config config;
	const struct signing_domain *domain;
	const struct listener *listener;

	(void)state;
	assert_string_equal(messages(parse(with_names(text), &config)), "");
	domain = config_signer(&config, "x.y.example.com");
	assert_ptr_equal(domain, config_signer(&config, "example.com"));
	assert_int_equal(domain->key_count, 2);
	assert_string_equal(domain->keys[0].selector, "one");
	assert_int_equal(domain->keys[0].at.line, 5);
	/* date -u -d 2026-12-01 +%s, and of 2027-12-01 08:00 */
	assert_int_equal(domain->keys[0].active_from, 1796083200);
	assert_int_equal(domain->keys[0].retire_after, 1827648000);
	assert_string_equal(domain->keys[1].selector, "two");
	assert_int_equal(domain->keys[1].active_from, INT64_MIN);
	assert_int_equal(domain->keys[1].retire_after, INT64_MAX);
	assert_string_equal(domain->identity, "a.b@mail.example.com");
	assert_int_equal(domain->method->lifetime, 0);
	assert_int_equal(domain->method->header, CANONICALIZATION_SIMPLE);
	assert_null(config_signer(&config, "example.net"));
	assert_string_equal(config_signer(&config, "a.example.net")->name, "example.net");
	assert_ptr_equal(config_signer(&config, "a.example.net")->method,
			 config_signer(&config, "example.org")->method);
	assert_int_equal(config_signer(&config, "example.org")->method->lifetime, 3 * 604800);
	assert_int_equal(config.key_folder_method->body, CANONICALIZATION_RELAXED);
	assert_true(config.log_json);
	assert_int_equal(config.dns_servers.count, 3);
	listener = config_listener(&config, "in");
	assert_int_equal(listener->mode, MODE_BOTH);
	assert_true(listener->proxied && listener->has_internal && listener->internal.count == 0);
	assert_int_equal(listener->actions[RULE_INTERNAL], ACTION_LOG);
	assert_int_equal(listener->actions[RULE_LOOPBACK], ACTION_REJECT);
	assert_int_equal(listener->actions[RULE_LOST_HEADER], ACTION_TEMPFAIL);
	assert_int_equal(config_listener(&config, "other")->mode, MODE_NONE);
	assert_int_equal(config_listener(&config, NULL)->mode, MODE_NONE);
	assert_int_equal(config.bindings[0].from, AUTHORS_OURS);
	assert_true(domain_set_allows(&config.bindings[0].domains, "a.test"));
	assert_false(domain_set_allows(&config.bindings[0].domains, "b.test"));
	assert_true(domain_set_allows(&config.bindings[0].domains, "x.b.test"));
	assert_false(domain_set_allows(&config.bindings[0].domains, "x.c.b.test"));
	assert_true(config.bindings[0].null_sender && config.binding_default_deny);
}

static void test_empty_networks(void **state)
{
	struct config config;
	struct diagnostics *list = parse(with_names("internal_networks = {}\n" DOMAIN), &config);

	(void)state;
	assert_string_equal(messages(list), "");
	assert_int_equal(config.internal.count, 0);
}

static void test_sockets(void **state)
{
	static const struct {
		const char *written, *libmilter; /* NULL: refused */
	} cases[] = {
		{"unix:/run/m.sock", "unix:/run/m.sock"},
		{"local:/run/m.sock", "unix:/run/m.sock"},
		{"inet:8894@127.0.0.1", "inet:8894@127.0.0.1"},
		{"inet6:8894@::1", "inet6:8894@::1"},
		{"inet6:8894@[::1]", "inet6:8894@::1"},
		{"inet6:8894@0:0:0:0:0:0:0:1", "inet6:8894@::1"},
		{"unix:m.sock", NULL},
		{"inet:8894", NULL},
		{"inet:127.0.0.1:8894", NULL},
		{"inet:0@127.0.0.1", NULL},
		{"inet:65536@127.0.0.1", NULL},
		{"inet:-1@127.0.0.1", NULL},
		{"inet:25x@127.0.0.1", NULL},
		{"inet:25@::1", NULL},
		{"inet6:25@127.0.0.1", NULL},
		{"inet:25@localhost", NULL},
		{"tcp:25@127.0.0.1", NULL},
		{"/run/m.sock", NULL},
		{"unix:/0123456789012345678901234567890123456789012345678901234567890123456789"
		 "012345678901234567890123456789012345",
		 "same"}, /* 107 octets, the longest */
		{"unix:/0123456789012345678901234567890123456789012345678901234567890123456789"
		 "0123456789012345678901234567890123456",
		 NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config config;
		const char *text =
			arena_printf(arena, "socket = \"%s\"\n" DOMAIN, cases[i].written);
		struct diagnostics *list = parse(with_names(text), &config);

		if (!cases[i].libmilter) {
			if (diagnostics_count(list, SEVERITY_ERROR) != 1)
				fail_msg("%s is accepted", cases[i].written);
			continue;
		}
		assert_string_equal(messages(list), "");
		assert_string_equal(config.socket, strcmp(cases[i].libmilter, "same") == 0
							   ? cases[i].written
							   : cases[i].libmilter);
	}
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{"", "m.conf: error: has no domain section: there is nothing to sign for\n"},
		{"http = 'inet:9100@127.0.0.1'",
		 "m.conf: error: has no domain section: there is nothing to sign for\n"},
		{"listener 'mx' { mode = verify }", ""},
		{"policy_socket = 'unix:/p'", ""},
		{"sokcet = 'x'\n" DOMAIN, "m.conf:1:1: error: unknown setting 'sokcet'\n"},
		{"one = 1 two = {2}\nthree = '3'\n" DOMAIN,
		 "m.conf:1:1: error: unknown setting 'one'\n"
		 "m.conf:1:9: error: unknown setting 'two'\n"
		 "m.conf:2:1: error: unknown setting 'three'\n"},
		{"# a\n/* b\n*/\nlog = 'sylog'\n" DOMAIN,
		 "m.conf:4:8: error: log is 'sylog': it can be syslog or stderr\n"},
		{"log = 'syslog'\nlog = 'stderr'\n" DOMAIN,
		 "m.conf:2:8: error: log is given twice\n"},
		{"log = {'syslog', 'stderr'}\n" DOMAIN,
		 "m.conf:1:19: error: log takes one value\n"},
		{"log = {}\n" DOMAIN, "m.conf:1:1: error: log takes one value\n"},
		{"socket_mode = '0888'\n" DOMAIN,
		 "m.conf:1:16: error: socket_mode '0888' is not a mode in octal digits\n"},
		{"socket_mode = '4755'\n" DOMAIN,
		 "m.conf:1:16: error: socket_mode '4755' is not a mode in octal digits\n"},
		{"socket_mode = '0666'\n" DOMAIN,
		 "m.conf:1:16: warning: any local user can reach the "
		 "socket, and have any mail signed\n"},
		{"socket = 'inet:25@0.0.0.0'\n" DOMAIN,
		 "m.conf:1:11: warning: whoever can connect to 0.0.0.0 can have any mail signed: "
		 "let only "
		 "the mail server in\n"},
		{"internal_networks = {'10.0.0.1/8',\n '10.0.0.0/33', 'x'}\n" DOMAIN,
		 "m.conf:1:23: error: '10.0.0.1/8' has bits set beyond its prefix\n"
		 "m.conf:2:3: error: '10.0.0.0/33' has a bad prefix length\n"
		 "m.conf:2:18: error: 'x' is no address or network\n"},
		{"internal_networks = {'0.0.0.0/0'}\n" DOMAIN,
		 "m.conf:1:23: warning: 0.0.0.0/0 is every address there is: all mail from "
		 "anywhere would "
		 "be signed\n"},
		{"domain 'a.test' {}\n", "m.conf:1:1: error: domain a.test has no selector\n"
					 "m.conf:1:1: error: domain a.test has no key\n"},
		{"domain 'a.test' { selector = 'b c' key = 'k' }\n",
		 "m.conf:1:31: error: 'b c' is no selector: letters, digits and '-' in parts "
		 "joined by "
		 "'.'\n"
		 "m.conf:1:43: error: key 'k' is not an absolute path\n"},
		{DOMAIN "domain 'EXAMPLE.com' {}\n",
		 "m.conf:2:1: error: domain example.com is given twice\n"},
		{DOMAIN "domain 'example.com' { key = '/other' }\n",
		 "m.conf:2:1: error: domain example.com is given twice\n"},
		{"domain 'a..b' { selector = 'x' key = '/k' }\n" DOMAIN,
		 "m.conf:1:1: error: 'a..b' is no domain name\n"},
		{"domain 'b\xc3\xbc"
		 "cher.test' {}\n" DOMAIN,
		 "m.conf:1:1: error: 'b\xc3\xbc"
		 "cher.test' is no domain name\n"},
		{"domain 'a.test' { selector = 'x' key = '/k' subdomains = {'test', 'xa.test', "
		 "'a.test', "
		 "'b.a.test'} }\n",
		 "m.conf:1:60: error: test does not lie below a.test\n"
		 "m.conf:1:68: error: xa.test does not lie below a.test\n"
		 "m.conf:1:79: error: a.test does not lie below a.test\n"},
		{DOMAIN "domain 'com' { selector = 'x' key = '/k' subdomains = {'example.com'} }\n",
		 "m.conf:2:38: error: example.com belongs to domain example.com as well as to "
		 "com\n"},
		{"domain 'a.test' { unknown = 1 selector = 'x' key = '/k' }\n",
		 "m.conf:1:19: error: unknown setting 'unknown'\n"},
		{"domian 'a.test' { selector = 'x' key = '/k' }\n",
		 "m.conf:1:1: error: unknown setting 'domian'\n"},
		/* sections in sections, and where they do not belong */
		{"domain 'a.test' { key 'x' { file = '/k' } key 'X' { file = '/l' } }\n",
		 "m.conf:1:61: error: key X of domain a.test is given twice\n"},
		{"domain 'a.test' { key 'x' { } key 'y' { file = 'k' } }\n",
		 "m.conf:1:19: error: key x of domain a.test has no file\n"
		 "m.conf:1:49: error: key 'k' is not an absolute path\n"},
		{"domain 'a.test' { key 'x y' { file = '/k' } }\n",
		 "m.conf:1:19: error: 'x y' is no selector: letters, digits and '-' in parts "
		 "joined "
		 "by '.'\n"},
		{"key 'x' { file = '/k' }\n" DOMAIN,
		 "m.conf:1:1: error: a section 'key' cannot stand here\n"},
		{"domain 'a.test' { listener 'x' {} selector = 'x' key = '/k' }\n",
		 "m.conf:1:19: error: a section 'listener' cannot stand here\n"},
		{"keys 'x' { file = '/k' wrong = 1 }\n" DOMAIN,
		 "m.conf:1:1: error: unknown setting 'keys'\n"},
		{"listener { proxied = yes }\n" DOMAIN,
		 "m.conf:1:1: error: unknown setting 'listener'\n"},
		{"selector = 'x'\n" DOMAIN, "m.conf:1:1: error: unknown setting 'selector'\n"},
		{"domain 'a.test' { key 'x' {\n file = '/k'\n fiel = '/k' } }\n",
		 "m.conf:3:2: error: unknown setting 'fiel'\n"},
		{"domain 'a.test' { key 'x' { file = '/k' active_from = '2026-02-30' } }\n",
		 "m.conf:1:56: error: active_from '2026-02-30' is no date\n"},
		{"domain 'a.test' { key 'x' { file = '/k' active_from = '2026-12-01'\n"
		 "retire_after = '2026-12-01T00:00:00Z' } }\n",
		 "m.conf:1:37: error: key x of domain a.test is retired before it is active\n"},
		/* how to sign */
		{"canonicalization = 'relaxed/strict'\n" DOMAIN,
		 "m.conf:1:21: error: canonicalization 'relaxed/strict' is none of DKIM's\n"},
		{"signed_headers = {'Subject'}\n" DOMAIN,
		 "m.conf:1:20: error: From must be among the signed fields\n"},
		{"signed_headers = {'From', 'DKIM-Signature', 'a:b', 'Received'}\n" DOMAIN,
		 "m.conf:1:28: error: DKIM-Signature must not be among the signed fields\n"
		 "m.conf:1:46: error: signed_headers: 'a:b' is no name of a header field\n"
		 "m.conf:1:53: warning: mail servers on the way change Received: the signature "
		 "will "
		 "break\n"},
		{"oversigned_headers = {'From', 'X-Note'}\n" DOMAIN,
		 "m.conf:1:32: error: X-Note is oversigned, but not among the signed fields\n"},
		{"oversigned_headers = {'List-Id', 'Sender', 'From'}\n" DOMAIN,
		 "m.conf:1:24: warning: mailing lists add List-Id: their mail will have no good "
		 "signature\n"
		 "m.conf:1:35: warning: mailing lists add Sender: their mail will have no good "
		 "signature\n"},
		/* a listener that is not there would bind nobody, without a word */
		{"sender_binding 'b' { listeners = {'IN', '*', 'out'} domains = {'a.test'} }\n"
		 "listener 'in' { }\n",
		 "m.conf:1:1: error: sender_binding b: there is no listener out\n"},
		{"http = 'inet:9@127.0.0.1' policy_socket = 'inet:9@127.0.0.1'\n" DOMAIN,
		 "m.conf:1:9: error: http is the socket of the policy service\n"},
		{"socket = 'inet:9@127.0.0.1' policy_socket = 'inet:9@127.0.0.1'\n" DOMAIN,
		 "m.conf:1:46: error: policy_socket is the milter's own socket\n"},
		{"dns_timeout = '31s'\n" DOMAIN,
		 "m.conf:1:16: error: dns_timeout '31s' is not from 1s to 30s\n"},
		{"oversigned_headers = {}\n" DOMAIN,
		 "m.conf:1:1: warning: From is not oversigned: others can add a second one to "
		 "signed mail\n"},
		{"signature_lifetime = '2d'\n" DOMAIN,
		 "m.conf:1:23: warning: signatures expire after 2d: mail may wait longer than that "
		 "in queues\n"},
		{"signature_lifetime = '2y'\n" DOMAIN,
		 "m.conf:1:23: error: signature_lifetime '2y' is not a time\n"},
		{"domain 'a.test' { selector = 'x' key = '/k' identity = '@b.test' }\n",
		 "m.conf:1:57: error: identity '@b.test' is not in a.test or below (RFC 6376 "
		 "3.5)\n"},
		{"domain 'a.test' { selector = 'x' key = '/k' identity = 'a;b@a.test' }\n",
		 "m.conf:1:57: error: identity 'a;b@a.test' is not of the form @DOMAIN or "
		 "NAME@DOMAIN\n"},
		{"domain '*' { selector = 'x' key 'y' { file = '/k' } }\nkey_folder = '/f'\n",
		 "m.conf:1:26: error: domain * cannot have selector\n"
		 "m.conf:1:29: error: domain * cannot have a key\n"},
		{"domain '*' {}\n" DOMAIN,
		 "m.conf: error: has a domain * but no key_folder: there are no keys for it\n"},
		{"key_folder = 'keys'\n" DOMAIN,
		 "m.conf:1:15: error: key_folder 'keys' is not an absolute path\n"},
		{"engine = 'own'\n" DOMAIN,
		 "m.conf:1:11: error: engine is 'own': it can be openssl or opendkim\n"},
		{"several_authors = 'refuse'\n" DOMAIN,
		 "m.conf:1:20: error: several_authors is 'refuse': it can be defer or reject\n"},
		/* listeners and bindings */
		{"listener 'a' { proxied = maybe }\n" DOMAIN,
		 "m.conf:1:26: error: proxied is 'maybe': it can be no, yes, false, true, off or "
		 "on\n"},
		{"listener 'a' { proxied = yes }\n" DOMAIN,
		 "m.conf:1:1: warning: listener a is proxied but names no trusted_proxies: its own "
		 "health checks look like clients\n"},
		{"listener 'a' { }\nlistener 'a' { }\n" DOMAIN,
		 "m.conf:2:1: error: listener a is given twice\n"},
		{"listener 'a' { trusted_proxies = {'0.0.0.0/0'} reply = '100% no'\n"
		 "claimed_internal = 'drop' }\n" DOMAIN,
		 "m.conf:1:36: error: 0.0.0.0/0 is every address there is, not a proxy\n"
		 "m.conf:1:57: error: reply has printable ASCII without '%', at most 200 "
		 "characters\n"
		 "m.conf:2:21: error: claimed_internal is 'drop': it can be reject, tempfail, "
		 "quarantine or log\n"},
		{"sender_binding 'a' { domains = {'x.test'} }\nsender_binding 'b' { users = {'u'} "
		 "}\n" DOMAIN,
		 "m.conf:1:1: error: sender_binding a names no networks, listeners or users\n"
		 "m.conf:2:1: error: sender_binding b allows no domains\n"},
		{"sender_binding 'a' { users = {'u'} domains = {'!x.test'} from = 'our' }\n"
		 "sender_binding 'b' { users = {'u'} domains = {'a.test', '!', '!!b.test', '*.!c'} "
		 "}\n" DOMAIN,
		 "m.conf:1:1: error: sender_binding a allows no domains\n"
		 "m.conf:1:66: error: from is 'our': it can be allowed or ours\n"
		 "m.conf:2:58: error: '' is no domain name\n"
		 "m.conf:2:63: error: '!b.test' is no domain name\n"
		 "m.conf:2:75: error: '!c' is no domain name\n"},
		{"http = 'inet:80'\npolicy_socket = 'policy'\ndns_servers = {'::1', "
		 "'1.2.3.4:99999'}\n"
		 "verify_signatures_most = '0'\n" DOMAIN,
		 "m.conf:1:9: error: http 'inet:80' is not of the form inet:PORT@ADDRESS\n"
		 "m.conf:2:18: error: policy_socket 'policy' is neither unix:PATH nor "
		 "inet:PORT@ADDRESS\n"
		 "m.conf:3:24: error: dns_servers: '1.2.3.4:99999' is no address of a server\n"
		 "m.conf:4:27: error: verify_signatures_most '0' is not a number from 1 to 100\n"},
		{"http = 'inet:9100@192.0.2.1'\n" DOMAIN,
		 "m.conf:1:9: warning: http is open to whoever can connect to 192.0.2.1\n"
		 "m.conf:1:9: error: http 'inet:9100@192.0.2.1' is not on this host alone\n"},
		{"log = \"stderr\n" DOMAIN,
		 "m.conf:1:7: error: the string that begins here has no end\n"},
		{"/* log = 'stderr'\n" DOMAIN,
		 "m.conf:1:1: error: the comment that begins here has no end\n"},
		{"log stderr\n" DOMAIN,
		 "m.conf:1:1: error: missing equal sign after option 'log'\n"},
		{"domain 'a.test' { selector = 'x'\n",
		 "m.conf:1:17: error: the section that begins here has no end\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config config;
		const char *text = with_names(cases[i].text), *got = messages(parse(text, &config));

		if (strcmp(got, cases[i].wanted) != 0)
			fail_msg("'%s' gives:\n%swanted:\n%s", cases[i].text, got, cases[i].wanted);
	}
}

static void test_names(void **state)
{
	struct config config;
	struct diagnostics *list =
		parse("user = 'no such user'\nsocket_group = 'no such group'\n" DOMAIN, &config);

	(void)state;
	assert_string_equal(
		messages(list),
		"m.conf:1:9: error: user: there is no user 'no such user'\n"
		"m.conf:2:17: error: socket_group: there is no group 'no such group'\n");
}

/* What a file that breaks off does not say is not held against it. */
static void test_broken_off(void **state)
{
	struct config config;

	(void)state;
	assert_string_equal(messages(parse("log = 'syslog'\nsocket", &config)),
			    "m.conf:2:1: error: premature end of file\n");
}

static void test_nul(void **state)
{
	static const char text[] = "log = 'a\0b'\n";
	struct source source = {"m.conf", text, sizeof(text) - 1};
	struct diagnostics *list = diagnostics_new(arena);
	struct config config;

	(void)state;
	config_read(arena, &source, list, &config);
	assert_string_equal(messages(list),
			    "m.conf: error: holds a NUL character: not a configuration file\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_empty_networks),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_broken_off),
		cmocka_unit_test(test_nul),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
