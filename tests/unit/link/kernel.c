/* SPDX-License-Identifier: ISC */
/* kernel.c: writes rtnetlink messages. */
#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/link/kernel.h"

void
kernel_clear(struct kernel *kernel)
{
	memset(kernel, 0, sizeof(*kernel));
}

static void
append(struct kernel *kernel, const void *bytes, size_t length)
{
	if (kernel->length + NLMSG_ALIGN(length) > sizeof(kernel->bytes))
		abort();
	memcpy(kernel->bytes + kernel->length, bytes, length);
	kernel->length += NLMSG_ALIGN(length);
}

static struct nlmsghdr *
begin(struct kernel *kernel, int type, const void *body, size_t size)
{
	struct nlmsghdr *header = (struct nlmsghdr *)(kernel->bytes + kernel->length);
	struct nlmsghdr blank = { .nlmsg_type = (uint16_t)type };

	append(kernel, &blank, sizeof(blank));
	append(kernel, body, size);
	header->nlmsg_len = (uint32_t)(NLMSG_HDRLEN + size);
	return header;
}

static void
add(struct kernel *kernel, struct nlmsghdr *header, int type, const void *bytes, size_t size)
{
	struct rtattr attribute = { .rta_len = (unsigned short)RTA_LENGTH(size),
				    .rta_type = (unsigned short)type };

	append(kernel, &attribute, sizeof(attribute));
	append(kernel, bytes, size);
	header->nlmsg_len =
		(uint32_t)(NLMSG_ALIGN(header->nlmsg_len) + RTA_LENGTH(0) + RTA_ALIGN(size));
}

void
kernel_link(struct kernel *kernel, int type, int index, const char *name, unsigned flags)
{
	struct ifinfomsg body = { .ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = flags };
	struct nlmsghdr *header = begin(kernel, type, &body, sizeof(body));

	add(kernel, header, IFLA_IFNAME, name, strlen(name) + 1);
}

void
kernel_address(struct kernel *kernel, int type, int index, const char *ip, unsigned flags)
{
	unsigned char bytes[16];
	struct ifaddrmsg body = { .ifa_family = AF_INET, .ifa_index = (unsigned)index };
	struct nlmsghdr *header;
	uint32_t set = flags;

	if (inet_pton(AF_INET, ip, bytes) != 1) {
		body.ifa_family = AF_INET6;
		if (inet_pton(AF_INET6, ip, bytes) != 1)
			abort();
	}
	header = begin(kernel, type, &body, sizeof(body));
	add(kernel, header, body.ifa_family == AF_INET ? IFA_LOCAL : IFA_ADDRESS, bytes,
	    body.ifa_family == AF_INET ? 4 : 16);
	add(kernel, header, IFA_FLAGS, &set, sizeof(set));
}

void
kernel_route(struct kernel *kernel, int type, int route_type, int protocol)
{
	struct rtmsg body = { .rtm_family = AF_INET,
			      .rtm_table = RT_TABLE_MAIN,
			      .rtm_protocol = (unsigned char)protocol,
			      .rtm_type = (unsigned char)route_type };

	begin(kernel, type, &body, sizeof(body));
}

void
kernel_done(struct kernel *kernel, int error)
{
	begin(kernel, NLMSG_DONE, &error, sizeof(error));
}

void
kernel_error(struct kernel *kernel, int error)
{
	struct nlmsgerr body = { .error = error };

	begin(kernel, NLMSG_ERROR, &body, sizeof(body));
}
