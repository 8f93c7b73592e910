"""What lies where in the tables and buffers that `kernels` reads: columns, places, and the tuples they come in."""

from __future__ import annotations

from typing import Any, NamedTuple

LEAVES = 16
"""The leaves of the tree by which a step's gradients are summed (`loops.add_tree`)."""

# Columns of the layers' table.
N_IN, N_OUT, W_AT, B_AT, B_SIZE, ACTIVATION, THRESHOLD, A_AT, Z_AT, ALPHA_AT, MIXES, PATHS, S_OF_PATH = range(
    13
)
# What MIXES says of a layer: nothing; a is mixed with z; and f(z) - z and the slope are kept for the way back.
MIXED, KEPT = 1, 2
# PATHS are the inputs of a layer's linear path, 0 without one; its weights begin at S_OF_PATH.
# Columns of the layers' scales: 1/(1-p) of dropout, and what the products h W are multiplied by.
OF_DROPOUT, OF_PRODUCTS = range(2)
# Columns of the slices' table: first and last parameter, and 1 for weights, 0 for biases, which don't decay.
START, STOP, DECAYS = range(3)
# Places in the table of numbers that don't change in a run.
(
    BATCH,
    BLOCK,
    MOST_LEAVES,
    MEAN,
    SHUFFLE,
    SEED_LOW,
    SEED_HIGH,
    LOSS,
    UPDATE,
    PREPARE,
    GEMM,
    CLIPS,
    WEIGHTED,
    INFINITE,
    SIZE_BITS,
    ORDER_BLOCK,
    ORDER_MIXED,
) = range(17)
# Columns of the table of a feature stage's groups: kind (a place in GROUP_KINDS), first input and how many, first output and
# how many are learned, where the group's parameters begin, for numbers those of f, phi, V, c, for categories E, and whether
# it is held as a code: its size inputs are one number then, which says which of them is 1.
G_KIND, G_FROM, G_SIZE, G_TO, G_WIDTH, G_F, G_PHI, G_V, G_C, G_CODED = range(10)
G_E = G_F
GROUP_KINDS = ("plain", "number", "category")
# Places in a feature stage's constants: rows of a block, numbers of a row as it is held, outputs, cosines, where s begins (-1:
# nowhere), the stage's parameters, where dC/da and the columns at work are in its buffer, which begins with the inputs, and how
# many groups are codes.
ROWS, INPUTS, OUTPUTS, WAVES, S_AT, STAGE_SIZE, DA_AT, COLUMNS_AT, CODES = range(9)
# Places in an update's numbers; machine_code.STEP_NUMBERS names them.
ETA, T, LIMIT, NORM, DECAYED = 0, 1, 3, 4, 7
# Places in a crew's progress.
MEMBER, STEP = 0, 1
# Places in a crew's meeting, each in a cache line of its own: `loops.barrier`'s two, then the wish that all stop,
# and how many threads left blocks out because of it.
STOP_WANTED, LEFT_OUT, MEETING_SIZE = 16, 24, 32


# Lines of the table of where a bound predictor's arrays are: address and sizes.
AT_LAYERS, AT_SCALES, AT_CONSTANTS, AT_A, AT_Z, AT_WORDS, AT_SCRATCH, AT_W = range(8)
AT_GROUPS, AT_STAGE, AT_STAGE_BUFFER = range(8, 11)


class Shape(NamedTuple):
    """What a network looks like: tables of its layers and slices, and the constants of the run.

    ``rates`` are factors of the slices' learning rates, ``scales`` those of each layer's outputs and products,
    ``groups`` and ``stage`` the groups and the constants of the feature stage; without one there are no groups.
    """

    layers: Any
    slices: Any
    rates: Any
    scales: Any
    constants: Any
    groups: Any
    stage: Any


class RowTable(NamedTuple):
    """The table: inputs (n, d), targets (n, n_out), weights (n,) or one number, and the rows to train on.

    ``train`` is (1, m), or (k, m) for each member its own; ``order`` (m,) are those of the member at work, as they come.
    """

    x: Any
    y: Any
    weights: Any
    train: Any
    order: Any


class State(NamedTuple):
    """What an update changes: parameters (k, p), gradients of leaves (leaves, p), optimizer state (k, states · p).

    ``free`` (p,) is 0 at frozen parameters, or one number where none are; ``w_bits`` and ``g_bits`` are the same
    memory as ``w`` and ``g``, read as integers.
    """

    w: Any
    g: Any
    s: Any
    free: Any
    w_bits: Any
    g_bits: Any


class Space(NamedTuple):
    """The buffers of a thread, for the rows of a block: a, z and delta of every layer one after the other.

    ``mixed`` has f(z) - z where z lies, in networks with a mix.
    ``targets`` and ``values`` (losses) have a place for each row; ``words`` and ``scratch`` are for one row's random
    words and one tile's columns; ``stage`` is the feature stage's: its inputs, dC/da[0], and columns at work; ``sums``
    (LEAVES, 1) are for sums of a batch's leaves.
    """

    a: Any
    z: Any
    delta: Any
    mixed: Any
    targets: Any
    values: Any
    words: Any
    scratch: Any
    stage: Any
    sums: Any


class StepRows(NamedTuple):
    """The rows of a step: ``rows`` of the order from ``at`` on, what each counts in the cost, and whose the step is."""

    at: Any
    rows: Any
    share: Any
    step: Any
    member: Any


class Exchange(NamedTuple):
    """What the threads of a crew tell each other: each leaf's part of the cost, and of each slice sizes.

    ``squares`` and ``largest`` (gradient and parameter, as bits) have a line for each slice; ``meeting`` is where
    they wait for each other, ``progress`` what comes next.
    """

    parts: Any
    squares: Any
    largest: Any
    meeting: Any
    progress: Any


# Columns of the table of shared layers: sizes, and where W lies in a member's parameters, then W, r and s in theta.
SHARED_IN, SHARED_OUT, W_OF_MEMBER, W_OF_ALL, R_OF_ALL, S_OF_ALL = range(6)
# Columns of the tables of the members' own arrays and of those that all have: numbers in one, and where it lies in a
# member's parameters and in theta.
OWN_SIZE, OWN_OF_MEMBER, OWN_AT = range(3)


class Expansion(NamedTuple):
    """Members that share: tables of the arrays, and the members as ordinary networks.

    ``layers`` are those with a shared W, ``own`` the members' own arrays, ``common`` a feature stage's, which are the same
    for all. ``w`` (k, p) are the members' parameters, ``g`` (k, 1, p) their gradients, ``lines`` (k, p) the same memory,
    ``orders`` (k, n) the rows in their order; what they are made of, theta (1, q), is the `State` of such a training.
    """

    layers: Any
    own: Any
    common: Any
    w: Any
    g: Any
    lines: Any
    orders: Any
