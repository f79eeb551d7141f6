/* SPDX-License-Identifier: ISC */
/* test_pins.c: whom we know: what is found how, what is stored when, who goes when it is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trust/pins_impl.h"

static char dir[64], path[96], error[512];
static unsigned syncs;
static int sync_fails; /* errno of the next ones */

/* In the place of the C library's: how often a change waits for the disk is what we count. */
int
fsync(int fd)
{
	syncs++;
	if (sync_fails != 0) {
		errno = sync_fails;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static int
setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/test_pins.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/pins", dir);
	syncs = 0;
	sync_fails = 0;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "pins", "pins.lock", "pins.new" };
	char file[96];

	for (size_t i = 0; i < 3; i++) {
		snprintf(file, sizeof(file), "%s/%s", dir, names[i]);
		unlink(file);
	}
	return rmdir(dir);
}

static struct pins *
open_pins(const char *where)
{
	struct pins *pins = pins_open(where, error, sizeof(error));

	if (pins == NULL)
		fail_msg("%s", error);
	return pins;
}

static struct ear_key
key_of(unsigned n)
{
	struct ear_key key = { { 0 } };

	memcpy(key.sha256, &n, sizeof(n));
	return key;
}

static int
put(struct pins *pins, unsigned n, enum ear_voucher voucher, const char *address, const char *jid)
{
	struct ear_key key = key_of(n);
	struct pin *pin = pin_new(&key);
	int rc;

	pin->voucher = voucher;
	if (address != NULL)
		pin_add_address(pin, address);
	if (jid != NULL)
		pin_add_jid(pin, jid);
	rc = pins_put(pins, pin);
	pin_free(pin);
	return rc;
}

static const struct pin *
find(const struct pins *pins, unsigned n)
{
	struct ear_key key = key_of(n);

	return pins_find(pins, &key);
}

static struct pin *
full_pin(void)
{
	struct ear_key key = key_of(7);
	struct pin *pin = pin_new(&key);

	free(pin->name);
	pin->name = strdup("Living \"room\"\n<&> \xc3\xbc");
	pin->voucher = EAR_BY_PAIRING;
	pin->trusted = pin->revoked = pin->met = true;
	pin_add_address(pin, "tv@box.local");
	pin_add_address(pin, "tv@pronto.local");
	pin_add_jid(pin, "tv.example.org");
	pin_add_jid(pin, "juliet@example.org/a\"<b>&c'");
	pin->seen_at = 1795240800;
	pin->checked_at = 1795240801;
	return pin;
}

static void
check_full(const struct pin *pin)
{
	assert_non_null(pin);
	assert_string_equal(pin->name, "Living \"room\"\n<&> \xc3\xbc");
	assert_int_equal(pin->voucher, EAR_BY_PAIRING);
	assert_true(pin->trusted && pin->revoked && pin->met);
	assert_int_equal(pin->address_count, 2);
	assert_string_equal(pin->addresses[0], "tv@pronto.local");
	assert_string_equal(pin->addresses[1], "tv@box.local");
	assert_int_equal(pin->jid_count, 2);
	assert_string_equal(pin->jids[0], "juliet@example.org/a\"<b>&c'");
	assert_string_equal(pin->jids[1], "tv.example.org");
	assert_int_equal(pin->seen_at, 1795240800);
	assert_int_equal(pin->checked_at, 1795240801);
}

static void
test_everything_comes_back(void **state)
{
	struct pins *pins = open_pins(dir);
	struct pin *pin = full_pin();
	struct stat st;

	assert_int_equal(pins_put(pins, pin), 0);
	pin_free(pin);
	check_full(find(pins, 7));
	pins_free(pins);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	pins = open_pins(dir);
	assert_int_equal(pins_count(pins), 1);
	check_full(find(pins, 7));
	/* What is borrowed may be put again. */
	assert_int_equal(pins_put(pins, find(pins, 7)), 0);
	check_full(pins_at_index(pins, 0));
	assert_null(pins_at_index(pins, 1));
	pins_free(pins);
}

static void
test_in_memory_only(void **state)
{
	struct pins *pins = open_pins(NULL);

	assert_int_equal(put(pins, 1, EAR_BY_USER, "tv@box.local", NULL), 0);
	assert_non_null(find(pins, 1));
	assert_int_equal(pins_flush(pins), 0);
	assert_int_equal(syncs, 0);
	pins_free(pins);
}

