# The whole project from here: `make book` and `make test` need only Python (>= 3.11), make and
# internet access for the first installation. Every result is a rule with its true dependencies.

BUILD     ?= build
NOTEBOOKS ?= notebooks
BOOK      ?= book
# Papermill overrides, e.g. PARAMETERS="-p s 8 -p seed 1". Only a run without any is the published
# one: give an overridden run another folder (BUILD=build/s8), since make cannot see the change.
PARAMETERS ?=
PYTEST_ARGS ?= -n 2 --dist loadfile

# The environment. To use one that you keep yourself (conda's, say): BIN="$CONDA_PREFIX/bin" READY=
PYTHON ?= python3
VENV   := .venv
BIN    ?= $(VENV)/bin
READY  ?= $(VENV)/.installed
UV     := uv==0.13.9

# torch is a step of its own beside the hashed lock. Another build, e.g. for CUDA:
# make TORCH=torch==2.13.0 TORCH_INDEX= TORCH_DEPS=   (TORCH_DEPS=--no-deps is the default)
TORCH_VERSION := 2.13.0
TORCH_DEPS    ?= --no-deps
ifeq ($(shell uname -s),Darwin)
TORCH       ?= torch==$(TORCH_VERSION)
TORCH_INDEX ?=
else
TORCH       ?= torch==$(TORCH_VERSION)+cpu
TORCH_INDEX ?= --extra-index-url https://download.pytorch.org/whl/cpu
endif

# Results must depend on nothing of the user's: one thread a process, our own (empty)
# configuration folders, no user site-packages. An empty or unwritable home is enough.
export OMP_NUM_THREADS=1
export OPENBLAS_NUM_THREADS=1
export MKL_NUM_THREADS=1
export PYTHONHASHSEED=0
export PYTHONNOUSERSITE=1
export PYDEVD_DISABLE_FILE_VALIDATION=1
export EMT_STORE=$(abspath $(BUILD))/networks
CONFIG := $(abspath $(BUILD))/config
export IPYTHONDIR=$(CONFIG)/ipython
export MPLCONFIGDIR=$(CONFIG)/matplotlib
export JUPYTER_CONFIG_DIR=$(CONFIG)/jupyter
export JUPYTER_DATA_DIR=$(CONFIG)/jupyter/data
export JUPYTER_RUNTIME_DIR=$(CONFIG)/jupyter/runtime
export UV_CACHE_DIR ?= $(CURDIR)/.cache/uv
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME PYTHONSTARTUP MPLBACKEND

SCRIPTS  := book/_scripts
SITE     := $(BUILD)/site/_build/html
# In the order of the table of contents: the first chapter trains what the others wait for.
CHAPTERS := $(shell sed -n 's|^ *- file: notebooks/||p' $(BOOK)/_toc.yml)
EXECUTED := $(CHAPTERS:%=$(BUILD)/executed/%.ipynb)
SOURCES  := $(shell find $(BOOK) $(SCRIPTS) -type f ! -path '*/__pycache__/*' ! -name '.*')

.DELETE_ON_ERROR:
# Notebooks run side by side without being asked; they share trained networks through a locked store.
MAKEFLAGS += --jobs=2

.PHONY: help book test atlas lint format clean serve lock

help: ## show this list (the default)
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  Variables: BUILD, PARAMETERS, STUDIES, PYTHON, TORCH, TORCH_INDEX, PYTEST_ARGS (see the Makefile)"

book: $(BUILD)/html/index.html ## train, execute the notebooks, build the book in build/html

test: | $(READY) $(CONFIG) ## run the tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

atlas: | $(READY) $(CONFIG) ## compute the committed tables anew (an hour; STUDIES="..." for some)
	$(BIN)/python benchmarks/studies.py $(STUDIES)

lint: $(READY) ## check style and formatting, notebooks included
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python $(SCRIPTS)/lint_notebooks.py $(NOTEBOOKS)/*.md

format: $(READY) ## mend style and formatting, notebooks included
	-$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .
	$(BIN)/python $(SCRIPTS)/lint_notebooks.py --fix $(NOTEBOOKS)/*.md

serve: book ## build the book and serve it on http://localhost:8000
	$(BIN)/python -m http.server --directory $(BUILD)/html 8000

clean: ## remove everything that was built, trained networks too (the environment stays)
	rm -rf $(BUILD)

lock: $(BUILD)/uv/bin/uv ## resolve the ranges of pyproject.toml anew: requirements.lock, environment.yml
	$< pip compile --system-certs --quiet --universal --python-version 3.11 --upgrade \
	  --generate-hashes --no-header --no-annotate --all-extras -o requirements.lock pyproject.toml
	$(PYTHON) $(SCRIPTS)/environment.py $(TORCH_VERSION) requirements.lock environment.yml

$(CONFIG):
	@mkdir -p $@

$(BUILD)/uv/bin/uv:
	$(PYTHON) -m venv $(BUILD)/uv
	$(BUILD)/uv/bin/python -m pip install --quiet $(UV)

# The stamp comes last: an installation that failed or was interrupted starts again from nothing.
$(VENV)/.installed: requirements.lock | $(CONFIG)
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is \
	needed, and %s is %s: name another with make PYTHON=..." % (sys.executable, sys.version.split()[0]))'
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet $(UV)
	VIRTUAL_ENV=$(abspath $(VENV)) $(VENV)/bin/uv pip install --system-certs --quiet \
	  --require-hashes -r requirements.lock
	$(VENV)/bin/python -m pip install --quiet $(TORCH_DEPS) --retries 0 "$(TORCH)" $(TORCH_INDEX)
	VIRTUAL_ENV=$(abspath $(VENV)) $(VENV)/bin/uv pip install --system-certs --quiet \
	  --no-deps --no-build-isolation -e .
	$(VENV)/bin/python -m ipykernel install --sys-prefix --name python3
	@touch $@

$(BUILD)/executed/%.ipynb: $(NOTEBOOKS)/%.md $(wildcard emt/*.py emt/figures/*.py emt/*.mplstyle) \
                           $(wildcard atlas/*.csv) requirements.lock $(SCRIPTS)/execute.py | $(READY) $(CONFIG)
	@$(BIN)/python $(SCRIPTS)/execute.py $< $@ $(PARAMETERS)

# Built aside, checked, then swapped in: after any failure the old pages are as they were. The page's
# time is that of the start, so that a file edited during the build is seen by the next make.
$(BUILD)/html/index.html: $(EXECUTED) $(SOURCES) | $(READY) $(CONFIG)
	@if test -e $(BUILD)/html.old && ! test -e $(BUILD)/html; then mv $(BUILD)/html.old $(BUILD)/html; fi
	@rm -rf $(BUILD)/site && mkdir -p $(BUILD)/site && touch $(BUILD)/site/start
	@$(BIN)/python $(SCRIPTS)/assemble.py $(BOOK) $(BUILD)/executed $(BUILD)/source
	@$(BIN)/jupyter-book build -q -W -n --keep-going --all --path-output $(BUILD)/site $(BUILD)/source \
	  > $(BUILD)/site/log 2>&1 || { cat $(BUILD)/site/log >&2; exit 1; }
	@$(BIN)/python $(SCRIPTS)/check.py $(BUILD)/source $(SITE)
	@touch -r $(BUILD)/site/start $(SITE)/index.html
	@rm -rf $(BUILD)/html.old; if test -e $(BUILD)/html; then mv $(BUILD)/html $(BUILD)/html.old; fi
	@mv $(SITE) $(BUILD)/html; rm -rf $(BUILD)/html.old
	@echo "The book is at $@"
