/* SPDX-License-Identifier: ISC */
/* test_local.c: programs on the Unix socket, and who gets in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include <earshot/stanza.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "link/local.h"
#include "link/outbox.h"
#include "tests/unit/link/side.h"

#define HEADER RAW_STREAM " to='tv@pronto.local' version='1.0'>"

static struct net net;
static struct local *local;
static char dir[64], path[96];
static struct raw raw;

static struct {
	int identified, up, down, error, stanzas, back;
	bool last_maybe;
	char *peer, *stanza;
	struct link *link;
} told;

static void
on_identified(void *owner, struct link *link)
{
	told.identified++;
	told.link = link;
	xreplace(&told.peer, link->peer);
}

static void
on_up(void *owner, struct link *link)
{
	told.up++;
}

static void
on_stanza(void *owner, struct link *link, xmpp_stanza_t *stanza)
{
	char *text;
	size_t length;

	told.stanzas++;
	xmpp_stanza_to_text(stanza, &text, &length);
	xreplace(&told.stanza, text);
	xmpp_free(net.ctx, text);
}

static void
on_undelivered(void *owner, struct link *link, xmpp_stanza_t *stanza, bool maybe)
{
	told.back++;
	told.last_maybe = maybe;
}

static void
on_down(void *owner, struct link *link, int error, const char *text)
{
	told.down++;
	told.error = error;
	told.link = NULL;
}

static const struct link_events events = {
	.identified = on_identified,
	.up = on_up,
	.stanza = on_stanza,
	.undelivered = on_undelivered,
	.down = on_down,
};

static int
open_local(const char *group, struct local **out)
{
	struct local_config config = { .path = path, .group = group };
	int error;

	*out = local_new(net.base, net.clock, net.ctx, &config, &events, NULL, &error);
	return error;
}

static int
setup(void **state)
{
	net_init(&net, false);
	memset(&told, 0, sizeof(told));
	snprintf(dir, sizeof(dir), "/tmp/earshot-test-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/run/earshot.sock", dir);
	raw = (struct raw){ .net = &net, .fd = -1, .listener = -1, .got = xstrdup("") };
	if (open_local(NULL, &local) != 0)
		return -1;
	local_set_self(local, "tv@pronto.local");
	return 0;
}

static int
teardown(void **state)
{
	raw_release(&raw);
	local_free(local);
	unlink(path);
	snprintf(path, sizeof(path), "%s/run", dir);
	rmdir(path);
	rmdir(dir);
	free(told.peer);
	free(told.stanza);
	net_release(&net);
	return 0;
}

static int
connect_path(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool
has_stanza(void *arg)
{
	return told.stanzas > 0;
}

static bool
is_down(void *arg)
{
	return told.down > 0;
}

static bool
is_up(void *arg)
{
	return told.up > 0;
}

static void
test_conversation(void **state)
{
	xmpp_stanza_t *stanza;

	raw.fd = connect_path();
	assert_true(raw.fd >= 0);
	raw_say(&raw, HEADER);
	assert_true(raw_expect(&raw, "to=\"tv@pronto.local/cli-1\"") ||
		    raw_expect(&raw, "to='tv@pronto.local/cli-1'"));
	assert_int_equal(told.identified, 1);
	assert_int_equal(told.up, 1);
	assert_int_equal(told.link->level, EAR_TRUSTED);
	assert_int_equal(told.link->kind, EAR_LINK_LOCAL);
	assert_ptr_equal(local_find(local, "tv@pronto.local/cli-1"), told.link);

	raw_say(&raw, "<iq type='get' id='1' from='root@example.org'>"
		      "<peers xmlns='urn:earshot:control:0'/></iq>");
	assert_true(net_until(&net, has_stanza, NULL));
	assert_non_null(strstr(told.stanza, "from=\"tv@pronto.local/cli-1\""));
	assert_non_null(strstr(told.stanza, "urn:earshot:control:0"));
	assert_null(strstr(told.stanza, " to="));

	stanza = ear_stanza(net.ctx, "message", NULL, told.peer, NULL);
	xmpp_stanza_set_from(stanza, "juliet@forza.local");
	assert_int_equal(link_send(told.link, stanza), 0);
	assert_true(raw_expect(&raw, "from=\"juliet@forza.local\""));

	raw_say(&raw, "</stream:stream>");
	assert_true(raw_expect(&raw, "</stream:stream>"));
	raw_hang_up(&raw, false);
	assert_true(net_until(&net, is_down, NULL));
	assert_int_equal(told.error, 0);
	assert_null(local_find(local, "tv@pronto.local/cli-1"));
}

static void
test_each_has_its_name(void **state)
{
	struct raw other = { .net = &net, .listener = -1, .got = xstrdup("") };

	raw.fd = connect_path();
	raw_say(&raw, HEADER);
	assert_true(raw_expect(&raw, "cli-1"));
	other.fd = connect_path();
	raw_say(&other, HEADER);
	assert_true(raw_expect(&other, "cli-2"));
	raw_release(&other);
}

static void
test_attached(void **state)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	local_attach(local, ends[0]);
	raw.fd = ends[1];
	raw_say(&raw, HEADER "<presence/>");
	assert_true(net_until(&net, has_stanza, NULL));
	assert_int_equal(told.link->level, EAR_TRUSTED);
}

static void
test_no_stanza(void **state)
{
	raw.fd = connect_path();
	raw_say(&raw, HEADER "<letter/>");
	assert_true(raw_expect(&raw, "unsupported-stanza-type"));
	assert_true(raw_expect(&raw, "</stream:stream>"));
	raw_hang_up(&raw, false);
	assert_true(net_until(&net, is_down, NULL));
	assert_int_equal(told.error, -EPROTO);
}

/* A program that does not read does not make the daemon grow. */
static void
test_does_not_read(void **state)
{
	int rc = 0, sent = 0;

	raw.fd = connect_path();
	raw_say(&raw, HEADER);
	assert_true(net_until(&net, is_up, NULL));
	for (; rc == 0 && sent < 50000; net_turn(&net)) {
		xmpp_stanza_t *stanza = ear_stanza(net.ctx, "message", NULL, told.peer, NULL);

		rc = link_send(told.link, stanza);
		sent += rc == 0;
		if (rc != 0)
			xmpp_stanza_release(stanza);
	}
	assert_int_equal(rc, -ENOBUFS);
	raw_hang_up(&raw, false);
	assert_true(net_until(&net, is_down, NULL));
	assert_true(told.back > 0);
	assert_false(told.last_maybe);
}

