/* The text of an SPF record as terms; see spf.h. */
#include "confgen/dns/spf.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#define MOST_TERMS     128
#define LONGEST_RECORD 16384
#define VERSION	       "v=spf1"

static const struct {
	const char *name;
	enum spf_mechanism mechanism;
	enum { NO_DOMAIN, MAY_DOMAIN, MUST_DOMAIN, ADDRESS } argument;
} mechanisms[] = {
	{"all", SPF_ALL, NO_DOMAIN},  {"include", SPF_INCLUDE, MUST_DOMAIN},
	{"a", SPF_A, MAY_DOMAIN},     {"mx", SPF_MX, MAY_DOMAIN},
	{"ptr", SPF_PTR, MAY_DOMAIN}, {"ip4", SPF_IP4, ADDRESS},
	{"ip6", SPF_IP6, ADDRESS},    {"exists", SPF_EXISTS, MUST_DOMAIN},
};

bool spf_is_record(const struct dns_text *text)
{
	size_t length = strlen(VERSION);

	return text->length >= length && strncasecmp(text->text, VERSION, length) == 0 &&
	       (text->length == length || text->text[length] == ' ');
}

/* "/24", "//64" or "/24//64" at the end of a word is cut off. */
static bool cut_prefixes(char *word, struct spf_term *term)
{
	char *slash = strchr(word, '/'), *end;

	term->prefix4 = 32;
	term->prefix6 = 128;
	if (!slash)
		return true;
	*slash++ = '\0';
	if (*slash != '/') {
		if (!isdigit((unsigned char)*slash))
			return false;
		term->prefix4 = (unsigned)strtoul(slash, &end, 10);
		if (term->prefix4 > 32 || (*end && strncmp(end, "//", 2) != 0))
			return false;
		if (!*end)
			return true;
		slash = end + 1;
	}
	slash++;
	if (!isdigit((unsigned char)*slash))
		return false;
	term->prefix6 = (unsigned)strtoul(slash, &end, 10);
	return term->prefix6 <= 128 && !*end;
}

/* Bits below the prefix are no mistake here. */
static bool read_network(char *word, enum ip_family family, struct ip_network *out)
{
	char *slash = strchr(word, '/'), *end;
	unsigned long prefix = family == IP_V4 ? 32 : 128, most = prefix;
	struct ip_network network = {0};

	if (slash) {
		*slash++ = '\0';
		prefix = isdigit((unsigned char)*slash) ? strtoul(slash, &end, 10) : most + 1;
		if (prefix > most || *end)
			return false;
	}
	if (*word == '[' || ip_parse(word, &network.address) != IP_OK ||
	    network.address.family != family)
		return false;
	for (unsigned bit = (unsigned)prefix; bit < most; bit++)
		network.address.octets[bit / 8] &= (unsigned char)~(0x80U >> bit % 8);
	network.prefix = (unsigned)prefix;
	*out = network;
	return true;
}

static const char *read_argument(struct arena *arena, char *argument, size_t row,
				 struct spf_term *term)
{
	char *domain;

	if (mechanisms[row].argument == ADDRESS)
		return argument && read_network(argument,
						term->mechanism == SPF_IP4 ? IP_V4 : IP_V6,
						&term->network)
			       ? NULL
			       : "an address in it is none";
	if (mechanisms[row].argument == NO_DOMAIN)
		return argument ? "'all' takes nothing" : NULL;
	domain = argument ? argument : (char *)"";
	if (mechanisms[row].argument == MUST_DOMAIN && !*domain)
		return "a mechanism in it lacks its domain";
	if (argument && !*argument)
		return "a mechanism in it has an empty domain";
	term->macro = strchr(domain, '%') != NULL;
	if (*domain)
		term->domain = arena_strdup(arena, domain);
	return NULL;
}

static const char *read_mechanism(struct arena *arena, char *word, struct spf_term *term)
{
	size_t length;
	char *argument;

	term->qualifier = '+';
	if (*word && strchr("+-~?", *word))
		term->qualifier = *word++;
	length = strcspn(word, ":/");
	argument = word[length] == ':' ? word + length + 1 : NULL;
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++) {
		if (strncasecmp(word, mechanisms[i].name, length) != 0 ||
		    mechanisms[i].name[length])
			continue;
		term->mechanism = mechanisms[i].mechanism;
		if (term->mechanism == SPF_A || term->mechanism == SPF_MX) {
			if (!cut_prefixes(word, term))
				return "a prefix in it is none";
		} else if (word[length] == '/') {
			return "a mechanism in it takes no prefix";
		}
		return read_argument(arena, argument, i, term);
	}
	return "a mechanism in it is unknown";
}

/* NAME=VALUE, with a name of letters, digits, '-', '_' and '.'. */
static bool is_modifier(const char *word)
{
	const char *p = word;

	if (!isalpha((unsigned char)*p))
		return false;
	while (isalnum((unsigned char)*p) || (*p && strchr("-_.", *p)))
		p++;
	return *p == '=';
}

static const char *read_word(struct arena *arena, char *word, struct spf_record *record,
			     struct spf_term *redirect)
{
	struct spf_term term = {0};
	const char *wrong;

	if (is_modifier(word)) {
		if (strncasecmp(word, "redirect=", 9) != 0)
			return NULL;
		if (redirect->domain)
			return "it has two redirects";
		if (!word[9])
			return "its redirect lacks a domain";
		*redirect = (struct spf_term){.mechanism = SPF_REDIRECT,
					      .qualifier = '+',
					      .domain = arena_strdup(arena, word + 9),
					      .macro = strchr(word, '%') != NULL};
		return NULL;
	}
	wrong = read_mechanism(arena, word, &term);
	if (wrong)
		return wrong;
	if (record->count == MOST_TERMS)
		return "it has too many terms";
	*arena_push(arena, record) = term;
	return NULL;
}

static bool has_all(const struct spf_record *record)
{
	for (size_t i = 0; i < record->count; i++)
		if (record->items[i].mechanism == SPF_ALL)
			return true;
	return false;
}

const char *spf_parse(struct arena *arena, const struct dns_text *text, struct spf_record *out)
{
	struct spf_record record = {0};
	struct spf_term redirect = {0};
	char *copy, *rest = NULL;

	if (text->length > LONGEST_RECORD)
		return "it is too long";
	for (size_t i = 0; i < text->length; i++)
		if (text->text[i] < ' ' || text->text[i] > '~')
			return "it is not plain text";
	copy = arena_strndup(arena, text->text + strlen(VERSION), text->length - strlen(VERSION));
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		const char *wrong = read_word(arena, word, &record, &redirect);

		if (wrong)
			return wrong;
	}
	if (redirect.domain && !has_all(&record))
		*arena_push(arena, &record) = redirect;
	*out = record;
	return NULL;
}
