"""DVC's plots on a page that asks for nothing."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from tests.stages.report.test_browser import BROWSER, DRIVER, Browser

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow"))
import plots  # noqa: E402

TABLES = {
    "searches": "method,data,run,epoch,validation_loss,entropy_normal,entropy_reduce,"
    "skip_connections\nssnas,digits,s0,0,5.2,2.07,2.07,0\nssnas,digits,s0,1,5.0,1.9,2.0,1\n",
    "rows": "panel,table,row,metric,seed,percent,reported\n"
    '"ssnas table1, test_error",ssnas table1,Random sampling,test_error,0,93.75,3.29\n',
    "scores": "criterion,outcome,compared,architecture,score,percent\n"
    "contrastive_loss,test_accuracy,digits,ssnas,4.8,93.75\n",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with the plots of dvc.yaml, their templates and some lines of each table."""
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True)
    shutil.copytree(ROOT / ".dvc/plots", ".dvc/plots")
    declared = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]
    Path("dvc.yaml").write_text(yaml.safe_dump({"plots": declared}))
    for name, text in TABLES.items():
        file = Path(f"results/tables/plots/{name}.csv")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return len(declared)


def sources(page):
    """Of what stands on the page, not within its scripts."""
    inline = r"<script(?: type = .text/javascript.)?>.*?</script>"
    return re.findall(r"\b(?:src|href)\s*=", re.sub(inline, "", page, flags=re.DOTALL))


def test_the_template_has_the_code_in_the_place_of_its_addresses(project, monkeypatch):
    def bundle(vl_version):
        return f"window.vegaEmbed = () => '{vl_version}, ü'"

    monkeypatch.setitem(sys.modules, "vl_convert", type(sys)("vl_convert"))
    sys.modules["vl_convert"].javascript_bundle = bundle
    assert plots.main([]) == 0
    page = Path("dvc_plots/index.html").read_text(encoding="utf-8")
    assert f"<script>window.vegaEmbed = () => '{plots.VEGA_LITE}, ü'</script>" in page
    assert page.count("vegaEmbed('#") == project
    assert sources(page) == []
    with pytest.raises(ValueError, match="would end it"):
        plots.offline_template("'</SCRIPT>'")
    monkeypatch.setattr(plots, "PAGE_HTML", "{plot_divs}")
    with pytest.raises(ValueError, match="this version of DVC is unknown"):
        plots.offline_template("")


@pytest.mark.skipif(not (BROWSER and DRIVER), reason="no browser: tests/stages/report/test_browser")
def test_a_browser_draws_the_page_and_asks_for_nothing_else(project):
    pytest.importorskip("vl_convert", reason="`make plots` installs vl-convert-python")
    assert plots.main(["show"]) == 0
    page = Path("dvc_plots/index.html").resolve()
    assert sources(page.read_text(encoding="utf-8")) == []
    browser = Browser()
    try:
        browser.open(page)
        browser.driver.set_script_timeout(60)
        drawn = browser.driver.execute_async_script(
            "const done = arguments[0], look = () => {"
            "  const drawn = document.querySelectorAll('svg.marks');"
            f"  drawn.length >= {project} ? done(drawn.length) : setTimeout(look, 100) }};"
            "look()"
        )
        assert drawn == project
        assert browser.requests() == [page.as_uri()]
        errors = [e for e in browser.driver.get_log("browser") if e["level"] == "SEVERE"]
        assert errors == []
    finally:
        browser.driver.quit()
