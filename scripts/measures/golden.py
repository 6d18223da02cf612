"""Write annotations with the event-based measures that sed_eval and sed_scores_eval compute for them.

    python golden.py > tests/measures/golden.json        # scripts/measures.sh makes the environment, and compares

`giggles evaluate` has the same definitions (src/evaluate/measures.rs); tests/it/measures.rs compares. Each case is one
recording: laughs, detections, and the counts by each criterion. Times are multiples of 0.01 s, and some of them deviate by
exactly the collar.
"""

import json
import random
import sys
from types import ModuleType

import numpy as np
import pandas as pd

# dcase_util, which sed_eval imports, imports this part of setuptools for functions that are not called here.
sys.modules.setdefault("pkg_resources", ModuleType("pkg_resources"))

import sed_eval  # noqa: E402
from sed_scores_eval import collar_based, intersection_based  # noqa: E402
from sed_scores_eval.base_modules.scores import create_score_dataframe  # noqa: E402

SEED = 19
CASES = 60
COLLAR, OFFSET_RATE = 0.2, 0.2
TOLERANCES = [(0.7, 0.7), (0.1, 0.1), (0.5, 0.5)]
LABEL, THRESHOLD = "Laughter", 0.5


def spans(rng: random.Random, count: int) -> list[list[float]]:
    """Disjoint spans in order, with gaps."""
    found, at = [], 0
    for _ in range(count):
        start = at + rng.randint(5, 400)
        at = start + rng.randint(20, 500)
        found.append([start / 100, at / 100])
    return found


def detections_near(rng: random.Random, laughs: list[list[float]]) -> list[list[float]]:
    """Most laughs, moved by up to the collar and more, and others. Disjoint."""
    moves = [0, 0.05, -0.1, 0.2, -0.2, 0.21, -0.35, 0.6]
    found = []
    for start, end in laughs + [[end + 0.1, end + 1.5] for _, end in laughs if rng.random() < 0.3]:
        if rng.random() < 0.2:
            continue
        moved = [round(start + rng.choice(moves), 2), round(end + rng.choice(moves), 2)]
        if rng.random() < 0.15 and moved[1] - moved[0] > 1:
            middle = round((moved[0] + moved[1]) / 2, 2)
            found += [[moved[0], middle], [round(middle + 0.05, 2), moved[1]]]
        else:
            found.append(moved)
    found.sort()
    kept: list[list[float]] = []
    for start, end in found:
        start = max(start, 0.0)
        if end - start >= 0.1 and (not kept or start > kept[-1][1]):
            kept.append([start, end])
    return kept


def scores_of(detections: list[list[float]], end: float) -> pd.DataFrame:
    """Scores that are 1 in the detections, as sed_scores_eval wants them: a row between any two boundaries."""
    times = sorted({0.0, end, *(time for span in detections for time in span)})
    inside = [any(start <= at < stop for start, stop in detections) for at in times[:-1]]
    return create_score_dataframe(np.array(inside, float)[:, None], np.array(times), [LABEL])


def counts(statistics: dict, laughs: int) -> dict:
    """Found, missed and extra at the threshold."""
    scores, values = statistics[LABEL]
    index = np.searchsorted(scores, THRESHOLD)
    found, extra = int(values["tps"][index]), int(values["fps"][index])
    return {"found": found, "missed": laughs - found, "extra": extra}


def of_sed_eval(laughs: list[list[float]], detections: list[list[float]]) -> dict:
    def events(spans: list[list[float]]) -> list[dict]:
        return [
            {"event_label": LABEL, "event_onset": start, "event_offset": end, "file": "a.wav"} for start, end in spans
        ]

    metrics = sed_eval.sound_event.EventBasedMetrics(
        [LABEL], t_collar=COLLAR + 1e-9, percentage_of_length=OFFSET_RATE, event_matching_type="optimal"
    )
    metrics.evaluate(events(laughs), events(detections))
    count = metrics.class_wise[LABEL]
    return {"found": int(count["Ntp"]), "missed": int(count["Nfn"]), "extra": int(count["Nfp"])}


def case(rng: random.Random) -> dict:
    laughs = spans(rng, rng.randint(1, 8))
    detections = detections_near(rng, laughs) or [[0.0, 0.5]]
    end = max(laughs[-1][1], detections[-1][1]) + 10
    scores = {"a": scores_of(detections, end)}
    truth = {"a": [(start, end, LABEL) for start, end in laughs]}
    collar, _ = collar_based.accumulated_intermediate_statistics(
        scores, truth, onset_collar=COLLAR, offset_collar=COLLAR, offset_collar_rate=OFFSET_RATE
    )
    measured = {"collar": counts(collar, len(laughs))}
    for dtc, gtc in TOLERANCES:
        statistics, _ = intersection_based.accumulated_intermediate_statistics(
            scores, truth, dtc_threshold=dtc, gtc_threshold=gtc
        )
        measured[f"intersection {dtc} {gtc}"] = counts(statistics, len(laughs))
    assert of_sed_eval(laughs, detections) == measured["collar"], (laughs, detections)
    return {"laughs": laughs, "detections": detections, "measured": measured}


def main() -> None:
    rng = random.Random(SEED)
    cases = ",\n".join(json.dumps(case(rng)) for _ in range(CASES))
    print(f"[\n{cases}\n]")


if __name__ == "__main__":
    main()
