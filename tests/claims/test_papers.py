"""The papers that ship: typing errors are caught by what the numbers must have in common, not by typing them twice.

T = table of Su et al. 2019. Averages are checksums of class accuracies, T3's standard deviations of every digit of
T2's, and the sizes of the networks of T1.
"""

from __future__ import annotations

import statistics
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from harness.claims import BUILT_IN, Claim, Printed, load_library
from harness.claims.paper import LayerColumn
from harness.registry import DATASETS

LIBRARY = load_library()
CLAIMS = {claim.address: claim for claim in LIBRARY.claims()}
SU = LIBRARY.paper("su2019")
STREAMS = ("LMCNet", "MCNet", "MLMC", "TSCNN-DS")
PLACES = ("University of Bristol", "github.com/", "papers.nips.cc")
COURSE = ("bristol2019", "naidu2019")
STUDIES = sorted((Path(__file__).parents[2] / "studies").glob("*.toml"))


def class_mean(claim: Claim) -> float:
    return statistics.fmean(claim.class_percents.values())


def fits(value: float, printed: Printed, slack: float = 0.0) -> bool:
    """Tell whether ``value`` rounds to the printed number; ``slack`` is how far its own parts may have been rounded."""
    return float(printed.low) - slack - 1e-9 <= value <= float(printed.high) + slack + 1e-9


@pytest.mark.parametrize("path", sorted(BUILT_IN.iterdir()), ids=lambda path: path.name)
def test_every_file_is_a_paper_called_after_its_key(path: Path) -> None:
    assert path.suffix == ".toml"
    assert LIBRARY.paper(path.stem).source.key == path.stem


@pytest.mark.parametrize("address", CLAIMS)
def test_every_claim_says_where_it_was_published(address: str) -> None:
    source = CLAIMS[address].source
    assert str(source.year) in source.citation
    assert source.authors in source.citation
    assert (f"doi:{source.doi}" if source.doi else source.unpublished) in source.citation
    assert source.doi or any(place in source.unpublished for place in PLACES)


@pytest.mark.parametrize("address", CLAIMS)
def test_the_conditions_of_every_claim_belong_together(address: str) -> None:
    table = CLAIMS[address].table
    dataset = DATASETS.get(table.dataset)
    if table.split == "official" and not table.tested_folds:
        assert table.folds == (1 if dataset.holdout else len(dataset.folds))
    if table.split == "one split":
        assert table.folds == 1
    assert len(table.tested_folds) in (0, table.folds)
    if dataset.class_counts and table.classes:
        assert table.classes == tuple(name for name, _ in dataset.class_counts)


