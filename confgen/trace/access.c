/* Access tables of smtpd(8): what is looked up, and what a result does; see access(5). */
#include "confgen/trace/restrict.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* What a check is about, for replies. */
struct check {
	struct judged *judged;
	const struct restriction_use *use;
	const struct text *table;
	const char *what;  /* "Sender address" */
	const char *value; /* as in the reply */
	bool recipient;
};

static enum verdict reply(const struct check *check, const struct found *found, int code,
			  const char *status, const char *text)
{
	while (*text == ' ' || *text == '\t')
		text++;
	/* an enhanced status may begin the text */
	if (isdigit((unsigned char)text[0]) && text[1] == '.' && isdigit((unsigned char)text[2])) {
		size_t length = strcspn(text, " \t");

		status = arena_strndup(check->judged->host->arena, text, length);
		text += length + strspn(text + length, " \t");
	}
	restrict_refuse(check->judged, &found->place, code, "%s <%s>: %s rejected: %s", status,
			check->value, check->what, *text ? text : "Access denied");
	return REFUSE;
}

/* One word of a result, and the rest. */
static bool is_word(const char *text, const char *word, const char **rest)
{
	size_t length = strlen(word);

	if (strncasecmp(text, word, length) != 0 || (text[length] && !text_is_space(text[length])))
		return false;
	*rest = text + length;
	return true;
}

static enum verdict act_on_code(const struct check *check, const struct found *found)
{
	const char *text = found->value.text;
	int code = (text[0] - '0') * 100 + (text[1] - '0') * 10 + text[2] - '0';

	return reply(check, found, code, *text == '4' ? "4.7.1" : "5.7.1", text + 3);
}

/* Words that change nothing about whether mail is taken, or that are looked at elsewhere. */
static bool is_neutral(const char *text)
{
	static const char *const words[] = {"DUNNO",  "PREPEND",  "WARN", "INFO",   "BCC",
					    "FILTER", "REDIRECT", "HOLD", "DISCARD"};
	const char *rest;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_word(text, words[i], &rest))
			return true;
	return false;
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

static enum verdict act(const struct check *check, const struct found *found)
{
	const char *text = found->value.text, *rest;
	struct judged *judged = check->judged;
	struct step *step;
	enum verdict verdict;

	if (is_neutral(text))
		return NEXT;
	if (is_word(text, "OK", &rest) || is_number(text)) {
		step = steps_add(judged->steps, STEP_ACCEPT, "%s in %s: %s is %s",
				 check->use ? check->use->name->text.text : check->table->text,
				 judged->parameter, check->value, text);
		host_place_text(judged->host, &found->place, step);
		return PERMIT;
	}
	if (is_word(text, "REJECT", &rest))
		return reply(check, found, 554, "5.7.1", rest);
	if (is_word(text, "DEFER", &rest))
		return reply(check, found, 450, "4.7.1", rest);
	if ((*text == '4' || *text == '5') && isdigit((unsigned char)text[1]) &&
	    isdigit((unsigned char)text[2]))
		return act_on_code(check, found);
	step = steps_add(judged->steps, STEP_ACCEPT, "%s in %s: %s is judged by %s",
			 check->use ? check->use->name->text.text : check->table->text,
			 judged->parameter, check->value, text);
	host_place_text(judged->host, &found->place, step);
	step->detail = true;
	if (++judged->depth > 30)
		return NEXT;
	verdict = restrict_items(judged, &found->value);
	judged->depth--;
	return verdict;
}

/* True where the table has the key, and then `*verdict` is what that means. */
static bool ask(const struct check *check, const char *key, bool partial, enum verdict *verdict)
{
	struct found found;

	if (lookup_table(check->judged->host, check->table, key, partial, &found) != LOOKUP_FOUND)
		return false;
	*verdict = act(check, &found);
	return true;
}

/* A domain, and those above it. */
static bool ask_domain(const struct check *check, const char *domain, bool partial,
		       enum verdict *verdict)
{
	bool parents = lookup_parents(check->judged->host, "smtpd_access_maps");

	while (domain && *domain) {
		if (ask(check, domain, partial, verdict))
			return true;
		partial = true;
		domain = strchr(domain + 1, '.');
		if (domain && parents)
			domain++;
	}
	return false;
}

