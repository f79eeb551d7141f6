/* SPDX-License-Identifier: ISC */
/* earshotd.c: the daemon: its options, signals, and an engine as the configuration wants it. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "base/conf.h"
#include "base/timer.h"
#include "core/engine.h"
#include "descriptors.h"
#include "notify.h"
#include "registry.h"

#define EXIT_USAGE      2
#define EXIT_CONFIG     3
#define GOODBYE_SECONDS 1

enum { CHECK_CONFIG = 256, DUMP_CONFIG, VERSION };

struct daemon {
	struct event_base *base;
	struct ear_clock *clock;
	struct conf *conf;
	struct ear *ear;
	char *file; /* NULL: none, the defaults */
	struct event *signals[3];
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

static char *
dumped(const struct conf *conf)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		abort();
	conf_dump(conf, out);
	fclose(out);
	return text;
}

static bool
is_same(const struct conf *a, const struct conf *b)
{
	char *first = dumped(a), *second = dumped(b);
	bool same = strcmp(first, second) == 0;

	free(first);
	free(second);
	return same;
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
	if (daemon->ear != NULL)
		return 0;
	ear_error("%s", error);
	return -EIO;
}

static void
stop(struct daemon *daemon)
{
	engine_free(daemon->ear);
	daemon->ear = NULL;
}

static void
notify_reloading(void)
{
	struct timespec now;
	char text[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	notify(text);
}

/*
 * Another engine by the new configuration; by the old one where that does not start. Every option
 * may have changed, and an engine that is made anew is the same that a restart would have made.
 * With the same options only the secret may be another: then, too, the server is to be told.
 */
static void
replace(struct daemon *daemon, struct conf *fresh)
{
	struct conf *old = daemon->conf;

	stop(daemon);
	daemon->conf = fresh;
	if (start(daemon) == 0) {
		conf_free(old);
		ear_info("configuration read again");
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
	if (is_same(fresh, daemon->conf) && fresh->server_kind == CONF_SERVER_NONE) {
		ear_info("configuration read again: nothing changed");
		conf_free(fresh);
		return;
	}
	replace(daemon, fresh);
}

static void
on_reload(evutil_socket_t number, short what, void *arg)
{
	notify_reloading();
	reload(arg);
	notify("READY=1");
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

	notify("STOPPING=1");
	stop(daemon);
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
	if (start(daemon) == 0) {
		notify("READY=1");
		event_base_dispatch(daemon->base);
	} else {
		daemon->code = EXIT_CONFIG;
	}
	finish(daemon);
	return daemon->code;
}

static int
run(struct daemon *daemon, int action)
{
	daemon->conf = load(daemon->file);
	if (daemon->conf == NULL)
		return EXIT_CONFIG;
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
	while ((option = getopt_long(argc, argv, "c:fvh", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			xreplace(&daemon.file, optarg);
			break;
		case 'f':
			break;
		case 'v':
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
