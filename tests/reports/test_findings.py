"""What the README and reports/README.md say about the committed reports follows from them."""

from __future__ import annotations

import json
import math
import re
from functools import cache
from pathlib import Path
from typing import Any

from harness.claims import load_library
from harness.report.wording import percent
from harness.study.study_file import parse_study
from harness.text.decimals import decimals

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FINDINGS = (ROOT / "reports" / "README.md").read_text(encoding="utf-8")


@cache
def results_of(study: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "reports" / study / "results.json").read_text(encoding="utf-8"))
    return found


def told(pattern: str, text: str = FINDINGS) -> tuple[str, ...]:
    """Return the groups of ``pattern`` in a text whose words may stand on several lines."""
    found = re.search(re.sub(r" +", r"\\s+", pattern), text, flags=re.DOTALL)
    assert found is not None, pattern
    return found.groups()


def accuracy(study: str, arm: str) -> float:
    (own,) = [each for each in results_of(study)["arms"] if each["name"] == arm]
    return float(own["mean"]["macro_accuracy"])


def mean(study: str, arm: str) -> str:
    """Return an arm's mean macro accuracy as it is printed."""
    return percent(accuracy(study, arm))


def pair(study: str, first: str, second: str) -> dict[str, Any]:
    pairs = results_of(study)["contrasts"]["pairs"]
    (own,) = [each for each in pairs if (each["first"], each["second"]) == (first, second)]
    return own


SPLITS = ("", " random-clip", " random-segment")
NUMBER = r"([\d.]+)"


def test_the_finding_about_the_split() -> None:
    urban, esc = "protocols-urbansound8k", "protocols-esc10"
    found = told(f"TSCNN-DS reaches {NUMBER} % on folds .*? training, {NUMBER} % when .*? folds, and {NUMBER} % when")
    assert found == tuple(mean(urban, f"TSCNN-DS{split}") for split in SPLITS)
    found = told(f"On ESC-10 shuffling clips and segments raises it from {NUMBER} to {NUMBER} and {NUMBER} %")
    assert found == tuple(mean(esc, f"TSCNN-DS{split}") for split in SPLITS)
    shared = []
    for study in (urban, esc):
        parts = [each for each in results_of(study)["leakage"] if each["protocol"] == "random-clip"]
        test, both = (sum(each[name] for each in parts) for name in ("n_test", "n_test_sharing_recording"))
        shared.append(decimals(100 * both / test, 1))
    assert shared == ["95.4", "33.5"]
    # Of nearly every segment another one of the same clip is trained on.
    pieces = [each for each in results_of(urban)["leakage"] if each["protocol"] == "random-segment"]
    counts = [sum(each[name] for each in pieces) for name in ("n_test_sharing_clip", "n_test")]
    assert decimals(100 * counts[0] / counts[1], 1) == "98.0"
    assert told(
        rf"shuffled clips, {NUMBER} % of UrbanSound8K's .*? with training, but only {NUMBER} % of ESC-10's"
    ) == tuple(shared)

    def best_epoch(network: str, *studies: str) -> float:
        """Return the most points that the best epoch on the test fold adds, over the splits of ``studies``."""
        arms = [(study, f"{network}{split}") for study in studies for split in SPLITS]
        return max(100 * (accuracy(study, f"{arm} best-on-test") - accuracy(study, arm)) for study, arm in arms)

    found = told(
        f"epoch on the test fold adds at most {NUMBER} points to TSCNN-DS, and at most {NUMBER} points to MCNet on "
        f"UrbanSound8K and {NUMBER} on ESC-10[.]"
    )
    adds = best_epoch("TSCNN-DS", urban, esc), best_epoch("MCNet", urban)
    assert found == (*(decimals(value, 1) for value in adds), decimals(best_epoch("MCNet", esc), 2))
    found = told(
        f"{NUMBER} % on folds whose .*? training, {NUMBER} % with .*? folds, and {NUMBER} % with segments", README
    )
    assert found == tuple(mean(urban, f"TSCNN-DS{split}") for split in SPLITS)
    claim = load_library().claim("su2019:T2/TSCNN-DS").printed.value
    assert told(f"publish {NUMBER} % for TSCNN-DS") == told(f"publish {NUMBER} % for TSCNN-DS", README) == (str(claim),)


