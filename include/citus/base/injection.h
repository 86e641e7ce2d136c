/*
 * injection.h
 *	  Named stop points for tests; nothing in servers built without injection points.
 */
#ifndef CITUS_BASE_INJECTION_H
#define CITUS_BASE_INJECTION_H

#include "citus/base/compat.h"

#define BASE_STOP_POINT(name) compat_injection_point("citus-" name)

#endif
