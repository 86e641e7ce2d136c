/*
 * origin.h
 *	  Who opened this session: a client, or another node of the cluster, which proves it.
 */
#ifndef CITUS_BASE_ORIGIN_H
#define CITUS_BASE_ORIGIN_H

#include "postgres.h"
#include "fmgr.h"
#include "citus/base/types.h"

/* bytes that the nodes of a cluster share and nobody else knows */
#define BASE_SECRET_SIZE 32
/* a challenge or proof: hexadecimal digits */
#define BASE_CHALLENGE_DIGITS 32
#define BASE_PROOF_DIGITS 64

/* the parameter with which a server tells its challenge when a session starts */
#define BASE_CHALLENGE_PARAMETER "citus.session_challenge"

/* true when another node of the cluster opened this session, and has proved that */
extern bool base_session_is_internal(void);
/* the client's session for which an internal one works; 0: unknown, or not internal */
extern uint64 base_session_gpid(void);
/* a name that a node gives to sessions it opens?  *gpid: the one in it */
extern bool base_origin_is_internal(const char *name, uint64 *gpid);

/* this session's challenge; good for one proof */
extern const char *base_session_challenge(void);
/* what the proof of an origin is, in BASE_PROOF_DIGITS digits; raises when it cannot be computed */
extern void base_proof_make(char *proof, const unsigned char *secret, NodeId nodeId,
							const char *user, const char *origin, const char *challenge);
/*
 * is it the proof for this session's challenge, which is spent now, by one of the secrets?  Either
 * may be NULL.
 */
extern bool base_proof_is_right(const char *proof, const unsigned char *secret,
								const unsigned char *second, NodeId nodeId, const char *user,
								const char *origin);
/* a secret as it travels, or back: disguised by another one that both ends know, and a number */
extern void base_secret_disguise(unsigned char *secret, const unsigned char *by,
								 const char *number);
/* a new one */
extern void base_secret_make(unsigned char *secret);
/* from now on the session is internal; NULL: no longer */
extern void base_session_set_origin(const char *origin);

/*
 * Did a node call the function with a command of its own (BASE_NODE_SELECT), not a user by a
 * statement or function that a node runs for him?  A superuser may call it in any internal session.
 */
extern bool base_is_node_command(FunctionCallInfo fcinfo);
/* raises 55000 otherwise */
extern void base_require_node_command(FunctionCallInfo fcinfo);

#endif
