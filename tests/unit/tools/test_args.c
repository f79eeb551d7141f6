/* SPDX-License-Identifier: ISC */
/* test_args.c: the command line taken apart, its help, its completions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/player.h>

#include "args.h"

static char why[256];

static int
parse(struct args *args, int argc, ...)
{
	static char *words[16];
	va_list list;

	words[0] = (char *)"earshot";
	va_start(list, argc);
	for (int i = 1; i <= argc; i++)
		words[i] = va_arg(list, char *);
	va_end(list);
	words[argc + 1] = NULL;
	return args_parse(argc + 1, words, args, why, sizeof(why));
}

static void
test_words_and_options(void **state)
{
	struct args args;

	assert_int_equal(parse(&args, 7, "--json", "ping", "-c", "3", "tv@box.local", "-vv",
			       "--timeout=2.5"),
			 0);
	assert_string_equal(args.command->name, "ping");
	assert_int_equal(args.count, 1);
	assert_string_equal(args.words[0], "tv@box.local");
	assert_null(args.words[1]);
	assert_true(args.json);
	assert_int_equal(args.number, 3);
	assert_int_equal(args.verbose, 2);
	assert_true(args.timeout > 2.49 && args.timeout < 2.51);
	args_release(&args);

	assert_int_equal(parse(&args, 2, "-qi0.5", "status"), -EINVAL);
	args_release(&args);
	assert_int_equal(parse(&args, 3, "-qwi0.5", "status", "a@b.local"), 0);
	assert_true(args.quiet && args.watch);
	assert_true(args.interval > 0.49 && args.interval < 0.51);
	args_release(&args);
}

/* A number is no option: a relative seek needs no "--". */
static void
test_negative_values(void **state)
{
	struct args args;

	assert_int_equal(parse(&args, 4, "press", "a@b.local", "seek", "-10"), 0);
	assert_string_equal(args.words[2], "-10");
	args_release(&args);
	assert_int_equal(parse(&args, 5, "send", "--", "a@b.local", "-q", "--json"), 0);
	assert_int_equal(args.count, 3);
	assert_false(args.quiet || args.json);
	args_release(&args);
	assert_int_equal(parse(&args, 2, "stanza", "-"), 0);
	assert_string_equal(args.words[0], "-");
	args_release(&args);
}

/* How long a stanza is worth something. */
static void
test_expires(void **state)
{
	struct args args;

	assert_int_equal(parse(&args, 4, "press", "a@b.local", "pause", "--expires=0.5"), 0);
	assert_true(args.expires > 0.49 && args.expires < 0.51);
	args_release(&args);
	assert_int_equal(parse(&args, 4, "send", "a@b.local", "--expires", "2"), 0);
	assert_true(args.expires > 1.99 && args.expires < 2.01);
	args_release(&args);
	assert_int_equal(parse(&args, 3, "send", "a@b.local", "x"), 0);
	assert_true(args.expires == 0 && !args.has_expires);
	args_release(&args);
	assert_int_equal(parse(&args, 3, "ping", "a@b.local", "--expires=2"), -EINVAL);
	args_release(&args);
	/* Not the same as none given: a press has one by default. */
	assert_int_equal(parse(&args, 4, "press", "a@b.local", "stop", "--expires=0"), 0);
	assert_true(args.expires == 0 && args.has_expires);
	args_release(&args);
	assert_int_equal(parse(&args, 3, "send", "a@b.local", "--expires=-1"), -EINVAL);
	args_release(&args);
}

/* The commands about keys: what stands for nobody's address, and their switches. */
static void
test_keys(void **state)
{
	struct args args;

	assert_int_equal(parse(&args, 2, "pair", "-"), 0);
	assert_string_equal(args.words[0], "-");
	args_release(&args);
	assert_int_equal(parse(&args, 2, "pair", "--qr"), 0);
	assert_true(args.qr && args.count == 0);
	args_release(&args);
	assert_int_equal(parse(&args, 3, "trust", "-y", "--new-key"), 0);
	assert_true(args.yes && args.new_key);
	args_release(&args);
	/* A key in groups goes on behind. */
	assert_int_equal(parse(&args, 4, "trust", "--revoke", "0011", "2233"), 0);
	assert_string_equal(args.revoke, "0011");
	assert_int_equal(args.count, 1);
	args_release(&args);
	assert_int_equal(parse(&args, 2, "trust", "--revoke=0011"), 0);
	assert_string_equal(args.revoke, "0011");
	args_release(&args);
	assert_int_equal(parse(&args, 1, "doctor"), 0);
	assert_true(args.command->opens);
	args_release(&args);
	/* A key as it is printed, in groups. */
	assert_int_equal(parse(&args, 4, "trust", "a@b.local", "0011", "2233"), 0);
	assert_int_equal(args.count, 3);
	args_release(&args);
}

