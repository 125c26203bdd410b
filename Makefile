# SPDX-License-Identifier: MIT
# One Makefile for all. `make` builds build/libtagalong.so and build/tagalong; `make help` lists more.

VERSION := 0.1.0
# Of the manual pages, so that two builds are equal.
RELEASED := 2026-11-25
MODE ?= release
BUILD ?= build$(if $(filter-out release,$(MODE)),/$(MODE))
CC ?= cc
HOST_CC ?= cc
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
UNITDIR ?= $(PREFIX)/lib/systemd/user
MANDIR ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
# Neither with V=1, where commands are shown, nor with -s.
quiet := $(or $(filter 1,$(V)),$(findstring s,$(firstword -$(MAKEFLAGS))))
say = $(if $(quiet),,@printf '  %-8s %s\n' $(1) $(2))

# For another machine than this one: make CC=aarch64-linux-gnu-gcc BUILD=build/aarch64 cross.
# There, libcurl's headers are this machine's, which suit every machine; a link keeps all else of
# /usr/include out. The suites stand on what tests/cross has of libcurl and CUnit, but for those
# that need libcurl's own URL parser, or cJSON.
machine = $(firstword $(subst -, ,$(shell $(1) -dumpmachine 2>/dev/null)))
# Debian's name for a machine's folder below lib; other systems have none.
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
ifneq ($(call machine,$(CC)),$(call machine,$(HOST_CC)))
  CURL_HEADERS := $(BUILD)/include/curl
  CROSS_CFLAGS := -isystem $(BUILD)/include
  UNIT_NOT := %/test_rule %/test_config %_cjson
  UNIT_LIBCURL := $(BUILD)/cross/libcurl.so.4
  UNIT_LIBS := -isystem tests/cross $(UNIT_LIBCURL) -Wl,-rpath,'$$ORIGIN/../cross'
else
  # Without CUnit its stand-in does.
  UNIT_LIBS = $(if $(shell $(CC) -E -include CUnit/CUnit.h -x c /dev/null >/dev/null 2>&1 && echo yes),-lcunit,-isystem tests/cross) \
	$(CURL_LIBS) $(shell $(PKG_CONFIG) --libs libcjson)
endif

# Where addresses are of 32 bits, position independence costs a fifth of the code: small goes before fast.
CFLAGS ?= $(if $(filter i386 i486 i586 i686,$(call machine,$(CC))),-Os,-O2) -g
# Between two requests a client uses the caches itself: code costs by the lines that it takes, and padding is
# a tenth of them. GCC 14 inlines more than GCC 12, which is 7 KiB and nothing faster. Clang pads less by itself, and
# knows one of these.
DENSE := $(if $(findstring clang,$(CC)),,-falign-functions=1 -falign-jumps=1 -falign-loops=1 -falign-labels=1 \
	--param=max-inline-insns-auto=10)
WARNINGS := -Wall -Wextra -Wshadow -Wformat=2 -Wundef -Wpointer-arith -Wstrict-prototypes \
	-Wmissing-prototypes -Wmissing-declarations -Wwrite-strings -Wvla -Wswitch-enum \
	-Wcast-align -Wimplicit-fallthrough -Wno-unused-parameter $(WERROR)
FORTIFY := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
CET := $(if $(filter x86_64 i386 i486 i586 i686,$(call machine,$(CC))),-fcf-protection)
HARDENING := -fstack-protector-strong -fstack-clash-protection $(FORTIFY) $(CET)

ifeq ($(MODE),asan)
  SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
  HARDENING :=
endif
ifeq ($(MODE),tsan)
  SANITIZE := -fsanitize=thread
  HARDENING :=
endif
ifeq ($(MODE),fuzz)
  SANITIZE := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
  HARDENING :=
endif
ifeq ($(MODE),cov)
  SANITIZE := --coverage -O0 -fprofile-update=prefer-atomic
  HARDENING :=
endif