def test_what_others_measured_with_more_training_data() -> None:
    library = load_library()
    fusion = library.claim("bristol2019:replication/TSCNN").printed.value
    (own,) = [each for each in results_of("protocols-urbansound8k")["arms"] if each["name"] == "TSCNN-DS"]
    (tenth,) = [percent(each["macro_accuracy"]) for each in own["folds"] if each["fold"] == 10]
    assert told(f"has {NUMBER} % for the fusion on official fold 10, where TSCNN-DS has {NUMBER} % here") == (
        str(fusion),
        tenth,
    )
    assert told(rf"has {NUMBER} % on official fold 10 \({NUMBER} % here\)", README) == (str(fusion), tenth)
    official, random = (library.claim(f"yurtsever2026:{table}/ConvNeXt-Tiny") for table in ("official", "random"))
    found = told(rf"reports {NUMBER} and {NUMBER} % for another network .*? split, a difference of (\d+) points")
    shift = f"{random.printed.value - official.printed.value:.0f}"
    assert found == (str(official.printed.value), str(random.printed.value), shift)
    assert told(r"another network gains (\d+) points", README) == (shift,)


def test_the_finding_about_rules_on_esc50() -> None:
    study = "protocols-esc50"
    effects = {each["arm"].removeprefix("ResNet-18").strip(): each for each in results_of(study)["protocol_effects"]}
    learns = {each["name"]: each["protocol"]["final_train"] for each in results_of(study)["arms"]}
    assert learns["ResNet-18"] == "train+validation"

    def points(arm: str, sign: float = 1.0) -> str:
        return decimals(sign * effects[arm]["shift"], 1)

    def recordings(arm: str, sign: float = 1.0) -> tuple[str, ...]:
        ends = sorted(sign * effects[arm][end] for end in ("recordings_low", "recordings_high"))
        return tuple(decimals(end, 1) for end in ends)

    def reached(arm: str) -> str:
        return mean(study, f"ResNet-18 {arm}".strip())

    assert told(f"over the folds adds {NUMBER} and {NUMBER} points to ResNet-18") == (
        points("random-clip"),
        points("shuffled-kfold"),
    )
    (own,) = [arm for arm in results_of(study)["spec"]["arms"] if arm["name"] == "ResNet-18"]
    found = told(rf"the last of (\d+) epochs tested, it reaches {NUMBER} %\.")
    assert found == (str(own["set"]["train.epochs"]), reached(""))
    found = told(rf"by scikit-learn, give {NUMBER} % \({NUMBER} points more, {NUMBER} to {NUMBER} over recordings\)")
    assert found == (reached("shuffled-kfold"), points("shuffled-kfold"), *recordings("shuffled-kfold"))
    found = told(rf"equal classes {NUMBER} % \({NUMBER} more, {NUMBER} to {NUMBER}\)")
    assert found == (reached("random-clip"), points("random-clip"), *recordings("random-clip"))
    found = told(rf"gives {NUMBER} % on (\d+) clips \({NUMBER} more on these clips, (-{NUMBER[1:]} to {NUMBER}\)")
    shared: dict[str, list[int]] = {}
    for row in results_of(study)["leakage"]:
        counts = shared.setdefault(f"{row['protocol']}, {row['final_train']}", [0, 0])
        counts[0] += row["n_test_sharing_recording"]
        counts[1] += row["n_test"]
    share = {name: decimals(100 * both / test, 1) for name, (both, test) in shared.items()}
    assert found == (
        reached("every-nth-row"),
        str(shared["every-nth-row, train"][1]),
        points("every-nth-row"),
        *recordings("every-nth-row"),
    )
    found = told(f"About {NUMBER} % of the test clips then .*? against {NUMBER} % on official folds")
    assert found == (share["random-clip, train+validation"], share["official, train+validation"])
    assert abs(shared["shuffled-kfold, train"][0] - shared["random-clip, train+validation"][0]) <= 1

    assert effects["best-on-test"]["shift"] == 0.0
    assert accuracy(study, "ResNet-18 best-mean-on-test") == accuracy(study, "ResNet-18 no-validation")
    found = told(f"epoch has {NUMBER} % and the last one of the same trainings {NUMBER} %")
    assert found == (reached("same-as-test"), reached("no-validation"))
    found = told(rf"network reaches {NUMBER} %, {NUMBER} points less \({NUMBER} to {NUMBER}; p = {NUMBER} over eight")
    family = [each for each in results_of(study)["protocol_effects"] if each["p_adjusted"] is not None]
    assert len(family) == 8
    assert [each["arm"] for each in family if each["p_adjusted"] < 0.05] == ["ResNet-18 next-fold"]
    held_out = effects["next-fold"]
    assert found == (
        reached("next-fold"),
        points("next-fold", -1),
        *recordings("next-fold", -1),
        f"{held_out['p_adjusted']:.3f}",
    )
    found = told(rf"gives {NUMBER} % on its (\d+) clips, {NUMBER} points less on these clips \({NUMBER} to {NUMBER}\)")
    tested = str(shared["file-order (counts = 30/8/2), train"][1])
    assert found == (reached("file-order"), tested, points("file-order", -1), *recordings("file-order", -1))
    found = told(rf"official-no-validation\) give {NUMBER} %, {NUMBER} points less \((-{NUMBER[1:]} to {NUMBER}\)")
    assert found == (reached("no-validation"), points("no-validation", -1), *recordings("no-validation", -1))
    found = told(rf"are conservative \(p = {NUMBER} and {NUMBER} after")
    assert found == tuple(decimals(effects[arm]["p_adjusted"], 2) for arm in ("shuffled-kfold", "random-clip"))


