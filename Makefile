# The whole project from here: `make book` and `make test` need only Python (>= 3.11), make and
# internet access for the first installation. Every result is a rule with its true dependencies.

# What follows with = is given on make's command line, never taken from the environment.
BUILD     = build
NOTEBOOKS = notebooks
BOOK      = book
# Papermill overrides, e.g. PARAMETERS="-p s 8 -p seed 1". Only a run without any is the published
# one: give an overridden run another folder (BUILD=build/s8), since make cannot see the change.
PARAMETERS =
# Where the book is published from, as https://github.com/owner/name: gives its pages buttons that open
# them on Binder and Colab.
REPOSITORY =
PYTEST_ARGS ?= -n 3 --dist loadfile --no-loadscope-reorder

# The environment. To use one that you keep yourself (conda's, say): BIN="$CONDA_PREFIX/bin" READY=
# A checkout that cannot be written to: VENV=/elsewhere/venv BUILD=/elsewhere/build
# The stamp's name says for which folder it was installed: a tree that was copied or moved with its
# environment has no stamp, and installs its own.
PYTHON ?= python3
VENV   := .venv
BIN     = $(VENV)/bin
READY   = $(VENV)/.installed-$(firstword $(shell pwd -P | cksum))

# What is installed beside requirements.lock is held to hashes too, in requirements/: uv, torch, and
# what audits. (pip is the one that comes with Python.)
UV     := uv==0.13.9
SUPPLY := pip-audit==2.10.1 pip-licenses==5.5.5
HASHED := -m pip install --quiet --no-deps --only-binary :all: --require-hashes -r
TORCH_VERSION := 2.13.0
# Another build of torch, e.g. for CUDA, is taken as it comes:
# make TORCH=torch==2.13.0 TORCH_INDEX= TORCH_DEPS=   (TORCH_DEPS=--no-deps is the default)
TORCH       ?=
TORCH_DEPS  ?= --no-deps
TORCH_INDEX ?= --extra-index-url https://download.pytorch.org/whl/cpu