static void
bad(const char *want, int argc, const char *a, const char *b, const char *c)
{
	struct args args;

	assert_int_equal(parse(&args, argc, a, b, c), -EINVAL);
	if (strstr(why, want) == NULL)
		fail_msg("\"%s\" does not hold \"%s\"", why, want);
	args_release(&args);
}

static void
test_errors(void **state)
{
	bad("unknown command \"dance\"", 2, "dance", "a@b.local", NULL);
	bad("unknown option --jsn", 2, "--jsn", "peers", NULL);
	bad("unknown option -x", 2, "peers", "-x", NULL);
	bad("unknown option -L", 2, "stanza", "-L", NULL);
	bad("--json takes no value", 2, "peers", "--json=1", NULL);
	bad("--count needs a value", 2, "ping", "--count", NULL);
	bad("is no number from 1", 3, "ping", "a@b.local", "-c0");
	bad("is no number of seconds", 3, "ping", "a@b.local", "--timeout=x");
	bad("is no number of seconds", 3, "ping", "a@b.local", "-i-1");
	bad("is no number of seconds", 2, "peers", "-tnan", NULL);
	bad("is auto, lan or server", 2, "peers", "--path=wan", NULL);
	bad("send: wants ADDR", 1, "send", NULL, NULL);
	bad("peers: wants no argument", 2, "peers", "x", NULL);
	bad("peers does not take --count", 3, "peers", "-c", "3");
	bad("ping does not take --watch", 3, "ping", "a@b.local", "-w");
	bad("untrust: wants ADDR|KEY", 1, "untrust", NULL, NULL);
	bad("untrust does not take --new-key", 3, "untrust", "a@b.local", "--new-key");
	bad("untrust does not take --revoke", 3, "untrust", "a@b.local", "--revoke=0011");
	bad("--revoke needs a value: KEY", 2, "trust", "--revoke", NULL);
	bad("trust does not take --qr", 2, "trust", "--qr", NULL);
}

static char *
written(int (*write)(const char *, FILE *), const char *shell)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(write(shell, out), 0);
	fclose(out);
	return text;
}

static int
write_help(const char *name, FILE *out)
{
	if (name == NULL)
		help_all(out);
	else
		help_command(command_find(name), out);
	return 0;
}

/* Every command has its help, names its own options, and stands in every completion. */
static void
test_help_and_completion(void **state)
{
	static const char *const shells[] = { "bash", "zsh", "fish" };
	char *all = written(write_help, NULL);

	for (const struct command *c = commands; c->name != NULL; c++) {
		char *own = written(write_help, c->name);

		assert_non_null(strstr(all, c->name));
		assert_non_null(strstr(all, c->summary));
		assert_non_null(strstr(own, c->args));
		for (const struct option_row *row = option_rows; row->name != NULL; row++) {
			bool fits = option_fits(row, c);

			assert_int_equal(strstr(own, row->help) != NULL, fits);
		}
		free(own);
	}
	free(all);
	for (size_t i = 0; i < 3; i++) {
		char *script = written(completion_write, shells[i]);

		for (const struct command *c = commands; c->name != NULL; c++)
			assert_non_null(strstr(script, c->name));
		for (const struct option_row *row = option_rows; row->name != NULL; row++)
			assert_non_null(strstr(script, row->name));
		for (int key = 0; key < EAR_KEY_COUNT; key++)
			assert_non_null(strstr(script, ear_remote_key_name(key)));
		for (int button = 0; button < EAR_BUTTON_COUNT; button++)
			assert_non_null(strstr(script, ear_button_name(button)));
		free(script);
	}
	assert_int_equal(completion_write("tcsh", stdout), -EINVAL);
}

static void
test_publish_subscribe(void **state)
{
	char *argv[] = { "earshot", "publish", "n",         "--to", "a@b",       "--id",
			 "i",       "--atom",  "--title",   "t",    "--summary", "s",
			 "--link",  "u",       "--options", "f=v",  "-l",        "file" };
	char *wrong[] = { "earshot", "watch", "a@b", "--to", "c@d" };
	struct args args;

	assert_int_equal(args_parse(sizeof(argv) / sizeof(argv[0]), argv, &args, why, sizeof(why)),
			 0);
	assert_string_equal(args.to, "a@b");
	assert_string_equal(args.id, "i");
	assert_string_equal(args.title, "t");
	assert_string_equal(args.summary, "s");
	assert_string_equal(args.href, "u");
	assert_string_equal(args.options, "f=v");
	assert_true(args.atom && args.lines && args.count == 2);
	args_release(&args);
	assert_int_equal(args_parse(5, wrong, &args, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "watch does not take --to");
	args_release(&args);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_and_options),
		cmocka_unit_test(test_negative_values),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_expires),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_help_and_completion),
		cmocka_unit_test(test_publish_subscribe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