static enum verdict check_address(struct check *check, const char *address)
{
	struct host *host = check->judged->host;
	const char *bare = lookup_without_extension(host, address), *at = strrchr(address, '@');
	enum verdict verdict = NEXT;

	check->value = address;
	if (!*address) {
		ask(check,
		    configuration_value(host->configuration, check->judged->service,
					"smtpd_null_access_lookup_key")
			    ->text.text,
		    false, &verdict);
		return verdict;
	}
	if (ask(check, address, false, &verdict) || (bare && ask(check, bare, true, &verdict)) ||
	    !at || ask_domain(check, at + 1, true, &verdict))
		return verdict;
	if (!ask(check, arena_strndup(host->arena, address, (size_t)(at + 1 - address)), true,
		 &verdict) &&
	    bare)
		ask(check, arena_strndup(host->arena, bare, strcspn(bare, "@") + 1), true,
		    &verdict);
	return verdict;
}

/* The table of a check, or false: it cannot be read here. */
static bool begin(struct check *check, struct judged *judged, const struct restriction_use *use,
		  const char *what)
{
	*check = (struct check){.judged = judged,
				.use = use,
				.table = use->argument ? &use->argument->text : NULL,
				.what = what};
	return check->table != NULL;
}

static enum verdict check_client(struct check *check)
{
	char text[IP_TEXT_SIZE];
	enum verdict verdict = NEXT;
	char *end;

	if (check->judged->mail->client.family == IP_NONE)
		return NEXT;
	ip_format(&check->judged->mail->client, text);
	check->value = arena_printf(check->judged->host->arena, "unknown[%s]", text);
	if (ask(check, text, false, &verdict))
		return verdict;
	/* a network: the address without its last groups */
	while ((end = strrchr(text, check->judged->mail->client.family == IP_V4 ? '.' : ':'))) {
		*end = '\0';
		if (ask(check, text, true, &verdict))
			break;
	}
	return verdict;
}

enum verdict access_client(struct judged *judged, const struct restriction_use *use)
{
	struct check check;

	return begin(&check, judged, use, "Client host") ? check_client(&check) : NEXT;
}

static enum verdict check_helo(struct check *check)
{
	enum verdict verdict = NEXT;

	check->value = check->judged->mail->helo ? check->judged->mail->helo : "";
	ask_domain(check, check->value, false, &verdict);
	return verdict;
}

enum verdict access_helo(struct judged *judged, const struct restriction_use *use)
{
	struct check check;

	return begin(&check, judged, use, "Helo command") ? check_helo(&check) : NEXT;
}

enum verdict access_sender(struct judged *judged, const struct restriction_use *use)
{
	struct check check;

	return begin(&check, judged, use, "Sender address")
		       ? check_address(&check, judged->mail->sender)
		       : NEXT;
}

enum verdict access_recipient(struct judged *judged, const struct restriction_use *use)
{
	struct check check;

	return begin(&check, judged, use, "Recipient address")
		       ? check_address(&check, judged->mail->recipient)
		       : NEXT;
}

enum verdict access_login(struct judged *judged, const struct restriction_use *use)
{
	enum verdict verdict = NEXT;
	struct check check;

	if (begin(&check, judged, use, "SASL login name") && judged->mail->user) {
		check.value = judged->mail->user;
		ask(&check, judged->mail->user, false, &verdict);
	}
	return verdict;
}

enum verdict access_table(struct judged *judged, const struct text *table)
{
	struct check check = {.judged = judged, .table = table};

	switch (restriction_list_of(judged->parameter)) {
	case RESTRICTION_CLIENT:
		check.what = "Client host";
		return check_client(&check);
	case RESTRICTION_HELO:
		check.what = "Helo command";
		return check_helo(&check);
	case RESTRICTION_SENDER:
		check.what = "Sender address";
		return check_address(&check, judged->mail->sender);
	case RESTRICTION_RELAY:
	case RESTRICTION_RECIPIENT:
		check.what = "Recipient address";
		return check_address(&check, judged->mail->recipient);
	default:
		return NEXT;
	}
}
