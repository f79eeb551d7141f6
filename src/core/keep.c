/* SPDX-License-Identifier: ISC */
/* keep.c: what extensions remember across a restart, and how often that is written. */
#include <errno.h>
#include <string.h>

#include "core/core.h"
#include "core/keep.h"
#include "store/kept.h"

/* Whoever changes something again and again does not keep the disk, and us, busy. */
#define PAUSE (100 * EAR_MSEC)

static int
write_now(struct ear *ear)
{
	int error = kept_write(ear->kept);

	if (error != 0)
		ear_error("%s/" KEPT_FILE ": %s: what extensions remember is lost at a restart",
			  ear->conf->engine_state == NULL ? "?" : ear->conf->engine_state,
			  strerror(-error));
	return error;
}

static void
on_pause_over(void *arg)
{
	struct ear *ear = arg;

	if (!kept_is_changed(ear->kept))
		return;
	if (write_now(ear) == 0)
		ear_timer_set(&ear->keep_pause, PAUSE);
}

int
ear_keep(struct ear *ear, const char *key, const char *value)
{
	int error = kept_set(ear->kept, key, value);

	if (error != 0 || !kept_is_changed(ear->kept) || ear_timer_is_set(&ear->keep_pause))
		return error;
	error = write_now(ear);
	if (error == 0)
		ear_timer_set(&ear->keep_pause, PAUSE);
	return error;
}

const char *
ear_kept(struct ear *ear, const char *key)
{
	return kept_get(ear->kept, key);
}

void
ear_each_kept(struct ear *ear, const char *prefix, ear_kept_fn *fn, void *arg)
{
	kept_each(ear->kept, prefix, fn, arg);
}

int
keep_open(struct ear *ear, const char *dir, char *error, size_t size)
{
	struct kept *kept;
	int rc = 0;

	kept = kept_open(dir, &rc, error, size);
	if (kept == NULL)
		return rc;
	kept_close(ear->kept);
	ear->kept = kept;
	return 0;
}

void
keep_init(struct ear *ear)
{
	char error[16];
	int rc;

	ear->kept = kept_open(NULL, &rc, error, sizeof(error));
	ear_timer_init(&ear->keep_pause, ear->clock, on_pause_over, ear);
}

void
keep_release(struct ear *ear)
{
	ear_timer_stop(&ear->keep_pause);
	if (kept_is_changed(ear->kept))
		write_now(ear);
	kept_close(ear->kept);
}
