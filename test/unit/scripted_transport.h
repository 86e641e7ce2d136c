/*
 * scripted_transport.h: a RemoteTransport that answers from a script, without a network.
 *
 * scripted_start() puts it in place of libpq for connections opened from then on, scripted_stop()
 * puts libpq back.  Answers are given in the order in which they were added, whatever is sent;
 * scripted_log() tells what was sent, one word or statement after the other, separated by "; ".
 */
#ifndef CITUS_SCRIPTED_TRANSPORT_H
#define CITUS_SCRIPTED_TRANSPORT_H

#include "remote/remote_internal.h"

extern void scripted_start(void);
extern void scripted_stop(void);

/* kind ROWS: text is the only column, n rows of it; COMPLETE: the tag; ERROR: the message */
extern void scripted_answer(RemoteResult kind, const char *text);
extern void scripted_rows(const char *text, int n);
extern void scripted_error(int sqlstate, const char *severity, const char *message);
/* the next answer arrives only with the second attempt to read */
extern void scripted_delay(void);
/* a command that succeeds: COMPLETE, END */
extern void scripted_done(const char *tag);

extern const char *scripted_log(void);
extern void scripted_clear_log(void);

/* an open connection to nowhere */
extern RemoteConn *scripted_conn(void);

#endif
