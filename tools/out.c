/* SPDX-License-Identifier: ISC */
/* out.c: what the command line prints. Remote text goes through out_escape before it meets a
 * terminal. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <unistr.h>
#include <uniwidth.h>

#include "base/alloc.h"
#include "out.h"

#define ESCAPE_MAX 10 /* bytes of the longest escape: \u{10ffff} */

/* What moves the cursor, colours, or turns text around so that it reads as something else. */
static bool
is_harmful(ucs4_t c, bool keep_lines)
{
	if (c == '\n' || c == '\t')
		return !keep_lines;
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029;
}

char *
out_escape(const char *text, bool keep_lines)
{
	size_t left = strlen(text), n = 0, size = left * ESCAPE_MAX + 1;
	char *out = xalloc(size);
	ucs4_t c;

	while (left > 0) {
		int length = u8_mbtoucr(&c, (const uint8_t *)text, left);

		if (length <= 0) {
			length = 1;
			n += snprintf(out + n, size - n, "\\x%02x", (unsigned char)*text);
		} else if (!is_harmful(c, keep_lines)) {
			memcpy(out + n, text, length);
			n += length;
		} else {
			n += snprintf(out + n, size - n,
				      c < 0x80 ? "\\x%02" PRIx32 : "\\u{%" PRIx32 "}", (uint32_t)c);
		}
		text += length;
		left -= length;
	}
	out[n] = '\0';
	return out;
}

void
complain(const char *format, ...)
{
	char *raw = NULL, *clean;
	va_list args;

	va_start(args, format);
	if (vasprintf(&raw, format, args) == -1)
		raw = NULL;
	va_end(args);
	if (raw == NULL)
		abort();
	clean = out_escape(raw, false);
	fflush(stdout);
	fprintf(stderr, "earshot: %s\n", clean);
	free(clean);
	free(raw);
}

/* JSON escapes C0 only. What else is harmful stands in strings, where \u means the same. */
static void
put_json(FILE *out, const char *text)
{
	size_t left = strlen(text);
	ucs4_t c;

	while (left > 0) {
		int length = u8_mbtoucr(&c, (const uint8_t *)text, left);

		if (length <= 0)
			length = 1; /* jansson lets no such byte in */
		else if (is_harmful(c, false))
			fprintf(out, "\\u%04" PRIx32, (uint32_t)c);
		else
			fwrite(text, 1, (size_t)length, out);
		text += length;
		left -= (size_t)length;
	}
	fputc('\n', out);
}

void
out_json(FILE *out, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	if (text != NULL)
		put_json(out, text);
	fflush(out);
	free(text);
	json_decref(object);
}

void
json_put_text(json_t *object, const char *key, const char *text)
{
	json_t *value = text == NULL ? json_null() : json_string(text);

	json_object_set_new(object, key, value == NULL ? json_null() : value);
}

void
out_rtt(char *out, size_t size, int64_t usec)
{
	if (usec < 0)
		snprintf(out, size, "-");
	else
		snprintf(out, size, "%" PRId64 ".%03d ms", usec / 1000, (int)(usec % 1000));
}

void
out_time(char *out, size_t size, double seconds)
{
	long long s = (long long)seconds;

	if (!(seconds >= 0) || seconds > 1e9)
		snprintf(out, size, "-");
	else if (s < 3600)
		snprintf(out, size, "%lld:%02lld", s / 60, s % 60);
	else
		snprintf(out, size, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
}

bool
out_has_colour(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (no != NULL && no[0] != '\0')
		return false;
	return isatty(fileno(out)) && term != NULL && strcmp(term, "dumb") != 0;
}

void
table_init(struct table *table, const char *const *head, size_t columns)
{
	*table = (struct table){ .head = head, .columns = columns };
}

void
table_row(struct table *table, const char *const *cells)
{
	size_t n = table->rows * table->columns;

	table->cells = xrealloc(table->cells, (n + table->columns) * sizeof(char *));
	for (size_t i = 0; i < table->columns; i++)
		table->cells[n + i] = out_escape(cells[i] == NULL ? "-" : cells[i], false);
	table->rows++;
}

static int
width_of(const char *text)
{
	return u8_strwidth((const uint8_t *)text, "UTF-8");
}

static void
print_row(const char *const *cells, const int *widths, size_t columns, FILE *out)
{
	for (size_t i = 0; i < columns; i++) {
		int pad = i + 1 == columns ? 0 : widths[i] - width_of(cells[i]) + 2;

		fprintf(out, "%s%*s", cells[i], pad, "");
	}
	fputc('\n', out);
}

void
table_print(const struct table *table, FILE *out, bool with_head)
{
	int widths[TABLE_COLUMNS_MAX];
	bool colour = out_has_colour(out);

	for (size_t i = 0; i < table->columns; i++) {
		widths[i] = with_head ? width_of(table->head[i]) : 0;
		for (size_t row = 0; row < table->rows; row++) {
			int width = width_of(table->cells[row * table->columns + i]);

			if (width > widths[i])
				widths[i] = width;
		}
	}
	if (with_head) {
		fputs(colour ? "\033[1m" : "", out);
		print_row(table->head, widths, table->columns, out);
		fputs(colour ? "\033[0m" : "", out);
	}
	for (size_t row = 0; row < table->rows; row++)
		print_row((const char *const *)table->cells + row * table->columns, widths,
			  table->columns, out);
	fflush(out);
}

void
table_release(struct table *table)
{
	for (size_t i = 0; i < table->rows * table->columns; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct table){ 0 };
}
