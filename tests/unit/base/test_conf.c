/* SPDX-License-Identifier: ISC */
/* test_conf.c: the configuration: defaults, every kind of error with its line, dump and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/conf.h"
#include "base/conf_table.h"

static char error[CONF_ERROR_SIZE];

static struct conf *
good(const char *text)
{
	struct conf *conf = conf_new();

	if (conf_parse(conf, text, "t.conf", error, sizeof(error)) != 0)
		fail_msg("%s", error);
	return conf;
}

static void
bad(const char *text, const char *want)
{
	struct conf *conf = conf_new();

	assert_int_equal(conf_parse(conf, text, "t.conf", error, sizeof(error)), -EINVAL);
	if (strstr(error, want) == NULL)
		fail_msg("\"%s\" does not hold \"%s\"", error, want);
	conf_free(conf);
}

static void
test_defaults(void **state)
{
	struct conf *conf = conf_new();

	assert_true(conf->lan_enabled);
	assert_int_equal(conf->lan_port, 5298);
	assert_string_equal(conf->lan_interfaces, "all");
	assert_int_equal(conf->server_kind, CONF_SERVER_NONE);
	assert_int_equal(conf->policy_buttons, CONF_TRUSTED);
	assert_int_equal(conf->policy_state, CONF_KNOWN);
	assert_int_equal(conf->policy_chat, CONF_ANYONE);
	assert_string_equal(conf->player_kind, "auto");
	assert_non_null(conf->engine_name);
	assert_non_null(conf->lan_user);
	assert_non_null(conf->local_socket);
	assert_int_equal(conf_check(conf, error, sizeof(error)), 0);
	conf_free(conf);
}

static void
test_values(void **state)
{
	struct conf *conf = good("\xef\xbb\xbf# sample\n[engine]\r\nname = livingroom ; comment\n"
				 "[lan]\n  enabled = off\n  user: tv\n port=0\n mdns = embedded\n"
				 "interfaces = eth0, wlan0\npublish = nick, msg\n"
				 "[policy]\nbuttons = anyone\n[lan]\nnick = Wohnzimmer \xc3\xbc\n"
				 "[peer \"box\"]\naddress = tv@pronto.local\nhost = 192.0.2.7\n"
				 "[peer \"desk-2\"]\njid = desk@example.org\ntrusted = yes\n");

	assert_string_equal(conf->engine_name, "livingroom");
	assert_false(conf->lan_enabled);
	assert_string_equal(conf->lan_user, "tv");
	assert_int_equal(conf->lan_port, 0);
	assert_int_equal(conf->lan_mdns, CONF_MDNS_EMBEDDED);
	assert_string_equal(conf->lan_interfaces, "eth0, wlan0");
	assert_string_equal(conf->lan_publish, "nick, msg");
	assert_string_equal(conf->lan_nick, "Wohnzimmer \xc3\xbc");
	assert_int_equal(conf->policy_buttons, CONF_ANYONE);
	assert_int_equal(conf->peer_count, 2);
	assert_string_equal(conf->peers[0].name, "box");
	assert_string_equal(conf->peers[0].address, "tv@pronto.local");
	assert_int_equal(conf->peers[0].port, 5298);
	assert_false(conf->peers[0].trusted);
	assert_string_equal(conf->peers[1].jid, "desk@example.org");
	assert_true(conf->peers[1].trusted);
	assert_int_equal(conf_check(conf, error, sizeof(error)), 0);
	conf_free(conf);
}

static void
test_errors(void **state)
{
	bad("[lan]\nporrt = 1\n", "t.conf:2: unknown key \"porrt\" in [lan]");
	bad("\n\n[lann]\n", "t.conf:3: unknown section [lann]");
	bad("[lan]\nport = 1\n[lann]\nport = 1\n", "t.conf:3: unknown section [lann]");
	bad("port = 1\n", "t.conf:1: \"port\" stands before the first [section]");
	bad("[lan]\nport\n", "t.conf:2: neither");
	bad("[lan\nport = 1\n", "t.conf:1: a [ without its ]");
	bad("[lan] port = 1\n", "t.conf:1: text behind the ]");
	bad("[lan]\nport = 65536\n", "t.conf:2: port = \"65536\" is not a number from 0 to 65535");
	bad("[lan]\nport = -1\n", "is not a number");
	bad("[lan]\nport = 4294967297\n", "is not a number");
	bad("[lan]\nport =\n", "is not a number");
	bad("[lan]\nport = 1 2\n", "is not a number");
	bad("[lan]\nenabled = maybe\n", "is not yes or no");
	bad("[lan]\nmdns = bonjour\n", "is not one of auto, daemon, embedded");
	bad("[lan]\npublish = nick,phone\n", "comma-separated list of minimal, nick, jid, msg");
	bad("[lan]\nuser = a@b\n", "a name without '@'");
	bad("[lan]\ninterfaces = eth0,,eth1\n", "t.conf:2: interfaces");
	bad("[engine]\nname =\n", "t.conf:2: name");
	bad("[engine]\nname = living room\n", "t.conf:2: name");
	bad("[policy]\nbuttons = all\n", "one of anyone, known, proved, trusted, nobody");
	bad("[lan]\nport = 1\nport = 2\n", "t.conf:3: \"port\" is given twice");
	bad("[lan]\nnick = a\x01z\n", "t.conf:2: a control character");
	bad("[lan]\nnick = \xff\xfe\n", "t.conf:2: not UTF-8");
	bad("[peer \"box\"]\naddress = tv\n", "a LAN address such as tv@box.local");
}

static void
test_peer_errors(void **state)
{
	char name[64], text[128];

	bad("[peer]\naddress = a@b.local\n", "t.conf:1: a peer's section is written");
	bad("[peer \"\"]\n", "a peer's name has 1 to 40");
	bad("[peer \"a b\"]\n", "letters, digits");
	bad("[peer \"a]b\"]\n", "t.conf:1");
	bad("[peer \"a\"]\n[peer \"a\"]\n", "t.conf:2: [peer \"a\"] is there already");
	bad("[peer \"a\"]\nnick = x\n", "unknown key \"nick\" in [peer \"a\"]");
	memset(name, 'n', 41);
	name[41] = '\0';
	snprintf(text, sizeof(text), "[peer \"%s\"]\n", name);
	bad(text, "a peer's name has 1 to 40");
	memset(name, 'n', 60);
	name[60] = '\0';
	snprintf(text, sizeof(text), "[%s]\n", name);
	bad(text, "at most 49 bytes");
}

static void
test_too_many_peers(void **state)
{
	char *text = NULL, want[64];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (int i = 0; i <= CONF_PEERS_MAX; i++)
		fprintf(out, "[peer \"p%d\"]\n", i);
	fclose(out);
	snprintf(want, sizeof(want), "t.conf:%d: more than %d peers", CONF_PEERS_MAX + 1,
		 CONF_PEERS_MAX);
	bad(text, want);
	*strstr(text, "[peer \"p1024\"]") = '\0';
	conf_free(good(text));
	free(text);
}

/* A value of n bytes in a line that is as long as allowed, and one byte longer. */
static void
test_long_lines(void **state)
{
	char *text = xalloc(CONF_LINE_MAX + 64);

	strncpy(text, "[lan]\n#", 8);
	memset(text + 7, 'x', CONF_LINE_MAX - 1);
	strncpy(text + 7 + CONF_LINE_MAX - 1, "\n", 2);
	conf_free(good(text));
	strncpy(text + 7 + CONF_LINE_MAX - 1, "x\n", 3);
	bad(text, "t.conf:2: longer than 4096 bytes");
	free(text);
}

