/* SPDX-License-Identifier: ISC */
/* fuzz_url.c: whatever is asked for, what is playable has no option, control or other way in it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <earshot/player.h>

#include "player/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const char *url)
{
	if (strlen(url) >= EAR_URL_MAX || strpbrk(url, " |\\\"<>\n\r\t\x7f") != NULL)
		abort();
	if (strncasecmp(url, "file:", 5) == 0 &&
	    (strncmp(url + 5, "///", 3) != 0 || strstr(url, "/../") != NULL ||
	     strncmp(url + 7, "/dev/", 5) == 0 || strncmp(url + 7, "/proc/", 6) == 0 ||
	     strcasestr(url, "%00") != NULL))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *url = malloc(size + 1);

	memcpy(url, data, size);
	url[size] = '\0';
	if (player_url_is_playable(url))
		check(url);
	free(url);
	return 0;
}
