"""The figures hold the record's values, and what is not known is not drawn."""

import math

from reports.figures.all import drawings
from reports.figures.layers import MOST_ROWS, layer_rows


def one(record, section, place=0):
    return drawings(record)[section][place]


def by_meta(drawing):
    found = {}
    for trace in drawing.data:
        found.setdefault(trace.get("meta"), []).append(trace)
    return found


def test_a_whole_record_gives_every_figure(record):
    counts = {section: len(found) for section, found in drawings(record).items()}
    assert counts == {"front": 1, "prediction": 2, "hypervolume": 1, "effects": 1, "layers": 2}


def test_the_names_are_unique(record):
    names = [drawing.name for section in drawings(record).values() for drawing in section]
    assert len(set(names)) == len(names)


def test_plotly_accepts_every_figure(record):
    from plotly.graph_objects import Figure

    for section in drawings(record).values():
        for drawing in section:
            assert len(Figure({"data": drawing.data, "layout": drawing.layout}).data) == len(drawing.data)


def test_the_predicted_front_is_the_records(record):
    (front,) = by_meta(one(record, "front"))["predicted"]
    points = [entry["predicted"] for entry in record["front"]]
    assert front["x"] == [point["peak_memory_bytes"]["value"] / 2**20 for point in points]
    assert front["y"] == [point["held_out_loss"]["value"] for point in points]
    assert all(math.isclose(reach, 0.08) for reach in front["error_y"]["array"])
    assert front["line"]["shape"] == "hv"


def test_measured_points_by_role(record):
    measured = {trace["name"]: trace for trace in by_meta(one(record, "front"))["measured"]}
    assert {name: len(trace["x"]) for name, trace in measured.items()} == {
        "front, measured": 4,
        "random, measured": 1,
        "reference, measured": 2,
    }
    assert measured["reference, measured"]["ids"] == ["QLoRA", "16-bit LoRA"]


def test_a_single_run_has_no_bar(record):
    (front,) = [trace for trace in by_meta(one(record, "front"))["measured"] if trace["name"] == "front, measured"]
    assert [reach is None for reach in front["error_y"]["array"]] == [True, False, True, True]


def test_a_failed_run_is_not_drawn(record):
    failed = record["validation"][-1]
    failed["measured"] = {"held_out_loss": {"value": None, "low": None, "high": None, "n": 0, "values": []}}
    for section in ("front", "prediction"):
        for drawing in drawings(record)[section]:
            assert failed["name"] not in str(drawing.data)


def test_traces_that_failed_are_not_drawn(record):
    learnt = by_meta(one(record, "front"))
    assert len(learnt["plan"][0]["x"]) + len(learnt["baseline"][0]["x"]) == len(record["training_points"]) - 1


def test_the_shelfs_validation_traces_are_learnt_from(record):
    record["training_points"][10]["source"] = "validation"
    assert len(by_meta(one(record, "front"))["plan"][0]["x"]) == 47


def test_the_question_blind_loss_and_the_budget_are_lines(record):
    shapes = one(record, "front").layout["shapes"]
    assert [shape.get("y0") for shape in shapes] == [1.449, 0]
    assert shapes[1]["x0"] == 4.5e8 / 2**20


def test_a_label_on_a_logarithmic_axis_stands_at_its_logarithm(record):
    record["validation"][0]["measured"]["held_out_loss"]["value"] = 20.0
    layout = one(record, "front").layout
    assert layout["yaxis"]["type"] == "log"
    assert math.isclose(layout["annotations"][0]["y"], math.log10(1.449))
    assert layout["shapes"][0]["y0"] == 1.449


def test_a_third_objective_gets_its_own_panel(record):
    record["objectives"].append("step_time_s")
    for number, entry in enumerate(record["front"]):
        entry["predicted"]["step_time_s"] = {"value": 3.0 + number, "low": None, "high": None}
    found = drawings(record)["front"]
    assert [drawing.name for drawing in found] == ["front-peak_memory_bytes", "front-step_time_s"]


