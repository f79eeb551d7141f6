/* SPDX-License-Identifier: ISC */
/* earshotd.c: the daemon: its options, signals, and an engine as the configuration wants it. */
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "base/conf.h"
#include "base/timer.h"
#include "core/engine.h"
#include "descriptors.h"
#include "registry.h"
#include "unit.h"

#define EXIT_USAGE      2
#define EXIT_CONFIG     3
#define GOODBYE_SECONDS 1

enum { CHECK_CONFIG = 256, DUMP_CONFIG, VERSION };

struct daemon {
	struct event_base *base;
	struct ear_clock *clock;
	struct conf *conf;
	struct ear *ear;
	char *file;        /* NULL: none, the defaults */
	struct unit *unit; /* NULL: there is no systemd */
	struct event *signals[3];
	bool verbose;
	int code;
};

static void
usage(FILE *out)
{
	fputs("usage: earshotd [-c FILE] [-f] [-v]... [--check-config] [--dump-config] "
	      "[--version]\n"
	      "\n"
	      "  -c, --config FILE  default: /etc/earshot/earshotd.conf, then\n"
	      "                     $XDG_CONFIG_HOME/earshot/earshotd.conf; none is fine, too\n"
	      "  -f, --foreground   accepted for habit's sake: it never goes to the background\n"
	      "  -v, --verbose      log every stanza's header, too\n"
	      "      --check-config read the configuration, say what is wrong, end\n"
	      "      --dump-config  print it with all defaults and what they mean, end\n"
	      "      --version      print the version, end\n"
	      "  -h, --help         this\n",
	      out);
}

/* A configuration read and checked, or NULL after an error line. */
static struct conf *
load(const char *file)
{
	struct conf *conf = conf_new();
	char error[CONF_ERROR_SIZE];
	int rc = 0;

	if (file != NULL)
		rc = conf_read(conf, file, error, sizeof(error));
	if (rc == 0 && conf_check(conf, error, sizeof(error)) != 0) {
		ear_error("%s: %s", file == NULL ? "configuration" : file, error);
		rc = -EINVAL;
	} else if (rc != 0) {
		ear_error("%s", error);
	}
	if (rc == 0)
		return conf;
	conf_free(conf);
	return NULL;
}

/* -v on the command line is the user's word for this run. */
static void
set_log_level(const struct daemon *daemon)
{
	static_assert((int)CONF_LOG_DEBUG == EAR_LOG_DEBUG && (int)CONF_LOG_INFO == EAR_LOG_INFO &&
			      (int)CONF_LOG_WARN == EAR_LOG_WARN,
		      "the levels of the configuration are those of the log");

	if (!daemon->verbose)
		ear_log_set_level((enum ear_log_level)daemon->conf->engine_log);
}

static int
start(struct daemon *daemon)
{
	struct engine_config config = { .base = daemon->base,
					.clock = daemon->clock,
					.conf = daemon->conf,
					.xeps = ear_xeps_all };
	char error[ENGINE_ERROR_SIZE];

	daemon->ear = engine_new(&config, error, sizeof(error));
	unit_set_engine(daemon->unit, daemon->ear);
	if (daemon->ear != NULL)
		return 0;
	ear_error("%s", error);
	return -EIO;
}

static void
stop(struct daemon *daemon)
{
	unit_set_engine(daemon->unit, NULL);
	engine_free(daemon->ear);
	daemon->ear = NULL;
}

/* Another engine by the new configuration; by the old one where that does not start. */
static void
replace(struct daemon *daemon, struct conf *fresh)
{
	struct conf *old = daemon->conf;

	ear_info("the engine starts anew: its streams end");
	stop(daemon);
	daemon->conf = fresh;
	if (start(daemon) == 0) {
		conf_free(old);
		return;
	}
	conf_free(fresh);
	daemon->conf = old;
	ear_error("the new configuration does not start: going back to the old one");
	if (start(daemon) != 0) {
		daemon->code = EXIT_CONFIG;
		event_base_loopbreak(daemon->base);
	}
}

static void
reload(struct daemon *daemon)
{
	struct conf *fresh;

	if (daemon->file == NULL)
		daemon->file = conf_find_file();
	fresh = load(daemon->file);
	if (fresh == NULL) {
		ear_error("the configuration stays as it was");
		return;
	}
	ear_info("configuration read again: %s", daemon->file == NULL ? "none" : daemon->file);
	if (engine_reload(daemon->ear, fresh)) {
		conf_free(daemon->conf);
		daemon->conf = fresh;
	} else {
		replace(daemon, fresh);
	}
	set_log_level(daemon);
}

