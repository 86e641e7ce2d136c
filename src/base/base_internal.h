/*
 * base_internal.h
 *	  What the files of base share among themselves.
 */
#ifndef BASE_INTERNAL_H
#define BASE_INTERNAL_H

/* parts of base_init() */
extern void base_lifecycle_start(void);
extern void base_session_start(void);
extern void base_origin_start(void);
extern void base_machine_start(void);

/* ssl on, with a certificate, unless somebody chose otherwise; not transactional */
extern void base_tls_enable(void);

#endif
