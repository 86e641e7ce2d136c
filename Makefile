# The build of the extension, on PostgreSQL's own PGXS.
#
#   make [PG_CONFIG=...] [WERROR=1]     build into build/<major>/ (or CITUS_BUILD_DIR)
#   make install                        into the directories that pg_config names
#   make check [PG_CONFIG=...]          everything: see test/README.md
#   make check-one T=regress/nodes      one test
#   make fuzz [SECONDS=600] [SEED=1] [T=random/write]   random statements for a while
#   make check-tpcds                    the 99 queries of TPC-DS, in two layouts
#   make check-settings [T=equivalence] the same answers under settings that change plans
#   make check-memory [T=regress/copy_from]   tests on a server that watches its memory
#   make demo / make demo-stop          a cluster to play with
#   make bench                          ratios against plain PostgreSQL
#
# Objects of each server major have a directory of their own, so that one tree serves all of them.
# The first half of this file runs at the top and enters that directory; the second half, chosen by
# CITUS_TOP, runs inside it.

ifndef CITUS_TOP

-include config.mk
PG_CONFIG ?= pg_config
export PG_CONFIG

top := $(CURDIR)
major = $(shell $(PG_CONFIG) --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
build = $(if $(CITUS_BUILD_DIR),$(CITUS_BUILD_DIR),$(top)/build/$(major))

all install uninstall unit test-library:
	@command -v $(PG_CONFIG) >/dev/null || \
	  { echo "pg_config not found: set PG_CONFIG, or install postgresql-server-dev-15"; exit 1; }
	@mkdir -p $(build)
	@$(MAKE) --no-print-directory -C $(build) -f $(top)/Makefile CITUS_TOP=$(top) with_llvm=no $@

clean:
	rm -rf build

check:
	@test/run

check-one:
	@test/run $(if $(ACCEPT),--accept) $(T)

SECONDS ?= 600
fuzz:
	@test/run --seconds $(SECONDS) --seed $(or $(SEED),$$(date +%s)) $(or $(T),random)

check-vanilla:
	@test/run-vanilla

check-tpcds:
	@test/run equivalence/tpcds_dimensions equivalence/tpcds_keys

check-settings:
	@test/check-settings $(T)

check-memory:
	@pg_config=$$(test/lib/build-postgres 18 memory) && \
	  PG_CONFIG=$$pg_config test/run --slow 5 $(or $(T),regress equivalence)

demo:
	@test/demo/demo

demo-stop:
	@test/demo/demo stop

bench:
	@test/bench/bench

.PHONY: all install uninstall unit test-library clean
.PHONY: check check-one fuzz check-vanilla check-tpcds check-settings check-memory demo demo-stop bench
.DEFAULT_GOAL := all

else

-include $(CITUS_TOP)/config.mk

src := $(CITUS_TOP)/src
ext_version := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" $(CITUS_TOP)/citus.control)

MODULE_big = citus
EXTENSION = citus
SOURCES := $(sort $(patsubst $(src)/%,%,$(wildcard $(src)/*/*.c)))
OBJS := $(SOURCES:.c=.o)
DATA_built = citus--$(ext_version).sql $(notdir $(wildcard $(CITUS_TOP)/sql/updates/*.sql))

# Headers: public ones as "citus/<module>/x.h", private ones as "<module>/x_internal.h".
PG_CPPFLAGS = -I$(CITUS_TOP)/include -I$(src) -I$(libpq_srcdir) $(CITUS_CPPFLAGS)
# Nobody replaces a function of ours, and functions of the server are called without a stub in
# between: of a short statement's time much is waiting for memory that other sessions have displaced.
PG_CFLAGS = -std=gnu11 -Wall -Wextra -Wvla -Wno-unused-parameter -Wno-sign-compare \
  -Wno-missing-field-initializers -Wno-cast-function-type -Wno-declaration-after-statement \
  -Wno-clobbered -fno-plt -fno-semantic-interposition \
  $(if $(WERROR),-Werror)
SHLIB_LINK_INTERNAL = $(libpq)
SHLIB_LINK = $(or $(CITUS_LIBS),-lzstd -llz4 -lcrypto)

# The server loads libraries into one name space, so only what it looks up by name is exported.
SHLIB_LINK += -Wl,--version-script=exports.map

# PGXS looks for the control file and the SQL files here.
VPATH = $(CITUS_TOP)
srcdir = $(CITUS_TOP)

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# Tests install into a private copy of the server's directories: see test/lib/private-postgres.
ifdef INSTALL_TO
override datadir := $(shell $(INSTALL_TO) --sharedir)
override pkglibdir := $(shell $(INSTALL_TO) --pkglibdir)
endif

# ----- objects; a change of headers or of flags recompiles, nothing else does

# PGXS hides symbols since 16; here the export list does that, and the C tests need them visible.
COMPILE_C = $(CC) $(filter-out -fvisibility=hidden,$(CFLAGS) $(CFLAGS_SL)) $(CPPFLAGS) -MMD -MP

$(OBJS): %.o: $(src)/%.c compile.flags
	@mkdir -p $(@D)
	@echo "  CC  $*.c"
	@$(COMPILE_C) -c -o $@ $<

-include $(OBJS:.o=.d)

# Written anew only when the content differs.
write_if_changed = printf '%s\n' $(1) >$@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@

compile.flags: FORCE
	@$(call write_if_changed,'$(subst ','\'',$(COMPILE_C))')

exports.map: FORCE
	@{ echo '{ global: _PG_init; _PG_output_plugin_init; Pg_magic_func; pg_finfo_*;'; \
	   echo '  daemon_main; daemon_launcher_main;'; \
	   cat /dev/null $(addprefix $(src)/,$(SOURCES)) | \
	     sed -nE 's/^PG_FUNCTION_INFO_V1\((\w+)\).*/  \1;/p' | sort -u; \
	   echo '  local: *; };'; } >$@.new; \
	cmp -s $@.new $@ && rm $@.new || mv $@.new $@

objects.list: FORCE
	@$(call write_if_changed,$(OBJS))

citus.so: exports.map objects.list

# ----- the install script: topic files of sql/ in the order of its MANIFEST

topics := $(shell sed 's/\#.*//' $(CITUS_TOP)/sql/MANIFEST 2>/dev/null)
sql_files := $(addprefix $(CITUS_TOP)/sql/,$(topics))

citus--$(ext_version).sql: $(sql_files) $(wildcard $(CITUS_TOP)/sql/MANIFEST) $(CITUS_TOP)/Makefile
	@echo "  SQL $@"
	@{ printf '%s\n' '\echo Use "CREATE EXTENSION citus" to load this file. \quit'; \
	   for f in $(sql_files); do echo; cat $$f || exit 1; done; } >$@.new
	@mv $@.new $@

$(notdir $(wildcard $(CITUS_TOP)/sql/updates/*.sql)): %.sql: $(CITUS_TOP)/sql/updates/%.sql
	@cp $< $@

# ----- the same objects with every symbol visible, for the C tests in test/unit

UNIT_SOURCES := $(sort $(wildcard $(CITUS_TOP)/test/unit/*.c))
UNIT_OBJS := $(patsubst $(CITUS_TOP)/test/unit/%.c,unit/%.o,$(UNIT_SOURCES))

$(UNIT_OBJS): unit/%.o: $(CITUS_TOP)/test/unit/%.c compile.flags
	@mkdir -p unit
	@echo "  CC  test/unit/$*.c"
	@$(COMPILE_C) -I$(CITUS_TOP)/test/unit -c -o $@ $<

-include $(UNIT_OBJS:.o=.d)

test_link = $(CC) $(CFLAGS) -shared -Wl,-Bsymbolic -o $@
unit/citus.so: $(OBJS) objects.list
	@mkdir -p unit
	@$(test_link) $(OBJS) $(LDFLAGS) $(LDFLAGS_SL) \
	  $(filter-out -Wl$(comma)--version-script%,$(SHLIB_LINK_INTERNAL) $(SHLIB_LINK))
comma := ,

unit/citus_unit.so: $(UNIT_OBJS)
	@$(test_link) $(UNIT_OBJS) $(LDFLAGS) $(LDFLAGS_SL)

unit: unit/citus.so unit/citus_unit.so

# What `make check` runs: the installation with the library that the C tests can link to.
test-library: install unit
	@$(INSTALL_SHLIB) unit/citus.so unit/citus_unit.so '$(DESTDIR)$(pkglibdir)/'

FORCE:
.PHONY: FORCE unit test-library

endif