static void
on_reload(evutil_socket_t number, short what, void *arg)
{
	struct daemon *daemon = arg;

	unit_reloading(daemon->unit);
	reload(daemon);
	unit_reloaded(daemon->unit);
}

static void
on_stop(evutil_socket_t number, short what, void *arg)
{
	struct daemon *daemon = arg;

	ear_info("stopping: %s", strsignal(number));
	event_base_loopbreak(daemon->base);
}

static void
watch_signals(struct daemon *daemon)
{
	static const struct {
		int number;
		event_callback_fn fn;
	} signals[] = { { SIGTERM, on_stop }, { SIGINT, on_stop }, { SIGHUP, on_reload } };

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < 3; i++) {
		daemon->signals[i] =
			evsignal_new(daemon->base, signals[i].number, signals[i].fn, daemon);
		event_add(daemon->signals[i], NULL);
	}
}

static void
on_libevent(int severity, const char *text)
{
	ear_log(severity >= EVENT_LOG_ERR ? EAR_LOG_ERROR : EAR_LOG_DEBUG, "libevent: %s", text);
}

/* Thousands of streams need thousands of descriptors; the hard limit is the administrator's word.
 */
static void
raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Lets what the engine said last leave, then frees. */
static void
finish(struct daemon *daemon)
{
	struct timeval patience = { .tv_sec = GOODBYE_SECONDS };

	unit_stopping(daemon->unit);
	stop(daemon);
	unit_free(daemon->unit);
	for (size_t i = 0; i < 3; i++)
		event_free(daemon->signals[i]);
	event_base_loopexit(daemon->base, &patience);
	event_base_dispatch(daemon->base);
	clock_free(daemon->clock);
	event_base_free(daemon->base);
}

static int
serve(struct daemon *daemon)
{
	raise_limits();
	event_set_log_callback(on_libevent);
	daemon->base = event_base_new();
	if (daemon->base == NULL)
		abort();
	daemon->clock = clock_new(daemon->base);
	watch_signals(daemon);
	ear_info("earshotd " EAR_VERSION ", configuration: %s",
		 daemon->file == NULL ? "none, the defaults" : daemon->file);
	daemon->unit = unit_new(daemon->base);
	if (start(daemon) == 0)
		event_base_dispatch(daemon->base);
	else
		daemon->code = EXIT_CONFIG;
	finish(daemon);
	return daemon->code;
}

static int
run(struct daemon *daemon, int action)
{
	daemon->conf = load(daemon->file);
	if (daemon->conf == NULL)
		return EXIT_CONFIG;
	set_log_level(daemon);
	switch (action) {
	case CHECK_CONFIG:
		printf("%s: fine\n", daemon->file == NULL ? "no configuration file" : daemon->file);
		return 0;
	case DUMP_CONFIG:
		conf_dump(daemon->conf, stdout);
		return 0;
	default:
		return serve(daemon);
	}
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "check-config", no_argument, NULL, CHECK_CONFIG },
		{ "dump-config", no_argument, NULL, DUMP_CONFIG },
		{ "version", no_argument, NULL, VERSION },
		{ 0 },
	};
	struct daemon daemon = { 0 };
	int option, action = 0, code;

	descriptors_fill();
	alloc_for_many();
	while ((option = getopt_long(argc, argv, "c:fvh", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			xreplace(&daemon.file, optarg);
			break;
		case 'f':
			break;
		case 'v':
			daemon.verbose = true;
			ear_log_set_level(EAR_LOG_DEBUG);
			break;
		case 'h':
			usage(stdout);
			free(daemon.file);
			return 0;
		case VERSION:
			printf("earshotd " EAR_VERSION "\n");
			free(daemon.file);
			return 0;
		case CHECK_CONFIG:
		case DUMP_CONFIG:
			action = option;
			break;
		default:
			usage(stderr);
			free(daemon.file);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "earshotd: it takes no arguments, only options; -h helps\n");
		free(daemon.file);
		return EXIT_USAGE;
	}
	if (daemon.file == NULL)
		daemon.file = conf_find_file();
	code = run(&daemon, action);
	conf_free(daemon.conf);
	free(daemon.file);
	return code;
}
