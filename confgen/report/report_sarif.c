/* SARIF 2.1.0: one run, whose results are written as they come. */
#include "confgen/report/report_private.h"

#include <ctype.h>
#include <stdlib.h>

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

static const char *const levels[] = {"error", "warning", "note"};

/* Sets `key` to {"text": text}. */
static void set_message(json_t *object, const char *key, const char *text)
{
	json_t *message = json_object();

	report_set(message, "text", text);
	json_object_set_new(object, key, message);
}

static json_t *rule_of(const struct report_rule *rule)
{
	json_t *object = json_object(), *defaults = json_object();

	report_set(object, "id", rule->id);
	set_message(object, "shortDescription", rule->summary);
	set_message(
		object, "help",
		"'postern-confgen explain RULE' prints what goes wrong and why, with examples.");
	report_set(defaults, "level", levels[rule->severity]);
	json_object_set_new(object, "defaultConfiguration", defaults);
	return object;
}

static void begin(struct report *report)
{
	fprintf(report->out,
		"{\"$schema\":\"" SCHEMA "\",\"version\":\"2.1.0\",\"runs\":[{\n"
		"\"tool\":{\"driver\":{\"name\":\"postern-confgen\",\"version\":\"%s\",\"rules\":[",
		POSTERN_VERSION);
	for (const struct report_rule *rule = report->rules; rule && rule->id; rule++)
		report_item(report, rule_of(rule));
	report->any = false;
	fputs("\n]}},\n\"columnKind\":\"unicodeCodePoints\",\n\"results\":[", report->out);
}

/* A path as a URI reference, RFC 3986. */
static json_t *uri_of(const char *path)
{
	char *uri = NULL;
	size_t length;
	FILE *memory = open_memstream(&uri, &length);
	json_t *value;

	if (!memory)
		abort();
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	if (*path == '/')
		fputs("file://", memory);
	for (; *path; path++)
		if (isalnum((unsigned char)*path) || strchr("-._~/+@=,", *path))
			fputc(*path, memory);
		else
			fprintf(memory, "%%%02X", (unsigned char)*path);
	if (fclose(memory) != 0)
		abort();
	value = json_string(uri);
	free(uri);
	return value;
}

static json_t *artifact_of(const struct source *source)
{
	json_t *artifact = json_object();

	json_object_set_new(artifact, "uri", uri_of(source->name));
	return artifact;
}

static json_t *locations_of(const struct diagnostic *item)
{
	json_t *list = json_array(), *location = json_object(), *physical = json_object();
	json_t *region = json_object();

	json_object_set_new(physical, "artifactLocation", artifact_of(item->at.source));
	if (item->at.line)
		json_object_set_new(region, "startLine", json_integer(item->at.line));
	if (item->at.line && item->at.column)
		json_object_set_new(region, "startColumn", json_integer(item->at.column));
	if (item->at.line)
		json_object_set(physical, "region", region);
	json_decref(region);
	json_object_set_new(location, "physicalLocation", physical);
	json_array_append_new(list, location);
	return list;
}

/* The fix as SARIF knows it: octets that go, and the text that comes. NULL: it is not UTF-8. */
static json_t *fixes_of(const struct fix *fix)
{
	json_t *content = json_pack("{s:s}", "text", fix->text);

	if (!content)
		return NULL;
	return json_pack("[{s:[{s:o,s:[{s:{s:I,s:I},s:o}]}]}]", "artifactChanges",
			 "artifactLocation", artifact_of(fix->source), "replacements",
			 "deletedRegion", "byteOffset", (json_int_t)fix->start, "byteLength",
			 (json_int_t)fix->length, "insertedContent", content);
}

static void set_rule(const struct report *report, json_t *object, const char *id)
{
	json_int_t index = 0;

	report_set(object, "ruleId", id);
	for (const struct report_rule *rule = report->rules; rule && rule->id; rule++, index++)
		if (strcmp(rule->id, id) == 0)
			json_object_set_new(object, "ruleIndex", json_integer(index));
}

static void add(struct report *report, const struct diagnostic *item, const char *fingerprint)
{
	json_t *object = json_object(), *prints = json_object(), *fixes;
	char *message = NULL;
	size_t length;
	FILE *memory = open_memstream(&message, &length);

	if (!memory)
		abort();
	fputs(item->message, memory);
	if (item->hint)
		fprintf(memory, " (hint: %s)", item->hint);
	if (fclose(memory) != 0)
		abort();
	set_rule(report, object, report_rule_id(item));
	report_set(object, "level", levels[item->severity]);
	set_message(object, "message", message);
	free(message);
	if (item->at.source)
		json_object_set_new(object, "locations", locations_of(item));
	report_set(prints, "postern/v1", fingerprint);
	json_object_set_new(object, "partialFingerprints", prints);
	if (item->fix && !item->hide_source && (fixes = fixes_of(item->fix)))
		json_object_set_new(object, "fixes", fixes);
	report_item(report, object);
}

static void end(struct report *report)
{
	fputs("\n]}]}\n", report->out);
}

const struct report_writer report_sarif = {
	.name = "sarif", .begin = begin, .finding = add, .end = end};