# One library for glibc and musl: names that musl lacks are not used. Where files are large anyway, glibc's
# names for large ones are left out; on aarch64 the compiler's look whether the processor has atomic
# instructions is.
SIZES := $(if $(filter i386 i486 i586 i686 arm% mips mipsel powerpc,$(call machine,$(CC))),-D_FILE_OFFSET_BITS=64)
SIZES += $(if $(filter aarch64,$(call machine,$(CC))),-mno-outline-atomics)
# Not optimized at link time, whatever CFLAGS say (Ubuntu's packages): the versions of symbols are told to the
# assembler, which then has what they name no more.
ALL_CFLAGS := -std=gnu17 -D_GNU_SOURCE $(SIZES) -DTAGALONG_VERSION='"$(VERSION)"' \
	-DTAGALONG_MULTIARCH='"$(MULTIARCH)"' -Ishim -I$(BUILD)/gen -MMD -MP \
	-fvisibility=hidden -fno-common -ffunction-sections -fdata-sections \
	'-ffile-prefix-map=$(CURDIR)=.' $(WARNINGS) $(HARDENING) $(DENSE) $(CFLAGS) $(CROSS_CFLAGS) $(SANITIZE) -fno-lto
LINK_HARDENING := -Wl,-z,relro,-z,now,-z,noexecstack

# The layers, from below (scripts/check-layers).
CORE_FOLDERS := lib core protocol
SHIM_FOLDERS := $(CORE_FOLDERS) preload
CLI_FOLDERS := $(CORE_FOLDERS) daemon cli cli/doctor cli/agents cli/wrap