def test_predictions_against_measurements(record):
    drawing = one(record, "prediction")
    points = {trace["name"]: trace for trace in by_meta(drawing)["points"]}
    assert points["random"]["x"] == [record["validation"][4]["measured"]["held_out_loss"]["value"]]
    assert points["random"]["y"] == [record["validation"][4]["predicted"]["held_out_loss"]["value"]]
    (diagonal,) = by_meta(drawing)["diagonal"]
    assert diagonal["x"] == diagonal["y"]


def test_hypervolumes_are_shares_of_the_largest(record):
    traces = {trace["meta"]: trace for trace in one(record, "hypervolume").data}
    searchers = record["hypervolume"]["searchers"]
    assert set(traces) == set(searchers)
    assert max(max(trace["y"]) for trace in traces.values()) == 1.0
    largest = max(max(run["values"]) for run in searchers.values())
    assert traces["random"]["y"][-1] == searchers["random"]["values"][-1] / largest


def test_effects_keep_their_sign(record):
    drawing = one(record, "effects")
    (points,) = drawing.data
    assert points["x"] == [math.asinh(22.0), math.asinh(41.0), math.asinh(-0.4)]
    assert sorted(round(math.sinh(shape["x0"]), 9) for shape in drawing.layout["shapes"]) == [-3, -1, 1, 3]
    assert "no effect seen" in drawing.layout["yaxis"]["ticktext"][2]


def test_an_axis_without_a_ratio_is_left_out(record):
    nothing = {"value": None, "low": None, "high": None}
    record["effects"]["axes"][0]["ratio"] = nothing
    assert len(one(record, "effects").data[0]["x"]) == 2
    for axis in record["effects"]["axes"]:
        axis["ratio"] = nothing
    assert drawings(record)["effects"] == ()


def test_the_layer_maps_rows_are_ordered_by_memory(record):
    rows = layer_rows(record)
    assert [row.memory for row in rows] == sorted(row.memory for row in rows)
    assert len(rows) == len(record["front"]) + 4
    heat = one(record, "layers").data[0]
    assert [[int(value) for value in line] for line in heat["text"]] == [row.configuration["bits"] for row in rows]
    assert max(max(line) for line in heat["z"]) == len(heat["colorscale"]) / 2 - 1


def test_a_long_front_is_thinned(record):
    first = record["front"][0]
    record["front"] = [
        {**first, "configuration": {**first["configuration"], "bits": [2 + number % 3] * (number + 1)}}
        for number in range(60)
    ]
    rows = layer_rows(record)
    assert len(rows) == MOST_ROWS
    assert {entry["name"] for entry in record["validation"]} <= {row.label.split(" · ")[0] for row in rows}
    assert drawings(record)["layers"][0].data[0]["z"][0]


def test_names_are_escaped(record):
    record["validation"][0]["name"] = "<b>front</b>"
    for section in drawings(record).values():
        for drawing in section:
            shown = [{key: value for key, value in trace.items() if key != "ids"} for trace in drawing.data]
            assert "<b>front</b>" not in str((shown, drawing.layout))


def test_nothing_measured(bare_record):
    found = drawings(bare_record)
    assert {section: len(made) for section, made in found.items()} == {
        "front": 1,
        "prediction": 0,
        "hypervolume": 1,
        "effects": 0,
        "layers": 2,
    }
    metas = by_meta(found["front"][0])
    assert set(metas) == {"plan", "predicted", "outside"}
    assert len(metas["predicted"][0]["x"]) == 13
    assert metas["predicted"][0]["error_y"]["array"] == [None] * 13


def test_nothing_at_all(bare_record):
    empty = bare_record | {"front": [], "training_points": [], "hypervolume": None}
    assert all(found == () for found in drawings(empty).values())
