/* master.cf as a list of services; see master_cf.h. Arguments are read in master_arguments.c. */
#include "confgen/configuration/master_cf.h"
#include "confgen/configuration/lines.h"
#include "confgen/configuration/list.h"
#include "confgen/configuration/master_arguments.h"
#include "confgen/configuration/rules.h"

#include <ctype.h>
#include <errno.h>

/* What postconf(1) calls the fields. */
static const char *const field_names[SERVICE_FIELDS] = {
	"service", "type",   "private",	      "unprivileged",
	"chroot",  "wakeup", "process_limit", "command",
};

static const char *const types[] = {"inet", "unix", "fifo", "pass", "unix-dgram"};

__attribute__((format(printf, 4, 5))) static void complain(struct diagnostics *list,
							   const struct service *service,
							   enum service_field field,
							   const char *format, ...)
{
	va_list args;
	char why[120];

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	diagnostics_add(list, SEVERITY_ERROR, RULE_MASTER_FIELD,
			text_position(&service->fields[field]),
			"the field '%s' of service '%s' is '%s': %s", field_names[field],
			service->fields[SERVICE_NAME].text, service->fields[field].text, why);
	diagnostics_hint(list, "the fields are: service type private unprivileged chroot wakeup "
			       "process_limit command");
}

static bool check_type(const struct service *service, struct diagnostics *list)
{
	const struct text *type = &service->fields[SERVICE_TYPE];

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (text_equal(type, types[i]))
			return true;
	complain(list, service, SERVICE_TYPE, "must be inet, unix, fifo, pass or unix-dgram");
	return false;
}

static bool read_choice(const struct service *service, enum service_field field,
			struct diagnostics *list, enum service_choice *out)
{
	const struct text *text = &service->fields[field];

	if (text_equal(text, "y"))
		*out = SERVICE_YES;
	else if (text_equal(text, "n"))
		*out = SERVICE_NO;
	else if (text_equal(text, "-"))
		*out = SERVICE_DEFAULT;
	else {
		complain(list, service, field, "must be y, n or -");
		return false;
	}
	return true;
}

/* Digits, or "-": -1. What is too large for a long is LONG_MAX; only wakeup may end in '?'. */
static bool read_number(const struct service *service, enum service_field field,
			struct diagnostics *list, long *out, bool *question)
{
	const char *text = service->fields[field].text;
	size_t digits = strspn(text, "0123456789");
	size_t used = digits ? digits : strspn(text, "-") == 1;

	if (question && text[used] == '?') {
		*question = true;
		used++;
	}
	if (text[used] != '\0') {
		complain(list, service, field, "must be a number%s or -",
			 question ? ", which '?' may follow," : "");
		return false;
	}
	*out = digits ? strtol(text, NULL, 10) : -1;
	return true;
}

/* What postconf(1) lets pass, but master(8) does not start with. */
static bool check_as_master(const struct service *service, struct diagnostics *list)
{
	if (text_equal(&service->fields[SERVICE_TYPE], "inet") &&
	    service->is_private != SERVICE_NO) {
		complain(list, service, SERVICE_PRIVATE, "must be n: an inet service is public");
		return false;
	}
	if (service->fields[SERVICE_WAKEUP].text[0] == '?' ||
	    (service->wakeup < 0 && service->wakeup_if_used)) {
		complain(list, service, SERVICE_WAKEUP, "'?' must follow a number");
		return false;
	}
	if (text_equal(&service->fields[SERVICE_COMMAND], "-")) {
		complain(list, service, SERVICE_COMMAND, "it has no default");
		return false;
	}
	return true;
}

/* Whether Postfix's own postconf(1) would take the fields; `broken` where master(8) would not. */
static bool read_fields(struct service *service, struct diagnostics *list, bool *broken)
{
	bool good = check_type(service, list);

	good &= read_choice(service, SERVICE_PRIVATE, list, &service->is_private);
	good &= read_choice(service, SERVICE_UNPRIVILEGED, list, &service->unprivileged);
	good &= read_choice(service, SERVICE_CHROOT, list, &service->chroot);
	good &= read_number(service, SERVICE_WAKEUP, list, &service->wakeup,
			    &service->wakeup_if_used);
	good &= read_number(service, SERVICE_PROCESS_LIMIT, list, &service->process_limit, NULL);
	if (!good || !check_as_master(service, list))
		*broken = true;
	return good;
}

