/* SPDX-License-Identifier: ISC */
/* kernel.h: for tests: what rtnetlink would say. */
#ifndef TEST_KERNEL_H
#define TEST_KERNEL_H

#include <stddef.h>

#define KERNEL_LOWER_UP 0x10000 /* there is a carrier */

struct kernel {
	_Alignas(8) char bytes[4096];
	size_t length;
};

void kernel_clear(struct kernel *kernel);

/* Each appends a message. */
void kernel_link(struct kernel *kernel, int type, int index, const char *name, unsigned flags);
void kernel_address(struct kernel *kernel, int type, int index, const char *ip, unsigned flags);
void kernel_route(struct kernel *kernel, int type, int route_type, int protocol);
void kernel_done(struct kernel *kernel, int error);
void kernel_error(struct kernel *kernel, int error);

#endif