def test_what_others_measured_of_rules() -> None:
    library = load_library()

    def printed(*addresses: str) -> list[float]:
        return [float(library.claim(address).printed.value) for address in addresses]

    chosen, last = printed("gong2021:ESC-50/AST", "gong2021:ESC-50-last/AST")
    found = told(f"log has {NUMBER} % with the epoch chosen .*? and {NUMBER} at the last epoch, {NUMBER} points")
    assert [*map(float, found)] == [chosen, last, round(chosen - last, 2)]
    addresses = ("openclip2026:official/lowest", "openclip2026:official/highest", "openclip2026:random/probe")
    low, high, random = printed(*addresses)
    about, *found_rows = told(rf"about (\d+) in open_clip's issue 1201 \({NUMBER} to {NUMBER} against {NUMBER}\)")
    assert [*map(float, found_rows)] == [low, high, random]
    assert 100 * (random - high) < float(about) < 100 * (random - low)


def test_why_lmcnet_has_three_numbers_on_esc10() -> None:
    studies = ("su2019-esc10", "norm-statistics-esc10", "protocols-esc10")
    found = told(f"{NUMBER} % in su2019-esc10: .*? {NUMBER} % in .*? one seed[.] {NUMBER} % in")
    assert found == tuple(mean(study, "LMCNet") for study in studies)
    learned = []
    for study in studies:
        (own,) = [each for each in results_of(study)["arms"] if each["name"] == "LMCNet"]
        learned.append((own["protocol"]["final_train"], own["n_seeds"][1], results_of(study)["selection"]["rule"]))
    assert learned == [("train", 3, "per-fold"), ("train", 1, None), ("train+validation", 1, None)]
    # The last two differ in what they learn from alone.
    # A field that a record does not have has its default.
    first, second = (parse_study(dict(results_of(study)["spec"]), study) for study in studies[1:])
    assert (first.train, first.model, first.features) == (second.train, second.model, second.features)
    assert first.study.seed == second.study.seed
    assert {results_of(study)["selection"]["tuned"]["LMCNet"]["on"] for study in studies[1:]} == {"reported folds"}


