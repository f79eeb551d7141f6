/* SPDX-License-Identifier: ISC */
/* chat_history.c: the file of what was typed. That it cannot be written is nobody's concern. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/conf.h"
#include "chat_history.h"

/* Each folder on the way that is missing, for ourselves only. */
static void
make_folders(char *path)
{
	for (char *p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
}

char *
chat_history_path(void)
{
	char *folder = conf_default_state(), *path;

	if (folder == NULL)
		return NULL;
	path = xasprintf("%s/chat-history", folder);
	free(folder);
	return path;
}

static bool
is_ours(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
	       status.st_size <= CHAT_HISTORY_BYTES;
}

History *
chat_history_open(const char *path)
{
	History *kept = history_init();
	HistEvent event;

	if (kept == NULL)
		abort();
	history(kept, &event, H_SETSIZE, CHAT_HISTORY_LINES);
	history(kept, &event, H_SETUNIQUE, 1);
	if (path != NULL && is_ours(path))
		history(kept, &event, H_LOAD, path);
	return kept;
}

void
chat_history_add(History *kept, const char *line)
{
	HistEvent event;

	if (line[0] != '\0' && strlen(line) <= CHAT_HISTORY_LINE)
		history(kept, &event, H_ENTER, line);
}

static void
save(History *kept, char *path)
{
	char *fresh = xasprintf("%s.%ld", path, (long)getpid());
	HistEvent event;
	FILE *file = NULL;
	int fd, rc = -1;

	make_folders(path);
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd != -1)
		file = fdopen(fd, "w");
	if (file != NULL) {
		rc = history(kept, &event, H_SAVE_FP, file);
		rc = fclose(file) == 0 ? rc : -1;
	}
	if (rc == -1 || rename(fresh, path) != 0)
		unlink(fresh);
	free(fresh);
}

void
chat_history_close(History *kept, const char *path)
{
	char *copy = xstrdup(path);

	if (copy != NULL)
		save(kept, copy);
	free(copy);
	history_end(kept);
}
