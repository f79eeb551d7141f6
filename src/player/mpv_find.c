/* SPDX-License-Identifier: ISC */
/* mpv_find.c: the places where mpv's socket usually is. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "player/mpv_find.h"

static bool
in_runtime_dir(char *path, size_t size)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	return dir != NULL && *dir == '/' && snprintf(path, size, "%s/mpv.sock", dir) < (int)size;
}

static bool
is_our_socket(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == geteuid();
}

bool
mpv_find_place(size_t i, char *path, size_t size)
{
	switch (i) {
	case 0:
		return in_runtime_dir(path, size);
	case 1:
		return copy_text(path, size, "/run/earshot/mpv.sock") == 0;
	case 2:
		return copy_text(path, size, "/tmp/mpvsocket") == 0 && is_our_socket(path);
	}
	return false;
}
