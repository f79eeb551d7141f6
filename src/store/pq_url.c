/* SPDX-License-Identifier: ISC */
/* pq_url.c: looks into a connection string for what must not be in it. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/pq_url.h"

#define ADDRESS_SIZE 64

/* The value of that keyword, or NULL. */
static const char *
value_of(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword != NULL; options++) {
		if (strcmp(options->keyword, keyword) == 0)
			return options->val != NULL && options->val[0] != '\0' ? options->val
									       : NULL;
	}
	return NULL;
}

static bool
is_address(const char *host)
{
	unsigned char bytes[16];
	char plain[ADDRESS_SIZE];

	if (copy_text(plain, sizeof(plain), host) != 0)
		return false;
	plain[strcspn(plain, "%")] = '\0';
	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, plain, bytes) == 1;
}

/* What libpq is to be told as the address of that host: "" for a socket's directory, NULL: no way
 * is known. */
static const char *
address_of(const char *host)
{
	if (host[0] == '/' || host[0] == '@' || host[0] == '\0')
		return "";
	if (strcmp(host, "localhost") == 0)
		return "127.0.0.1";
	return is_address(host) ? host : NULL;
}

static int
take_hosts(struct pq_url *url, const char *hosts, char *error, size_t size)
{
	char *list = xstrdup(hosts), *rest = list, *host;
	int rc = 0;

	while (rc == 0 && (host = strsep(&rest, ",")) != NULL) {
		const char *address = address_of(host);
		char *longer;

		if (address == NULL) {
			snprintf(error, size,
				 "[store] url: the host is a name: give its address, "
				 "host=NAME hostaddr=ADDRESS");
			rc = -EINVAL;
			break;
		}
		longer = url->addresses == NULL ? xstrdup(address)
						: xasprintf("%s,%s", url->addresses, address);
		free(url->addresses);
		url->addresses = longer;
	}
	free(list);
	return rc;
}

/* What is wrong with it, or NULL. */
static const char *
find_fault(const PQconninfoOption *options)
{
	if (value_of(options, "password") != NULL || value_of(options, "sslpassword") != NULL)
		return "it holds a password: write that into a file, [store] secret-file";
	if (value_of(options, "service") != NULL)
		return "service: write here what the service's file says";
	return NULL;
}

static int
check(struct pq_url *url, const PQconninfoOption *options, char *error, size_t size)
{
	const char *fault = find_fault(options), *hosts = value_of(options, "host");

	if (fault != NULL) {
		snprintf(error, size, "[store] url: %s", fault);
		return -EINVAL;
	}
	if (value_of(options, "hostaddr") != NULL)
		return 0;
	if (hosts == NULL && getenv("PGHOSTADDR") == NULL)
		hosts = getenv("PGHOST");
	return hosts == NULL ? 0 : take_hosts(url, hosts, error, size);
}

int
pq_url_take(struct pq_url *url, const struct pq_lib *lib, const char *text, char *error,
	    size_t size)
{
	PQconninfoOption *options = lib->PQconninfoParse(text == NULL ? "" : text, NULL);
	int rc;

	*url = (struct pq_url){ 0 };
	if (options == NULL) {
		snprintf(error, size,
			 "[store] url: not a connection string, such as "
			 "postgresql://earshot@192.0.2.7/earshot");
		return -EINVAL;
	}
	rc = check(url, options, error, size);
	lib->PQconninfoFree(options);
	if (rc == 0)
		url->text = xstrdup(text == NULL ? "" : text);
	else
		pq_url_release(url);
	return rc;
}

void
pq_url_release(struct pq_url *url)
{
	free(url->text);
	free(url->addresses);
	*url = (struct pq_url){ 0 };
}
