/* SPDX-License-Identifier: ISC */
/* earshot.c: the command line: the table of commands, and running one. */
#include <locale.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "descriptors.h"

#define INTERRUPTED 130 /* as shells have it */

static int
run_offline(struct cli *cli)
{
	if (cli->args.completion != NULL) {
		if (completion_write(cli->args.completion, stdout) == 0)
			return EXIT_DONE;
		complain("--completion %s: is bash, zsh or fish", cli->args.completion);
		return EXIT_USAGE;
	}
	if (cli->args.version)
		printf("earshot " EAR_VERSION "\n");
	else if (cli->args.command != NULL)
		help_command(cli->args.command, stdout);
	else
		help_all(stdout);
	return EXIT_DONE;
}

static int
said_all(int code)
{
	if (descriptors_said_all())
		return code;
	complain("standard output: cannot be written: is the disk full?");
	return code == EXIT_DONE ? EXIT_CONFIG : code;
}

static int
run(struct cli *cli)
{
	int code;

	cli_init(cli);
	code = cli->args.command->opens ? EXIT_DONE : cli_open(cli);
	if (code == EXIT_DONE)
		code = cli->args.command->run(cli);
	if (cli->interrupted && code != EXIT_DONE)
		code = INTERRUPTED;
	cli_release(cli);
	return said_all(code);
}

int
main(int argc, char **argv)
{
	struct cli cli = { 0 };
	char why[256];
	int code;

	descriptors_fill();
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	if (args_parse(argc, argv, &cli.args, why, sizeof(why)) != 0) {
		complain("%s; earshot -h helps", why);
		code = EXIT_USAGE;
	} else if (cli.args.help || cli.args.version || cli.args.completion != NULL) {
		code = run_offline(&cli);
	} else if (cli.args.command == NULL) {
		help_all(stderr);
		code = EXIT_USAGE;
	} else {
		return run(&cli);
	}
	args_release(&cli.args);
	return said_all(code);
}
