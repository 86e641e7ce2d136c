/*
 * base.c
 *	  Initialises the bottom module.
 */
#include "postgres.h"

#include "base/base_internal.h"
#include "citus/base/compat_settings.h"
#include "citus/base/module.h"

void
base_init(void)
{
	compat_settings_init();
	base_lifecycle_start();
	base_session_start();
	base_origin_start();
	base_machine_start();
}
