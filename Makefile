# duress: every command a user needs. `make help` lists them.
#
# Output goes to build/. `make V=1` shows the commands. Header dependencies are automatic (-MMD).

CC       ?= gcc
ifeq ($(origin CC),default)
CC       := gcc
endif
BUILD    ?= build
OPT      ?= -O3
PREFIX   ?= /usr/local
DESTDIR  ?=
VERSION  := 0.1.0
COMMIT   := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

# ---- what a newcomer's machine may miss ----

PACKAGES := gcc libc6-dev make patch pkg-config git libfiu-dev fiu-utils libcriterion-dev libsqlite3-dev libuv1-dev \
            libboost-context-dev libfyaml-dev libjansson-dev libxxhash-dev uthash-dev valgrind libpq-dev libsodium-dev postgresql-15 tzdata
LINTERS  := clang clang-tidy clang-format cppcheck libclang-rt-14-dev libxml2-utils
MISSING   = $(shell for p in $(1); do dpkg-query -W -f='$${Status}\n' $$p 2>/dev/null | grep -q 'install ok installed' || echo $$p; done)
SUDO     := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT       = $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0

# ---- flags ----

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wformat=2 -Wno-format-nonliteral \
            -Wvla -Wundef -Wpointer-arith -Wwrite-strings -Wstrict-prototypes -Wold-style-definition \
            -Wmissing-prototypes -Wno-missing-field-initializers
STD      := -std=gnu11
CPPFLAGS += -I.
CFLAGS   += -g $(OPT) $(STD) $(WARNINGS) $(EXTRA)
LDFLAGS  += $(EXTRA) -rdynamic
POINTS   := -DDURESS_POINTS
JOBS_ABOUT := -DJOBS_VERSION='"$(VERSION)"'
ABOUT    := -DDURESS_VERSION='"$(VERSION)"' -DDURESS_COMMIT='"$(COMMIT)"' -DDURESS_FLAGS='"$(OPT) $(EXTRA)"'

JOBS_LIBS    := -lsqlite3 -lboost_context -lsodium
# What is not used is not loaded: libpq brings twenty libraries along, and 5 ms to every start.
PG_LIBS      := -Wl,--as-needed -lpq
# The harness takes the SQLite that was there when it was built along, where there is an archive: calls within it are direct
# (a tenth of a run), and a tape replays on whatever the machine has.
SQLITE_A     := $(wildcard $(shell pkg-config --variable=libdir sqlite3 2>/dev/null)/libsqlite3.a)
DURESS_LIBS  := $(or $(SQLITE_A),-lsqlite3) -lboost_context -lsodium -lfyaml -ljansson -lxxhash -lfiu -lpthread -lm
CLI_LIBS     := -Wl,--as-needed $(JOBS_LIBS) -lpq -luv -ljansson -lfyaml
TEST_LIBS    := $(DURESS_LIBS) -luv -lcriterion $(PG_LIBS)

# ---- sources: a folder shows what it is ----

HARNESS  := $(filter-out harness/test/% harness/bench/%,$(wildcard harness/*.c harness/*/*.c)) $(wildcard nemesis/*.c properties/*.c reports/*.c)
PG       := $(wildcard sut/store/pg/*.c)
SUT      := $(wildcard sut/*.c sut/runtime/*.c sut/store/*.c sut/store/op/*.c sut/store/sqlite/*.c sut/jobs/*.c)
ADAPTERS := $(filter-out scenarios/main.c,$(wildcard scenarios/*.c scenarios/jobs/*.c scenarios/trees/*.c))
CLI      := $(filter-out sut/cli/jobd.c sut/cli/jobctl.c,$(wildcard sut/cli/*.c sut/live/*.c))
TESTS    := $(wildcard harness/test/test_*.c harness/test/fuzz/test_*.c nemesis/test/test_*.c properties/test/test_*.c reports/test/test_*.c \
              scenarios/test/test_*.c sut/*/test/test_*.c)
