/* SPDX-License-Identifier: ISC */
/* test_txt.c: the TXT record: order, privacy, what of a foreign one is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "discover/txt.h"

static uint8_t wire[4096];

/* Strings with newlines between, as a record. */
static size_t
record(const char *lines)
{
	size_t at = 0;

	while (*lines != '\0') {
		size_t length = strcspn(lines, "\n");

		wire[at++] = (uint8_t)length;
		memcpy(wire + at, lines, length);
		at += length;
		lines += length + (lines[length] == '\n');
	}
	return at;
}

/* The record as strings with newlines between. */
static const char *
lines_of(int length)
{
	static char text[4096];
	size_t n = 0;

	assert_true(length >= 0);
	for (int at = 0; at < length; at += 1 + wire[at]) {
		memcpy(text + n, wire + at + 1, wire[at]);
		n += wire[at];
		text[n++] = '\n';
	}
	text[n] = '\0';
	return text;
}

static struct txt
decoded(const char *lines)
{
	struct txt txt;

	assert_int_equal(txt_decode(wire, record(lines), &txt), 0);
	return txt;
}

static struct txt
juliet(void)
{
	struct txt txt = { .nick = "JuliC",
			   .first = "Juliet",
			   .last = "Capulet",
			   .email = "juliet@example.org",
			   .jid = "juliet@example.org",
			   .msg = "Hanging out",
			   .status = "avail",
			   .node = "https://example.org/",
			   .hash = "sha-1",
			   .ver = "QgayPKawpkPSDYmwT/WM94uAlu0=",
			   .vc = "CA!",
			   .phsh = "a3839614",
			   .port = 5562 };

	return txt;
}

static void
test_order_of_the_record(void **state)
{
	struct txt txt = juliet();
	int length = txt_encode(&txt, "nick, 1st,last,email,jid,msg,phsh", wire, sizeof(wire));

	assert_string_equal(lines_of(length), "txtvers=1\n1st=Juliet\nemail=juliet@example.org\n"
					      "hash=sha-1\njid=juliet@example.org\nlast=Capulet\n"
					      "msg=Hanging out\nnick=JuliC\n"
					      "node=https://example.org/\nphsh=a3839614\n"
					      "port.p2pj=5562\nstatus=avail\nvc=CA!\n"
					      "ver=QgayPKawpkPSDYmwT/WM94uAlu0=\n");
}

/* XEP-0174 §13.3: nothing personal unless it was asked for. */
static void
test_privacy(void **state)
{
	struct txt txt = juliet();

	assert_string_equal(lines_of(txt_encode(&txt, "minimal", wire, sizeof(wire))),
			    "txtvers=1\nhash=sha-1\nnode=https://example.org/\n"
			    "port.p2pj=5562\nstatus=avail\nvc=CA!\n"
			    "ver=QgayPKawpkPSDYmwT/WM94uAlu0=\n");
	assert_non_null(strstr(lines_of(txt_encode(&txt, "nick", wire, sizeof(wire))), "nick="));
	assert_null(strstr(lines_of(txt_encode(&txt, "nickname", wire, sizeof(wire))), "nick="));
	assert_null(strstr(lines_of(txt_encode(&txt, "", wire, sizeof(wire))), "jid="));
}

static void
test_empty_values_are_left_out(void **state)
{
	struct txt txt = { .nick = "x" };

	assert_string_equal(lines_of(txt_encode(&txt, "nick,jid", wire, sizeof(wire))),
			    "txtvers=1\nnick=x\n");
}

static void
test_there_and_back(void **state)
{
	struct txt txt = juliet(), again;
	int length = txt_encode(&txt, "nick,1st,last,email,jid,msg,phsh", wire, sizeof(wire));

	assert_int_equal(txt_decode(wire, (size_t)length, &again), 0);
	assert_memory_equal(&txt, &again, sizeof(txt));
}

static void
test_too_long_to_encode(void **state)
{
	struct txt txt = juliet();

	assert_int_equal(txt_encode(&txt, "minimal", wire, 20), -EMSGSIZE);
	memset(txt.msg, 'm', TXT_STRING_MAX);
	assert_int_equal(txt_encode(&txt, "msg", wire, sizeof(wire)), -EMSGSIZE);
	assert_true(txt_encode(&txt, "minimal", wire, sizeof(wire)) > 0);
	memset(txt.nick, 'n', 250);
	memset(txt.first, 'f', 250);
	memset(txt.last, 'l', 250);
	memset(txt.email, 'e', 249);
	memset(txt.jid, 'j', 250);
	assert_int_equal(txt_encode(&txt, "nick,1st,last,email,jid", wire, sizeof(wire)),
			 -EMSGSIZE);
}