def test_sources() -> None:
    dois = {key: paper.source.doi for key, paper in LIBRARY.papers.items()}
    assert dois == {
        "arandjelovic2017": "10.48550/arXiv.1705.08168",
        "asifhanif2024": None,
        "ayaneai2021": None,
        "aytar2016": None,
        "bristol2019": None,
        "chen2022beats": "10.48550/arXiv.2212.09058",
        "chen2022htsat": "10.48550/arXiv.2202.00874",
        "chen2023pipmn": "10.1007/978-981-99-4742-3_6",
        "deshmukh2023": "10.48550/arXiv.2305.11834",
        "elizalde2022": "10.48550/arXiv.2206.04769",
        "espnet2024": None,
        "fyl2024": None,
        "gazneli2022": "10.48550/arXiv.2204.11479",
        "gong2021": "10.48550/arXiv.2104.01778",
        "guzhov2020": "10.48550/arXiv.2004.07301",
        "guzhov2021audioclip": "10.48550/arXiv.2106.13043",
        "guzhov2021fbsp": "10.48550/arXiv.2104.11587",
        "hear2022": "10.48550/arXiv.2203.03022",
        "huang2018": "10.48550/arXiv.1811.06669",
        "kumar2017": "10.48550/arXiv.1711.01369",
        "kumar2020": "10.48550/arXiv.2007.00144",
        "macls2025": None,
        "mohaimenuzzaman2021": "10.48550/arXiv.2103.03483",
        "mteb2025": None,
        "mushtaq2020": "10.3390/sym12111822",
        "naidu2019": None,
        "nanni2020": "10.48550/arXiv.2007.07966",
        "openclip2026": None,
        "palanisamy2020": "10.48550/arXiv.2007.11154",
        "piczak2015cnn": "10.1109/MLSP.2015.7324337",
        "piczak2015esc": "10.1145/2733373.2806390",
        "sailor2017": None,
        "salamon2017": "10.1109/LSP.2017.2657381",
        "sanjeevan2019": None,
        "sharma2020": "10.21437/Interspeech.2020-1303",
        "speechbrain2021": None,
        "speechbrain2022": None,
        "su2019": "10.3390/s19071733",
        "tokozume2018": "10.48550/arXiv.1711.10282",
        "verbitskiy2021": "10.48550/arXiv.2106.01621",
        "wu2023": "10.48550/arXiv.2211.06687",
        "yurtsever2026": "10.35377/saucis...1830726",
        "zhang2025": "10.48550/arXiv.2505.16369",
    }


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_claim_of_a_shipped_study_is_found(path: Path) -> None:
    study = tomllib.loads(path.read_text(encoding="utf-8"))
    library = load_library((path.parent / "claims",))
    for comparison in study.get("compare", []):
        if "claim" in comparison:
            assert library.claim(comparison["claim"]).address == comparison["claim"]


# Su et al. 2019


@pytest.mark.parametrize("table", ["T2", "T4", "T5"])
@pytest.mark.parametrize("stream", STREAMS)
def test_averages_are_means_of_their_ten_class_accuracies(table: str, stream: str) -> None:
    claim = CLAIMS[f"su2019:{table}/{stream}"]
    assert len(claim.class_percents) == 10
    assert fits(class_mean(claim), claim.printed, slack=0.05)


@pytest.mark.parametrize(("stream", "accuracy"), list(zip(STREAMS, (95.67, 95.82, 95.34, 97.51), strict=True)))
def test_t2_weighted_by_the_clips_of_each_class(stream: str, accuracy: float) -> None:
    counts = dict(DATASETS.get("urbansound8k").class_counts)
    percents = CLAIMS[f"su2019:T2/{stream}"].class_percents
    weighted = sum(percents[name] * counts[name] for name in counts) / 8732
    assert round(weighted, 2) == accuracy


@pytest.mark.parametrize("stream", STREAMS)
def test_t3_repeats_t2_in_other_digits(stream: str) -> None:
    t2, t3 = CLAIMS[f"su2019:T2/{stream}"], CLAIMS[f"su2019:T3/{stream}"]
    assert t3.table.unit == "fraction"
    assert fits(class_mean(t2) / 100, t3.printed)
    spread = t3.column.dispersion
    assert spread is not None
    assert (spread.kind, spread.n) == ("unknown", 10)
    assert round(statistics.pstdev(t2.class_percents.values()) / 100, 5) == float(spread.value)


def test_t3_times_are_in_seconds() -> None:
    assert [CLAIMS[f"su2019:T3/{stream}"].column.seconds for stream in STREAMS] == [".023", ".024", ".028", ".077"]


@pytest.mark.parametrize(
    ("stream", "car_horn", "gun_shot", "siren"),
    [
        ("T4/LMCNet", 90.2, 77.2, 99.0),
        ("T4/MCNet", 69.4, 77.2, 96.1),
        ("T4/MLMC", 87.9, 81.7, 99.0),
        ("T4/TSCNN-DS", 89.2, 85.1, 98.9),
        ("T5/LMCNet", 76.1, 57.2, 97.8),
        ("T5/MCNet", 47.3, 63.4, 88.3),
        ("T5/MLMC", 88.1, 45.4, 96.5),
        ("T5/TSCNN-DS", 69.9, 67.8, 96.3),
    ],
)
def test_small_classes_of_t4_and_t5(stream: str, car_horn: float, gun_shot: float, siren: float) -> None:
    percents = CLAIMS[f"su2019:{stream}"].class_percents
    assert (percents["car_horn"], percents["gun_shot"], percents["siren"]) == (car_horn, gun_shot, siren)


