/*
 * settings.h
 *	  Settings declared in tables by the modules that use them.
 *
 * A module has one static array of SettingDef and registers it from its initialiser.  The
 * variables themselves belong to the module.
 */
#ifndef CITUS_BASE_SETTINGS_H
#define CITUS_BASE_SETTINGS_H

#include "postgres.h"
#include "utils/guc.h"

typedef enum SettingType
{
	SETTING_BOOL,
	SETTING_INT,
	SETTING_REAL,
	SETTING_STRING,
	SETTING_ENUM
} SettingType;

typedef struct SettingDef
{
	const char *name;			/* "citus.something" */
	const char *description;
	SettingType type;
	void	   *variable;		/* bool *, int *, double *, char ** */
	union
	{
		bool		b;
		int			i;
		double		r;
		const char *s;
	}			boot;
	double		min;			/* int and real only */
	double		max;
	const struct config_enum_entry *options;	/* enum only */
	GucContext	context;
	int			flags;			/* GUC_UNIT_MS, GUC_NO_SHOW_ALL ... */
	void	   *check_hook;		/* Guc*CheckHook of the type, or NULL */
	void	   *assign_hook;
	void	   *show_hook;
} SettingDef;

/* Registers n settings; call from a module initialiser. */
extern void base_settings_register(const SettingDef *defs, int n);

/* registers settings that are accepted without effect, unless a module declared them */
extern void base_settings_register_accepted(void);

/* true when no file, command or session has chosen the setting's value */
extern bool base_setting_is_default(const char *name);

#endif
