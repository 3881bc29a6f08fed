/* Traces for people and programs; see trace_print.h. */
#include "confgen/commands/trace_print.h"
#include "confgen/topology/schema.h"

#include <string.h>

static void print(FILE *out, const char *text)
{
	print_escaped(out, text, strlen(text));
}

static void print_place(FILE *out, struct position at)
{
	print(out, at.source->name);
	if (at.line)
		fprintf(out, ":%u", at.line);
	if (at.line && at.column > 1)
		fprintf(out, ":%u", at.column);
}

static const char *skip_indent(const char *line)
{
	return line + strspn(line, " \t");
}

/* The line itself, but for files that may hold secrets. */
static void print_line(FILE *out, struct position at, const char *indent)
{
	const char *line = at.source->text;

	if (!line || !at.line || strstr(at.source->name, "sasl") ||
	    strstr(at.source->name, "passw"))
		return;
	for (unsigned i = 1; i < at.line && *line; i++) {
		line = strchrnul(line, '\n');
		line += *line == '\n';
	}
	line = skip_indent(line);
	fprintf(out, "%s                    | ", indent);
	for (; *line && *line != '\n'; line += strcspn(line, "\t\n")) {
		if (*line == '\t') {
			fputc(' ', out);
			line++;
		}
		print_escaped(out, line, strcspn(line, "\t\n"));
	}
	fputc('\n', out);
}

static void print_step(FILE *out, const struct step *step, bool explain, const char *indent)
{
	fprintf(out, "%s%-10s %-8s ", indent, step->node ? step->node : "",
		step_kind_words[step->kind]);
	print(out, step->text);
	fputs(step->assumed && explain ? " (taken for granted)\n" : "\n", out);
	if (!step->rendered.source && !step->topology.source)
		return;
	fprintf(out, "%s                    ", indent);
	if (step->rendered.source)
		print_place(out, step->rendered);
	if (step->rendered.source && step->topology.source)
		fputs(", from ", out);
	if (step->topology.source)
		print_place(out, step->topology);
	fputc('\n', out);
	if (explain && step->rendered.source)
		print_line(out, step->rendered, indent);
	if (explain && step->topology.source)
		print_line(out, step->topology, indent);
}

void trace_print(FILE *out, struct arena *arena, const struct trace_result *result, bool explain,
		 const char *indent)
{
	for (size_t i = 0; i < result->steps.count; i++)
		if (explain || !result->steps.items[i].detail)
			print_step(out, &result->steps.items[i], explain, indent);
	fprintf(out, "%s=> ", indent);
	print(out, trace_summary(arena, result));
	fputc('\n', out);
}

/* --- JSON --- */

static json_t *place_to_json(struct position at)
{
	if (!at.source)
		return json_null();
	return json_pack("{s:s, s:i, s:i}", "file", at.source->name, "line", (int)at.line, "column",
			 (int)at.column);
}

static json_t *address_to_json(const struct ip_address *address)
{
	char text[IP_TEXT_SIZE];

	return address->family == IP_NONE ? json_null() : json_string(ip_format(address, text));
}

/* Names are ours; texts may hold what a topology says, which is UTF-8. */
static json_t *step_to_json(const struct step *step)
{
	return json_pack("{s:s, s:s?, s:s, s:o, s:o, s:b, s:b}", "step",
			 step_kind_words[step->kind], "node", step->node, "text", step->text,
			 "rendered", place_to_json(step->rendered), "topology",
			 place_to_json(step->topology), "assumed", step->assumed, "detail",
			 step->detail);
}

static json_t *hop_to_json(const struct hop *hop)
{
	json_t *sources = json_array();

	if (hop->source4.family != IP_NONE)
		json_array_append_new(sources, address_to_json(&hop->source4));
	if (hop->source6.family != IP_NONE)
		json_array_append_new(sources, address_to_json(&hop->source6));
	return json_pack("{s:s, s:o, s:b, s:s?}", "node", hop->node->head.name.value, "sources",
			 sources, "tls", hop->tls, "login", hop->login);
}

static json_t *names_to_json(const struct names *names)
{
	json_t *array = json_array();

	for (size_t i = 0; i < names->count; i++)
		json_array_append_new(array, json_string(names->items[i]));
	return array;
}

json_t *trace_path_to_json(const struct trace_result *result)
{
	json_t *array = json_array();

	for (size_t i = 0; i < result->hops.count; i++)
		json_array_append_new(array,
				      json_string(result->hops.items[i].node->head.name.value));
	return array;
}

json_t *trace_to_json(struct arena *arena, const struct trace_result *result, bool explain)
{
	json_t *hops = json_array(), *steps = json_array();

	for (size_t i = 0; i < result->hops.count; i++)
		json_array_append_new(hops, hop_to_json(&result->hops.items[i]));
	for (size_t i = 0; i < result->steps.count; i++)
		if (explain || !result->steps.items[i].detail)
			json_array_append_new(steps, step_to_json(&result->steps.items[i]));
	return json_pack("{s:s, s:s, s:i, s:s, s:s?, s:o, s:o, s:s, s:s, s:s, s:o}", "outcome",
			 outcome_words[result->outcome], "summary", trace_summary(arena, result),
			 "code", result->code, "reply", result->reply, "end",
			 result->end ? result->end->head.name.value : NULL, "hops", hops,
			 "signed_by", names_to_json(&result->signed_by), "sender", result->sender,
			 "author", result->author, "recipient", result->recipient, "steps", steps);
}

json_t *trace_request_to_json(const struct request *request, const struct trace_result *result)
{
	const struct entry_point *entry = &result->entry;

	return json_pack(
		"{s:s, s:b, s:o, s:o, s:s?, s:o, s:i, s:b, s:b, s:b, s:s?, s:s, s:s, s:s, s:s, "
		"s:i}",
		"node", request->node->head.name.value, "local", request->local, "client",
		address_to_json(&request->client), "claims", address_to_json(&request->claims),
		"connects_to", entry->node ? entry->node->head.name.value : NULL, "server",
		address_to_json(&entry->address), "port", (int)entry->port, "tls", entry->tls,
		"wrapped", entry->wrapped, "early", entry->early, "user", request->user, "helo",
		request->helo ? request->helo : "", "sender", request->sender, "author",
		request->author, "recipient", request->recipient, "size", (int)request->size);
}
