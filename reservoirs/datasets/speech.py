"""Spoken digits, as waveforms."""

import numpy as np
from sklearn.utils import Bunch

from reservoirs.datasets._files import StrPath, data_path, find_file, read_npz

_NAME = "fsdd.npz"
_ADVICE = (
    f"pass the file {_NAME}, whose layout load_spoken_digits describes, or set RESERVOIRS_DATA to a folder that has it "
    "in fsdd/; the recordings are those of https://github.com/Jakobovski/free-spoken-digit-dataset"
)
_DTYPES = {"samples": "i2", "lengths": "i4", "label": "u1", "speaker": "U", "index": "u1", "rate": "i4"}
_N_TEST_TAKES = 5


def load_spoken_digits(path: StrPath | None = None) -> Bunch:
    """Load the Free Spoken Digit Dataset: six people who say the digits, fifty times each.

    The takes 0 to 4 of each digit and speaker are the official test set, the other 45 the training set. For figures
    that hold for unknown voices leave speakers out instead, as in ``LeaveOneGroupOut`` with `speaker_train`.

    Parameters
    ----------
    path : str or path-like, default=None
        The file ``fsdd.npz`` or its folder. None means the folder ``fsdd`` in the folder that the environment
        variable RESERVOIRS_DATA names. The file's arrays are ``samples`` (int16, all recordings one after the
        other), ``lengths`` (int32, samples of each), ``label`` (uint8, the digit), ``speaker`` (text), ``index``
        (uint8, the take) and ``rate`` (int32, samples a second).

    Returns
    -------
    data : Bunch
        ``X_train`` and ``X_test``, lists of 2700 and 300 ndarrays of int16 of shape (n_samples,), the waveforms;
        ``y_train`` and ``y_test``, ndarrays of ints, the digits; ``speaker_train`` and ``speaker_test``, ndarrays of
        names; ``sampling_rate``, 8000 Hz; ``target_names``, the ten names; ``DESCR``, the description.

    Raises
    ------
    FileNotFoundError
        If the file is absent; the message says how to get it.
    ValueError
        If the file is malformed or truncated.

    References
    ----------
    Z. Jackson et al., "Free Spoken Digit Dataset", https://github.com/Jakobovski/free-spoken-digit-dataset.

    Examples
    --------
    A file of two short waveforms:

    >>> import tempfile
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from reservoirs.datasets import load_spoken_digits
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(
    ...         Path(folder) / "fsdd.npz",
    ...         samples=np.arange(5, dtype=np.int16),
    ...         lengths=np.array([2, 3], dtype=np.int32),
    ...         label=np.array([7, 4], dtype=np.uint8),
    ...         speaker=np.array(["jackson", "theo"]),
    ...         index=np.array([0, 5], dtype=np.uint8),
    ...         rate=np.int32(8000),
    ...     )
    ...     digits = load_spoken_digits(folder)
    >>> digits.X_train[0], digits.y_train, digits.speaker_train
    (array([2, 3, 4], dtype=int16), array([4]), array(['theo'], dtype='<U7'))
    """
    file = data_path(path, "fsdd", _ADVICE)
    if not file.is_file():
        file = find_file(file, (_NAME,), _ADVICE)
    arrays = read_npz(file, _DTYPES)
    lengths, label, speaker, take = (arrays[name] for name in ("lengths", "label", "speaker", "index"))
    if not lengths.shape == label.shape == speaker.shape == take.shape == (lengths.size,):
        raise ValueError(f"{file}: expected lengths, label, speaker and index of one shape (n_recordings,)")
    if (lengths < 1).any() or lengths.sum(dtype=np.int64) != arrays["samples"].size:
        raise ValueError(f"{file}: expected lengths that are positive and add up to {arrays['samples'].size} samples")
    if (label > 9).any():
        raise ValueError(f"{file}: expected labels from 0 to 9, found {label.max()}")
    if arrays["rate"].shape != () or arrays["rate"] < 1:
        raise ValueError(f"{file}: expected rate to be one positive number")
    waveforms = np.split(arrays["samples"], lengths.cumsum(dtype=np.int64)[:-1])
    test = take < _N_TEST_TAKES
    return Bunch(
        X_train=[waveforms[i] for i in np.flatnonzero(~test)],
        y_train=label[~test].astype(np.int64),
        speaker_train=speaker[~test],
        X_test=[waveforms[i] for i in np.flatnonzero(test)],
        y_test=label[test].astype(np.int64),
        speaker_test=speaker[test],
        sampling_rate=int(arrays["rate"]),
        target_names=np.array(list("0123456789")),
        DESCR=(
            "Free Spoken Digit Dataset (Jackson et al.): 6 speakers x 10 digits x 50 takes, 8 kHz, 16 bits; takes 0 to "
            "4 test, the others train."
        ),
    )
