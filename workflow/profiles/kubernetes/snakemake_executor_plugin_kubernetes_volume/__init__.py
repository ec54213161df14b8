"""Snakemake's Kubernetes executor for pods that share a volume with each other and with Snakemake.

The executor assumes that nothing is shared, and would carry sources and each job's files through an
object store; DVC works on one project folder. Everything else is unchanged.
"""

from __future__ import annotations

import shlex
from dataclasses import replace

from snakemake_executor_plugin_kubernetes import Executor as KubernetesExecutor
from snakemake_executor_plugin_kubernetes import ExecutorSettings as KubernetesSettings
from snakemake_executor_plugin_kubernetes import common_settings as apart
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface

__all__ = ["Executor", "ExecutorSettings", "common_settings"]

common_settings = replace(
    apart,
    implies_no_shared_fs=False,
    job_deploy_sources=False,
    auto_deploy_default_storage_provider=False,
)


class ExecutorSettings(KubernetesSettings):
    """Options begin with --kubernetes-volume."""


class Executor(KubernetesExecutor):
    """A Job per run, in the project's folder on the volume."""

    def get_job_exec_prefix(self, job: JobExecutorInterface) -> str:
        prefix = super().get_job_exec_prefix(job)
        there = f"cd {shlex.quote(str(self.workflow.workdir_init))}"
        return f"{there} && {prefix}" if prefix else there
