/* SPDX-License-Identifier: ISC */
/* purple.c: a headless client on libpurple's Bonjour protocol, as Pidgin, finch and bitlbee speak
 * it. */
#include <glib-unix.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <purple.h>

/*
 * usage: purple -u USER [-p PORT] [-d FOLDER]
 *
 * It needs avahi-daemon, and the system bus for it. What happens is printed a line each:
 *
 *	ready                    the account is connected
 *	online BUDDY             a peer appeared          offline BUDDY   it went
 *	status BUDDY ID [TEXT]   its status changed; ID is available, away or offline
 *	opened BUDDY             a conversation began     closed BUDDY    it ended
 *	message BUDDY TEXT       a message came
 *	sent BUDDY TEXT          one was handed to libpurple
 *	typing BUDDY | paused BUDDY
 *	notice BUDDY TEXT        what libpurple tells the user in the conversation, errors for
 *	                         example
 *	error TEXT               the account, or a command that was wrong
 *
 * Commands, a line each on standard input:
 *
 *	send BUDDY TEXT          close BUDDY              status available|away [TEXT]
 *	list                     quit
 *
 * BUDDY is written as libpurple has it: user@machine. A line break within a text is printed as \n.
 */

static GMainLoop *loop;
static PurpleAccount *account;

static void say(const char *, ...) G_GNUC_PRINTF(1, 2);

/* One line, whatever the text has in it. */
static void
say(const char *format, ...)
{
	va_list args;
	char *text, **lines, *joined;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	lines = g_strsplit(text, "\n", -1);
	joined = g_strjoinv("\\n", lines);
	printf("%s\n", joined);
	g_free(joined);
	g_strfreev(lines);
	g_free(text);
}

/* libpurple's event loop on GLib's. */

struct watch {
	PurpleInputFunction call;
	gpointer data;
};

static gboolean
on_ready(gint fd, GIOCondition condition, gpointer data)
{
	struct watch *watch = data;
	int seen = 0;

	if ((condition & (G_IO_IN | G_IO_HUP | G_IO_ERR)) != 0)
		seen |= PURPLE_INPUT_READ;
	if ((condition & (G_IO_OUT | G_IO_HUP | G_IO_ERR)) != 0)
		seen |= PURPLE_INPUT_WRITE;
	watch->call(watch->data, fd, (PurpleInputCondition)seen);
	return TRUE;
}

static guint
input_add(int fd, PurpleInputCondition condition, PurpleInputFunction call, gpointer data)
{
	struct watch *watch = g_new(struct watch, 1);
	int wanted = G_IO_HUP | G_IO_ERR;

	watch->call = call;
	watch->data = data;
	if ((condition & PURPLE_INPUT_READ) != 0)
		wanted |= G_IO_IN;
	if ((condition & PURPLE_INPUT_WRITE) != 0)
		wanted |= G_IO_OUT;
	return g_unix_fd_add_full(G_PRIORITY_DEFAULT, fd, (GIOCondition)wanted, on_ready, watch,
				  g_free);
}

static PurpleEventLoopUiOps loop_ops = {
	.timeout_add = g_timeout_add,
	.timeout_add_seconds = g_timeout_add_seconds,
	.timeout_remove = g_source_remove,
	.input_add = input_add,
	.input_remove = g_source_remove,
};

/* What libpurple tells. */

static void
on_write(PurpleConversation *conv, const char *name, const char *alias, const char *message,
	 PurpleMessageFlags flags, time_t when)
{
	const char *buddy = purple_conversation_get_name(conv);
	char *text = purple_markup_strip_html(message);

	if ((flags & PURPLE_MESSAGE_RECV) != 0)
		say("message %s %s", buddy, text);
	else if ((flags & PURPLE_MESSAGE_SEND) != 0)
		say("sent %s %s", buddy, text);
	else
		say("notice %s %s", buddy, text);
	g_free(text);
}

static void
on_conversation(PurpleConversation *conv)
{
	say("opened %s", purple_conversation_get_name(conv));
}

static void
on_conversation_end(PurpleConversation *conv, gpointer data)
{
	say("closed %s", purple_conversation_get_name(conv));
}

static PurpleConversationUiOps conv_ops = {
	.create_conversation = on_conversation,
	.write_conv = on_write,
};

static void
on_online(PurpleBuddy *buddy, gpointer data)
{
	say("online %s", purple_buddy_get_name(buddy));
}

/* libpurple takes a peer without a conversation off the list; another one becomes offline. */
static void
on_offline(PurpleBuddy *buddy, gpointer data)
{
	say("offline %s", purple_buddy_get_name(buddy));
}

static void
on_status(PurpleBuddy *buddy, PurpleStatus *old, PurpleStatus *status, gpointer data)
{
	const char *text = purple_status_get_attr_string(status, "message");

	say("status %s %s%s%s", purple_buddy_get_name(buddy), purple_status_get_id(status),
	    text != NULL ? " " : "", text != NULL ? text : "");
}

static void
on_typing(PurpleAccount *of, const char *name, gpointer word)
{
	say("%s %s", (const char *)word, name);
}

static void
on_signed_on(PurpleConnection *connection, gpointer data)
{
	say("ready");
}

static void
on_error(PurpleConnection *connection, PurpleConnectionError error, const char *text, gpointer data)
{
	say("error %s", text);
	g_main_loop_quit(loop);
}

