/* SPDX-License-Identifier: ISC */
/* identity_file.c: the private key on disk: for its owner's eyes only, old or new but never half.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "base/sync_dir.h"
#include "trust/identity_impl.h"

#define FILE_NAME "device.key"
#define FILE_MAX  16384 /* bytes; a P-256 key has 241 */

static int
refuse(char *error, size_t size, int code, const char *path, const char *why)
{
	snprintf(error, size, "%s: %s", path, why);
	return code;
}

/* Whose file it is and who else may look at it. */
static int
check_file(int fd, const char *path, char *error, size_t size)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return refuse(error, size, -errno, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return refuse(error, size, -EINVAL, path, "is no file: move it away");
	if (st.st_uid != geteuid()) {
		snprintf(error, size,
			 "%s: belongs to user %u and not to user %u who runs this: chown it, "
			 "or move it away for a new key",
			 path, (unsigned)st.st_uid, (unsigned)geteuid());
		return -EPERM;
	}
	if ((st.st_mode & 077) != 0) {
		snprintf(error, size,
			 "%s: others may read or change this private key: chmod 600 %s", path,
			 path);
		return -EPERM;
	}
	if (st.st_size > FILE_MAX)
		return refuse(error, size, -EFBIG, path, "is too large for a private key");
	return 0;
}

/* Instead of OpenSSL's own, which asks the terminal. */
static int
no_passphrase(char *out, int size, int writing, void *arg)
{
	return -1;
}

static bool
is_ours(EVP_PKEY *key)
{
	EVP_PKEY_CTX *check = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	char group[32] = "";
	bool is = EVP_PKEY_is_a(key, "EC") &&
		  EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
		  strcmp(group, SN_X9_62_prime256v1) == 0 && EVP_PKEY_pairwise_check(check) == 1;

	EVP_PKEY_CTX_free(check);
	return is;
}

/* Closes in. stdio would leave what it has read in memory: its buffer is ours. */
static int
parse_key(FILE *in, const char *path, EVP_PKEY **key, char *error, size_t size)
{
	char buffer[BUFSIZ];

	setvbuf(in, buffer, _IOFBF, sizeof(buffer));
	*key = PEM_read_PrivateKey(in, NULL, no_passphrase, NULL);
	fclose(in);
	OPENSSL_cleanse(buffer, sizeof(buffer));
	if (*key != NULL && !is_ours(*key)) {
		EVP_PKEY_free(*key);
		*key = NULL;
	}
	ERR_clear_error();
	return *key != NULL ? 0
			    : refuse(error, size, -EINVAL, path,
				     "holds no ECDSA P-256 private key without passphrase: "
				     "move it away for a new key");
}

/* O_NOFOLLOW: whoever can place a link here does not choose our key. O_NONBLOCK: nor make us wait
 * at a pipe. */
static int
read_path(const char *path, EVP_PKEY **key, char *error, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY), result;
	FILE *in;

	if (fd < 0 && errno == ELOOP)
		return refuse(error, size, -ELOOP, path,
			      "is a symbolic link: put the file itself there");
	if (fd < 0)
		return refuse(error, size, -errno, path, strerror(errno));
	result = check_file(fd, path, error, size);
	in = result == 0 ? fdopen(fd, "r") : NULL;
	if (in == NULL) {
		close(fd);
		return result != 0 ? result : -ENOMEM;
	}
	return parse_key(in, path, key, error, size);
}

int
identity_file_read(const char *dir, EVP_PKEY **key, char *error, size_t size)
{
	char *path = xasprintf("%s/" FILE_NAME, dir);
	int result = read_path(path, key, error, size);

	free(path);
	return result;
}

/* dir and what leads there (XDG: 0700). */
static int
make_dir(const char *dir)
{
	char *path = xstrdup(dir), *slash = path;
	int error = 0;

	while (error == 0 && slash != NULL) {
		slash = strchr(slash + (*slash != '\0'), '/');
		if (slash != NULL)
			*slash = '\0';
		if (*path != '\0' && mkdir(path, 0700) != 0 && errno != EEXIST)
			error = -errno;
		if (slash != NULL)
			*slash = '/';
	}
	free(path);
	return error;
}

/* This kind of BIO is wiped when it is freed. */
static int
write_key(int fd, EVP_PKEY *key)
{
	BIO *text = BIO_new(BIO_s_secmem());
	const char *bytes = NULL;
	long left = 0;
	int error = -EIO;

	if (text != NULL &&
	    PEM_write_bio_PKCS8PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) == 1) {
		left = BIO_get_mem_data(text, &bytes);
		error = 0;
	}
	while (error == 0 && left > 0) {
		ssize_t n = write(fd, bytes, (size_t)left);

		if (n < 0 && errno != EINTR)
			error = -errno;
		bytes += n > 0 ? n : 0;
		left -= n > 0 ? n : 0;
	}
	BIO_free(text);
	ERR_clear_error();
	if (error == 0 && (fchmod(fd, 0600) != 0 || fsync(fd) != 0))
		error = -errno;
	return error;
}

/* Where the file system knows no RENAME_NOREPLACE, the last one of two first starts wins. */
static int
put_in_place(const char *from, const char *to, bool may_replace)
{
	if (!may_replace) {
		if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EINVAL && errno != ENOSYS)
			return -errno;
	}
	return rename(from, to) == 0 ? 0 : -errno;
}

/* A temporary file that a crash leaves behind is never looked at: each has a name of its own. */
static int
write_path(const char *path, EVP_PKEY *key, bool may_replace)
{
	char *temporary = xasprintf("%s.XXXXXX", path);
	int fd = mkostemp(temporary, O_CLOEXEC), error;

	if (fd < 0) {
		error = -errno;
		free(temporary);
		return error;
	}
	error = write_key(fd, key);
	if (close(fd) != 0 && error == 0)
		error = -errno;
	if (error == 0)
		error = put_in_place(temporary, path, may_replace);
	if (error != 0)
		unlink(temporary);
	free(temporary);
	return error;
}

int
identity_file_write(const char *dir, EVP_PKEY *key, bool may_replace)
{
	char *path = xasprintf("%s/" FILE_NAME, dir);
	int error = make_dir(dir);

	if (error == 0)
		error = write_path(path, key, may_replace);
	/* The key is in place already: too late to say no. */
	if (error == 0 && sync_dir(dir) != 0)
		ear_warn("%s: not synced", dir);
	free(path);
	return error;
}
