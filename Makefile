# Two commands for users; everything else is CMake (see docs/GettingStarted.md).
.PHONY: demo test setup build clean

demo: ## install what is missing, build, search the demo space, write out/
	@scripts/demo.sh

test: ## install what is missing, build, run every test
	@scripts/test.sh

setup:
	@scripts/setup.sh test

build:
	@scripts/build.sh release

clean:
	rm -rf build build-asan build-gcc out