static void
test_at_address(void **state)
{
	struct pins *pins = open_pins(NULL);
	struct pin *moved;

	put(pins, 1, EAR_BY_NOBODY, "tv@box.local", NULL);
	assert_ptr_equal(pins_at(pins, "tv@box.local"), find(pins, 1));
	put(pins, 2, EAR_BY_NOBODY, "tv@box.local", NULL);
	assert_ptr_equal(pins_at(pins, "tv@box.local"), find(pins, 2));
	/* It has another address by now: where it was is who came there after it. */
	moved = pin_copy(find(pins, 2));
	pin_add_address(moved, "tv@box-2.local");
	pins_put(pins, moved);
	assert_ptr_equal(pins_at(pins, "tv@box.local"), find(pins, 1));
	assert_ptr_equal(pins_at(pins, "tv@box-2.local"), find(pins, 2));
	assert_null(pins_at(pins, "tv@elsewhere.local"));
	pin_remove_address(moved, "tv@box-2.local");
	pins_put(pins, moved);
	assert_null(pins_at(pins, "tv@box-2.local"));
	pin_free(moved);
	pins_free(pins);
}

static void
test_of_jid(void **state)
{
	struct pins *pins = open_pins(NULL);
	const struct pin *out[4];

	put(pins, 1, EAR_BY_SERVER, NULL, "juliet@example.org/phone");
	put(pins, 2, EAR_BY_SERVER, NULL, "juliet@example.org/box");
	put(pins, 3, EAR_BY_SERVER, NULL, "tv.example.org");
	put(pins, 4, EAR_BY_SERVER, NULL, "juliet@example.org.evil.example");
	assert_int_equal(pins_of(pins, "juliet@example.org", out, 4), 2);
	assert_ptr_equal(out[0], find(pins, 2));
	assert_ptr_equal(out[1], find(pins, 1));
	assert_int_equal(pins_of(pins, "juliet@example.org", out, 1), 1);
	assert_int_equal(pins_of(pins, "juliet@example.org/phone", out, 4), 1);
	assert_ptr_equal(out[0], find(pins, 1));
	assert_int_equal(pins_of(pins, "juliet@example.org/pho", out, 4), 0);
	assert_int_equal(pins_of(pins, "tv.example.org", out, 4), 1);
	assert_int_equal(pins_of(pins, "example.org", out, 4), 0);
	put(pins, 1, EAR_BY_SERVER, NULL, "romeo@example.org/phone");
	assert_int_equal(pins_of(pins, "juliet@example.org", out, 4), 1);
	pins_free(pins);
}

static void
test_remove(void **state)
{
	struct pins *pins = open_pins(dir);
	struct ear_key key = key_of(1);

	put(pins, 1, EAR_BY_USER, "tv@box.local", "tv.example.org");
	put(pins, 2, EAR_BY_USER, "tv@box.local", NULL);
	assert_int_equal(pins_remove(pins, &find(pins, 1)->key), 0);
	assert_int_equal(pins_remove(pins, &key), -ENOENT);
	assert_ptr_equal(pins_at(pins, "tv@box.local"), find(pins, 2));
	pins_free(pins);
	pins = open_pins(dir);
	assert_null(find(pins, 1));
	assert_non_null(find(pins, 2));
	pins_free(pins);
}

/* What could not be read back would keep the next start from starting. */
static void
test_refuses_what_it_could_not_read(void **state)
{
	struct pins *pins = open_pins(dir);

	assert_int_equal(put(pins, 1, EAR_BY_USER, "TV@Box.local", NULL), -EINVAL);
	assert_int_equal(put(pins, 1, EAR_BY_USER, "tv@box.local\n<end/>", NULL), -EINVAL);
	assert_int_equal(put(pins, 1, EAR_BY_USER, NULL, ""), -EINVAL);
	assert_int_equal(pins_count(pins), 0);
	pins_free(pins);
}

static void
test_long_name_is_cut_between_characters(void **state)
{
	struct pins *pins = open_pins(NULL);
	struct ear_key key = key_of(1);
	struct pin *pin = pin_new(&key);

	free(pin->name);
	pin->name = calloc(1, 1000);
	pin->name[0] = 'x';
	for (size_t i = 1; i < 900; i += 2)
		memcpy(pin->name + i, "\xc3\xbc", 2);
	assert_int_equal(pins_put(pins, pin), 0);
	assert_int_equal(strlen(find(pins, 1)->name), PIN_NAME_MAX - 1);
	memset(pin->name, 0xff, 999); /* each becomes a character of three bytes */
	assert_int_equal(pins_put(pins, pin), 0);
	pin_free(pin);
	assert_int_equal(pins_put(pins, find(pins, 1)), 0);
	pins_free(pins);
}

