/* SPDX-License-Identifier: ISC */
/* args.h: the command line taken apart by two tables: commands and options. */
#ifndef TOOLS_ARGS_H
#define TOOLS_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct cli;

/* One row is dispatch, help, completion and manual. Ended by a row without a name. */
struct command {
	const char *name;
	const char *args;    /* "ADDR [TEXT]" */
	const char *summary; /* one line */
	const char *help;    /* the rest, for -h */
	const char *letters; /* the options of its own */
	bool opens;          /* it opens the stream itself */
	int min, max;        /* of arguments; max -1: any number */
	/* Word number i that may stand in place `place` behind ADDR, after `first` in place 0;
	 * NULL: no more. Optional. */
	const char *(*words)(size_t place, const char *first, size_t i);
	const char *first; /* words that may be its first argument, for completion; NULL: any */
	int (*run)(struct cli *cli); /* returns an exit code */
};

extern const struct command commands[];

/* Everything that options can say. */
struct args {
	const struct command *command; /* NULL: none was given */
	char **words;                  /* its arguments, ended by NULL; they point into argv */
	int count;
	bool json, quiet, watch, lines, listen, no_daemon, help, version, has_timeout;
	bool yes, qr, new_key, queue, has_expires, atom;
	int verbose;
	double timeout; /* seconds */
	double interval;
	double expires;   /* seconds; 0: none */
	long number;      /* -c; 0: not given */
	const char *path; /* "auto", "lan", "server" */
	const char *config, *socket, *completion;
	const char *drop; /* an id or an address; NULL: not given */
	/* Of publish-subscribe; NULL: not given. */
	const char *to, *id, *options, *title, *summary, *href;
	const char *revoke; /* a key, or its first group; NULL: not given */
};

/* What an option sets, and what of its value is taken. */
enum option_kind {
	OPTION_FLAG,    /* bool */
	OPTION_LEVEL,   /* int: how often it is given */
	OPTION_TEXT,    /* const char *, into argv */
	OPTION_PATH,    /* the same: auto, lan or server */
	OPTION_COUNT,   /* long, from 1 */
	OPTION_SECONDS, /* double, from min */
};

struct option_row {
	char letter; /* one for each row; those from 'A' to 'Z' have no short form */
	const char *name;
	const char *value; /* what it is called in the help; NULL: takes none */
	const char *help;
	const char *completion; /* words to offer for the value; NULL: none */
	enum option_kind kind;
	size_t field; /* of struct args */
	size_t given; /* a bool there that says that it was given; 0: none */
	double min;
};

/* Ended by a row without a name. */
extern const struct option_row option_rows[];

/* Whether the command takes that option: everywhere, or by its letters. */
bool option_fits(const struct option_row *row, const struct command *command);

const struct command *command_find(const char *name);

/*
 * Takes argv apart; options may stand anywhere, "--" ends them, and a number such as -10 is none.
 * 0, or -EINVAL with why filled. args_release frees the list of words.
 */
int args_parse(int argc, char **argv, struct args *args, char *why, size_t size);
void args_release(struct args *args);

void help_all(FILE *out);
void help_command(const struct command *command, FILE *out);

/* Writes a completion script for "bash", "zsh" or "fish". -EINVAL: another shell. */
int completion_write(const char *shell, FILE *out);

#endif
