"""Fits and predictions of many candidates on many splits: what they share is computed once.

Candidates of a family run side by side. A sequence that several splits learn from, or that begins a longer one, runs
once; its sums count for all of them. A ridge penalty costs a factorisation, another washout a few sums, neither a run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone

from .._params import n_threads
from ..esn import ESNClassifier
from ..esn._fit import LinearReadoutMixin
from ..esn._harvest import make_readout
from ..forecasting import ForecasterMixin
from ..readout import Gram, RidgeSolution, ridge_path
from ..sequences import Sequences
from ._family import Family, Scale

# Sequences run side by side: enough to fill the widest lanes of a few threads.
_LANES = 64
_BYTES_OF_SUMS = 512 << 20


class Split(NamedTuple):
    """What `fit` and a scorer are given."""

    train: tuple[Any, ...]
    test: tuple[Any, ...]


class Setting(NamedTuple):
    """Candidates that differ in `washout` and `alpha` only."""

    params: dict[str, Any]  # all of the estimator's
    readouts: list[tuple[Any, Any]]  # washout, alpha


class Fitted(NamedTuple):
    """A fitted model, which knows its predictions of what it will be tested on."""

    setting: int
    readout: int
    split: int
    model: Any


def runs_in_lockstep(model: Any) -> bool:
    """Tell whether :func:`fit_all` does what the model's `fit` does."""
    if not isinstance(model, LinearReadoutMixin | ESNClassifier) or model.adaptation is not None:
        return False
    fed_back = getattr(model, "feedback_scaling", 0)
    return bool(model.state_noise == 0 == fed_back and (isinstance(model, ESNClassifier) or model.readout is None))


def fit_all(estimator: Any, settings: Sequence[Setting], splits: Sequence[Split]) -> Iterator[Fitted]:
    """Fit candidates of one family, their parameters alike but for scales, washouts and penalties.

    Those of a setting that diverges are left out.

    Raises
    ------
    ValueError
        Where the fit of any of them would.
    """
    first_of_all = clone(estimator).set_params(**settings[0].params)
    family = Family.of(first_of_all, first_of_all._training(*splits[0].train)[0])
    washouts: list[Any] = []
    for washout in (washout for setting in settings for washout, _ in setting.readouts):
        if washout not in washouts:
            washouts.append(washout)
    lessons = [_Lesson.of(family, washout, i, split) for washout in washouts for i, split in enumerate(splits)]
    work = (_OfSequences if isinstance(estimator, ESNClassifier) else _OfTimeSteps)(family, lessons)
    size = work.settings_together
    for first in range(0, len(settings), size):
        together = settings[first : first + size]
        members = [family.member(setting.params) for setting in together]
        for setting, readout, split, model in work.fit(members, [setting.readouts for setting in together]):
            yield Fitted(first + setting, readout, split, model)


class _Lesson(NamedTuple):
    """What a split teaches the networks of a family, with a certain washout."""

    washout: Any
    split: int
    learned: dict[str, Any]  # attributes besides the weights: shapes, means, the washout
    inputs: Sequences
    targets: np.ndarray
    asked: Any  # what the scorer will want predictions of
    driving: Sequences  # what then drives the network

    @classmethod
    def of(cls, family: Family, washout: Any, i: int, split: Split) -> _Lesson:
        learner = family.drawn._fresh(learned=True)
        learner.washout = washout
        inputs, targets = learner._training(*split.train)
        learned = {name: value for name, value in vars(learner).items() if name not in vars(family.drawn)}
        return cls(washout, i, learned, inputs, targets, split.test[0], learner._driving(*split.test))

    def alphas(self, readouts: list[tuple[Any, Any]]) -> dict[int, Any]:
        """Return the penalties of the readouts with this washout, by the place of the readout."""
        return {i: alpha for i, (washout, alpha) in enumerate(readouts) if washout == self.washout}

    def model(self, member: Any) -> Any:
        """Return a member that has learned all but the readout."""
        model = member._fresh(learned=True)
        vars(model).update(self.learned, washout=self.washout)
        _Known(model, "_driving", self.asked, self.driving)
        return model


