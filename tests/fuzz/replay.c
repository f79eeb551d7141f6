/* SPDX-License-Identifier: ISC */
/* replay.c: runs a fuzz harness over its corpus without a fuzzer, for the normal test run. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * The name of an input is printed before it is tried, so that the last line names the culprit.
 * No inputs is a failure: a harness without a corpus tests nothing here.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fail(const char *path)
{
	printf("%s: %s\n", path, strerror(errno));
	exit(1);
}

/* The copy has exactly the input's size, so that a sanitizer sees a read past its end. */
static void
try_bytes(FILE *in, const char *path, size_t size)
{
	uint8_t *data = malloc(size > 0 ? size : 1);

	if (data == NULL || fread(data, 1, size, in) != size)
		fail(path);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

static void
try_file(const char *path)
{
	FILE *in = fopen(path, "rb");
	struct stat st;

	if (in == NULL || fstat(fileno(in), &st) != 0)
		fail(path);
	printf("%s\n", path);
	fflush(stdout);
	try_bytes(in, path, (size_t)st.st_size);
	fclose(in);
}

static size_t
try_folder(const char *folder)
{
	struct dirent **names;
	char path[4096];
	int n = scandir(folder, &names, NULL, alphasort);
	size_t tried = 0;

	if (n < 0)
		fail(folder);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
			try_file(path);
			tried++;
		}
		free(names[i]);
	}
	free(names);
	return tried;
}

int
main(int argc, char **argv)
{
	size_t tried = 0;

	for (int i = 1; i < argc; i++)
		tried += try_folder(argv[i]);
	printf("%zu inputs\n", tried);
	return tried > 0 ? 0 : 1;
}