def test_the_limits_of_that_finding() -> None:
    study = "protocols-urbansound8k"
    shift = pair(study, "TSCNN-DS random-segment", "TSCNN-DS")
    drawn = shift["bootstrap"]
    found = told(r"raise the accuracy of these networks by about (\d+) points \((\d+) to (\d+) over recordings\)")
    assert found == tuple(f"{value:.0f}" for value in (shift["mean"], drawn["low"], drawn["high"]))
    assert 97.2 - 100 * accuracy(study, "TSCNN-DS random-segment") < 1
    smallest = min(each["p_holm"] for each in results_of(study)["contrasts"]["pairs"] if each["in_family"])
    assert told(rf"no effect of the split is significant over folds \(smallest p = {NUMBER}\)") == (f"{smallest:.2f}",)


def test_the_finding_about_the_fusion() -> None:
    study = "su2019-esc10"
    found = told(f"TSCNN-DS reaches {NUMBER} %, LMCNet alone {NUMBER} % .*? two streams {NUMBER} %; of")
    assert found == tuple(mean(study, arm) for arm in ("TSCNN-DS", "LMCNet", "TSCNN mean"))
    over = pair(study, "TSCNN-DS", "LMCNet")
    found = told(rf"\(a difference of {NUMBER} points, -{NUMBER} to {NUMBER} over folds\)")
    assert found == tuple(decimals(value, 1) for value in (over["mean"], -over["interval"][0], over["interval"][1]))
    clips = over["mcnemar"]
    found = told(r"of (\d+) clips the fusion classifies (\d+) correctly that LMCNet .*? and misclassifies (\d+) that")
    assert found == (str(results_of(study)["data"]["n_clips"]), str(clips["only_first"]), str(clips["only_second"]))
    below = pair(study, "TSCNN-DS", "MCNet")
    found = told(rf"Only the difference from MCNet, {NUMBER} points, is significant \(p = {NUMBER} over seven pairs\)")
    assert found == (decimals(below["mean"], 1), f"{below['p_holm']:.3f}")
    family = [each for each in results_of(study)["contrasts"]["pairs"] if each["in_family"]]
    assert len(family) == 7
    assert [(each["second"]) for each in family if each["p_holm"] < 0.05] == ["MCNet"]
    found = told(f"TSCNN-DS reaches {NUMBER} %, its better stream {NUMBER} %, and the mean of both {NUMBER} %", README)
    assert found == tuple(mean(study, arm) for arm in ("TSCNN-DS", "LMCNet", "TSCNN mean"))


def test_the_finding_about_the_fusion_on_urbansound8k() -> None:
    study = "su2019-urbansound8k"
    found = told(f"folds TSCNN-DS reaches {NUMBER} %, MCNet alone {NUMBER} % .*? the mean {NUMBER} %; of")
    arms = ("TSCNN-DS", "MCNet", "TSCNN mean")
    assert found == tuple(mean(study, arm) for arm in arms)
    assert accuracy(study, "MCNet") > accuracy(study, "LMCNet")
    over = pair(study, "TSCNN-DS", "MCNet")
    found = told(rf"\({NUMBER} points more, -{NUMBER} to {NUMBER} over folds\)")
    assert found == tuple(decimals(value, 1) for value in (-over["mean"], over["interval"][1], -over["interval"][0]))
    clips = over["mcnemar"]
    found = told(r"of (\d+) clips the fusion classifies (\d+) correctly that MCNet .*? and misclassifies (\d+) that")
    assert found == (str(results_of(study)["data"]["n_clips"]), str(clips["only_first"]), str(clips["only_second"]))
    near = pair(study, "TSCNN-DS", "TSCNN mean")
    assert near["verdict"] == "consistent"
    found = told(rf"equivalent within (\d+) points \(p = {NUMBER} over three pairs\)")
    assert found == (f"{near['equivalence']['margin']:.0f}", f"{near['p_equivalence_holm']:.3f}")
    below = pair(study, "TSCNN-DS", "LMCNet")
    found = told(
        rf"LMCNet, at {NUMBER} %, is {NUMBER} points below the fusion \({NUMBER} to {NUMBER} over recordings\)"
    )
    drawn = below["bootstrap"]
    shown = [decimals(value, 1) for value in (below["mean"], drawn["low"], drawn["high"])]
    assert found == (mean(study, "LMCNet"), *shown)
    assert told(rf"not significant over three folds \(p = {NUMBER}\)") == (f"{below['p_holm']:.2f}",)
    assert len([each for each in results_of(study)["contrasts"]["pairs"] if each["in_family"]]) == 3
    found = told(
        f"on UrbanSound8K TSCNN-DS reaches {NUMBER} %, its better stream {NUMBER} %, and the mean {NUMBER} %", README
    )
    assert found == tuple(mean(study, arm) for arm in arms)
    # The limits: what was chosen, and the study that was trained for longer.
    chosen = {
        trial["values"]["train.epochs"]
        for search in results_of(study)["searches"]
        for trial in search["trials"]
        if trial["trial"] in search["chosen"].values()
    }
    assert chosen == {2, 3}
    longer = "protocols-urbansound8k"
    assert results_of(longer)["spec"]["train"]["epochs"] == 8
    assert accuracy(longer, "MCNet") > accuracy(longer, "TSCNN-DS") > accuracy(longer, "LMCNet")
    assert accuracy(study, "MCNet") > accuracy(study, "TSCNN-DS") > accuracy(study, "LMCNet")


