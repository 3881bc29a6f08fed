/* A host's Postfix, read from what is rendered for it; see host.h. */
#include "confgen/trace/host_dms.h"
#include "confgen/trace/host_private.h"
#include "confgen/lint/cause.h"

#include <stdlib.h>
#include <string.h>

static const struct source *rendered(const struct host *host, const char *name)
{
	const char *path = arena_printf(host->arena, "%s/%s", host->input.name, name);

	for (size_t i = 0; i < host->input.count; i++)
		if (strcmp(host->input.files[i].name, path) == 0)
			return &host->input.files[i];
	return NULL;
}

/* Files below /etc/postfix; those that docker-mailserver makes have other names here. */
static const struct source *find_file(void *user, const char *name)
{
	struct host *host = user;

	if (!host->input.dms)
		return rendered(host, name);
	if (strcmp(name, "relayhost_map") == 0)
		return rendered(host, "postfix-relaymap.cf");
	if (strcmp(name, "sasl_passwd") == 0)
		return rendered(host, "postfix-sasl-password.cf");
	if (strcmp(name, "/etc/aliases") == 0) {
		static const struct source aliases = {"(/etc/aliases)", "postmaster root\n", 16};

		return &aliases;
	}
	if (strcmp(name, "virtual") == 0) {
		static const struct source none = {"(docker-mailserver's virtual)", "", 0};

		return &none;
	}
	return NULL;
}

static enum postfix_release release_of(struct arena *arena, unsigned number)
{
	enum postfix_release release = POSTFIX_USUAL;

	postfix_release_parse(arena_printf(arena, "%u.%u", number / 100, number % 100), &release);
	return release;
}

static void read_stock(struct host *host, const struct source **main_cf,
		       const struct source **master_cf)
{
	*main_cf = rendered(host, "main.cf");
	*master_cf = rendered(host, "master.cf");
}

static void read_dms(struct host *host, const struct source **main_cf,
		     const struct source **master_cf)
{
	struct dms_files files = {
		.main_cf = rendered(host, "postfix-main.cf"),
		.master_cf = rendered(host, "postfix-master.cf"),
		.relaymap = rendered(host, "postfix-relaymap.cf"),
		.passwords = rendered(host, "postfix-sasl-password.cf"),
		.patches = rendered(host, "user-patches.sh"),
		.hostname = host->input.hostname,
	};

	host->dms = dms_put_together(host->arena, &files);
	*main_cf = host->dms->main_cf;
	*master_cf = host->dms->master_cf;
}

struct host *host_new(struct arena *arena, const struct host_input *input)
{
	struct host *host = arena_alloc(arena, sizeof(*host));
	const struct source *main_cf, *master_cf;

	host->arena = arena;
	host->input = *input;
	host->by_reference = name_map_new(arena, 16);
	(input->dms ? read_dms : read_stock)(host, &main_cf, &master_cf);
	if (!main_cf || !master_cf)
		return NULL;
	host->configuration =
		configuration_new(arena, main_cf, master_cf, release_of(arena, input->release),
				  diagnostics_new(arena));
	if (!host->configuration)
		return NULL;
	host->configuration->find_file = find_file;
	host->configuration->user = host;
	return host;
}

struct arena *host_arena(const struct host *host)
{
	return host->arena;
}

/* --- places --- */

static void place(const struct host *host, struct position at, const char *what, struct step *step)
{
	if (host->dms)
		at = dms_written(host->dms, at);
	step->rendered = at;
	step->topology = cause_find(host->input.topology, at, what);
}

void host_place_text(const struct host *host, const struct text *text, struct step *step)
{
	place(host, text_position(text), text->text, step);
}

void host_place_value(const struct host *host, const struct service *service,
		      const struct value *value, struct step *step)
{
	if (value->set)
		place(host, configuration_position(host->configuration, service, value), NULL,
		      step);
}

/* --- services --- */

const char *host_service_name(const struct host *host, const struct service *service)
{
	return arena_printf(host->arena, "%s/%s", service->fields[SERVICE_NAME].text,
			    service->fields[SERVICE_TYPE].text);
}

