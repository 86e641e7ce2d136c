/*
 * compat_settings.c
 *	  The settings that somebody has chosen, without a look at all the others.
 *
 * Before 16 the server gives its array of settings.  Since then it builds and sorts one at each
 * call, which costs more than a short statement; but the settings that differ from their defaults
 * are in a list.  Its head is private to the server.  It is the one member of the ring that is not
 * the link of a setting, and is looked for once, when the library is loaded.
 *
 * Not here: what a setting means.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "citus/base/compat_settings.h"

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
	if (chosenHead != NULL)
	{
		for (dlist_node *link = chosenHead->next; link != chosenHead; link = link->next)
		{
			struct config_generic *setting =
				dlist_container(struct config_generic, nondef_link, link);

			if (wanted(setting->name))
				visit(setting, arg);
		}
	}
	else
	{
		int			n;
		struct config_generic **settings = get_guc_variables(&n);

		for (int i = 0; i < n; i++)
		{
			if (settings[i]->source != PGC_S_DEFAULT && wanted(settings[i]->name))
				visit(settings[i], arg);
		}
		pfree(settings);
	}
}

#else

/*
 * Where the wanted settings are in the array, which is sorted by name.  Settings come and go while
 * libraries are loaded and placeholders made: then the number of settings differs, or another
 * name stands in one of the places.
 */
typedef struct WantedPlace
{
	int			index;
	const char *name;
} WantedPlace;

static WantedPlace *places = NULL;
static int	nplaces = 0;
static int	nsettings = 0;		/* when places were looked for */
static CompatSettingFilter placesFilter = NULL;

void
compat_settings_init(void)
{
}

static bool
places_are_right(struct config_generic **settings, int n, CompatSettingFilter wanted)
{
	if (places == NULL || n != nsettings || placesFilter != wanted)
		return false;
	for (int i = 0; i < nplaces; i++)
	{
		if (settings[places[i].index]->name != places[i].name)
			return false;
	}
	return true;
}

static void
find_places(struct config_generic **settings, int n, CompatSettingFilter wanted)
{
	if (places != NULL)
		pfree(places);
	places = MemoryContextAlloc(TopMemoryContext, n * sizeof(WantedPlace));
	nplaces = 0;
	for (int i = 0; i < n; i++)
	{
		if (!wanted(settings[i]->name))
			continue;
		places[nplaces].index = i;
		places[nplaces++].name = settings[i]->name;
	}
	nsettings = n;
	placesFilter = wanted;
}

void
compat_visit_chosen_settings(CompatSettingFilter wanted, CompatSettingVisitor visit, void *arg)
{
	struct config_generic **settings = get_guc_variables();
	int			n = GetNumConfigOptions();

	if (!places_are_right(settings, n, wanted))
		find_places(settings, n, wanted);
	for (int i = 0; i < nplaces; i++)
	{
		struct config_generic *setting = settings[places[i].index];

		if (setting->source != PGC_S_DEFAULT)
			visit(setting, arg);
	}
}

#endif
