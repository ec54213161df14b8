# The environment of all jobs on Kubernetes (or with any container runtime); the project itself is on
# a volume. `docker build --tag nassl .`; for CPUs only, the smaller build of PyTorch:
#   docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu --tag nassl .
FROM python:3.11-slim-bookworm

# A compiler for the own kernels (compiled once per machine), Git for DVC.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ git \
    && rm -rf /var/lib/apt/lists/*

COPY requirements.txt requirements-cluster.txt /requirements/
ARG TORCH_INDEX=""
RUN pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url $TORCH_INDEX} \
    --requirement /requirements/requirements-cluster.txt

# The volume may belong to another user.
RUN git config --system --add safe.directory '*'
