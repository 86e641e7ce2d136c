/*
 * compat_settings.h
 *	  The server's table of settings, which 16 made a hash table.
 */
#ifndef CITUS_BASE_COMPAT_SETTINGS_H
#define CITUS_BASE_COMPAT_SETTINGS_H

#include "postgres.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

/* 16: the array of settings is given by its length, too, and is palloc'd */
static inline struct config_generic **
compat_get_guc_variables(int *count)
{
#if PG_VERSION_NUM >= 160000
	return get_guc_variables(count);
#else
	*count = GetNumConfigOptions();
	return get_guc_variables();
#endif
}

/*
 * 16: a list of the settings whose value is not their default; before, places in the array are
 * remembered.  The filter, always the same, says by its name whether a setting is wanted; the
 * visitor must not change settings.
 */
typedef bool (*CompatSettingFilter) (const char *name);
typedef void (*CompatSettingVisitor) (struct config_generic *setting, void *arg);
extern void compat_visit_chosen_settings(CompatSettingFilter wanted, CompatSettingVisitor visit,
										 void *arg);
/* once, when the library is loaded */
extern void compat_settings_init(void);

#endif