# A folder may be called "my data", but not what make or a shell would take apart or run.
define AWKWARD
" ' ` \ $ % : ; & | < > ( ) * ? [ ] { } ~ ! =
endef
$(foreach name,BUILD NOTEBOOKS BOOK,$(if $(strip $(value $(name))),,$(error $(name) names no folder))\
$(foreach c,$(value AWKWARD),$(if $(findstring $c,$(value $(name))),\
$(error $(name) = '$(value $(name))' must not hold any of $(value AWKWARD)))))
$(foreach c,: " ` $$ \,$(if $(findstring $c,$(CURDIR)),\
$(error The project must not lie in a folder with $c in its name, as '$(CURDIR)' has: move it)))

# With a space escaped, for the names of targets; recipes quote "$@" and "$(BUILD)" instead.
escaped = $(subst $() ,\ ,$(1))
B      := $(call escaped,$(BUILD))
HERE   := $(CURDIR)
CACHE  := $(if $(filter /%,$(VENV)),$(VENV)-cache,$(HERE)/.cache)
OUT    := $(if $(filter /%,$(firstword $(BUILD))),$(BUILD),$(HERE)/$(BUILD))

# Results must depend on nothing of the user's. Of the environment only these pass; another passes
# if make is told so (make VARIABLE=value). One thread a process, our own (empty) configuration
# folders, this tree's own code. An empty or unwritable home is enough.
PASS := PATH HOME USER LOGNAME SHELL TERM TMPDIR CI MAKE% MFLAGS LD_LIBRARY_PATH \
  http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY \
  SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE PIP_% UV_%
STOP := PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIRE_VIRTUALENV UV_PYTHON UV_TARGET
$(foreach v,$(filter-out $(PASS),$(.VARIABLES)) $(STOP),\
$(if $(filter environment,$(origin $v)),$(eval unexport $v)))
export LC_ALL=C.UTF-8
export PYTHONUTF8=1
export PYTHONPATH=$(HERE)
export OMP_NUM_THREADS=1
export OPENBLAS_NUM_THREADS=1
export MKL_NUM_THREADS=1
export PYTHONHASHSEED=0
export PYTHONNOUSERSITE=1
export PYDEVD_DISABLE_FILE_VALIDATION=1
export EMT_STORE=$(OUT)/networks
export IPYTHONDIR=$(OUT)/config/ipython
export MPLCONFIGDIR=$(OUT)/config/matplotlib
export JUPYTER_CONFIG_DIR=$(OUT)/config/jupyter
export JUPYTER_DATA_DIR=$(OUT)/config/jupyter/data
export JUPYTER_RUNTIME_DIR=$(OUT)/config/jupyter/runtime
export HYPOTHESIS_STORAGE_DIRECTORY=$(OUT)/config/hypothesis
export RUFF_CACHE_DIR=$(OUT)/config/ruff
export DENO_DIR=$(OUT)/config/deno
export DENO_NO_UPDATE_CHECK=1
export UV_CACHE_DIR ?= $(CACHE)/uv
export EMT_CACHE=$(CACHE)

SCRIPTS  := book/_scripts
SITE     := $(BUILD)/site/_build/html
MADE     := atlas config executed html live lock mutation networks old-* site source tools walk.log
# The longest first, so that none of them is left to the end alone.
CHAPTERS := $(shell sed -n 's|^ *- file: notebooks/||p' "$(BOOK)/_toc.yml")
LONGEST  := $(filter $(CHAPTERS),nonlinear_more your_network longevity overwriting all_networks gsemm)
EXECUTED := $(patsubst %,$(B)/executed/%.ipynb,$(LONGEST) $(filter-out $(LONGEST),$(CHAPTERS)))
found     = $(shell find $(1) -type f ! -path '*/__pycache__/*' ! -name '.*' | sed 's/ /\\ /g')
PACKAGE  := $(call found,emt)
SOURCES  := $(call found,"$(BOOK)" $(SCRIPTS))
# What changed without its time is found by its content. (`make -n` comes by before there is a Python.)
SEEN     := "$(BIN)/python" $(SCRIPTS)/seen.py "$(BUILD)" "$(BOOK)" "$(NOTEBOOKS)" emt $(SCRIPTS) \
  requirements.lock pyproject.toml README.md LICENSE
# What the live figures compute with, if a page has one.
LIVE     := $(if $(shell grep -lrE '^(`{3,}|:{3,})\{live\}' "$(BOOK)" "$(NOTEBOOKS)"),$(B)/live/data.js)

# One make at a time in a folder: a second one waits. Without flock (util-linux), run one only.
locked = $(if $(shell command -v flock),exec 9> "$(1)"; flock -n 9 || \
  { echo "make: another make is at work here ($(1)): waiting" >&2; flock 9; };)

# Of a full disk a log says nothing else that helps.
full   = grep -q "No space left on device" $(1) && echo "make: No space left on device for $(BUILD)"

.DELETE_ON_ERROR:
# Not the pages: whatever happens while the old ones are removed, the new ones stay.
.PRECIOUS: $(B)/html/index.html
# Notebooks run side by side without being asked; they share trained networks through a locked store.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += --jobs=2
endif

.PHONY: help book pages test mutation atlas lint format clean serve lock environment check-page pdf \
        audit licences walk machines faults

help: ## show this list (the default)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo "  Variables: BUILD, PARAMETERS, REPOSITORY, STUDIES, MACHINES, FAULTS, PYTHON, TORCH, TORCH_INDEX, PYTEST_ARGS (see the Makefile)"

book: | $(READY) $(B)/CACHEDIR.TAG ## train, execute the notebooks, build the book in build/html
	@mkdir -p "$(BUILD)"; $(call locked,$(BUILD)/lock) { test ! -x "$(BIN)/python" || $(SEEN); } && $(MAKE) --no-print-directory pages

check-page: book ## open every page in a browser, both themes, desktop and phone
	@"$(BIN)/python" $(SCRIPTS)/check_page.py "$(BUILD)/html"

pdf: book ## the book as one file, build/html/book.pdf
	@"$(BIN)/jupyter-book" build -q -n --builder custom --custom-builder singlehtml \
	  --path-output "$(BUILD)/site" "$(BUILD)/source" > "$(BUILD)/site/log" 2>&1 || \
	  { cat "$(BUILD)/site/log" >&2; exit 1; }
	@"$(BIN)/python" $(SCRIPTS)/print_book.py "$(BUILD)/site/_build/singlehtml" "$(BUILD)/html/book.pdf"

test: | $(READY) $(B)/CACHEDIR.TAG ## run the tests
	"$(BIN)/python" -m pytest -o cache_dir="$(OUT)/config/pytest" $(PYTEST_ARGS)

mutation: $(B)/mutation/tools | $(READY) $(B)/CACHEDIR.TAG ## plant faults and see which no test notices (a day; SAMPLE=600 for some)
	PYTHONWARNINGS=ignore "$(BIN)/python" benchmarks/mutation.py --folder "$(BUILD)/mutation" \
	  $(if $(SAMPLE),--sample $(SAMPLE)) $(MUTATION_ARGS)

atlas: | $(READY) $(B)/CACHEDIR.TAG ## compute the committed tables anew (hours; STUDIES="..." for some)
	PYTHONPATH="$(HERE):$(HERE)/$(NOTEBOOKS)" "$(BIN)/python" benchmarks/studies.py \
	  --folder "$(BUILD)/atlas" $(if $(SCHEDULER),--scheduler "$(SCHEDULER)") $(STUDIES)

walk: | $(READY) $(B)/CACHEDIR.TAG ## do what the pages say, as printed, in a fresh clone: book/walk.csv
	"$(BIN)/python" benchmarks/walk.py $(if $(WITHOUT),--without "$(WITHOUT)") $(WALK) > "$(BUILD)/walk.log" 2>&1 || \
	  { tail -20 "$(BUILD)/walk.log" >&2; exit 1; }
machines: | $(READY) $(B)/CACHEDIR.TAG ## run both commands on bare machines (root; MACHINES="..." for some)
	PYTHONPATH="$(HERE):$(HERE)/benchmarks" "$(BIN)/python" benchmarks/machines.py $(MACHINES)

faults: | $(READY) $(B)/CACHEDIR.TAG ## interrupt, starve and damage the project (FAULTS="..." for some)
	PYTHONPATH="$(HERE):$(HERE)/tests:$(HERE)/benchmarks" "$(BIN)/python" benchmarks/faults.py $(FAULTS)

lint: | $(READY) $(B)/CACHEDIR.TAG ## check style and formatting, notebooks included
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/python" $(SCRIPTS)/lint_notebooks.py "$(NOTEBOOKS)"/*.md
	"$(BIN)/deno" fmt --check --quiet
	"$(BIN)/deno" lint --quiet

format: | $(READY) $(B)/CACHEDIR.TAG ## mend style and formatting, notebooks included
	-"$(BIN)/ruff" check --fix --quiet .
	"$(BIN)/ruff" format .
	"$(BIN)/python" $(SCRIPTS)/lint_notebooks.py --fix "$(NOTEBOOKS)"/*.md
	"$(BIN)/deno" fmt --quiet

serve: book ## build the book and serve it on http://localhost:8000, to this machine only
	"$(BIN)/python" -m http.server --bind 127.0.0.1 --directory "$(BUILD)/html" 8000

# Only what make put there, and only where make has been.
clean: ## remove everything that was built, trained networks too (the environment stays)
	@cd "$(BUILD)" 2> /dev/null || exit 0; test "$(BUILD)" = build || test -e CACHEDIR.TAG || { \
	  echo "$(BUILD) was not made by make, and stays" >&2; exit 1; }; \
	$(call locked,lock) rm -rf $(MADE) CACHEDIR.TAG
	@test ! -d "$(BUILD)" || rmdir "$(BUILD)" 2> /dev/null || \
	  echo "$(BUILD) holds more than make put there, and stays"

COMPILE = "$(BUILD)/tools/uv/bin/uv" pip compile --system-certs --quiet --universal --python-version 3.11 \
  --generate-hashes --no-header --no-annotate
# The hashes of torch's wheels are asked of its index when the version changes: a version's stay.
lock: $(B)/tools/uv/ready ## resolve the ranges of pyproject.toml anew: the lists with hashes, environment.yml
	$(COMPILE) --upgrade --all-extras -o requirements.lock pyproject.toml
	"$(PYTHON)" $(SCRIPTS)/environment.py $(TORCH_VERSION) requirements.lock environment.yml
	printf '%s\n' $(UV) | $(COMPILE) -o requirements/uv.txt -
	printf '%s\n' $(SUPPLY) | $(COMPILE) --upgrade -o requirements/supply.txt -
	grep -q '^torch==$(TORCH_VERSION) ' requirements/torch.txt || printf '%s\n' \
	  "torch==$(TORCH_VERSION) ; sys_platform == 'darwin'" \
	  "torch==$(TORCH_VERSION)+cpu ; sys_platform != 'darwin'" | $(COMPILE) --no-config --no-deps \
	  --index-strategy unsafe-best-match $(TORCH_INDEX) -o requirements/torch.txt -

# Asks PyPI, and fails too where PyPI does not answer. It knows torch without "+cpu".
audit: $(B)/tools/supply/ready ## look for known vulnerabilities in all that is installed
	@echo "torch==$(TORCH_VERSION)" > "$(BUILD)/tools/torch.txt"
	for list in requirements.lock requirements/uv.txt requirements/supply.txt "$(BUILD)/tools/torch.txt"; do \
	  "$(BUILD)/tools/supply/bin/pip-audit" --strict --disable-pip --no-deps -r "$$list" $(AUDIT_ARGS) \
	    || exit 1; done

# The licences allowed are in requirements/licences.txt. Three packages say theirs only in a file,
# which was read: MIT, Apache-2.0, MIT.
READ     := axe-playwright-python namex sphinx-codeautolink
LICENCES  = "$(BUILD)/tools/supply/bin/pip-licenses" --python "$(BIN)/python" --format csv \
  --with-system --ignore-packages pip episodic-memory-theory
licences: $(B)/tools/supply/ready | $(READY) ## list the licences: book/licences.csv; one not allowed fails
	@$(LICENCES) $(READ) --allow-only "$$(paste -sd ';' requirements/licences.txt)" > "$(BUILD)/tools/allowed.csv"
	@$(LICENCES) --output-file "$(BOOK)/licences.csv"

# Marks a folder as made by make, for clean and for backups. Another's folder is left as it is.
$(B)/CACHEDIR.TAG:
	@mkdir -p "$(BUILD)" 2> /dev/null && test -w "$(BUILD)" && cd "$(BUILD)" || { \
	  echo "make: $(BUILD) cannot be written to: give another BUILD" >&2; exit 1; }; \
	for name in $(filter-out html lock old-*,$(MADE)); do \
	  test "$(BUILD)" = build || test ! -e "$$name" || test -e CACHEDIR.TAG || { \
	    echo "$(BUILD)/$$name was not made by make: give another BUILD" >&2; exit 1; }; done; \
	echo "Signature: 8a477f597d28d172789f06886806bc55" > CACHEDIR.TAG
	@mkdir -p "$(BUILD)/config"

$(B)/tools/%/ready: requirements/%.txt | $(B)/CACHEDIR.TAG
	"$(PYTHON)" -m venv --clear "$(BUILD)/tools/$*"
	"$(BUILD)/tools/$*/bin/python" $(HASHED) "$<"
	@touch "$@"

# In no lock, since nothing of the project needs it.
$(B)/mutation/tools: pyproject.toml $(B)/tools/uv/ready
	"$(BUILD)/tools/uv/bin/uv" pip install --system-certs --quiet --python "$(BIN)/python" --target "$@" \
	  --group mutation
	@touch "$@"

LOCKS := requirements.lock requirements/uv.txt requirements/torch.txt
$(VENV)/.installed-%: $(LOCKS)
	@mkdir -p "$(CACHE)" 2> /dev/null && test -w "$(CACHE)" || { echo "make: $(HERE) cannot be written to: give \
	VENV and BUILD, folders elsewhere" >&2; exit 1; }; $(call locked,$(CACHE)/environment.lock) \
	  test -e "$@" -a -z "$$(find $(LOCKS) -newer "$@")" || $(MAKE) --no-print-directory environment

# The stamp comes last: an installation that failed or was interrupted starts again from nothing.
environment: | $(B)/CACHEDIR.TAG
	@"$(PYTHON)" -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is \
	needed, and %s is %s: name another with make PYTHON=..." % (sys.executable, sys.version.split()[0]))'
	@"$(PYTHON)" -c 'import ensurepip, venv' || { echo 'Python lacks venv: on Debian and Ubuntu, \
	apt-get install python3-venv' >&2; exit 1; }
	rm -rf $(VENV)
	"$(PYTHON)" -m venv $(VENV)
	$(VENV)/bin/python $(HASHED) requirements/uv.txt
	$(VENV)/bin/uv pip install --python $(VENV)/bin/python --system-certs --quiet \
	  --require-hashes -r requirements.lock
	$(VENV)/bin/python -m pip install --quiet $(TORCH_DEPS) --retries 0 $(TORCH_INDEX) \
	  $(if $(TORCH),"$(TORCH)",--require-hashes -r requirements/torch.txt)
	test ! -w . || $(VENV)/bin/uv pip install --python $(VENV)/bin/python --system-certs --quiet \
	  --no-deps --no-build-isolation -e .
	$(VENV)/bin/python -m ipykernel install --sys-prefix --name python3
	@touch $(READY)

$(B)/executed/%.ipynb: $(call escaped,$(NOTEBOOKS))/%.md $(PACKAGE) requirements.lock \
                       $(SCRIPTS)/execute.py | $(READY) $(B)/CACHEDIR.TAG
	@"$(BIN)/python" $(SCRIPTS)/execute.py "$<" "$@" $(PARAMETERS)

# What only chapters use stands beside them; who imports it depends on it.
BESIDE  := $(filter %.py,$(notdir $(wildcard $(call escaped,$(NOTEBOOKS))/*.py)))
import   = $(shell cd "$(NOTEBOOKS)" && grep -lE '^(import|from) $(1:.py=)( |$$)' *.md)
$(foreach f,$(BESIDE),$(foreach c,$(call import,$f),\
$(eval $(B)/executed/$(c:.md=.ipynb): $(call escaped,$(NOTEBOOKS))/$f)))

$(B)/live/data.js: $(SCRIPTS)/live_data.py $(PACKAGE) requirements.lock | $(READY) $(B)/CACHEDIR.TAG
	@"$(BIN)/python" $(SCRIPTS)/live_data.py "$(BUILD)/live"

# Built aside, checked, then swapped in: after any failure the old pages are as they were. The page's
# time is that of the start, so that a file edited during the build is seen by the next make.
pages: $(B)/html/index.html
$(B)/html/index.html: $(LIVE) $(EXECUTED) $(SOURCES) pyproject.toml README.md LICENSE | $(READY) $(B)/CACHEDIR.TAG
	@rm -rf "$(BUILD)/site" && mkdir -p "$(BUILD)/site" && touch "$(BUILD)/site/start"
	@"$(BIN)/python" $(SCRIPTS)/assemble.py "$(BOOK)" "$(BUILD)/executed" "$(BUILD)/source" \
	  $(if $(LIVE),--live "$(BUILD)/live/data.js") $(if $(REPOSITORY),--repository "$(REPOSITORY)")
	@"$(BIN)/jupyter-book" build -q -W -n --keep-going --all --path-output "$(BUILD)/site" \
	  "$(BUILD)/source" > "$(BUILD)/site/log" 2>&1 || { $(call full,"$(BUILD)/site/log") || \
	  cat "$(BUILD)/site/log"; exit 1; } >&2
	@"$(BIN)/python" $(SCRIPTS)/pack.py "$(BUILD)/source" "$(SITE)"
	@"$(BIN)/python" $(SCRIPTS)/check.py "$(BUILD)/source" "$(SITE)"
	@touch -r "$(BUILD)/site/start" "$(SITE)/index.html"
	@"$(BIN)/python" $(SCRIPTS)/swap.py "$(SITE)" "$(BUILD)/html"
	@echo "The book is at $@"