BENCHES  := $(wildcard harness/bench/bench_*.c properties/bench/bench_*.c scenarios/bench/bench_*.c sut/*/bench/bench_*.c)
PROPS    := $(wildcard */test/prop_*.c sut/*/test/prop_*.c)
SCRIPTS  := $(wildcard sut/*/test/*.sh)
PROBLEMS := $(wildcard properties/bench/problems*.c)
TESTERS  := $(wildcard */test/support*.c sut/*/test/support*.c)
ORACLE   := $(filter-out sut/runtime/oracle/main.c,$(wildcard sut/runtime/oracle/*.c))
FUZZERS  := $(wildcard */test/fuzz/fuzz_*.c)

OBJ       = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
REL       = $(patsubst %.c,$(BUILD)/release/obj/%.o,$(1))
TEST_BIN := $(patsubst %.c,$(BUILD)/test/%,$(TESTS) $(PROPS))
TEST_SH  := $(patsubst %.sh,$(BUILD)/test/%.sh,$(SCRIPTS))
BENCH_BIN:= $(patsubst %.c,$(BUILD)/bench/%,$(BENCHES))

# As many jobs at once as there are cores, unless somebody said -j.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2))

.PHONY: all run test deps bench bench-peers oracle mutants sweep fuzz asan memcheck lint fmt install clean help build tests test-objects
.SECONDARY:
.DEFAULT_GOAL := build

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- the two commands a newcomer needs ----

run: deps ## build everything and run the scenario suite (ARGS="--time 60s" to change it)
	@$(MAKE) --no-print-directory build
	$(BUILD)/duress run scenarios $(ARGS)

test: deps ## build and run the tests
	@$(MAKE) --no-print-directory build tests
	@scripts=harness/test/run_tests.sh; sh $$scripts $(BUILD) $(TEST_BIN) $(TEST_SH)

deps: ## install what is missing (Debian packages)
	@missing="$(strip $(call MISSING,$(PACKAGES)))"; if [ -n "$$missing" ]; then \
	  echo "  APT    $$missing"; $(APT) update && $(APT) install -y --no-install-recommends $$missing >/dev/null; fi

# ---- building ----

build: $(BUILD)/duress $(BUILD)/jobd $(BUILD)/jobctl $(BUILD)/otp-oracle $(BUILD)/release/jobd $(BUILD)/release/jobctl ## the programs (default)
all: build tests ## the programs and the tests
tests: $(TEST_BIN) $(TEST_SH)
test-objects: $(call OBJ,$(TESTS) $(TESTERS) $(BENCHES)) $(patsubst %.c,$(BUILD)/props/%.o,$(PROPS)) $(call OBJ,$(PROPS))

$(BUILD)/obj/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(POINTS) $(if $(filter reports/% harness/cli/%,$<),$(ABOUT)) $(if $(filter sut/cli/%,$<),$(JOBS_ABOUT)) $(CFLAGS) $(if $(findstring /test/,$<),-Wno-write-strings) $(if $(findstring /test/prop_,$<),-DPROPERTY_CRITERION) -MMD -MP -c $< -o $@

# Property tests, once more, for `duress run property:...`: there without Criterion.
$(BUILD)/props/%.o: %.c
	$(call say,CC,"$< (for duress)")
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(POINTS) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/release/obj/%.o: %.c
	$(call say,CC,"$< (release)")
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(if $(filter sut/cli/%,$<),$(JOBS_ABOUT)) $(CFLAGS) $(if $(findstring /test/,$<),-Wno-write-strings) -MMD -MP -c $< -o $@

# Points, properties and reporters register themselves in linker sections: archives are linked whole.
$(BUILD)/libduress.a: $(call OBJ,$(HARNESS))
$(BUILD)/libjobs.a: $(call OBJ,$(SUT))
$(BUILD)/libpg.a: $(call OBJ,$(PG))
$(BUILD)/libadapters.a: $(call OBJ,$(ADAPTERS))
$(BUILD)/libprops.a: $(patsubst %.c,$(BUILD)/props/%.o,$(PROPS))
$(BUILD)/libcli.a: $(call OBJ,$(CLI))
$(BUILD)/liboracle.a: $(call OBJ,$(ORACLE))
$(BUILD)/libproblems.a: $(call OBJ,$(PROBLEMS))
$(BUILD)/release/libjobs.a: $(call REL,$(SUT) $(PG))
$(BUILD)/release/libcli.a: $(call REL,$(CLI))
$(BUILD)/%.a:
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcs $@ $^

