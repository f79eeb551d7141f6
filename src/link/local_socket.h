/* SPDX-License-Identifier: ISC */
/* local_socket.h: the Unix socket of the daemon in the file system, and who is at its other end. */
#ifndef LINK_LOCAL_SOCKET_H
#define LINK_LOCAL_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

/* The file that was made, so that no other one is removed. */
struct local_socket {
	char *path;
	dev_t device;
	ino_t inode;
};

/*
 * Makes the socket and listens: 0660 and of that group, or 0600 without one. A descriptor, or
 * -errno: -EADDRINUSE: a living daemon is there; -EEXIST: something that is no socket is;
 * -ENOENT: no such group; -ENAMETOOLONG.
 */
int local_socket_open(struct local_socket *at, const char *path, const char *group);

/* Removes it if it is still ours. */
void local_socket_remove(struct local_socket *at);

/* Whether the kernel says that owner, root, or a member of the group (may be NULL) connected; *uid
 * who it is. */
bool local_socket_may(int fd, const char *group, uid_t *uid);

#endif
