/* SPDX-License-Identifier: ISC */
/* faults.c: in place of some of the system calls of SQLite's own layer over files. */
#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"

static struct {
	enum fault fault;
	size_t wait, left, done;
	bool is_there;
} disk;

static bool
is_now(enum fault one, enum fault other)
{
	if (disk.fault != one && disk.fault != other)
		return false;
	if (disk.wait > 0) {
		disk.wait--;
		return false;
	}
	if (disk.left == 0)
		return false;
	disk.left--;
	disk.done++;
	return true;
}

static ssize_t
fail(int error)
{
	errno = error;
	return -1;
}

static ssize_t
on_pread(int fd, void *to, size_t size, off_t at)
{
	ssize_t got;

	if (!is_now(FAULT_READ, FAULT_JUNK))
		return pread(fd, to, size, at);
	if (disk.fault == FAULT_READ)
		return fail(EIO);
	got = pread(fd, to, size, at);
	if (got > 0)
		memset(to, 0xa5, (size_t)got);
	return got;
}

static ssize_t
on_pwrite(int fd, const void *from, size_t size, off_t at)
{
	if (!is_now(FAULT_FULL, FAULT_WRITE))
		return pwrite(fd, from, size, at);
	return fail(disk.fault == FAULT_FULL ? ENOSPC : EIO);
}

static void
put_in(sqlite3_vfs *vfs, const char *name, sqlite3_syscall_ptr call)
{
	/* Which of the two names is used is a matter of how it was built. */
	if (vfs->xGetSystemCall(vfs, name) != NULL &&
	    vfs->xSetSystemCall(vfs, name, call) != SQLITE_OK)
		abort();
}

void
faults_begin(enum fault fault, size_t n, size_t count)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	if (!disk.is_there) {
		put_in(vfs, "pread", (sqlite3_syscall_ptr)on_pread);
		put_in(vfs, "pread64", (sqlite3_syscall_ptr)on_pread);
		put_in(vfs, "pwrite", (sqlite3_syscall_ptr)on_pwrite);
		put_in(vfs, "pwrite64", (sqlite3_syscall_ptr)on_pwrite);
	}
	disk.is_there = true;
	disk.fault = fault;
	disk.wait = n;
	disk.left = count;
	disk.done = 0;
}

size_t
faults_end(void)
{
	disk.fault = FAULT_NONE;
	return disk.done;
}