const struct service *host_find_service(const struct host *host, const char *name)
{
	const char *slash = name ? strrchr(name, '/') : NULL;

	if (!slash)
		return NULL;
	return master_cf_find(&host->configuration->master,
			      arena_strndup(host->arena, name, (size_t)(slash - name)), slash + 1);
}

void host_place_service(const struct host *host, const char *service, struct step *step)
{
	const struct service *at = host_find_service(host, service);

	if (at)
		host_place_text(host, &at->fields[SERVICE_NAME], step);
}

bool host_has_service(const struct host *host, const char *service)
{
	return host_find_service(host, service) != NULL;
}

/* The port of an inet service: a number, or a name that Postfix and /etc/services know. */
static unsigned port_of(const char *name)
{
	static const struct {
		const char *name;
		unsigned port;
	} known[] = {{"smtp", 25}, {"submission", 587}, {"submissions", 465}, {"smtps", 465}};
	const char *colon = strrchr(name, ':');
	char *end;
	unsigned long port;

	if (colon)
		name = colon + 1;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i].name) == 0)
			return known[i].port;
	port = strtoul(name, &end, 10);
	return *end || port > 65535 ? 0 : (unsigned)port;
}

const char *host_service_at(const struct host *host, unsigned port)
{
	const struct service *service;
	size_t at = 0;

	while ((service = configuration_next(host->configuration, NULL, &at)))
		if (text_equal(&service->fields[SERVICE_TYPE], "inet") &&
		    port_of(service->fields[SERVICE_NAME].text) == port)
			return host_service_name(host, service);
	return NULL;
}

const char *host_value(const struct host *host, const char *service, const char *name,
		       struct step *step)
{
	const struct service *at = host_find_service(host, service);
	const struct value *value = configuration_value(host->configuration, at, name);

	if (step)
		host_place_value(host, at, value, step);
	return value->text.text;
}

bool host_is_screened(const struct host *host, const char *service)
{
	const struct service *at = host_find_service(host, service);

	return at && strcmp(service_daemon(at), "postscreen") == 0;
}

bool host_screens(struct host *host, const char *service, const struct ip_address *client)
{
	struct text item;

	return host_is_screened(host, service) &&
	       !match_client(host, host_find_service(host, service), "mynetworks", client, &item);
}

bool host_wants_proxy(const struct host *host, const char *service)
{
	return *host_value(host, service,
			   host_is_screened(host, service) ? "postscreen_upstream_proxy_protocol"
							   : "smtpd_upstream_proxy_protocol",
			   NULL);
}

const char *host_smtpd(const struct host *host, const char *service)
{
	if (!host_is_screened(host, service))
		return service;
	return arena_printf(host->arena, "%s/pass",
			    host_value(host, service, "smtpd_service_name", NULL));
}

bool host_wraps_tls(const struct host *host, const char *service)
{
	return strcmp(host_value(host, service, "smtpd_tls_wrappermode", NULL), "yes") == 0;
}

bool host_offers_tls(const struct host *host, const char *service)
{
	const char *level = host_value(host, service, "smtpd_tls_security_level", NULL);

	return host_wraps_tls(host, service) || (*level && strcmp(level, "none") != 0);
}

const char *host_daemon_name(const struct host *host, const char *service)
{
	return host_value(host, service, "milter_macro_daemon_name", NULL);
}

/* Whether a list (mail classes) has the word. */
static bool has_word(const struct host *host, const char *name, const char *word)
{
	const struct value *value = configuration_value(host->configuration, NULL, name);
	struct list list = list_split(host->arena, &value->text);

	for (size_t i = 0; i < list.count; i++)
		if (text_equal(&list.items[i].text, word))
			return true;
	return false;
}

bool host_has_milter(struct host *host, const char *service, bool bounce, struct step *step)
{
	if (service)
		return *host_value(host, service, "smtpd_milters", step);
	if (bounce && !has_word(host, "internal_mail_filter_classes", "bounce"))
		return false;
	return *host_value(host, NULL, "non_smtpd_milters", step);
}