class _Known:
    """In place of a model's method: what it returns for a certain argument, computed already."""

    def __init__(self, model: Any, method: str, argument: Any, outcome: Any) -> None:
        self.otherwise = getattr(model, method)
        self.argument = argument
        self.outcome = outcome
        vars(model)[method] = self

    def __call__(self, argument: Any, *others: Any) -> Any:
        return self.outcome if _same(argument, self.argument) else self.otherwise(argument, *others)


def _same(some: Any, other: Any) -> bool:
    if some is other or not isinstance(some, Sequences):
        return some is other
    return np.array_equal(some.offsets, other.offsets) and np.array_equal(some.values, other.values)


class _OfTimeSteps:
    """Readouts of every time step: two runs, the first for the sums of training, the second for predictions."""

    def __init__(self, family: Family, lessons: list[_Lesson]) -> None:
        self.family = family
        self.lessons = lessons
        # The end of a longer sequence is not that of the series which a forecaster continues.
        self.keeps_end = isinstance(family.drawn, ForecasterMixin)
        parts = [
            part
            for lesson in lessons
            for part in lesson.inputs.with_values(np.hstack([lesson.inputs.values, lesson.targets]))
        ]
        self.train, of_parts = _strands(parts, prefixes=not self.keeps_end)
        self.last = [of_parts[end - 1] for end in np.cumsum([len(lesson.inputs) for lesson in lessons])]
        uses: list[list[tuple[int, int, int]]] = [[] for _ in self.train]
        for strand, (split, _, length) in zip(of_parts, _places([lesson.inputs for lesson in lessons]), strict=True):
            uses[strand].append((min(lessons[split].learned["washout_"], length), length, split))
        self.sections = [_sections(of_strand) for of_strand in uses]

        self.test, of_parts = _strands([part for lesson in lessons for part in lesson.driving], prefixes=True)
        self.places: list[list[tuple[int, int, int]]] = [[] for _ in self.test]
        for strand, place in zip(of_parts, _places([lesson.driving for lesson in lessons]), strict=True):
            self.places[strand].append(place)

    @property
    def settings_together(self) -> int:
        """How many to run at once: as many as fill the lanes, if memory allows."""
        width: int = self.family.drawn._harvester().n_features
        n_sums = len({splits for of_strand in self.sections for _, _, splits in of_strand}) + len(self.lessons)
        return max(1, min(-(-_LANES // len(self.train)), _BYTES_OF_SUMS // (8 * width**2 * n_sums)))

    def fit(self, members: list[tuple[Any, Scale]], readouts: list[list[tuple[Any, Any]]]) -> Iterator[Fitted]:
        """Fit a few settings."""
        scales = [scale for _, scale in members]
        sections, ends = self._accumulate(scales)
        alphas = [[lesson.alphas(of_setting) for lesson in self.lessons] for of_setting in readouts]
        with ThreadPoolExecutor(n_threads(self.family.drawn.n_jobs)) as pool:
            sums = list(pool.map(self._of_splits, sections))
            paths = self._solve(sums, alphas, pool)
        outputs = self._predict(scales, paths)
        for setting, (member, _) in enumerate(members):
            for i, (gram, path) in enumerate(zip(sums[setting], paths[setting], strict=True)):
                lesson = self.lessons[i]
                model = lesson.model(member)
                model._gram_ = gram
                if self.keeps_end:
                    model.last_state_ = ends[setting, self.last[i]]
                for place, (readout, alpha) in enumerate(alphas[setting][i].items()):
                    fitted, solution = model._fresh(learned=True), path[place]
                    fitted.alpha = alpha
                    fitted.coef_, fitted.intercept_, fitted.alpha_ = solution.coef, solution.intercept, solution.alpha
                    fitted._compile_readout()
                    known = outputs[setting][i].reshape(-1, len(path), gram.n_targets)[:, place]
                    _Known(fitted, "_open_loop", lesson.driving, np.ascontiguousarray(known))
                    yield Fitted(setting, readout, lesson.split, fitted)

    def _accumulate(self, scales: list[Scale]) -> tuple[list[dict[tuple[int, ...], Gram]], np.ndarray]:
        """Return the sums of each setting's sections, none for a setting that diverges, and the last states."""
        drawn, n, width = self.family.drawn, len(self.train), self.lessons[0].inputs.n_features
        dtype = drawn.W_.dtype
        targets = [np.ascontiguousarray(strand[:, width:]) for strand in self.train]
        lanes, driving = self.family.lockstep(scales, _join([strand[:, :width] for strand in self.train], dtype))
        sums: list[dict[tuple[int, ...], Gram]] = [defaultdict(Gram) for _ in scales]
        diverged, threads = set(), n_threads(drawn.n_jobs)
        final = np.empty((len(scales) * n, lanes.network.n_state), dtype)
        blocks = lanes.blocks(driving, final=final, tolerance=drawn._tolerance(dtype))
        for features, first, member in _by_sequence(blocks, driving):
            setting, strand = divmod(member, n)
            for begin, end, splits in self.sections[strand]:
                begin, end = max(begin, first), min(end, first + len(features))
                if begin < end and setting not in diverged:
                    try:
                        rows = features[begin - first : end - first]
                        sums[setting][splits]._add_block(rows, targets[strand][begin:end], threads)
                    except ValueError:
                        diverged.add(setting)
        ends = (final * lanes.unscale[:, None]).astype(dtype).reshape(len(scales), n, -1)
        return [{} if i in diverged else of_setting for i, of_setting in enumerate(sums)], ends

    def _of_splits(self, sums: dict[tuple[int, ...], Gram]) -> list[Gram]:
        """Add up the sums of each split, beginning with those of another that are a part of them."""
        n = len(self.lessons) if sums else 0
        parts = [Counter({splits: splits.count(split) for splits in sums if split in splits}) for split in range(n)]
        begun: dict[int, tuple[list[int], list[tuple[int, ...]]]] = {}
        for split in sorted(range(n), key=lambda split: parts[split].total()):
            part = [other for other in begun if parts[other] <= parts[split]][-1:]
            known = parts[part[0]] if part else Counter()
            begun[split] = part, list((parts[split] - known).elements())
        uses = Counter(splits for _, rest in begun.values() for splits in rest)
        grams: dict[int, Gram] = {}
        for split, (part, rest) in begun.items():
            # Sums that no other split needs may grow: new memory costs more than adding.
            own = next((splits for splits in rest if uses[splits] == 1), None)
            grams[split] = Gram() if own is None else sums[own]
            for other in [grams[each] for each in part] + [sums[splits] for splits in rest if splits != own]:
                grams[split].add(other)
        return [grams[split] for split in range(n)]

    def _solve(
        self, sums: list[list[Gram]], alphas: list[list[dict[int, Any]]], pool: ThreadPoolExecutor
    ) -> list[list[list[RidgeSolution]]]:
        """Return the readouts of each setting and lesson, one a penalty."""
        solve = partial(ridge_path, slack=self.family.drawn._slack)
        of_settings = [
            [pool.submit(solve, gram, list(path.values())) for gram, path in zip(grams, paths, strict=bool(grams))]
            for grams, paths in zip(sums, alphas, strict=True)
        ]
        return [[each.result() for each in of_lessons] for of_lessons in of_settings]

    def _predict(self, scales: list[Scale], paths: list[list[list[RidgeSolution]]]) -> list[list[np.ndarray]]:
        """Return the outputs of each setting and split, those of all penalties side by side."""
        dtype, n = self.family.drawn.W_.dtype, len(self.test)
        readouts = [[_stacked(path, dtype) for path in of_setting] for of_setting in paths]
        outputs = [
            [
                np.empty((len(lesson.driving.values), sum(len(solution.coef) for solution in path)), dtype)
                for lesson, path in zip(self.lessons, of_setting, strict=bool(of_setting))
            ]
            for of_setting in paths
        ]
        lanes, driving = self.family.lockstep(scales, _join(self.test, dtype))
        for features, first, member in _by_sequence(lanes.blocks(driving), driving):
            setting, strand = divmod(member, n)
            for lesson, begin, length in self.places[strand]:
                if paths[setting] and paths[setting][lesson]:
                    rows = features[: max(length - first, 0)]
                    outputs[setting][lesson][begin + first :][: len(rows)] = readouts[setting][lesson].apply(rows)
        return outputs


class _OfSequences:
    """Readouts of whole sequences: one run makes a vector of each, and splits choose among them."""

    def __init__(self, family: Family, lessons: list[_Lesson]) -> None:
        self.family = family
        self.lessons = lessons
        both = [sequences for lesson in lessons for sequences in (lesson.inputs, lesson.driving)]
        self.strands, of_parts = _strands([part for sequences in both for part in sequences], prefixes=False)
        chosen = np.split(np.array(of_parts), np.cumsum([len(sequences) for sequences in both])[:-1])
        self.train, self.test = chosen[::2], chosen[1::2]

    @property
    def settings_together(self) -> int:
        """How many to run at once: as many as fill the lanes."""
        return -(-_LANES // len(self.strands))

    def fit(self, members: list[tuple[Any, Scale]], readouts: list[list[tuple[Any, Any]]]) -> Iterator[Fitted]:
        """Fit a few settings."""
        strands = _join(self.strands, self.family.drawn.W_.dtype)
        lanes, driving = self.family.lockstep([scale for _, scale in members], strands)
        models = [[lesson.model(member) for lesson in self.lessons] for member, _ in members]
        vectors = {model.washout_: model._pool_from(lanes, driving) for model in models[0]}
        for setting, of_setting in enumerate(models):
            for place, (model, lesson) in enumerate(zip(of_setting, self.lessons, strict=True)):
                pooled = vectors[model.washout_].reshape(len(members), len(self.strands), -1)[setting]
                _Known(model, "_pool", lesson.driving, pooled[self.test[place]])
                for readout, alpha in lesson.alphas(readouts[setting]).items():
                    fitted = model._fresh(learned=True)
                    fitted.alpha = alpha
                    with suppress(ValueError):  # diverged
                        fitted._learn(pooled[self.train[place]], lesson.targets, alpha)
                        yield Fitted(setting, readout, lesson.split, fitted)


def _strands(parts: Sequence[np.ndarray], *, prefixes: bool) -> tuple[list[np.ndarray], list[int]]:
    """Return the different ones of `parts`, and which of them each part is, or with `prefixes` is the beginning of."""
    strands: list[np.ndarray] = []
    alike: dict[bytes, list[int]] = defaultdict(list)
    of_parts = [0] * len(parts)
    for i in sorted(range(len(parts)), key=lambda i: -len(parts[i])):
        part = parts[i]
        candidates = alike[part[0].tobytes()]
        for strand in candidates:
            whole = strands[strand]
            if (prefixes or len(whole) == len(part)) and np.array_equal(whole[: len(part)], part):
                of_parts[i] = strand
                break
        else:
            of_parts[i] = len(strands)
            candidates.append(len(strands))
            strands.append(part)
    return strands, of_parts


def _places(of: Sequence[Sequences]) -> Iterator[tuple[int, int, int]]:
    """Iterate over the sequences of each split: the split, the first row there, the number of rows."""
    for split, sequences in enumerate(of):
        for begin, length in zip(sequences.offsets[:-1].tolist(), sequences.lengths.tolist(), strict=True):
            yield split, begin, length


def _sections(uses: list[tuple[int, int, int]]) -> list[tuple[int, int, tuple[int, ...]]]:
    """Cut a strand where the rows that splits use begin or end; return the splits of each section."""
    cuts = sorted({cut for begin, end, _ in uses for cut in (begin, end)})
    sections = [
        (a, b, tuple(sorted(split for begin, end, split in uses if begin <= a and b <= end))) for a, b in pairwise(cuts)
    ]
    return [section for section in sections if section[2]]


def _join(parts: list[np.ndarray], dtype: Any) -> Sequences:
    offsets = np.cumsum([0, *map(len, parts)])
    return Sequences(np.ascontiguousarray(np.concatenate(parts), dtype), offsets, "list")


def _by_sequence(blocks: Any, inputs: Sequences) -> Iterator[tuple[np.ndarray, int, int]]:
    """Cut blocks of features by sequence: the features, the time of the first row and the sequence."""
    for features, bounds, members in blocks:
        at = 0
        for (begin, end), member in zip(bounds.tolist(), members.tolist(), strict=True):
            yield features[at : at + end - begin], begin - int(inputs.offsets[member]), member
            at += end - begin


def _stacked(path: list[RidgeSolution], dtype: Any) -> Any:
    """Return one readout of the outputs of several, None of none."""
    if not path:
        return None
    coef = np.concatenate([solution.coef for solution in path])
    return make_readout(coef, np.concatenate([solution.intercept for solution in path]), dtype)
