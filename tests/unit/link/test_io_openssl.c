/* SPDX-License-Identifier: ISC */
/*
 * test_io_openssl.c: an io with TLS against the programs of two other makers: openssl's s_client
 * and s_server, gnutls-cli and gnutls-serv.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "link/io.h"
#include "link/tls.h"
#include "tests/unit/link/side.h"
#include "tests/unit/link/tls_kit.h"

#define ARGS_MAX 32

static struct net net;
static struct tls_id own, theirs;
static struct tls_peers *peers;

static struct {
	struct io *io;
	int connected, secured, eof, failed, error;
	char failure[128];
	struct evbuffer *heard;
} end;

/* The program: what we tell it and what it tells. */
static struct {
	pid_t pid;
	int in, out;
	struct evbuffer *told;
} program;

static char port_text[32], session_file[64];
static int listener;
static unsigned port;

static void
on_connected(void *arg)
{
	end.connected++;
}

static void
on_secured(void *arg)
{
	end.secured++;
}

static void
on_data(void *arg, const void *bytes, size_t length)
{
	evbuffer_add(end.heard, bytes, length);
}

static void
on_eof(void *arg)
{
	end.eof++;
}

static void
on_failed(void *arg, int error)
{
	end.failed++;
	end.error = error;
	if (io_tls(end.io) != NULL)
		snprintf(end.failure, sizeof(end.failure), "%s", tls_failure(io_tls(end.io)));
}

static const struct io_events events = {
	.connected = on_connected,
	.secured = on_secured,
	.data = on_data,
	.eof = on_eof,
	.failed = on_failed,
};

/* --- the program ----------------------------------------------------------------------------- */

static void
run(const char *const args[])
{
	int in[2], out[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	program.pid = fork();
	if (program.pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		execvp(args[0], (char *const *)(uintptr_t)args);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	program.in = in[1];
	program.out = out[0];
	evutil_make_socket_nonblocking(program.out);
}

static void
stop(void)
{
	if (program.pid <= 0)
		return;
	kill(program.pid, SIGKILL);
	waitpid(program.pid, NULL, 0);
	close(program.in);
	close(program.out);
	evbuffer_drain(program.told, evbuffer_get_length(program.told));
	program.pid = 0;
}

static void
tell(const char *text)
{
	assert_int_equal(write(program.in, text, strlen(text)), strlen(text));
}

static bool
has_told(void *arg)
{
	evbuffer_read(program.told, program.out, -1);
	return evbuffer_search(program.told, arg, strlen(arg), NULL).pos >= 0;
}

static void
expect(const char *text)
{
	if (!net_until(&net, has_told, (void *)(uintptr_t)text)) {
		evbuffer_add(program.told, "", 1);
		fail_msg("no \"%s\" in: %s", text, evbuffer_pullup(program.told, -1));
	}
}

static bool
is_one(void *arg)
{
	return *(int *)arg == 1;
}

static bool
has_heard(void *arg)
{
	return evbuffer_search(end.heard, arg, strlen(arg), NULL).pos >= 0;
}

static void
hears(const char *text)
{
	assert_true(net_until(&net, has_heard, (void *)(uintptr_t)text));
	evbuffer_drain(end.heard, evbuffer_get_length(end.heard));
}

static void
say(const char *text)
{
	evbuffer_add(io_out(end.io), text, strlen(text));
}

/* --- both roles ------------------------------------------------------------------------------ */

static void
listen_somewhere(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t length = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 8), 0);
	getsockname(listener, (struct sockaddr *)&at, &length);
	port = ntohs(at.sin_port);
}

static void
reset(void)
{
	if (end.io != NULL)
		io_close(end.io, false);
	evbuffer_drain(end.heard, evbuffer_get_length(end.heard));
	end.io = NULL;
	end.connected = end.secured = end.eof = end.failed = end.error = 0;
	end.failure[0] = '\0';
}

