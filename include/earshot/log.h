/* SPDX-License-Identifier: ISC */
/* log.h: log lines, for the engine and its extensions. */
#ifndef EARSHOT_LOG_H
#define EARSHOT_LOG_H

enum ear_log_level {
	EAR_LOG_ERROR, /* the operator must act */
	EAR_LOG_WARN,  /* something was refused or lost */
	EAR_LOG_INFO,  /* what an operator wants in a day's log */
	EAR_LOG_DEBUG, /* stanza headers, state changes */
};

/* Lines above this level are dropped. The one mutable global of the program. */
void ear_log_set_level(enum ear_log_level level);
enum ear_log_level ear_log_get_level(void);

/*
 * Writes one line to standard error. Control characters and invalid UTF-8 in the
 * rendered text are escaped, so that a peer cannot forge lines or colour a terminal.
 * errno is preserved; "%m" in the format is strerror(errno).
 */
void ear_log(enum ear_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define ear_error(...) ear_log(EAR_LOG_ERROR, __VA_ARGS__)
#define ear_warn(...)  ear_log(EAR_LOG_WARN, __VA_ARGS__)
#define ear_info(...)  ear_log(EAR_LOG_INFO, __VA_ARGS__)
/* Its arguments are not looked at unless the line is written. */
#define ear_debug(...)                                                                             \
	((void)(ear_log_get_level() >= EAR_LOG_DEBUG && (ear_log(EAR_LOG_DEBUG, __VA_ARGS__), 1)))

#endif
