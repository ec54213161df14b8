"""From the rows of the papers' tables to the runs that they need.

Rows ask for final runs (retrain or probe), those for architectures, those for scores and searches,
those for data: the expansion follows these needs, once per seed, and names every run
`<method>-<data>[-<variant>][-s<seed>]`.
"""

from __future__ import annotations

from typing import Any

from nassl.settings import DATASETS, OBJECTIVES, SECTIONS, SettingsError, Size
from nassl.settings.typed import typed
from stages.plan.compose.format import check_format
from stages.plan.datasets import expected_size
from stages.plan.report_section import STUDY, report_section
from stages.plan.run_names import given, lookup, named, training
from stages.runs.lines import REFERENCES, RUNS
from stages.runs.rows import IDENTITY


class Expansion:
    """`runs[stage][name]` is a run's line; `tables[paper.table]` lists rows for the report."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        check_format(config)
        self.runs: dict[str, dict[str, dict[str, Any]]] = {stage: {} for stage in RUNS}
        self.tables: dict[str, list[dict[str, Any]]] = {}
        for paper, content in config["papers"].items():
            for name, spec in content["tables"].items():
                table = f"{paper}.{name}"
                rows = [row for row in spec["rows"] if self._wanted(table, row)]
                if rows:
                    self.tables[table] = [
                        self._row(content, spec, {**spec["each"], **row}, table) for row in rows
                    ]
        self._retrain_candidates()
        if not self.tables:
            raise SettingsError(f"the plan has no rows: only is {config['only']}")

    def params(self) -> dict[str, Any]:
        """The content of params.yaml: sections that a run refers to, then the runs."""
        tree: dict[str, Any] = {}
        for section in SECTIONS:
            used = [
                line[field]
                for stage, references in REFERENCES.items()
                for line in self.runs[stage].values()
                for field, target in references.items()
                if target == section
            ]
            there = self.config.get(section) or {}
            if missing := [name for name in used if name not in there]:
                raise SettingsError(
                    f"{section} has no entry {missing[0]!r}; available: {', '.join(there)}"
                )
            tree[section] = {name: there[name] for name in there if name in used}
        tree["resources"] = self.config["resources"]
        tree.update(self.runs)
        tree["report"] = report_section(self.config["scale"], self.runs, self.tables)
        return tree

    # ------------------------------------------------------------- rows ----

    def _wanted(self, table: str, row: dict[str, Any]) -> bool:
        """`only` lists tables (`ssnas.table4`) and rows (`ssnas.table1/Random sampling`), by their
        method where it tells them apart (`faunae.table3/ResNet-50/MoCo v2`)."""
        whole = f"{table}/{row['row']}"
        names = {table, whole, f"{whole}/{row.get('method')}"}
        return not self.config["only"] or bool(names & set(self.config["only"]))

    def _row(self, paper: dict, spec: dict, row: dict, table: str) -> dict[str, Any]:
        data_name = spec["data"]
        data = self._data(data_name, table)
        if "without_classes" in row:
            size = self._own_size(data)
            if not size.classes:
                row = {**row, "from": row["without_classes"]}
            elif size.unlabeled:
                row = {**row, **row.get("with_unlabeled", {})}
        check_format(row, f"{table}/{row['row']}", "row")
        searched_on = self._data(row.get("pretrained_on", spec.get("search_data", data_name)))
        kind = row["from"]
        make = {
            "search": lambda _data, found, *_: found,
            "retrain": self._retrain,
            "pretrain": self._pretrain,
            "probe": self._probe,
            "transfer": self._transfer,
        }[kind]
        counts = self.config["seeds"]  # of a paper's own, or of all
        final = row.get("seeds", counts.get(table.partition(".")[0], counts["final"]))
        seeds = range(1 if kind == "search" else final)
        architectures, searches = self._architectures(paper, searched_on, row, table)
        entry: dict[str, Any] = {key: row[key] for key in ("row", *IDENTITY) if key in row}
        if searched_on != data and kind != "transfer":  # not named as on the search's
            row = {**row, "variant": "-".join([f"on-{data}", *given(row.get("variant"))])}
        entry["data"] = data if data == data_name else f"{data} for {data_name}"
        if "values" in row:
            entry["values"] = row["values"]
        # Of several searches each final run has a seed of its own, counted through.
        each = enumerate((found, seed) for found in architectures for seed in seeds)
        entry["runs"] = [make(data, found, row, number) for number, (found, _) in each]
        if table.startswith(STUDY):
            scored = [
                self._architectures(paper, searched_on, {"select": name}, table)[0][0]
                for name in row.get("scored", ())
            ]
            return entry | ({"scored": scored} if scored else {})
        if len(architectures) > 1:
            entry["several_searches"] = True
        if row.get("also_random"):
            entry["random"] = [
                make(data, found, row | {"init": "random weights"}, seed)
                for found in architectures
                for seed in seeds
            ]
        if "minus" in row:
            (other,), _ = self._architectures(paper, searched_on, {"select": row["minus"]}, table)
            entry["minus"] = [make(data, other, row, seed) for seed in seeds]
        made = [*entry["runs"], *entry.get("minus", ()), *entry.get("random", ())]
        weights = [source for run in made for source in self._weights(run)]
        if "values" in row and weights:
            entry["trained"] = weights
        entry["searches"] = searches
        if "values" not in row:  # no paper's row: shown with what the runs measured
            entry["selection"] = architectures[0]
            entry["pretrained"] = list(dict.fromkeys(weights)) or entry["runs"]
        return entry

    def _weights(self, run: str) -> list[str]:
        """The run, if there is one, whose weights `run` evaluates or starts from."""
        stage, _, name = run.partition("/")
        line = self.runs[stage][name]
        if line.get("init") == "pretrained":
            return [f"pretrain/{line['pretrain']}"]
        return [line["weights"]] if "weights" in line else []

    def _retrain(self, data: str, architecture: str, row: dict, seed: int) -> str:
        line = training(data, architecture, row, seed)
        return self._add("retrain", named(architecture, row.get("variant"), seed), line)

    def _pretrain(self, data: str, architecture: str, row: dict, seed: int) -> str:
        line = training(data, architecture, row, seed)
        if row.get("searched_with_labels"):
            line["searched_with_labels"] = True
        return self._add("pretrain", named(architecture, row.get("variant"), seed), line)

    def _transfer(self, data: str, architecture: str, row: dict, seed: int) -> str:
        """On `data`, of weights that were trained on the stand-in of `pretrained_on`."""
        pretrained_on = self._data(row["pretrained_on"])
        supervised = self._labels(row["objective"]) == "labels"
        train = self._retrain if supervised else self._pretrain
        line = {
            "data": data,
            "weights": train(pretrained_on, architecture, row, seed),
            "pretrained_on": pretrained_on,
            **{key: row[key] for key in ("network", "detection")},
            "seed": seed,
        }
        variants = [data, *given(row.get("variant"))]
        if row.get("init") == "random weights":
            line["init"] = "random"
            variants.append("scratch")
        method = named(architecture, None, seed).removesuffix(f"-{pretrained_on}-s{seed}")
        return self._add("transfer", "-".join([method, *variants, f"s{seed}"]), line)

    def _probe(self, data: str, architecture: str, row: dict, seed: int) -> str:
        pretrain = self._pretrain(data, architecture, row, seed).partition("/")[2]
        scratch = row.get("init") == "random weights"
        variants = [
            part
            for part in (row.get("variant"), row.get("probed"), "scratch" if scratch else None)
            if part
        ]
        line = {
            "data": data,
            "pretrain": pretrain,
            "init": "random" if scratch else "pretrained",
            **{key: row[key] for key in ("network", "linear", "finetune")},
            "seed": seed,
        }
        return self._add("probe", named(architecture, "-".join(variants), seed), line)

    def _retrain_candidates(self) -> None:
        """One more training of every candidate of the selections whose criterion is listed in
        `retrain_candidates`: no row needs it; the report asks whether the score predicts it."""
        for line in list(self.runs["retrain"].values()):
            stage, _, name = line["architecture"].partition("/")
            if stage != "select" or line["seed"]:
                continue
            selection = self.runs["select"][name]
            if selection["criterion"] not in self.config["retrain_candidates"]:
                continue
            for place, candidate in enumerate(selection["candidates"]):
                scored = self.runs["score"][candidate]
                if scored["data"] == line["data"]:  # on other data the score says something else
                    run = named(line["architecture"], f"candidate{place}", line["seed"])
                    own = {"architecture": f"search/{scored['search']}"}
                    self._add("retrain", run, line | own)

    # ---------------------------------------------------- architectures ----

    def _architectures(
        self, paper: dict, data: str, row: dict, table: str
    ) -> tuple[list[str], list[str]]:
        """Folders (under results/) of the genotypes that a row trains (every search's own, or the
        one that was selected of all), and the searches that it took to find them."""
        if "search" in row:
            searches = self._searches(paper, row["search"], data, table)
            return searches, searches
        selection = lookup(paper["selections"], row.get("select"), f"{table}: select")
        searches = self._searches(paper, selection["search"], data, table)
        group = f"{row['select']}-{data}"
        candidates = []
        for seed, search in enumerate(searches):
            line = {
                "select": group,
                "search": search.removeprefix("search/"),
                "data": data,
                "labels": self._labels(selection["objective"]),
                **{key: selection[key] for key in ("network", "objective", "recipe")},
                "seed": seed,
            }
            if selection.get("beside"):
                line["beside"] = True
            candidates.append(self._add("score", f"{group}-s{seed}", line).removeprefix("score/"))
        line = {"candidates": candidates, "criterion": selection["criterion"]}
        return [self._add("select", group, line)], searches

    def _searches(
        self, paper: dict, name: str, data: str, table: str, followers: tuple[str, ...] = ()
    ) -> list[str]:
        if name in followers:
            chain = " from ".join([*followers, name])
            raise SettingsError(f"{table}: a search would start from itself: {chain}")
        spec = lookup(paper["searches"], name, f"{table}: search")
        initial, follows = spec.get("initial", ""), f"prepare/{data}/images/manifest.json"
        if initial.startswith("search/"):
            start = initial.removeprefix("search/")
            on = self._data(spec["initial_data"]) if "initial_data" in spec else data
            initial = self._searches(paper, start, on, table, (*followers, name))[0]
            follows = f"{initial}/genotype.json"
        runs = []
        for seed in range(spec.get("seeds", self.config["seeds"]["search"])):
            line = {
                "data": data,
                "labels": self._labels(spec["objective"]),
                **{key: spec[key] for key in ("space", "strategy", "objective", "recipe")},
                "seed": seed,
                "follows": follows,
            }
            if initial:
                line["initial"] = initial
            runs.append(self._add("search", f"{name}-{data}-s{seed}", line))
        return runs

    def _labels(self, objective: str) -> str:
        kind = (self.config["objective"].get(objective) or {}).get("kind")
        known = isinstance(kind, str) and kind in OBJECTIVES
        return "labels" if known and OBJECTIVES[kind].needs_labels else "no-labels"

    def _data(self, name: str, table: str = "") -> str:
        """What a table runs on: `stand_ins` may name it for the paper's data or for the table."""
        stand_ins = self.config["stand_ins"]
        data = stand_ins.get(table, stand_ins.get(name, name))
        self._add("prepare", data, {"data": data})
        return data

    def _own_size(self, data: str) -> Size:
        """Of your own images, which must be there when the plan is made. Without class folders no
        test part is held back: nothing could be tested on it."""
        there = self.config["data"]
        if data not in there:
            raise SettingsError(
                f"data is {data!r}; available: {', '.join(there)}; "
                "for your own images add data=folder data.root=/path/to/images"
            )
        settings = typed(DATASETS, there[data], f"data.{data}")
        size = expected_size(settings)
        if size is None:
            raise SettingsError(
                f"data.{data}.root is {settings.root!r}; the folder or the archive with your "
                "images is expected: data.root=/path/to/images"
            )
        if not size.classes:
            self.config["data"][data]["test_fraction"] = 0.0
        return size

    def _add(self, stage: str, name: str, line: dict[str, Any]) -> str:
        there = self.runs[stage].setdefault(name, line)
        if there != line:
            raise SettingsError(
                f"two different {stage} runs would be called {name!r}: {there} and {line}; "
                "give one of their rows a `variant`"
            )
        return f"{stage}/{name}"
