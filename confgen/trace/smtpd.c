/*
 * The session of a client with smtpd(8), command by command; see host.h. Restrictions are asked at
 * RCPT TO, as smtpd_delay_reject has it.
 */
#include "confgen/trace/restrict.h"

#include <string.h>

/* As many restrictions a command as no one writes: classes that refer to classes multiply. */
#define BUDGET 5000

static bool refuse(struct judged *judged, const char *parameter, int code, const char *text)
{
	const struct value *value =
		configuration_value(judged->host->configuration, judged->service, parameter);
	struct step *step;

	judged->answer = (struct answer){code, text};
	step = steps_add(judged->steps, STEP_REFUSE, "%s = %s: %d %s", parameter, value->text.text,
			 code, text);
	host_place_value(judged->host, judged->service, value, step);
	return false;
}

static bool is_level(const struct judged *judged, const char *level)
{
	return text_equal(&configuration_value(judged->host->configuration, judged->service,
					       "smtpd_tls_security_level")
				   ->text,
			  level);
}

static bool begin_tls(struct judged *judged)
{
	const char *service = host_service_name(judged->host, judged->service);

	if (judged->mail->tls && !host_offers_tls(judged->host, service))
		return refuse(judged, "smtpd_tls_security_level", 502,
			      "5.5.1 Error: command not implemented");
	if (!judged->mail->tls && is_level(judged, "encrypt"))
		return refuse(judged, "smtpd_tls_security_level", 530,
			      "5.7.0 Must issue a STARTTLS command first");
	return true;
}

static bool log_in(struct judged *judged)
{
	const struct host *host = judged->host;
	const struct configuration *configuration = host->configuration;
	const struct oracle *oracle = &host->input.oracle;

	if (!judged->mail->user)
		return true;
	if (!configuration_yes(configuration, judged->service, "smtpd_sasl_auth_enable"))
		return refuse(judged, "smtpd_sasl_auth_enable", 503,
			      "5.5.1 Error: authentication not enabled");
	if (!judged->mail->tls &&
	    configuration_yes(configuration, judged->service, "smtpd_tls_auth_only"))
		return refuse(judged, "smtpd_tls_auth_only", 538,
			      "5.7.11 Encryption required for requested authentication mechanism");
	if (!oracle->login(oracle->user, judged->mail->user))
		return restrict_refuse(judged, NULL, 535,
				       "5.7.8 Error: authentication failed: no user %s here",
				       judged->mail->user);
	return true;
}

static bool fits(struct judged *judged)
{
	const struct value *value = configuration_value(judged->host->configuration,
							judged->service, "message_size_limit");
	long limit = 0;

	if (!value_number(value, &limit) || limit <= 0 ||
	    judged->mail->size <= (unsigned long)limit)
		return true;
	return refuse(judged, "message_size_limit", 552, "5.3.4 Message size exceeds fixed limit");
}

/* The lists that are asked for each recipient, in their order. */
static bool ask_restrictions(struct judged *judged)
{
	bool relay_first = configuration_yes(judged->host->configuration, judged->service,
					     "smtpd_relay_before_recipient_restrictions");

	return restrict_list(judged, "smtpd_client_restrictions") &&
	       restrict_list(judged, "smtpd_helo_restrictions") &&
	       restrict_list(judged, "smtpd_sender_restrictions") &&
	       restrict_list(judged, relay_first ? "smtpd_relay_restrictions"
						 : "smtpd_recipient_restrictions") &&
	       restrict_list(judged, relay_first ? "smtpd_recipient_restrictions"
						 : "smtpd_relay_restrictions");
}

/* The lists in which a recipient may have to be, by address class. */
static const struct {
	const char *maps, *code, *name;
} lists[] = {
	[CLASS_LOCAL] = {"local_recipient_maps", "unknown_local_recipient_reject_code",
			 "local recipient"},
	[CLASS_ALIAS] = {NULL, "unknown_virtual_alias_reject_code", "virtual alias"},
	[CLASS_MAILBOX] = {"virtual_mailbox_maps", "unknown_virtual_mailbox_reject_code",
			   "virtual mailbox"},
	[CLASS_RELAY] = {"relay_recipient_maps", "unknown_relay_recipient_reject_code",
			 "relay recipient"},
};

