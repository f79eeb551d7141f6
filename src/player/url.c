/* SPDX-License-Identifier: ISC */
/* url.c: which URLs a remote sender may have a player open. */
#include <string.h>
#include <strings.h>

#include <earshot/player.h>
#include <unistr.h>

#include "base/hex.h"
#include "player/url.h"

enum rule {
	RULE_HOST,
	RULE_HOST_ONLY, /* and no query */
	RULE_FILE,
};

static const struct {
	const char *scheme;
	enum rule rule;
} schemes[] = {
	{ "http", RULE_HOST }, { "https", RULE_HOST },    { "ftp", RULE_HOST },
	{ "ftps", RULE_HOST }, { "rtsp", RULE_HOST },     { "rtsps", RULE_HOST },
	{ "rtmp", RULE_HOST }, { "rtmps", RULE_HOST },    { "mms", RULE_HOST },
	{ "mmsh", RULE_HOST }, { "udp", RULE_HOST_ONLY }, { "rtp", RULE_HOST_ONLY },
	{ "file", RULE_FILE },
};

/* Directories of what is no file. */
static const char *const closed[] = { "dev", "proc", "sys", "run", "var/run" };
static const char *const open_again[] = { "run/media", "var/run/media" };

/* Visible, and in none of RFC 3986's left-over characters: one of them splits an option off. */
static bool
is_plain(const char *url)
{
	const unsigned char *c = (const unsigned char *)url;

	for (; *c != '\0'; c++)
		if (*c <= ' ' || *c == 0x7f || strchr("\"<>\\^`{|}", *c) != NULL)
			return false;
	return u8_check((const uint8_t *)url, strlen(url)) == NULL;
}

/* RFC 3986 section 2.1. false: it holds a control, a NUL even, or no hexadecimal digits. */
static bool
decode(const char *in, char *out)
{
	for (; *in != '\0'; in++) {
		int c = (unsigned char)*in;

		if (c == '%') {
			int high = hex_digit(in[1]), low = high < 0 ? -1 : hex_digit(in[2]);

			if (low < 0)
				return false;
			c = high << 4 | low;
			in += 2;
		}
		if (c < ' ' || c == 0x7f)
			return false;
		*out++ = (char)c;
	}
	*out = '\0';
	return true;
}

/* Whether path begins with these whole names. */
static bool
is_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return strncmp(path, dir, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* No empty name and no dots either: each path is written in one way. */
static bool
is_canonical(const char *path)
{
	while (*path != '\0') {
		size_t length = strcspn(path, "/");

		if (length == 0 || strncmp(path, ".", length) == 0 ||
		    strncmp(path, "..", length) == 0)
			return false;
		path += length;
		path += *path == '/';
	}
	return true;
}

/* path: what follows the slash of the root, still encoded. */
static bool
is_playable_file(const char *path)
{
	char plain[EAR_URL_MAX];

	if (*path == '\0' || !decode(path, plain) || !is_canonical(plain))
		return false;
	for (size_t i = 0; i < sizeof(open_again) / sizeof(open_again[0]); i++)
		if (is_below(plain, open_again[i]))
			return true;
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		if (is_below(plain, closed[i]))
			return false;
	return true;
}

static bool
follows(enum rule rule, const char *rest)
{
	switch (rule) {
	case RULE_FILE:
		return *rest == '/' && is_playable_file(rest + 1);
	case RULE_HOST_ONLY:
		return strcspn(rest, "/?#") > 0 && strchr(rest, '?') == NULL;
	case RULE_HOST:
		return strcspn(rest, "/?#") > 0;
	}
	return false;
}

bool
player_url_is_playable(const char *url)
{
	size_t length = strcspn(url, ":");

	if (strnlen(url, EAR_URL_MAX) == EAR_URL_MAX || !is_plain(url) ||
	    strncmp(url + length, "://", 3) != 0)
		return false;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strlen(schemes[i].scheme) == length &&
		    strncasecmp(schemes[i].scheme, url, length) == 0)
			return follows(schemes[i].rule, url + length + 3);
	return false;
}
