/* Growable text; see strbuf.h. */
#include "common/strbuf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>

static void make_room(struct strbuf *buf, size_t more)
{
	size_t size = buf->size ? buf->size : 64;

	if (more > SIZE_MAX / 4 || buf->length > SIZE_MAX / 4)
		abort();
	while (size < buf->length + more + 1)
		size *= 2;
	if (size == buf->size)
		return;
	buf->text = realloc(buf->text, size);
	if (!buf->text)
		abort();
	buf->size = size;
}

void strbuf_done(struct strbuf *buf)
{
	free(buf->text);
	*buf = (struct strbuf)STRBUF_INIT;
}

void strbuf_reset(struct strbuf *buf)
{
	buf->length = 0;
	if (buf->text)
		buf->text[0] = '\0';
}

void strbuf_add(struct strbuf *buf, const char *text, size_t length)
{
	make_room(buf, length);
	if (length)
		memcpy(buf->text + buf->length, text, length);
	buf->length += length;
	buf->text[buf->length] = '\0';
}

void strbuf_adds(struct strbuf *buf, const char *text)
{
	strbuf_add(buf, text, strlen(text));
}

void strbuf_addch(struct strbuf *buf, char c)
{
	strbuf_add(buf, &c, 1);
}

void strbuf_addf(struct strbuf *buf, const char *format, ...)
{
	va_list args, again;
	int length;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(length >= 0);
	make_room(buf, (size_t)length);
	vsnprintf(buf->text + buf->length, (size_t)length + 1, format, again);
	va_end(again);
	buf->length += (size_t)length;
}

const char *strbuf_text(const struct strbuf *buf)
{
	return buf->text ? buf->text : "";
}

char *strbuf_take(struct strbuf *buf)
{
	char *text;

	make_room(buf, 0);
	text = buf->text;
	text[buf->length] = '\0';
	*buf = (struct strbuf)STRBUF_INIT;
	return text;
}
