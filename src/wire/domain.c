/* SPDX-License-Identifier: ISC */
/* domain.c: the domain part of an address. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "wire/domain.h"
#include "wire/precis.h"

#define LABEL_MAX 63 /* bytes, RFC 1035 §2.3.4 */

/* Lower case of what a host name may hold; '_' as LAN machines have it. 0: not allowed. */
static char
plain(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 'a';
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.')
		return c;
	return 0;
}

static bool
has_only_digits(const char *text, size_t length)
{
	return strspn(text, "0123456789") >= length;
}

/* RFC 3986 §7.4: what ends in a number is an IPv4 address or nothing. */
static int
check_number(const char *name, const char *last, size_t last_length)
{
	struct in_addr address;

	if (!has_only_digits(last, last_length))
		return 0;
	return inet_pton(AF_INET, name, &address) == 1 ? 0 : -EINVAL;
}

/*
 * Labels of a NUL-ended name: none empty, none too long, no hyphen at an edge (RFC 5891 §4.2.3.1).
 * A U-label is held to the limit of an A-label although its own bytes are not what DNS counts.
 */
static int
check_labels(const char *name)
{
	const char *label = name;

	for (;;) {
		size_t n = strcspn(label, ".");

		if (n == 0 || n > LABEL_MAX || label[0] == '-' || label[n - 1] == '-')
			return -EINVAL;
		if (label[n] == '\0')
			return check_number(name, label, n);
		label += n + 1;
	}
}

/* "[2001:db8::1]", RFC 3986 §3.2.2; without a zone, which means nothing to anybody else. */
static int
prep_ipv6(const char *text, size_t length, char *out)
{
	char literal[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (length < 4 || length - 2 >= sizeof(literal) || text[length - 1] != ']')
		return -EINVAL;
	memcpy(literal, text + 1, length - 2);
	literal[length - 2] = '\0';
	if (strlen(literal) != length - 2 || inet_pton(AF_INET6, literal, &address) != 1)
		return -EINVAL;
	out[0] = '[';
	inet_ntop(AF_INET6, &address, out + 1, INET6_ADDRSTRLEN);
	memcpy(out + strlen(out), "]", sizeof("]"));
	return 0;
}

int
domain_prep(const char *text, size_t length, char *out)
{
	size_t i = 0;

	if (length > 0 && text[0] == '[')
		return prep_ipv6(text, length, out);
	if (length >= PRECIS_SIZE)
		return -ENAMETOOLONG;
	if (length > 1 && text[length - 1] == '.')
		length--;
	for (; i < length && (text[i] & 0x80) == 0; i++) {
		out[i] = plain(text[i]);
		if (out[i] == 0)
			return -EINVAL;
	}
	if (i < length) {
		int error = precis_domain(text, length, out);

		if (error != 0)
			return error;
	} else {
		out[i] = '\0';
	}
	return check_labels(out);
}