static void refuse_count(const struct text *line, size_t count, struct diagnostics *list)
{
	bool assignment = memchr(line->text, '=', line->length) != NULL && count < 4;

	diagnostics_add(list, SEVERITY_ERROR, RULE_MASTER_FIELD_COUNT, text_position(line),
			"a service has 8 fields, but this line has %zu: Postfix does not start "
			"with it",
			count);
	if (line->text[0] == '-')
		diagnostics_hint(list, "an option continues the line before only if white space "
				       "stands before it");
	else if (assignment)
		diagnostics_hint(list, "this looks like a line of main.cf");
	else
		diagnostics_hint(list, "the fields are: service type private unprivileged chroot "
				       "wakeup process_limit command; '-' is a default");
}

static struct service *parse_entry(struct arena *arena, const struct text *line,
				   struct diagnostics *list, bool *broken)
{
	struct service *service = arena_alloc(arena, sizeof(*service));
	size_t at = 0, start, length, count = 0;

	for (; count < SERVICE_FIELDS; count++) {
		if (!list_next(line, MASTER_SEPARATORS, true, &at, &start, &length))
			break;
		service->fields[count] = text_slice(arena, line, start, length);
	}
	if (count < SERVICE_FIELDS) {
		refuse_count(line, count, list);
		*broken = true;
		return NULL;
	}
	if (!read_fields(service, list, broken))
		return NULL;
	if (!master_arguments_parse(arena, line, at, service, list))
		*broken = true;
	return service;
}

/* Name and type together name a service. */
static int compare_names(const struct service *x, const struct service *y)
{
	int order = strcmp(x->fields[SERVICE_NAME].text, y->fields[SERVICE_NAME].text);

	return order ? order : strcmp(x->fields[SERVICE_TYPE].text, y->fields[SERVICE_TYPE].text);
}

static int compare(const void *a, const void *b)
{
	const struct service *x = *(struct service *const *)a;
	const struct service *y = *(struct service *const *)b;
	int order = compare_names(x, y);
	const char *xraw = x->fields[0].map->items[0].raw, *yraw = y->fields[0].map->items[0].raw;

	return order ? order : (xraw > yraw) - (xraw < yraw);
}

static void find_replaced(struct arena *arena, const struct master_cf *master_cf)
{
	struct service **sorted = arena_array(arena, master_cf->count, sizeof(struct service *));

	if (master_cf->count == 0)
		return;
	memcpy(sorted, master_cf->items, master_cf->count * sizeof(struct service *));
	qsort(sorted, master_cf->count, sizeof(struct service *), compare);
	for (size_t i = 1; i < master_cf->count; i++) {
		if (compare_names(sorted[i - 1], sorted[i]) != 0)
			continue;
		sorted[i]->replaced = sorted[i - 1];
		sorted[i - 1]->overridden = true;
	}
}

void master_cf_parse(struct arena *arena, const struct source *source, struct diagnostics *list,
		     struct master_cf *out)
{
	struct master_cf master_cf = {.source = source};
	struct line_reader reader;
	struct text line;

	line_reader_init(&reader, arena, source, list);
	while (line_reader_next(&reader, &line)) {
		struct service *service = parse_entry(arena, &line, list, &master_cf.broken);

		if (service)
			*arena_push(arena, &master_cf) = service;
		if (master_cf.count == MASTER_MOST_SERVICES) {
			diagnostics_add(
				list, SEVERITY_ERROR, RULE_MASTER_FIELD_COUNT, text_position(&line),
				"more services than are read here: %d", MASTER_MOST_SERVICES);
			diagnostics_hint(list, "is this master.cf?");
			break;
		}
	}
	find_replaced(arena, &master_cf);
	*out = master_cf;
}

const struct service *master_cf_find(const struct master_cf *master_cf, const char *name,
				     const char *type)
{
	for (size_t i = 0; i < master_cf->count; i++) {
		const struct service *service = master_cf->items[i];

		if (!service->overridden && text_equal(&service->fields[SERVICE_NAME], name) &&
		    (!type || text_equal(&service->fields[SERVICE_TYPE], type)))
			return service;
	}
	return NULL;
}

const char *service_daemon(const struct service *service)
{
	const char *command = service->fields[SERVICE_COMMAND].text;
	const char *slash = strrchr(command, '/');

	return slash ? slash + 1 : command;
}

const struct assignment *service_override(const struct service *service, const char *name)
{
	for (size_t i = service->overrides.count; i > 0; i--)
		if (text_equal(&service->overrides.items[i - 1]->name, name))
			return service->overrides.items[i - 1];
	return NULL;
}
