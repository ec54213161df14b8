#!/bin/sh
# Detectron2 after requirements.txt: run by `make`, and by Snakemake after it made the conda environment.
#
# There is no wheel of it. PyPI has the source of its last release, 0.6, as pb1-detectron2; the flags
# leave out its compiled part, which is not used here (torchvision has ROIAlign and NMS).
# It must come after torch, which its setup imports. What it needs is in requirements.txt.
# The current source, compiled for your machine, works as well:
#   pip install --no-build-isolation 'git+https://github.com/facebookresearch/detectron2.git'
set -e
python -c "import sys, importlib.util as i; sys.exit(i.find_spec('detectron2') is None)" && exit 0
pip install --quiet --disable-pip-version-check --no-deps --use-pep517 --no-build-isolation \
  --requirement /dev/stdin <<'PIN'
pb1-detectron2==0.6 \
  --hash=sha256:5d2e9e51e523ec72f6a31cca04b0a515492e9514b773a3d134cedc0677170b29 \
  --config-settings="--global-option=build_py" --config-settings="--build-option=--skip-build"
PIN
