/* SPDX-License-Identifier: ISC */
/* conf.h: the configuration file: one table of options, read by parser, dump, check and man page
 * test. */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CONF_PEERS_MAX 1024
#define CONF_LINE_MAX  4096 /* bytes of one line; a longer one is an error with its number */

/* base does not depend on its own order: as enum ear_log_level. */
enum conf_log { CONF_LOG_ERROR, CONF_LOG_WARN, CONF_LOG_INFO, CONF_LOG_DEBUG };
enum conf_mdns { CONF_MDNS_AUTO, CONF_MDNS_DAEMON, CONF_MDNS_EMBEDDED, CONF_MDNS_OFF };
enum conf_server { CONF_SERVER_NONE, CONF_SERVER_COMPONENT, CONF_SERVER_ACCOUNT };
enum conf_tls { CONF_TLS_REQUIRED, CONF_TLS_OPTIONAL };
enum conf_plaintext { CONF_PLAINTEXT_WARN, CONF_PLAINTEXT_ALLOW, CONF_PLAINTEXT_DENY };
/* base knows no XMPP: same order as enum ear_level, asserted where both are seen. */
enum conf_level { CONF_ANYONE, CONF_KNOWN, CONF_PROVED, CONF_TRUSTED, CONF_NOBODY };

/* [peer "name"]: somebody the configuration knows. */
struct conf_peer {
	char *name;
	char *address; /* user@machine.local */
	char *jid;     /* the same device behind the server; the operator vouches for the pair */
	char *host;    /* where multicast does not reach (base/place.h); NULL: found by mDNS */
	unsigned port;
	bool trusted; /* stanzas that the server stamps with jid may do what trusted ones may */
};

struct conf {
	char *file;         /* that was read last; NULL: none, the defaults */
	char *engine_name;  /* default: the host name */
	char *engine_state; /* directory of what survives a restart; NULL: conf_default_state */
	enum conf_log engine_log;
	char *engine_metrics; /* where the figures are served: "127.0.0.1:9298"; NULL: nowhere */
	bool lan_enabled;
	char *lan_user; /* default: the login name */
	unsigned lan_port;
	char *lan_interfaces; /* "all" or a comma-separated list */
	enum conf_mdns lan_mdns;
	char *lan_publish; /* "minimal" or a comma-separated list of TXT keys */
	char *lan_nick, *lan_status,
		*lan_message; /* published if lan_publish says so; status: avail, away, dnd */
	enum conf_server server_kind;
	char *server_jid, *server_host;
	unsigned server_port; /* 0: by kind and SRV */
	char *server_secret_file, *server_ca_file;
	enum conf_tls server_tls;
	char *player_kind, *player_socket, *player_url, *player_name, *player_secret_file;
	bool player_chat; /* words typed to the box press its buttons */
	enum conf_plaintext policy_plaintext;
	enum conf_level policy_query, policy_chat, policy_state, policy_buttons, policy_subscribe,
		policy_publish, policy_pair, policy_other;
	char *store_kind, *store_path, *store_url, *store_secret_file;
	unsigned store_nodes_per_owner; /* that he has created; not of who is trusted */
	char *local_socket;             /* default: $XDG_RUNTIME_DIR/earshot.sock, as root
					   /run/earshot/earshot.sock */
	char *local_group;              /* its members get in besides owner and root */
	struct conf_peer *peers;
	size_t peer_count;
};

/* Room for an error with file, line and key. */
#define CONF_ERROR_SIZE 512

/* The defaults of the table. The caller frees it with conf_free. */
struct conf *conf_new(void);
void conf_free(struct conf *conf);

/*
 * Reads a file on top of conf. 0, or -errno with error filled: -ENOENT no file; -EINVAL unknown
 * section or key, bad value, line too long ("FILE:LINE: what"). */
int conf_read(struct conf *conf, const char *path, char *error, size_t size);

/* The same from memory; name stands for the file in errors. */
int conf_parse(struct conf *conf, const char *text, const char *name, char *error, size_t size);

/* What no single option can tell: component without jid, secret file missing ... Errors as
 * conf_read. */
int conf_check(const struct conf *conf, char *error, size_t size);

/* What a change of options concerns: one bit each. */
enum conf_part {
	CONF_PART_WHOLE = 1, /* the whole engine */
	CONF_PART_PEERS = 2,
	CONF_PART_PUBLISHED = 4, /* what mDNS tells */
	CONF_PART_SERVER = 8,
	CONF_PART_PLAYER = 16,
	CONF_PART_METRICS = 32,
	CONF_PART_NONE = 64, /* looked up whenever it is needed */
};

/* Compares two: the parts that are not the same, after fn for each option or section that is not:
 * "policy.chat: trusted", "peer \"box\": added". fn may be NULL. */
unsigned conf_compare(const struct conf *old, const struct conf *fresh,
		      void (*fn)(void *arg, const char *text), void *arg);

/* Writes all options with their values, defaults and help as a configuration file that parses. */
void conf_dump(const struct conf *conf, FILE *out);

/* Reads a secret: first line of a file not readable by others (-EPERM). The caller wipes and frees.
 */
int conf_secret(const char *path, char **secret);

/* The paths cli.md names, first existing one first; NULL when none exists. The caller frees. */
char *conf_find_file(void);

/* $STATE_DIRECTORY (its first), $XDG_STATE_HOME/earshot, ~/.local/state/earshot. The caller frees;
 * NULL: none of them is known. */
char *conf_default_state(void);

/* The socket path used when the configuration names none. The caller frees. */
char *conf_default_socket(void);

#endif
