/*
 * smtpd_*_restrictions, one after the other, as smtpd(8) evaluates them; see host_private.h. What
 * asks the network (block lists, policy services, unknown names of clients) is taken to let the
 * message pass, and a step says so.
 */
#include "confgen/trace/restrict.h"

#include <string.h>
#include <strings.h>

/* Classes may name each other. */
#define DEEPEST 30

static struct step *tell(struct judged *judged, enum step_kind kind, const struct text *why,
			 const char *format, const char *a, const char *b)
{
	struct step *step = steps_add(judged->steps, kind, "%s%s%s", a, format, b);

	if (why)
		host_place_text(judged->host, why, step);
	return step;
}

static void pass_over(struct judged *judged, const struct text *why, const char *because)
{
	tell(judged, STEP_ACCEPT, why, " ", why->text, because)->detail = true;
}

static void assume(struct judged *judged, const struct text *why)
{
	struct step *step = tell(judged, STEP_ACCEPT, why, " ", why->text,
				 "asks the network, and is taken to let the message pass");

	step->detail = true;
	step->assumed = true;
}

bool restrict_refuse(struct judged *judged, const struct text *why, int code, const char *format,
		     ...)
{
	struct arena *arena = judged->host->arena;
	struct step *step;
	va_list args;

	judged->answer.code = code;
	va_start(args, format);
	judged->answer.text = arena_vprintf(arena, format, args);
	va_end(args);
	step = steps_add(judged->steps, STEP_REFUSE, "%s%s: %d %s", why ? why->text : "",
			 judged->parameter ? arena_printf(arena, " in %s", judged->parameter) : "",
			 code, judged->answer.text);
	if (why)
		host_place_text(judged->host, why, step);
	return false;
}

/* Whether a list says whose mail is taken; the others, who may speak at all, decide when they
 * refuse. */
static bool decides(const struct judged *judged)
{
	enum restriction_list list = restriction_list_of(judged->parameter);

	return list == RESTRICTION_RELAY || list == RESTRICTION_RECIPIENT;
}

enum verdict restrict_permit(struct judged *judged, const struct text *why, const char *because)
{
	struct step *step = steps_add(judged->steps, STEP_ACCEPT, "%s in %s%s%s", why->text,
				      judged->parameter, *because ? ": " : "", because);

	host_place_text(judged->host, why, step);
	step->detail = !decides(judged);
	return PERMIT;
}

/* --- the restrictions --- */

static enum verdict permit_networks(struct judged *judged, const struct restriction_use *use)
{
	char text[IP_TEXT_SIZE];
	struct text item;
	struct step *step;

	if (!match_client(judged->host, judged->service, "mynetworks", &judged->mail->client,
			  &item)) {
		pass_over(judged, &use->name->text, "does not match the client");
		return NEXT;
	}
	step = steps_add(judged->steps, STEP_ACCEPT, "permit_mynetworks in %s: %s is in %s",
			 judged->parameter, ip_format(&judged->mail->client, text), item.text);
	host_place_text(judged->host, &item, step);
	step->detail = !decides(judged);
	return PERMIT;
}

static enum verdict permit_login(struct judged *judged, const struct restriction_use *use)
{
	if (!judged->mail->user || !configuration_yes(judged->host->configuration, judged->service,
						      "smtpd_sasl_auth_enable"))
		return NEXT;
	return restrict_permit(judged, &use->name->text, judged->mail->user);
}

/* Whether mail for the recipient is this host's business. */
static bool is_auth_destination(struct judged *judged)
{
	struct text item;

	return resolve_class(judged->host, judged->mail->recipient, &item) != CLASS_DEFAULT;
}

static enum verdict permit_destination(struct judged *judged, const struct restriction_use *use)
{
	return is_auth_destination(judged)
		       ? restrict_permit(judged, &use->name->text, judged->mail->recipient)
		       : NEXT;
}

static enum verdict refuse_destination(struct judged *judged, const struct restriction_use *use,
				       bool softly)
{
	long code = 554;

	if (is_auth_destination(judged)) {
		pass_over(judged, &use->name->text, "lets relayed domains pass");
		return NEXT;
	}
	value_number(configuration_value(judged->host->configuration, judged->service,
					 "relay_domains_reject_code"),
		     &code);
	if (softly)
		code -= 100;
	restrict_refuse(judged, &use->name->text, (int)code, "%d.7.1 <%s>: Relay access denied",
			softly ? 4 : 5, judged->mail->recipient);
	return REFUSE;
}

static enum verdict reject_destination(struct judged *judged, const struct restriction_use *use)
{
	return refuse_destination(judged, use, false);
}

static enum verdict defer_destination(struct judged *judged, const struct restriction_use *use)
{
	return refuse_destination(judged, use, true);
}

