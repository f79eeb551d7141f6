/* SPDX-License-Identifier: ISC */
/* fake_kept.c: what extensions remember: in the test's hands, so that it can start another engine
 * with it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "fake_ear.h"

static struct fake_kept *
find(struct ear *ear, const char *key)
{
	for (size_t i = 0; i < FAKE_KEPT; i++)
		if (ear->kept[i].key != NULL && strcmp(ear->kept[i].key, key) == 0)
			return &ear->kept[i];
	return NULL;
}

static struct fake_kept *
find_free(struct ear *ear)
{
	for (size_t i = 0; i < FAKE_KEPT; i++)
		if (ear->kept[i].key == NULL)
			return &ear->kept[i];
	return NULL;
}

int
ear_keep(struct ear *ear, const char *key, const char *text)
{
	struct fake_kept *kept = find(ear, key);

	if (kept == NULL && text != NULL && ear->kept_full)
		return -ENOBUFS;
	if (kept == NULL && text != NULL) {
		kept = find_free(ear);
		assert_non_null(kept);
		kept->key = xstrdup(key);
	}
	if (kept == NULL)
		return 0;
	xreplace(&kept->text, text);
	if (text == NULL)
		xreplace(&kept->key, NULL);
	return 0;
}

const char *
ear_kept(struct ear *ear, const char *key)
{
	struct fake_kept *kept = find(ear, key);

	return kept == NULL ? NULL : kept->text;
}

void
ear_each_kept(struct ear *ear, const char *prefix, ear_kept_fn *fn, void *arg)
{
	for (size_t i = 0; i < FAKE_KEPT; i++)
		if (ear->kept[i].key != NULL &&
		    strncmp(ear->kept[i].key, prefix, strlen(prefix)) == 0)
			fn(arg, ear->kept[i].key, ear->kept[i].text);
}

void
fake_forget_kept(struct ear *ear)
{
	for (size_t i = 0; i < FAKE_KEPT; i++) {
		xreplace(&ear->kept[i].key, NULL);
		xreplace(&ear->kept[i].text, NULL);
	}
}
