/* SPDX-License-Identifier: ISC */
/* conf_parse.c: reading a configuration file, with the line of whatever is wrong in it. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ini.h>
#include <unistr.h>

#include "base/alloc.h"
#include "base/conf.h"
#include "base/conf_table.h"

#define FILE_BYTES_MAX (1024 * 1024)
#define PEER_NAME_MAX  40
/* inih cuts longer section names without a word. */
#define SECTION_MAX 49
#define OPTIONS_MAX 64 /* bits of `seen` */

/*
 * One reading. inih tells neither line numbers to its handler nor where a section begins, so its
 * lines come from next_line, which counts them and looks at the headers first.
 */
struct parse {
	struct conf *conf;
	const char *name; /* of the file, for errors */
	const char *text; /* the rest */
	size_t left;
	unsigned line;
	struct conf_peer *peer;  /* that the options go to; NULL outside of [peer "name"] */
	unsigned long long seen; /* options of this section that were given, by row */
	int error;
	char *why;
	size_t size;
};

static int
fail(struct parse *parse, const char *format, ...)
{
	va_list args;
	int n;

	if (parse->error != 0)
		return parse->error;
	parse->error = -EINVAL;
	n = snprintf(parse->why, parse->size, "%s:%u: ", parse->name, parse->line);
	if (n < 0 || (size_t)n >= parse->size)
		return parse->error;
	va_start(args, format);
	vsnprintf(parse->why + n, parse->size - n, format, args);
	va_end(args);
	return parse->error;
}

static struct conf_peer *
find_peer(const struct conf *conf, const char *name, size_t length)
{
	for (size_t i = 0; i < conf->peer_count; i++) {
		struct conf_peer *peer = &conf->peers[i];

		if (strlen(peer->name) == length && strncmp(peer->name, name, length) == 0)
			return peer;
	}
	return NULL;
}

static struct conf_peer *
add_peer(struct conf *conf, const char *name, size_t length)
{
	struct conf_peer *peer;

	conf->peers = xrealloc(conf->peers, (conf->peer_count + 1) * sizeof(*peer));
	peer = &conf->peers[conf->peer_count++];
	*peer = (struct conf_peer){ .name = xstrndup(name, length) };
	conf_set_defaults("peer", true, peer);
	return peer;
}

/* What stands between the quotes of [peer "name"]. */
static void
begin_peer(struct parse *parse, const char *name, size_t length)
{
	if (length == 0 || length > PEER_NAME_MAX) {
		fail(parse, "a peer's name has 1 to %d characters", PEER_NAME_MAX);
		return;
	}
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)name[i]) && strchr("-_.", name[i]) == NULL) {
			fail(parse, "a peer's name is made of letters, digits, '-', '_' and '.'");
			return;
		}
	}
	if (find_peer(parse->conf, name, length) != NULL) {
		fail(parse, "[peer \"%.*s\"] is there already", (int)length, name);
		return;
	}
	if (parse->conf->peer_count >= CONF_PEERS_MAX) {
		fail(parse, "more than %d peers", CONF_PEERS_MAX);
		return;
	}
	parse->peer = add_peer(parse->conf, name, length);
}

/* line begins with '['. */
static void
begin_section(struct parse *parse, const char *line, size_t length)
{
	const char *end = memchr(line, ']', length);
	char section[SECTION_MAX + 1];
	size_t n;

	parse->peer = NULL;
	parse->seen = 0;
	if (end == NULL) {
		fail(parse, "a [ without its ]");
		return;
	}
	for (const char *p = end + 1; p < line + length && *p != ';' && *p != '#'; p++) {
		if (*p != ' ' && *p != '\t' && *p != '\r') {
			fail(parse, "text behind the ]: a key has its own line");
			return;
		}
	}
	n = end - line - 1;
	if (n > SECTION_MAX) {
		fail(parse, "a section's name has at most %d bytes", SECTION_MAX);
		return;
	}
	memcpy(section, line + 1, n);
	section[n] = '\0';
	if (n >= 7 && strncmp(section, "peer \"", 6) == 0 && section[n - 1] == '"')
		begin_peer(parse, section + 6, n - 7);
	else if (strncmp(section, "peer", 4) == 0 && !isalnum((unsigned char)section[4]))
		fail(parse, "a peer's section is written [peer \"name\"]");
	else if (!conf_section_is_known(section))
		fail(parse, "unknown section [%s]", section);
}

