/* SPDX-License-Identifier: ISC */
/*
 * seen_file.c: the file "seen": whose it is, whether it is whole, and room on the disk for it.
 *
 * Touching a mapped page that the disk has no block for ends the process (SIGBUS); on some file
 * systems reading it is enough. Blocks are therefore allocated before a page is touched for the
 * first time by this process, also where the file seems to have them: a copy may have lost them
 * again.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "store/seen_impl.h"

#define FILE_NAME     "seen"
#define LOCK_MS       1000
#define LOCK_EVERY_MS 10
#define TRIES_MAX     8 /* somebody puts another file into the place of the one we lock */

static const char *
sender_check(const struct seen_front *front, size_t i)
{
	const struct seen_sender *sender = &front->senders[i];

	if (sender->noted_at == 0)
		return NULL;
	if (sender->current > 1 || sender->count[0] > SEEN_IDS || sender->count[1] > SEEN_IDS)
		return "is damaged";
	for (size_t j = 0; j < i; j++)
		if (front->senders[j].noted_at != 0 &&
		    memcmp(front->senders[j].name, sender->name, SEEN_NAME) == 0)
			return "is damaged";
	return NULL;
}

const char *
seen_front_check(const struct seen_front *front, uint64_t length)
{
	const struct seen_head *head = &front->head;
	const char *why = NULL;

	if (length < sizeof(*front) || memcmp(head->magic, SEEN_MAGIC, sizeof(head->magic)) != 0)
		return "is none of ours";
	if (head->version != SEEN_VERSION || head->order != SEEN_ORDER ||
	    head->senders != SEEN_SENDERS_MAX || head->ids != SEEN_IDS)
		return "is of another version";
	if (length != sizeof(struct seen_map))
		return "is not of its length";
	for (size_t i = 0; i < SEEN_SENDERS_MAX && why == NULL; i++)
		why = sender_check(front, i);
	return why;
}

static void
random_key(unsigned char *key)
{
	if (RAND_bytes(key, SEEN_KEY) == 1)
		return;
	ear_error("no randomness from OpenSSL");
	abort();
}

static void
fill_head(struct seen_head *head)
{
	*head = (struct seen_head){ .version = SEEN_VERSION,
				    .order = SEEN_ORDER,
				    .senders = SEEN_SENDERS_MAX,
				    .ids = SEEN_IDS };
	memcpy(head->magic, SEEN_MAGIC, sizeof(head->magic));
	random_key(head->key);
}

static void *
map_memory(void *at, size_t size, int flags)
{
	void *map = mmap(at, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);

	if (map != MAP_FAILED)
		return map;
	ear_error("no memory for what has been seen: %m");
	abort();
}

/* In memory, because of what (NULL: that is what was asked for). */
static void
use_memory(struct seen_file *file, const char *why)
{
	if (why != NULL)
		ear_warn("%s: %s: what has been handled is remembered in memory only", file->path,
			 why);
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
	file->map = map_memory(NULL, sizeof(*file->map), 0);
	fill_head(&file->map->front.head);
}

static int
refuse(char *error, size_t size, int code, const char *path, const char *why)
{
	snprintf(error, size, "%s: %s", path, why);
	return code;
}

static int
check_owner(const struct stat *st, const char *path, char *error, size_t size)
{
	if (!S_ISREG(st->st_mode))
		return refuse(error, size, -EINVAL, path, "is no file: move it away");
	if (st->st_uid == geteuid())
		return 0;
	snprintf(error, size,
		 "%s: belongs to user %u and not to user %u who runs this: chown it, or move it "
		 "away for a new one",
		 path, (unsigned)st->st_uid, (unsigned)geteuid());
	return -EPERM;
}

static int
allocate(int fd, off_t offset, size_t length)
{
	int rc;

	do
		rc = posix_fallocate(fd, offset, (off_t)length);
	while (rc == EINTR);
	return -rc;
}

/*
 * Where each write takes new blocks (btrfs), those that are allocated would not be those that are
 * written, unless the file says otherwise while it is empty. Others do not know that flag.
 */
