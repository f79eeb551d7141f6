/* SPDX-License-Identifier: ISC */
/* conf_check.c: what no single option can tell, and the secret that one of them points to. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/conf.h"
#include "base/conf_table.h"

#define SECRET_MAX 1024

int
conf_secret(const char *path, char **secret)
{
	char line[SECRET_MAX + 2];
	struct stat status;
	size_t length = 0;
	int fd, rc = 0;

	*secret = NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return -errno;
	if (fstat(fd, &status) != 0)
		rc = -errno;
	else if (!S_ISREG(status.st_mode))
		rc = -EINVAL;
	else if (status.st_mode & S_IRWXO)
		rc = -EPERM;
	else
		rc = conf_read_bytes(fd, line, sizeof(line) - 1, &length);
	close(fd);
	line[length] = '\0';
	length = strcspn(line, "\r\n");
	if (rc == 0 && length == 0)
		rc = -ENODATA;
	else if (rc == 0 && length > SECRET_MAX)
		rc = -EMSGSIZE;
	else if (rc == 0)
		*secret = xstrndup(line, length);
	explicit_bzero(line, sizeof(line));
	return rc;
}

static int __attribute__((format(printf, 3, 4)))
unfit(char *error, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, size, format, args);
	va_end(args);
	return -EINVAL;
}

static bool
is_loopback(const char *host)
{
	struct in6_addr six;
	struct in_addr four;

	if (host == NULL || strcmp(host, "localhost") == 0)
		return host != NULL;
	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static int
check_secret(const char *option, const char *path, char *error, size_t size)
{
	char *secret;
	int rc = conf_secret(path, &secret);

	if (rc == -EPERM)
		return unfit(error, size, "%s: others can read %s: chmod 600 %s", option, path,
			     path);
	if (rc != 0)
		return unfit(error, size, "%s: %s: %s", option, path, strerror(-rc));
	explicit_bzero(secret, strlen(secret));
	free(secret);
	return 0;
}

/* RFC 6762 §3: such a name means another machine in every other place. */
static bool
is_of_lan(const char *jid)
{
	size_t length = strcspn(jid, "/");

	if (length > 0 && jid[length - 1] == '.')
		length--;
	return length >= 6 && strncasecmp(jid + length - 6, ".local", 6) == 0;
}

static int
check_server(const struct conf *conf, char *error, size_t size)
{
	bool component = conf->server_kind == CONF_SERVER_COMPONENT;
	const char *kind = component ? "component" : "account";

	if (conf->server_kind == CONF_SERVER_NONE)
		return 0;
	if (conf->server_jid == NULL)
		return unfit(error, size, "server.jid: missing; kind = %s needs it", kind);
	if (is_of_lan(conf->server_jid))
		return unfit(error, size,
			     "server.jid: %s: a name that ends in .local is of the LAN, "
			     "never of a server",
			     conf->server_jid);
	if (component && strpbrk(conf->server_jid, "@/") != NULL)
		return unfit(error, size,
			     "server.jid: %s: a component has a domain, without @ and /",
			     conf->server_jid);
	if (!component && strchr(conf->server_jid, '@') == NULL)
		return unfit(error, size, "server.jid: %s: an account is written user@domain",
			     conf->server_jid);
	if (conf->server_secret_file == NULL)
		return unfit(error, size, "server.secret-file: missing; kind = %s needs it", kind);
	if (conf->server_tls == CONF_TLS_OPTIONAL && !is_loopback(conf->server_host))
		return unfit(error, size,
			     "server.tls: optional is for a host on this machine only "
			     "(host = 127.0.0.1)");
	if (conf->server_ca_file != NULL && access(conf->server_ca_file, R_OK) != 0)
		return unfit(error, size, "server.ca-file: %s: %s", conf->server_ca_file,
			     strerror(errno));
	return check_secret("server.secret-file", conf->server_secret_file, error, size);
}

/* "user:password@" of a URI, "password=" of either form. What it is is not repeated: errors are
 * seen by many. */
static bool
holds_password(const char *url)
{
	const char *user = strstr(url, "://"), *word = url;

	if (user != NULL) {
		size_t length = strcspn(user + 3, "/?@");

		if (user[3 + length] == '@' && memchr(user + 3, ':', length) != NULL)
			return true;
	}
	while ((word = strstr(word, "password")) != NULL) {
		word += strlen("password");
		if (word[strspn(word, " \t")] == '=')
			return true;
	}
	return false;
}

static int
check_postgres(const struct conf *conf, char *error, size_t size)
{
	if (conf->store_path != NULL)
		return unfit(error, size, "store.path: is the file of kind = sqlite; here it is %s",
			     conf->store_kind);
	if (conf->store_url == NULL)
		return unfit(error, size, "store.url: missing; kind = postgres needs it");
	if (holds_password(conf->store_url))
		return unfit(error, size,
			     "store.url: holds a password: write that to a file and name the file "
			     "in store.secret-file");
	return conf->store_secret_file == NULL
		       ? 0
		       : check_secret("store.secret-file", conf->store_secret_file, error, size);
}

static int
check_store(const struct conf *conf, char *error, size_t size)
{
	if (strcmp(conf->store_kind, "postgres") == 0)
		return check_postgres(conf, error, size);
	if (conf->store_url != NULL || conf->store_secret_file != NULL)
		return unfit(error, size, "store.%s: is for kind = postgres; here it is %s",
			     conf->store_url != NULL ? "url" : "secret-file", conf->store_kind);
	if (conf->store_path != NULL && strcmp(conf->store_kind, "none") == 0)
		return unfit(error, size,
			     "store.path: is the file of kind = sqlite; here it is none");
	return 0;
}

static int
check_peer(const struct conf_peer *peer, char *error, size_t size)
{
	if (peer->address == NULL && peer->jid == NULL)
		return unfit(error, size, "peer \"%s\": has neither address nor jid", peer->name);
	if (peer->host != NULL && peer->address == NULL)
		return unfit(error, size, "peer \"%s\": host is given, so address must be too",
			     peer->name);
	if (peer->trusted && peer->jid == NULL)
		return unfit(error, size, "peer \"%s\": trusted is about its jid, which is missing",
			     peer->name);
	return 0;
}

int
conf_check(const struct conf *conf, char *error, size_t size)
{
	int rc = check_server(conf, error, size);

	if (rc == 0)
		rc = check_store(conf, error, size);
	/* RFC 6763 §4.1.1: an instance has 63 bytes; leave room for "-99" after a collision. */
	if (rc == 0 && strlen(conf->lan_user) + strlen(conf->engine_name) > 59)
		rc = unfit(error, size, "lan.user and engine.name: together longer than 59 bytes");
	if (rc == 0 && conf->local_group != NULL && getgrnam(conf->local_group) == NULL)
		rc = unfit(error, size, "local.group: no group \"%s\" on this machine",
			   conf->local_group);
	for (size_t i = 0; rc == 0 && i < conf->peer_count; i++)
		rc = check_peer(&conf->peers[i], error, size);
	return rc;
}
