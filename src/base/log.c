/* SPDX-License-Identifier: ISC */
/* log.c: log lines on standard error that no peer can forge or colour. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <unistr.h>

#include <earshot/log.h>

#define LINE_MAX_BYTES 2048

static enum ear_log_level log_level = EAR_LOG_INFO;

void
ear_log_set_level(enum ear_log_level level)
{
	log_level = level;
}

enum ear_log_level
ear_log_get_level(void)
{
	return log_level;
}

/* Copies text so that it stays one line of valid UTF-8; what does not becomes \xNN. */
static size_t
escape(char *out, size_t size, const char *text)
{
	size_t n = 0, left = strlen(text);
	ucs4_t c;

	while (left > 0 && n + 8 < size) {
		int len = u8_mbtoucr(&c, (const uint8_t *)text, left);

		if (len > 0 && c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0)) {
			memcpy(out + n, text, len);
			n += len;
		} else {
			len = 1;
			n += snprintf(out + n, size - n, "\\x%02x", (unsigned char)*text);
		}
		text += len;
		left -= len;
	}
	return n;
}

void
ear_log(enum ear_log_level level, const char *format, ...)
{
	static const char *const prefix[] = { "error: ", "warning: ", "", "debug: " };
	char raw[LINE_MAX_BYTES], line[2 * LINE_MAX_BYTES];
	int saved = errno;
	va_list args;
	size_t n;

	if (level > log_level)
		return;
	va_start(args, format);
	if (vsnprintf(raw, sizeof(raw), format, args) < 0)
		raw[0] = '\0';
	va_end(args);
	n = strlen(prefix[level]);
	memcpy(line, prefix[level], n);
	n += escape(line + n, sizeof(line) - n - 1, raw);
	line[n++] = '\n';
	/* A full disk or a closed pipe takes the line; there is nobody left to tell. */
	if (write(STDERR_FILENO, line, n) < 0)
		errno = saved;
	errno = saved;
}