static void
keep_blocks(int fd)
{
	int flags;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
		return;
	flags |= FS_NOCOW_FL;
	ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

/* The head comes last: before that it is none of ours, and begun anew. */
static int
begin_anew(int fd)
{
	struct seen_head head;
	ssize_t n;

	if (ftruncate(fd, 0) != 0 || fchmod(fd, 0600) != 0)
		return -errno;
	keep_blocks(fd);
	if (ftruncate(fd, sizeof(struct seen_map)) != 0)
		return -errno;
	fill_head(&head);
	do
		n = pwrite(fd, &head, sizeof(head), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == sizeof(head) ? 0 : -ENOSPC;
}

/* Whether path still names what was opened: 0, -EAGAIN or -errno. */
static int
check_place(int fd, const char *path, struct stat *st)
{
	struct stat named;

	if (fstat(fd, st) != 0)
		return -errno;
	if (lstat(path, &named) != 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	return named.st_dev == st->st_dev && named.st_ino == st->st_ino ? 0 : -EAGAIN;
}

/* The process before us may be on its way out, killed a moment ago. */
static int
lock(int fd)
{
	static const struct timespec moment = { .tv_nsec = LOCK_EVERY_MS * 1000000 };
	int rc = flock(fd, LOCK_EX | LOCK_NB);

	for (int ms = 0; rc != 0 && errno == EWOULDBLOCK && ms < LOCK_MS; ms += LOCK_EVERY_MS) {
		nanosleep(&moment, NULL);
		rc = flock(fd, LOCK_EX | LOCK_NB);
	}
	return rc;
}

/* Opens and locks it: 0; -EWOULDBLOCK: another process has the lock; or another -errno. */
static int
open_locked(struct seen_file *file, struct stat *st, char *error, size_t size)
{
	int rc = -EAGAIN;

	for (int i = 0; i < TRIES_MAX && rc == -EAGAIN; i++) {
		if (file->fd >= 0)
			close(file->fd);
		file->fd = open(file->path,
				O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
				0600);
		if (file->fd < 0 && errno == ELOOP)
			return refuse(error, size, -ELOOP, file->path,
				      "is a symbolic link: put the file itself there");
		rc = file->fd < 0 || fstat(file->fd, st) != 0 ? -errno : 0;
		if (rc != 0)
			return refuse(error, size, rc, file->path, strerror(-rc));
		rc = check_owner(st, file->path, error, size);
		if (rc != 0)
			return rc;
		if (lock(file->fd) != 0)
			return refuse(error, size, errno == EWOULDBLOCK ? -EWOULDBLOCK : -errno,
				      file->path, strerror(errno));
		rc = check_place(file->fd, file->path, st);
	}
	return rc == 0 ? 0 : refuse(error, size, rc, file->path, strerror(-rc));
}

/* Reads, and not through the map: what is not there must not be touched. */
static const char *
look(int fd, const struct stat *st)
{
	struct seen_front *front = xalloc(sizeof(*front));
	const char *why;

	if ((st->st_mode & 077) != 0)
		why = "could be read or changed by others";
	else if (pread(fd, front, sizeof(*front), 0) < 0)
		why = "cannot be read";
	else
		why = seen_front_check(front, (uint64_t)st->st_size);
	free(front);
	return why;
}

/* A new one, an old one, or an old one that is begun anew. 0 or -errno. */
static int
make_whole(struct seen_file *file, const struct stat *st)
{
	const char *why = st->st_size == 0 ? "is new" : look(file->fd, st);
	int rc = 0;

	if (why != NULL && st->st_size != 0)
		ear_warn("%s: %s: it is begun anew, and what was handled before is forgotten",
			 file->path, why);
	if (why != NULL)
		rc = begin_anew(file->fd);
	return rc == 0 ? allocate(file->fd, 0, sizeof(struct seen_front)) : rc;
}

static int
map_file(struct seen_file *file)
{
	void *map = mmap(NULL, sizeof(*file->map), PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	/* An id says nothing about the next one: reading ahead only takes memory. */
	madvise(map, sizeof(*file->map), MADV_RANDOM);
	file->map = map;
	return 0;
}

int
seen_file_open(struct seen_file *file, const char *dir, char *error, size_t size)
{
	struct stat st;
	int rc;

	*file = (struct seen_file){ .fd = -1 };
	if (dir == NULL) {
		use_memory(file, NULL);
		return 0;
	}
	file->path = xasprintf("%s/" FILE_NAME, dir);
	rc = open_locked(file, &st, error, size);
	if (rc == 0) {
		rc = make_whole(file, &st);
		if (rc == 0)
			rc = map_file(file);
		if (rc != 0)
			use_memory(file, strerror(-rc));
		return 0;
	}
	if (rc == -EWOULDBLOCK || rc == -ENOSPC || rc == -EDQUOT) {
		use_memory(file, rc == -EWOULDBLOCK ? "another process has it" : strerror(-rc));
		return 0;
	}
	seen_file_close(file);
	return rc;
}

void
seen_file_close(struct seen_file *file)
{
	if (file->map != NULL)
		munmap(file->map, sizeof(*file->map));
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	*file = (struct seen_file){ .fd = -1 };
}

/* Puts memory into the place of the file, with what the file has there. */
static void
keep_in_memory(struct seen_file *file, size_t slot, off_t offset, int error)
{
	struct seen_tables *tables = &file->map->tables[slot];

	if (!file->told)
		ear_warn("%s: %s: what some senders sent is remembered in memory only", file->path,
			 strerror(-error));
	file->told = true;
	map_memory(tables, sizeof(*tables), MAP_FIXED);
	if (pread(file->fd, tables, sizeof(*tables), offset) < 0)
		ear_warn("%s: %s", file->path, strerror(errno));
}

void
seen_file_prepare(struct seen_file *file, size_t slot)
{
	off_t offset =
		(off_t)(offsetof(struct seen_map, tables) + slot * sizeof(struct seen_tables));
	int rc;

	if (file->ready[slot])
		return;
	file->ready[slot] = true;
	rc = file->fd < 0 ? 0 : allocate(file->fd, offset, sizeof(struct seen_tables));
	if (rc != 0)
		keep_in_memory(file, slot, offset, rc);
}
