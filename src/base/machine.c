/*
 * machine.c
 *	  Tells nodes that connect how many processors this server has, and which others share them.
 *
 * The postmaster finds it out once, when the library is loaded.  Servers under one kernel that may
 * run on the same processors are on one machine.
 *
 * Not here: what follows from it (the executor's scheduler).
 */
#include "postgres.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <unistd.h>

#include "common/hashfn.h"
#include "utils/guc.h"

#include "base/base_internal.h"
#include "citus/base/machine.h"
#include "citus/base/origin.h"
#include "citus/base/settings.h"

/* a number of its own each time the machine starts; containers of one machine see the same */
#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

static char description[48] = "";
static char *shown = NULL;

static const char *
show_machine(void)
{
	uint64		gpid;

	return base_origin_is_internal(application_name, &gpid) ? description : "";
}

static const SettingDef settings[] = {
	{
		.name = BASE_MACHINE_PARAMETER,
		.description = "Shows other nodes which machine this server runs on.",
		.type = SETTING_STRING, .variable = &shown, .boot.s = "",
		.context = PGC_INTERNAL,
		.flags = GUC_REPORT | GUC_NO_SHOW_ALL | GUC_DISALLOW_IN_FILE,
		.show_hook = show_machine
	},
};

/* which processors this process may run on; their number, 0 if it cannot be told */
static int
find_processors(uint64 *which)
{
	long		online = sysconf(_SC_NPROCESSORS_ONLN);

	*which = 0;
#ifdef CPU_COUNT
	{
		cpu_set_t	set;

		CPU_ZERO(&set);
		if (sched_getaffinity(0, sizeof(set), &set) == 0)
		{
			*which = hash_bytes_extended((const unsigned char *) &set, sizeof(set), 0);
			return CPU_COUNT(&set);
		}
	}
#endif
	return online > 0 && online <= INT_MAX ? (int) online : 0;
}

/* 0: no such thing here */
static uint64
find_boot(uint64 seed)
{
	char		id[64];
	int			file = open(BOOT_ID_FILE, O_RDONLY);
	ssize_t		length;

	if (file < 0)
		return 0;
	length = read(file, id, sizeof(id));
	close(file);
	return length <= 0 ? 0 : hash_bytes_extended((const unsigned char *) id, (int) length, seed);
}

void
base_machine_start(void)
{
	uint64		which;
	int			processors = find_processors(&which);

	snprintf(description, sizeof(description), "%016llx/%d",
			 (unsigned long long) find_boot(which), processors);
	base_settings_register(settings, lengthof(settings));
}

Machine
base_machine_parse(const char *text)
{
	Machine		machine = {0};
	unsigned long long id;

	if (text != NULL && sscanf(text, "%16llx/%9d", &id, &machine.processors) == 2 &&
		machine.processors > 0)
		machine.id = id;
	else
		machine.processors = 0;
	return machine;
}
