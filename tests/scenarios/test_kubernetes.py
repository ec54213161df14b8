"""The Kubernetes profile without a cluster: the real executor against a server that records the
Jobs it is sent, and runs each one's command as a pod with the volume mounted would."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.scenarios.project import Project

ROOT = Path(__file__).resolve().parents[2]
PROFILE = ROOT / "workflow" / "profiles" / "kubernetes"
JOB = "search@random-digits-s0"
needs_plugin = pytest.mark.skipif(
    importlib.util.find_spec("snakemake_executor_plugin_kubernetes") is None,
    reason="pip install --requirement requirements-cluster.txt",
)


class Cluster(ThreadingHTTPServer):
    """Answers what the executor asks of Kubernetes' API; `jobs` are the specifications by name."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Api)
        self.folder, self.jobs, self.pods, self.secrets = folder, {}, {}, []
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "here", "cluster": {
                "server": f"http://127.0.0.1:{self.server_port}"}}],
            "users": [{"name": "here", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
        }  # fmt: skip
        (folder / "kubeconfig").write_text(yaml.safe_dump(config))

    def start(self, job: dict) -> None:
        container = job["spec"]["template"]["spec"]["containers"][0]
        (self.folder / "workdir").mkdir(exist_ok=True)
        bin_folder = str(Path(sys.executable).parent)  # the image's python
        self.jobs[job["metadata"]["name"]] = job
        self.pods[job["metadata"]["name"]] = subprocess.Popen(
            [*container["command"], *container["args"]], cwd=self.folder / "workdir",
            env={"PATH": f"{bin_folder}:/usr/bin:/bin", "HOME": str(self.folder)},
            stdout=(self.folder / "pod.log").open("a"), stderr=subprocess.STDOUT,
        )  # fmt: skip


class Api(BaseHTTPRequestHandler):
    server: Cluster

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/jobs"):
            self.server.start(body)
        else:
            self.server.secrets.append(body)
        self._answer(body)

    def do_GET(self) -> None:
        if "/pods" in self.path:
            return self._answer({"kind": "PodList", "items": []})
        name = self.path.split("/")[-2]
        code = self.server.pods[name].poll()
        done = {} if code is None else {"failed" if code else "succeeded": 1}
        return self._answer({"kind": "Job", "metadata": {"name": name}, "status": done})

    def do_DELETE(self) -> None:
        self._answer({"kind": "Status", "status": "Success"})

    def _answer(self, content: dict) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def cluster(tmp_path):
    with Cluster(tmp_path) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@needs_plugin
def test_a_run_becomes_a_job_that_does_it(cluster, tmp_path):
    project = Project(tmp_path / "nassl", "scale=smoke", "resources.search.gpus=2")
    project.run("dvc", "repro", "prepare@digits")
    project.environment |= {
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "PYTHONPATH": str(project.folder / "workflow" / "profiles" / "kubernetes"),
    }
    project.run(
        "snakemake", "--profile", "workflow/profiles/kubernetes", "--container-image", "image:1",
        "--latency-wait", "5", "--seconds-between-status-checks", "1", "--",
        f".snakemake/dvc/{JOB}.done",
    )  # fmt: skip
    (job,) = cluster.jobs.values()
    (container,) = job["spec"]["template"]["spec"]["containers"]
    pod = job["spec"]["template"]["spec"]
    assert container["image"] == "image:1"
    assert container["resources"]["limits"] == {
        "cpu": "1000m", "memory": "2000M", "ephemeral-storage": "1000M", "nvidia.com/gpu": "2",
    }  # fmt: skip
    assert {"name": "nassl", "mountPath": "/nassl"} in container["volumeMounts"]
    claims = [v.get("persistentVolumeClaim", {}).get("claimName") for v in pod["volumes"]]
    assert "nassl" in claims
    assert pod["restartPolicy"] == "Never"
    assert sys.executable not in container["args"][1]  # the image has a Python of its own
    assert project.read("results/search/random-digits-s0/genotype.json")["space"] == "cell"
    assert JOB not in project.stale()


def test_the_image_installs_the_pinned_requirements():
    text = (ROOT / "Dockerfile").read_text()
    assert "requirements-cluster.txt" in text
    cluster = (ROOT / "requirements-cluster.txt").read_text().splitlines()
    assert "--requirement requirements.txt" in cluster
    pins = [line for line in cluster if line and line[0] not in "#-"]
    assert all("==" in pin for pin in pins)
    lock = (ROOT / "requirements.txt").read_text().splitlines()
    names = {line.partition("==")[0].lower() for line in lock if "==" in line}
    assert names.isdisjoint(pin.partition("==")[0].lower() for pin in pins)  # each pinned once
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    assert kept == ["*", "!requirements.txt", "!requirements-cluster.txt"]


def test_the_profile_names_the_volume_that_it_documents():
    profile = yaml.safe_load((PROFILE / "config.yaml").read_text())
    assert profile["executor"] == "kubernetes-volume"
    assert profile["kubernetes-volume-persistent-volumes"] == ["nassl:/nassl"]
    assert "software-deployment" not in profile["shared-fs-usage"]
