"""What problems and searchers must offer, and the loop between them.

    archive       What a searcher was told, kept in order
    budget_check  Whether a budget can be met at all, asked before a search starts
    knowledge     What a searcher may know without an evaluation: sensitivities of the base model, exact bytes
    loop          The loop of ask, evaluate and tell, and the history that it leaves
    pareto        Fronts and hypervolumes of what was evaluated, by moocore; everything is minimised
    problem       What a searcher is judged on: configurations in, losses and budget violations out
    searcher      The contract of every searcher: ask for configurations, tell what they gave
    setup         What every searcher is made from, and the check of its options
    start_points  Where a search starts: points that are found when the first is asked for
    visited       Which vectors of a space were asked for or told, and draws of others where a searcher has none left

May import: no other folder of ``search``.
"""
