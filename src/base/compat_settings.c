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

#include "citus/base/compat.h"

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
compat_visit_chosen_settings(CompatSettingVisitor visit, void *arg)
{
	if (chosenHead != NULL)
	{
		for (dlist_node *link = chosenHead->next; link != chosenHead; link = link->next)
			visit(dlist_container(struct config_generic, nondef_link, link), arg);
	}
	else
	{
		int			n;
		struct config_generic **settings = get_guc_variables(&n);

		for (int i = 0; i < n; i++)
		{
			if (settings[i]->source != PGC_S_DEFAULT)
				visit(settings[i], arg);
		}
		pfree(settings);
	}
}

#else

void
compat_settings_init(void)
{
}

void
compat_visit_chosen_settings(CompatSettingVisitor visit, void *arg)
{
	struct config_generic **settings = get_guc_variables();
	int			n = GetNumConfigOptions();

	for (int i = 0; i < n; i++)
	{
		if (settings[i]->source != PGC_S_DEFAULT)
			visit(settings[i], arg);
	}
}

#endif