static void
test_modes(void **state)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	local_free(local);
	assert_int_not_equal(stat(path, &st), 0);
	if (getuid() == 0) {
		assert_int_equal(open_local("daemon", &local), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0660);
		assert_int_equal(st.st_gid, getgrnam("daemon")->gr_gid);
		local_free(local);
	}
	assert_int_equal(open_local("no-such-group-here", &local), -ENOENT);
	assert_null(local);
}

static void
test_living_and_dead(void **state)
{
	struct local *second;
	char other[128];

	assert_int_equal(open_local(NULL, &second), -EADDRINUSE);
	assert_null(second);
	/* A daemon that was killed leaves its socket. */
	snprintf(other, sizeof(other), "%s.kept", path);
	assert_int_equal(link(path, other), 0);
	local_free(local);
	assert_int_equal(rename(other, path), 0);
	assert_int_equal(connect_path(), -1);
	assert_int_equal(open_local(NULL, &local), 0);
	raw.fd = connect_path();
	assert_true(raw.fd >= 0);
}

static void
test_not_a_socket(void **state)
{
	FILE *file;

	local_free(local);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(open_local(NULL, &local), -EEXIST);
}

/* Whoever took our place in the file system keeps it. */
static void
test_removes_only_its_own(void **state)
{
	struct local *second;

	unlink(path);
	assert_int_equal(open_local(NULL, &second), 0);
	local_free(local);
	local = second;
	raw.fd = connect_path();
	assert_true(raw.fd >= 0);
}

/* As somebody who is neither owner nor root nor in the group; returns what the daemon said. */
static void
as_nobody(gid_t gid)
{
	int pipes[2];
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		char buffer[4096];
		ssize_t n;
		int fd;

		if (setgroups(0, NULL) != 0 || setgid(gid) != 0 || setuid(65534) != 0)
			_exit(1);
		fd = connect_path();
		if (fd < 0 || write(fd, HEADER, strlen(HEADER)) < 0)
			_exit(2);
		while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
			if (write(pipes[1], buffer, (size_t)n) < 0 ||
			    memmem(buffer, (size_t)n, "cli-", 4) != NULL)
				break;
		}
		_exit(0);
	}
	close(pipes[1]);
	raw.fd = -1;
	for (int status = 0; waitpid(pid, &status, WNOHANG) == 0;)
		net_turn(&net);
	free(raw.got);
	raw.got = xalloc(4097);
	assert_true(read(pipes[0], raw.got, 4096) > 0);
	close(pipes[0]);
}

static void
test_strangers(void **state)
{
	gid_t group;

	if (getuid() != 0)
		skip();
	chmod(dir, 0755);
	chmod(path, 0666);
	as_nobody(65534);
	assert_true(raw_has(&raw, "not-authorized"));
	assert_int_equal(told.identified, 0);
	local_free(local);
	group = getgrnam("daemon")->gr_gid;
	assert_int_equal(open_local("daemon", &local), 0);
	as_nobody(group);
	assert_true(raw_has(&raw, "cli-1"));
	assert_int_equal(told.identified, 1);
}

static void
test_too_many(void **state)
{
	struct raw many[LOCAL_CLIENTS_MAX + 1];

	for (int i = 0; i <= LOCAL_CLIENTS_MAX; i++) {
		many[i] = (struct raw){
			.net = &net, .listener = -1, .got = xstrdup(""), .fd = connect_path()
		};
		net_for(&net, 1);
	}
	assert_true(raw_expect(&many[LOCAL_CLIENTS_MAX], "resource-constraint"));
	for (int i = 0; i <= LOCAL_CLIENTS_MAX; i++)
		raw_release(&many[i]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_conversation),    T(test_each_has_its_name), T(test_attached),
		T(test_no_stanza),       T(test_does_not_read),     T(test_modes),
		T(test_living_and_dead), T(test_not_a_socket),      T(test_removes_only_its_own),
		T(test_strangers),       T(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
