/*
 * compat_settings.c
 *	  The settings that somebody has chosen, without a look at all the others.
 *
 * Each short statement asks, so little memory is touched: the server's own settings stay where they
 * are as long as the process lives, and are looked for once.  Those of libraries and of users (a.b)
 * come and go.  Before 16 they have places in the server's array, which are remembered.  Since then
 * the server builds and sorts an array at each call, which costs more than a short statement; but
 * the settings that differ from their defaults are in a list.  Its head is private to the server.
 * It is the one member of the ring that is not the link of a setting, and is looked for once, when
 * the library is loaded.
 *
 * Not here: what a setting means.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "citus/base/compat_settings.h"

static CompatSettingFilter filter = NULL;
static struct config_generic **builtIn = NULL;	/* those of the server that are wanted */
static int	nBuiltIn = 0;

static bool
is_built_in(const struct config_generic *setting)
{
	return setting->group != CUSTOM_OPTIONS;
}

/* once, as the filter is always the same */
static void
find_built_in(CompatSettingFilter wanted)
{
	int			n;
	struct config_generic **settings = compat_get_guc_variables(&n);

	if (builtIn == NULL)
		builtIn = MemoryContextAlloc(TopMemoryContext, n * sizeof(struct config_generic *));
	nBuiltIn = 0;
	for (int i = 0; i < n; i++)
	{
		if (is_built_in(settings[i]) && wanted(settings[i]->name))
			builtIn[nBuiltIn++] = settings[i];
	}
	filter = wanted;
}

static void
visit_built_in(CompatSettingFilter wanted, CompatSettingVisitor visit, void *arg)
{
	if (filter != wanted)
		find_built_in(wanted);
	for (int i = 0; i < nBuiltIn; i++)
	{
		if (builtIn[i]->source != PGC_S_DEFAULT)
			visit(builtIn[i], arg);
	}
}

#if PG_VERSION_NUM >= 160000

static dlist_node *chosenHead = NULL;

static bool
is_link_of_setting(dlist_node *link, struct config_generic **settings, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (&settings[i]->nondef_link == link)
			return true;
	}
	return false;
}

/* NULL when the ring is not what it is thought to be: then all settings are looked at */
static dlist_node *
find_head(struct config_generic **settings, int n)
{
	dlist_node *first = NULL;
	dlist_node *head = NULL;
	dlist_node *link;

	for (int i = 0; i < n && first == NULL; i++)
	{
		if (settings[i]->source != PGC_S_DEFAULT)
			first = &settings[i]->nondef_link;
	}
	if (first == NULL || first->next == NULL)
		return NULL;
	for (link = first->next; link != first; link = link->next)
	{
		if (is_link_of_setting(link, settings, n))
			continue;
		if (head != NULL)
			return NULL;
		head = link;
	}
	return head;
}

void
compat_settings_init(void)
{
	int			n;
	struct config_generic **settings = get_guc_variables(&n);

	chosenHead = find_head(settings, n);
	pfree(settings);
}

void
compat_visit_chosen_settings(CompatSettingFilter wanted, CompatSettingVisitor visit, void *arg)
{
	visit_built_in(wanted, visit, arg);
	if (chosenHead != NULL)
	{
		for (dlist_node *link = chosenHead->next; link != chosenHead; link = link->next)
		{
			struct config_generic *setting =
				dlist_container(struct config_generic, nondef_link, link);

			if (!is_built_in(setting) && wanted(setting->name))
				visit(setting, arg);
		}
	}
	else
	{
		int			n;
		struct config_generic **settings = get_guc_variables(&n);

		for (int i = 0; i < n; i++)
		{
			if (settings[i]->source != PGC_S_DEFAULT && !is_built_in(settings[i]) &&
				wanted(settings[i]->name))
				visit(settings[i], arg);
		}
		pfree(settings);
	}
}

#else

/*
 * Where the wanted settings of libraries and users are in the array, which is sorted by name.
 * Settings come and go while libraries are loaded and placeholders made: then the number of
 * settings differs, or another setting stands in one of the places.
 */
typedef struct CustomPlace
{
	int			index;
	struct config_generic *setting;
} CustomPlace;

static CustomPlace *places = NULL;
static int	nplaces = 0;
static int	nsettings = 0;		/* when places were looked for */

void
compat_settings_init(void)
{
}

static bool
places_are_right(struct config_generic **settings, int n)
{
	if (places == NULL || n != nsettings)
		return false;
	for (int i = 0; i < nplaces; i++)
	{
		if (settings[places[i].index] != places[i].setting)
			return false;
	}
	return true;
}

static void
find_places(struct config_generic **settings, int n, CompatSettingFilter wanted)
{
	if (places != NULL)
		pfree(places);
	places = MemoryContextAlloc(TopMemoryContext, n * sizeof(CustomPlace));
	nplaces = 0;
	for (int i = 0; i < n; i++)
	{
		if (is_built_in(settings[i]) || !wanted(settings[i]->name))
			continue;
		places[nplaces].index = i;
		places[nplaces++].setting = settings[i];
	}
	nsettings = n;
}

void
compat_visit_chosen_settings(CompatSettingFilter wanted, CompatSettingVisitor visit, void *arg)
{
	struct config_generic **settings = get_guc_variables();
	int			n = GetNumConfigOptions();

	if (filter != wanted || !places_are_right(settings, n))
		find_places(settings, n, wanted);
	visit_built_in(wanted, visit, arg);
	for (int i = 0; i < nplaces; i++)
	{
		if (places[i].setting->source != PGC_S_DEFAULT)
			visit(places[i].setting, arg);
	}
}

#endif