/* The program dials us. */
static void
dialled_by(const char *const args[])
{
	int fd;

	stop();
	reset();
	run(args);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	end.io = io_new_fd(net.base, fd, &events, NULL);
	io_start_tls(end.io, tls_peer_new(peers, false, NULL));
}

/* The program listens, at last: as many attempts as it needs. */
static void
dial(struct tls_session *session)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int error = 0;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < 500; i++) {
		reset();
		end.io = io_new_connect(net.base, (struct sockaddr *)&to, sizeof(to), NULL, 0,
					&events, NULL, &error);
		assert_non_null(end.io);
		while (end.connected + end.failed == 0)
			net_for(&net, 1);
		if (end.connected == 1)
			break;
		net_for(&net, 20);
	}
	assert_int_equal(end.connected, 1);
	io_start_tls(end.io, tls_peer_new(peers, true, session));
}

static void
refused(const char *why)
{
	assert_true(net_until(&net, is_one, &end.failed));
	assert_int_equal(end.error, -EPROTO);
	assert_int_equal(end.secured, 0);
	if (strstr(end.failure, why) == NULL)
		fail_msg("%s", end.failure);
}

/* It is theirs. */
static void
assert_certificate(void)
{
	const unsigned char *at;
	unsigned char *der;
	size_t length = tls_certificate(io_tls(end.io), &der);
	X509 *got;

	at = der;
	got = d2i_X509(NULL, &at, (long)length);
	assert_non_null(got);
	assert_int_equal(X509_cmp(got, theirs.certificate), 0);
	X509_free(got);
	free(der);
}

static int
setup(void **state)
{
	net_init(&net, false);
	peers = tls_peers_new(own.key, own.certificate);
	end.heard = evbuffer_new();
	program.told = evbuffer_new();
	listen_somewhere();
	snprintf(port_text, sizeof(port_text), "127.0.0.1:%u", port);
	return 0;
}

static int
teardown(void **state)
{
	stop();
	reset();
	if (listener >= 0)
		close(listener);
	evbuffer_free(end.heard);
	evbuffer_free(program.told);
	tls_peers_free(peers);
	net_release(&net);
	return 0;
}

/* --- openssl --------------------------------------------------------------------------------- */

#define S_CLIENT "openssl", "s_client", "-quiet", "-connect", port_text

static void
test_s_client(void **state)
{
	const char *const args[] = { S_CLIENT, "-cert", theirs.file, "-key", theirs.file, NULL };

	dialled_by(args);
	assert_true(net_until(&net, is_one, &end.secured));
	assert_certificate();
	tell("from openssl\n");
	hears("from openssl\n");
	say("from us\n");
	expect("from us\n");
	io_close(end.io, true);
	end.io = NULL;
	assert_true(waitpid(program.pid, NULL, 0) == program.pid);
	program.pid = -1;
	close(program.in);
	close(program.out);
}

static void
test_s_client_is_refused(void **state)
{
	const char *const bare[] = { S_CLIENT, NULL };
	const char *const old[] = { S_CLIENT, "-tls1_2",   "-cert", theirs.file,
				    "-key",   theirs.file, NULL };

	dialled_by(bare);
	refused("did not return a certificate");
	expect("alert");
	dialled_by(old);
	refused("unsupported protocol");
	expect("alert");
}

static void
test_s_client_resumes(void **state)
{
	const char *const first[] = { S_CLIENT,    "-cert",     theirs.file,  "-key",
				      theirs.file, "-sess_out", session_file, NULL };
	const char *const next[] = { S_CLIENT, "-cert",    "",           "-key",
				     "",       "-sess_in", session_file, NULL };
	const char *args[ARGS_MAX];

	dialled_by(first);
	assert_true(net_until(&net, is_one, &end.secured));
	assert_false(tls_is_resumed(io_tls(end.io)));
	say("ticket read\n");
	expect("ticket read\n");
	memcpy(args, next, sizeof(next));
	args[6] = args[8] = theirs.file;
	for (int i = 0; i < 2; i++) {
		dialled_by(args);
		assert_true(net_until(&net, is_one, &end.secured));
		assert_true(tls_is_resumed(io_tls(end.io)) == (i == 0));
		assert_certificate();
		/* Our key is another one now, in name at least. */
		tls_peers_set(peers, own.key, own.certificate);
	}
}

