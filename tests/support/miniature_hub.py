"""Miniature copies of the hub's data sets: their files, columns and types, with content invented here."""

from datasets import ClassLabel, Dataset, Features, Sequence, Value

TEXT = Value("string")
CHOICES = Sequence({"text": TEXT, "label": TEXT})
ANIMALS = ("heron", "otter", "badger", "lynx", "gecko", "walrus", "tapir", "ibis", "stoat", "quokka", "newt", "yak")
PLACES = ("pond", "barn", "cave", "roof", "café", "harbour", "meadow")


def boolq_rows(split, count):
    return [
        {
            "question": f"is the {animal} of the {split} set awake in the {PLACES[n % 7]}",
            "passage": f"The {animal} ({n}) sleeps " + "all day long, " * (n % 4) + "says the keeper.",
            "idx": n,
            "label": -1 if split == "test" else (n * n) % 3 % 2,
        }
        for n, animal in enumerate(ANIMALS[:count])
    ]


def piqa_rows(split, count):
    return [
        {
            "goal": f"To wash a {animal} before the {split}" + " " * (n % 2),
            "sol1": f"Take soap and {n} buckets of water.",
            "sol2": f"Take {n} sacks of dust" + ", which never fails with naïve keepers" * (n % 3) + ".",
            "label": -1 if split == "test" else n % 2,
        }
        for n, animal in enumerate(ANIMALS[:count])
    ]


def hellaswag_rows(split, count):
    return [
        {
            "ind": n,
            "activity_label": "Feeding animals" if n % 2 else "Pets and Animals",
            "ctx_a": f"[header] How to feed a {animal} in the {split} [title] Start  early. [step] Stand by the gate.",
            "ctx_b": "the keeper" if n % 3 else "",
            "ctx": "not read",
            "endings": [
                f"gives it {n} fish.",
                f"[substeps] opens the {PLACES[n % 7]} [title] and waits.",
                "sings.",
                "sings." if n % 4 == 0 else f"walks  home with {n} friends from the {PLACES[n % 5]}",
            ],
            "source_id": f"invented~{n}",
            "split": split,
            "split_type": "indomain",
            "label": "" if split == "test" else str((n * 5 + 3) % 4),
        }
        for n, animal in enumerate(ANIMALS[:count])
    ]


def winogrande_rows(split, count):
    names = ("Ana", "Bo", "Cleo", "Dag")
    rows = [
        {
            "sentence": f"{names[n % 4]} gave {names[(n + 1) % 4]} the {animal} of the {split} because _ had {n} already.",
            "option1": names[n % 4],
            "option2": names[(n + 1) % 4],
            "answer": "" if split == "test" else str(1 + n % 2),
        }
        for n, animal in enumerate(ANIMALS[: count - 1])
    ]
    first = {"sentence": f"_ was late for the {split} , so Ed left.", "option1": "Flo", "option2": "Ed", "answer": "1"}
    return [*rows, {**first, "answer": "" if split == "test" else "1"}]


def arc_rows(split, count):
    rows = []
    for n, animal in enumerate(ANIMALS[:count]):
        labels = list(("12345" if n % 3 == 0 else "ABCDE")[: 3 + n % 3])
        rows.append(
            {
                "id": f"Invented_{split}_{n}",
                "question": f"Which of these does a {animal} of the {split} year need most?",
                "choices": {"text": [*PLACES[n % 4 :], *PLACES][: len(labels)], "label": labels},
                "answerKey": labels[n % len(labels)],
            }
        )
    rows[0]["choices"]["text"] = ["fire and air", "ice", "ice"]  # equal choices: only the place tells which is right
    rows[0]["answerKey"] = "3"
    return rows


def openbookqa_rows(split, count):
    return [
        {
            "id": f"{split}-{n}",
            "question_stem": f"A {animal} in the {split} room can be found" + " " * (n % 3),
            "choices": {
                "text": [f"the {PLACES[(n + k) % 7]}" + " at night" * (k % 2) for k in range(4)],
                "label": list("ABCD"),
            },
            "answerKey": "ABCD"[n * 3 % 4],
        }
        for n, animal in enumerate(ANIMALS[:count])
    ]


