/* SPDX-License-Identifier: ISC */
/* storage.c: the engine's store: which database it is in, as configuration says. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/alloc.h"
#include "core/storage.h"
#include "store/db.h"
#include "store/store.h"

#define FILE_NAME "pubsub.db"

static bool
is_kind(const struct conf *conf, const char *kind)
{
	return strcmp(conf->store_kind, kind) == 0;
}

static void
forget_secret(char **secret)
{
	if (*secret != NULL)
		OPENSSL_cleanse(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

static int
open_sqlite(struct ear *ear, struct event_base *base, const char *path, char *error, size_t size)
{
	struct db_config config = { .path = path };

	return store_new(base, ear->clock, &db_sqlite, &config, &ear->store, error, size);
}

static int
open_file(struct ear *ear, struct event_base *base, const char *dir, char *error, size_t size)
{
	char *path = ear->conf->store_path != NULL ? xstrdup(ear->conf->store_path)
						   : xasprintf("%s/" FILE_NAME, dir);
	int rc = open_sqlite(ear, base, path, error, size);

	free(path);
	return rc;
}

static int
open_postgres(struct ear *ear, struct event_base *base, char *error, size_t size)
{
	const struct conf *conf = ear->conf;
	struct db_config config = { .url = conf->store_url };
	int rc = 0;

	if (conf->store_secret_file != NULL)
		rc = conf_secret(conf->store_secret_file, &ear->store_secret);
	if (rc != 0) {
		snprintf(error, size, "store.secret-file: %s: %s", conf->store_secret_file,
			 strerror(-rc));
		return rc;
	}
	config.secret = ear->store_secret;
	return store_new(base, ear->clock, &db_postgres, &config, &ear->store, error, size);
}

int
storage_open(struct ear *ear, struct event_base *base, const char *dir, char *error, size_t size)
{
	if (is_kind(ear->conf, "none"))
		return 0;
	if (dir == NULL)
		return open_sqlite(ear, base, NULL, error, size);
	if (is_kind(ear->conf, "postgres"))
		return open_postgres(ear, base, error, size);
	return open_file(ear, base, dir, error, size);
}

bool
storage_has_secret(const struct ear *ear, const struct conf *conf)
{
	char *secret;
	bool same;

	if (!is_kind(conf, "postgres") || conf->store_secret_file == NULL)
		return true;
	if (conf_secret(conf->store_secret_file, &secret) != 0)
		return false;
	same = ear->store_secret != NULL && strcmp(ear->store_secret, secret) == 0;
	forget_secret(&secret);
	return same;
}

void
storage_release(struct ear *ear)
{
	store_free(ear->store);
	ear->store = NULL;
	forget_secret(&ear->store_secret);
}

struct ear_store *
ear_store(struct ear *ear)
{
	return ear->store;
}
