/* SPDX-License-Identifier: ISC */
/* test_url.c: what may be opened, and the many ways to ask for more than that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <earshot/player.h>

#include "player/url.h"

#define EACH(name, list) for (size_t name = 0; name < sizeof(list) / sizeof((list)[0]); name++)

static void
test_playable(void **state)
{
	static const char *const urls[] = {
		"http://example.org/clip.webm",
		"https://example.org",
		"HTTPS://example.org/a?b=c&d=%20e#f",
		"http://[2001:db8::1]:8000/stream",
		"http://someone:secret@example.org/a[1].mp3",
		"http://example.org/gr\xc3\xbc\xc3\x9f"
		"e.mp3",
		"ftp://example.org/pub/clip.ogg",
		"rtsp://example.org/camera?tcp",
		"rtmp://example.org/live/key",
		"mms://example.org/radio",
		"udp://239.0.0.1:1234",
		"udp://@239.0.0.1:1234",
		"rtp://239.0.0.1:5004/",
		"file:///srv/media/clip.mp4",
		"file:///home/juliet/Two%20households.mkv",
		"file:///srv/100%25.ogg",
		"file:///srv/...and/.hidden/a..b.mp3",
		"file:///run/media/juliet/stick/clip.mp4",
		"file:///devices/clip.mp4",
	};

	EACH(i, urls)
	if (!player_url_is_playable(urls[i]))
		fail_msg("%s is not playable", urls[i]);
}

/* What players make of each of these is in url.h. */
static void
test_beyond(void **state)
{
	static const char *const urls[] = {
		"",
		":",
		"clip.mp4",
		"/srv/media/clip.mp4",
		"-",
		"--script=/tmp/a.lua",
		"://example.org/",
		"http",
		"http:",
		"http:/example.org/",
		"http:example.org",
		"http:///clip.mp4",
		"http://?a",
		"httpx://example.org/",
		"http+unix://example.org/",
		" http://example.org/",
		"http://example.org/a b",
		"http://example.org/a\nb",
		"http://example.org/a\x7f",
		"http://example.org/a\xff",
		"http://example.org/a|verifypeer=false",
		"http://example.org/a\\b",
		"rtmp://example.org/a playpath=b",
		"udp://239.0.0.1:1234?fifo_size=1000000000",
		"rtp://239.0.0.1:5004/?localrtpport=1",
		"tcp://0.0.0.0:80?listen",
		"srt://:4200?mode=listener",
		"lavf://http://example.org/",
		"ffmpeg://concat:/etc/passwd",
		"av://v4l2:/dev/video0",
		"av://lavfi:movie=/etc/passwd",
		"edl://%4%clip,length=5",
		"edl://clip;!new_stream",
		"memory://a",
		"hex://4141",
		"fd://3",
		"fdclose://3",
		"slice://0-100@/etc/passwd",
		"archive://%2Fetc%2Fpasswd%7C%2Fa",
		"appending:///var/log/syslog",
		"mf://*.png",
		"ytdl://example.org",
		"bd://",
		"dvd://1//dev/sr0",
		"cdda://",
		"tv://",
		"dvb://a",
		"smb://example.org/share/a",
		"sftp://example.org/a",
		"nfs://example.org/a",
		"plugin://script.module/",
		"script://a",
		"special://home/a",
		"stack://a , b",
		"zip://a",
		"upnp://a",
		"alsa://hw:0",
		"vlc://quit",
		"screen://",
		"v4l2:///dev/video0",
		"data:text/plain,a",
		"javascript:alert(1)",
		"concat:a|b",
		"crypto:file:///a",
		"subfile,,start,0,end,9,,:/etc/passwd",
	};

	EACH(i, urls)
	if (player_url_is_playable(urls[i]))
		fail_msg("%s is playable", urls[i]);
}

static void
test_file(void **state)
{
	static const char *const urls[] = {
		"file:",
		"file://",
		"file:///",
		"file:/srv/a",
		"file:srv/a",
		"file://example.org/srv/a",
		"file://localhost/srv/a",
		"file:////dev/video0",
		"file:///dev",
		"file:///dev/video0",
		"file:///%64ev/video0",
		"file:///%2Fdev/video0",
		"file:///%2fdev/video0",
		"file:///dev%2Fvideo0",
		"file:///./dev/video0",
		"file:///srv/../dev/video0",
		"file:///srv/%2e%2E/dev/video0",
		"file:///srv/.%2e/dev/video0",
		"file:///srv//a",
		"file:///srv/..",
		"file:///proc/self/fd/3",
		"file:///sys/kernel",
		"file:///run/earshot/mpv.sock",
		"file:///var/run/earshot/mpv.sock",
		"file:///run/media/../a",
		"file:///srv/a%",
		"file:///srv/a%2",
		"file:///srv/a%zz",
		"file:///srv/a%00",
		"file:///srv/a%0a",
		"file:///srv/a%7F",
	};

	EACH(i, urls)
	if (player_url_is_playable(urls[i]))
		fail_msg("%s is playable", urls[i]);
}

static void
test_length(void **state)
{
	char url[EAR_URL_MAX + 1] = "http://example.org/";

	memset(url + strlen(url), 'a', EAR_URL_MAX - strlen(url));
	assert_false(player_url_is_playable(url));
	url[EAR_URL_MAX - 1] = '\0';
	assert_true(player_url_is_playable(url));
	memcpy(url, "file:///srv/aaaaaaa", 19);
	assert_true(player_url_is_playable(url));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_playable),
		cmocka_unit_test(test_beyond),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