def test_the_finding_about_networks_that_see_both_streams() -> None:
    study = "streams-urbansound8k"
    arms = ("MCNet", "stacked-4", "MLMC", "TSCNN mean", "TSCNN-DS", "LMCNet")
    found = told(
        f"MCNet reaches {NUMBER} %, the stacked network {NUMBER}, MLMC {NUMBER}, the mean of the streams {NUMBER}, "
        f"TSCNN-DS {NUMBER} and LMCNet {NUMBER} %"
    )
    assert found == tuple(mean(study, arm) for arm in arms)
    assert sorted(arms, key=lambda arm: -accuracy(study, arm)) == list(arms)
    found = told(
        f"MLMC reaches {NUMBER} %, the stacked network {NUMBER} %, and MCNet, trained in the same way, {NUMBER} %",
        README,
    )
    assert found == tuple(mean(study, arm) for arm in ("MLMC", "stacked-4", "MCNet"))
    others = ("MCNet", "stacked-4", "MLMC")
    below = [pair(study, "TSCNN-DS", other) for other in others]
    found = told(
        rf"is {NUMBER} points below MCNet \({NUMBER} to {NUMBER} over recordings\), {NUMBER} below the stacked "
        rf"network \({NUMBER} to {NUMBER}\) and {NUMBER} below MLMC \(-{NUMBER} to {NUMBER}\)"
    )
    values = [-value for each in below for value in (each["mean"], each["bootstrap"]["high"], each["bootstrap"]["low"])]
    # The text has the sign of one.
    values[7] = -values[7]
    assert found == tuple(decimals(value, 1) for value in values)
    library = load_library()
    claimed = [library.claim(f"su2019:{where}").printed.value for where in ("T2/MCNet", "T6/4-layer", "T2/MLMC")]
    best = library.claim("su2019:T2/TSCNN-DS").printed.value
    found = told(f"in the paper it is {NUMBER}, {NUMBER} and {NUMBER} points above")
    assert found == tuple(str(best - value) for value in claimed)
    family = [each for each in results_of(study)["contrasts"]["pairs"] if each["in_family"]]
    assert len(family) == 5
    assert {each["verdict"] for each in family} == {"inconclusive"}
    smallest = min(each["p_holm"] for each in family)
    assert told(rf"none of the five declared pairs is significant \(smallest p = {NUMBER}\)") == (f"{smallest:.2f}",)
    among = [each for each in results_of(study)["contrasts"]["pairs"] if {each["first"], each["second"]} <= {*others}]
    assert len(among) == 3
    assert all(each["interval"][0] < 0 < each["interval"][1] for each in among)
    # Its limits.
    assert results_of(study)["spec"]["train"]["epochs"] == 3
    assert told(r"\((\w+) for the stacked networks\)") == ("three",)
    assert not results_of(study)["searches"]
    assert {arm["n_seeds"][1] for arm in results_of(study)["arms"]} == {1}


DEPTHS = ("", "-6", "-8")