def test_t6_and_t7() -> None:
    values = {address.partition(":")[2]: claim.percent for address, claim in CLAIMS.items() if "su2019:T" in address}
    assert {name: value for name, value in values.items() if name[:2] in ("T6", "T7")} == {
        "T6/4-layer": 86.4, "T6/6-layer": 79.8, "T6/8-layer": 80.1,
        "T7/Piczak": 72.7, "T7/Tokozume": 78.3, "T7/Zhang X.": 81.9, "T7/Zhang Z.": 83.7, "T7/Li": 92.2,
        "T7/Boddapati": 93.0,
    }  # fmt: skip
    assert CLAIMS["su2019:T7/Boddapati"].printed.decimals == 0


def test_what_su2019_does_not_state_is_not_stated() -> None:
    estimands = {table.id: table.estimand for table in SU.tables}
    macro = dict.fromkeys(("T2", "T3", "T4", "T5"), "macro")
    assert estimands == {**macro, "T6": "not stated", "T7": "not stated"}
    assert {table.split for table in SU.tables} == {"not stated"}
    assert {table.epoch_rule for table in SU.tables} == {"not stated"}
    assert [table.id for table in SU.tables if table.role != "claim"] == ["T7"]


def network(depth: int) -> LayerColumn:
    (column,) = [column for column in SU.layer_tables[0].networks if column.model == f"su{depth}"]
    return column


@pytest.mark.parametrize("depth", [4, 6, 8])
def test_t1_weights_follow_from_the_channels_and_the_feature_maps(depth: int) -> None:
    column = network(depth)
    channels = [1, 32, 32, 64, 64, 128, 128, 256, 256][: depth + 1]
    rows, frames = {4: (22, 11), 6: (11, 6), 8: (6, 3)}[depth]
    weights = [9 * inner * outer for inner, outer in pairwise(channels)]
    weights += [channels[-1] * rows * frames * 1024, 1024 * 10]
    assert column.total is not None
    assert [row.layer for row in column.rows][-2:] == ["FC-1024", "output"]
    for row, count in zip([*column.layers, column.total], [*weights, sum(weights)], strict=True):
        assert row.weights is not None
        # The table rounds, but prints conv4's 36,864 as 36.8 K: a count may be off by less than one last digit.
        printed = Printed.parse(row.weights)
        assert abs(count - printed.value) < printed.step, row.layer


@pytest.mark.parametrize("depth", [4, 6, 8])
def test_t1_activations_of_the_convolutions(depth: int) -> None:
    maps = [32 * 85 * 41] * 2 + [64 * 43 * 21] * 2 + [128 * 22 * 11] * 2 + [256 * 6 * 3] * 2
    convolutions = network(depth).layers[:-2]
    assert len(convolutions) == depth
    for row, count in zip(convolutions, maps, strict=False):
        assert row.activations is not None
        assert fits(count, Printed.parse(row.activations)), row.layer
    assert [(row.layer, row.activations) for row in network(depth).rows[-2:]] == [("FC-1024", "1024"), ("output", "10")]


@pytest.mark.parametrize("depth", [4, 6, 8])
def test_t1_begins_with_the_input(depth: int) -> None:
    first = network(depth).rows[0]
    assert (first.layer, first.weights, first.activations) == ("input", None, "3.5 K")
    assert fits(85 * 41, Printed.parse("3.5 K"))


def test_t1_totals_of_activations() -> None:
    totals = [column.total and column.total.activations for column in SU.layer_tables[0].networks]
    assert totals == ["339.6 K", "401.6 K", "413.4 K"]


