"""Allocation of bytes to units where the loss is a sum over units.

    additive_bound    Bounds of the additive program without solving it, and what they leave to be solved
    additive_costs    The loss as a sum over units: from sensitivities alone, and refitted on results
    additive_front    The front of an additive loss over rates, bits and ranks: where a search starts
    additive_path     The whole front of an additive loss in one pass: steps up
    additive_program  The additive allocation: one choice a unit, the least summed cost within a limit of bytes
    budget_levels     Budgets to solve for one after another, so that a method for one budget draws a front
    budget_program    The best configuration of an additive loss within a limit of bytes
    budget_repair     Repair of what is over the budget, by the choice that matters least per byte it saves
    byte_tables       Exact bytes of every choice of every unit
    ladder_greedy     Greedy allocation: always the step up that is worth most, while the bytes last

May import: ``contract``, ``moves``.
"""
