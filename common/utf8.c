/* One strict decoder for all who look at texts by character; see utf8.h. */
#include "common/utf8.h"

size_t utf8_decode(const char *text, size_t left, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *octets = (const unsigned char *)text;
	size_t length = octets[0] < 0x80 ? 1 : octets[0] < 0xe0 ? 2 : octets[0] < 0xf0 ? 3 : 4;
	uint32_t value = octets[0];

	if (length > left || (octets[0] >= 0x80 && octets[0] < 0xc0) || octets[0] > 0xf4)
		return 0;
	if (length > 1)
		value &= 0x7fU >> length;
	for (size_t i = 1; i < length; i++) {
		if ((octets[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (octets[i] & 0x3f);
	}
	if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*code = value;
	return length;
}
