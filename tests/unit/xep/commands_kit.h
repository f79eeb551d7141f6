/* SPDX-License-Identifier: ISC */
/* commands_kit.h: commands as in the examples of XEP-0050, and one who asks for them. */
#ifndef COMMANDS_KIT_H
#define COMMANDS_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "commands.h"
#include "fake_ear.h"
#include "forms.h"

#define ROMEO "romeo@example.org/phone"

#define SERVICE                                                                                    \
	"<x xmlns='jabber:x:data' type='submit'><field var='service'><value>httpd</value>"         \
	"</field></x>"

static struct ear *ear;
static char waiting[32]; /* the session whose step the command `slow` has not answered */
static char last_id[COMMAND_ID];
static int steps;

static const struct form_field service = { "service", FORM_LIST, true, "Service" };
static const struct form_field runlevel = { "runlevel", FORM_TEXT, true, "Run level" };

/* XEP-0050 §2.4.1: results only. */
static enum command_fault
on_list(const struct command_step *step, const char **why)
{
	const struct command_answer answer = { .status = COMMAND_COMPLETED,
					       .note = "httpd is off" };

	steps++;
	command_answer(step->in->ear, step->session, &answer);
	return COMMAND_FINE;
}

static void
ask_service(const struct command_step *step)
{
	const struct command_answer answer = {
		.status = COMMAND_EXECUTING,
		.can = COMMAND_CAN(COMMAND_NEXT),
		.execute = COMMAND_NEXT,
		.form = form_new(step->in->ear, NULL, "Configure Service",
				 "Please select the service to configure."),
	};

	form_add_option(form_add(answer.form, &service, NULL), "Web server", "httpd");
	command_answer(step->in->ear, step->session, &answer);
}

static enum command_fault
ask_runlevel(const struct command_step *step, const char **why)
{
	const struct command_answer answer = {
		.status = COMMAND_EXECUTING,
		.can = COMMAND_CAN(COMMAND_PREV) | COMMAND_CAN(COMMAND_COMPLETE),
		.execute = COMMAND_COMPLETE,
		.memory = 1,
		.form = form_new(step->in->ear, NULL, "Configure Service", NULL),
	};
	const char *value, *in;

	form_add(answer.form, &runlevel, NULL);
	if (step->form == NULL || form_read(step->form, NULL, &service, 1, &value, &in) != 0) {
		xmpp_stanza_release(answer.form);
		*why = "no service";
		return COMMAND_BAD_PAYLOAD;
	}
	command_answer(step->in->ear, step->session, &answer);
	return COMMAND_FINE;
}

/* §2.4.2: two stages. */
static enum command_fault
on_config(const struct command_step *step, const char **why)
{
	const struct command_answer done = { .status = COMMAND_COMPLETED,
					     .note = "Service 'httpd' has been configured." };

	steps++;
	snprintf(last_id, sizeof(last_id), "%s", step->id);
	switch (step->action) {
	case COMMAND_BEGIN:
	case COMMAND_PREV:
		ask_service(step);
		return COMMAND_FINE;
	case COMMAND_NEXT:
		assert_int_equal(step->memory, 0);
		return ask_runlevel(step, why);
	case COMMAND_COMPLETE:
		assert_int_equal(step->memory, 1);
		command_answer(step->in->ear, step->session, &done);
	}
	return COMMAND_FINE;
}

static enum command_fault
on_slow(const struct command_step *step, const char **why)
{
	steps++;
	snprintf(waiting, sizeof(waiting), "%s", step->session);
	return COMMAND_FINE;
}

static enum command_fault
on_refused(const struct command_step *step, const char **why)
{
	return COMMAND_BAD_PAYLOAD;
}

static const struct command commands[] = {
	{ "list", "List Service Configurations", EAR_VERB_QUERY, on_list },
	{ "config", "Configure Service", EAR_VERB_BUTTONS, on_config },
	{ "slow", "Start Service", EAR_VERB_QUERY, on_slow },
	{ "refused", "Stop Service", EAR_VERB_QUERY, on_refused },
};

static int
setup(void **state)
{
	ear = fake_new();
	steps = 0;
	waiting[0] = '\0';
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		command_add(ear, &commands[i]);
	return 0;
}

static int
teardown(void **state)
{
	fake_stop(ear);
	fake_free(ear);
	return 0;
}

/* A <command/> of those attributes, with that inside. */
static void
command_of(const char *from, const char *attributes, const char *inside)
{
	char *xml = xasprintf("<command xmlns='%s' %s>%s</command>", EAR_NS_COMMANDS, attributes,
			      inside);

	fake_ask_to(ear, "set", from, "tv.example.org", xml);
	free(xml);
}

static void
command(const char *attributes)
{
	command_of(ROMEO, attributes, "");
}

static const char *
is_now(const char *attribute)
{
	assert_true(ear_is(fake_result(ear), "command", EAR_NS_COMMANDS));
	return fake_attribute(fake_result(ear), attribute);
}

static xmpp_stanza_t *
inside(const char *name, const char *ns)
{
	return ear_find(fake_result(ear), name, ns);
}

static bool
refused(enum ear_verdict condition, const char *specific)
{
	xmpp_stanza_t *error = ear_find(ear->answer, "error", NULL);

	return fake_refused(ear, condition) && ear_error_text_of(ear->answer) != NULL &&
	       ear_find(error, specific, EAR_NS_COMMANDS) != NULL;
}

#endif