folder_sources = $(sort $(foreach folder,$(1),$(wildcard shim/$(folder)/*.c)))
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
SHIM_OBJECTS := $(call objects,$(call folder_sources,$(SHIM_FOLDERS))) $(BUILD)/obj/gen/presets.o \
	$(BUILD)/obj/shim/preload/trampolines.o
CORE_OBJECTS := $(call objects,$(call folder_sources,$(CORE_FOLDERS))) $(BUILD)/obj/gen/presets.o
CLI_OBJECTS := $(filter-out %/cli/tagalong.o %/cli/tools.o,\
	$(call objects,$(call folder_sources,$(CLI_FOLDERS)))) $(BUILD)/obj/gen/presets.o
# `tagalong` itself starts fast: run and context, linked with libc alone.
LAUNCHER_OBJECTS := $(CORE_OBJECTS) $(patsubst %,$(BUILD)/obj/shim/cli/%.o,tagalong ask cmd_context cmd_run \
	fixed launch options run_scope util)
PRESETS := $(sort $(wildcard shim/presets/*.json))
UNIT_SUITES := $(filter-out $(UNIT_NOT),\
	$(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c)))
FIXTURES := $(patsubst tests/fixtures/%.c,$(BUILD)/fixtures/%,$(wildcard tests/fixtures/*.c))

CURL_LIBS = $(shell $(PKG_CONFIG) --libs libcurl)
# What the command and the service are linked with, by pkg-config's names.
CLI_MODULES := libcurl libcjson libevent_core libevent_extra libevent_openssl openssl hiredis sqlite3 libelf
CLI_LIBS = $(shell $(PKG_CONFIG) --libs $(CLI_MODULES)) -pthread

.DELETE_ON_ERROR:
.PHONY: all check pages unit fixtures cross test-build test test-asan test-tsan test-valgrind fuzz run-fuzzers \
	torture soak coverage coverage-pure bench bench-service lint man deb rpm install uninstall clean help
all: $(BUILD)/libtagalong.so $(BUILD)/tagalong $(BUILD)/tagalong-tools $(BUILD)/hooks

help:
	@echo 'make [all]      build/libtagalong.so and build/tagalong'
	@echo 'make check      the quick tests: no root, nothing to install, two minutes'
	@echo 'make unit       the unit suites of the pure parts'
	@echo 'make test       everything that scripts/check runs, without installing packages'
	@echo 'make bench      cost, as ratios measured side by side'
	@echo 'make bench-service   the context service under load, and what its faults cost a request'
	@echo 'make fuzz       what reads foreign bytes, over random ones; FUZZ_SECONDS=60 each'
	@echo 'make torture    each call that the shim makes fails once, over curl and other host programs'
	@echo 'make soak       mixed clients for a long time, SOAK_SECONDS=3600; few requests a second'
	@echo 'make coverage   which lines and branches the suites reach; coverage-pure: the pure modules, as in CI'
	@echo 'make man        the manual pages, build/man'
	@echo 'make pages      what docs/ has of the tables of the program'
	@echo 'make lint       layers, format, shell scripts, static analysis'
	@echo 'make deb, make rpm   packages, in build/deb and build/rpm'
	@echo 'make install    to DESTDIR and PREFIX ($(PREFIX)); make uninstall takes it back'
	@echo 'make test-asan, test-tsan, test-valgrind: the suites over sanitizers; V=1 shows commands'

# What only the commands call of the modules that both have stays out of other people's processes. So do
# the compiler's start files: there is nothing to construct, and Debian's are not marked as fit for
# shadow stacks and indirect branch tracking, which one unfit object takes from the whole process.
NO_START_FILES := $(if $(SANITIZE),,-nostartfiles)
$(BUILD)/libtagalong.so: $(SHIM_OBJECTS) $(BUILD)/gen/exports.map scripts/second-default
	$(call say,LINK,$@)
	$(Q)$(CC) -shared -o $@.tmp $(SHIM_OBJECTS) $(ALL_CFLAGS) $(LDFLAGS) $(LINK_HARDENING) \
		$(NO_START_FILES) -Wl,--gc-sections -Wl,-z,nodelete $(if $(SANITIZE),,-Wl,-z,defs) \
		-Wl,-soname,libtagalong.so \
		-Wl,--version-script=$(BUILD)/gen/exports.map -Wl,--as-needed
	$(Q)python3 scripts/second-default $@.tmp
	$(Q)mv $@.tmp $@

$(BUILD)/tagalong: $(LAUNCHER_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) -pie -o $@ $^ $(ALL_CFLAGS) $(LDFLAGS) $(LINK_HARDENING) -Wl,--gc-sections \
		-Wl,--as-needed -pthread

$(BUILD)/tagalong-tools: $(BUILD)/obj/shim/cli/tools.o $(CLI_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) -pie -o $@ $^ $(ALL_CFLAGS) $(LDFLAGS) $(LINK_HARDENING) $(CLI_LIBS)

# The pages of docs/ that are made of the program's tables.
$(BUILD)/pages: scripts/pages.c $(CLI_OBJECTS)
	$(call say,CC,$@)
	$(Q)$(CC) -pie -o $@ $^ $(ALL_CFLAGS) $(LDFLAGS) $(CLI_LIBS)

# The lines of a file between "LIST: made by make pages" and an end.
refill = $(Q)$(BUILD)/pages $(1) > $(BUILD)/$(1).list && \
	sed -i -e '/$(1): made by make pages/,/$(3)/{//!d}' -e '/$(1): made by make pages/r $(BUILD)/$(1).list' $(2)
pages: $(BUILD)/pages
	$(Q)$(BUILD)/pages commands > docs/commands.md
	$(Q)$(BUILD)/pages relays > docs/relays.md
	$(call refill,launcher,scripts/tagalong-run,\# end)
	$(call refill,variables,docs/variables.md,<!-- end)
	$(call refill,fields,docs/protocol.md,<!-- end)
	$(call refill,signals,docs/conversation.md,<!-- end)
	$(call refill,words,docs/tagalong.schema.json,^ *]$$)
	$(call refill,presets,docs/tagalong.schema.json,^ *]$$)

# Beside the library, as when it is installed.
$(BUILD)/hooks:
	$(Q)mkdir -p $(@D)
	$(Q)ln -sfn '$(CURDIR)/shim/hooks' $@

# The interposed names, from the one list, which differs by machine. The functions of the dynamic loader
# have no version, so they stand in for those of any.
$(BUILD)/gen/exports.map: shim/preload/hooks.def Makefile | $(BUILD)/needs
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)printf 'TAGALONG_1 {\nglobal:\ntagalong_headers;\nnapi_register_module_v1;\n%s\nlocal:\nentry_*;\n_end;\n};\nTAGALONG_2 { };\n%s\n' \
		"$$($(CC) -E -P -x c '-DHOOK(name, ...)=name;' '-DNEED(...)=' '-DDL_HOOK(...)=' '-DVERSION(...)=' $<)" \
		"$$($(CC) -E -P -x c '-DHOOK(...)=' '-DNEED(...)=' '-DDL_HOOK(...)=' '-DVERSION(name)=name { };' $<)" \
		> $@

# What the shared store runs, as C text without comments and indents.
$(BUILD)/gen/shared_script_text.h: shim/daemon/shared_script.lua
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q){ echo 'static const char shared_script_text[] ='; sed -e '/^--/d' -e '/^[[:space:]]*--/d' \
		-e 's/^[[:space:]]*//' -e 's/["\\]/\\&/g' -e 's/.*/\t"&\\n"/' $<; echo ';'; } > $@
$(BUILD)/obj/shim/daemon/shared_script.o: $(BUILD)/gen/shared_script_text.h

# The presets are data: read, checked and packed when the shim is built.
PRESETC_SOURCES := $(wildcard shim/presets/*.c) $(addprefix shim/,core/header_rule_parse.c \
	core/config_reader.c core/header.c lib/chars.c core/template.c core/context.c lib/json.c \
	lib/buf.c lib/text.c)
$(BUILD)/presetc: $(BUILD)/needs $(PRESETC_SOURCES) $(wildcard shim/core/*.h) \
	$(wildcard shim/core/*.def)
	$(call say,HOSTCC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) -std=gnu17 -D_GNU_SOURCE -O1 -Ishim -o $@ $(filter %.c,$^)

$(BUILD)/gen/presets.c: $(BUILD)/presetc $(PRESETS)
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(BUILD)/presetc $(PRESETS) > $@.tmp && mv $@.tmp $@

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -c -o $@ $<

# GCC 11 tells the assembler nothing of -ffile-prefix-map.
$(BUILD)/obj/%.o: %.S | $(BUILD)/needs
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) '-fdebug-prefix-map=$(CURDIR)=.' -c -o $@ $<

# A sanitizer's runtime asks dlsym for the real functions before it is ready for instrumented code.
ifneq ($(MODE),fuzz)
$(patsubst %,$(BUILD)/obj/shim/preload/%.o,dl_hooks dso elf start): NOT_SANITIZED := -fno-sanitize=all
endif

# One line that says what is missing, before a compiler says it in a hundred.
$(BUILD)/needs: scripts/check-needs Makefile
	$(Q)sh scripts/check-needs '$(CC)' '$(PKG_CONFIG)' '$(@D)' $(CLI_MODULES)
	$(Q)mkdir -p $(@D) && touch $@

$(BUILD)/obj/%.o: %.c | $(BUILD)/needs $(CURL_HEADERS)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(NOT_SANITIZED) -fPIC -c -o $@ $<

# One CUnit program a suite, linked with the pure modules, what of the shim is no hook, and what of the
# service waits for nothing.
UNIT_OBJECTS := $(CORE_OBJECTS) $(patsubst %,$(BUILD)/obj/shim/preload/%.o,elf table) \
	$(patsubst %,$(BUILD)/obj/shim/daemon/%.o,nearest process scopes store_row)
$(BUILD)/tests/%: tests/unit/%.c $(UNIT_OBJECTS) | $(UNIT_LIBCURL)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/unit -o $@ $< $(UNIT_OBJECTS) $(LDFLAGS) $(UNIT_LIBS)

# Host programs: compiled as anybody's, without our flags, against the libcurl of the system.
$(BUILD)/fixtures/%: tests/fixtures/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -O1 -g -Wall -Wextra -Werror -o $@ $< $(CURL_LIBS)

# A stand-in for other versions of libcurl, in a folder for LD_LIBRARY_PATH.
$(BUILD)/fixtures/standin/libcurl.so.4: tests/fixtures/standin/libcurl.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -O1 -g -Wall -Wextra -Werror -fPIC -shared -Wl,-soname,libcurl.so.4 \
		-Wl,--version-script=tests/fixtures/standin/versions.map -o $@ $<

# The same, as another build of it: what was learned of the one is wrong for the other.
$(BUILD)/fixtures/standin/other/libcurl.so.4: tests/fixtures/standin/libcurl.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -O0 -Wall -Wextra -Werror -fPIC -shared -Wl,-soname,libcurl.so.4 \
		-Wl,--version-script=tests/fixtures/standin/versions.map -o $@ $<

# Every way in which a program comes to a libcurl: by link, by plugin (one for each of Debian's
# flavours that is installed), by name. The headers are the same for all.
flavour = $(if $(filter /%,$(shell $(CC) -print-file-name=libcurl-$(1).so.4 2>/dev/null)),plugin-$(1).so)
BINDING := $(addprefix $(BUILD)/fixtures/binding/,host host-linked nextdoor.so plugin-openssl.so \
	$(call flavour,gnutls) $(call flavour,nss))
$(BUILD)/fixtures/binding/plugin-openssl.so: FLAVOUR := -l:libcurl.so.4
$(BUILD)/fixtures/binding/plugin-gnutls.so: FLAVOUR := -l:libcurl-gnutls.so.4
$(BUILD)/fixtures/binding/plugin-nss.so: FLAVOUR := -l:libcurl-nss.so.4
$(BUILD)/fixtures/binding/host-linked: FLAVOUR := -DLINKED -l:libcurl.so.4
$(BINDING): $(wildcard tests/fixtures/binding/*)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -O1 -g -D_GNU_SOURCE -Wall -Wextra -Werror $(if $(filter %.so,$@),-fPIC -shared) -o $@ \
		tests/fixtures/binding/$(firstword $(subst -, ,$(basename $(@F)))).c $(FLAVOUR)

# Takes poll() and connect() from libcurl, so it shows its symbols.
$(BUILD)/fixtures/chaos: $(wildcard tests/fixtures/chaos/*)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -O1 -g -D_GNU_SOURCE -Wall -Wextra -Werror -rdynamic -o $@ $(filter %.c,$^) $(CURL_LIBS)

fixtures: $(FIXTURES) $(BUILD)/fixtures/standin/libcurl.so.4 \
	$(BUILD)/fixtures/standin/other/libcurl.so.4 $(BINDING) $(BUILD)/fixtures/chaos

# A made libcurl, a host program and its plugin, for any machine (tests/cross/test_cross.py).
CROSS_CC = $(CC) -O1 -g -Wall -Wextra -Wno-unused-parameter -Werror -D_GNU_SOURCE $(CROSS_CFLAGS) -fPIC
$(BUILD)/cross/libcurl.so.4: tests/cross/libcurl_fake.c | $(CURL_HEADERS)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CROSS_CC) -shared -Wl,-soname,libcurl.so.4 \
		-Wl,--version-script=tests/fixtures/standin/versions.map -o $@ $<

$(BUILD)/cross/plugin.so: tests/cross/plugin.c tests/cross/chat.h $(BUILD)/cross/libcurl.so.4
	$(call say,CC,$<)
	$(Q)$(CROSS_CC) -shared -o $@ $< $(@D)/libcurl.so.4

$(BUILD)/cross/host: tests/cross/host.c tests/cross/chat.h $(BUILD)/cross/libcurl.so.4
	$(call say,CC,$<)
	$(Q)$(CROSS_CC) -pie -Wl,--enable-new-dtags,-rpath,'$$ORIGIN' -o $@ $< $(@D)/libcurl.so.4

$(BUILD)/include/curl:
	$(Q)mkdir -p $(@D)
	$(Q)ln -sfn $(shell $(PKG_CONFIG) --variable=includedir libcurl)/curl $@

cross: $(BUILD)/libtagalong.so $(BUILD)/cross/host $(BUILD)/cross/plugin.so \
	$(if $(CURL_HEADERS),$(UNIT_SUITES))

# What a developer runs all day: nothing is installed, no root is needed; the quick part of the suites with Python
# alone (tests/plain.py), real curl, both runs compared byte for byte.
check: all fixtures $(UNIT_SUITES)
	$(Q)python3 tests/run.py --quick

# What the tests need beside the programs themselves.
test-build: all $(BUILD)/pages man fixtures $(UNIT_SUITES) $(BUILD)/bench/calls $(BUILD)/bench/empty.so

test: test-build
	$(Q)TAGALONG_BUILD='$(if $(filter /%,$(BUILD)),,$(CURDIR)/)$(BUILD)' python3 tests/run.py $(TEST)

# The unit suites, the suites of host programs with handles, threads and bindings of every kind, and the
# service with each of its stores, over sanitizers and valgrind. A sanitizer's runtime has to stand before
# the shim in LD_PRELOAD; leaks are looked for in the unit suites and the service, because the host programs leave
# some behind on purpose. Left out under it: the memory test (freed memory is kept for a while), and
# what the suites skip, each with its reason. A service in which something was found ends badly, and
# that fails its test.
PYTEST = timeout 900 /usr/bin/python3 -m pytest -q -n 2
HOST_SUITES := $(patsubst %,tests/e2e/test_%.py,handles threads bindings frugal) -k 'not memory_is_flat'
SERVICE_SUITE := tests/service --ignore=tests/service/test_install.py

test-asan: fixtures
	$(Q)$(MAKE) -s MODE=asan all unit
	$(Q)ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1 \
		TAGALONG_LIB=$$($(CC) -print-file-name=libasan.so):$(CURDIR)/build/asan/libtagalong.so \
		$(PYTEST) $(HOST_SUITES)
	$(Q)for suite in '$(SERVICE_SUITE)' tests/store; do UBSAN_OPTIONS=halt_on_error=1 \
		TAGALONG_BUILD=$(CURDIR)/build/asan $(PYTEST) $$suite || exit 1; done

test-tsan: fixtures
	$(Q)$(MAKE) -s MODE=tsan all unit
	$(Q)TSAN_OPTIONS=halt_on_error=1 \
		TAGALONG_LIB=$$($(CC) -print-file-name=libtsan.so):$(CURDIR)/build/tsan/libtagalong.so \
		$(PYTEST) $(HOST_SUITES)
	$(Q)for suite in '$(SERVICE_SUITE)' tests/store; do TSAN_OPTIONS=halt_on_error=1 \
		TAGALONG_BUILD=$(CURDIR)/build/tsan $(PYTEST) $$suite || exit 1; done

VALGRIND := valgrind -q --error-exitcode=99 --suppressions=$(CURDIR)/tests/valgrind.supp
LEAKS := --leak-check=full --errors-for-leak-kinds=definite,indirect --child-silent-after-fork=yes
test-valgrind: all fixtures $(UNIT_SUITES)
	$(Q)for suite in $(UNIT_SUITES); do $(VALGRIND) $(LEAKS) $$suite || exit 1; done
	$(Q)TAGALONG_WRAP='$(VALGRIND)' $(PYTEST) tests/e2e/test_handles.py \
		-k 'not hidden and not memory_is_flat'
	$(Q)TAGALONG_WRAP='$(VALGRIND)' $(PYTEST) tests/e2e/test_bindings.py \
		-k '(another_place and deepbind) or (inner_calls and DEEPBIND)'
	$(Q)TAGALONG_WRAP='$(VALGRIND) $(LEAKS)' $(PYTEST) \
		$(patsubst %,tests/service/test_%.py,golden scopes state)
	$(Q)TAGALONG_WRAP='$(VALGRIND) $(LEAKS)' $(PYTEST) $(patsubst %,tests/store/test_%.py,faults shared)

# One libFuzzer program for each tests/fuzz/fuzz_NAME.c: linked with all modules but the hooks and the
# commands, FUZZ_JOBS at a time (tests/fuzz/run.py). What breaks it becomes a seed and a unit test.
FUZZ_SECONDS ?= 60
FUZZ_JOBS ?= $(shell nproc)
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_OBJECTS := $(CORE_OBJECTS) $(call objects,$(call folder_sources,daemon)) \
	$(BUILD)/obj/shim/preload/elf.o
$(BUILD)/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ_OBJECTS)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -Itests/unit -o $@ $< $(FUZZ_OBJECTS) $(LDFLAGS) \
		$(CLI_LIBS)

fuzz:
	$(Q)$(MAKE) -s MODE=fuzz CC=clang run-fuzzers

run-fuzzers: $(FUZZERS)
	$(Q)python3 tests/fuzz/run.py --seconds $(FUZZ_SECONDS) --jobs $(FUZZ_JOBS) $(FUZZERS)

# Each call that the shim makes fails once; TORTURE=--share=9 takes every ninth run.
$(BUILD)/torture/fail.so: tests/torture/fail.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -O1 -g -Wall -Wextra -Werror -shared -fPIC -o $@ $<

torture: all fixtures $(BUILD)/torture/fail.so
	$(Q)/usr/bin/python3 tests/torture/torture.py $(TORTURE)

# A few requests a second by mixed clients, while their context changes and the service comes and goes.
SOAK_SECONDS ?= 3600
soak: all
	$(Q)/usr/bin/python3 tests/soak/soak.py --seconds $(SOAK_SECONDS)

# Lines and branches that the suites reach (tests/coverage): some minutes; of the pure modules: one.
coverage:
	$(Q)/usr/bin/python3 tests/coverage/run.py
coverage-pure:
	$(Q)/usr/bin/python3 tests/coverage/run.py --pure

lint: all
	$(Q)scripts/check-layers
	$(Q)find shim -name '*.[ch]' | xargs clang-format --dry-run -Werror
	$(Q)shellcheck -S warning scripts/demo scripts/check scripts/check-layers scripts/check-exports \
		scripts/check-needs scripts/install-deps scripts/install-npm scripts/tagalong-run tests/fresh/run tests/store/server_of scripts/packaging/build .ci/run \
		scripts/completions/tagalong.bash
	$(Q)node --input-type=module --check < shim/hooks/kilo/tagalong.js
	$(Q)node --check shim/hooks/node/tagalong.cjs
	$(Q)cppcheck -q -j $$(nproc) --error-exitcode=1 --std=c11 --enable=warning,portability,performance \
		--include=/usr/include/$(MULTIARCH)/sys/queue.h \
		--inline-suppr --suppress=missingIncludeSystem '--suppress=*:/usr/*' \
		-Ishim $(wildcard shim/*/*.c shim/*/*/*.c)
	$(Q)printf '%s\n' $(wildcard shim/*/*.c shim/*/*/*.c) | xargs -P $$(nproc) -n 12 sh -c 'clang-tidy --quiet "$$@" \
		-- -std=gnu17 -D_GNU_SOURCE -DTAGALONG_VERSION=\"lint\" \
		-DTAGALONG_MULTIARCH=\"x86_64-linux-gnu\" -Ishim -I$(BUILD)/gen 2>/dev/null' clang-tidy
	$(Q)# leaks are valgrind's business: the analyzer loses what is kept in a caller's array
	$(Q)$(MAKE) -s -j $$(nproc) BUILD=build/analyzer CC=gcc CFLAGS=-O1 \
		WERROR='-Werror -fanalyzer -Wno-analyzer-malloc-leak' all
	$(Q)$(MAKE) -s -j $$(nproc) BUILD=build/clang CC=clang WERROR=-Werror all

unit: $(UNIT_SUITES)
	$(Q)for suite in $^; do $$suite || exit 1; done

# The manual is made of docs/; docs/commands.md of the commands' tables (make pages).
MAN_PAGES := $(addprefix $(BUILD)/man/,tagalong.1 libtagalong.7 tagalong.json.5 tagalong-protocol.7)
$(BUILD)/man/tagalong.1: docs/commands.md
$(BUILD)/man/libtagalong.7: docs/variables.md
$(BUILD)/man/tagalong.json.5: docs/configuration.md
$(BUILD)/man/tagalong-protocol.7: docs/protocol.md
$(MAN_PAGES): scripts/man-page Makefile
	$(call say,MAN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)scripts/man-page $(@F) $(RELEASED) $(VERSION) < $(filter docs/%,$^) > $@.tmp && mv $@.tmp $@

man: $(MAN_PAGES)

PYTHONS ?= python3 $(foreach minor,8 9 10 11 12 13 14,python3.$(minor))
HOOK_FILES := hooks/kilo/tagalong.js hooks/node/tagalong.cjs \
	hooks/python/sitecustomize.py hooks/python/hook.py

# As dpkg does it: who starts meanwhile finds the old file or the new one, whole, and what runs keeps
# the one that it has.
put = install -m $(1) $(2) $(3).new && mv -f $(3).new $(3)

# The launchers find the library in ../lib/tagalong of their folder, or with LIBDIR as distributions
# have it, in ../lib/MULTIARCH/tagalong or ../lib64/tagalong. The units are for each user to
# enable: systemctl --user enable --now tagalong.socket
UNITS := tagalong.socket tagalong.service
install: all man
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/tagalong $(DESTDIR)$(UNITDIR)
	$(call put,755,$(BUILD)/tagalong,$(DESTDIR)$(BINDIR)/tagalong)
	$(call put,755,$(BUILD)/tagalong-tools,$(DESTDIR)$(LIBDIR)/tagalong/tagalong-tools)
	$(call put,755,scripts/tagalong-run,$(DESTDIR)$(BINDIR)/tagalong-run)
	$(call put,644,$(BUILD)/libtagalong.so,$(DESTDIR)$(LIBDIR)/tagalong/libtagalong.so)
	install -d $(addprefix $(DESTDIR)$(LIBDIR)/tagalong/,$(dir $(HOOK_FILES)))
	for file in $(HOOK_FILES); do \
		$(call put,644,shim/$$file,$(DESTDIR)$(LIBDIR)/tagalong/$$file) || exit 1; done
	@# Compiling takes more than 1 ms of each start where Python cannot keep what it compiled.
	rm -rf $(DESTDIR)$(LIBDIR)/tagalong/hooks/python/__pycache__
	for python in $(PYTHONS); do \
		$$python -c '' 2>/dev/null || continue; \
		$$python -m compileall -q --invalidation-mode unchecked-hash \
			$(DESTDIR)$(LIBDIR)/tagalong/hooks/python || exit 1; done
	for unit in $(UNITS); do \
		to=$(DESTDIR)$(UNITDIR)/$$unit; sed 's|@BINDIR@|$(BINDIR)|' scripts/systemd/$$unit >$$to.new && \
		chmod 644 $$to.new && mv -f $$to.new $$to || exit 1; done
	for page in $(MAN_PAGES); do \
		install -D -m 644 -t $(DESTDIR)$(MANDIR)/man$${page##*.} $$page || exit 1; done
	ln -sfn tagalong.1 $(DESTDIR)$(MANDIR)/man1/tagalong-run.1
	install -D -m 644 scripts/completions/tagalong.bash $(DESTDIR)$(BASHCOMPDIR)/tagalong
	install -D -m 644 scripts/completions/_tagalong $(DESTDIR)$(ZSHCOMPDIR)/_tagalong
	install -D -m 644 scripts/completions/tagalong.fish $(DESTDIR)$(FISHCOMPDIR)/tagalong.fish

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/tagalong $(DESTDIR)$(BINDIR)/tagalong-run
	rm -f $(addprefix $(DESTDIR)$(UNITDIR)/,$(UNITS))
	rm -rf $(DESTDIR)$(LIBDIR)/tagalong
	rm -f $(DESTDIR)$(MANDIR)/man1/tagalong-run.1
	rm -f $(foreach page,$(MAN_PAGES),$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))
	rm -f $(DESTDIR)$(BASHCOMPDIR)/tagalong $(DESTDIR)$(ZSHCOMPDIR)/_tagalong \
		$(DESTDIR)$(FISHCOMPDIR)/tagalong.fish

# Of what git knows, in a copy.
deb rpm:
	$(Q)scripts/packaging/build $@

$(BUILD)/bench/calls $(BUILD)/bench/grow $(BUILD)/bench/rates: $(BUILD)/bench/%: tests/bench/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -O2 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter -o $@ $< $(CURL_LIBS)

$(BUILD)/bench/body $(BUILD)/bench/get: $(BUILD)/bench/%: tests/bench/%.c $(CORE_OBJECTS)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $< $(CORE_OBJECTS) $(LDFLAGS)

$(BUILD)/bench/empty.so: tests/bench/empty.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -O2 -shared -fPIC -o $@ $<

bench: all $(addprefix $(BUILD)/bench/,calls grow body get rates empty.so)
	$(Q)/usr/bin/python3 tests/bench/run.py $(BENCH)
	$(Q)/usr/bin/python3 tests/bench/chat.py $(BENCH)
	$(Q)/usr/bin/python3 tests/bench/growth.py $(BENCH)
	$(Q)/usr/bin/python3 tests/bench/start.py
	$(Q)/usr/bin/python3 tests/bench/first.py
	$(Q)/usr/bin/python3 tests/bench/rates.py

bench-service: all
	$(Q)/usr/bin/python3 tests/bench/service_load.py $(BENCH)
	$(Q)/usr/bin/python3 tests/bench/service_faults.py

clean:
	$(Q)rm -rf build

-include $(SHIM_OBJECTS:.o=.d) $(CLI_OBJECTS:.o=.d) $(LAUNCHER_OBJECTS:.o=.d) $(UNIT_SUITES:=.d) $(FUZZERS:=.d)
