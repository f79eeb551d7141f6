/* SPDX-License-Identifier: ISC */
/* fake_trust.c: what <earshot/trust.h> says of published keys, without an engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_ear.h"

const struct ear_key *
ear_own_key(struct ear *ear)
{
	return &ear->trust.own_key;
}

const char *
ear_device_name(struct ear *ear)
{
	return ear->trust.device_name;
}

void
ear_set_fetcher(struct ear *ear, ear_fetch_devices_fn *fn, void *arg)
{
	ear->trust.fetch = fn;
	ear->trust.fetch_arg = arg;
}

void
ear_devices_told(struct ear *ear, const char *bare, int error, const struct ear_device *devices,
		 size_t count)
{
	struct fake_trust *trust = &ear->trust;

	assert_true(count <= EAR_DEVICES_MAX);
	trust->tells++;
	snprintf(trust->told, sizeof(trust->told), "%s", bare);
	trust->told_error = error;
	trust->device_count = count;
	for (size_t i = 0; i < count; i++) {
		assert_non_null(devices[i].name);
		trust->devices[i].key = devices[i].key;
	}
}

void
ear_devices_changed(struct ear *ear, const char *bare)
{
	ear->trust.changes++;
	snprintf(ear->trust.changed, sizeof(ear->trust.changed), "%s", bare);
}

void
ear_each_pin(struct ear *ear, ear_pin_fn *fn, void *arg)
{
	for (size_t i = 0; i < ear->trust.pin_count; i++)
		fn(arg, &ear->trust.pins[i]);
}
