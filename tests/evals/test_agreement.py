from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals import agreement, runfile
from evals.__main__ import main
from evals.agreement import Agreement, built_in, keep, read, record, table
from evals.datasets import judged
from evals.datasets.judged import Labelled
from evals.records import Judgement
from rag.errors import RagError, SourceError
from tests.model_server import ModelServer

LABELLED, ARTICLES = judged.load()
VERDICTS = {True: Judgement(True, True), False: Judgement(False, True), None: Judgement(failure="down")}


def agreed(labels: list[bool], verdicts: list[bool | None]) -> Agreement:
    labelled = [Labelled("", (), label, "verbatim" if label else "negation") for label in labels]
    return agreement.agreement(labelled, [VERDICTS[verdict] for verdict in verdicts])


def values(found: Agreement) -> dict[str, float | None]:
    return {name: value.value for name, value in found.measures.items()}


def test_agreement_by_hand() -> None:
    # 20 faithful said so, 5 not; of the unfaithful 15 caught, 10 missed: Cohen's own kind of table.
    found = agreed([True] * 25 + [False] * 25, [True] * 20 + [False] * 5 + [False] * 15 + [True] * 10)
    assert values(found) == pytest.approx(
        {"Accuracy": 0.7, "Kappa": 0.4, "Precision": 15 / 20, "Recall": 15 / 25, "Kept": 20 / 25}
    )
    assert found.by_why["verbatim"].value == 20 / 25 and found.by_why["negation"].value == 15 / 25
    low, high = found.measures["Accuracy"].low, found.measures["Accuracy"].high
    assert low is not None and high is not None and 0.5 < low < 0.65 and 0.75 < high < 0.9


def test_the_ends_of_the_scale() -> None:
    labels = [True, False] * 10
    assert values(agreed(labels, list(labels)))["Kappa"] == 1
    assert values(agreed(labels, [not label for label in labels]))["Kappa"] == -1
    always = values(agreed(labels, [True] * 20))
    assert always["Kappa"] == 0 and always["Precision"] is None and always["Recall"] == 0


def test_what_was_not_judged_agrees_with_nothing_and_is_counted() -> None:
    found = agreed([True, True, False, False], [True, None, False, None])
    assert found.not_judged == 2 and found.failures == {"down": 2}
    assert values(found) | {"Kappa": 0} == {"Accuracy": 0.5, "Kappa": 0, "Precision": 1, "Recall": 0.5, "Kept": 0.5}


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([True, False, None])), min_size=1, max_size=30))
def test_a_value_lies_in_its_interval(pairs: list[tuple[bool, bool | None]]) -> None:
    found = agreed([label for label, _ in pairs], [verdict for _, verdict in pairs])
    for value in (*found.measures.values(), *found.by_why.values()):
        if value.value is not None:
            assert value.low is not None and value.high is not None
            assert -1 <= value.low <= value.value <= value.high <= 1


def test_the_built_in_check_passes_quotations_and_catches_the_wrong_mouth() -> None:
    check = built_in(ARTICLES)
    for each in LABELLED:
        if each.why == "verbatim":
            assert check(each).faithful, each.sentence
        if each.why == "other mouth":
            assert not check(each).faithful, each.sentence


def made(**judges: Agreement) -> dict[str, Any]:
    return record(LABELLED, judged.data_hash(LABELLED), judges)


def test_kept_judges_stay_until_the_labels_change(tmp_path: Path) -> None:
    path, one = tmp_path / "agreement.json", agreed([True, False], [True, True])
    assert keep(made(a=one), path) == [] and keep(made(b=one), path) == []
    assert list(read(path)["judges"]) == ["b", "a"]
    assert keep(made(c=one) | {"data_hash": "other"}, path) == ["a", "b"]
    assert list(read(path)["judges"]) == ["c"]
    path.write_text(path.read_text().replace('"n": 2', '"n": 3'))
    with pytest.raises(SourceError, match="changed after"):
        read(path)
    with pytest.raises(SourceError, match="agreement --keep"):
        read(tmp_path / "gone.json")


def test_the_kept_figures_are_of_the_labels_that_are_shipped() -> None:
    kept = read()
    assert kept["data_hash"] == judged.data_hash(LABELLED)
    assert set(agreement.BUILT_IN) <= set(kept["judges"])


def test_the_command_without_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agreement", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sentences"] == 100 and set(found["judges"]) == set(agreement.BUILT_IN)
    assert found["checksum"] == runfile.checksum(found)
    for each in found["judges"].values():
        assert set(each["measures"]) == set(agreement.MEANS) and each["not_judged"] == 0
        assert each["measures"]["Accuracy"].keys() == {"value", "low", "high", "n"}
    lines = table(found).splitlines()
    assert {line.count("|") for line in lines if line.startswith("|")} == {4}


def test_the_command_with_a_model(model: ModelServer, capsys: pytest.CaptureFixture[str]) -> None:
    model.say("SUPPORTED: yes\nATTRIBUTED: yes")
    assert main(["agreement", "--judge", "openai:kind", "--name", "kind"]) == 0
    told = capsys.readouterr().out
    assert "| | CitationSupport | built-in check | kind |" in told and len(model.requests) == 100
    rows = {line.split(" | ")[0]: line.split(" | ")[-1].rstrip(" |") for line in told.splitlines()}
    assert rows["| unfaithful, negation"] == "0 of 6" and rows["| faithful, paraphrase"] == "6 of 6"


def test_a_model_that_judges_nothing_is_an_error(model: ModelServer, capsys: pytest.CaptureFixture[str]) -> None:
    model.status = 500
    assert main(["agreement", "--judge", "openai:down"]) == 2
    told = capsys.readouterr()
    assert "openai:down judged none of the 100 sentences" in told.err and "the server answered 500" in told.err
    assert told.err.count("\n") == 1
    with pytest.raises(RagError):
        agreement.of(LABELLED, ARTICLES, {"none": lambda _: Judgement(failure="down")})
