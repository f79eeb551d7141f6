/* SPDX-License-Identifier: ISC */
/* kernel.h: for tests: what rtnetlink would say. */
#ifndef TEST_KERNEL_H
#define TEST_KERNEL_H

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define KERNEL_LOWER_UP 0x10000 /* there is a carrier */

struct kernel {
	_Alignas(8) char bytes[4096];
	size_t length;
};

static inline void
kernel_clear(struct kernel *kernel)
{
	memset(kernel, 0, sizeof(*kernel));
}

static inline void
kernel_append(struct kernel *kernel, const void *bytes, size_t length)
{
	if (kernel->length + NLMSG_ALIGN(length) > sizeof(kernel->bytes))
		abort();
	memcpy(kernel->bytes + kernel->length, bytes, length);
	kernel->length += NLMSG_ALIGN(length);
}

static inline struct nlmsghdr *
kernel_begin(struct kernel *kernel, int type, const void *body, size_t size)
{
	struct nlmsghdr *header = (struct nlmsghdr *)(kernel->bytes + kernel->length);
	struct nlmsghdr blank = { .nlmsg_type = (uint16_t)type };

	kernel_append(kernel, &blank, sizeof(blank));
	kernel_append(kernel, body, size);
	header->nlmsg_len = (uint32_t)(NLMSG_HDRLEN + size);
	return header;
}

static inline void
kernel_add(struct kernel *kernel, struct nlmsghdr *header, int type, const void *bytes, size_t size)
{
	struct rtattr attribute = { .rta_len = (unsigned short)RTA_LENGTH(size),
				    .rta_type = (unsigned short)type };

	kernel_append(kernel, &attribute, sizeof(attribute));
	kernel_append(kernel, bytes, size);
	header->nlmsg_len =
		(uint32_t)(NLMSG_ALIGN(header->nlmsg_len) + RTA_LENGTH(0) + RTA_ALIGN(size));
}

/* Each of these appends a message. */
static inline void
kernel_link(struct kernel *kernel, int type, int index, const char *name, unsigned flags)
{
	struct ifinfomsg body = { .ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = flags };
	struct nlmsghdr *header = kernel_begin(kernel, type, &body, sizeof(body));

	kernel_add(kernel, header, IFLA_IFNAME, name, strlen(name) + 1);
}

static inline void
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
	header = kernel_begin(kernel, type, &body, sizeof(body));
	kernel_add(kernel, header, body.ifa_family == AF_INET ? IFA_LOCAL : IFA_ADDRESS, bytes,
		   body.ifa_family == AF_INET ? 4 : 16);
	kernel_add(kernel, header, IFA_FLAGS, &set, sizeof(set));
}

static inline void
kernel_route(struct kernel *kernel, int type, int route_type, int protocol)
{
	struct rtmsg body = { .rtm_family = AF_INET,
			      .rtm_table = RT_TABLE_MAIN,
			      .rtm_protocol = (unsigned char)protocol,
			      .rtm_type = (unsigned char)route_type };

	kernel_begin(kernel, type, &body, sizeof(body));
}

static inline void
kernel_done(struct kernel *kernel, int error)
{
	kernel_begin(kernel, NLMSG_DONE, &error, sizeof(error));
}

static inline void
kernel_error(struct kernel *kernel, int error)
{
	struct nlmsgerr body = { .error = error };

	kernel_begin(kernel, NLMSG_ERROR, &body, sizeof(body));
}

#endif