static char *
dumped(const struct conf *conf)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	conf_dump(conf, out);
	fclose(out);
	return text;
}

static void
test_dump_parses_back(void **state)
{
	struct conf *conf =
		good("[engine]\nname = den\n[lan]\nenabled = no\nport = 7\nnick = A B = c: d\n"
		     "[server]\nkind = account\njid = a@example.org\nport = 5222\n"
		     "secret-file = /tmp/x y\ntls = optional\n[policy]\nchat = nobody\n"
		     "[peer \"box\"]\naddress = tv@pronto.local\nport = 99\n"
		     "[peer \"far\"]\njid = far@example.org\ntrusted = yes\n");
	char *first = dumped(conf), *second;
	struct conf *again = good(first);

	second = dumped(again);
	assert_string_equal(first, second);
	assert_string_equal(again->lan_nick, "A B = c: d");
	assert_string_equal(again->server_secret_file, "/tmp/x y");
	assert_int_equal(again->policy_chat, CONF_NOBODY);
	assert_int_equal(again->peers[0].port, 99);
	assert_true(again->peers[1].trusted);
	for (const struct conf_option *o = conf_options; o->key != NULL; o++)
		assert_non_null(strstr(first, o->key));
	free(first);
	free(second);
	conf_free(conf);
	conf_free(again);
}

static void
unfit(const char *text, const char *want)
{
	struct conf *conf = good(text);

	assert_int_equal(conf_check(conf, error, sizeof(error)), -EINVAL);
	if (strstr(error, want) == NULL)
		fail_msg("\"%s\" does not hold \"%s\"", error, want);
	conf_free(conf);
}