def test_numbers_of_the_text() -> None:
    assert [(one.about, one.value, one.subject) for one in SU.statements] == [
        ("convolution stride", "2", "T1"),
        ("plane rows", "7", "chroma"),
        ("plane rows", "12", "contrast"),
        ("class accuracy", "69.4", "T4/MCNet/children_playing"),
        ("class accuracy", "90", "T4/MLMC/children_playing"),
        ("difference", "11.5", "T2"),
    ]


def test_t7_quotes_numbers_that_their_own_papers_place_elsewhere() -> None:
    # What T7 cites as the network of 2017 is the later one's accuracy, and Piczak's paper prints another number.
    quoted = CLAIMS["su2019:T7/Tokozume"]
    assert quoted.column.reference == "[35]"
    assert quoted.percent == CLAIMS["tokozume2018:US8K/EnvNet-v2-BC-strong"].percent
    assert quoted.percent != CLAIMS["tokozume2018:US8K/EnvNet"].percent
    assert CLAIMS["su2019:T7/Piczak"].percent != CLAIMS["piczak2015cnn:paper-US8K/CNN"].percent
    assert "2018" in quoted.table.note
    assert "73.1" in quoted.table.note


# Replications


REPLICATIONS = {
    "bristol2019:replication": (84.0, 77.5, 81.6, 84.9),
    "naidu2019:plain": (75.4, 77.8, 78.3, 79.1),
    "naidu2019:augmented": (75.0, 79.1, 79.0, 80.0),
}


@pytest.mark.parametrize("table", REPLICATIONS)
def test_replications_state_their_averages(table: str) -> None:
    found = [claim for address, claim in CLAIMS.items() if address.startswith(f"{table}/")]
    assert [claim.column.name for claim in found] == ["LMCNet", "MCNet", "MLMC", "TSCNN"]
    assert tuple(claim.percent for claim in found) == REPLICATIONS[table]
    assert "50,569" in found[0].table.note
    assert "5,395" in found[0].table.note


def test_averages_of_replications_are_class_means_but_for_one_column() -> None:
    found = [claim for claim in CLAIMS.values() if claim.source.key in COURSE]
    # The class accuracies of this column, as published, have the mean 79.64 and not 80.0.
    apart = {claim.address for claim in found if not fits(class_mean(claim), claim.printed, slack=0.05)}
    assert len(found) == 12
    assert apart == {"naidu2019:augmented/TSCNN"}


def test_replications_test_official_fold_10_and_train_on_the_others() -> None:
    for claim in (claim for claim in CLAIMS.values() if claim.source.key in COURSE):
        table = claim.table
        assert table.role == "replication"
        assert (table.split, table.folds, table.tested_folds, table.training_folds) == ("official", 1, (10,), 9)


def test_the_staff_s_accuracies_are_fractions_of_the_clips_of_fold_10() -> None:
    table = LIBRARY.paper("bristol2019").tables[0]
    # Clips of fold 10 by class in UrbanSound8K's metadata: 837.
    assert sum(table.class_clips) == 837
    apart = [
        (column.name, name)
        for column in table.columns
        for name, text, n in zip(table.classes, column.classes, table.class_clips, strict=True)
        if not any(fits(100 * k / n, Printed.parse(text)) for k in range(n + 1))
    ]
    assert apart == [("MLMC", "car_horn")]


def test_the_coursework_s_means_are_over_pieces_of_clips() -> None:
    for table in LIBRARY.paper("naidu2019").tables:
        assert (table.estimand, table.mean) == ("macro over pieces", "macro")
        assert "977 samples" in table.note


def test_training_segments_of_the_coursework_add_up_to_the_split() -> None:
    note = CLAIMS["naidu2019:plain/LMCNet"].table.note
    counts = note.partition("each class: ")[2].partition(".")[0].split()
    assert len(counts) == 10
    assert sum(map(int, counts)) == 50_569


# Reference accuracies


