/*
 * Fuzz target: the policy delegation protocol. Read whole and octet by octet, the same is found,
 * and every value is a line.
 */
#include "milter/policy_protocol.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A number that tells what was read; pieces of `step` octets. */
static uint64_t digest(const uint8_t *data, size_t size, size_t step)
{
	static struct policy_parser parser;
	const char *next = (const char *)data;
	uint64_t sum = 5381;

	policy_parser_init(&parser);
	while (size) {
		size_t piece = size < step ? size : step, left = piece;
		enum policy_parse got = policy_parser_take(&parser, &next, &left);

		size -= piece - left;
		sum = got == POLICY_MORE ? sum : sum * 33 + got;
		if (got == POLICY_BROKEN)
			break;
		for (size_t i = 0; got == POLICY_REQUEST && i < parser.request.count; i++) {
			const struct policy_attribute *row = &parser.request.attributes[i];

			assert(*row->name && !strpbrk(row->name, "=\n\r"));
			assert(!strpbrk(row->value, "\n\r"));
			assert(policy_request_value(&parser.request, row->name) == row->value);
			for (const char *p = row->value; *p; p++)
				sum = sum * 33 + (unsigned char)*p;
		}
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t whole = digest(data, size, size ? size : 1);
	char buffer[POLICY_ANSWER_SIZE], action[64];

	assert(whole == digest(data, size, 1));
	assert(whole == digest(data, size, 7));
	snprintf(action, sizeof(action), "%.*s", (int)(size < 60 ? size : 60), (const char *)data);
	policy_answer_write(action, buffer);
	assert(strchr(buffer, '\n') == strstr(buffer, "\n\n"));
	return 0;
}
