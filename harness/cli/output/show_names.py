"""What studies can name, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from harness.cli.output.screen_table import console, table


def show_names(kind: str) -> None:
    """Print the table of one kind of names; see :data:`harness.cli.listing.KINDS`."""
    title, headings, rows = _TABLES[kind]()
    console().print(table(title, headings, rows, left=len(headings)))


_Rows = Sequence[tuple[str, ...]]


def _studies() -> tuple[str, tuple[str, ...], _Rows]:
    from harness.study import load_study
    from harness.study.shipped import shipped_studies

    rows = []
    for name, path in shipped_studies().items():
        spec = load_study(path)
        rows.append((name, spec.data.name, spec.study.question))
    return "studies that ship with the package: harness run-study NAME", ("study", "data", "question"), rows


def _networks() -> tuple[str, tuple[str, ...], _Rows]:
    from harness.registry import NETWORKS, options_of

    rows: list[tuple[str, ...]] = [
        (
            network.name,
            network.features or ", ".join(network.layouts),
            ", ".join(options_of(network).model_fields) or "-",
        )
        for network in NETWORKS
    ]
    rows += [
        ("module:factory", "any", "model_args"),
        ("torchvision:NAME", "segments, image", "model_args"),
        ("timm:NAME", "segments, image", "model_args"),
    ]
    return "networks", ("network", "takes features", "options"), rows


def _features() -> tuple[str, tuple[str, ...], _Rows]:
    from harness.registry import FEATURE_SETS, PLANES, has_own_frames, options_of

    rows: list[tuple[str, ...]] = [
        (each.name, each.layout.value, f"stack of {', '.join(each.planes)}") for each in FEATURE_SETS
    ]
    for plane in PLANES:
        layouts = "image" if has_own_frames(plane) else "segments, image"
        names = " or ".join((plane.name, *plane.aliases))
        rows.append((names, layouts, f"plane; settings: {', '.join(options_of(plane).model_fields) or '-'}"))
    rows.append(("[features.sets]", "segments, image, vector", "own sets: a plane with settings, planes, or a file"))
    return "features: a set, a plane, or image:a or image:a+b+c", ("features", "layout", "what"), rows


def _datasets() -> tuple[str, tuple[str, ...], _Rows]:
    from harness.registry import DATASETS

    rows = [
        (
            each.name,
            "as in the CSV file" if each.own else f"{each.n_classes} classes",
            "" if each.own else "hold-out" if each.holdout else f"{len(each.folds)} folds",
            f"{each.n_clips:,} clips" if each.n_clips else "",
        )
        for each in DATASETS
    ]
    return "data sets (harness data list shows which are present)", ("data set", "classes", "protocol", "size"), rows


def _splits() -> tuple[str, tuple[str, ...], _Rows]:
    from harness.registry import SPLITS, options_of

    rows = [
        (
            each.name,
            each.meaning,
            ", ".join(name for name in options_of(each).model_fields if name != "found") or "-",
            each.used_by or "-",
        )
        for each in SPLITS
    ]
    return "splits", ("split", "meaning", "options", "used by"), rows


def _claims() -> tuple[str, tuple[str, ...], _Rows]:
    from harness.claims import load_library

    papers = load_library().papers
    rows = [(key, paper.source.title, str(len(paper.tables))) for key, paper in papers.items()]
    return "papers with claims (harness claims list shows each claim)", ("paper", "title", "tables"), rows


_TABLES = {
    "studies": _studies,
    "networks": _networks,
    "features": _features,
    "datasets": _datasets,
    "splits": _splits,
    "claims": _claims,
}
