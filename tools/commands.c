/* SPDX-License-Identifier: ISC */
/* commands.c: the table of commands: dispatch, help, completion and the manual's test read it. */
#include "cli.h"
#include "press_words.h"

const struct command commands[] = {
	{ .name = "peers",
	  .args = "",
	  .summary = "Who is in earshot, and who is known",
	  .help = "Lists address, name, status, how sure the address is (plain, keyed, proved,\n"
		  "trusted), the path that is shortest now and its round-trip time.\n"
		  "-w goes on with one line for each change.\n",
	  .letters = "w",
	  .run = cmd_peers },
	{ .name = "send",
	  .args = "ADDR [TEXT...]",
	  .summary = "Send a chat message",
	  .help = "Without TEXT, standard input is the message; with -l, each line of it is one.\n"
		  "Returns when the message has been handed to a path that works and, for at most\n"
		  "0.3 seconds, a refusal would have been heard. With --expires, one that is not\n"
		  "there after so many seconds is dropped by whoever holds it, and this fails.\n"
		  "With --queue the daemon stores it, and this returns as soon as it is on the\n"
		  "disk: it leaves when ADDR can be reached, also after a restart, in order.\n"
		  "earshot queue lists what waits.\n",
	  .letters = "lXU",
	  .min = 1,
	  .max = -1,
	  .run = cmd_send },
	{ .name = "queue",
	  .args = "[ADDR]",
	  .summary = "What send --queue has stored and is not delivered",
	  .help = "Lists each message that waits or failed: its id, for whom, since when, how "
		  "often\n"
		  "it was tried, and what came of it. --drop takes one out, or all for an "
		  "address.\n",
	  .letters = "O",
	  .max = 1,
	  .run = cmd_queue },
	{ .name = "chat",
	  .args = "ADDR",
	  .summary = "Chat, with line editing and history",
	  .help = "What others write appears above the line; changes of the path are told.\n"
		  "/help lists the commands: /press, /status, /paths, /ping, /who, /quit; Tab\n"
		  "completes. A line that begins with a slash is sent with two. What is pasted "
		  "waits\n"
		  "for Enter, and leaves as one message.\n",
	  .letters = "",
	  .min = 1,
	  .max = 1,
	  .run = cmd_chat },
	{ .name = "press",
	  .args = "ADDR BUTTON [VALUE...]",
	  .summary = "Press a button of the remote control",
	  .help = "Buttons: play pause playpause stop next previous\n"
		  "         seek SECONDS (+10, -10: from where it is)\n"
		  "         volume PERCENT (+5, -5)\n"
		  "         mute [on|off|toggle]      shuffle [on|off|toggle]\n"
		  "         rate FACTOR (1.5)         repeat [off|all|one]\n"
		  "         open URL                  queue URL\n"
		  "         audio [TRACK]             subtitle [TRACK|off] (none: the next)\n"
		  "         key NAME [down|held|up] (none: pressed): up down left right ok back\n"
		  "             home menu info playpause volumeup numeric_5 ...: earshot(1)\n"
		  "Prints the player's state after it. A press that is not there after 5 seconds,\n"
		  "or as --expires says, is not done any more, and this fails.\n",
	  .letters = "X",
	  .min = 2,
	  .max = 4,
	  .words = press_words_candidate,
	  .run = cmd_press },
	{ .name = "remote",
	  .args = "[ADDR]",
	  .summary = "The remote control on the whole screen",
	  .help = "What plays, how far it is, how loud, which buttons make sense, and the path to "
		  "it.\n"
		  "Space plays and pauses, arrows are keys where the player takes keys, else they\n"
		  "seek and change the volume; ? lists all keys, l the boxes in earshot, q "
		  "quits.\n",
	  .letters = "",
	  .max = 1,
	  .run = cmd_remote },
	{ .name = "status",
	  .args = "ADDR",
	  .summary = "What the player does",
	  .help = "-w goes on with one line for each change, as the box tells it, also after it "
		  "was\n"
		  "restarted; -c ends it after so many lines. -i: how often a box is asked that "
		  "does\n"
		  "not tell.\n",
	  .letters = "wic",
	  .min = 1,
	  .max = 1,
	  .run = cmd_status },
	{ .name = "ping",
	  .args = "ADDR",
	  .summary = "Round-trip times, and the path of each (XEP-0199)",
	  .help = "Goes on until interrupted, or for -c pings. An answer that says no is one too:\n"
		  "it went there and back. A line tells when the path changes.\n",
	  .letters = "ci",
	  .min = 1,
	  .max = 1,
	  .run = cmd_ping },
	{ .name = "stanza",
	  .args = "[FILE]",
	  .summary = "Send raw stanzas, print the answers",
	  .help = "From FILE or standard input, one after the other. --listen prints whatever\n"
		  "arrives instead, until interrupted, -c stanzas came or --timeout is over.\n",
	  .letters = "Lc",
	  .max = 1,
	  .run = cmd_stanza },
	{ .name = "publish",
	  .args = "NODE [FILE]",
	  .summary = "Publish an item",
	  .help = "At our own daemon, which everybody reaches who reaches this device; --to: at "
		  "any\n"
		  "other service (XEP-0060), or for an account itself (XEP-0163).\n"
		  "FILE, or standard input, is one XML element; with -l each line of it is an "
		  "item:\n"
		  "<text xmlns='urn:earshot:text:0'>line</text>. With --atom it is an entry of a "
		  "feed:\n"
		  "the first line its title, the rest its content; --title alone needs no FILE.\n"
		  "Prints the item's id. --options access_model=open,max_items=3 refuses to "
		  "publish\n"
		  "to a node that is configured otherwise; one that is made so is made like "
		  "that.\n",
	  .letters = "BICATMKl",
	  .min = 1,
	  .max = 2,
	  .run = cmd_publish },
	{ .name = "items",
	  .args = "ADDR [NODE]",
	  .summary = "What a node holds, or which nodes there are",
	  .help = "One line for each item, the newest last: its id, and what it says. -c: only "
		  "so\n"
		  "many of the newest; --id: only that one. --json has all of it.\n",
	  .letters = "cI",
	  .min = 1,
	  .max = 2,
	  .run = cmd_items },
	{ .name = "watch",
	  .args = "ADDR [NODE]",
	  .summary = "What is published, as it comes",
	  .help = "Of one node, or of all that ADDR lists now. One line for each item; retracted,\n"
		  "deleted, purged and configured are told as well. Subscribes, unless this device "
		  "is\n"
		  "subscribed already, and unsubscribes in the end. Goes on when the path changes "
		  "or\n"
		  "the daemon is restarted, until interrupted or -c notifications came.\n",
	  .letters = "c",
	  .min = 1,
	  .max = 2,
	  .run = cmd_watch },
	{ .name = "subscribe",
	  .args = "ADDR NODE",
	  .summary = "Subscribe this device to a node, for good",
	  .help = "Prints the state: subscribed, or pending until the node's owner approves it.\n"
		  "What is published then reaches watch, and whoever listens on this device.\n",
	  .letters = "",
	  .min = 2,
	  .max = 2,
	  .run = cmd_subscribe },
	{ .name = "unsubscribe",
	  .args = "ADDR NODE",
	  .summary = "The opposite",
	  .help = "",
	  .letters = "",
	  .min = 2,
	  .max = 2,
	  .run = cmd_unsubscribe },
	{ .name = "node",
	  .args = "ACTION NODE [WORD...]",
	  .summary = "Make nodes, and say what holds for them",
	  .help = "At our own daemon, or --to another service. Actions:\n"
		  "  create NODE [FIELD=VALUE...]         such as access_model=open max_items=100\n"
		  "  configure NODE [FIELD=VALUE...]      without any: shows how it is configured\n"
		  "  affiliations NODE [ADDR=WHAT...]     owner, publisher, publish-only, member,\n"
		  "                                       none, outcast; without any: shows them\n"
		  "  subscriptions NODE [ADDR=STATE...]   subscribed approves one that is "
		  "pending,\n"
		  "                                       none ends it; without any: shows them\n"
		  "  retract NODE ITEM...                 takes items back\n"
		  "  purge NODE                           takes all items back\n"
		  "  delete NODE                          with all that it holds\n",
	  .letters = "B",
	  .min = 2,
	  .max = -1,
	  .first = "create configure affiliations subscriptions retract purge delete",
	  .run = cmd_node },
	{ .name = "pair",
	  .args = "[ADDR | -]",
	  .summary = "Let two devices know each other, without a server",
	  .help = "With ADDR: that device shows six digits, on its player's screen and where its\n"
		  "owner runs `earshot pair`; type them here. Then both trust each other.\n"
		  "Without: shows the digits of whoever wants to be paired with this device, "
		  "until\n"
		  "interrupted or --timeout is over. --qr shows a code that a camera reads "
		  "instead;\n"
		  "what it holds, typed or pasted to `earshot pair -`, pairs at once.\n",
	  .letters = "Q",
	  .max = 1,
	  .run = cmd_pair },
	{ .name = "trust",
	  .args = "[ADDR [KEY]]",
	  .summary = "Our key, whose keys we know, and who may do more",
	  .help = "Without ADDR: the key of this device, whose we know, and with an account at a\n"
		  "server which devices of it are published there.\n"
		  "With it: puts that device on the list of the trusted. Its key has to be\n"
		  "proved, by its server or by pairing; or KEY says which it is, when you have\n"
		  "compared what both devices print. --new-key makes another key for this one.\n"
		  "--revoke KEY takes a lost device of our account off the published list: nobody\n"
		  "accepts it any more. Change the account's password as well.\n",
	  .letters = "NyR",
	  .max = 17, /* a key may be in groups */
	  .run = cmd_trust },
	{ .name = "untrust",
	  .args = "ADDR|KEY",
	  .summary = "Forget a device and its key",
	  .help = "It may come with another key next time, or with none, as if it was never met.\n",
	  .letters = "",
	  .min = 1,
	  .max = 1,
	  .run = cmd_untrust },
	{ .name = "doctor",
	  .args = "[ADDR]",
	  .summary = "Why something is not found, not reached or refused",
	  .help = "Checks this device, and with ADDR the way to that one, in order: one line "
		  "each,\n"
		  "ok, warn or FAIL, and what to do. Exit code 1 when something failed.\n",
	  .letters = "",
	  .opens = true,
	  .max = 1,
	  .run = cmd_doctor },
	{ .name = "paths",
	  .args = "[ADDR]",
	  .summary = "Every path: its state, its time, and why it is chosen",
	  .help = "A star marks the one that is taken now. -w goes on with one line for each "
		  "change\n"
		  "of it, as it happens.\n",
	  .letters = "w",
	  .max = 1,
	  .run = cmd_paths },
	{ .name = "metrics",
	  .args = "",
	  .summary = "The figures of this engine, for Prometheus",
	  .help = "The same that the daemon serves where [engine] metrics says. --json prints one\n"
		  "object for each figure.\n",
	  .letters = "",
	  .run = cmd_metrics },
	{ .name = "xeps",
	  .args = "",
	  .summary = "The extensions that this engine speaks",
	  .help = "",
	  .letters = "",
	  .run = cmd_xeps },
	{ 0 },
};