/* RFC 6763 §6.4: case does not matter, the first counts, also when it is worthless. */
static void
test_keys(void **state)
{
	assert_string_equal(decoded("NICK=a\nnick=b").nick, "a");
	assert_string_equal(decoded("nick\nnick=b").nick, "");
	assert_string_equal(decoded("nick=\nnick=b").nick, "");
	assert_string_equal(decoded("nick=\x01\nnick=b").nick, "");
	assert_string_equal(decoded("nick=a=b").nick, "a=b");
	assert_string_equal(decoded("=x\nnic=x\nnickk=x\n nick=x\nlast=y").nick, "");
	assert_string_equal(decoded("org.freedesktop.Avahi.cookie=1\nlast=y").last, "y");
}

static void
test_values_that_break_the_rules(void **state)
{
	assert_string_equal(decoded("msg=a\tb").msg, "");
	assert_string_equal(decoded("msg=a\x7f").msg, "");
	assert_string_equal(decoded("msg=\x1b[31mred").msg, "");
	assert_string_equal(decoded("msg=\xc2\x85").msg, "");
	assert_string_equal(decoded("msg=\xe2\x80\xa8").msg, "");
	assert_string_equal(decoded("msg=\xff\xfe").msg, "");
	assert_string_equal(decoded("msg=\xc0\xaf").msg, "");
	assert_string_equal(decoded("msg=\xed\xa0\x80").msg, "");
	assert_string_equal(decoded("msg=gr\xc3\xbc\xc3\x9f").msg, "gr\xc3\xbc\xc3\x9f");
	assert_string_equal(decoded("hash=a-hash-name-that-is-longer-than-any").hash, "");
	assert_string_equal(decoded("status=busy").status, "");
	assert_string_equal(decoded("status=DND").status, "dnd");
}

static void
test_nul_in_a_value(void **state)
{
	static const uint8_t nul[] = "\x08nick=a\0b";
	struct txt txt;

	assert_int_equal(txt_decode(nul, sizeof(nul) - 1, &txt), 0);
	assert_string_equal(txt.nick, "");
}

static void
test_ports(void **state)
{
	assert_int_equal(decoded("port.p2pj=5562").port, 5562);
	assert_int_equal(decoded("port.p2pj=65535").port, 65535);
	assert_int_equal(decoded("port.p2pj=65536").port, 0);
	assert_int_equal(decoded("port.p2pj=-1").port, 0);
	assert_int_equal(decoded("port.p2pj=").port, 0);
	assert_int_equal(decoded("port.p2pj=5562 ").port, 0);
	assert_int_equal(decoded("port.p2pj=99999999999999999999").port, 0);
}

/* RFC 6763 §6.1: no record, no string and a single zero byte all mean: nothing to say. */
static void
test_nothing(void **state)
{
	static const struct txt none;
	struct txt txt;

	assert_int_equal(txt_decode(wire, 0, &txt), 0);
	assert_memory_equal(&txt, &none, sizeof(txt));
	wire[0] = 0;
	assert_int_equal(txt_decode(wire, 1, &txt), 0);
	assert_memory_equal(&txt, &none, sizeof(txt));
}

static void
test_string_past_the_end(void **state)
{
	size_t length = record("nick=a\nlast=b");
	struct txt txt;

	assert_int_equal(txt_decode(wire, length - 1, &txt), -EBADMSG);
	assert_string_equal(txt.nick, "a");
	assert_string_equal(txt.last, "");
	wire[0] = 255;
	assert_int_equal(txt_decode(wire, 1, &txt), -EBADMSG);
}

static void
test_too_long(void **state)
{
	size_t at = record("nick=a");
	struct txt txt;

	for (int i = 0; i < 6; i++) {
		wire[at] = 255;
		memset(wire + at + 1, 'x', 255);
		at += 256;
	}
	assert_true(at > TXT_MAX);
	assert_int_equal(txt_decode(wire, at, &txt), -EMSGSIZE);
	assert_string_equal(txt.nick, "a");
	memset(wire, 0, TXT_MAX + 1);
	assert_int_equal(txt_decode(wire, TXT_MAX, &txt), 0);
	assert_int_equal(txt_decode(wire, TXT_MAX + 1, &txt), -EMSGSIZE);
}

static void
test_too_many_keys(void **state)
{
	char lines[TXT_KEYS_MAX * 2 + 32] = "";
	struct txt txt;
	size_t length;

	for (int i = 0; i < TXT_KEYS_MAX - 1; i++)
		memcpy(lines + 2 * i, "x\n", 3);
	memcpy(lines + 2 * (TXT_KEYS_MAX - 1), "nick=a\nlast=b", 14);
	length = record(lines);
	assert_int_equal(txt_decode(wire, length, &txt), -EMSGSIZE);
	assert_string_equal(txt.nick, "a");
	assert_string_equal(txt.last, "");
	assert_int_equal(txt_decode(wire, length - 7, &txt), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_of_the_record),
		cmocka_unit_test(test_privacy),
		cmocka_unit_test(test_empty_values_are_left_out),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_too_long_to_encode),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_values_that_break_the_rules),
		cmocka_unit_test(test_nul_in_a_value),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_string_past_the_end),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_too_many_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
