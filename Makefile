# Earshot. `make help` says what there is; V=1 shows the commands, SAN=1 builds with sanitizers.

PREFIX  ?= /usr/local
B       ?= $(if $(SAN),build/san,build)
CC      ?= cc
$(if $(strip $(B)),,$(error B is empty: it names the folder to build in))
CFLAGS  ?= -O2 -g
PKGS    := libstrophe libevent openssl expat inih jansson libcares libedit libqrencode sqlite3 \
	libmpdclient libsystemd ncursesw libpq

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-unused-parameter
MUST    := -std=c17 -D_GNU_SOURCE -fno-common -fstack-protector-strong $(WARN) $(if $(WERROR),-Werror)
comma   := ,
SANFLAGS := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
# Avahi's client and core cannot be linked together (src/discover/avahi_lib.h), libpq is seldom
# needed: opened at run time.
LIBS     = -Wl,--as-needed $(shell pkg-config --libs $(PKGS)) -lavahi-common -lunistring -lm
INCS    := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)

SRC     := $(wildcard src/*/*.c)
XEP     := $(wildcard xep/*.c)
TOOL    := $(wildcard tools/*.c)
UNIT    := $(wildcard tests/unit/*/test_*.c)
FUZZ    := $(wildcard tests/fuzz/fuzz_*.c)
SCENE   := $(wildcard tests/scenario/*.c)
BENCHES := $(wildcard tests/bench/bench_*.c)
HELPER  := $(wildcard tests/lan/*.c)

LIBO    := $(SRC:%.c=$(B)/%.o) $(XEP:%.c=$(B)/%.o)
TOOLO   := $(filter-out $(B)/tools/earshot.o $(B)/tools/earshotd.o,$(TOOL:%.c=$(B)/%.o))
UNITS   := $(UNIT:%.c=$(B)/%)
REPLAYS := $(FUZZ:%.c=$(B)/%)
SCENES  := $(if $(SCENE),$(B)/tests/scenario/scenario)
BENCHED := $(BENCHES:%.c=$(B)/%)
PRELOAD := $(wildcard tests/lan/preload/*.c)
HELPERS := $(HELPER:%.c=$(B)/%) $(PRELOAD:%.c=$(B)/%.so)

Q := $(if $(V),,@)
SAY = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

help:
	@echo 'make demo      build, and run the main job on this machine'
	@echo 'make check     build, and run every test; T=NAME runs one'
	@echo 'make all       earshotd and earshot in $(B)/'
	@echo 'make bench     figures beside their floors; BENCH=NAME runs one'
	@echo 'make soak      faults at random while messages flow; SOAK_SECONDS=3600'
	@echo 'make fuzz      fuzz every parser; FUZZ_SECONDS=600 each'
	@echo 'make lint      format, static analysis, man pages'
	@echo 'make install   PREFIX=$(PREFIX) DESTDIR='
	@echo 'make uninstall dist clean'

all: $(B)/earshotd $(B)/earshot

# The include path is the architecture: src and xep never see each other.
$(B)/src/%.o: INC := -Iinclude -Isrc
$(B)/xep/%.o: INC := -Iinclude -Ixep
$(B)/tools/%.o $(B)/tests/%.o: INC := -Iinclude -Isrc -Ixep -Itools -I.

$(B)/%.o: %.c
	$(call SAY,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(MUST) $(SANFLAGS) $(INC) $(INCS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/libearshot.a: $(LIBO)
	$(call SAY,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libtools.a: $(TOOLO)
	$(call SAY,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/earshotd $(B)/earshot: $(B)/%: $(B)/tools/%.o $(B)/libtools.a $(B)/libearshot.a
	$(call SAY,LD,$@)
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# Tests. A unit test mirrors a source by path. The other files of its folder are linked to it: a
# fake engine for xep/ for example, beside which nothing may be linked that needs the real one.
BESIDE = $(patsubst %.c,$(B)/%.o,$(filter-out $(UNIT),$(wildcard $(1:$(B)/%=%)/*.c)))
BENCHO := $(patsubst %.c,$(B)/%.o,$(filter-out $(BENCHES),$(wildcard tests/bench/*.c)))
LINK   = $(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^

.SECONDEXPANSION:
$(UNITS): $(B)/%: $(B)/%.o $$(call BESIDE,$$(@D)) $(B)/libtools.a $(B)/libearshot.a
	$(call SAY,LD,$@)
	$(LINK) $(LIBS) -lcmocka

# Some need the fake engine of the extensions' tests.
FAKES := $(patsubst %.c,$(B)/%.o,$(wildcard tests/unit/xep/fake_*.c))
FAKED := multi pubsub
$(FAKED:%=$(B)/tests/fuzz/fuzz_%) $(FAKED:%=$(B)/bin/%): LIBS += -lcmocka
$(REPLAYS): $(B)/%: $(B)/%.o $(B)/tests/fuzz/replay.o $$(if $$(filter $$(subst fuzz_,,$$(*F)),$(FAKED)),$(FAKES)) \
		$(B)/libtools.a $(B)/libearshot.a
	$(call SAY,LD,$@)
	$(LINK) $(LIBS)

$(SCENES): $(SCENE:%.c=$(B)/%.o) $(B)/libearshot.a
	$(call SAY,LD,$@)
	$(LINK) $(LIBS)

$(B)/tests/bench/bench_press: LIBS += -lmosquitto
$(BENCHED): $(B)/%: $(B)/%.o $(BENCHO) $(B)/libearshot.a
	$(call SAY,LD,$@)
	$(LINK) $(LIBS)

# Programs that the LAN tests use beside ours; the headers of libpurple are not ours to warn about.
$(HELPER:%.c=$(B)/%): $(B)/%: $(B)/%.o
	$(call SAY,LD,$@)
	$(LINK) $(HELPERLIBS)
$(PRELOAD:%.c=$(B)/%.so): $(B)/%.so: %.c
	$(call SAY,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(MUST) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<
$(B)/tests/lan/purple.o: INC := $(subst -I,-isystem ,$(shell pkg-config --cflags purple 2>/dev/null))
$(B)/tests/lan/mdns_probe $(B)/tests/lan/server_probe: $(B)/libearshot.a
$(B)/tests/lan/mdns_probe $(B)/tests/lan/server_probe: HELPERLIBS = $(LIBS)
$(B)/tests/lan/purple: HELPERLIBS = $(shell pkg-config --libs purple)

include tools/dev/targets.mk

clean:
	rm -rf build

.PHONY: help all clean
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
