/* SPDX-License-Identifier: ISC */
/* endpoint.h: a numeric address with a port, as a configuration writes it. */
#ifndef BASE_ENDPOINT_H
#define BASE_ENDPOINT_H

#include <stdbool.h>
#include <sys/socket.h>

/* "127.0.0.1:9298", "[::1]:9298" (RFC 3986 §3.2.2), port 0 to 65535. 0 or -EINVAL. */
int endpoint_parse(const char *text, struct sockaddr_storage *address, socklen_t *length);

/* Whether only this machine reaches it. */
bool endpoint_is_loopback(const struct sockaddr_storage *address);

#endif
