/* SPDX-License-Identifier: ISC */
/* addresses_item.c: an <addresses/>, read with distrust and written. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "addresses.h"

/* RFC 6890: what means another host, or none, elsewhere. Private addresses are what this is for. */
static bool
is_tellable4(uint32_t ip)
{
	unsigned first = ip >> 24;

	return first != 0 && first != 127 && ip >> 16 != 0xa9fe && first < 224;
}

static bool
is_tellable6(const struct in6_addr *ip)
{
	return !IN6_IS_ADDR_UNSPECIFIED(ip) && !IN6_IS_ADDR_LOOPBACK(ip) &&
	       !IN6_IS_ADDR_LINKLOCAL(ip) && !IN6_IS_ADDR_MULTICAST(ip) &&
	       !IN6_IS_ADDR_V4MAPPED(ip) && !IN6_IS_ADDR_V4COMPAT(ip);
}

static int
read_ip(const char *text, char out[ADDRESSES_IP_SIZE])
{
	struct in_addr four;
	struct in6_addr six;

	if (inet_pton(AF_INET, text, &four) == 1)
		return is_tellable4(ntohl(four.s_addr)) &&
				       inet_ntop(AF_INET, &four, out, ADDRESSES_IP_SIZE) != NULL
			       ? 0
			       : -EBADMSG;
	if (inet_pton(AF_INET6, text, &six) != 1 || !is_tellable6(&six))
		return -EBADMSG;
	return inet_ntop(AF_INET6, &six, out, ADDRESSES_IP_SIZE) != NULL ? 0 : -EBADMSG;
}

void
addresses_add(struct addresses *addresses, const char *ip)
{
	if (addresses->count < EAR_TOLD_MAX && read_ip(ip, addresses->ip[addresses->count]) == 0)
		addresses->count++;
}

/* Digits only; the limits included. */
static int
read_number(const char *text, unsigned min, unsigned max, unsigned *out)
{
	unsigned value = 0;

	if (text == NULL || *text == '\0' || strlen(text) > 9 ||
	    text[strspn(text, "0123456789")] != '\0')
		return -EBADMSG;
	for (; *text != '\0'; text++)
		value = value * 10 + (unsigned)(*text - '0');
	*out = value;
	return value >= min && value <= max ? 0 : -EBADMSG;
}

static int
read_name(const char *text, char out[ADDRESSES_NAME_SIZE])
{
	char instance[EAR_INSTANCE_MAX + 1];

	if (text == NULL || ear_jid_resource(text) != NULL ||
	    ear_jid_prep(text, out, ADDRESSES_NAME_SIZE) != 0 || !ear_jid_is_lan(out))
		return -EBADMSG;
	return ear_jid_to_instance(out, instance, sizeof(instance)) == 0 ? 0 : -EBADMSG;
}

static int
read_ips(xmpp_stanza_t *element, struct addresses *out)
{
	for (xmpp_stanza_t *e = ear_first(element); e != NULL; e = ear_next(e)) {
		const char *text = ear_text(e);

		/* Others may say more about themselves one day. */
		if (!ear_is(e, "ip", EAR_NS_ADDRESSES))
			continue;
		if (out->count == EAR_TOLD_MAX || text == NULL ||
		    read_ip(text, out->ip[out->count]) != 0)
			return -EBADMSG;
		out->count++;
	}
	return 0;
}

int
addresses_read(xmpp_stanza_t *element, struct addresses *out)
{
	const char *key = xmpp_stanza_get_attribute(element, "key");
	const char *port = xmpp_stanza_get_attribute(element, "port");

	*out = (struct addresses){ .port = 0 };
	if (!ear_is(element, "addresses", EAR_NS_ADDRESSES) || key == NULL ||
	    ear_key_parse(key, &out->key) != 0 ||
	    read_name(xmpp_stanza_get_attribute(element, "address"), out->address) != 0 ||
	    read_number(xmpp_stanza_get_attribute(element, "life"), 1, ADDRESSES_LIFE_MAX,
			&out->life) != 0)
		return -EBADMSG;
	if (port != NULL && read_number(port, 1, 65535, &out->port) != 0)
		return -EBADMSG;
	if (read_ips(element, out) != 0)
		return -EBADMSG;
	return out->count == 0 || out->port != 0 ? 0 : -EBADMSG;
}

xmpp_stanza_t *
addresses_new(xmpp_ctx_t *ctx, const struct addresses *addresses)
{
	xmpp_stanza_t *element = ear_element(ctx, "addresses", EAR_NS_ADDRESSES);
	char key[EAR_KEY_SIZE];

	ear_key_format(&addresses->key, key);
	ear_set(element, "address", "%s", addresses->address);
	if (addresses->count > 0)
		ear_set(element, "port", "%u", addresses->port);
	ear_set(element, "key", "%s", key);
	ear_set(element, "life", "%u", addresses->life);
	for (size_t i = 0; i < addresses->count; i++)
		ear_child_text(element, "ip", EAR_NS_ADDRESSES, addresses->ip[i]);
	return element;
}