PARTS = $(BUILD)/libproblems.a $(BUILD)/libcli.a $(BUILD)/libpg.a# of these only what is used
WHOLE = -Wl,--whole-archive $(1) -Wl,--no-whole-archive

define link
$(call say,LD,$@)
@mkdir -p $(@D)
$(Q)$(CC) $(LDFLAGS) -o $@ $(1) $(2)
endef

$(BUILD)/duress: $(BUILD)/obj/scenarios/main.o $(BUILD)/libprops.a $(BUILD)/libadapters.a $(BUILD)/libduress.a $(BUILD)/libjobs.a
	$(call link,$< $(call WHOLE,$(filter %.a,$^)),$(DURESS_LIBS))

# The same daemon with points: fiu-run, fiu-ctrl and DURESS_FAULTS drive it.
$(BUILD)/jobd $(BUILD)/jobctl: $(BUILD)/%: $(BUILD)/obj/sut/cli/%.o $(BUILD)/obj/scenarios/jobs/live_points.o $(BUILD)/libcli.a $(BUILD)/libpg.a $(BUILD)/libjobs.a $(BUILD)/libduress.a
	$(call link,$(filter %.o,$^) $(BUILD)/libcli.a $(BUILD)/libpg.a $(call WHOLE,$(BUILD)/libjobs.a) $(BUILD)/libduress.a,$(DURESS_LIBS) -luv $(PG_LIBS))
$(BUILD)/release/jobd $(BUILD)/release/jobctl: $(BUILD)/release/%: $(BUILD)/release/obj/sut/cli/%.o $(BUILD)/release/libcli.a $(BUILD)/release/libjobs.a
	$(call link,$^,$(CLI_LIBS))

# What the runtime does with a scenario that was recorded from OTP.
$(BUILD)/otp-oracle: $(BUILD)/obj/sut/runtime/oracle/main.o $(BUILD)/liboracle.a $(BUILD)/libjobs.a
	$(call link,$^,$(JOBS_LIBS))

$(BUILD)/test/%: $(BUILD)/obj/%.o $(call OBJ,$(TESTERS)) $(BUILD)/libadapters.a $(BUILD)/libduress.a $(BUILD)/libjobs.a $(PARTS)
	$(call link,$< $(filter $(BUILD)/obj/$(dir $*)%,$(call OBJ,$(TESTERS))) $(filter $(call OBJ,$(FUZZERS)),$^) $(BUILD)/libproblems.a $(call WHOLE,$(filter-out $(PARTS),$(filter %.a,$^))) $(BUILD)/libcli.a $(BUILD)/libpg.a,$(TEST_LIBS))
$(BUILD)/test/sut/runtime/test/test_oracle: $(BUILD)/liboracle.a
$(BUILD)/test/harness/test/fuzz/test_corpus: $(call OBJ,$(FUZZERS))
$(BUILD)/test/%.sh: %.sh
	@mkdir -p $(@D)
	$(Q)cp $< $@
$(BUILD)/fuzzer/%: $(BUILD)/obj/%.o $(BUILD)/libduress.a
	$(call link,-fsanitize=fuzzer $< $(call WHOLE,$(BUILD)/libduress.a),$(DURESS_LIBS))
$(BUILD)/bench/%: $(BUILD)/obj/%.o $(BUILD)/libadapters.a $(BUILD)/libduress.a $(BUILD)/libjobs.a $(PARTS)
	$(call link,$< $(call WHOLE,$(filter-out $(PARTS),$(filter %.a,$^))) $(PARTS),$(DURESS_LIBS) -luv $(PG_LIBS))

-include $(shell find $(BUILD)/obj $(BUILD)/props $(BUILD)/release/obj -name '*.d' 2>/dev/null)

# ---- checking ----

