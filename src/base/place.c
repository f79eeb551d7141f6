/* SPDX-License-Identifier: ISC */
/* place.c: the list of places where a peer can be dialled, as text. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/place.h"

#define BLANKS " \t"

static int
take_port(const char *text, const char *end, unsigned *port)
{
	unsigned long value = 0;

	if (text == end || end - text > 5)
		return -EINVAL;
	for (; text < end; text++) {
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		value = value * 10 + (unsigned long)(*text - '0');
	}
	if (value == 0 || value > 65535)
		return -EINVAL;
	*port = (unsigned)value;
	return 0;
}

/* RFC 4007 §11: an interface behind a '%'. */
static bool
is_ipv6(const char *host)
{
	char address[INET6_ADDRSTRLEN];
	size_t length = strcspn(host, "%");
	struct in6_addr six;

	if (length >= sizeof(address) || strchr(host, ':') == NULL)
		return false;
	if (host[length] == '%' && (host[length + 1] == '\0' || strlen(host + length) > 16))
		return false;
	memcpy(address, host, length);
	address[length] = '\0';
	return inet_pton(AF_INET6, address, &six) == 1;
}

/* RFC 1123 §2.1: what ends in a number is an address, so that a mistyped one is no name. */
static bool
is_name(const char *host)
{
	const char *last = strrchr(host, '.');

	for (const char *p = host; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("-._", *p) == NULL)
			return false;
	last = last == NULL ? host : last + 1;
	return isalnum((unsigned char)host[0]) && last[strspn(last, "0123456789")] != '\0';
}

static int
take_host(const char *text, size_t length, struct place *place)
{
	struct in_addr four;

	if (length == 0 || length >= sizeof(place->host))
		return -EINVAL;
	memcpy(place->host, text, length);
	place->host[length] = '\0';
	place->numeric = is_ipv6(place->host) || inet_pton(AF_INET, place->host, &four) == 1;
	return place->numeric || is_name(place->host) ? 0 : -EINVAL;
}

/* "[address]:port" or "[address]"; text is behind the '['. */
static int
take_bracketed(const char *text, const char *end, struct place *place)
{
	const char *close = memchr(text, ']', (size_t)(end - text));

	if (close == NULL || take_host(text, (size_t)(close - text), place) != 0 ||
	    !is_ipv6(place->host))
		return -EINVAL;
	if (close + 1 == end)
		return 0;
	return close[1] == ':' ? take_port(close + 2, end, &place->port) : -EINVAL;
}

static int
take(const char *text, const char *end, struct place *place)
{
	const char *colon = memchr(text, ':', (size_t)(end - text));
	bool only = colon != NULL && memchr(colon + 1, ':', (size_t)(end - colon - 1)) == NULL;

	*place = (struct place){ .port = 0 };
	if (text < end && *text == '[')
		return take_bracketed(text + 1, end, place);
	if (!only)
		return take_host(text, (size_t)(end - text), place);
	if (take_host(text, (size_t)(colon - text), place) != 0)
		return -EINVAL;
	return take_port(colon + 1, end, &place->port);
}

int
place_next(const char **at, struct place *place)
{
	const char *text = *at + strspn(*at, BLANKS), *end = text + strcspn(text, ",");
	int error;

	if (*text == '\0')
		return 0;
	*at = *end == ',' ? end + 1 : end;
	/* A comma promises another one. */
	if (*end == ',' && (*at)[strspn(*at, BLANKS)] == '\0')
		return -EINVAL;
	while (end > text && strchr(BLANKS, end[-1]) != NULL)
		end--;
	error = take(text, end, place);
	return error == 0 ? 1 : error;
}

bool
places_are_valid(const char *list)
{
	struct place place;
	int n = 0, more;

	while ((more = place_next(&list, &place)) == 1)
		n++;
	return more == 0 && n > 0 && n <= PLACES_MAX;
}