def test_the_finding_about_depth() -> None:
    study = "norm-statistics-esc10"
    found = told(f"LMCNet falls from {NUMBER} % with 4 layers to {NUMBER} with 6 and {NUMBER} with 8,")
    assert found == tuple(mean(study, f"LMCNet{depth}") for depth in DEPTHS)
    assert told(f"MCNet from {NUMBER} to {NUMBER} and {NUMBER}, similar") == tuple(
        mean(study, f"MCNet{depth}") for depth in DEPTHS
    )
    found = told(f"same weights reach {NUMBER}, {NUMBER} and {NUMBER} %, and {NUMBER}, {NUMBER} and {NUMBER} %")
    assert found == tuple(mean(study, f"{net}{depth} re-estimated") for net in ("LMCNet", "MCNet") for depth in DEPTHS)
    claims = load_library()
    found = told(rf"on UrbanSound8K \({NUMBER}, {NUMBER} and {NUMBER}; {NUMBER}, {NUMBER} and {NUMBER}\)")
    assert found == tuple(
        str(claims.claim(f"su2019:{table}/{net}").printed.value)
        for net in ("LMCNet", "MCNet")
        for table in ("T2", "T4", "T5")
    )
    found = told(
        f"MCNet falls from {NUMBER} % with 4 layers to {NUMBER} % with 8, and .*? reach {NUMBER} % with", README
    )
    assert found == tuple(mean(study, f"MCNet{each}") for each in ("", "-8", "-8 re-estimated"))


def test_the_finding_about_depth_on_urbansound8k() -> None:
    study = "norm-statistics-urbansound8k"
    found = told(f"LMCNet goes from {NUMBER} % to {NUMBER} and {NUMBER}, MCNet from {NUMBER} to {NUMBER} and {NUMBER},")
    assert found == tuple(mean(study, f"{net}{depth}") for net in ("LMCNet", "MCNet") for depth in DEPTHS)
    found = told(f"TSCNN-DS from {NUMBER} to {NUMBER} and {NUMBER}[.] The")
    assert found == tuple(mean(study, f"TSCNN-DS{depth}") for depth in DEPTHS)
    four, eight = (load_library().claim(f"su2019:{table}/MCNet").printed.value for table in ("T2", "T5"))
    loss = pair(study, "MCNet", "MCNet-8")
    numbers_told = (decimals(float(four) - float(eight), 1), decimals(loss["mean"], 1))
    drawn = tuple(decimals(loss["bootstrap"][end], 1) for end in ("low", "high"))
    found = told(rf"MCNet loses {NUMBER} points with 8 layers, ours {NUMBER} \({NUMBER} to {NUMBER} over recordings\)")
    assert found == (*numbers_told, *drawn)
    assert told(f"cost MCNet {NUMBER} points, compared with {NUMBER} in the paper[.]", README) == numbers_told[::-1]
    back = pair(study, "MCNet-8 re-estimated", "MCNet-8")
    found = told(rf"recover {NUMBER} \(-{NUMBER} to {NUMBER}\)")
    assert found == tuple(
        decimals(value, 1) for value in (back["mean"], -back["bootstrap"]["low"], back["bootstrap"]["high"])
    )
    # Its limits.
    assert results_of(study)["spec"]["train"]["epochs"] == 8
    assert {arm["n_seeds"][1] for arm in results_of(study)["arms"]} == {1}
    family = [each for each in results_of(study)["contrasts"]["pairs"] if each["in_family"]]
    assert len(family) == 13
    smallest = min(each["p_holm"] for each in family)
    assert told(rf"all adjusted p values of the thirteen pairs are {NUMBER}[.]") == (f"{smallest:.2f}",)
    deeper = [
        each
        for each in results_of(study)["contrasts"]["pairs"]
        if each["second"] in {f"{each['first']}-6", f"{each['first']}-8"}
    ]
    assert len(deeper) == 6
    assert all(each["interval"][0] < 0 < each["interval"][1] for each in deeper)


