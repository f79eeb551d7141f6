/* SPDX-License-Identifier: ISC */
/* args.c: the options table, taking argv apart by it, and the help made of it. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "base/alloc.h"

#define TIMEOUT_DEFAULT 10.0
#define EVERYWHERE      "jqvtPDSFhVG"

/* The type of what is set says how. */
#define FIELD(name) .field = offsetof(struct args, name)
#define SETS(name)                                                                                 \
	.kind = _Generic(((struct args *)NULL)->name,                                              \
			 bool: OPTION_FLAG,                                                        \
			 int: OPTION_LEVEL,                                                        \
			 long: OPTION_COUNT,                                                       \
			 double: OPTION_SECONDS,                                                   \
			 const char *: OPTION_TEXT),                                               \
	FIELD(name)
#define GIVEN(name) .given = offsetof(struct args, name)

const struct option_row option_rows[] = {
	{ 'w', "watch", NULL, "keep watching, print what changes", NULL, SETS(watch) },
	{ 'c', "count", "N", "stop after N", NULL, SETS(number) },
	{ 'i', "interval", "S", "seconds between two (default 1)", NULL, SETS(interval),
	  .min = 0.001 },
	{ 'l', "lines", NULL, "each line of the input by itself", NULL, SETS(lines) },
	{ 'U', "queue", NULL, "store it with the daemon; it leaves when it can", NULL,
	  SETS(queue) },
	{ 'O', "drop", "ID|ADDR", "drop that one, or all for that address", NULL, SETS(drop) },
	{ 'X', "expires", "S",
	  "worthless after so many seconds: then it fails, exit code 5; 0: never", NULL,
	  SETS(expires), GIVEN(has_expires) },
	{ 'B', "to", "ADDR", "at that service; else at our own daemon's", NULL, SETS(to) },
	{ 'I', "id", "ID", "the item's id, which replaces one that has it", NULL, SETS(id) },
	{ 'C', "options", "F=V,...", "only where the node is configured so", NULL, SETS(options) },
	{ 'A', "atom", NULL, "as an entry of a feed: the first line is its title", NULL,
	  SETS(atom) },
	{ 'T', "title", "TEXT", "the title of an entry; what is read is its content", NULL,
	  SETS(title) },
	{ 'M', "summary", "TEXT", "the summary of an entry", NULL, SETS(summary) },
	{ 'K', "link", "URL", "what an entry is about", NULL, SETS(href) },
	{ 'L', "listen", NULL, "print what arrives, until interrupted", NULL, SETS(listen) },
	{ 'N', "new-key", NULL, "make another key for this device", NULL, SETS(new_key) },
	{ 'R', "revoke", "KEY", "take that device off our account's list", NULL, SETS(revoke) },
	{ 'y', "yes", NULL, "do not ask whether that is meant", NULL, SETS(yes) },
	{ 'Q', "qr", NULL, "show a code that a camera reads, instead", NULL, SETS(qr) },
	{ 'j', "json", NULL, "one JSON object per line, stable keys", NULL, SETS(json) },
	{ 'q', "quiet", NULL, "print nothing but errors", NULL, SETS(quiet) },
	{ 'v', "verbose", NULL, "say which path was taken; -vv, -vvv: log, too", NULL,
	  SETS(verbose) },
	{ 't', "timeout", "S", "seconds to wait for an answer (default 10)", NULL, SETS(timeout),
	  GIVEN(has_timeout), .min = 0.001 },
	{ 'P', "path", "PATH", "auto (the shortest), lan or server", "auto lan server",
	  .kind = OPTION_PATH, FIELD(path) },
	{ 'D', "no-daemon", NULL, "use an engine of its own, also where a daemon runs", NULL,
	  SETS(no_daemon) },
	{ 'S', "socket", "FILE", "the daemon's socket", NULL, SETS(socket) },
	{ 'F', "config", "FILE", "the configuration that names the socket, or of the own engine",
	  NULL, SETS(config) },
	{ 'G', "completion", "SHELL", "write a completion script: bash, zsh, fish", "bash zsh fish",
	  SETS(completion) },
	{ 'h', "help", NULL, "this, or of one command", NULL, SETS(help) },
	{ 'V', "version", NULL, "print the version", NULL, SETS(version) },
	{ 0 },
};