/* An attacker's keys do not make us wait for the disk; what security hangs on does, each time. */
static void
test_what_waits_for_the_disk(void **state)
{
	struct pins *pins = open_pins(dir);
	struct pin *pin;
	unsigned before;

	put(pins, 0, EAR_BY_NOBODY, NULL, NULL);
	before = syncs;
	for (unsigned i = 1; i <= 500; i++)
		assert_int_equal(put(pins, i, EAR_BY_NOBODY, "tv@box.local", NULL), 0);
	assert_int_equal(syncs, before);
	put(pins, 600, EAR_BY_SERVER, NULL, NULL);
	assert_int_equal(syncs, before + 2); /* the file, then its name */
	pin = pin_copy(find(pins, 600));
	pin->seen_at = 1795240800;
	assert_int_equal(pins_put(pins, pin), 0);
	assert_int_equal(syncs, before + 2);
	pin->revoked = true;
	assert_int_equal(pins_put(pins, pin), 0);
	assert_int_equal(syncs, before + 4);
	/* A record that loses its weight was of weight. */
	pin->revoked = false;
	pin->voucher = EAR_BY_NOBODY;
	assert_int_equal(pins_put(pins, pin), 0);
	assert_int_equal(syncs, before + 6);
	pin_free(pin);
	put(pins, 601, EAR_BY_NOBODY, NULL, NULL);
	assert_int_equal(pins_flush(pins), 0);
	assert_int_equal(syncs, before + 8);
	assert_int_equal(pins_flush(pins), 0);
	assert_int_equal(syncs, before + 8);
	put(pins, 602, EAR_BY_NOBODY, NULL, NULL);
	pins_free(pins);
	pins = open_pins(dir);
	assert_int_equal(pins_count(pins), 504);
	pins_free(pins);
}

/* A change that did not reach the disk is told, kept, and stored with the next. */
static void
test_sync_fails(void **state)
{
	struct pins *pins = open_pins(dir), *other;

	sync_fails = EIO;
	assert_int_equal(put(pins, 1, EAR_BY_USER, NULL, NULL), -EIO);
	assert_non_null(find(pins, 1));
	other = open_pins(dir);
	assert_int_equal(pins_count(other), 0);
	pins_free(other);
	sync_fails = 0;
	assert_int_equal(put(pins, 2, EAR_BY_USER, NULL, NULL), 0);
	other = open_pins(dir);
	assert_int_equal(pins_count(other), 2);
	pins_free(other);
	pins_free(pins);
}

static int
put_published(struct pins *pins, unsigned n, const char *domain)
{
	char jid[96];

	snprintf(jid, sizeof(jid), "%u@%s/x", n, domain);
	return put(pins, n, EAR_BY_SERVER, NULL, jid);
}

static int
put_revoked(struct pins *pins, unsigned n)
{
	struct ear_key key = key_of(n);
	struct pin *pin = pin_new(&key);
	int rc;

	pin->voucher = EAR_BY_SERVER;
	pin->revoked = true;
	rc = pins_put(pins, pin);
	pin_free(pin);
	return rc;
}

/* The longest unseen that nobody vouches for goes first, for whomever. */
static void
test_full(void **state)
{
	struct pins *pins = open_pins(NULL);

	for (unsigned i = 0; i < PINS_MAX; i++)
		assert_int_equal(put(pins, i, i < 3 ? EAR_BY_NOBODY : EAR_BY_USER, NULL, NULL), 0);
	put(pins, 0, EAR_BY_NOBODY, NULL, NULL); /* seen again */
	assert_int_equal(put(pins, 10000, EAR_BY_NOBODY, NULL, NULL), 0);
	assert_null(find(pins, 1));
	assert_int_equal(put_published(pins, 10001, "example.org"), 0);
	assert_null(find(pins, 2));
	assert_int_equal(put(pins, 10002, EAR_BY_USER, NULL, NULL), 0);
	assert_null(find(pins, 0));
	assert_int_equal(put(pins, 10003, EAR_BY_PAIRING, NULL, NULL), 0);
	assert_null(find(pins, 10000));
	assert_int_equal(put(pins, 10004, EAR_BY_NOBODY, NULL, NULL), -ENOBUFS);
	assert_int_equal(put(pins, 10004, EAR_BY_PAIRING, NULL, NULL), 0);
	assert_null(find(pins, 10001));
	assert_int_equal(put(pins, 10005, EAR_BY_PAIRING, NULL, NULL), -ENOBUFS);
	assert_int_equal(pins_count(pins), PINS_MAX);
	assert_int_equal(put(pins, 10003, EAR_BY_PAIRING, NULL, NULL), 0);
	pins_free(pins);
}

/* Somebody's own server publishes keys by the thousand: there is still room for others, and what it
 * displaces is its own. */