def gsm8k_rows(split, count):
    return [
        {
            "question": f"A {animal} eats {n + 2} fish on each of {n + 3} {split} days. How many is that?",
            "answer": f"It eats {n + 2}*{n + 3}=<<{n + 2}*{n + 3}={(n + 2) * (n + 3)}>>{(n + 2) * (n + 3)} fish.\n"
            f"#### {(n + 2) * (n + 3) * (1 if n % 3 else 100):,}",
        }
        for n, animal in enumerate(ANIMALS[:count])
    ]


FEATURES = {
    boolq_rows: {
        "question": TEXT,
        "passage": TEXT,
        "idx": Value("int32"),
        "label": ClassLabel(names=["False", "True"]),
    },
    piqa_rows: {"goal": TEXT, "sol1": TEXT, "sol2": TEXT, "label": Value("int64")},
    hellaswag_rows: {
        "ind": Value("int32"),
        **dict.fromkeys(("activity_label", "ctx_a", "ctx_b", "ctx"), TEXT),
        "endings": Sequence(TEXT),
        **dict.fromkeys(("source_id", "split", "split_type", "label"), TEXT),
    },
    winogrande_rows: dict.fromkeys(("sentence", "option1", "option2", "answer"), TEXT),
    arc_rows: {"id": TEXT, "question": TEXT, "choices": CHOICES, "answerKey": TEXT},
    openbookqa_rows: {"id": TEXT, "question_stem": TEXT, "choices": CHOICES, "answerKey": TEXT},
    gsm8k_rows: {"question": TEXT, "answer": TEXT},
}
SIZES = {"train": 12, "validation": 8, "test": 9}
# folder: rows, splits, configurations of which the last is the one that is not asked for
LAYOUT = {
    "super_glue": (boolq_rows, tuple(SIZES), ("boolq", "other")),
    "piqa": (piqa_rows, tuple(SIZES), ()),
    "hellaswag": (hellaswag_rows, tuple(SIZES), ("default",)),
    "winogrande": (winogrande_rows, tuple(SIZES), ("winogrande_xl", "winogrande_xs")),
    "ai2_arc": (arc_rows, tuple(SIZES), ("ARC-Challenge", "ARC-Easy")),
    "openbookqa": (openbookqa_rows, tuple(SIZES), ("main", "additional")),
    "gsm8k": (gsm8k_rows, ("train", "test"), ("main", "socratic")),
}
FOLDERS = {
    "arc_challenge": "ai2_arc",
    "arc_easy": "ai2_arc",
    "boolq": "super_glue",
    **{name: name for name in ("gsm8k", "hellaswag", "openbookqa", "piqa", "winogrande")},
}


def write_split(path, make, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    Dataset.from_list(rows, Features(FEATURES[make])).to_parquet(path)


def write_copies(root):
    """Returns the folder of each online task's miniature copy."""
    for folder, (make, splits, configurations) in LAYOUT.items():
        card = ["---", "configs:"]
        for place, configuration in enumerate(configurations):
            inside = "data" if configuration == "default" else configuration
            card += [f"- config_name: {configuration}", "  data_files:"]
            for split in splits:
                rows = make(split, SIZES[split])
                shown = rows if place == 0 else rows[1:]  # the second configuration is to be told from the first
                write_split(root / folder / inside / f"{split}-00000-of-00001.parquet", make, shown)
                card += [f"  - split: {split}", f"    path: {inside}/{split}-*"]
        if configurations:
            (root / folder / "README.md").write_text("\n".join([*card, "---", ""]))
        else:
            for split in splits:
                write_split(root / folder / f"{folder}_{split}.parquet", make, make(split, SIZES[split]))
    return {task: root / folder for task, folder in FOLDERS.items()}