static void
test_check(void **state)
{
	unfit("[server]\nkind = component\n", "server.jid: missing");
	unfit("[server]\nkind = component\njid = tv.nas.local\n", "server.jid: tv.nas.local: ");
	unfit("[server]\nkind = account\njid = tv@NAS.Local./x\n", "is of the LAN");
	unfit("[server]\nkind = component\njid = a@example.org\n", "without @ and /");
	unfit("[server]\nkind = account\njid = example.org\n", "user@domain");
	unfit("[server]\nkind = component\njid = tv.example.org\n", "server.secret-file: missing");
	unfit("[server]\nkind = component\njid = tv.example.org\nsecret-file = /nonexistent/x\n",
	      "/nonexistent/x: No such file");
	unfit("[server]\nkind=account\njid=a@example.org\nsecret-file=/x\ntls=optional\n",
	      "server.tls: optional");
	unfit("[store]\npath = /x\nkind = none\n", "store.path: is the file of kind = sqlite");
	unfit("[store]\nkind = postgres\nurl = host=/x\npath = /x\n", "store.path: is the file");
	unfit("[store]\nurl = host=/run\n", "store.url: is for kind = postgres; here it is sqlite");
	unfit("[store]\nsecret-file = /x\n", "store.secret-file: is for kind = postgres");
	unfit("[store]\nkind = postgres\n", "store.url: missing");
	unfit("[store]\nkind = postgres\nurl = postgresql://a:b@192.0.2.5/x\n", "holds a password");
	unfit("[store]\nkind = postgres\nurl = postgresql://a@192.0.2.5/x?password=b\n",
	      "holds a password");
	unfit("[store]\nkind = postgres\nurl = host=/run password = b\n", "holds a password");
	unfit("[store]\nkind=postgres\nurl=postgresql://a@[::1]:5432/x\nsecret-file=/nonexistent\n",
	      "store.secret-file: /nonexistent: No such file");
	unfit("[local]\ngroup = no-such-group-here\n", "local.group: no group");
	unfit("[peer \"a\"]\n", "peer \"a\": has neither");
	unfit("[peer \"a\"]\njid = a@example.org\nhost = 192.0.2.1\n", "address must be too");
	unfit("[peer \"a\"]\naddress = a@b.local\ntrusted = yes\n", "trusted is about its jid");
	unfit("[engine]\nname = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
	      "[lan]\nuser = bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n",
	      "together longer than 59");
}

static void
write_file(const char *path, const char *bytes, size_t length, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static void
test_files(void **state)
{
	char folder[] = "/tmp/earshot-conf-XXXXXX", path[64], found[96];
	struct conf *conf = conf_new();
	char *big, *secret, *file;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/f", folder);
	assert_int_equal(conf_read(conf, path, error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, path));
	write_file(path, "[lan]\nport\0 = 1\n", 16, 0600);
	assert_int_equal(conf_read(conf, path, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, ":2: a control character"));
	big = xalloc(1024 * 1024 + 1);
	memset(big, '\n', 1024 * 1024 + 1);
	write_file(path, big, 1024 * 1024 + 1, 0600);
	free(big);
	assert_int_equal(conf_read(conf, path, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "larger than"));
	assert_int_equal(conf_read(conf, folder, error, sizeof(error)), -EISDIR);

	write_file(path, "s3cret\nmore\n", 12, 0600);
	assert_int_equal(conf_secret(path, &secret), 0);
	assert_string_equal(secret, "s3cret");
	free(secret);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(conf_secret(path, &secret), -EPERM);
	assert_null(secret);
	write_file(path, "\n", 1, 0600);
	assert_int_equal(conf_secret(path, &secret), -ENODATA);
	assert_int_equal(conf_secret(folder, &secret), -EINVAL);
	unlink(path);

	setenv("XDG_CONFIG_HOME", folder, 1);
	snprintf(path, sizeof(path), "%s/earshot", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(found, sizeof(found), "%s/earshotd.conf", path);
	write_file(found, "[lan]\n", 6, 0600);
	file = conf_find_file();
	assert_non_null(file);
	if (access("/etc/earshot/earshotd.conf", F_OK) != 0)
		assert_string_equal(file, found);
	free(file);
	unlink(found);
	rmdir(path);
	rmdir(folder);
	conf_free(conf);
}

/* Whoever is not on this machine has no business with it. */
static void
test_metrics_endpoint(void **state)
{
	struct conf *conf = good("[engine]\nmetrics = [::1]:9298\nlog = debug\n");

	assert_string_equal(conf->engine_metrics, "[::1]:9298");
	assert_int_equal(conf->engine_log, CONF_LOG_DEBUG);
	conf_free(conf);
	bad("[engine]\nmetrics = 0.0.0.0:9298\n", "an address of this machine");
	bad("[engine]\nmetrics = 192.0.2.1:9298\n", "t.conf:2");
	bad("[engine]\nmetrics = localhost:9298\n", "an address of this machine");
	bad("[engine]\nmetrics = 9298\n", "an address of this machine");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),    cmocka_unit_test(test_metrics_endpoint),
		cmocka_unit_test(test_values),      cmocka_unit_test(test_errors),
		cmocka_unit_test(test_peer_errors), cmocka_unit_test(test_too_many_peers),
		cmocka_unit_test(test_long_lines),  cmocka_unit_test(test_dump_parses_back),
		cmocka_unit_test(test_check),       cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
