/* SPDX-License-Identifier: ISC */
/* url.h: which URLs a remote sender may have a player open. */
#ifndef PLAYER_URL_H
#define PLAYER_URL_H

#include <stdbool.h>

/*
 * A player opens far more than media when it is given the right words: it runs programs (Kodi's
 * plugin:, mpv's ytdl:), reads devices and descriptors (mpv's av:, fd:, dvd:, tv:), hands the box's
 * credentials to a server (smb:, sftp:), and takes options in the text (Kodi's url|option, the
 * blank of rtmp, mpv's lavf: and edl:). So only this is playable:
 *
 *	http https ftp ftps rtsp rtsps rtmp rtmps mms mmsh	of some host
 *	udp rtp		of some host; no query, which FFmpeg takes for options (sizes of buffers)
 *	file:///path	absolute, without "..", outside of where a system keeps what is no file
 *			(/dev, /proc, /sys, /run but for /run/media): whom the box trusts may play
 *			its own files
 *
 * without blanks, controls and the characters that RFC 3986 section 2 leaves to no URL; characters
 * beyond ASCII (RFC 3987) are taken as they are. Names are not looked up: whom the box trusts to
 * open a URL may have it fetch from any host, this one too.
 *
 * player.c asks before a press reaches its kind, and answers -ERANGE.
 */
bool player_url_is_playable(const char *url);

#endif
