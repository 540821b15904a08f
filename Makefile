# Every target prepares .venv by itself: what a fresh machine needs is Python 3.11+ with pip and venv, make and a C++ compiler.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NATIVE := CMakeLists.txt pyproject.toml $(shell find csrc -type f)
# Real data inside PyPI packages. Their files are read, the packages never imported: no dependencies are needed.
DATA := aeon==1.6.0 pmdarima==2.1.1 reservoirpy==0.4.2 seglearn==1.2.5

.PHONY: demo test test-cpp test-sanitize test-tsan test-neon test-devices test-brian2 lint format bench clean

demo: $(VENV)/.installed
	$(BIN)/python -m reservoirs demo --output demo-output

test: $(VENV)/.installed test-cpp
	$(BIN)/python -m pytest --durations=15

test-cpp: $(VENV)/.installed
	$(BIN)/cmake -S . -B build/tests -DRESERVOIRS_PYTHON=OFF -DRESERVOIRS_TESTS=ON -DRESERVOIRS_WERROR=ON
	$(BIN)/cmake --build build/tests --parallel 2
	$(BIN)/ctest --test-dir build/tests --output-on-failure

# The C++ tests at every SIMD level under AddressSanitizer and UndefinedBehaviorSanitizer.
test-sanitize: $(VENV)/.installed
	$(BIN)/cmake -S . -B build/sanitize -DRESERVOIRS_PYTHON=OFF -DRESERVOIRS_TESTS=ON -DRESERVOIRS_WERROR=ON \
	    -DRESERVOIRS_SANITIZE=address,undefined -DCMAKE_BUILD_TYPE=RelWithDebInfo
	$(BIN)/cmake --build build/sanitize --parallel 2
	$(BIN)/ctest --test-dir build/sanitize --output-on-failure

# The C++ tests under ThreadSanitizer. Needs Debian's clang and libomp-dev: their archer tells it what waits for what.
ARCHER := $(lastword $(wildcard /usr/lib/llvm-*/lib/libarcher.so))
test-tsan: $(VENV)/.installed
	@test -n "$(ARCHER)" || { echo "test-tsan needs: apt-get install clang libomp-dev"; exit 2; }
	$(BIN)/cmake -S . -B build/tsan -DRESERVOIRS_PYTHON=OFF -DRESERVOIRS_TESTS=ON -DCMAKE_CXX_COMPILER=clang++ \
	    -DRESERVOIRS_SANITIZE=thread -DCMAKE_BUILD_TYPE=RelWithDebInfo
	$(BIN)/cmake --build build/tsan --parallel 2
	OMP_TOOL_LIBRARIES=$(ARCHER) TSAN_OPTIONS=ignore_noninstrumented_modules=1 build/tsan/core_tests

# The C++ tests on another processor: AArch64, emulated. Needs Debian's g++-aarch64-linux-gnu and qemu-user.
test-neon: $(VENV)/.installed
	@command -v aarch64-linux-gnu-g++ qemu-aarch64 > /dev/null || \
	    { echo "test-neon needs: apt-get install g++-aarch64-linux-gnu qemu-user"; exit 2; }
	$(BIN)/cmake -S . -B build/neon -DRESERVOIRS_PYTHON=OFF -DRESERVOIRS_TESTS=ON -DRESERVOIRS_WERROR=ON \
	    -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++
	$(BIN)/cmake --build build/neon --parallel 2
	qemu-aarch64 -L /usr/aarch64-linux-gnu build/neon/core_tests

# The exported C on emulated microcontrollers. It installs nothing.
test-devices: $(VENV)/.installed
	@for tool in arm-none-eabi-gcc qemu-system-arm avr-gcc simavr; do \
	    command -v $$tool > /dev/null || { echo "test-devices needs: apt-get install gcc-arm-none-eabi" \
	    "libnewlib-arm-none-eabi qemu-system-arm gcc-avr avr-libc simavr"; exit 2; }; done
	RESERVOIRS_DEVICE_STEPS=10000 $(BIN)/python -m pytest tests/test_export_devices.py

# Liquids beside Brian2, in an environment of its own: Brian2 does not import with the newest NumPy.
test-brian2: $(VENV)/.tools
	$(PYTHON) -m venv build/brian2
	build/brian2/bin/python -m pip install --quiet . pytest "brian2==2.9.0" "numpy<2.4"
	cd tests && ../build/brian2/bin/python -m pytest -p no:cacheprovider test_brian2.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $$(git ls-files 'csrc/*.hpp' 'csrc/*.cpp' 'csrc/*.inl')

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $$(git ls-files 'csrc/*.hpp' 'csrc/*.cpp' 'csrc/*.inl')

# Peers live in environments of their own, so that their pins matter to nobody else.
# PARTS=speed or PARTS=quality: only this.
bench: $(VENV)/.installed build/esn_peers/.installed build/liquid_peers/.installed
	$(BIN)/python -m bench $(PARTS) --output bench-results \
	    --esn-peers build/esn_peers/bin/python --liquid-peers build/liquid_peers/bin/python

build/%_peers/.installed: bench/%_peers.txt
	$(PYTHON) -m venv build/$*_peers
	build/$*_peers/bin/python -m pip install --quiet -r $<
	touch $@

clean:
	rm -rf build dist demo-output $(VENV)

$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

# The build tools live in .venv, so that a change in csrc/ is rebuilt in seconds.
$(VENV)/.tools: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet "scikit-build-core>=0.11" "pybind11>=2.13" "cmake>=3.20" ninja
	touch $@

$(VENV)/.installed: $(VENV)/.tools $(NATIVE)
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[test]"
	$(BIN)/python -m pip install --quiet --no-deps $(DATA)
	touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[dev]"
	touch $@
