# What the Makefile does with the programs once it can build them.

FUZZ_SECONDS ?= 60
DEPS := tools/dev/deps
# The packages come first and pkg-config is read after them, hence a second make.
AGAIN = +$(Q)$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

demo:
	$(Q)$(DEPS) build
	$(AGAIN) all
	$(Q)B='$(B)' tools/dev/demo

check:
	$(Q)$(DEPS) build check
	$(AGAIN) tests
	$(Q)B='$(B)' tests/run $(T)

# Everything that tests/run runs.
tests: all helpers $(UNITS) $(SCENES) $(REPLAYS)
helpers: $(HELPERS)

bench:
	$(Q)$(DEPS) build check bench
	$(AGAIN) all helpers benches
	$(Q)B='$(B)' tests/bench/run $(BENCH)
benches: $(BENCHED)

# Random faults while messages flow, for an hour; EARSHOT_SEED repeats them.
SOAK_SECONDS ?= 3600
soak:
	$(Q)$(DEPS) build check
	$(AGAIN) all helpers
	$(Q)B='$(B)' tests/soak/run $(SOAK_SECONDS)

# Objects instrumented for libFuzzer, in a tree of their own.
FUZZER := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
fuzz:
	$(Q)$(DEPS) build check lint
	$(AGAIN) B=build/fuzz CC=clang SANFLAGS='$(FUZZER) -fsanitize=fuzzer-no-link' fuzzers
	$(Q)tools/dev/fuzz $(FUZZ_SECONDS) $(T)

FUZZERS := $(FUZZ:tests/fuzz/fuzz_%.c=$(B)/bin/%)
fuzzers: $(FUZZERS)
$(FUZZERS): $(B)/bin/%: $(B)/tests/fuzz/fuzz_%.o $$(if $$(filter $$*,$(FAKED)),$(FAKES)) \
		$(B)/libtools.a $(B)/libearshot.a
	$(call SAY,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FUZZER) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(LIBS)

lint:
	$(Q)$(DEPS) build check bench lint
	$(Q)tools/dev/lint

# Installation: what goes where. In a unit or a configuration file, @BINDIR@ is BINDIR.
BINDIR  ?= $(PREFIX)/bin
MANDIR  ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd
USERDIR ?= $(UNITDIR)/user
DOCDIR  ?= $(PREFIX)/share/doc/earshot
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
# Where Debian's zsh looks: its packages' own folder, and that of what is installed locally.
ZSHDIR  ?= $(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d

# One word a file: mode=source=place. A *.user.service is the unit of a user's own daemon.
PUT   = $(foreach f,$(2),$(1)=$(f)=$(patsubst $(3),$(4),$(f)))
SHELLS := bash zsh fish
UNITF := $(wildcard tools/dist/*.service tools/dist/*.socket)
LIST   = $(call PUT,755,$(B)/earshotd $(B)/earshot,$(B)/%,$(BINDIR)/%) \
	$(foreach n,1 5 7 8,\
		$(call PUT,644,$(wildcard tools/man/*.$(n)),tools/man/%,$(MANDIR)/man$(n)/%)) \
	644=$(B)/completion.bash=$(BASHDIR)/earshot \
	644=$(B)/completion.zsh=$(ZSHDIR)/_earshot \
	644=$(B)/completion.fish=$(FISHDIR)/earshot.fish \
	644=tools/dist/completion/earshotd.bash=$(BASHDIR)/earshotd \
	644=tools/dist/completion/earshotd.zsh=$(ZSHDIR)/_earshotd \
	644=tools/dist/completion/earshotd.fish=$(FISHDIR)/earshotd.fish \
	$(call PUT,644,$(filter-out %.user.service,$(UNITF)),tools/dist/%,$(UNITDIR)/system/%) \
	$(call PUT,644,$(filter %.user.service,$(UNITF)),tools/dist/%.user.service,$(USERDIR)/%.service) \
	$(call PUT,644,$(wildcard tools/dist/*.conf),tools/dist/%,$(DOCDIR)/%) \
	$(call PUT,644,$(wildcard README.md LICENSE CHANGES xep/*.md),%,$(DOCDIR)/%)
EACH   = for line in $(LIST); do IFS==; set -- $$line; unset IFS

$(SHELLS:%=$(B)/completion.%): $(B)/completion.%: $(B)/earshot
	$(Q)$(B)/earshot --completion $* >$@

install: all $(SHELLS:%=$(B)/completion.%)
	$(Q)$(EACH); echo "  INST  $(DESTDIR)$$3"; \
		install -D -m "$$1" "$$2" "$(DESTDIR)$$3" || exit 1; \
		[ "$$1" = 755 ] || sed -i 's|@BINDIR@|$(BINDIR)|g' "$(DESTDIR)$$3"; \
	done

uninstall:
	$(Q)$(EACH); echo "  RM    $(DESTDIR)$$3"; rm -f "$(DESTDIR)$$3" || exit 1; done
	$(Q)rmdir '$(DESTDIR)$(DOCDIR)/xep' '$(DESTDIR)$(DOCDIR)' 2>/dev/null || true

VERSION = $(shell sed -n 's/^\#define EAR_VERSION "\(.*\)"/\1/p' include/earshot/ear.h)
dist:
	$(Q)mkdir -p build
	git archive --format=tar.gz --prefix=earshot-$(VERSION)/ -o build/earshot-$(VERSION).tar.gz HEAD

.PHONY: demo check tests helpers bench benches soak fuzz fuzzers lint install uninstall dist