def test_the_finding_about_the_depth_of_the_stacked_network() -> None:
    depths = (4, 6, 8)
    found = told(f"stacked network goes from {NUMBER} % with 4 layers to {NUMBER} and {NUMBER} ")
    assert found == tuple(mean("streams-urbansound8k", f"stacked-{depth}") for depth in depths)
    losses = [pair("streams-urbansound8k", "stacked-4", f"stacked-{depth}") for depth in depths[1:]]
    assert not any(each["in_family"] for each in losses)
    assert all(each["interval"][0] < 0 < each["interval"][1] for each in losses)
    assert "arms" in next(mark for mark in results_of("streams-urbansound8k")["marks"] if "Declared later" in mark)
    found = told(
        rf"\({NUMBER} points less, {NUMBER} to {NUMBER} over recordings, and {NUMBER}, {NUMBER} to {NUMBER}\), "
        "the paper's"
    )
    values = [value for each in losses for value in (each["mean"], each["bootstrap"]["low"], each["bootstrap"]["high"])]
    assert found == tuple(decimals(value, 1) for value in values)
    library = load_library()
    claimed = [library.claim(f"su2019:T6/{depth}-layer").printed.value for depth in depths]
    assert told(f"the paper's from {NUMBER} to {NUMBER} and {NUMBER} ") == tuple(str(value) for value in claimed)


def test_the_limits_of_that_one() -> None:
    study = "norm-statistics-esc10"
    gains = [pair(study, f"{net}-8 re-estimated", f"{net}-8") for net in ("LMCNet", "MCNet")]
    assert told(f"8-layer networks, {NUMBER} and {NUMBER} points") == tuple(decimals(each["mean"], 1) for each in gains)
    found = told(rf"over recordings \({NUMBER} to {NUMBER} and {NUMBER} to {NUMBER}\), but")
    assert found == tuple(decimals(each["bootstrap"][end], 1) for each in gains for end in ("low", "high"))
    family = [each for each in results_of(study)["contrasts"]["pairs"] if each["in_family"]]
    assert len(family) == 13
    smallest = min(each["p_holm"] for each in family)
    assert told(rf"significant over five folds \(smallest p = {NUMBER}\)") == (f"{smallest:.2f}",)
    assert {arm["n_seeds"][1] for arm in results_of(study)["arms"]} == {1}
    # With what the search of the other study chose.
    tuned = "su2019-esc10"
    assert told(f"MCNet falls to {NUMBER} and {NUMBER} %") == tuple(
        mean(tuned, f"MCNet{depth}") for depth in DEPTHS[1:]
    )
    # Of the training itself the report keeps this sentence.
    (mark,) = [each for each in results_of(tuned)["marks"] if each.startswith("Near chance level")]
    learnt = re.search(r"MCNet-8 [\d.]+ % \(training accuracy ([\d.]+) %", mark)
    assert learnt is not None
    assert told(r"classifies (\d+) % of its training segments correctly") == (f"{float(learnt[1]):.0f}",)


def test_the_finding_about_resnet() -> None:
    study = "resnet18-esc10"
    found = told(
        f"derivatives reaches {NUMBER} %, mel {NUMBER}, log-mel {NUMBER}, MFCC {NUMBER} and the spectrogram {NUMBER};"
    )
    assert found == tuple(mean(study, arm) for arm in ("mfcc-deltas", "mel", "log-mel", "mfcc", "spectrogram"))
    found = told(f"spectral contrast, tonnetz and chroma {NUMBER}, {NUMBER} and {NUMBER}[.] Of")
    assert found == tuple(mean(study, arm) for arm in ("contrast", "tonnetz", "chroma"))
    found = told(
        f"MFCC reach {NUMBER} %, mel, MFCC and chroma {NUMBER}, and log-mel, contrast and tonnetz {NUMBER}[.] Over"
    )
    combined = ("spectrogram+mel+mfcc", "mel+mfcc+chroma", "log-mel+contrast+tonnetz")
    assert found == tuple(mean(study, arm) for arm in combined)
    for arm in combined:
        assert max(accuracy(study, each) for each in arm.split("+")) > accuracy(study, arm), arm

    family = [each for each in results_of(study)["contrasts"]["pairs"] if each["in_family"]]
    assert len(family) == 10
    settled = {each["second"]: each for each in family if each["p_holm"] < 0.05}
    assert set(settled) == {"contrast", "tonnetz", "mel"}
    found = told(rf"contrast is {NUMBER} points below it \(p = {NUMBER}\) and tonnetz {NUMBER} \(p = {NUMBER}\)")
    assert found == tuple(text for name in ("contrast", "tonnetz") for text in numbers(settled[name]))
    found = told(rf"difference of {NUMBER} points for chroma is not significant \(p = {NUMBER}\)")
    assert found == numbers(pair(study, "mel+mfcc+chroma", "chroma"))

    assert settled["mel"]["first"] == "mel (practical)"
    found = told(rf"ends at {NUMBER} % on mel, where AdamW reaches {NUMBER} % in (\d+) epochs \(p = {NUMBER}\)")
    epochs = results_of(study)["spec"]["train"]["epochs"]
    assert found == (mean(study, "mel (practical)"), mean(study, "mel"), str(epochs), numbers(settled["mel"])[1])
    (recipe,) = [arm["set"] for arm in results_of(study)["arms"] if arm["name"] == "mel (practical)"]
    # Three of five folds train.
    batches = math.ceil(3 / 5 * results_of(study)["data"]["n_clips"] / results_of(study)["spec"]["train"]["batch_size"])
    assert told(r"its (\d+) steps") == (str(batches * recipe["train.epochs"]),)