def test_reference_accuracies() -> None:
    expected = {
        "piczak2015esc:{}/human-listeners": (95.7, 81.3, None),
        "piczak2015esc:{}/random-forest": (72.7, 44.3, None),
        "piczak2015cnn:{}/CNN": (80.25, 64.55, 73.13),
        "salamon2017:{}/SB-CNN": (None, None, 73.0),
        "salamon2017:{}/SB-CNN-augmented": (None, None, 79.0),
        "tokozume2018:{}/EnvNet": (87.2, 70.8, 66.3),
        "tokozume2018:{}/EnvNet-v2": (85.8, 74.4, 69.1),
        "tokozume2018:{}/EnvNet-v2-BC-strong": (91.4, 84.9, 78.3),
        "guzhov2020:{}/ESResNet": (97.0, 91.5, 85.4),
    }
    datasets = {"ESC-10": "esc10", "ESC-50": "esc50", "US8K": "urbansound8k"}
    for pattern, values in expected.items():
        for table, value in zip(datasets, values, strict=True):
            claim = CLAIMS.get(pattern.format(table))
            assert (claim and claim.percent) == value
            if claim is not None:
                assert (claim.table.dataset, claim.table.split) == (datasets[table], "official")
                assert (claim.table.role, claim.table.estimand, claim.read_as) == ("reference", "clip", "reference")


def test_one_network_on_official_folds_and_on_a_random_split() -> None:
    official, random = (CLAIMS[f"yurtsever2026:{table}/ConvNeXt-Tiny"] for table in ("official", "random"))
    assert (official.percent, official.table.split) == (83.94, "official")
    assert (random.percent, random.table.split) == (98.06, "random-clip")


def test_no_claim_is_made_for_a_resnet18() -> None:
    assert not [address for address, claim in CLAIMS.items() if "18" in claim.column.name + claim.column.system]


PICZAK = {
    # Mean, sample SD over folds, folds of which one training learns.
    "ESC-10": (80.25, 5.5, 3),
    "ESC-50": (64.55, 4.1, 3),
    "US8K": (73.13, 4.0, 8),
}


@pytest.mark.parametrize("table", PICZAK)
def test_piczaks_folds_are_those_of_his_results_file(table: str) -> None:
    claim = CLAIMS[f"piczak2015cnn:{table}/CNN"]
    mean, sd, training = PICZAK[table]
    assert fits(statistics.fmean(claim.fold_percents), claim.printed)
    assert (claim.percent, round(statistics.stdev(claim.fold_percents), 1)) == (mean, sd)
    # No deviation is printed anywhere.
    assert claim.column.dispersion is None
    assert "Code/results.csv" in claim.table.where
    # The best of four variants on these folds, one fold kept for validation.
    assert claim.table.tuning == "reported folds"
    assert claim.table.ratio == pytest.approx(1 / training)
    assert "Silent segments were discarded" in claim.table.note


def test_piczaks_folds_of_esc10() -> None:
    assert CLAIMS["piczak2015cnn:ESC-10/CNN"].fold_percents == (75.0, 87.5, 75.0, 83.75, 80.0)


def test_what_piczaks_paper_prints() -> None:
    printed = {
        claim.table.dataset: claim for address, claim in CLAIMS.items() if address.startswith("piczak2015cnn:paper-")
    }
    assert {dataset: claim.percent for dataset, claim in printed.items()} == {"esc50": 64.5, "urbansound8k": 73.1}
    for dataset, claim in printed.items():
        assert claim.column.dispersion is None
        assert claim.fold_percents == ()
        assert "PDF" in claim.table.where
        # The file's means, cut to one digit.
        of_file = CLAIMS[f"piczak2015cnn:{'ESC-50' if dataset == 'esc50' else 'US8K'}/CNN"]
        assert int(10 * of_file.percent) / 10 == claim.percent


# Numbers of repositories, benchmarks and users


