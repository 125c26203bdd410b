# SPDX-License-Identifier: MIT
# One Makefile for all. `make` builds build/libtagalong.so and build/tagalong; `make help` lists more.

VERSION := 0.1.0
MODE ?= release
BUILD ?= build$(if $(filter-out release,$(MODE)),/$(MODE))
CC ?= cc
HOST_CC ?= cc
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' $(1) $(2))

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wformat=2 -Wundef -Wpointer-arith -Wstrict-prototypes \
	-Wmissing-prototypes -Wmissing-declarations -Wwrite-strings -Wvla -Wswitch-enum \
	-Wcast-align -Wimplicit-fallthrough -Wno-unused-parameter $(WERROR)
HARDENING := -fstack-protector-strong -fstack-clash-protection $(FORTIFY) $(CET)
FORTIFY := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
CET := $(if $(filter x86_64% i%86%,$(shell $(CC) -dumpmachine)),-fcf-protection)

ifeq ($(MODE),asan)
  SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
  HARDENING :=
endif
ifeq ($(MODE),tsan)
  SANITIZE := -fsanitize=thread
  HARDENING :=
endif
ifeq ($(MODE),cov)
  SANITIZE := --coverage -O0
  HARDENING :=
endif

ALL_CFLAGS := -std=gnu17 -D_GNU_SOURCE -DTAGALONG_VERSION='"$(VERSION)"' -Ishim -I$(BUILD)/gen \
	-fvisibility=hidden -fno-common -MMD -MP \
	-ffile-prefix-map=$(CURDIR)=. $(WARNINGS) $(HARDENING) $(CFLAGS) $(SANITIZE)
LINK_HARDENING := -Wl,-z,relro,-z,now,-z,noexecstack

# Rooms in the order of the layer map (scripts/check-layers): what the shim holds, then the command.
CORE_ROOMS := base context headers wire client sources policy tag
SHIM_ROOMS := $(CORE_ROOMS) preload
CLI_ROOMS := $(CORE_ROOMS) cli

room_sources = $(sort $(foreach room,$(1),$(wildcard shim/$(room)/*.c)))
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
SHIM_OBJECTS := $(call objects,$(call room_sources,$(SHIM_ROOMS))) $(BUILD)/obj/gen/presets.o \
	$(BUILD)/obj/shim/preload/trampolines.o
CORE_OBJECTS := $(call objects,$(call room_sources,$(CORE_ROOMS))) $(BUILD)/obj/gen/presets.o
CLI_OBJECTS := $(call objects,$(call room_sources,$(CLI_ROOMS))) $(BUILD)/obj/gen/presets.o
PRESETS := $(sort $(wildcard shim/presets/*.json))
UNIT_SUITES := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
FIXTURES := $(patsubst tests/fixtures/%.c,$(BUILD)/fixtures/%,$(wildcard tests/fixtures/*.c))

CURL_LIBS = $(shell $(PKG_CONFIG) --libs libcurl)

.PHONY: all unit fixtures test bench lint install uninstall clean help
all: $(BUILD)/libtagalong.so $(BUILD)/tagalong

help:
	@echo 'make [all]      build/libtagalong.so and build/tagalong'
	@echo 'make unit       the CUnit suites of the pure rooms'
	@echo 'make test       everything that scripts/check runs, without installing packages'
	@echo 'make bench      cost, as ratios measured side by side'
	@echo 'make lint       layers, exports, shell scripts, static analysis'
	@echo 'make install    to DESTDIR and PREFIX ($(PREFIX)); make uninstall takes it back'
	@echo 'MODE=release|asan|tsan|cov   V=1 shows commands'

$(BUILD)/libtagalong.so: $(SHIM_OBJECTS) $(BUILD)/gen/exports.map
	$(call say,LINK,$@)
	$(Q)$(CC) -shared -o $@ $(SHIM_OBJECTS) $(ALL_CFLAGS) $(LDFLAGS) $(LINK_HARDENING) \
		-Wl,-z,nodelete $(if $(SANITIZE),,-Wl,-z,defs) -Wl,-soname,libtagalong.so \
		-Wl,--version-script=$(BUILD)/gen/exports.map -Wl,--as-needed

$(BUILD)/tagalong: $(CLI_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) -pie -o $@ $^ $(ALL_CFLAGS) $(LDFLAGS) $(LINK_HARDENING) \
		$(CURL_LIBS) $(shell $(PKG_CONFIG) --libs libcjson)

# The interposed names, from the one list.
$(BUILD)/gen/exports.map: shim/preload/hooks.def
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)sed -n 's/^\(HOOK\|DOOR\)(\([a-z_]*\).*/\t\t\2;/p' $< | \
		{ printf '{\n\tglobal:\n'; cat; printf '\tlocal:\n\t\t*;\n};\n'; } > $@

# The presets are data: read, checked and packed when the shim is built.
PRESETC_SOURCES := $(wildcard shim/presets/*.c) $(addprefix shim/,headers/header.c headers/chars.c \
	headers/template.c base/buf.c base/text.c)
$(BUILD)/presetc: $(PRESETC_SOURCES) $(wildcard shim/presets/*.h) shim/context/fields.def
	$(call say,HOSTCC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) -std=gnu17 -D_GNU_SOURCE -O1 -Ishim -o $@ $(PRESETC_SOURCES) \
		$(shell $(PKG_CONFIG) --cflags --libs libcjson)

$(BUILD)/gen/presets.c: $(BUILD)/presetc $(PRESETS)
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(BUILD)/presetc $(PRESETS) > $@.tmp && mv $@.tmp $@

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -c -o $@ $<

$(BUILD)/obj/%.o: %.S
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/obj/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -c -o $@ $<

# One CUnit program a suite, linked with the pure rooms and what of the shim is no hook.
UNIT_OBJECTS := $(CORE_OBJECTS) $(BUILD)/obj/shim/preload/table.o
$(BUILD)/tests/%: tests/unit/%.c $(UNIT_OBJECTS)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/unit -o $@ $< $(UNIT_OBJECTS) $(LDFLAGS) -lcunit $(CURL_LIBS) \
		$(shell $(PKG_CONFIG) --libs libcjson)

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

fixtures: $(FIXTURES) $(BUILD)/fixtures/standin/libcurl.so.4

unit: $(UNIT_SUITES)
	$(Q)for suite in $^; do $$suite || exit 1; done

$(BUILD)/bench/calls: tests/bench/calls.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -O2 -Wall -Wextra -o $@ $< $(CURL_LIBS)

$(BUILD)/bench/empty.so: tests/bench/empty.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -O2 -shared -fPIC -o $@ $<

bench: all $(BUILD)/bench/calls $(BUILD)/bench/empty.so
	$(Q)/usr/bin/python3 tests/bench/run.py $(BENCH)

clean:
	$(Q)rm -rf build

-include $(SHIM_OBJECTS:.o=.d) $(CLI_OBJECTS:.o=.d) $(UNIT_SUITES:=.d)
