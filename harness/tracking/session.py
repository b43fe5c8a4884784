"""The study run itself: found or created, its data and environment, and how it ends.

A study run is found by the digest of its resolved study and inputs, so that the same command resumes the same run after
an interruption. Each time it is opened is a session.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from harness.data.clips import ClipTable
from harness.data.leakage import LeakageReport
from harness.study import StudySpec
from harness.system.sqlite_uri import is_sqlite
from harness.system.writing import Writer
from harness.tracking import names
from harness.tracking.digests import arms_agree, changed_declarations, core_digest, spec_document
from harness.tracking.files import bytes_file, fetched, json_file, put_files, read_json, text_file
from harness.tracking.logged_models import drop_models
from harness.tracking.runs import RunTags, flat_settings, leakage_rows, now_ms, study_input
from harness.tracking.session_environment import Environment
from harness.tracking.sqlite_runs import read_runs_below
from harness.tracking.store import Store
from harness.tracking.stored_folds import data_digest, run_digest, study_of
from harness.tracking.uri import sqlite_file

if TYPE_CHECKING:
    from mlflow.entities import Run

_MOST_SESSIONS = 400  # As many ids as fit into a tag.
_COMPARED = ("harness", "python", "packages", "hardware", "platform", "git", "code")


def find_study_run(store: Store, experiment: str, spec: StudySpec, digests: Mapping[str, str]) -> Run | None:
    """Return the newest study run that ``spec`` can resume, whatever its status, or None.

    A run of the same study and inputs takes precedence over one that differs only in its arms or their number of seeds.

    Parameters
    ----------
    store
        The open tracking store.
    experiment
        Id of the experiment that holds the study's runs.
    spec
        The resolved study.
    digests
        Digests of the study and its inputs by name: ``spec``, ``data``, ``features.<set>``.

    Raises
    ------
    TrackingError
        When this version cannot read a study recorded by one of the runs.
    """
    runs = store.search([experiment], f"tags.level = '{names.STUDY}'")
    for run in runs:
        if run_digest(run) == digests["spec"]:
            return run
    core = core_digest(spec_document(spec), digests["data"])
    for run in runs:
        environment, earlier = _earlier(store, run)
        if environment is None or earlier is None:
            continue
        if data_digest(run, environment) != digests["data"]:
            continue
        # Feature sets of the same name must be equal.
        inputs = environment.get("digests", {})
        same_inputs = all(
            inputs[name] == digests[name] for name in inputs.keys() & digests.keys() if name.startswith("features.")
        )
        if (
            same_inputs
            and core_digest(earlier, digests["data"]) == core
            and arms_agree(study_of(run, earlier, environment), spec)
        ):
            return run
    return None


def create_study_run(store: Store, experiment: str, spec: StudySpec, tags: RunTags, clips: ClipTable) -> Run:
    """Create the study run with its tags, the study's hyperparameters and its data set.

    Parameters
    ----------
    store
        The open tracking store.
    experiment
        Id of the experiment that holds the study's runs.
    spec
        The resolved study.
    tags
        Makes the tags of the study run.
    clips
        The clips of the data set.
    """
    note = {"mlflow.note.content": spec.study.question} if spec.study.question else {}
    # The newest study is the one that started last, even if the clock was set back.
    earlier = store.client.search_runs([experiment], max_results=1, order_by=["attributes.start_time DESC"])
    start = max([now_ms(), *(run.info.start_time + 1 for run in earlier)])
    run = store.client.create_run(experiment, start_time=start, tags={**tags.study(), **note}, run_name=spec.study.name)
    fill_study_run(store, run, spec, clips)
    return run


def fill_study_run(store: Store, run: Run, spec: StudySpec, clips: ClipTable) -> None:
    """Write the hyperparameters and data set of a study run, and its own id, which every run below it carries.

    The id is written last: a run that has it is complete, and one whose writer died earlier is completed on resuming.

    Parameters
    ----------
    store
        The open tracking store.
    run
        The study run.
    spec
        The resolved study.
    clips
        The clips of the data set.
    """
    from mlflow.entities import Param

    run_id = run.info.run_id
    if run.data.tags.get("study_run") == run_id:
        return
    params = [Param(name, str(value)) for name, value in flat_settings(spec).items()]
    store.client.log_batch(run_id, params=params)
    store.client.log_inputs(run_id, [study_input(clips)])
    store.client.set_tag(run_id, "study_run", run_id)


def go_on_as(store: Store, run: Run, tags: RunTags) -> None:
    """Update the tags of a study run that is resumed to those of the present study."""
    from mlflow.entities import RunTag

    # The run already has its own id.
    changed = {name: value for name, value in tags.study().items() if name != "study_run"}
    store.client.log_batch(run.info.run_id, tags=[RunTag(name, value) for name, value in changed.items()])


def begin_session(
    store: Store,
    run: Run,
    spec: StudySpec,
    clips: ClipTable,
    leakage: Iterable[LeakageReport],
    environment: Environment,
    digests: Mapping[str, str],
    claims: Mapping[str, Any],
    tested: bool,
) -> None:
    """Mark the study run as running, and write study, data, leakage, claims and environment into its artifacts.

    Parameters
    ----------
    store
        The open tracking store.
    run
        The study run.
    spec
        The resolved study.
    clips
        The clips of the data set.
    leakage
        What the parts of each split share.
    environment
        What this session runs on.
    digests
        Digests of the study's inputs by name: ``spec``, ``data``, ``features.<set>``, ``lock``.
    claims
        The papers that the study is compared with, as JSON data by key.
    tested
        Whether an earlier session tested anything. If so, comparisons, arms and numbers of seeds that differ from that
        session's are recorded as declared later.

    Raises
    ------
    TrackingError
        When this version cannot read the study recorded by an earlier session.
    """
    from mlflow.entities import RunTag

    run_id = run.info.run_id
    number = int(run.data.tags.get(names.SESSIONS_TAG, "0")) + 1
    facts = {**environment.facts, "digests": dict(digests), "session": number, "began_ms": now_ms()}
    document = spec_document(spec)
    files: dict[str, Writer] = {
        names.SPEC_FILE: json_file(document),
        names.DATA_FILE: json_file(data_facts(clips)),
        names.LEAKAGE_FILE: json_file(leakage_rows(leakage)),
        names.CLAIMS_FILE: json_file(claims),
    }
    earlier, earlier_spec = _earlier(store, run) if number > 1 else (None, None)
    if earlier is not None:
        changed = {
            *earlier.get(names.RESUMED_TAG, ()),
            *(key for key in _COMPARED if earlier.get(key) != facts.get(key)),
        }
        facts[names.RESUMED_TAG] = sorted(changed)
        files[f"environment-session-{number - 1}.json"] = json_file(earlier)
        later = set(earlier.get(names.DECLARED_LATER, ()))
        if earlier_spec is not None and earlier_spec != document:
            files[f"study-session-{number - 1}.json"] = json_file(earlier_spec)
            before = study_of(run, earlier_spec, earlier)
            later |= set(changed_declarations(before, spec)) if tested else set()
        if later:
            facts[names.DECLARED_LATER] = sorted(later)
    files[names.ENVIRONMENT_FILE] = json_file(facts)
    files |= {f"{names.CODE_FOLDER}/{path}": bytes_file(content) for path, content in environment.sources.items()}
    if environment.diff:
        files[names.DIFF_FILE] = text_file(environment.diff)
    put_files(store, run, files)

    git = facts.get("git", {})
    tags = {
        names.SESSIONS_TAG: str(number),
        names.SESSION_IDS_TAG: " ".join([*session_ids(run), secrets.token_hex(4)][-_MOST_SESSIONS:]),
        names.SESSION_START_TAG: str(now_ms()),
        "mlflow.source.type": "LOCAL",
        # The UI shows the text after the last slash; of a command line that could be part of any path.
        "mlflow.source.name": "harness",
        "git_dirty": "unknown" if git.get("unknown") else str(bool(git.get("dirty"))).lower(),
    }
    if commit := git.get("commit"):
        tags["mlflow.source.git.commit"] = commit
    if spec.search.trials:
        tags[names.SEARCH_REPEATS_TAG] = (
            "with any number of workers: trials run one after another, and folds are reported in order"
        )
    if facts.get(names.RESUMED_TAG):
        tags[names.RESUMED_TAG] = ", ".join(facts[names.RESUMED_TAG])
    store.client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])
    reopen(store, run)


def reopen(store: Store, run: Run) -> None:
    """Set a run that had ended back to RUNNING, and remove its error."""
    if run.info.status != names.RUNNING:
        store.client.update_run(run.info.run_id, names.RUNNING)
    if names.ERROR_TAG in run.data.tags:
        store.client.delete_tag(run.info.run_id, names.ERROR_TAG)


def end_session(store: Store, run_id: str, status: str, seconds: float, time_ms: int) -> None:
    """Set the study run's final status and end time, and add this session's duration to its active time.

    Parameters
    ----------
    store
        The open tracking store.
    run_id
        Id of the study run.
    status
        ``FINISHED``, ``FAILED`` or ``KILLED``.
    seconds
        Duration of this session, in s.
    time_ms
        End time, in ms since 1970.
    """
    earlier = float(store.client.get_run(run_id).data.tags.get(names.ACTIVE_SECONDS_TAG, "0"))
    store.client.set_tag(run_id, names.ACTIVE_SECONDS_TAG, f"{earlier + seconds:.3f}")
    store.client.set_terminated(run_id, status, time_ms)


def session_ids(run: Run) -> list[str]:
    """Return the ids of the sessions that wrote a study run, on whichever machines, the last one last."""
    return run.data.tags.get(names.SESSION_IDS_TAG, "").split()


def active_seconds(run: Run) -> float:
    """Return the time for which a study run was active, in s: the sum over its ended sessions and the current one."""
    tags = run.data.tags
    ended = float(tags.get(names.ACTIVE_SECONDS_TAG, "0"))
    if run.info.status != names.RUNNING or names.SESSION_START_TAG not in tags:
        return ended
    return ended + max(0, now_ms() - int(tags[names.SESSION_START_TAG])) / 1000


def close_leftovers(store: Store, runs: Iterable[Run], reason: str) -> None:
    """Set runs that are still RUNNING to KILLED, with the reason, and delete their logged models; others stay as they
    are."""
    for run in runs:
        if run.info.status == names.RUNNING:
            drop_models(store, run)
            store.client.set_tag(run.info.run_id, names.ERROR_TAG, reason)
            store.client.set_terminated(run.info.run_id, names.KILLED, max(now_ms(), run.info.start_time))


def descendants(store: Store, experiment: str, study_run: str, *conditions: str) -> list[Run]:
    """Return the trial and fold runs below a study run, oldest first.

    Parameters
    ----------
    store
        The store.
    experiment
        Id of the experiment.
    study_run
        Id of the study run.
    *conditions
        What else must hold, in MLflow's filter language.
    """
    where = " and ".join([f"tags.study_run = '{study_run}'", f"tags.level != '{names.STUDY}'", *conditions])
    return store.search([experiment], where, newest_first=False)


def runs_below(store: Store, run: Run) -> list[Run]:
    """Return the trial and fold runs below a study ``run``, oldest first, with their tags and metrics; parameters,
    inputs and outputs may be missing."""
    experiment, run_id = str(run.info.experiment_id), str(run.info.run_id)
    if is_sqlite(store.uri):
        return read_runs_below(sqlite_file(store.uri), experiment, run_id)
    return descendants(store, experiment, run_id)


def data_facts(clips: ClipTable) -> dict[str, Any]:
    """Return what a report needs to know of the clips, as JSON data."""
    return {
        "dataset": clips.dataset,
        "classes": list(clips.classes),
        "digest": clips.digest,
        "clips": len(clips),
        "folds": list(clips.folds),
        "recordings": int(clips.frame["recording"].nunique()),
    }


def _earlier(store: Store, run: Run) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return environment and study as recorded by the previous session."""
    with fetched(store, run) as file:
        environment, spec = (file(name) for name in (names.ENVIRONMENT_FILE, names.SPEC_FILE))
        return (
            None if environment is None else dict(read_json(environment)),
            None if spec is None else dict(read_json(spec)),
        )