def test_headlines_are_means_of_their_folds_but_for_one() -> None:
    with_folds = [claim for claim in CLAIMS.values() if claim.fold_percents]
    apart = set()
    for claim in with_folds:
        step = max(float(Printed.parse(text).step) for text in claim.column.folds)
        mean = statistics.fmean(float(Printed.parse(text).value) for text in claim.column.folds)
        if not fits(mean, claim.printed, slack=step / 2):
            apart.add(claim.address)
    assert len(with_folds) >= 10
    # The mean of its folds is 83.70238; 83.70240 is printed.
    assert apart == {"ayaneai2021:US8K/ResNet"}


def test_speechbrains_class_accuracies_are_fractions_of_the_clips_of_fold_10() -> None:
    (table,) = LIBRARY.paper("speechbrain2021").tables
    column = table.columns[0]
    right = [round(float(text) * n) for text, n in zip(column.classes, table.class_clips, strict=True)]
    assert right == [60, 31, 67, 85, 79, 70, 26, 87, 46, 80]  # the diagonal of the printed confusion matrix
    assert table.tested_folds == (10,)
    assert table.class_clips == LIBRARY.paper("bristol2019").tables[0].class_clips
    for k, n, text in zip(right, table.class_clips, column.classes, strict=True):
        # 26 of 32 is 0.8125: Python rounds it down to 0.812.
        assert fits(k / n, Printed.parse(text))


def test_one_network_at_two_epoch_rules() -> None:
    chosen, last = (CLAIMS[f"gong2021:{table}/AST"] for table in ("ESC-50", "ESC-50-last"))
    assert (chosen.percent, chosen.table.epoch_rule) == (95.75, "best-mean-on-test")
    assert (last.percent, last.table.epoch_rule) == (95.60, "fixed")


def test_versions_of_one_source_are_told_apart() -> None:
    found = {(table.version, table.dataset): table.columns[0].value for table in LIBRARY.paper("sharma2020").tables}
    assert len(found) == len(LIBRARY.paper("sharma2020").tables) == 8
    assert [value for (_, dataset), value in found.items() if dataset == "esc50"] == ["87.45", "88.50", "95.50"]
    assert [value for (_, dataset), value in found.items() if dataset == "urbansound8k"] == ["97.52", "97.52", "98.60"]


def test_tables_of_papers_that_were_not_read_say_where_their_numbers_were_seen() -> None:
    for claim in CLAIMS.values():
        if "not read" in claim.table.note:
            assert claim.table.seen, claim.address


def test_values_of_the_new_conditions() -> None:
    with_weights = CLAIMS["palanisamy2020:ESC-50/DenseNet-ensemble"].column
    assert (with_weights.pretraining, with_weights.ensemble) == ("ImageNet", "yes")
    scratch = CLAIMS["mohaimenuzzaman2021:ESC-50/ACDNet"].column
    assert (scratch.pretraining, scratch.ensemble) == ("none", "not stated")
    assert CLAIMS["su2019:T2/LMCNet"].column.pretraining == "not stated"


def test_replications_name_a_file_of_the_library() -> None:
    replicated = {(key, table.replicates) for key, paper in LIBRARY.papers.items() for table in paper.tables}
    assert {pair for pair in replicated if pair[1]} == {
        ("asifhanif2024", "deshmukh2023"),
        ("ayaneai2021", "palanisamy2020"),
        ("bristol2019", "su2019"),
        ("espnet2024", "chen2022beats"),
        ("fyl2024", "gazneli2022"),
        ("naidu2019", "su2019"),
    }
    for key, other in replicated:
        assert other is None or other in LIBRARY.papers, key


def test_one_network_by_clips_and_by_classes() -> None:
    clip, macro = (CLAIMS[f"sanjeevan2019:{table}/CRNN-bi-dropout"] for table in ("US8K", "US8K-macro"))
    assert (clip.table.estimand, macro.table.estimand) == ("clip", "macro")
    assert len(clip.fold_percents) == len(macro.fold_percents) == 10
    assert all(c > m for c, m in zip(clip.fold_percents, macro.fold_percents, strict=True))