asan: deps ## tests and a short suite under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan OPT="-O1 -fno-omit-frame-pointer" EXTRA="-fsanitize=address,undefined -fno-sanitize-recover=undefined" build tests
	@ASAN_OPTIONS=detect_stack_use_after_return=0:quarantine_size_mb=4 sh harness/test/run_tests.sh $(BUILD)/asan $(patsubst $(BUILD)/%,$(BUILD)/asan/%,$(TEST_BIN) $(TEST_SH))
	$(BUILD)/asan/duress run scenarios --runs 300 --verify sample --out $(BUILD)/asan/run

memcheck: build tests ## tests and 200 scenario runs under valgrind
	sh harness/test/memcheck.sh $(BUILD) $(TEST_BIN)

FUZZ_TIME ?= 60s
FAMILY    ?= crash
FUZZ_BIN := $(patsubst %.c,$(BUILD)/fuzz/fuzzer/%,$(FUZZERS))

fuzz: lint-deps ## feed the parsers what libFuzzer makes up, FUZZ_TIME=60s for each
	@$(MAKE) --no-print-directory CC=clang BUILD=$(BUILD)/fuzz OPT="-O1 -fno-omit-frame-pointer" EXTRA="-DDURESS_FUZZ -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined" $(FUZZ_BIN)
	@bash harness/test/fuzz/run.sh $(BUILD)/fuzz $(FUZZ_TIME) $(FUZZERS)

mutants: build ## plant each bug of scenarios/mutants, run until it is caught; a table
	@bash scenarios/mutants/run.sh $(BUILD)

sweep: build ## every fault at every hit of the crash family, each ends in a certificate (FAMILY=crash, ARGS=...)
	@$(BUILD)/duress sweep scenarios --family $(FAMILY) $(ARGS)

SEED  ?= 1
COUNT ?= 2000
PEER  := $(wildcard sut/runtime/oracle/peer/*.erl)

oracle: $(BUILD)/otp-oracle ## compare the runtime with Erlang's on random scenarios, if erl is installed (SEED=1 COUNT=2000)
	@if ! command -v erlc >/dev/null; then echo "make oracle: there is no erlc (Debian: erlang-base; elixir for dynamic supervisors)"; exit 0; fi; \
	  mkdir -p $(BUILD)/peer && erlc -o $(BUILD)/peer $(PEER) && \
	  erl -noshell +S 1:1 -pa $(BUILD)/peer -s otp_peer start -extra compare $(BUILD)/otp-oracle $(SEED) $(COUNT)

bench: $(BENCH_BIN) build ## benchmarks; writes build/bench.json
	@bash harness/bench/run.sh $(BUILD) $(BENCH_BIN)

# Job systems that others have made, on the same server as ours.
PEERS := $(BUILD)/peers
$(PEERS)/node_modules: sut/store/bench/peers/package.json
	@if ! command -v npm >/dev/null; then echo "  APT    npm"; $(APT) update && $(APT) install -y --no-install-recommends npm >/dev/null; fi
	@mkdir -p $(PEERS) && cp $< $(PEERS)/
	@echo "  NPM    $(PEERS)"; cd $(PEERS) && npm install --silent --no-audit --no-fund && touch node_modules

bench-peers: $(BENCH_BIN) build $(PEERS)/node_modules ## the PostgreSQL store against Graphile Worker, on one server, by turns
	@bash sut/store/bench/peers/run.sh $(BUILD)

C_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')

lint-deps: | deps
	@missing="$(strip $(call MISSING,$(LINTERS)))"; if [ -n "$$missing" ]; then \
	  echo "  APT    $$missing"; $(APT) update && $(APT) install -y --no-install-recommends $$missing >/dev/null; fi

lint: lint-deps ## warnings of gcc and clang, clang-format, clang-tidy, cppcheck
	@bash harness/test/lint.sh $(BUILD) "$(MAKE)"

fmt: ## format all C files
	clang-format -i $(C_FILES)

# ---- installing ----

install: build ## programs, libraries, headers, pkg-config files (PREFIX, DESTDIR)
	@sh sut/cli/install.sh $(BUILD) $(DESTDIR)$(PREFIX) $(PREFIX) $(VERSION)

clean: ## remove build/
	rm -rf $(BUILD)
