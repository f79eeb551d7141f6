/* SPDX-License-Identifier: ISC */
/* power.c: SQLite's own layer over files, with a list of what has not been synced. */
#include <assert.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"
#include "power.h"

#define SECTOR 512

/* A write, or (new NULL) a truncation to `at`. */
struct change {
	struct list all;
	sqlite3_int64 at, old_size;
	int length, old_length;
	char *new, *old; /* old: what was there, as far as the file went */
};

struct power_file {
	sqlite3_file base;
	struct list all;
	struct list changes; /* since it was synced */
	sqlite3_file *real;
};

static struct {
	sqlite3_vfs vfs, *real;
	struct list files;
	size_t steps, cut; /* 0: never */
	bool loses;
	unsigned seed;
} power;

static struct power_file *
power_of(sqlite3_file *file)
{
	return (struct power_file *)file;
}

/* --- what is not synced -------------------------------------------------------------------- */

static void
forget(struct power_file *file)
{
	struct list *item, *spare;

	list_each (item, spare, &file->changes) {
		struct change *change = container_of(item, struct change, all);

		list_del(item);
		free(change->new);
		free(change->old);
		free(change);
	}
}

static void
note(struct power_file *file, const void *new, int length, sqlite3_int64 at)
{
	struct change *change = xalloc(sizeof(*change));
	sqlite3_int64 end;

	file->real->pMethods->xFileSize(file->real, &change->old_size);
	change->at = at;
	change->length = length;
	end = new == NULL || at + length > change->old_size ? change->old_size : at + length;
	if (end > at) {
		change->old_length = (int)(end - at);
		change->old = xalloc((size_t)change->old_length);
		file->real->pMethods->xRead(file->real, change->old, change->old_length, at);
	}
	if (new != NULL) {
		change->new = xalloc((size_t)length);
		memcpy(change->new, new, (size_t)length);
	}
	list_add(&file->changes, &change->all);
}

static void
take_back(struct power_file *file, const struct change *change)
{
	if (change->old != NULL)
		file->real->pMethods->xWrite(file->real, change->old, change->old_length,
					     change->at);
	file->real->pMethods->xTruncate(file->real, change->old_size);
}

/* All of it, nothing of it, or some of its sectors. */
static void
do_partly(struct power_file *file, const struct change *change)
{
	int chance = rand_r(&power.seed) % 4;

	if (chance == 0)
		return;
	if (change->new == NULL) {
		file->real->pMethods->xTruncate(file->real, change->at);
		return;
	}
	for (sqlite3_int64 at = change->at, end; at < change->at + change->length; at = end) {
		end = (at / SECTOR + 1) * SECTOR;
		if (end > change->at + change->length)
			end = change->at + change->length;
		if (chance > 1 || rand_r(&power.seed) % 2 == 0)
			file->real->pMethods->xWrite(file->real, change->new + (at - change->at),
						     (int)(end - at), at);
	}
}

static void
lose(struct power_file *file)
{
	struct list *item;

	for (item = file->changes.prev; item != &file->changes; item = item->prev)
		take_back(file, container_of(item, struct change, all));
	for (item = file->changes.next; item != &file->changes; item = item->next)
		do_partly(file, container_of(item, struct change, all));
}

static void
step(void)
{
	if (++power.steps != power.cut)
		return;
	for (struct list *item = power.files.next; power.loses && item != &power.files;
	     item = item->next)
		lose(container_of(item, struct power_file, all));
	kill(getpid(), SIGKILL);
}

/* --- a file -------------------------------------------------------------------------------- */

static int
on_close(sqlite3_file *base)
{
	struct power_file *file = power_of(base);

	forget(file);
	list_del(&file->all);
	return file->real->pMethods->xClose(file->real);
}

static int
on_read(sqlite3_file *base, void *bytes, int length, sqlite3_int64 at)
{
	sqlite3_file *real = power_of(base)->real;

	return real->pMethods->xRead(real, bytes, length, at);
}

static int
on_write(sqlite3_file *base, const void *bytes, int length, sqlite3_int64 at)
{
	struct power_file *file = power_of(base);

	step();
	note(file, bytes, length, at);
	return file->real->pMethods->xWrite(file->real, bytes, length, at);
}

static int
on_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct power_file *file = power_of(base);

	step();
	note(file, NULL, 0, size);
	return file->real->pMethods->xTruncate(file->real, size);
}

static int
on_sync(sqlite3_file *base, int flags)
{
	step();
	forget(power_of(base));
	return SQLITE_OK;
}

static int
on_size(sqlite3_file *base, sqlite3_int64 *size)
{
	sqlite3_file *real = power_of(base)->real;

	return real->pMethods->xFileSize(real, size);
}

static int
on_lock(sqlite3_file *base, int level)
{
	sqlite3_file *real = power_of(base)->real;

	return real->pMethods->xLock(real, level);
}

static int
on_unlock(sqlite3_file *base, int level)
{
	sqlite3_file *real = power_of(base)->real;

	return real->pMethods->xUnlock(real, level);
}

static int
on_check_lock(sqlite3_file *base, int *out)
{
	sqlite3_file *real = power_of(base)->real;

	return real->pMethods->xCheckReservedLock(real, out);
}

static int
on_control(sqlite3_file *base, int op, void *arg)
{
	sqlite3_file *real = power_of(base)->real;

	return real->pMethods->xFileControl(real, op, arg);
}

static int
on_sector_size(sqlite3_file *base)
{
	return SECTOR;
}

/* What is beside a write stays what it is, as SQLite takes for granted of any disk of today. */
static int
on_characteristics(sqlite3_file *base)
{
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* Version 1: without shared memory and mapped files, past which nothing could be written. */
static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_check_lock,
	.xFileControl = on_control,
	.xSectorSize = on_sector_size,
	.xDeviceCharacteristics = on_characteristics,
};

/* --- the whole ----------------------------------------------------------------------------- */

static int
on_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags, int *out)
{
	struct power_file *file = power_of(base);
	int rc;

	file->real = (sqlite3_file *)(file + 1);
	file->base.pMethods = NULL;
	rc = power.real->xOpen(power.real, name, file->real, flags, out);
	if (rc != SQLITE_OK)
		return rc;
	list_init(&file->changes);
	list_add(&power.files, &file->all);
	file->base.pMethods = &methods;
	return SQLITE_OK;
}

static int
on_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	step();
	return power.real->xDelete(power.real, name, 0);
}

void
power_begin(void)
{
	list_init(&power.files);
	power.real = sqlite3_vfs_find(NULL);
	power.vfs = *power.real;
	power.vfs.zName = "power";
	power.vfs.szOsFile = (int)sizeof(struct power_file) + power.real->szOsFile;
	power.vfs.pNext = NULL;
	power.vfs.xOpen = on_open;
	power.vfs.xDelete = on_delete;
	if (sqlite3_vfs_register(&power.vfs, 1) != SQLITE_OK)
		abort();
}

size_t
power_steps(void)
{
	return power.steps;
}

void
power_cut_at(size_t n, bool loses, unsigned seed)
{
	power.cut = power.steps + n;
	power.loses = loses;
	power.seed = seed;
}