static void
connect_signals(void)
{
	static int handle;
	void *blist = purple_blist_get_handle(), *connections = purple_connections_get_handle();
	void *convs = purple_conversations_get_handle();

	purple_signal_connect(connections, "signed-on", &handle, PURPLE_CALLBACK(on_signed_on),
			      NULL);
	purple_signal_connect(connections, "connection-error", &handle, PURPLE_CALLBACK(on_error),
			      NULL);
	purple_signal_connect(blist, "buddy-signed-on", &handle, PURPLE_CALLBACK(on_online), NULL);
	purple_signal_connect(blist, "buddy-signed-off", &handle, PURPLE_CALLBACK(on_offline),
			      NULL);
	purple_signal_connect(blist, "buddy-status-changed", &handle, PURPLE_CALLBACK(on_status),
			      NULL);
	purple_signal_connect(blist, "buddy-removed", &handle, PURPLE_CALLBACK(on_offline), NULL);
	purple_signal_connect(convs, "deleting-conversation", &handle,
			      PURPLE_CALLBACK(on_conversation_end), NULL);
	purple_signal_connect(convs, "buddy-typing", &handle, PURPLE_CALLBACK(on_typing),
			      (gpointer) "typing");
	purple_signal_connect(convs, "buddy-typing-stopped", &handle, PURPLE_CALLBACK(on_typing),
			      (gpointer) "paused");
}

static void
ui_init(void)
{
	purple_conversations_set_ui_ops(&conv_ops);
	connect_signals();
}

static PurpleCoreUiOps core_ops = { .ui_prefs_init = NULL, .ui_init = ui_init };

/* What the test tells. */

static PurpleConversation *
find_conversation(const char *buddy)
{
	return purple_find_conversation_with_account(PURPLE_CONV_TYPE_IM, buddy, account);
}

static void
command_send(const char *buddy, const char *text)
{
	PurpleConversation *conv = find_conversation(buddy);
	char *escaped = g_markup_escape_text(text, -1);

	if (conv == NULL)
		conv = purple_conversation_new(PURPLE_CONV_TYPE_IM, account, buddy);
	purple_conv_im_send(PURPLE_CONV_IM(conv), escaped);
	g_free(escaped);
}

static void
command_close(const char *buddy)
{
	PurpleConversation *conv = find_conversation(buddy);

	if (conv != NULL)
		purple_conversation_destroy(conv);
	else
		say("error no conversation with %s", buddy);
}

static void
command_list(void)
{
	GSList *buddies = purple_find_buddies(account, NULL);

	for (GSList *at = buddies; at != NULL; at = at->next)
		if (PURPLE_BUDDY_IS_ONLINE((PurpleBuddy *)at->data))
			say("online %s", purple_buddy_get_name(at->data));
	g_slist_free(buddies);
}

static void
command(const char *line)
{
	char **words = g_strsplit(line, " ", 3);
	guint n = g_strv_length(words);

	if (n == 3 && strcmp(words[0], "send") == 0)
		command_send(words[1], words[2]);
	else if (n == 2 && strcmp(words[0], "close") == 0)
		command_close(words[1]);
	else if (n >= 2 && strcmp(words[0], "status") == 0)
		purple_account_set_status(account, words[1], TRUE, "message",
					  n == 3 ? words[2] : "", NULL);
	else if (n == 1 && strcmp(words[0], "list") == 0)
		command_list();
	else if (n == 1 && strcmp(words[0], "quit") == 0)
		g_main_loop_quit(loop);
	else
		say("error what is: %s", line);
	g_strfreev(words);
}

static gboolean
on_input(gint fd, GIOCondition condition, gpointer data)
{
	static GString *left;
	char buf[4096], *end;
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n <= 0) {
		g_main_loop_quit(loop);
		return FALSE;
	}
	if (left == NULL)
		left = g_string_new(NULL);
	g_string_append_len(left, buf, n);
	while ((end = strchr(left->str, '\n')) != NULL) {
		*end = '\0';
		command(left->str);
		g_string_erase(left, 0, end - left->str + 1);
	}
	return TRUE;
}

static gboolean
on_signal(gpointer data)
{
	g_main_loop_quit(loop);
	return TRUE;
}

static void
log_in(const char *user, int port)
{
	char *name = g_strdup_printf("%s@%s", user, g_get_host_name());

	account = purple_account_new(name, "prpl-bonjour");
	g_free(name);
	purple_account_set_int(account, "port", port);
	purple_account_set_string(account, "first", user);
	purple_accounts_add(account);
	purple_account_set_enabled(account, "earshot-test", TRUE);
	purple_savedstatus_activate(purple_savedstatus_new(NULL, PURPLE_STATUS_AVAILABLE));
}

static void
usage(void)
{
	fprintf(stderr, "usage: purple -u USER [-p PORT] [-d FOLDER]\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	const char *user = NULL, *folder = NULL;
	int opt, port = 5298;

	while ((opt = getopt(argc, argv, "u:p:d:")) != -1) {
		if (opt == 'u')
			user = optarg;
		else if (opt == 'p')
			port = (int)strtol(optarg, NULL, 10);
		else if (opt == 'd')
			folder = optarg;
		else
			usage();
	}
	if (user == NULL || optind != argc)
		usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	loop = g_main_loop_new(NULL, FALSE);
	if (folder != NULL)
		purple_util_set_user_dir(folder);
	purple_core_set_ui_ops(&core_ops);
	purple_eventloop_set_ui_ops(&loop_ops);
	if (!purple_core_init("earshot-test"))
		return 1;
	purple_set_blist(purple_blist_new());
	g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP, on_input, NULL);
	g_unix_signal_add(SIGTERM, on_signal, NULL);
	log_in(user, port);
	g_main_loop_run(loop);
	purple_core_quit();
	return 0;
}
