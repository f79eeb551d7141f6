/* SPDX-License-Identifier: ISC */
/* fuzz_conf.c: any text as a configuration file; what parses must come back from its dump. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
dumped(const struct conf *conf)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	conf_dump(conf, out);
	fclose(out);
	return text;
}

static void
dump_and_back(const struct conf *conf)
{
	char error[CONF_ERROR_SIZE], *first = dumped(conf), *second;
	struct conf *again = conf_new();

	if (conf_parse(again, first, "dump", error, sizeof(error)) != 0)
		abort();
	second = dumped(again);
	if (strcmp(first, second) != 0)
		abort();
	free(first);
	free(second);
	conf_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[CONF_ERROR_SIZE], *text = xstrndup((const char *)data, size);
	struct conf *conf = conf_new();

	if (conf_parse(conf, text, "fuzz", error, sizeof(error)) == 0) {
		dump_and_back(conf);
		conf_check(conf, error, sizeof(error));
	} else if (strncmp(error, "fuzz:", 5) != 0) {
		abort();
	}
	conf_free(conf);
	free(text);
	return 0;
}
