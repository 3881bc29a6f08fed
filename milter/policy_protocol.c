/* Postfix's policy delegation protocol; see policy_protocol.h. */
#include "milter/policy_protocol.h"

#include <string.h>

void policy_parser_init(struct policy_parser *parser)
{
	parser->length = parser->line = 0;
	parser->done = parser->broken = false;
	parser->request.count = 0;
}

/* Takes the line in work, which is complete but for its end. Returns false when it is none. */
static bool end_line(struct policy_parser *parser)
{
	char *line = parser->text + parser->line, *equal;
	size_t length = parser->length - parser->line;

	/* the only CR that may be there is a stranger's line end; NUL would cut values */
	if (memchr(line, '\0', length) || memchr(line, '\r', length))
		return false;
	equal = memchr(line, '=', length);
	if (!equal || equal == line || parser->request.count == POLICY_MOST_ATTRIBUTES ||
	    parser->length == sizeof(parser->text))
		return false;
	*equal = '\0';
	parser->text[parser->length++] = '\0';
	parser->line = parser->length;
	for (size_t i = 0; i < parser->request.count; i++)
		if (strcmp(parser->request.attributes[i].name, line) == 0)
			return false; /* said twice: which one would count? */
	parser->request.attributes[parser->request.count++] =
		(struct policy_attribute){.name = line, .value = equal + 1};
	return true;
}

enum policy_parse policy_parser_take(struct policy_parser *parser, const char **data, size_t *size)
{
	if (parser->done && !parser->broken)
		policy_parser_init(parser);
	while (*size && !parser->broken) {
		char c = *(*data)++;

		--*size;
		if (c != '\n') {
			parser->broken = parser->length == sizeof(parser->text);
			if (!parser->broken)
				parser->text[parser->length++] = c;
		} else if (parser->length > parser->line) {
			parser->broken = !end_line(parser);
		} else {
			parser->done = true;
			/* an empty line alone asks nothing */
			parser->broken = parser->request.count == 0;
			return parser->broken ? POLICY_BROKEN : POLICY_REQUEST;
		}
	}
	return parser->broken ? POLICY_BROKEN : POLICY_MORE;
}

const char *policy_request_value(const struct policy_request *request, const char *name)
{
	for (size_t i = 0; i < request->count; i++)
		if (strcmp(request->attributes[i].name, name) == 0)
			return request->attributes[i].value;
	return "";
}

size_t policy_answer_write(const char *action, char buffer[static POLICY_ANSWER_SIZE])
{
	static const char begin[] = "action=";
	size_t length = sizeof(begin) - 1;

	memcpy(buffer, begin, length);
	for (size_t i = 0; action[i] && i < POLICY_LONGEST_ACTION; i++) {
		unsigned char c = (unsigned char)action[i];

		buffer[length++] = (char)(c < ' ' || c == 0x7f ? ' ' : c);
	}
	buffer[length++] = '\n';
	buffer[length++] = '\n';
	buffer[length] = '\0';
	return length;
}
