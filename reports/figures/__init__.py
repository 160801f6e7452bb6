"""Figures, interactive and for print.

    all          Every interactive figure of a report, by the section that shows it
    effects      Which axes matter: what going from an axis' lowest to its highest value changes
    figure       An interactive figure as plain data, and the look that all of them share
    front        The predicted front beside what real runs measured
    hypervolume  How fast each searcher's front grows, beside random search
    labels       Where the labels of points stand, so that no two overlap
    layers       Where bits and ranks went, layer by layer: one row for each configuration
    prediction   Predicted against measured, on configurations that no model saw: one small square for each metric
    print        The figures for print: matplotlib to SVG and PNG, the same bytes for the same record
    quantity     How a metric's values are shown in a report: scaled unit, decimals, intervals
    words        A configuration, sizes and lists in words

May import: no other folder of ``reports``.
"""
