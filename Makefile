PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

# Tests start hundreds of processes, each of which would compile the package again. Empty means unset.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install test test-slow lint format docs demo bench-quick release-check lock clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## make .venv with the package, editable, and what tests and checks need

# pip first: the resolver of an old one needs minutes for boto3 and s3fs.
$(INSTALLED): pyproject.toml hatch_build.py
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[test,dev]'
	@touch $@

# In the order of tests/conftest.py: a file with few tests may be a long one. Four processes, also on
# two cores: a third of the time, tests wait for clusters and stores.
test: $(INSTALLED)  ## run the fast tests
	@$(BIN)/python -m pytest -m "not slow and not chaos" -n 4 \
		--dist loadfile --no-loadscope-reorder

test-slow: $(INSTALLED)  ## run the tests that take long or kill things
	@$(BIN)/python -m pytest -m "slow or chaos"

lint: $(INSTALLED)  ## check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(INSTALLED)  ## correct style and format where a tool can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(INSTALLED)  ## build the documents' site in build/docs, and check its links
	$(BIN)/mkdocs build --quiet --strict --config-file docs/mkdocs.yml

demo: $(INSTALLED)  ## redact real clips on this machine, from end to end
	@$(BIN)/python examples/demo.py

bench-quick: $(INSTALLED)  ## measure worker shapes in five minutes, and predict machines to hire
	@$(BIN)/python benchmarks/sizes.py --output sizes

release-check: $(INSTALLED)  ## build sdist and wheel, install the wheel into an empty environment, run the demonstration from it
	rm -rf build/release
	$(BIN)/python -m build --outdir build/release
	$(PYTHON) -m venv build/release/environment
	build/release/environment/bin/python -m pip install --quiet --upgrade pip
	build/release/environment/bin/python -m pip install --quiet build/release/*.whl
	cd build/release && environment/bin/python ../../examples/demo.py

# One list for both kinds of machines; hashes are of all files of a version. The image has glibc 2.41.
PIN := $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --only-binary :all: \
	--default-index https://pypi.org/simple --custom-compile-command "make lock" \
	--python-version 3.11 --extra aws --extra crc32c --extra gateway --extra kubernetes

lock: $(INSTALLED)  ## pin the newest versions of what the image installs, in configs/requirements.txt
	mkdir -p build
	$(PIN) --python-platform aarch64-manylinux_2_40 --output-file build/aarch64.txt pyproject.toml
	$(PIN) --python-platform x86_64-manylinux_2_40 --output-file build/x86_64.txt pyproject.toml
	cmp build/aarch64.txt build/x86_64.txt
	cp build/x86_64.txt configs/requirements.txt

clean:  ## remove all that is made
	rm -rf .venv build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -f redact_dask/detectors/weights/centerface.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
