/* SPDX-License-Identifier: ISC */
/* local_socket.c: the Unix socket of the daemon in the file system. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "link/local_socket.h"

#define BACKLOG    64
#define GROUPS_MAX 65536 /* NGROUPS_MAX of Linux */

static int
find_group(const char *name, gid_t *gid)
{
	struct group *group = getgrnam(name);

	if (group == NULL)
		return -ENOENT;
	*gid = group->gr_gid;
	return 0;
}

static int
fill(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return copy_text(address->sun_path, sizeof(address->sun_path), path) == 0 ? 0
										  : -ENAMETOOLONG;
}

/* The directory, one level: what is above is the operator's. */
static int
make_directory(const char *path)
{
	char *parent = xstrdup(path), *slash = strrchr(parent, '/');
	int rc = 0;

	if (slash != NULL && slash != parent) {
		*slash = '\0';
		if (mkdir(parent, 0755) != 0 && errno != EEXIST)
			rc = -errno;
	}
	free(parent);
	return rc;
}

/* Whether the path may be taken: nothing is there, or a socket that nobody answers at. */
static int
check_free(const char *path)
{
	struct sockaddr_un address;
	struct stat st;
	int fd, rc;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	rc = fill(&address, path);
	if (rc != 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	rc = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
	close(fd);
	return rc == ECONNREFUSED || rc == ENOENT ? 0 : -EADDRINUSE;
}

/*
 * Under another name first, where nobody can connect before it listens; with its mode and owner it
 * then takes the place of what a dead daemon left. No umask is needed for that.
 */
static int
bind_and_rename(int fd, const char *path, mode_t mode, gid_t gid)
{
	char *other = xasprintf("%s.%ld", path, (long)getpid());
	struct sockaddr_un address;
	int rc = fill(&address, other);

	if (rc != 0)
		goto out;
	unlink(other);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		rc = -errno;
		goto out;
	}
	if ((gid != (gid_t)-1 && chown(other, (uid_t)-1, gid) != 0) || chmod(other, mode) != 0 ||
	    listen(fd, BACKLOG) != 0 || rename(other, path) != 0) {
		rc = -errno;
		unlink(other);
	}
out:
	free(other);
	return rc;
}

int
local_socket_open(struct local_socket *at, const char *path, const char *group)
{
	gid_t gid = (gid_t)-1;
	struct stat st;
	int rc, fd;

	if (group != NULL && (rc = find_group(group, &gid)) != 0)
		return rc;
	if ((rc = make_directory(path)) != 0 || (rc = check_free(path)) != 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	rc = bind_and_rename(fd, path, group != NULL ? 0660 : 0600, gid);
	if (rc == 0 && lstat(path, &st) != 0)
		rc = -errno;
	if (rc != 0) {
		close(fd);
		return rc;
	}
	*at = (struct local_socket){
		.path = xstrdup(path),
		.device = st.st_dev,
		.inode = st.st_ino,
	};
	return fd;
}

void
local_socket_remove(struct local_socket *at)
{
	struct stat st;

	if (at->path != NULL && lstat(at->path, &st) == 0 && st.st_dev == at->device &&
	    st.st_ino == at->inode)
		unlink(at->path);
	free(at->path);
	at->path = NULL;
}

static bool
has_group(int fd, gid_t primary, gid_t wanted)
{
	gid_t *groups;
	socklen_t size = 0;
	bool found = primary == wanted;

	if (found || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 ||
	    errno != ERANGE || size > GROUPS_MAX * sizeof(*groups))
		return found;
	groups = xalloc(size);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
		for (size_t i = 0; i < size / sizeof(*groups) && !found; i++)
			found = groups[i] == wanted;
	free(groups);
	return found;
}

bool
local_socket_may(int fd, const char *group, uid_t *uid)
{
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(who);
	gid_t gid;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
		return false;
	*uid = who.uid;
	if (who.uid == 0 || who.uid == geteuid())
		return true;
	return group != NULL && find_group(group, &gid) == 0 && has_group(fd, who.gid, gid);
}