static enum verdict permit_all(struct judged *judged, const struct restriction_use *use)
{
	return restrict_permit(judged, &use->name->text, "");
}

/* What a list is about, as Postfix names it in a reply. */
static const char *subject(const struct judged *judged, const char **value)
{
	char text[IP_TEXT_SIZE];

	switch (restriction_list_of(judged->parameter)) {
	case RESTRICTION_CLIENT:
		*value = arena_printf(judged->host->arena, "unknown[%s]",
				      ip_format(&judged->mail->client, text));
		return "Client host";
	case RESTRICTION_HELO:
		*value = judged->mail->helo;
		return "Helo command";
	case RESTRICTION_SENDER:
		*value = judged->mail->sender;
		return "Sender address";
	case RESTRICTION_DATA:
	case RESTRICTION_END_OF_DATA:
		*value = "DATA";
		return "Data command";
	default:
		*value = judged->mail->recipient;
		return "Recipient address";
	}
}

static enum verdict reject_all(struct judged *judged, const struct restriction_use *use)
{
	const char *value, *what = subject(judged, &value);

	restrict_refuse(judged, &use->name->text, 554, "5.7.1 <%s>: %s rejected: Access denied",
			value, what);
	return REFUSE;
}

static enum verdict defer_all(struct judged *judged, const struct restriction_use *use)
{
	const char *value, *what = subject(judged, &value);

	restrict_refuse(judged, &use->name->text, 450, "4.7.1 <%s>: %s rejected: Try again later",
			value, what);
	return REFUSE;
}

static enum verdict reject_unlisted(struct judged *judged, const struct restriction_use *use)
{
	(void)use;
	judged->listed = true;
	return restrict_unlisted(judged) ? NEXT : REFUSE;
}

/* Whether a name has the form of a host name; `full`: of two labels at least. */
static bool is_hostname(const char *name, bool full)
{
	size_t label = 0;
	bool dot = false;

	if (*name == '[')
		return strchr(name, ']') != NULL;
	for (const char *at = name; *at; at++) {
		bool word = (*at >= '0' && *at <= '9') ||
			    ((*at | 32) >= 'a' && (*at | 32) <= 'z') || *at == '_' || *at == '-';

		if (!word && *at != '.')
			return false;
		if (*at == '.' && !label)
			return false;
		label = *at == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
		dot |= *at == '.' && at[1];
	}
	return *name && strlen(name) < 256 && (dot || !full);
}

static enum verdict reject_helo(struct judged *judged, const struct restriction_use *use)
{
	bool full = strncasecmp(use->name->text.text, "reject_non_fqdn", 15) == 0;
	struct ip_address address;

	if (!judged->mail->helo || is_hostname(judged->mail->helo, full))
		return NEXT;
	/* a bare address is a name that no one can have */
	if (!full && ip_parse(judged->mail->helo, &address) == IP_OK)
		return NEXT;
	restrict_refuse(judged, &use->name->text, full ? 504 : 501,
			full ? "5.5.2 <%s>: Helo command rejected: need fully-qualified hostname"
			     : "5.5.2 <%s>: Helo command rejected: invalid hostname",
			judged->mail->helo);
	return REFUSE;
}

static enum verdict reject_domain(struct judged *judged, const struct restriction_use *use)
{
	struct host *host = judged->host;
	bool sender = strcasecmp(use->name->text.text, "reject_unknown_sender_domain") == 0;
	const char *address = sender ? judged->mail->sender : judged->mail->recipient;
	const char *domain = lookup_domain_of(address);
	struct text item;
	long code = 450;

	if (!*domain || resolve_class(host, address, &item) != CLASS_DEFAULT ||
	    host->input.oracle.domain(host->input.oracle.user, domain)) {
		pass_over(judged, &use->name->text, "knows the domain");
		return NEXT;
	}
	value_number(configuration_value(host->configuration, judged->service,
					 "unknown_address_reject_code"),
		     &code);
	restrict_refuse(judged, &use->name->text, (int)code,
			"4.1.%d <%s>: %s address rejected: Domain not found", sender ? 8 : 2,
			address, sender ? "Sender" : "Recipient");
	return REFUSE;
}

static enum verdict reject_address_form(struct judged *judged, const struct restriction_use *use)
{
	bool sender = strcasecmp(use->name->text.text, "reject_non_fqdn_sender") == 0;
	const char *address = sender ? judged->mail->sender : judged->mail->recipient;

	if (!*address || is_hostname(lookup_domain_of(address), true))
		return NEXT;
	restrict_refuse(judged, &use->name->text, 504,
			"5.5.2 <%s>: %s address rejected: need fully-qualified address", address,
			sender ? "Sender" : "Recipient");
	return REFUSE;
}