#define S_SERVER "openssl", "s_server", "-quiet", "-accept", port_text

static void
test_s_server(void **state)
{
	const char *const args[] = { S_SERVER,    "-cert",   theirs.file, "-key",
				     theirs.file, "-Verify", "1",         NULL };
	struct tls_session *session;

	close(listener);
	listener = -1;
	run(args);
	dial(NULL);
	assert_true(net_until(&net, is_one, &end.secured));
	assert_certificate();
	say("from us\n");
	expect("from us\n");
	tell("from openssl\n");
	hears("from openssl\n");
	session = tls_take_session(io_tls(end.io));
	assert_non_null(session);
	dial(session);
	tls_session_free(session);
	assert_true(net_until(&net, is_one, &end.secured));
	assert_true(tls_is_resumed(io_tls(end.io)));
	assert_certificate();
}

static void
test_old_s_server_is_refused(void **state)
{
	const char *const args[] = { S_SERVER, "-tls1_2",   "-cert", theirs.file,
				     "-key",   theirs.file, NULL };

	close(listener);
	listener = -1;
	run(args);
	dial(NULL);
	refused("alert protocol version");
}

/* --- GnuTLS ---------------------------------------------------------------------------------- */

static void
test_gnutls_cli(void **state)
{
	char text[8];
	const char *const args[] = { "gnutls-cli",
				     "--no-ca-verification",
				     "--x509certfile",
				     theirs.file,
				     "--x509keyfile",
				     theirs.file,
				     "-p",
				     text,
				     "127.0.0.1",
				     NULL };

	snprintf(text, sizeof(text), "%u", port);
	dialled_by(args);
	assert_true(net_until(&net, is_one, &end.secured));
	assert_certificate();
	tell("from gnutls\n");
	hears("from gnutls\n");
	say("from us\n");
	expect("from us\n");
	io_close(end.io, true);
	end.io = NULL;
	expect("Peer has closed");
}

static void
test_gnutls_cli_is_refused(void **state)
{
	char text[8];
	const char *const args[] = { "gnutls-cli", "--no-ca-verification", "-p", text, "127.0.0.1",
				     NULL };

	snprintf(text, sizeof(text), "%u", port);
	dialled_by(args);
	refused("did not return a certificate");
}

static void
test_gnutls_serv(void **state)
{
	char text[8];
	const char *const args[] = { "gnutls-serv",
				     "--echo",
				     "--require-client-cert",
				     "--x509certfile",
				     theirs.file,
				     "--x509keyfile",
				     theirs.file,
				     "-p",
				     text,
				     NULL };

	snprintf(text, sizeof(text), "%u", port);
	close(listener);
	listener = -1;
	run(args);
	dial(NULL);
	assert_true(net_until(&net, is_one, &end.secured));
	assert_certificate();
	say("there and back\n");
	hears("there and back\n");
}

static int
setup_all(void **state)
{
	int fd;

	tls_id_init(&own, "own", 0);
	tls_id_init(&theirs, "theirs", 0);
	tls_id_file(&theirs);
	snprintf(session_file, sizeof(session_file), "/tmp/test_io_openssl.XXXXXX");
	fd = mkstemp(session_file);
	close(fd);
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

static int
teardown_all(void **state)
{
	unlink(session_file);
	tls_id_release(&own);
	tls_id_release(&theirs);
	return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_s_client),
		T(test_s_client_is_refused),
		T(test_s_client_resumes),
		T(test_s_server),
		T(test_old_s_server_is_refused),
		T(test_gnutls_cli),
		T(test_gnutls_cli_is_refused),
		T(test_gnutls_serv),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