static bool is_rewritten(struct host *host, const char *recipient)
{
	static const char *const names[] = {"recipient_canonical_maps", "canonical_maps",
					    "virtual_alias_maps"};
	struct found found;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (lookup_address(host, configuration_value(host->configuration, NULL, names[i]),
				   recipient, &found) != LOOKUP_NONE)
			return true;
	return false;
}

/* What error(8) would bounce is refused at once; what retry would defer, for now. */
static bool restrict_error(struct judged *judged)
{
	struct steps quiet = {.arena = judged->host->arena, .quiet = true};
	const struct mail *mail = judged->mail;
	enum delivery delivery;
	struct way way;

	host_route(judged->host, mail->sender ? mail->sender : "", mail->recipient, &way, &quiet);
	delivery = host_delivery(judged->host, way.transport);
	if (delivery != DELIVER_ERROR && delivery != DELIVER_RETRY)
		return true;
	judged->parameter = NULL;
	return restrict_refuse(judged, NULL, delivery == DELIVER_ERROR ? 550 : 450,
			       "%s <%s>: Recipient address rejected: %s",
			       delivery == DELIVER_ERROR ? "5.1.1" : "4.1.1", mail->recipient,
			       way.explicit ? way.next_hop : "Address is undeliverable");
}

bool restrict_unlisted(struct judged *judged)
{
	struct host *host = judged->host;
	const char *recipient = judged->mail->recipient;
	struct text item;
	enum address_class class = resolve_class(host, recipient, &item);
	const struct value *maps = NULL;
	struct found found;
	long code = 550;

	if (is_rewritten(host, recipient))
		return true;
	if (class != CLASS_ALIAS && !restrict_error(judged))
		return false;
	if (class == CLASS_DEFAULT)
		return true;
	if (lists[class].maps)
		maps = configuration_value(host->configuration, judged->service, lists[class].maps);
	if (maps &&
	    (!*maps->text.text || lookup_address(host, maps, recipient, &found) != LOOKUP_NONE))
		return true;
	value_number(configuration_value(host->configuration, judged->service, lists[class].code),
		     &code);
	judged->parameter = NULL;
	return restrict_refuse(judged, maps ? &maps->text : &item, (int)code,
			       "5.1.1 <%s>: Recipient address rejected: User unknown in %s table",
			       recipient, lists[class].name);
}

bool host_lists(struct host *host, const char *recipient)
{
	struct steps quiet = {.arena = host->arena, .quiet = true};
	const struct mail mail = {.recipient = recipient};
	struct judged judged = {.host = host, .mail = &mail, .steps = &quiet};

	return restrict_unlisted(&judged);
}

static bool ask_recipient(struct judged *judged)
{
	if (!ask_restrictions(judged))
		return false;
	return judged->listed ||
	       !configuration_yes(judged->host->configuration, judged->service,
				  "smtpd_reject_unlisted_recipient") ||
	       restrict_unlisted(judged);
}

struct answer host_accept(struct host *host, const char *service, const struct mail *mail,
			  enum stage stage, struct steps *steps)
{
	struct judged judged = {
		.host = host,
		.service = host_find_service(host, service),
		.mail = mail,
		.steps = steps,
		.budget = BUDGET,
	};
	bool good;

	if (!judged.service) /* sendmail(1) knows nothing but the size */
		good = fits(&judged);
	else if (stage == STAGE_MAIL)
		good = begin_tls(&judged) && log_in(&judged) && fits(&judged);
	else if (stage == STAGE_RECIPIENT)
		good = ask_recipient(&judged);
	else
		good = restrict_list(&judged, "smtpd_data_restrictions") &&
		       restrict_list(&judged, "smtpd_end_of_data_restrictions");
	return good ? (struct answer){250, "2.0.0 Ok"} : judged.answer;
}
