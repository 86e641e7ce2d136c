/*
 * settings.c
 *	  Registers the settings that modules declare in tables.
 *
 * Owns nothing: variables belong to the modules.  Here is the one place that calls the server's
 * DefineCustom...Variable() functions, and the questions about where a value came from.
 */
#include "postgres.h"

#include "citus/base/compat_settings.h"
#include "citus/base/settings.h"

static void
register_setting(const SettingDef *def)
{
	int			flags = def->flags;

	/* what is hidden from SHOW ALL is not in the sample file either */
	if (flags & GUC_NO_SHOW_ALL)
		flags |= GUC_NOT_IN_SAMPLE;

	switch (def->type)
	{
		case SETTING_BOOL:
			DefineCustomBoolVariable(def->name, def->description, NULL, def->variable,
									 def->boot.b, def->context, flags,
									 (GucBoolCheckHook) def->check_hook,
									 (GucBoolAssignHook) def->assign_hook,
									 (GucShowHook) def->show_hook);
			break;
		case SETTING_INT:
			DefineCustomIntVariable(def->name, def->description, NULL, def->variable,
									def->boot.i, (int) def->min, (int) def->max,
									def->context, flags,
									(GucIntCheckHook) def->check_hook,
									(GucIntAssignHook) def->assign_hook,
									(GucShowHook) def->show_hook);
			break;
		case SETTING_REAL:
			DefineCustomRealVariable(def->name, def->description, NULL, def->variable,
									 def->boot.r, def->min, def->max,
									 def->context, flags,
									 (GucRealCheckHook) def->check_hook,
									 (GucRealAssignHook) def->assign_hook,
									 (GucShowHook) def->show_hook);
			break;
		case SETTING_STRING:
			DefineCustomStringVariable(def->name, def->description, NULL, def->variable,
									   def->boot.s, def->context, flags,
									   (GucStringCheckHook) def->check_hook,
									   (GucStringAssignHook) def->assign_hook,
									   (GucShowHook) def->show_hook);
			break;
		case SETTING_ENUM:
			DefineCustomEnumVariable(def->name, def->description, NULL, def->variable,
									 def->boot.i, def->options, def->context, flags,
									 (GucEnumCheckHook) def->check_hook,
									 (GucEnumAssignHook) def->assign_hook,
									 (GucShowHook) def->show_hook);
			break;
	}
}

void
base_settings_register(const SettingDef *defs, int n)
{
	for (int i = 0; i < n; i++)
		register_setting(&defs[i]);
}

/*
 * True when nobody chose the value of the setting: it is what the server was compiled with or
 * found out by itself.  A setting that does not exist counts as chosen.
 */
bool
base_setting_is_default(const char *name)
{
	int			count;
	struct config_generic **variables = compat_get_guc_variables(&count);

	for (int i = 0; i < count; i++)
	{
		if (pg_strcasecmp(variables[i]->name, name) == 0)
			return variables[i]->source <= PGC_S_DYNAMIC_DEFAULT;
	}
	return false;
}