static void
test_full_of_published(void **state)
{
	struct pins *pins = open_pins(NULL);
	struct pin *pin;

	assert_int_equal(put_published(pins, 1, "example.org"), 0);
	assert_int_equal(put_published(pins, 2, "example.org"), 0);
	pin = pin_copy(find(pins, 2));
	pin->trusted = true;
	assert_int_equal(pins_put(pins, pin), 0);
	pin_free(pin);
	assert_int_equal(put_revoked(pins, 3), 0);
	for (unsigned i = 4; i <= PINS_MAX; i++)
		assert_int_equal(put_published(pins, i, "evil.example.org"), 0);
	assert_int_equal(put(pins, 10000, EAR_BY_NOBODY, NULL, NULL), -ENOBUFS);
	assert_int_equal(put(pins, 10000, EAR_BY_PAIRING, NULL, NULL), 0);
	assert_int_equal(put_published(pins, 10001, "example.net"), 0);
	assert_int_equal(put_published(pins, 10002, "evil.example.org"), 0);
	for (unsigned i = 4; i < 7; i++)
		assert_null(find(pins, i));
	for (unsigned i = 1; i < 4; i++)
		assert_non_null(find(pins, i));
	assert_int_equal(pins_count(pins), PINS_MAX);
	pins_free(pins);
}

/* Rather than that nobody can be paired, the last words of servers go. */
static void
test_full_of_revoked(void **state)
{
	struct pins *pins = open_pins(NULL);

	for (unsigned i = 0; i < PINS_MAX; i++)
		assert_int_equal(put_revoked(pins, i), 0);
	assert_int_equal(put(pins, 10000, EAR_BY_PAIRING, NULL, NULL), 0);
	assert_null(find(pins, 0));
	pins_free(pins);
}

/* Many changes are one write, and each of them has a later serial than all before. */
static void
test_batch(void **state)
{
	struct pins *pins = open_pins(dir), *other;
	unsigned long long last;

	put(pins, 1, EAR_BY_SERVER, NULL, NULL);
	syncs = 0;
	assert_int_equal(pins_batch(pins, true), 0);
	for (unsigned i = 2; i < 200; i++)
		assert_int_equal(put(pins, i, EAR_BY_SERVER, NULL, NULL), 0);
	assert_int_equal(syncs, 0);
	assert_int_equal(pins_batch(pins, false), 0);
	assert_int_equal(syncs, 2);
	last = pins_serial(pins, pins_count(pins) - 1);
	other = open_pins(dir);
	assert_int_equal(pins_count(other), 199);
	put(other, 1000, EAR_BY_SERVER, NULL, NULL);
	pins_free(other);
	put(pins, 1001, EAR_BY_SERVER, NULL, NULL);
	assert_int_equal(pins_count(pins), 201);
	assert_non_null(find(pins, 1000));
	assert_true(pins_serial(pins, 199) > last);
	assert_true(pins_serial(pins, 200) > pins_serial(pins, 199));
	assert_int_equal(pins_batch(pins, true), 0);
	assert_int_equal(pins_batch(pins, false), 0);
	sync_fails = EIO;
	pins_batch(pins, true);
	assert_int_equal(put(pins, 1002, EAR_BY_SERVER, NULL, NULL), 0);
	assert_int_equal(pins_batch(pins, false), -EIO);
	sync_fails = 0;
	pins_free(pins);
}

/* More keys than there is room for, by the thousand: what is vouched for is still there, and so is
 * a file that can be read. */
static void
test_flood(void **state)
{
	struct pins *pins = open_pins(dir);

	put(pins, 1000000, EAR_BY_PAIRING, "tv@box.local", NULL);
	for (unsigned i = 0; i < 2 * PINS_MAX + 100; i++)
		assert_int_equal(put(pins, i, EAR_BY_NOBODY, "evil@box.local", NULL), 0);
	assert_int_equal(pins_count(pins), PINS_MAX);
	pins_free(pins);
	pins = open_pins(dir);
	assert_int_equal(pins_count(pins), PINS_MAX);
	assert_non_null(find(pins, 1000000));
	assert_non_null(find(pins, 2 * PINS_MAX + 99));
	assert_null(find(pins, 0));
	pins_free(pins);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_everything_comes_back),
		TEST(test_in_memory_only),
		TEST(test_at_address),
		TEST(test_of_jid),
		TEST(test_remove),
		TEST(test_refuses_what_it_could_not_read),
		TEST(test_long_name_is_cut_between_characters),
		TEST(test_what_waits_for_the_disk),
		TEST(test_sync_fails),
		TEST(test_full),
		TEST(test_full_of_published),
		TEST(test_full_of_revoked),
		TEST(test_batch),
		TEST(test_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
