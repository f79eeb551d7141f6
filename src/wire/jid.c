/* SPDX-License-Identifier: ISC */
/* jid.c: XMPP addresses, RFC 7622: taken apart, made canonical, compared. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <unistr.h>

#include <earshot/jid.h>

#include "wire/domain.h"
#include "wire/precis.h"

_Static_assert(PRECIS_SIZE == EAR_JID_PART_MAX + 1, "a prepared part and its NUL");

/* An address in canonical form, part by part; "" where absent. */
struct canonical {
	char local[PRECIS_SIZE], domain[PRECIS_SIZE], resource[PRECIS_SIZE];
};

/* RFC 7622 §3.1: the first slash ends the address proper, the first '@' before it the local part.
 */
static void
split(const char *text, struct ear_jid *jid)
{
	size_t bare = strcspn(text, "/");
	const char *at = memchr(text, '@', bare);

	*jid = (struct ear_jid){ .domain = text, .domain_len = bare };
	if (at != NULL) {
		jid->local = text;
		jid->local_len = at - text;
		jid->domain = at + 1;
		jid->domain_len = bare - jid->local_len - 1;
	}
	if (text[bare] == '/') {
		jid->resource = text + bare + 1;
		jid->resource_len = strlen(jid->resource);
	}
}

static int
check_lengths(const struct ear_jid *jid)
{
	if (jid->domain_len == 0 || (jid->local != NULL && jid->local_len == 0) ||
	    (jid->resource != NULL && jid->resource_len == 0))
		return -EINVAL;
	if (jid->local_len > EAR_JID_PART_MAX || jid->domain_len > EAR_JID_PART_MAX ||
	    jid->resource_len > EAR_JID_PART_MAX)
		return -ENAMETOOLONG;
	return 0;
}

/* What a local part may not have (RFC 7622 §3.3.1); an '@' would have ended it. */
#define BIT(c) (UINT64_C(1) << (c))
#define NOT_LOCAL                                                                                  \
	(BIT(' ') | BIT('"') | BIT('&') | BIT('\'') | BIT('/') | BIT(':') | BIT('<') | BIT('>'))

/*
 * A part in plain ASCII, lower-cased if asked: the way of nearly every address. Whether that was
 * enough; forbidden holds what else of the first 64 characters the part may not have.
 */
static bool
prep_ascii(const char *text, size_t length, char *out, bool lower, uint64_t forbidden)
{
	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c < 0x20 || c > 0x7e || (c < 64 && (forbidden >> c & 1) != 0))
			return false;
		out[i] = lower && c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
	}
	out[length] = '\0';
	return true;
}

/* What the fast way does not like goes to PRECIS, which names the error. */
static int
prep_local(const struct ear_jid *jid, char *out)
{
	out[0] = '\0';
	if (jid->local == NULL || prep_ascii(jid->local, jid->local_len, out, true, NOT_LOCAL))
		return 0;
	return precis_username(jid->local, jid->local_len, out);
}

static int
prep_resource(const struct ear_jid *jid, char *out)
{
	out[0] = '\0';
	if (jid->resource == NULL || prep_ascii(jid->resource, jid->resource_len, out, false, 0))
		return 0;
	return precis_opaque(jid->resource, jid->resource_len, out);
}

static int
prep_bare(const struct ear_jid *jid, struct canonical *canonical)
{
	int error = prep_local(jid, canonical->local);

	canonical->resource[0] = '\0';
	return error != 0 ? error : domain_prep(jid->domain, jid->domain_len, canonical->domain);
}

static int
prep(const char *text, struct canonical *canonical)
{
	struct ear_jid jid;
	int error = ear_jid_parse(text, &jid);

	if (error == 0)
		error = prep_bare(&jid, canonical);
	return error != 0 ? error : prep_resource(&jid, canonical->resource);
}

static char *
put(char *at, const char *text, size_t length)
{
	memcpy(at, text, length);
	return at + length;
}

/* The parts with their separators, if they fit. */
static int
join(const struct canonical *canonical, char *out, size_t size)
{
	size_t local = strlen(canonical->local), domain = strlen(canonical->domain),
	       resource = strlen(canonical->resource);

	if (local + (local > 0) + domain + (resource > 0) + resource >= size)
		return -ENOSPC;
	if (local > 0) {
		out = put(out, canonical->local, local);
		*out++ = '@';
	}
	out = put(out, canonical->domain, domain);
	if (resource > 0) {
		*out++ = '/';
		out = put(out, canonical->resource, resource);
	}
	*out = '\0';
	return 0;
}

int
ear_jid_parse(const char *text, struct ear_jid *jid)
{
	int error;

	split(text, jid);
	error = check_lengths(jid);
	if (error != 0)
		return error;
	return u8_check((const uint8_t *)text, strlen(text)) == NULL ? 0 : -EINVAL;
}

int
ear_jid_prep(const char *text, char *out, size_t size)
{
	struct canonical canonical;
	int error = prep(text, &canonical);

	return error != 0 ? error : join(&canonical, out, size);
}

int
ear_jid_bare(const char *text, char *out, size_t size)
{
	struct canonical canonical;
	int error = prep(text, &canonical);

	canonical.resource[0] = '\0';
	return error != 0 ? error : join(&canonical, out, size);
}

const char *
ear_jid_resource(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : NULL;
}

bool
ear_jid_equal(const char *a, const char *b)
{
	struct canonical one, two;

	return prep(a, &one) == 0 && prep(b, &two) == 0 &&
	       strcmp(one.resource, two.resource) == 0 && strcmp(one.local, two.local) == 0 &&
	       strcmp(one.domain, two.domain) == 0;
}

bool
ear_jid_bare_equal(const char *a, const char *b)
{
	struct canonical one, two;

	return prep(a, &one) == 0 && prep(b, &two) == 0 && strcmp(one.local, two.local) == 0 &&
	       strcmp(one.domain, two.domain) == 0;
}

bool
ear_jid_is_lan(const char *text)
{
	struct canonical canonical;

	return prep(text, &canonical) == 0 && ear_jid_bare_is_lan(canonical.domain);
}

bool
ear_jid_bare_is_lan(const char *bare)
{
	static const char suffix[] = ".local";
	size_t n = strlen(bare);

	return n > strlen(suffix) && strcmp(bare + n - strlen(suffix), suffix) == 0;
}