def test_the_finding_about_the_floor() -> None:
    studies = ("floor-esc10", "floor-esc50")
    assert told(f"log-mel spectrogram reaches {NUMBER} % on ESC-10 and {NUMBER} % on ESC-50") == tuple(
        mean(study, "linear probe") for study in studies
    )
    assert told(f"a hidden layer it reaches {NUMBER} and {NUMBER} %") == tuple(mean(study, "MLP") for study in studies)
    found = told(f"same four folds of ESC-10, reaches {NUMBER} %")
    assert found == (mean("protocols-esc10", "LMCNet"),)
    assert results_of("protocols-esc10")["protocol"]["final_train"] == "train+validation"
    claims = []
    for study in studies:
        (compared,) = results_of(study)["comparisons"]
        assert compared["arm"] == "linear probe"
        assert compared["claim"]["sd_kind"] == "none"
        claims.append(compared)
        arms = results_of(study)["arms"]
        assert {tuple(arm["n_seeds"]) for arm in arms} == {(3, 3)}
        assert results_of(study)["spec"]["search"]["trials"] == 6
        assert results_of(study)["protocol"]["final_train"] == "train+validation"
    assert told(f"zero-crossing rate, has {NUMBER} and {NUMBER} %") == tuple(
        each["claim"]["printed"] for each in claims
    )
    found = told(rf"does not differ significantly \(p = {NUMBER} and {NUMBER}\)")
    assert found == tuple(decimals(each["p"], 2) for each in claims)
    assert min(each["p"] for each in claims) > 0.05


def test_the_finding_about_shortcuts() -> None:
    study = "shortcut-esc50"
    (every,) = [each for each in results_of(study)["arms"] if each["name"] == "all shortcuts"]
    found = told(rf"a probe reaches {NUMBER} % on ESC-50.*?\({NUMBER} to {NUMBER} over folds; chance is (\d+) %\)")
    chance = 100 / len(results_of(study)["classes"])
    assert found == (mean(study, "all shortcuts"), *map(percent, every["interval"]), f"{chance:.0f}")
    found = told(
        f"Loudness alone reaches {NUMBER} %, band limits {NUMBER}, silence {NUMBER}, clipping {NUMBER} and length, "
        f"equal for all clips, {NUMBER} %"
    )
    arms = ("loudness", "bandwidth", "silence", "clipping", "length")
    assert found == tuple(mean(study, arm) for arm in arms)
    assert results_of(study)["spec"]["search"]["trials"] == 0
    assert {tuple(arm["n_seeds"]) for arm in results_of(study)["arms"]} == {(1, 1)}


def numbers(contrast: dict[str, Any]) -> tuple[str, str]:
    """Return difference and adjusted p as they are printed."""
    return decimals(contrast["mean"], 1), f"{contrast['p_holm']:.3f}"