static void
check_line(struct parse *parse, const char *line, size_t length)
{
	size_t skip;

	if (length > CONF_LINE_MAX) {
		fail(parse, "longer than %d bytes", CONF_LINE_MAX);
		return;
	}
	if (length > 0 && line[length - 1] == '\r')
		length--;
	for (size_t i = 0; i < length; i++) {
		if ((line[i] >= 0 && line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f) {
			fail(parse, "a control character");
			return;
		}
	}
	if (u8_check((const uint8_t *)line, length) != NULL) {
		fail(parse, "not UTF-8");
		return;
	}
	if (parse->line == 1 && length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3;
		length -= 3;
	}
	for (skip = 0; skip < length && (line[skip] == ' ' || line[skip] == '\t'); skip++)
		;
	if (skip < length && line[skip] == '[')
		begin_section(parse, line + skip, length - skip);
}

/* An ini_reader: as fgets, but never a part of a line. */
static char *
next_line(char *out, int size, void *stream)
{
	struct parse *parse = stream;
	const char *end;
	size_t length;

	if (parse->left == 0 || parse->error != 0)
		return NULL;
	end = memchr(parse->text, '\n', parse->left);
	length = end == NULL ? parse->left : (size_t)(end - parse->text);
	parse->line++;
	check_line(parse, parse->text, length);
	if (parse->error != 0)
		return NULL;
	if (length >= (size_t)size) {
		fail(parse, "longer than %d bytes", size - 1);
		return NULL;
	}
	memcpy(out, parse->text, length);
	out[length] = '\0';
	parse->text += length + (end != NULL);
	parse->left -= length + (end != NULL);
	return out;
}

/* An ini_handler: 1 goes on. */
static int
on_option(void *arg, const char *section, const char *key, const char *value)
{
	struct parse *parse = arg;
	void *object = parse->peer != NULL ? (void *)parse->peer : parse->conf;
	const struct conf_option *option;
	unsigned long long bit;
	char want[256];

	if (parse->error != 0)
		return 0;
	if (section[0] == '\0') {
		fail(parse, "\"%s\" stands before the first [section]", key);
		return 0;
	}
	option = conf_option_find(parse->peer != NULL ? "peer" : section, key);
	if (option == NULL) {
		fail(parse, "unknown key \"%s\" in [%s]", key, section);
		return 0;
	}
	bit = 1ULL << (option - conf_options);
	if (parse->seen & bit) {
		fail(parse, "\"%s\" is given twice in [%s]", key, section);
		return 0;
	}
	parse->seen |= bit;
	if (conf_option_set(option, object, value) != 0) {
		conf_option_want(option, want, sizeof(want));
		fail(parse, "%s = \"%.64s\" is not %s", key, value, want);
		return 0;
	}
	return 1;
}

static int
parse_bytes(struct conf *conf, const char *text, size_t length, const char *name, char *error,
	    size_t size)
{
	struct parse parse = { .conf = conf, .name = name, .text = text, .left = length };
	int line;

	parse.why = error;
	parse.size = size;
	error[0] = '\0';
	/* The library's switches are variables of the process; nobody else here uses it. */
	ini_max_line = CONF_LINE_MAX + 3;
	ini_use_stack = true;
	ini_allow_multiline = false;
	ini_allow_inline_comments = true;
	ini_stop_on_first_error = true;
	line = ini_parse_stream(next_line, &parse, on_option, &parse);
	if (line != 0)
		fail(&parse, "neither a [section] nor key = value");
	return parse.error;
}

int
conf_parse(struct conf *conf, const char *text, const char *name, char *error, size_t size)
{
	return parse_bytes(conf, text, strlen(text), name, error, size);
}

/* At most max bytes; 0 or -errno. */
int
conf_read_bytes(int fd, char *bytes, size_t max, size_t *length)
{
	ssize_t n;

	for (*length = 0; *length < max; *length += n) {
		n = read(fd, bytes + *length, max - *length);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n == -1)
			return -errno;
		else if (n == 0)
			break;
	}
	return 0;
}

int
conf_read(struct conf *conf, const char *path, char *error, size_t size)
{
	size_t length = 0;
	char *bytes;
	int fd, rc;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		rc = -errno;
		snprintf(error, size, "%s: %s", path, strerror(-rc));
		return rc;
	}
	bytes = xalloc(FILE_BYTES_MAX + 1);
	rc = conf_read_bytes(fd, bytes, FILE_BYTES_MAX + 1, &length);
	close(fd);
	if (rc != 0) {
		snprintf(error, size, "%s: %s", path, strerror(-rc));
	} else if (length > FILE_BYTES_MAX) {
		rc = -EINVAL;
		snprintf(error, size, "%s: larger than %d bytes", path, FILE_BYTES_MAX);
	} else {
		xreplace(&conf->file, path);
		rc = parse_bytes(conf, bytes, length, path, error, size);
	}
	free(bytes);
	return rc;
}