/* The host that has the mailboxes is asked. */
static enum verdict reject_unverified(struct judged *judged, const struct restriction_use *use)
{
	struct host *host = judged->host;
	const struct configuration *configuration = host->configuration;
	const char *reply = "", *reason;
	long code = 450;
	int said =
		host->input.oracle.probe(host->input.oracle.user, judged->mail->recipient, &reply);

	if (said / 100 == 2) {
		restrict_permit(judged, &use->name->text, "the next host takes the recipient");
		return NEXT;
	}
	value_number(configuration_value(configuration, judged->service,
					 said / 100 == 5 ? "unverified_recipient_reject_code"
							 : "unverified_recipient_defer_code"),
		     &code);
	reason = configuration_value(configuration, judged->service,
				     "unverified_recipient_reject_reason")
			 ->text.text;
	restrict_refuse(judged, &use->name->text, (int)code,
			"%d.1.1 <%s>: Recipient address rejected: %s", code / 100 == 5 ? 5 : 4,
			judged->mail->recipient, *reason ? reason : reply);
	return REFUSE;
}

static enum verdict reject_plain(struct judged *judged, const struct restriction_use *use)
{
	if (judged->mail->tls)
		return NEXT;
	restrict_refuse(judged, &use->name->text, 450, "4.7.1 Session encryption is required");
	return REFUSE;
}

/* Nobody here breaks the protocol. */
static enum verdict let_pass(struct judged *judged, const struct restriction_use *use)
{
	pass_over(judged, &use->name->text, "finds nothing");
	return NEXT;
}

static enum verdict ask_network(struct judged *judged, const struct restriction_use *use)
{
	assume(judged, &use->name->text);
	return NEXT;
}

static const struct {
	const char *name;
	enum verdict (*evaluate)(struct judged *judged, const struct restriction_use *use);
} rows[] = {
	{"permit", permit_all},
	{"reject", reject_all},
	{"defer", defer_all},
	{"permit_mynetworks", permit_networks},
	{"permit_sasl_authenticated", permit_login},
	{"permit_auth_destination", permit_destination},
	{"reject_unauth_destination", reject_destination},
	{"defer_unauth_destination", defer_destination},
	{"check_client_access", access_client},
	{"check_helo_access", access_helo},
	{"check_sender_access", access_sender},
	{"check_recipient_access", access_recipient},
	{"check_sasl_access", access_login},
	{"reject_unlisted_recipient", reject_unlisted},
	{"reject_invalid_helo_hostname", reject_helo},
	{"reject_non_fqdn_helo_hostname", reject_helo},
	{"reject_unknown_sender_domain", reject_domain},
	{"reject_unknown_recipient_domain", reject_domain},
	{"reject_non_fqdn_sender", reject_address_form},
	{"reject_non_fqdn_recipient", reject_address_form},
	{"reject_unverified_recipient", reject_unverified},
	{"reject_plaintext_session", reject_plain},
	{"reject_unauth_pipelining", let_pass},
	{"reject_multi_recipient_bounce", let_pass},
};

static enum verdict evaluate(struct judged *judged, const struct restriction_use *use)
{
	if (!use->restriction)
		return restrict_named(judged, &use->name->text);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcasecmp(rows[i].name, use->restriction->name) == 0)
			return rows[i].evaluate(judged, use);
	return ask_network(judged, use);
}

enum verdict restrict_items(struct judged *judged, const struct text *value)
{
	struct restriction_uses uses = restrictions_read(judged->host->arena, value);
	enum verdict verdict = NEXT;

	for (size_t i = 0; i < uses.count && verdict == NEXT; i++) {
		if (judged->budget == 0)
			return NEXT;
		judged->budget--;
		if (!uses.items[i].warn_only)
			verdict = evaluate(judged, &uses.items[i]);
	}
	return verdict;
}

enum verdict restrict_named(struct judged *judged, const struct text *name)
{
	const struct value *value;
	enum verdict verdict;

	if (name->text[0] && strchr(name->text, ':'))
		return access_table(judged, name);
	value = configuration_value(judged->host->configuration, judged->service, name->text);
	if (configuration_classify(judged->host->configuration, name->text) != NAME_CLASS) {
		restrict_refuse(judged, name, 451, "4.3.5 Server configuration error");
		return REFUSE;
	}
	if (judged->depth >= DEEPEST)
		return NEXT;
	judged->depth++;
	verdict = restrict_items(judged, &value->text);
	judged->depth--;
	return verdict;
}

bool restrict_list(struct judged *judged, const char *parameter)
{
	const struct value *value =
		configuration_value(judged->host->configuration, judged->service, parameter);

	judged->parameter = parameter;
	return restrict_items(judged, &value->text) != REFUSE;
}