bool
option_fits(const struct option_row *row, const struct command *command)
{
	return strchr(EVERYWHERE, row->letter) != NULL ||
	       (command != NULL && strchr(command->letters, row->letter) != NULL);
}

const struct command *
command_find(const char *name)
{
	for (const struct command *c = commands; c->name != NULL; c++) {
		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

static const struct option_row *
find_letter(char letter)
{
	for (const struct option_row *row = option_rows; row->name != NULL; row++) {
		if (row->letter == letter && !isupper((unsigned char)letter))
			return row;
	}
	return NULL;
}

static const struct option_row *
find_name(const char *name, size_t length)
{
	for (const struct option_row *row = option_rows; row->name != NULL; row++) {
		if (strlen(row->name) == length && strncmp(row->name, name, length) == 0)
			return row;
	}
	return NULL;
}

static int
set_seconds(double *field, double min, const char *value, char *why, size_t size)
{
	char *end;
	double seconds = strtod(value, &end);

	if (end == value || *end != '\0' || !isfinite(seconds) || seconds < min ||
	    seconds > 86400) {
		snprintf(why, size, "\"%s\" is no number of seconds from %g to 86400", value, min);
		return -EINVAL;
	}
	*field = seconds;
	return 0;
}

static int
set_count(long *field, const char *value, char *why, size_t size)
{
	char *end;
	long number = strtol(value, &end, 10);

	if (end == value || *end != '\0' || number < 1 || number > 1000000000) {
		snprintf(why, size, "\"%s\" is no number from 1", value);
		return -EINVAL;
	}
	*field = number;
	return 0;
}

static int
set_path(const char **field, const char *value, char *why, size_t size)
{
	if (strcmp(value, "auto") != 0 && strcmp(value, "lan") != 0 &&
	    strcmp(value, "server") != 0) {
		snprintf(why, size, "--path %s: is auto, lan or server", value);
		return -EINVAL;
	}
	*field = value;
	return 0;
}

static int
set_option(struct args *args, const struct option_row *row, const char *value, char *why,
	   size_t size)
{
	void *field = (char *)args + row->field;

	if (row->given != 0)
		*(bool *)((char *)args + row->given) = true;
	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		break;
	case OPTION_LEVEL:
		++*(int *)field;
		break;
	case OPTION_TEXT:
		*(const char **)field = value;
		break;
	case OPTION_PATH:
		return set_path(field, value, why, size);
	case OPTION_COUNT:
		return set_count(field, value, why, size);
	case OPTION_SECONDS:
		return set_seconds(field, row->min, value, why, size);
	}
	return 0;
}

/* What is being taken apart. */
struct scan {
	int argc, at;
	char **argv;
	struct args *args;
	unsigned long long seen; /* rows, by place */
	char *why;
	size_t size;
};

/* rest: the value that stands behind the name, or NULL. */
static int
take_option(struct scan *scan, const struct option_row *row, const char *rest)
{
	scan->seen |= 1ULL << (row - option_rows);
	if (row->value == NULL && rest != NULL) {
		snprintf(scan->why, scan->size, "--%s takes no value", row->name);
		return -EINVAL;
	}
	if (row->value != NULL && rest == NULL) {
		if (scan->at + 1 >= scan->argc) {
			snprintf(scan->why, scan->size, "--%s needs a value: %s", row->name,
				 row->value);
			return -EINVAL;
		}
		rest = scan->argv[++scan->at];
	}
	return set_option(scan->args, row, rest == NULL ? "" : rest, scan->why, scan->size);
}

static int
take_long(struct scan *scan, const char *word)
{
	size_t length = strcspn(word, "=");
	const struct option_row *row = find_name(word, length);

	if (row == NULL) {
		snprintf(scan->why, scan->size, "unknown option --%.*s", (int)length, word);
		return -EINVAL;
	}
	return take_option(scan, row, word[length] == '=' ? word + length + 1 : NULL);
}

static int
take_short(struct scan *scan, const char *letters)
{
	for (const char *p = letters; *p != '\0'; p++) {
		const struct option_row *row = find_letter(*p);
		int rc;

		if (row == NULL) {
			snprintf(scan->why, scan->size, "unknown option -%c", *p);
			return -EINVAL;
		}
		if (row->value != NULL)
			return take_option(scan, row, p[1] == '\0' ? NULL : p + 1);
		rc = take_option(scan, row, NULL);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static bool
is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0' && !isdigit((unsigned char)word[1]) &&
	       word[1] != '.';
}

static int
take_words(struct scan *scan)
{
	struct args *args = scan->args;
	bool ended = false;
	int rc = 0;

	for (scan->at = 1; rc == 0 && scan->at < scan->argc; scan->at++) {
		char *word = scan->argv[scan->at];

		if (ended || !is_option(word))
			args->words[args->count++] = word;
		else if (strcmp(word, "--") == 0)
			ended = true;
		else if (word[1] == '-')
			rc = take_long(scan, word + 2);
		else
			rc = take_short(scan, word + 1);
	}
	return rc;
}

static int
check_options(const struct scan *scan)
{
	const struct command *command = scan->args->command;

	for (const struct option_row *row = option_rows; row->name != NULL; row++) {
		if ((scan->seen >> (row - option_rows) & 1) && !option_fits(row, command)) {
			snprintf(scan->why, scan->size, "%s does not take --%s",
				 command == NULL ? "earshot" : command->name, row->name);
			return -EINVAL;
		}
	}
	return 0;
}

static int
take_command(struct scan *scan)
{
	struct args *args = scan->args;
	const struct command *command;

	if (args->count == 0)
		return 0;
	command = command_find(args->words[0]);
	if (command == NULL) {
		snprintf(scan->why, scan->size, "unknown command \"%s\"", args->words[0]);
		return -EINVAL;
	}
	args->command = command;
	args->count--;
	memmove(args->words, args->words + 1, (args->count + 1) * sizeof(char *));
	if (args->help)
		return 0;
	if (args->count < command->min || (command->max >= 0 && args->count > command->max)) {
		snprintf(scan->why, scan->size, "%s: wants %s", command->name,
			 command->args[0] == '\0' ? "no argument" : command->args);
		return -EINVAL;
	}
	return 0;
}

int
args_parse(int argc, char **argv, struct args *args, char *why, size_t size)
{
	struct scan scan = { .argc = argc, .argv = argv, .args = args, .why = why, .size = size };
	int rc;

	*args = (struct args){ .timeout = TIMEOUT_DEFAULT, .interval = 1.0, .path = "auto" };
	args->words = xalloc((argc + 1) * sizeof(char *));
	why[0] = '\0';
	rc = take_words(&scan);
	if (rc == 0)
		rc = take_command(&scan);
	if (rc == 0)
		rc = check_options(&scan);
	return rc;
}

void
args_release(struct args *args)
{
	free(args->words);
	args->words = NULL;
}

static void
help_options(const struct command *command, bool of_its_own, FILE *out)
{
	for (const struct option_row *row = option_rows; row->name != NULL; row++) {
		bool own = !option_fits(row, NULL);
		char name[40];

		if (own != of_its_own || !option_fits(row, command))
			continue;
		snprintf(name, sizeof(name), "--%s%s%s", row->name, row->value == NULL ? "" : " ",
			 row->value == NULL ? "" : row->value);
		if (isupper((unsigned char)row->letter))
			fprintf(out, "      %-20s %s\n", name, row->help);
		else
			fprintf(out, "  -%c, %-20s %s\n", row->letter, name, row->help);
	}
}

void
help_all(FILE *out)
{
	fputs("usage: earshot COMMAND [ARGUMENTS] [OPTIONS]\n\n", out);
	for (const struct command *c = commands; c->name != NULL; c++) {
		char usage[48];

		snprintf(usage, sizeof(usage), "%s %s", c->name, c->args);
		fprintf(out, "  %-30s %s\n", usage, c->summary);
	}
	fputs("\nADDR is an address (tv@box.local, tv@example.org) or the name of a peer.\n"
	      "`earshot COMMAND -h` says more. Everywhere:\n\n",
	      out);
	help_options(NULL, false, out);
}

void
help_command(const struct command *command, FILE *out)
{
	fprintf(out, "usage: earshot %s%s%s [OPTIONS]\n\n%s.\n%s", command->name,
		command->args[0] == '\0' ? "" : " ", command->args, command->summary,
		command->help);
	if (command->letters[0] != '\0') {
		fputs("\n", out);
		help_options(command, true, out);
	}
	fputs("\nEverywhere:\n\n", out);
	help_options(NULL, false, out);
}
